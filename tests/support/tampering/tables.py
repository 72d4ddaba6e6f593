"""Defects by somebody who holds the keys: what people read, which in a full package follows from what was sealed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from archiver.text.cells import csv_line
from tests.support.packages import digest
from tests.support.tampering.scene import CANNOT_TELL, INCOMPLETE, INTACT, Scene, alter, inside

_LIE = {"instead": None, "item": "I0001", "what": "He fired first", "why": "seen by all"}


def rewritten(s: Scene, name: str, change: Callable[[list[Any]], None], rule: str | None = None) -> None:
    """Change the lines of a table. The CSV file is made anew where it can be."""
    path = s.path(f"data/tables/{name}.jsonl")
    lines = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    change(lines)
    written = [json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for line in lines]
    path.write_text("".join(f"{line}\n" for line in written))
    s.path(f"data/tables/{name}.csv").write_bytes(sheet_of(name, lines, rule))


def sheet_of(name: str, lines: list[Any], rule: str | None = None) -> bytes:
    """The table for spreadsheets, as the exporter makes it."""
    from archiver.export.tables import COLUMNS, MARK, TABLES, value_at

    columns = COLUMNS[rule or next(table.rule for table in TABLES if table.name == name)]
    rows = [csv_line(columns), *(csv_line(value_at(line, column) for column in columns) for line in lines)]
    return (MARK + "".join(rows)).encode()


def _worded(lines: list[Any]) -> Any:
    return next(line for line in lines if line["post"].get("text"))


@inside(words="data/tables/posts.jsonl line")
def words_put_into_a_post(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: _worded(lines)["post"].update(text="They fired first."))


@inside(words="data/tables/posts.jsonl line")
def a_post_without_its_words(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: _worded(lines)["post"].pop("text"))


@inside(words="data/tables/posts.jsonl line")
def an_emptied_post(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines[0].update(post={}))


@inside(words="data/tables/posts.jsonl line")
def a_key_that_was_never_sealed(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines[0]["post"].update(confession=None))


@inside(words="data/tables/posts.jsonl line")
def what_was_stated_told_as_a_guess(s: Scene) -> None:
    def change(lines: list[Any]) -> None:
        post = _worded(lines)["post"]
        post["guessed"] = {"text": post.pop("text")}

    rewritten(s, "posts", change)


@inside(words="data/tables/posts.jsonl line")
def a_whole_number_told_as_a_fraction(s: Scene) -> None:
    def change(lines: list[Any]) -> None:
        line = next(line for line in lines if type(line["post"].get("views")) is int)
        line["post"]["views"] = float(line["post"]["views"])

    rewritten(s, "posts", change)


@inside(words="data/tables/posts.jsonl line")
def another_time_of_seeing(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines[0].update(seen="2012-01-01T00:00:00.000000Z"))


@inside(words="data/tables/posts.jsonl line")
def an_observation_told_twice_and_another_never(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines.__setitem__(1, lines[0]))


@inside(words="data/tables/posts.jsonl ends before")
def an_observation_left_out(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines.pop() and None)


@inside(words="data/tables/posts.jsonl line")
def an_observation_added(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines.append(lines[0]))


@inside(words="data/tables/posts.jsonl line")
def observations_in_another_order(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines.reverse())


@inside()
def a_key_twice_in_a_table(s: Scene) -> None:
    s.replace("data/tables/posts.jsonl", b'"text":"', b'"text":"He fired first","text":"')


@inside(words="data/tables/posts.jsonl line")
def a_line_in_another_spelling(s: Scene) -> None:
    s.replace("data/tables/posts.jsonl", b'{"capture":', b'{"capture": ')


@inside(words="data/tables/posts.csv says something else")
def other_days_in_the_spreadsheet(s: Scene) -> None:
    s.replace("data/tables/posts.csv", b"2022-01-05", b"2019-01-05")


@inside(words="data/tables/posts.csv goes on")
def a_row_more_in_the_spreadsheet(s: Scene) -> None:
    path = s.path("data/tables/posts.csv")
    path.write_bytes(path.read_bytes() + b'"I0001","=1+1"\r\n')


@inside(words="data/tables/posts.csv goes on")
def a_cell_without_an_end(s: Scene) -> None:
    path = s.path("data/tables/posts.csv")
    path.write_bytes(path.read_bytes() + b"x" * 200_000 + b"\r\n")


@inside(words="begins otherwise")
def a_column_under_another_name(s: Scene) -> None:
    s.replace("data/tables/posts.csv", b'"seen"', b'"when"')


@inside(words="data/tables/custody.jsonl line")
def another_person_in_the_custody(s: Scene) -> None:
    rewritten(s, "custody", lambda lines: lines[0].update(by="someone"))


@inside(words="data/tables/custody.jsonl")
def an_event_left_out_of_the_custody(s: Scene) -> None:
    rewritten(s, "custody", lambda lines: lines.pop(1) and None)


@inside(words="data/tables/annotations.jsonl line")
def the_words_of_a_note_changed(s: Scene) -> None:
    rewritten(s, "annotations", lambda lines: lines[-1]["detail"].update(text="seen from the south"))


@inside(words="data/tables/annotations.jsonl line")
def a_note_about_another_item(s: Scene) -> None:
    rewritten(s, "annotations", lambda lines: lines[-1].update(items=["I0002"]))


@inside(words="data/tables/not-kept.jsonl")
def everything_was_kept(s: Scene) -> None:
    rewritten(s, "not-kept", lambda lines: lines.clear())


@inside(INCOMPLETE, words="is not named in data/package.json")
def a_table_that_is_named_nowhere(s: Scene) -> None:
    s.edit(lambda value: value["tables"].pop(2))
    for ending in ("jsonl", "csv"):
        s.path(f"data/tables/not-kept.{ending}").unlink()


@inside(words="named twice")
def a_table_that_is_named_twice(s: Scene) -> None:
    s.edit(lambda value: value["tables"].append(value["tables"][0]))


@inside(CANNOT_TELL, words="follows a rule that this check")
def a_rule_of_a_later_release(s: Scene) -> None:
    s.edit(lambda value: value["tables"].append({"name": "scenes", "rule": "scenes"}))
    for ending in ("jsonl", "csv"):
        s.path(f"data/tables/scenes.{ending}").write_bytes(b"")


def _described_anew(s: Scene, table: str, **how: Any) -> None:
    """Change what package.json says of a table."""
    s.edit(lambda value: next(one for one in value["tables"] if one["name"] == table).update(how))


@inside(words="the table annotations follows another rule")
def notes_narrowed_to_a_kind(s: Scene) -> None:
    _described_anew(s, "annotations", kinds=["tag"])
    rewritten(s, "annotations", lambda lines: lines.clear())


@inside(words="the table custody follows another rule")
def a_custody_without_most_of_its_events(s: Scene) -> None:
    _described_anew(s, "custody", types=["annotated"])
    rewritten(
        s, "custody", lambda lines: lines.__setitem__(slice(None), [x for x in lines if x["type"] == "annotated"])
    )


@inside(words="the table posts follows another rule")
def posts_by_the_rule_that_is_held_against_nothing(s: Scene) -> None:
    _described_anew(s, "posts", rule="withheld")
    rewritten(s, "posts", lambda lines: lines.__setitem__(slice(None), [_LIE]), "withheld")


@inside(words="the table testimony is no selection of events")
def a_table_more_that_is_held_against_nothing(s: Scene) -> None:
    s.edit(lambda value: value["tables"].append({"name": "testimony", "rule": "withheld"}))
    rewritten(s, "testimony", lambda lines: lines.append(_LIE), "withheld")


@inside(words="the table testimony is no selection of events")
def a_table_of_types_that_are_no_list(s: Scene) -> None:
    s.edit(lambda value: value["tables"].append({"name": "testimony", "rule": "events", "types": "the court found"}))
    rewritten(s, "testimony", lambda lines: None, "events")


@inside(INTACT, words="7 tables")
def a_table_more_of_chosen_events(s: Scene) -> None:
    s.edit(lambda value: value["tables"].append({"name": "changes", "rule": "events", "types": ["changed"]}))
    rewritten(s, "changes", lambda lines: None, "events")


@inside(INCOMPLETE, words="is not there")
def a_spreadsheet_missing(s: Scene) -> None:
    s.path("data/tables/files.csv").unlink()


@inside(INTACT, words="data/tables/withheld: not held against the recordings")
def what_is_withheld_is_the_signer_s_word(s: Scene) -> None:
    line = {"instead": None, "item": "I0001", "what": "a name", "why": "asked for"}
    rewritten(s, "withheld", lambda lines: lines.append(line))
    s.edit(lambda said: said.update(withheld=said["withheld"] + 1))


@inside(INTACT, words="data/report.html")
def a_report_is_the_signer_s_word(s: Scene) -> None:
    s.path("data/report.html").write_text("<p>The minister ordered it.</p>")


# -- files -----------------------------------------------------------------------------------------------------


@inside(words="data/tables/files.jsonl line")
def a_photo_exchanged_with_its_digest(s: Scene) -> None:
    path = s.one("data/media/*.png")
    old = digest(path)
    alter(path)

    def change(lines: list[Any]) -> None:
        for line in lines:
            if line["sha256"] == old:
                line["sha256"] = digest(path)

    rewritten(s, "files", change)


@inside(words="data/media/")
def two_files_exchange_their_names(s: Scene) -> None:
    one, other = sorted(s.package.glob("data/media/*.png"))[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@inside(words="data/tables/files.jsonl line")
def a_file_under_another_item(s: Scene) -> None:
    rewritten(s, "files", lambda lines: lines[0].update(item="I0002"))


@inside(words="data/tables/files.jsonl line")
def a_file_under_another_record(s: Scene) -> None:
    rewritten(s, "files", lambda lines: lines[0].update(record=lines[1]["record"]))


@inside(words="data/tables/files.jsonl")
def a_file_that_its_table_does_not_name(s: Scene) -> None:
    rewritten(s, "files", lambda lines: lines.pop() and None)


@inside(words="data/media/I0001-9.png is in no line")
def a_file_that_nobody_sealed(s: Scene) -> None:
    s.path("data/media/I0001-9.png").write_bytes(b"\x89PNG\r\n\x1a\n")


@inside(words="has no place in a package of profile full")
def an_opinion_that_nobody_sealed(s: Scene) -> None:
    s.path("data/opinion").mkdir()
    s.path("data/opinion/forensic-opinion.pdf").write_bytes(b"%PDF")


@inside(words="has no place in a package of profile full")
def a_picture_of_a_screen_in_a_full_package(s: Scene) -> None:
    s.path("data/screens").mkdir()
    s.path("data/screens/0001.png").write_bytes(b"\x89PNG\r\n\x1a\n")


@inside(words="has no place in a package of profile full")
def a_viewer_with_a_script(s: Scene) -> None:
    s.path("data/view").mkdir(exist_ok=True)
    s.path("data/view/ui.js").write_text("document.body.innerHTML = 'He confessed'")


@inside(words="has no place in a package of profile full")
def a_file_that_a_double_click_runs(s: Scene) -> None:
    s.path("data/media/I0001-9.exe").write_bytes(b"MZ")


# -- profiles that rest on the signer's word -------------------------------------------------------------------


@inside(INTACT, words="its contents rest on the signer's word", profile="partner")
def a_partner_package_that_tells_something_else(s: Scene) -> None:
    rewritten(s, "posts", lambda lines: lines[0]["post"].update(text="They fired first."))


@inside(words="data/tables/posts.csv says something else", profile="partner")
def a_spreadsheet_that_is_not_its_table(s: Scene) -> None:
    s.replace("data/tables/posts.csv", b"2022-01-05", b"2019-01-05")


@inside(words="has no place in a package of profile partner", profile="partner")
def recordings_in_a_partner_package(s: Scene) -> None:
    s.path("data/archive.wacz").write_bytes(b"PK")


def _published(s: Scene, name: str, data: bytes) -> None:
    """A file put into a public package, named in its table."""
    s.path("data/media").mkdir(exist_ok=True)
    path = s.path(name)
    path.write_bytes(data)
    line = {"bytes": len(data), "file": name, "item": "I0001", "kind": "photo", "sha256": digest(path)}
    rewritten(s, "files", lambda lines: lines.append(line))


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + bytes(4) for kind, data in chunks
    )


def _box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data


@inside(INTACT, words="with no parts but those of sound and picture", profile="public")
def a_plain_picture(s: Scene) -> None:
    _published(s, "data/media/I0001-91.png", _png((b"IHDR", bytes(13)), (b"IDAT", b"tEXt place"), (b"IEND", b"")))


@inside(words="carries more than a picture", profile="public")
def a_picture_that_names_a_place(s: Scene) -> None:
    _published(s, "data/media/I0001-91.png", _png((b"IHDR", bytes(13)), (b"tEXt", b"Almaty"), (b"IEND", b"")))


@inside(words="carries more than sound and picture", profile="public")
def a_film_that_names_a_place(s: Scene) -> None:
    place = _box(b"moov", _box(b"udta", _box(b"\xa9xyz", b"+43.2+076.9/")))
    _published(s, "data/media/I0001-91.mp4", _box(b"ftyp", b"isom") + place + _box(b"mdat", b"\xa9xyz"))


@inside(words="goes on behind its picture", profile="public")
def a_picture_with_words_behind_it(s: Scene) -> None:
    data = _png((b"IHDR", bytes(13)), (b"IDAT", b""), (b"IEND", b""), (b"IDAT", b"Almaty"))
    _published(s, "data/media/I0001-91.png", data)


@inside(words="ends in the middle of its picture", profile="public")
def a_picture_that_says_to_be_longer(s: Scene) -> None:
    data = _png((b"IHDR", bytes(13))) + b"\0\xff\xff\xffIDATAlmaty"
    _published(s, "data/media/I0001-91.png", data)


@inside(words="carries more than sound and picture: b'free'", profile="public")
def a_film_with_words_in_its_free_space(s: Scene) -> None:
    film = _box(b"ftyp", b"isom") + _box(b"free", bytes(8) + b"Almaty") + _box(b"mdat", b"")
    _published(s, "data/media/I0001-91.mp4", film)


@inside(words="carries more than sound and picture: b'Aigul, Almaty", profile="public")
def a_film_whose_program_is_a_person(s: Scene) -> None:
    program = _box(b"\xa9too", _box(b"data", b"\0\0\0\1\0\0\0\0Aigul, Almaty, 3 May"))
    place = _box(b"moov", _box(b"udta", _box(b"meta", bytes(4) + _box(b"ilst", program))))
    _published(s, "data/media/I0001-91.mp4", _box(b"ftyp", b"isom") + place + _box(b"mdat", b""))


@inside(INTACT, words="with no parts but those of sound and picture", profile="public")
def a_film_as_ffmpeg_writes_it(s: Scene) -> None:
    program = _box(b"\xa9too", _box(b"data", b"\0\0\0\1\0\0\0\0Lavf60.16.100"))
    place = _box(b"moov", _box(b"udta", _box(b"meta", bytes(4) + _box(b"ilst", program))))
    film = _box(b"ftyp", b"isom") + place + _box(b"free", bytes(8)) + _box(b"mdat", b"")
    _published(s, "data/media/I0001-91.mp4", film)


@inside(words="a box that does not fit", profile="public")
def a_film_with_a_box_that_does_not_fit(s: Scene) -> None:
    _published(s, "data/media/I0001-91.mp4", _box(b"ftyp", b"isom") + b"\0\0\xff\xffmoov")


@inside(words="has no place in a package of profile public", profile="public")
def a_photo_as_a_camera_writes_it(s: Scene) -> None:
    comment = b"\xff\xd8\xff\xfe\x00\x12GPS 43.23, 76.88\xff\xd9"
    _published(s, "data/media/I0001-91.jpg", comment)
