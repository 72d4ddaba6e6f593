"""`archiver files`: every file of captures, whole, in a folder to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.protected import ask_for_sources
from archiver.cli.warc_files import are_warcs, write_assembled
from archiver.errors import ExitCode, UsageError
from archiver.home.paths import given_folder, refuse_inside
from archiver.text.plain import many

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.export.files_out import OutFile

EXAMPLE = ("archiver files almaty --to ./almaty-files --playable", "archiver files LAST --to ./files --kind video")
DESCRIPTION = """\
Write every file of captures, cases or posts into a folder, whole, named by time, author and post, with a page to look
through them offline, and files.csv with the SHA-256 of each. The folder is for your own work: nothing in it is redacted."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver files` takes."""
    what = "Capture, case, or post (its id or link); or a WARC file, or a folder of them."
    parser.add_argument("what", nargs="+", metavar="ID|CASE|POST", help=what)
    to = "Folder to write the files to: new, empty, or filled by an earlier `archiver files`."
    parser.add_argument("--to", type=given_folder, required=True, metavar="DIR", help=to)
    kind = "Only files of this kind, like video, photo, audio or document; repeatable."
    parser.add_argument("--kind", action="append", default=[], metavar="KIND", help=kind)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--original", action="store_true", help="Write the files as they were captured (default).")
    playable = "Also write a copy of each file that browsers do not play, and of picture and sound that came apart."
    form.add_argument("--playable", action="store_true", help=playable)
    parser.add_argument("--yes", action="store_true", help="Also write files of protected sources, without asking.")


def run(context: Context) -> int:
    """Write the files. Exit code 2 where one was never kept, 5 where one is damaged, 6 where its pieces are not here."""
    arguments = context.arguments
    refuse_inside(context.home_path, arguments.to)
    if are_warcs(arguments.what):
        return write_assembled(context, arguments.what, arguments.to, arguments.playable)
    return _write(context)


def _write(context: Context) -> int:
    from archiver.export.files_folder import INDEX, fill_folder, open_folder
    from archiver.export.files_out import gather_files, select
    from archiver.lookup.material import MEDIA

    arguments, console = context.arguments, context.console
    if strange := [kind for kind in arguments.kind if kind not in MEDIA]:
        raise UsageError(f"--kind {'|'.join(MEDIA)}", repr(strange[0]), "Choose one of these.")
    home = context.home_to_read()
    selections = [select(home, what) for what in arguments.what]
    found = gather_files(home, selections, tuple(arguments.kind), context.fetch(home))
    for capture in found.quarantined:
        console.warn(f"left out: {capture}, something in it is quarantined")
    if found.protected and not arguments.yes:
        ask_for_sources(console, found.protected)
    before = open_folder(arguments.to)
    done = fill_folder(
        home.path, found.files, arguments.to, before, arguments.playable, lambda one: _tell(console, one)
    )
    for one in done:
        console.data(_data(one))
    written = [one for one in done if one.written]
    console.say(f"{many(len(written), 'file')} in {arguments.to}, to look through: {arguments.to / INDEX}")
    console.say("For your own work only: nothing there is redacted. For others, make a package: archiver export")
    return _code(done, bool(found.quarantined))


def _tell(console: Console, one: OutFile) -> None:
    if one.written:
        made = f", made of {' and '.join(one.of)} to be played" if one.of else ""
        console.say(f"{one.state:<13} {one.name}{made}")
    elif one.state == "damaged":
        console.warn(f"DAMAGED       {one.name}: {one.why}")
    elif one.lost or one.state == "not written":
        console.warn(f"not written   {one.kind} {one.attachment + 1} of {one.post or one.capture}: {one.why}")


def _data(one: OutFile) -> dict[str, object]:
    return {
        "file": one.name, "state": one.state, "why": one.why, "kind": one.kind, "sha256": one.sha256, "size": one.size,
        "capture": one.capture, "post": one.post, "attachment": one.attachment, "derived_from": list(one.of),
        "not_played_because": one.plays,
    }  # fmt: skip


def _code(done: list[OutFile], left_out: bool) -> ExitCode:
    from archiver.export.files_out import SAME

    if any(one.state == "damaged" for one in done):
        return ExitCode.CHECK_FAILED
    lacking = [one for one in done if not one.written and one.state != SAME]
    if any(one.lost for one in lacking):
        return ExitCode.CANNOT_TELL
    if any(one.media is not None or one.of for one in lacking):
        return ExitCode.FAILED
    if not done:
        return ExitCode.UNAVAILABLE
    return ExitCode.PARTIAL if lacking or left_out else ExitCode.OK
