"""`archiver update-extractors`: a newer yt-dlp for this home, beside the one that the release pins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archiver.errors import ExitCode, UsageError
from archiver.text.plain import size

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.tools.extractor_update import Offered

EXAMPLE = (
    "archiver update-extractors",
    "archiver update-extractors 2026.11.20 --sha256 DIGEST --yes",
    "archiver update-extractors --pinned",
)
DESCRIPTION = """\
Install a newer yt-dlp, which finds the videos on pages, for this home alone: beside the one that this release pins, after
asking, and checked by its digest. The manifest of each capture names the version that was used."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver update-extractors` takes."""
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="Version of yt-dlp (default: the newest release)."
    )
    digest = "SHA-256 that the wheel must have; without it, the one that the index states counts."
    parser.add_argument("--sha256", metavar="DIGEST", help=digest)
    index = "Index of packages to ask (default: https://pypi.org/simple/)."
    parser.add_argument("--index", metavar="URL", help=index)
    parser.add_argument("--pinned", action="store_true", help="Use the pinned version again.")
    parser.add_argument("--yes", action="store_true", help="Install without asking.")


def run(context: Context) -> int:
    """Install a version, or go back to the pinned one. Exit code 1 where nobody agreed."""
    from importlib.metadata import version

    from archiver.recorder.client import ServiceClient
    from archiver.tools.extractor_update import INDEX, LIMIT, NAME, back_to_pinned, in_force, update

    arguments, console, home = context.arguments, context.console, context.home()
    pinned, now = version(NAME), in_force(home.path)
    if arguments.pinned:
        was = back_to_pinned(home.path)
        console.say(
            f"yt-dlp {pinned} is used, as this release pins it" + ("" if was else "; no other one was in force")
        )
        console.data({"version": pinned, "pinned": True})
        return ExitCode.OK
    console.say(f"pinned     yt-dlp {pinned}" + (f"; in force: {now.version}" if now else ""))

    def agreed(found: list[Offered]) -> bool:
        for one in found:
            told = f", {size(one.size)}" if one.size is not None else ""
            console.say(
                f"offered    {one.name} {one.version}{told}"
                + (f", uploaded {one.uploaded[:10]}" if one.uploaded else "")
            )
            console.say(f"  from     {one.url}\n  sha256   {one.sha256}")
            console.data({"offered": one.name, "version": one.version, "url": one.url, "sha256": one.sha256})
        return arguments.yes or _asked(context)

    client = ServiceClient(home.config.proxy, context.network, seconds=300.0, limit=LIMIT)
    wanted = (arguments.version, arguments.sha256)
    found = update(home.path, client, arguments.index or INDEX, wanted, agreed)
    if found is None:
        console.say("nothing was installed")
        return ExitCode.USAGE
    console.say(f"installed  yt-dlp {found.version} for this home; `archiver update-extractors --pinned` goes back")
    console.data({"version": found.version, "sha256": found.sha256, "folder": str(found.folder), "pinned": False})
    return ExitCode.OK


def _asked(context: Context) -> bool:
    if context.console.as_json or not sys.stdin.isatty():
        raise UsageError("a yes on the terminal, or --yes", "neither", "Read the lines above; then add --yes.")
    try:
        return input("Install this program of others, which will run here? yes/no [no] ").strip().lower() in (
            "y",
            "yes",
        )
    except EOFError:  # Ctrl-D
        return False
