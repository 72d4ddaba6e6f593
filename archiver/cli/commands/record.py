"""`archiver record`: an open capture for any program that honours proxy settings."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.children import leave_no_cores
from archiver.cli.arguments import add_case
from archiver.cli.capture_options import capture_options
from archiver.cli.copying import copied
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.secret_values import without_secret_variables
from spiders.links import without_userinfo
from spiders.targets import NoTarget, Target, page, parse_target

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

GRACE_SECONDS = 10.0
"""How long a program may take to end by a signal, before it is ended."""
STDERR = 2
EXAMPLE = "archiver record -- scrapy crawl page -a link=https://example.org"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver record` takes."""
    add_case(parser)
    about = "Link that the capture is about (default: the command itself)."
    parser.add_argument("--about", metavar="LINK", help=about)
    program = "Command to run and record, after --. With --json, its standard output goes to standard error."
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=program)


def run(context: Context) -> int:
    """Record what a program fetches that honours proxy settings."""
    home = context.recovered_home()
    return copied(context, home, _record(context, home))


def _record(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.capture.services import open_recorder
    from archiver.cli.runtime import Interruptible, capture_engine

    arguments = context.arguments
    command = list(arguments.program)
    if command[:1] == ["--"]:  # ours; any further one belongs to the program
        del command[0]
    if not command or not command[0]:
        raise UsageError(
            "a command after --",
            "none",
            "For example: archiver record -- scrapy crawl page -a link=https://example.org",
        )
    found = shutil.which(command[0]) or shutil.which(command[0], path=str(Path(sys.executable).parent))
    if found is None:
        raise UsageError(f"an executable program {command[0]!r}", "none", "Check the command after --.")
    about = command[0]
    if shutil.which(command[0]) is None:  # it lies beside our own Python, as scrapy does, whose folder is not in PATH
        command[0] = found
    target, options = _target(arguments.about, about), capture_options(home, arguments)
    recorder = open_recorder(home, context.network)
    engine = capture_engine(context, home, recorder)
    output = STDERR if arguments.json else None
    given = {**without_secret_variables(home.config, os.environ), **_spiders_of(Path.cwd())}
    program = RecordedProgram(command, recorder.authority.pem, context.umask, given, output)
    codes: list[int] = []

    async def recorded() -> None:
        result = await engine.record(target, options, program.run)
        context.console.result(result)
        codes.append(EXIT_BY_OUTCOME[result.outcome])

    try:
        Interruptible(engine, context, options.cases, program.signalled).run(recorded())
    finally:
        recorder.close()
    return max(codes)


def _spiders_of(folder: Path) -> dict[str, str]:
    """Return the variables by which `scrapy` finds the spiders that are meant.

    Where a project lies around the folder, its packages come before ours of the same names (`spiders`, `storage`), which
    Scrapy would look at first. Elsewhere it is told of our spiders.
    """
    own = next((place for place in (folder, *folder.parents) if (place / "scrapy.cfg").exists()), None)
    if own is None:
        return {} if os.environ.get("SCRAPY_SETTINGS_MODULE") else {"SCRAPY_SETTINGS_MODULE": "spiders.settings"}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(own), os.environ.get("PYTHONPATH"))))}


def _target(about: str | None, program: str) -> Target:
    """Return what the capture is about. Raises `UsageError`."""
    if about is not None:
        named = parse_target(about)
        if isinstance(named, NoTarget):
            found = f"{without_userinfo(about)!r}: {named.reason}"
            raise UsageError("a link after --about", found, named.next_step)
        return named
    name = os.fsencode(Path(program).name).decode("utf-8", "replace")
    return page(f"https://record.invalid/{name}")


class RecordedProgram:
    """A program that runs with the recorder as its proxy, and gets the signals that end us.


    With a terminal it stays in our process group: it can read there, and Ctrl-C and Ctrl-Z reach whatever it starts, as in
    a shell. Elsewhere it has a group of its own, and signals go to the whole of it.
    """

    def __init__(
        self, command: list[str], authority: bytes, umask: int, given: dict[str, str], output: int | None = None
    ) -> None:
        """`authority`: the certificate that the recorder signs with, PEM. `umask`: the one that the program is to have.

        `given`: its environment, but for what leads to the recorder. `output`: the descriptor that its standard output goes to; None for ours.
        """
        self._command, self._authority, self._umask, self._output = command, authority, umask, output
        self._given = given
        self._child: subprocess.Popen[bytes] | None = None
        self._own_group = not _has_terminal()
        self._signalled = False
        self._endings: list[asyncio.TimerHandle] = []

    async def run(self, proxy: str, items: Path) -> int:
        """Run it to its end; return its exit code. Raises `UsageError` where it cannot be run."""
        if self._signalled:
            return -signal.SIGTERM
        with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
            authority.write(self._authority)
            authority.flush()
            try:
                self._child = subprocess.Popen(
                    self._command,
                    stdout=self._output,
                    env=_environment(self._given, proxy, authority.name, items),
                    umask=self._umask,
                    process_group=0 if self._own_group else None,
                )
            except OSError as error:
                raise UsageError(
                    f"a program {self._command[0]!r}", str(error), "Check the command after --."
                ) from error
            code = await asyncio.to_thread(self._child.wait)
            await self._group_ended()
            return code

    async def _group_ended(self) -> None:
        """Wait, after a signal, until what the program started has ended too, or was ended."""
        loop = asyncio.get_running_loop()
        last = loop.time() + 2 * GRACE_SECONDS + 1  # what nobody reaps is there for ever
        while self._signalled and self._own_group and self._signal(0) and loop.time() < last:
            await asyncio.sleep(0.05)
        for ending in self._endings:
            ending.cancel()
        self._child = None

    def signalled(self, number: signal.Signals, times: int) -> None:
        """Hand a signal on. What does not end by it is ended: the recorder answers it no more."""
        self._signalled = True
        if self._child is None:
            return
        if times > 1:
            self._signal(signal.SIGKILL)
            return
        if number != signal.SIGINT or self._own_group:  # a terminal sends Ctrl-C to the program too
            self._signal(number)
        loop = asyncio.get_running_loop()
        self._endings += [
            loop.call_later(GRACE_SECONDS, self._signal, signal.SIGTERM),
            loop.call_later(2 * GRACE_SECONDS, self._signal, signal.SIGKILL),
        ]

    def _signal(self, number: int) -> bool:
        """Signal the program, and its group where it has one; 0 only asks. Return whether there was any to get it."""
        if self._child is None:
            return False
        try:
            if self._own_group:
                os.killpg(self._child.pid, number)
            else:
                self._child.send_signal(number)
        except (ProcessLookupError, PermissionError):  # it has ended, or runs as another user
            return False
        return True


def _has_terminal() -> bool:
    """Return whether a terminal controls us: a process in a group of its own could not read there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _environment(given: dict[str, str], proxy: str, authority: str, items: Path) -> dict[str, str]:
    """Return what the program's environment is: proxy and authority stand in *its* environment only."""
    leave_no_cores()
    return {
        **given,
        "ARCHIVER_RECORDER": proxy,
        "ARCHIVER_ITEMS": str(items),
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), proxy),
        **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), authority),
        "no_proxy": "",
        "NO_PROXY": "",
    }
