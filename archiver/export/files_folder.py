"""The folder that `archiver files` fills: the files, copies to play, small pictures, files.csv, a page, and a note.

It is for the house. The note says so, and so does each line of files.csv and the page, wherever they are carried to.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from archiver.errors import UsageError
from archiver.export.files_out import Names, OutFile, put_in_place, stem_of, write_files
from archiver.export.stills import draw
from archiver.export.templates import page, text
from archiver.home.scratch import scratch
from archiver.text.cells import MARK, csv_bytes
from archiver.tools.ffmpeg import ConversionError
from archiver.tools.playable import MOVING, STILL, copy_suffix, make_playable, streams_of, why_not_played
from storage.digest import file_sha256
from storage.errors import disk_error
from storage.post_lines import published, words

NOTE, TABLE, INDEX, THUMBS = "READ-FIRST.txt", "files.csv", "index.html", "thumbs"
FOR = "for your own work only: nothing here is redacted, reviewed or released"
COLUMNS = (
    "file", "state", "why", "kind", "sha256", "size", "media_type", "published", "author", "platform", "post", "attachment",
    "link", "words", "sensitive", "derived_from", "made_by", "plays_in_browsers", "capture", "lies_in", "original_name", "for",
)  # fmt: skip
LISTED = 200
"""Files on a page that lists them."""
WORDS = 300
"""How much of a post's text is listed."""

Row = dict[str, str]


def open_folder(to: Path) -> list[Row]:
    """Make the folder, or take one that was filled before; return the rows of its files.csv.

    Raises `UsageError` where something else lies there, `DiskError`.
    """
    try:
        to.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in to.iterdir()} - {".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"}
        there = {name for name in there if not name.startswith(("._", ".Trash"))}
        if not there or all(name.endswith(".part") for name in there):
            return []
        known = (to / TABLE).read_text("utf-8", "replace").removeprefix(MARK) if TABLE in there else ""
        ours = NOTE in there and (to / NOTE).read_bytes() == _note()
    except OSError as error:
        raise disk_error(error, f"opening {to}") from error
    reader = csv.DictReader(io.StringIO(known, newline=""))
    rows = list(reader)
    # Without a table: an earlier time was killed before it wrote one.
    if not ours or (TABLE in there and tuple(reader.fieldnames or ()) != COLUMNS):
        raise UsageError(
            f"a new or empty folder at {to}, or one that `archiver files` filled",
            f"other things in it, such as {sorted(there)[0]!r}",
            "Name another folder. Nothing was written.",
        )
    return [row for row in rows if all(isinstance(value, str) for value in row.values())]


def fill_folder(
    home: Path, found: list[OutFile], to: Path, before: list[Row], playable: bool, told: Callable[[OutFile], None]
) -> list[OutFile]:
    """Write files, copies to play where asked for, and what tells of them; return all that was written or not.

    `before`: the rows of an earlier time, which stay. Raises `DiskError`; what was written by then is listed.
    """
    # Work in progress lies in the home, where it is not on a disk that takes nothing; else beside what it is made of.
    work = home if os.access(home, os.W_OK) else to
    names = Names(_unlisted(to, before) | {row["file"]: row["sha256"] for row in before if row["file"]})
    done: list[OutFile] = []

    def keep(one: OutFile) -> None:
        done.append(one)
        told(one)

    _write(to, NOTE, _note())
    try:
        write_files(found, to, names, keep)
        done = [_looked_at(one, to) for one in done]
        if playable:
            for copy in _copies(work, done, to, names):
                keep(copy)
    finally:
        rows = _merged(before, [_row(home, one) for one in done], to)
        _write(to, TABLE, csv_bytes(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)))
        thumbs = _draw(work, rows, to)
        _write_pages(rows, thumbs, to)
        if work == to:
            shutil.rmtree(to / "scratch", ignore_errors=True)
    return done


