"""What stops a command: Ctrl-C and SIGTERM, by whatever the system's event loop has for them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

STOPPING = (signal.SIGINT, signal.SIGTERM)


def on_stop(told: Callable[[signal.Signals], None]) -> bool:
    """Have the running loop call `told` when somebody stops the command. Return whether it will.

    Windows's loops take no handlers: there `signal.signal` calls it, in the loop. Outside of the main thread nobody does.
    """
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        try:
            loop.add_signal_handler(number, told, number)
        except NotImplementedError:
            try:
                signal.signal(
                    number, lambda caught, _: loop.call_soon_threadsafe(told, signal.Signals(caught)) and None
                )
            except ValueError:
                return False
        except (ValueError, RuntimeError):  # not the main thread: the demo's and tests' case
            return False
    return True
