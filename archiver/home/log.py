"""The log of a home: one file a process in `log/`, which names captures, jobs and records by their ids and nobody else.

A log of links is the diary of an investigation: without `--debug` only what `archiver.home.log_text` allows reaches it. It
is no evidence: never copied, in no package, and emptied of captures that are disposed of.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archiver.home.log_text import OURS, plain_text, whole_text
from storage.errors import EvidenceError, disk_error
from storage.files import Lock, locked
from storage.times import system_clock, utc_text

if TYPE_CHECKING:
    from types import TracebackType

FOLDER = "log"
MOST = 50_000_000
"""How many bytes all files together hold; what was written to longest ago goes first."""
STEP = 65536
"""Each process may write so much before it looks again at what there is. Also the longest record, bytes."""
OF_ONE = 5_000_000
"""A file that holds so much is continued in a new one, so that of a long process the oldest part can go."""
LOCK = ".lock"
PATIENCE = 1.0
"""Seconds that a process waits for another that makes room."""
DEBUG = ".debug.log"
"""How the names of files end that were written with `--debug`."""
IN_LOG = "in the log at"
_REFERENCE = "archiver reference"
"""What a record is told its reference by: a name that no library gives to an `extra` of its own."""
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"

Clean = Callable[[str], str]
"""Takes the secrets out of a text."""


class FaultPlace(NamedTuple):
    """Where a fault is written down."""

    reference: str
    file: Path

    def __str__(self) -> str:
        return f"{IN_LOG} {self.reference}"


class HomeLog(logging.Handler):
    """Writes what is logged in this process to a file of its own, which is begun with the first record.

    Used as a context: while it is entered, it stands in the place of any other log of a home.
    """

    def __init__(self, home: Path, say: Callable[[str], None], cleaner: Callable[[], Clean] | None = None) -> None:
        """`say` tells the person, once, that nothing can be written. `cleaner`: with `--debug`; it may raise `EvidenceError`."""
        super().__init__()
        self.home = home
        self._folder, self._say, self._cleaner = home / FOLDER, say, cleaner
        self._file: Path | None = None
        self._descriptor = self._process = -1
        self._clean: Clean | None = None
        self._secrets: frozenset[str] = frozenset()
        self._told = self._torn = False
        self._writing = threading.local()
        self._faults: dict[str, Path] = {}
        self._before: HomeLog | None = None
        self._over = False

    def __repr__(self) -> str:
        return f"HomeLog({self.home})"

    # -- being the log of this process -------------------------------------------------------------------

    def __enter__(self) -> HomeLog:
        self._before = current()
        root = logging.getLogger()
        if self._before is not None:
            root.removeHandler(self._before)
        root.addHandler(self)
        for name in OURS:
            logging.getLogger(name).setLevel(logging.DEBUG if self._cleaner else logging.INFO)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, and put back the log that stood here before."""
        root, before, self._over = logging.getLogger(), self._before, True
        while before is not None and before._over:
            before = before._before
        if self in root.handlers:
            root.removeHandler(self)
            for name in OURS if before is None else ():
                logging.getLogger(name).setLevel(logging.NOTSET)
            if before is not None:
                root.addHandler(before)
        self.acquire()
        try:
            self._leave()
        finally:
            self.release()
        super().close()

    # -- records -----------------------------------------------------------------------------------------

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. What cannot be written is left to Python's own last resort, standard error, from warnings on."""
        if getattr(self._writing, "now", False):  # a record about writing a record
            return
        from archiver.home.home import is_home  # late: a child process begins with this module

        self._writing.now = True
        reference = str(getattr(record, _REFERENCE, "-"))
        try:
            if is_home(self.home):  # as yet, or any more: a log makes none
                file = self._write(self._line(record, reference).encode("utf-8", "backslashreplace"))
                if reference != "-":
                    self._faults[reference] = file
                return
        except (OSError, EvidenceError) as error:
            self._tell(error)
        finally:
            self._writing.now = False
        if reference == "-" and record.levelno >= logging.WARNING and not _is_silenced(record.name):
            assert logging.lastResort is not None
            logging.lastResort.handle(record)

    def show(self, error: BaseException) -> None:
        """Show a traceback to the person, in the place of the log."""
        self._say("".join(traceback.format_exception(error)).rstrip())

    def withhold(self, secret: str) -> None:
        """Take a secret out of what is written from now on."""
        self._secrets = self._secrets | ({secret} - {""})  # a new set: another thread may go through the old one

    def place_of(self, reference: str) -> FaultPlace | None:
        """Return where a fault was written, once; None where it could not be."""
        file = self._faults.pop(reference, None)
        return FaultPlace(reference, file) if file is not None else None

    def _line(self, record: logging.LogRecord, reference: str) -> str:
        text = None
        if self._cleaner is not None:
            with suppress(EvidenceError):  # without the settings it is not known what is secret
                self._clean = self._clean or self._cleaner()
                text = self._clean(whole_text(record))
                for secret in self._secrets:
                    text = text.replace(secret, "withheld")
        text = plain_text(record) if text is None else text
        moment = utc_text(datetime.fromtimestamp(record.created, UTC))
        # Only a record's first line begins at the margin: so it is told where one ends, also by `forget_captures`.
        lines = f"{moment} {reference} {record.levelname} {text}".replace("\r", " ").rstrip().split("\n")
        whole = "\n  ".join(lines)
        return (whole if len(whole) < STEP // 4 else whole[: STEP // 4] + " …") + "\n"

    def _tell(self, error: OSError | EvidenceError) -> None:
        if not self._told:
            self._told = True
            found = error.found if isinstance(error, EvidenceError) else error.strerror or str(error)
            self._say(f"archiver: the log in {self._folder} cannot be written: {found}. Work goes on without it.")

    # -- files -------------------------------------------------------------------------------------------

    def _write(self, line: bytes) -> Path:
        """Append a record whole, and return the file that it stands in."""
        size = self._size()
        if size is None or size + len(line) > OF_ONE:
            self._leave()
            self._begin()
            size = 0
        assert self._file is not None
        if size and size // STEP == (size + len(line)) // STEP:
            self._append(line)
        else:
            lock = Lock(self._folder / LOCK)
            # A process that was stopped while it held the lock keeps nobody from work: then the bound may be passed.
            held = _taken(lock)
            try:
                if held:
                    make_room(self._folder, self._file, (size + len(line)) // STEP - size // STEP)
                self._append(line)
            finally:
                lock.release()
        return self._file

    def _append(self, line: bytes) -> None:
        rest, self._torn = b"\n" * self._torn + line, True
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._torn = False

    def _size(self) -> int | None:
        """Return how long our file is; None where there is none, it was removed, or it is the parent's of a fork."""
        if self._descriptor < 0 or self._process != os.getpid():
            return None
        state = os.fstat(self._descriptor)
        return state.st_size if state.st_nlink else None

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if stat.S_IMODE(self._folder.stat().st_mode) & 0o077:
            self._folder.chmod(0o700)
        ending = DEBUG if self._cleaner is not None else ".log"
        name = f"{system_clock():%Y%m%dT%H%M%S}-{os.getpid()}-{_letters(4)}{ending}"
        file = self._folder / name
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.fchmod(self._descriptor, 0o600)  # whatever the umask of who calls the library
        self._file, self._process = file, os.getpid()

    def _leave(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor, self._file = -1, None


def _taken(lock: Lock) -> bool:
    end = time.monotonic() + PATIENCE
    while not lock.acquire(wait=False):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def make_room(folder: Path, own: Path, more: int) -> None:
    """Remove the least recently written files, until there is room for each file to be written to the end of its step.

    Called under the lock. `more`: the number of steps by which our `own` file, which stays, will grow.
    """
    found = []
    for path in _files(folder):
        with suppress(FileNotFoundError):
            state = path.stat()
            found.append((state.st_mtime_ns, path.name, (state.st_size // STEP + 1) * STEP))
    total = sum(size for _, _, size in found) + more * STEP
    for _, name, size in sorted(found):
        if total <= MOST:
            return
        if name != own.name:
            (folder / name).unlink(missing_ok=True)
            total -= size


def forget_captures(home: Path, captures: Collection[str]) -> None:
    """Take what is written about these captures out of the log, whichever process writes to it. Raises `DiskError`.

    A record that names one is overwritten where it stands. What was written with `--debug` is removed as a whole: in it
    a link, a handle or a name may stand anywhere.
    """
    folder = home / FOLDER
    if not folder.is_dir():
        return
    names = [capture.encode() for capture in captures]
    try:
        with locked(folder / LOCK):
            for path in _files(folder):
                if path.name.endswith(DEBUG):
                    path.unlink(missing_ok=True)
                    continue
                data = path.read_bytes()
                spans = [span for span in _records(data) if any(name in data[slice(*span)] for name in names)]
                if spans:
                    _overwrite(path, spans)
    except OSError as error:
        raise disk_error(error, "taking a capture out of the log") from error


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each record begins and ends, with the lines that belong to it; its line end is left out."""
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        while end >= 0 and data[end + 1 : end + 2] in (b" ", b"\n"):
            end = data.find(b"\n", end + 1)
        end = end if end >= 0 else len(data)
        yield begin, end
        begin = end + 1


def _overwrite(path: Path, spans: list[tuple[int, int]]) -> None:
    """In place: a process that appends meanwhile loses nothing."""
    state = path.stat()
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for begin, end in spans:
            os.pwrite(descriptor, b"-" * (end - begin), begin)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


# -- faults ------------------------------------------------------------------------------------------------


def current() -> HomeLog | None:
    """Return the log that this process writes to."""
    return next((one for one in logging.getLogger().handlers if isinstance(one, HomeLog)), None)


def withhold(secret: str) -> None:
    """Take a secret that no setting names out of the log of this process from now on."""
    if (log := current()) is not None:
        log.withhold(secret)


def keep_fault(
    logger: logging.Logger, error: BaseException, what: str, *about: object, shown: bool = False
) -> FaultPlace | None:
    """Write a fault of the program with its traceback; return where it stands, or None where nothing can be written.

    The person is shown the traceback then, unless it is `shown` by the caller.
    """
    log = current()
    if log is None:
        return None
    reference = _letters(8)
    logger.error(what, *about, exc_info=error, extra={_REFERENCE: reference}, stacklevel=2)
    place = log.place_of(reference)
    if place is None and not shown:
        log.show(error)
    return place


class Telling:
    """Entered around a call: a fault that leaves it is told to a function first, and rises on."""

    def __init__(self, told: Callable[[Exception], object]) -> None:
        self._told = told

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, place: object) -> None:
        if isinstance(error, Exception):
            self._told(error)


def noted(reason: str, place: FaultPlace | None) -> str:
    """Return a reason with the place in the log that says more."""
    return f"{reason}; {place}" if place is not None else reason


def child_words() -> list[str]:
    """Return what a child process of ours is handed for `begin_child_log`."""
    log = current()
    return [str(log.home)] if log is not None else []


def begin_child_log(logger: logging.Logger, words: list[str]) -> None:
    """Begin the log of a child process. It is told no secret, and so writes no text, not even with `--debug`.

    An exception that ends the process is written there too; the last line on standard error says where.
    """
    if not words:
        return
    HomeLog(Path(words[0]), _tell_parent).__enter__()

    def ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        if isinstance(error, Exception) and (
            place := keep_fault(logger, error, "a fault ended the process", shown=True)
        ):
            _tell_parent(str(place))

    sys.excepthook = ended


def _is_silenced(name: str) -> bool:
    """Return whether a logger has handlers beside ours, such as one that silences it: Python's last resort is for others."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if any(not isinstance(one, HomeLog) for one in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _tell_parent(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
