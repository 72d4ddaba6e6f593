"""`archiver assemble`: files out of the pieces they arrived in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_merge
from archiver.errors import CannotTell, ExitCode, NotFound, UsageError
from archiver.export.assemble import Found, listed, scan, write
from archiver.home.paths import given_folder, given_path
from archiver.tools import ffmpeg
from storage.assembly import Assembly
from storage.errors import EvidenceError, disk_error

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home


EXAMPLE = "archiver assemble 9k2mv7qd --to ./files"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver assemble` takes."""
    what = "A capture, WARC files, or a folder of them."
    parser.add_argument("what", nargs="+", metavar="ID|WARC", help=what)
    parser.add_argument(
        "--to", type=given_folder, required=True, metavar="DIR", help="Folder that the files are written to."
    )
    add_merge(parser, "Write one file of video and audio too, as a working copy.")


def run(context: Context) -> int:
    """Put files together. Exit code 5 where a file is not what its assembly says, 6 where pieces are missing."""
    arguments, console = context.arguments, context.console
    found = Found()
    for name in arguments.what:
        path = given_path(name)
        if path.is_file():
            some = scan([path])
        elif path.is_dir():
            some = scan(sorted(path.glob("*.warc.gz")))
        else:
            home = context.home()
            capture = home.resolve_capture(name)
            if capture in home.catalog.quarantined_captures():
                raise UsageError(
                    f"a capture that is not quarantined, not {capture}", "one that is", "See `archiver show`."
                )
            context.fetch(home).bring_back([capture])
            some = _with_others(context, home, listed(home.path / home.capture_folder(capture)))
        found.assemblies |= some.assemblies
        found.places |= some.places
    if not found.assemblies:
        raise NotFound("an assembly", "none: every file there is one record", "Look with `archiver show ID --records`.")
    try:
        arguments.to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"making {arguments.to}") from error
    codes = [0]
    written: list[tuple[Path, Assembly]] = []
    for assembly in sorted(found.assemblies.values(), key=lambda item: item.name):
        out = arguments.to / assembly.name
        if any(out == path for path, _ in written):
            out = out.with_name(f"{assembly.sha256[:8]}-{assembly.name}")
        try:
            good = write(assembly, found.places, out)
        except CannotTell as error:
            console.warn(f"cannot tell    {assembly.name}: {error}")
            codes.append(ExitCode.CANNOT_TELL)
            continue
        codes.append(ExitCode.OK if good else ExitCode.CHECK_FAILED)
        written.append((out, assembly))
        console.say(
            f"{'intact' if good else 'DAMAGED'}    {out}  {assembly.size} bytes in {len(assembly.pieces)} pieces  sha256 {assembly.sha256}"
        )
        console.data(
            {
                "file": str(out),
                "intact": good,
                "size": assembly.size,
                "sha256": assembly.sha256,
                "about": assembly.about,
            }
        )
    if arguments.merge:
        codes.append(_merge(context, written))
    return max(codes)


def _with_others(context: Context, home: Home, found: Found) -> Found:
    """Adds the places of earlier captures that assemblies refer to, where these are in the home."""
    others = {piece.capture for assembly in found.assemblies.values() for piece in assembly.pieces if piece.capture}
    context.fetch(home).bring_back(sorted(others))
    for capture in sorted(others):
        folder = home.path / home.capture_folder(capture)
        if (folder / "records.jsonl").is_file():
            found.places |= {key: place for key, place in listed(folder).places.items() if key not in found.places}
    return found


def _merge(context: Context, written: list[tuple[Path, Assembly]]) -> int:
    """A working copy to look at: video and audio of one page in one file. It is no evidence; its inputs are."""
    console, folder = context.console, context.arguments.to
    groups: dict[str, list[tuple[Path, Assembly]]] = {}
    for path, assembly in written:
        page = str(assembly.about.get("page") or "") + str(assembly.about.get("id") or "")
        groups.setdefault(page, []).append((path, assembly))
    for group in groups.values():
        if len(group) < 2:
            continue
        group.sort(key=lambda pair: "audio" in str(pair[1].media_type))
        try:
            out, facts = ffmpeg.merge([path for path, _ in group], folder)
        except EvidenceError as error:
            console.warn(str(error))
            return ExitCode.FAILED
        name = folder / f"{group[0][1].about.get('id') or 'merged'}.merged{out.suffix}"
        out.replace(name)
        facts["inputs"] = [{"name": path.name, "sha256": assembly.sha256} for path, assembly in group]
        name.with_suffix(name.suffix + ".json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        console.say(f"merged    {name}  from {' and '.join(path.name for path, _ in group)}: a working copy")
        console.data({"merged": str(name), **facts})
    return 0
