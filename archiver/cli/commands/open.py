"""`archiver open`: one file of a capture, played or shown by what this machine opens such files with."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_capture_id, add_part
from archiver.errors import ExitCode, NotFound
from archiver.home.paths import make_folder
from archiver.home.scratch import OPENED

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.export.files_out import OutFile
    from archiver.home.home import Home

EXAMPLE = "archiver open LAST"
DESCRIPTION = """\
Play or show a file of a capture: its first video, else its first photo, recording or document. Where there is no desktop,
the path of a copy is printed. Copies lie in the home and are removed after a day."""
ORDER = ("video", "round video", "photo", "audio", "voice", "document", "file", "sticker", "captions")
KEPT_SECONDS = 24 * 3600


def add_arguments(parser: Parser) -> None:
    """Add what `archiver open` takes."""
    add_capture_id(parser)
    add_part(parser)


def run(context: Context) -> int:
    """Open a file, or say where it lies. Exit code 5 where it is damaged."""
    from archiver.export.files_out import Names, write_files
    from archiver.tools.desktop import open_file, opener

    console, home = context.console, context.home()
    chosen = _chosen(context, home)
    folder = home.path / OPENED
    make_folder(folder)
    _sweep(folder, home.clock().timestamp())
    to = folder / chosen.capture
    make_folder(to)
    (done,) = write_files([chosen], to, Names({}), lambda one: None)
    if not done.written or done.name is None:
        console.warn(f"{done.state}: {done.why}")
        return ExitCode.CHECK_FAILED if done.state == "damaged" else ExitCode.CANNOT_TELL
    path = to / done.name
    command = opener(context.environment)
    shown = command is not None and open_file(command, path)
    console.say(f"{'opened' if shown else 'no desktop to open it with; it lies at'}  {path}")
    console.data({"file": str(path), "opened": shown, "sha256": done.sha256, "kind": done.kind})
    return ExitCode.OK


def _chosen(context: Context, home: Home) -> OutFile:
    from archiver.export.files_out import Selection, gather_files

    arguments = context.arguments
    capture = home.resolve_capture(arguments.id)
    found = gather_files(home, [Selection((capture,), arguments.post)], (), context.fetch(home)).files
    there = [one for one in found if one.media is not None and arguments.attachment in (None, one.attachment)]
    if not there:
        why = f": {found[0].why}" if found and found[0].why else ""
        raise NotFound("a file to open", f"none{why}", f"See what it holds: archiver show {capture} --inventory")
    return min(there, key=lambda one: ORDER.index(one.kind) if one.kind in ORDER else len(ORDER))


def _sweep(folder: Path, now: float) -> None:
    """Remove what was opened more than a day ago."""
    for path in folder.iterdir():
        if path.stat().st_mtime < now - KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
