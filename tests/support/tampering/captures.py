"""Defects by somebody who holds the keys: captures, and the tables that people read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

from tests.support.packages import LINKS, edit_json
from tests.support.tampering.scene import INCOMPLETE, Scene, alter, inside

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


# -- what people read ------------------------------------------------------------------------------------


def edit_hashes(s: Scene, change: Callable[[str], str]) -> None:
    path = s.path("data/hashes.csv")
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))


@inside()
def a_photo_exchanged_with_its_digests(s: Scene) -> None:
    from tests.support.packages import digest

    path = s.one("data/media/*.jpg")
    old = digest(path, "sha256"), digest(path, "sha512")
    alter(path)
    new = digest(path, "sha256"), digest(path, "sha512")
    edit_hashes(s, lambda text: text.replace(old[0], new[0]).replace(old[1], new[1]))


@inside()
def a_line_of_the_digests_removed(s: Scene) -> None:
    edit_hashes(s, lambda text: "".join(text.splitlines(keepends=True)[:-1]))


@inside()
def a_media_file_under_another_record(s: Scene) -> None:
    edit_hashes(s, lambda text: re.sub(r"<urn:uuid:[^>]+>", "<urn:uuid:00000000-0000-0000-0000-000000000000>", text))


@inside()
def words_put_into_a_post(s: Scene) -> None:
    path = s.path("data/posts.json")
    cards = json.loads(path.read_bytes())
    card = next(card for card in cards if card.get("observations") and "text" in card["observations"][0]["post"])
    card["observations"][0]["post"]["text"] += " fired"
    path.write_text(json.dumps(cards, ensure_ascii=False))


def edit_posts(s: Scene, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first post with words, as posts.json tells it."""
    path = s.path("data/posts.json")
    cards = json.loads(path.read_bytes())
    told = [one["post"] for card in cards for one in card.get("observations", [])]
    change(next(post for post in told if post.get("text")))
    path.write_text(json.dumps(cards, ensure_ascii=False))


@inside()
def what_was_stated_told_as_a_guess(s: Scene) -> None:
    edit_posts(s, lambda post: post.update(guessed_text=post.pop("text")))


@inside()
def what_was_stated_told_as_a_guess_too(s: Scene) -> None:
    edit_posts(s, lambda post: post.update(guessed_text=post["text"]))


@inside()
def an_observation_left_out(s: Scene) -> None:
    path = s.path("data/posts.json")
    cards = json.loads(path.read_bytes())
    next(card for card in cards if card.get("observations"))["observations"].pop()
    path.write_text(json.dumps(cards, ensure_ascii=False))
