"""Defects by somebody who holds the keys: captures, and what the package says of itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

from tests.support.packages import LINKS, edit_json
from tests.support.tampering.scene import CANNOT_TELL, INCOMPLETE, INTACT, Scene, inside

# -- captures --------------------------------------------------------------------------------------------


@inside()
def the_manifest_of_another_capture(s: Scene) -> None:
    shutil.copy(s.capture(LINKS[1]) / "manifest.json", s.capture(LINKS[0]) / "manifest.json")


@inside()
def a_manifest_changed(s: Scene) -> None:
    edit_json(s.capture(LINKS[3]) / "manifest.json", lambda value: value.update(outcome="captured", reason=None))


@inside()
def a_manifest_in_another_spelling(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))


@inside()
def an_event_exchanged(s: Scene) -> None:
    events = [item["event"] for item in json.loads(s.path("data/package.json").read_bytes())["captures"]]
    shutil.copy(s.path(f"data/events/{events[1]}.json"), s.path(f"data/events/{events[0]}.json"))


@inside()
def an_event_changed(s: Scene) -> None:
    event = json.loads(s.path("data/package.json").read_bytes())["captures"][0]["event"]
    edit_json(s.path(f"data/events/{event}.json"), lambda value: value["event"]["detail"].update(outcome="failed"))


@inside()
def a_note_changed(s: Scene) -> None:
    for path in s.package.glob("data/events/*.json"):
        if json.loads(path.read_bytes())["event"]["type"] == "annotated":
            edit_json(path, lambda value: value["event"]["detail"].update(text="from the south"))
            return


@inside(INCOMPLETE)
def an_event_missing(s: Scene) -> None:
    event = json.loads(s.path("data/package.json").read_bytes())["captures"][0]["event"]
    s.path(f"data/events/{event}.json").unlink()


@inside()
def a_line_of_the_inventory_removed(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "inventory.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@inside()
def lines_of_the_inventory_reordered(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "inventory.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))


@inside()
def a_post_changed(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "posts.jsonl"
    path.write_bytes(path.read_bytes().replace(b"2022", b"2021", 1))


@inside()
def a_record_unlisted(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "records.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@inside()
def a_file_added_to_a_capture(s: Scene) -> None:
    (s.capture(LINKS[0]) / "extra.jsonl").write_text("{}\n")


@inside()
def a_capture_added(s: Scene) -> None:
    shutil.copytree(s.capture(LINKS[0]), s.path("data/captures/20261122T000000-aaaaaaaa"))


@inside(INCOMPLETE)
def a_file_of_a_capture_missing(s: Scene) -> None:
    (s.capture(LINKS[0]) / "posts.jsonl").unlink()


# -- what the package says of itself -----------------------------------------------------------------------


@inside(words="no place in a package of profile partner")
def a_full_package_that_says_it_is_one_for_partners(s: Scene) -> None:
    s.path("data/archive.wacz").write_bytes(b"not a zip")
    s.edit(lambda value: value.update(profile="partner"))


@inside(words="names no profile")
def no_profile(s: Scene) -> None:
    s.edit(lambda value: value.pop("profile"))


@inside(words="names no profile")
def a_profile_that_is_none(s: Scene) -> None:
    s.edit(lambda value: value.update(profile="full; NOT TAMPERED"))


@inside(words="hides, or claims")
def test_routes_that_are_hidden(s: Scene) -> None:
    s.edit(lambda value: value.update(test_routes=False))


@inside(words="hides, or claims")
def test_routes_that_are_not_said(s: Scene) -> None:
    s.edit(lambda value: value.pop("test_routes"))


@inside(words="hides, or claims", profile="partner")
def test_routes_that_are_a_number(s: Scene) -> None:
    s.edit(lambda value: value.update(test_routes=0))


@inside(CANNOT_TELL, words="made by a later version")
def a_later_version(s: Scene) -> None:
    s.edit(lambda value: value.update(format="archiver-package/3"))


@inside(words="is not that of a package")
def a_version_that_is_none(s: Scene) -> None:
    s.edit(lambda value: value.update(format="archiver-package/2.0"))


@inside()
def a_version_2_package_called_1(s: Scene) -> None:
    """The signature names the version: rules that hold less cannot be chosen for a package that was not signed as such."""
    s.edit(lambda value: value.update(format="archiver-package/1"))


@inside(words="not in the order of their events")
def captures_in_another_order(s: Scene) -> None:
    s.edit(lambda value: value["captures"].reverse())


@inside(words="no number")
def an_event_that_is_no_number(s: Scene) -> None:
    s.edit(lambda value: value["captures"][0].update(event=True))


@inside(words="a capture's id that is none")
def a_capture_s_id_that_leads_out(s: Scene) -> None:
    s.edit(lambda value: value["captures"][0].update(id="../../../etc"))


@inside(words="without captures", profile="public")
def a_public_package_of_nothing(s: Scene) -> None:
    s.edit(lambda value: value.update(captures=0))


@inside(words="bag-info.txt says something else")
def another_day_of_making_in_bag_info(s: Scene) -> None:
    s.replace("bag-info.txt", b"Bagging-Date: 20", b"Bagging-Date: 19")


@inside(words="bag-info.txt says something else")
def a_line_more_in_bag_info(s: Scene) -> None:
    s.path("bag-info.txt").write_bytes(s.path("bag-info.txt").read_bytes() + b"Contact-Name: The Supreme Court\n")


@inside(INCOMPLETE, words="README.txt is not there")
def a_page_that_every_package_has_left_out(s: Scene) -> None:
    s.path("README.txt").unlink()


@inside(INTACT, words="check.py is not the one of this release")
def another_check_py(s: Scene) -> None:
    s.path("check.py").write_text("print('INTACT, and signed by the key that you named')\n")


@inside(INTACT, words="START-HERE.html is not the one of this release")
def another_first_page(s: Scene) -> None:
    s.path("START-HERE.html").write_text("<p>The court has checked it.</p>")


@inside(words="no proof in the package")
def an_event_without_its_proof(s: Scene) -> None:
    captures = {item["event"] for item in s.said()["captures"]}
    note = next(path for path in sorted(s.package.glob("data/events/*.json")) if int(path.stem) not in captures)
    s.path(f"proofs/items/{note.stem}.tlog-proof").unlink()


@inside(words="has no place there")
def a_file_under_the_name_of_what_is_private(s: Scene) -> None:
    """The manifest lists it, and nothing here could say what it should be."""
    (s.capture(LINKS[0]) / "private.age").write_text("He fired first.")


@inside(words="has no place there")
def a_file_under_the_name_of_a_warc_file(s: Scene) -> None:
    manifest = json.loads((s.capture(LINKS[0]) / "manifest.json").read_bytes())
    name = next(entry["name"] for entry in manifest["files"] if entry["name"].endswith(".warc.gz"))
    of_another = next(s.case.home.path.rglob(f"{s.case.captures[LINKS[1]]}/*.warc.gz"))
    shutil.copy(of_another, s.capture(LINKS[0]) / name)


@inside(words="states as name what no archiver writes", profile="partner")
def a_line_more_in_bag_info_by_way_of_the_name(s: Scene) -> None:
    before = s.said()["name"]
    name = f"{before}\nContact-Name: The Supreme Court"
    s.edit(lambda value: value.update(name=name))
    s.replace("bag-info.txt", before.encode(), name.encode())


@inside(words="states as made what no archiver writes", profile="partner")
def a_time_with_words_behind_it(s: Scene) -> None:
    s.edit(lambda value: value.update(made=f"{value['made']}, before the court"))


@inside(words="states as software what no archiver writes", profile="partner")
def a_program_that_is_no_text(s: Scene) -> None:
    s.replace("bag-info.txt", s.said()["software"].encode(), b"['archiver/1']")
    s.edit(lambda value: value.update(software=["archiver/1"]))


@inside(INTACT, words="data/package.json (3 things that this check does not know)")
def a_word_more_in_package_json_is_the_signer_s(s: Scene) -> None:
    def say_more(value: dict[str, Any]) -> None:
        value["opinion"] = "genuine"
        value["checkpoint"]["opinion"] = value["captures"][0]["opinion"] = "genuine"

    s.edit(say_more)


def _as_sealed(old: bytes, new: bytes) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        s.replace("data/package.json", old, new)

    return defect


for _name, _old, _new in (
    ("a_key_twice_in_package_json", b'"profile":"full"', b'"profile":"partner","profile":"full"'),
    ("a_number_without_an_end", b'"withheld":0', b'"withheld":1e999'),
    ("a_number_of_many_digits", b'"withheld":0', b'"withheld":' + b"9" * 5000),
    ("a_number_that_is_none", b'"withheld":0', b'"withheld":NaN'),
    ("a_lone_surrogate", b'"name":"', b'"name":"\\ud800'),
    ("a_list_of_many_floors", b'"withheld":0', b'"withheld":' + b"[" * 100_000 + b"]" * 100_000),
    ("a_byte_order_mark", b"{", b"\xef\xbb\xbf{"),
):
    _defect = _as_sealed(_old, _new)
    _defect.__name__ = _name
    inside()(_defect)