def _unlisted(to: Path, before: list[Row]) -> dict[str, str]:
    """Files that lie there and in no row, by their digest: left by a killed process, or put there by somebody."""
    listed = {row["file"] for row in before} | {NOTE, TABLE}
    try:
        there = [path for path in to.iterdir() if path.name not in listed and path.is_file()]
        return {path.name: file_sha256(path).hexdigest() for path in there if path.suffix not in (".html", ".part")}
    except OSError as error:
        raise disk_error(error, f"reading {to}") from error


def _note() -> bytes:
    return page("files-note.txt.j2", table=TABLE, index=INDEX)


def _write(to: Path, name: str, data: bytes) -> None:
    working = to / f".{name}.part"
    try:
        working.write_bytes(data)
        os.replace(working, to / name)
    except OSError as error:
        raise disk_error(error, f"writing {name}") from error
    finally:
        working.unlink(missing_ok=True)


# -- copies to play --------------------------------------------------------------------------------------


def _looked_at(one: OutFile, to: Path) -> OutFile:
    if not one.written or one.name is None or one.kind not in MOVING + STILL:
        return one
    suffix = one.name.rpartition(".")[2]
    streams = streams_of(to / one.name) if one.kind in MOVING else None
    return replace(one, plays=why_not_played(one.kind, suffix, streams))


def _copies(home: Path, done: list[OutFile], to: Path, names: Names) -> Iterator[OutFile]:
    """Make a copy of each file that browsers do not play, and of picture and sound that came apart."""
    groups: dict[tuple[str, str | None, int], list[OutFile]] = {}
    for one in done:
        if one.written and one.kind in MOVING + STILL:
            groups.setdefault((one.capture, one.post, one.attachment), []).append(one)
    for group in groups.values():
        apart = _apart(group, to)
        for sources in [apart] if apart else [[one] for one in group if one.plays is not None]:
            yield _copy(home, sources, to, names)


def _apart(group: list[OutFile], to: Path) -> list[OutFile]:
    """Return picture and sound of one video, in this order, where they came as two files; none elsewhere."""
    if len(group) < 2 or not any(one.kind == "video" for one in group):
        return []
    kinds = {one.name: {s.get("codec_type") for s in streams_of(to / str(one.name)) or ()} for one in group}
    pictures = [one for one in group if one.kind == "video" and kinds[one.name] == {"video"}]
    sounds = [one for one in group if kinds[one.name] == {"audio"}]
    return [pictures[0], sounds[0]] if pictures and sounds else []


def _copy(home: Path, sources: list[OutFile], to: Path, names: Names) -> OutFile:
    first = sources[0]
    of = tuple(str(one.name) for one in sources)
    plain = replace(first, media=None, state="not written", sha256=None, size=None, of=of, name=None, plays=None)
    with scratch(home, "playable") as folder:
        out = folder / f"copy.{copy_suffix(first.kind)}"
        try:
            made = make_playable([to / name for name in of], first.kind, out)
        except ConversionError as error:
            return replace(plain, why=f"no copy to play: {error.found}")
        digest = file_sha256(out)
        name = names.new(f"{stem_of(first)}.playable", copy_suffix(first.kind), digest.hexdigest())
        working = to / f".{digest.hexdigest()[:16]}.part"
        try:
            _carry(out, working)
            name = put_in_place(working, to, name)
        except OSError as error:
            raise disk_error(error, f"writing {name}") from error
        finally:
            working.unlink(missing_ok=True)
    said = json.dumps(made, ensure_ascii=False)
    return replace(
        plain, state="derived", why=None, name=name, sha256=digest.hexdigest(), size=digest.size, made_by=said
    )


def _carry(source: Path, out: Path) -> None:
    with open(source, "rb") as read, open(out, "wb") as written:
        while data := read.read(1 << 20):
            written.write(data)


# -- the table -------------------------------------------------------------------------------------------


