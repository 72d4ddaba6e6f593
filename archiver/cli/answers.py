"""What is said of whatever ended a command, and the exit code of it."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from archiver.cli import streams
from archiver.cli.parser import CommandLineError
from archiver.errors import ABOVE, ExitCode, ProgramFault, exit_code
from archiver.text.plain import harmless
from spiders.links import without_userinfo
from storage.errors import DiskError, EvidenceError, disk_error, is_refusal

if TYPE_CHECKING:
    from types import TracebackType

    from archiver.cli.console import Console
    from archiver.home.log import HomeLog


KEPT = "What was received is kept; the next command seals it."
"""Said where what was stopped does not say itself what is left of it."""


def answer_for(console: Console, error: BaseException) -> ExitCode:
    """Say what ended a command; return its exit code.

    A group whose members are all foreseen is told one by one, and the highest code counts. Everything outside of the error
    tree but Ctrl-C is a fault of the program, whoever raised it.
    """
    leaves = [_refused_by_disk(leaf) or leaf for leaf in _leaves(error)]
    if all(isinstance(leaf, EvidenceError) for leaf in leaves):
        return max(_tell(console, leaf) for leaf in leaves if isinstance(leaf, EvidenceError))
    if all(isinstance(leaf, (KeyboardInterrupt, EvidenceError)) for leaf in leaves):
        told = next((str(leaf) for leaf in leaves if isinstance(leaf, KeyboardInterrupt) and leaf.args), KEPT)
        return tell_stopped(console, told)
    return _tell_fault(console, error)


def tell_stopped(console: Console, then: str = KEPT) -> ExitCode:
    """Say that a person stopped the command, and what is left of it (`then`); return the exit code."""
    console.warn(f"archiver: stopped. {then}")
    expected = "a command that runs to its end"
    console.data({"error": "Stopped", "expected": expected, "found": "Ctrl-C, or a signal to end", "next": then})
    return ExitCode.FAILED


class WatchedThreads:
    """While it is entered, a thread that ends by an exception is told of and remembered: Python would print and forget."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.code = ExitCode.OK
        self.log: HomeLog | None = None
        """The log of the command, once its home is known."""
        self._before = threading.excepthook

    def __enter__(self) -> WatchedThreads:
        self._before = threading.excepthook
        if threading.current_thread() is threading.main_thread():  # the hook is the process's
            threading.excepthook = self._ended
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            threading.excepthook = self._before

    def watch_on(self, code: int) -> None:
        """Answer for threads that outlive the command: Python waits for them, and would end with the command's `code`."""
        threading.excepthook = self._ended
        atexit.register(self._end_process, code)

    def watch_clearing(self) -> None:
        """Write down what Python would print with all that it says: an exception that nothing can catch, as in `__del__`."""
        sys.unraisablehook = self._passed_over

    def _passed_over(self, ended: sys.UnraisableHookArgs) -> None:
        from archiver.home.log import keep_fault  # late: few commands meet one

        place, error = None, ended.exc_value
        if error is not None:
            place = keep_fault(logging.getLogger(__name__), error, "a fault that nothing could catch", shown=True)
        if place is None:
            sys.__unraisablehook__(ended)
        else:
            self.console.warn(f"archiver: a fault of the program beside its work: {type(error).__name__}; {place}")

    def _end_process(self, code: int) -> None:
        if self.code > code:
            streams.flush()
            os._exit(self.code)

    def _ended(self, ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
            self.code = max(self.code, answer_for(self.console, ended.exc_value))


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for member in error.exceptions for leaf in _leaves(member)]


def _refused_by_disk(error: BaseException) -> DiskError | None:
    """Tell a disk that is full, fails or takes nothing from a fault of the program, whatever was being done there.

    Which call meets it is the disk's choice, and there are hundreds. The traceback goes to the log all the same.
    """
    if not isinstance(error, OSError) or not is_refusal(error):
        return None
    from archiver.home.log import keep_fault  # late: few commands end here

    keep_fault(logging.getLogger(__name__), error, "the disk refused a call", shown=True)
    return disk_error(error, "the command was stopped there; what was sealed is kept")


def _tell(console: Console, error: EvidenceError) -> ExitCode:
    if isinstance(error, CommandLineError):
        console.warn(f"{error.program}: {error.found}\n{error.next_step}")
    else:
        console.warn(f"archiver: expected {error.expected}")
        console.warn(f"          found    {error.found}")
        console.warn(f"          next     {error.next_step}")
    console.data(_json_line(error))
    return exit_code(error)


def _json_line(error: EvidenceError) -> dict[str, Any]:
    kind = "UsageError" if isinstance(error, CommandLineError) else type(error).__name__
    said = {"expected": error.expected, "found": error.found, "next": error.next_step}
    return {"error": kind, **{name: without_userinfo(text) for name, text in said.items()}}


def _tell_fault(console: Console, error: BaseException) -> ExitCode:
    """Write the traceback to the log and say in one line where it is; it is shown where there is no log."""
    from archiver.home.log import keep_fault  # late: few commands end here

    foreseen = (EvidenceError, KeyboardInterrupt)
    broke = next(leaf for leaf in _leaves(error) if not isinstance(leaf, foreseen))
    place = keep_fault(logging.getLogger(__name__), error, "a fault ended the command", shown=True)
    if place is None:
        console.tell_fault(_traceback(error))
    fault = ProgramFault(broke, f"what stands at {place.reference} in {place.file}" if place else ABOVE)
    fault.found = console.clean(fault.found)
    if place is None:
        return _tell(console, fault)
    console.warn(harmless(f"archiver: {fault.found}. {fault.next_step}"))
    console.data({**_json_line(fault), "log": {"reference": place.reference, "file": str(place.file)}})
    return exit_code(fault)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
