"""Files out of WARC files alone, put together from the pieces they arrived in: no home is needed for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import EXIT_BY_STATE, ExitCode
from archiver.export.assemble import Assembled, PieceIndex, assemble_all, merge_pages, of_capture, scan
from archiver.home.paths import given_path
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.cli.console import Console
    from archiver.cli.context import Context


def are_warcs(names: Sequence[str]) -> bool:
    """Return whether a person named WARC files, or folders of them; a case may be called as a folder is."""
    return any(_is_warc(given_path(name)) for name in names)


def _is_warc(path: Path) -> bool:
    return (path.is_file() and path.suffix in (".gz", ".warc")) or (path.is_dir() and any(path.glob("*.warc.gz")))


def write_assembled(context: Context, names: Sequence[str], to: Path, merge: bool) -> int:
    """Write the files. Exit code 5 where one is not what its assembly says, 6 where pieces are missing."""
    console = context.console
    found = PieceIndex()
    for name in names:
        found |= _pieces(context, name)
    codes, written = [ExitCode.OK], []
    for file in assemble_all(found, to):
        _say(console, file)
        codes.append(EXIT_BY_STATE[file.intact])
        if file.intact is not None:
            written.append(file)
    if merge:
        codes.append(_merge(console, written, to))
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
