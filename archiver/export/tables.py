"""CSV and JSON of what a package shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from archiver.export.profiles import Card, PackageView
from archiver.text.cells import csv_bytes, csv_pieces


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON for people: indented, keys sorted."""
    return _json(value).encode("utf-8", "backslashreplace") + b"\n"


def json_list(values: Iterable[Any]) -> Iterator[bytes]:
    """Yield the bytes that `json_bytes` returns for a list of these values, one after the other."""
    between = "[\n "
    for value in values:
        yield (between + _json(value).replace("\n", "\n ")).encode("utf-8", "backslashreplace")
        between = ",\n "
    yield b"[]\n" if between.startswith("[") else b"\n]\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def card_json(card: Card) -> dict[str, Any]:
    """Return an exhibit as posts.json holds it."""
    value: dict[str, Any] = {"exhibit": card.number, "platform": card.platform, "author": card.author}
    if card.hidden:
        return {**value, "not_shown": card.hidden}
    value["observations"] = [
        {
            "capture": view.capture,
            "event": view.seq,
            "seen": view.seen,
            "post": {key: item for key, item in view.post.items() if item is not None},
            "published": view.published or None,
            "files": [{"kind": file.kind, "file": file.name, "not_shown": file.why or None} for file in view.files],
            "not_kept": [{"kind": kind, "outcome": how, "reason": why} for kind, how, why in view.missing],
            **({"judged_later": view.judged} if view.judged else {}),
        }
        for view in card.views
    ]
    value["files"] = [{"kind": file.kind, "file": file.name, "not_shown": file.why or None} for file in card.files]
    value["no_longer_there"] = [
        {"event": event["seq"], "seen": event["time"], "how": event["detail"].get("how")} for event in card.removals
    ]
    return value


POST_COLUMNS = (
    "url", "author_handle", "author_name", "published_at", "title", "text", "lang", "edited", "views", "likes", "replies",
    "reposts", "outcome", "reason", "guessed_published", "guessed_author", "guessed_title", "guessed_text",
)  # fmt: skip


def posts_csv(shown: PackageView) -> Iterator[bytes]:
    """List every observation of every exhibit that is shown."""
    head = ["exhibit", "platform", "author", "capture", "event", "seen", *POST_COLUMNS, "files"]

    def rows() -> Iterator[list[Any]]:
        for card in shown.cards:
            nothing = [card.number, card.platform, card.author, *[""] * (len(head) - 4)]
            if card.hidden:
                yield [*nothing, f"[{card.hidden}]"]
            for view in card.views:
                files = " ".join(file.name or f"[{file.why}]" for file in view.files)
                values = [view.post.get(name) for name in POST_COLUMNS]
                yield [card.number, card.platform, card.author, view.capture, view.seq, view.seen, *values, files]
            if card.files:
                yield [*nothing, " ".join(file.name or f"[{file.why}]" for file in card.files)]

    return csv_pieces(head, rows())


def inventory_csv(shown: PackageView) -> Iterator[bytes]:
    """List everything that was discovered and not kept, of every capture in the package."""
    head = ["capture", "what", "kind", "outcome", "reason"]
    public = shown.profile == "public"

    def rows() -> Iterator[list[Any]]:
        for capture in shown.material.captures:
            for line in capture.ended():
                if line["outcome"] != "captured":
                    key = "" if public else str(line["key"]).partition("?")[0]
                    reason = "" if public else line.get("reason")
                    yield [capture.id, key, line.get("kind"), line["outcome"], reason]

    return csv_pieces(head, rows())


def withheld_csv(shown: PackageView) -> Iterator[bytes]:
    """List what the package leaves out, each with its reason."""
    rows = ([item.exhibit, item.what, item.why, item.instead] for item in shown.withheld)
    return csv_pieces(["exhibit", "what", "why", "in its place"], rows)


def annotations_json(shown: PackageView) -> bytes:
    """Return the annotations that the package tells, as JSON."""
    return json_bytes([told(event, shown) for event in shown.annotations])


def told(event: dict[str, Any], shown: PackageView) -> dict[str, Any]:
    """Return an annotation as a package tells it.

    Exhibits are named by number; what leads to an account that is not shown is left out.
    """
    detail = event["detail"]
    value = {"event": event["seq"], "time": event["time"], "role": event["agent"].get("role")}
    if shown.profile != "public":
        value["by"] = event["agent"]["id"]
    about = detail["about"]
    value["exhibits"] = exhibits_of(about, shown)
    value["about"] = {key: item for key, item in about.items() if key not in ("capture", "post", "author", "platform")}
    for key, item in detail.items():
        if key == "basis":
            value[key] = [{**_place(one), "exhibits": exhibits_of(one, shown)} for one in item]
        elif key == "exhibits":
            value[key] = [number for one in item for number in exhibits_of(one, shown)]
        elif key != "about":
            value[key] = item
    return value


def _place(one: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in one.items() if key not in ("capture", "post")}


def exhibits_of(about: dict[str, Any], shown: PackageView) -> list[str]:
    """Return the numbers of the exhibits that an annotation is about."""
    return shown.material.about(about.get("capture"), about.get("post"))


def hashes_csv(shown: PackageView, bag_files: dict[str, Any]) -> bytes:
    """List every media file of the package with its digests.

    A file that is not the bytes that were kept is marked so.
    """
    head = ["file", "exhibits", "kind", "bytes", "sha256", "sha512", "record", "note"]
    rows: dict[str, list[Any]] = {}
    for card in shown.cards:
        for file in card.every_file:
            if file.name is None:
                continue
            one = bag_files[file.name]
            if file.name in rows:
                if card.number not in rows[file.name][1].split():
                    rows[file.name][1] += f" {card.number}"
                continue
            note = {"anew": "a copy made anew, without metadata"}.get(file.made, file.made)
            record = "" if file.converted else file.media.record
            rows[file.name] = [file.name, card.number, file.kind, one.size, one.sha256, one.sha512, record, note]
    return csv_bytes(head, rows.values())


def custody_csv(shown: PackageView) -> Iterator[bytes]:
    """List what was done with the material, in the order of the ledger."""
    told, public = {event["seq"] for event in shown.annotations}, shown.profile == "public"

    def rows() -> Iterator[list[Any]]:
        for event in shown.material.events:
            if event["type"] == "annotated" and event["seq"] not in told:
                continue
            agent = "" if public else event["agent"]["id"]
            detail = event["detail"]
            what = detail.get("kind") or detail.get("outcome") or detail.get("how") or ""
            about = "" if public else detail.get("capture") or detail.get("about", {}).get("capture") or ""
            yield [event["seq"], event["time"], event["type"], what, agent, event["agent"].get("role"), about]

    return csv_pieces(["event", "time", "type", "what", "by", "role", "capture"], rows())
