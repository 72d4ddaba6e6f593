"""What stops a command, also where the event loop takes no handlers."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from archiver.cli.signals import STOPPING, on_stop


@pytest.mark.parametrize("as_on_windows", [False, True])
def test_a_signal_is_told_in_the_loop(as_on_windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in STOPPING}
    told: list[signal.Signals] = []

    async def run() -> bool:
        if as_on_windows:

            def none(*given: object) -> None:
                raise NotImplementedError

            monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", none)
        came = asyncio.Event()

        def tell(number: signal.Signals) -> None:
            told.append(number)
            came.set()

        good = on_stop(tell)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(came.wait(), 5)
        return good

    try:
        assert asyncio.run(run())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert told == [signal.SIGTERM]


def test_outside_of_the_main_thread_nobody_is_told() -> None:
    async def run() -> bool:
        return on_stop(lambda number: None)

    assert asyncio.run(asyncio.to_thread(asyncio.run, run())) is False