def _row(home: Path, one: OutFile) -> Row:
    media, line = one.media, one.line
    said = published(line) or {}
    moment = said.get("value") or said.get("literal") or ""
    plays = "" if one.kind not in MOVING + STILL or not one.written else one.plays or "yes"
    places = dict.fromkeys(f"{_inside(home, path)}:{at}" for path, at, _, _ in media.pieces) if media else {}
    values: dict[str, Any] = {
        "file": one.name, "state": one.state, "why": one.why, "kind": one.kind, "sha256": one.sha256,
        "size": "" if one.size is None else str(one.size), "media_type": media.media_type if media else None,
        "published": moment, "author": line.get("author_handle") or line.get("author_name"), "platform": one.platform,
        "post": one.post, "attachment": str(one.attachment), "link": line.get("url"),
        "words": " ".join(str(words(line) or "").split())[:WORDS], "sensitive": one.sensitive,
        "derived_from": " ".join(one.of), "made_by": one.made_by, "plays_in_browsers": plays, "capture": one.capture,
        "lies_in": " ".join(places), "original_name": media.name if media and one.platform != "received" else None, "for": FOR,
    }  # fmt: skip
    return {name: "" if values[name] is None else str(values[name]) for name in COLUMNS}


def _inside(home: Path, path: Path) -> str:
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.name


def _merged(before: list[Row], now: list[Row], to: Path) -> list[Row]:
    """Rows of an earlier time stay as long as their file lies there; what is told again now is told once."""
    new = {row["file"] for row in now if row["file"]}
    again = {(row["capture"], row["post"], row["attachment"], row["kind"]) for row in now}
    kept = []
    for row in before:
        place = (row["capture"], row["post"], row["attachment"], row["kind"])
        if (row["file"] and row["file"] not in new and (to / row["file"]).is_file()) or (
            not row["file"] and place not in again
        ):
            kept.append(row)
    return [*kept, *now]


# -- the page --------------------------------------------------------------------------------------------


def _draw(home: Path, rows: list[Row], to: Path) -> dict[str, str]:
    """Draw a small picture of each photo and video; return their places by the name of the file."""
    found = {}
    for row in rows:
        if row["kind"] not in MOVING + STILL or row["state"] not in ("written", "there already", "derived"):
            continue
        place = f"{THUMBS}/{row['sha256'][:16]}.jpg"
        try:
            if not (to / place).is_file():
                drawn = draw(to / row["file"], row["kind"], home)
                if not drawn.pictures:
                    continue
                (to / THUMBS).mkdir(exist_ok=True)
                _write(to / THUMBS, Path(place).name, drawn.pictures[len(drawn.pictures) // 2][2])
        except OSError as error:
            raise disk_error(error, f"drawing {row['file']}") from error
        found[row["file"]] = place
    return found


def _write_pages(rows: list[Row], thumbs: dict[str, str], to: Path) -> None:
    from storage.digest import sha256

    style = text("view.css")
    shown = [_shown(row, thumbs) for row in rows if row["file"]]
    missing = [row for row in rows if not row["file"]]
    last = max(0, (len(shown) - 1) // LISTED)
    for number in range(last + 1):
        _write(
            to,
            _page_name(number),
            page(
                "files-index.html.j2",
                style=Markup(style),
                style_digest=base64.b64encode(sha256(style.encode())).decode(),
                files=shown[number * LISTED : (number + 1) * LISTED],
                missing=missing if number == last else [],
                count=len(shown),
                absent=len(missing),
                number=number + 1,
                pages=last + 1,
                before=_page_name(number - 1) if number else None,
                after=_page_name(number + 1) if number < last else None,
                note=NOTE,
                table=TABLE,
            ),
        )


def _page_name(number: int) -> str:
    return INDEX if not number else f"index-{number + 1}.html"


def _shown(row: Row, thumbs: dict[str, str]) -> dict[str, Any]:
    kind = "other"
    if row["plays_in_browsers"] == "yes" or row["state"] == "derived":
        kind = "image" if row["kind"] in STILL else "audio" if row["kind"] in ("audio", "voice") else "video"
    return {**row, "href": quote(row["file"]), "thumb": thumbs.get(row["file"]), "player": kind}
