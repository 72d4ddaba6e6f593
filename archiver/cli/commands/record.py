"""`archiver record`: an open capture for any program that honours proxy settings."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_case
from archiver.cli.capture_options import capture_options
from archiver.cli.copying import copied
from archiver.errors import UsageError
from archiver.home.home import Home
from spiders.links import without_userinfo
from spiders.targets import NoTarget, Target, page, parse_target

if TYPE_CHECKING:
    from archiver.capture.result import CaptureResult
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver record -- scrapy crawl page -a link=https://example.org"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver record` takes."""
    add_case(parser)
    about = "What the capture is about (default: the command itself)."
    parser.add_argument("--about", metavar="LINK", help=about)
    program = "Command to record, after --."
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=program)


def run(context: Context) -> int:
    """Record what a program fetches that honours proxy settings."""
    home = context.recovered_home()
    return copied(context, home, _record(context, home))


def _record(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.capture.services import open_recorder
    from archiver.cli.runtime import after_captures, capture_engine

    arguments, console = context.arguments, context.console
    command = list(arguments.program)
    if command[:1] == ["--"]:  # ours; any further one belongs to the program
        del command[0]
    if not command or not command[0]:
        raise UsageError(
            "a command after --",
            "none",
            "For example: archiver record -- scrapy crawl page -a link=https://example.org",
        )
    target = _about(arguments.about) if arguments.about else page("https://record.invalid/" + Path(command[0]).name)
    recorder = open_recorder(home, context.network)
    options = capture_options(home, arguments)

    async def program(proxy: str) -> int:
        with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
            authority.write(recorder.authority.pem)
            authority.flush()
            return await asyncio.to_thread(_child, command, proxy, authority.name)

    async def recorded() -> CaptureResult:
        return await capture_engine(context, home, recorder).record(target, options, program)

    try:
        result = asyncio.run(recorded())
    finally:
        recorder.close()
    console.result(result)
    after_captures(context, home, options.cases)
    return EXIT_BY_OUTCOME[result.outcome]


def _about(link: str) -> Target:
    """Read what the capture is about. Raises `UsageError`: it would be kept under a link that nobody gave."""
    found = parse_target(link)
    if isinstance(found, NoTarget):
        raise UsageError(
            "a link that is understood", f"{without_userinfo(link)!r}: {found.reason}", f"--about: {found.next_step}"
        )
    return found


def _child(command: list[str], proxy: str, authority: str) -> int:
    """Runs the program with proxy and authority in *its* environment only."""
    environment = {
        **os.environ,
        "ARCHIVER_RECORDER": proxy,
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), proxy),
        **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), authority),
        "no_proxy": "",
        "NO_PROXY": "",
    }
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        raise UsageError(f"a program {command[0]!r}", str(error), "Check the command after --.") from error
