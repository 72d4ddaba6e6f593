"""`archiver assemble`: files out of the pieces they arrived in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_merge
from archiver.errors import EXIT_BY_STATE, ExitCode
from archiver.export.assemble import Assembled, PieceIndex, assemble_all, merge_pages, of_capture, scan
from archiver.home.paths import given_folder, given_path, refuse_inside
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver assemble 9k2mv7qd --to ./files"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver assemble` takes."""
    what = "Capture, WARC file, or folder of WARC files."
    parser.add_argument("what", nargs="+", metavar="ID|WARC", help=what)
    parser.add_argument("--to", type=given_folder, required=True, metavar="DIR", help="Folder to write the files to.")
    add_merge(parser, "Also merge video and audio into one file, as a working copy.")


def run(context: Context) -> int:
    """Write the files. Exit code 5 where one is not what its assembly says, 6 where pieces are missing."""
    arguments, console = context.arguments, context.console
    refuse_inside(context.home_path, arguments.to)
    found = PieceIndex()
    for name in arguments.what:
        found |= _pieces(context, name)
    codes, written = [ExitCode.OK], []
    for file in assemble_all(found, arguments.to):
        _say(console, file)
        codes.append(EXIT_BY_STATE[file.intact])
        if file.intact is not None:
            written.append(file)
    if arguments.merge:
        codes.append(_merge(console, written, arguments.to))
    return max(codes)


def _pieces(context: Context, name: str) -> PieceIndex:
    path = given_path(name)
    if path.is_file():
        return scan([path])
    if path.is_dir():
        return scan(sorted(path.glob("*.warc.gz")))
    home = context.home()
    return of_capture(home, name, context.fetch(home))


def _say(console: Console, file: Assembled) -> None:
    assembly = file.assembly
    if file.intact is None:
        console.warn(f"cannot tell    {assembly.name}: {file.why}")
        return
    console.say(
        f"{'intact' if file.intact else 'DAMAGED'}    {file.path}  {assembly.size} bytes in {len(assembly.pieces)} pieces  sha256 {assembly.sha256}"
    )
    console.data(
        {
            "file": str(file.path), "intact": file.intact, "size": assembly.size, "sha256": assembly.sha256,
            "about": assembly.about,
        }
    )  # fmt: skip


def _merge(console: Console, written: list[Assembled], to: Path) -> ExitCode:
    try:
        for merged in merge_pages(written, to):
            names = " and ".join(path.name for path in merged.sources)
            console.say(f"merged    {merged.path}  from {names}: a working copy")
            console.data({"merged": str(merged.path), **merged.facts})
    except EvidenceError as error:
        console.warn(str(error))
        return ExitCode.FAILED
    return ExitCode.OK
