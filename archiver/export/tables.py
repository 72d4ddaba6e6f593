"""The tables of a package: lines of JSON, and CSV made from them. docs/reference/formats.md says what stands in them, and in which order.

In `full` every line follows from what was sealed, so that a checker can make it again. In the others a line is made of
what the profile shows, and rests on the signer's word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archiver.export.bag import Bag
from archiver.export.profiles import Card, CardView, PackageView
from archiver.lookup.material import post_name
from archiver.text.cells import MARK, csv_line, line_json

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """One table: its name, the rule for its lines, and for the rule `events` of which types and kinds."""

    name: str
    rule: str
    types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def described(self) -> Row:
        """Return what package.json says of it."""
        value: Row = {"name": self.name, "rule": self.rule}
        return value | {key: list(what) for key, what in (("types", self.types), ("kinds", self.kinds)) if what}


TABLES = (
    Table("posts", "posts"),
    Table("files", "files"),
    Table("not-kept", "not-kept"),
    Table("custody", "events"),
    Table("annotations", "events", types=("annotated",)),
    Table("withheld", "withheld"),
)
COLUMNS = {
    "posts": (
        "item", "capture", "event", "seen", "post.platform", "post.id", "post.url", "post.author_handle", "post.author_name",
        "post.published_at", "post.published.earliest", "post.published.latest", "post.published.literal", "post.title",
        "post.text", "post.lang", "post.edited", "post.views", "post.likes", "post.replies", "post.reposts", "post.outcome",
        "post.reason", "post.guessed",
    ),
    "files": ("file", "item", "capture", "key", "kind", "bytes", "sha256", "record"),
    "not-kept": ("capture", "key", "kind", "outcome", "reason"),
    "events": (
        "event", "time", "type", "detail.kind", "detail.outcome", "items", "by", "role", "detail.capture",
        "detail.about.capture", "detail.about.post", "detail.text",
    ),
    "withheld": ("item", "what", "why", "instead"),
}  # fmt: skip
"""What a spreadsheet shows of a line, by rule: paths of keys."""
RETRACTED = Table("retracted", "events", types=("annotated",), kinds=("retraction",))
"""Written where something was retracted: which event it was, and why."""


def columns_of(table: Table) -> tuple[str, ...]:
    """Return the columns of a table's CSV. One that is chosen by kinds also names the event that a line is about."""
    columns = COLUMNS[table.rule]
    if not table.kinds:
        return columns
    at = columns.index("detail.about.post") + 1
    return (*columns[:at], "detail.about.event", *columns[at:])


def tables_of(shown: PackageView) -> tuple[Table, ...]:
    """Return the tables of a package: those that every package has, and what was retracted, if anything was."""
    retracts = any(event["detail"].get("kind") == "retraction" for event in shown.told_annotations)
    return (*TABLES, RETRACTED) if retracts else TABLES


def write_tables(bag: Bag, shown: PackageView) -> None:
    """Write every table, as lines and as CSV. Raises `DiskError`."""
    for table in tables_of(shown):
        bag.write(f"data/tables/{table.name}.jsonl", _lines(bag, shown, table))
        bag.write(f"data/tables/{table.name}.csv", _sheet(bag, shown, table))


def rows(bag: Bag, shown: PackageView, table: Table) -> Iterator[Row]:
    """Yield the lines of a table. The media files of the package have been written."""
    if table.rule == "withheld":
        return _withheld(shown)
    if shown.profile == "full":
        sealed = {"posts": _posts, "files": _files, "not-kept": _not_kept}.get(table.rule)
        return sealed(shown) if sealed else _events(shown, table)
    if table.rule == "files":
        return _shown_files(bag, shown)
    derived = {"posts": _shown_posts, "not-kept": _shown_not_kept}.get(table.rule)
    return derived(shown) if derived else _shown_events(shown, table)


def value_at(row: Row, path: str) -> Any:
    """Return what stands at a path of keys, `post.published.earliest`; None where nothing does."""
    value: Any = row
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _lines(bag: Bag, shown: PackageView, table: Table) -> Iterator[bytes]:
    for row in rows(bag, shown, table):
        yield f"{line_json(row)}\n".encode()


def _sheet(bag: Bag, shown: PackageView, table: Table) -> Iterator[bytes]:
    columns = columns_of(table)
    yield (MARK + csv_line(columns)).encode()
    for row in rows(bag, shown, table):
        yield csv_line(value_at(row, column) for column in columns).encode()


# -- full: what was sealed ----------------------------------------------------------------------------------


def _posts(shown: PackageView) -> Iterator[Row]:
    for capture in shown.material.captures:
        dates = {line["id"]: line["date"] for line in capture.records}
        for line in capture.observed():
            yield {
                "item": shown.material.number_of(f"{line['platform']}:{post_name(line)}"),
                "capture": capture.id,
                "event": capture.seq,
                "seen": dates.get(line.get("record"), capture.manifest["opened"]),
                "post": line,
            }


def _files(shown: PackageView) -> Iterator[Row]:
    for capture in shown.material.captures:
        for number, media in shown.material.given(capture):
            yield {
                "file": shown.places[media.sha256],
                "item": number,
                "capture": capture.id,
                "key": media.key,
                "kind": media.kind,
                "record": media.record,
                "bytes": media.size,
                "sha256": media.sha256,
            }


def _not_kept(shown: PackageView) -> Iterator[Row]:
    for capture in shown.material.captures:
        for line in capture.ended():
            if line["outcome"] != "captured":
                yield {"capture": capture.id, **{key: line.get(key) for key in ("key", "kind", "outcome", "reason")}}


def _events(shown: PackageView, table: Table) -> Iterator[Row]:
    for event in shown.told_events:
        if _wanted(event, table):
            detail, agent = event["detail"], event["agent"]
            yield {
                "event": event["seq"],
                "time": event["time"],
                "type": event["type"],
                "by": agent["id"],
                "role": agent.get("role"),
                "detail": detail,
                "items": shown.items_about(detail.get("about", detail)),
            }


def _wanted(event: Row, table: Table) -> bool:
    kind = event["detail"].get("kind")
    return (not table.types or event["type"] in table.types) and (not table.kinds or kind in table.kinds)


# -- partner, public: what the profile shows ----------------------------------------------------------------


def _withheld(shown: PackageView) -> Iterator[Row]:
    for one in shown.withheld:
        yield {"item": one.item, "what": one.what, "why": one.why, "instead": one.instead}


def _shown_posts(shown: PackageView) -> Iterator[Row]:
    for card in shown.cards:
        for view in card.views:
            yield {**_place(shown, card, view), "post": _post(view)}


def _place(shown: PackageView, card: Card, view: CardView) -> Row:
    """Where and when a post was seen; in `public` its item alone, since a time of ours can be joined to other packages."""
    where = {} if shown.profile == "public" else {"capture": view.capture, "event": view.seq, "seen": view.seen}
    return {"item": card.number, "author": card.author, **where}


def _post(view: CardView) -> Row:
    said = {key: item for key, item in view.post.items() if item is not None}
    return (
        said | {"published": view.published} if view.published.get("value") or view.published.get("earliest") else said
    )


def _shown_files(bag: Bag, shown: PackageView) -> Iterator[Row]:
    for card in shown.cards:
        told: set[str] = set()
        for file in card.every_file:
            if file.name is not None and file.name not in told:
                told.add(file.name)
                one = bag.files[file.name]
                row = {"file": file.name, "item": card.number, "kind": file.kind, "made": file.made}
                yield row | {"bytes": one.size, "sha256": one.sha256}


def _shown_not_kept(shown: PackageView) -> Iterator[Row]:
    """Count what was not kept; keys and reasons hold links and names, of accounts that are not shown among them."""
    if shown.profile == "public":
        return
    for capture in shown.material.captures:
        for line in capture.ended():
            if line["outcome"] != "captured":
                yield {"capture": capture.id, "kind": line.get("kind"), "outcome": line["outcome"]}


def _shown_events(shown: PackageView, table: Table) -> Iterator[Row]:
    public = shown.profile == "public"
    for event in shown.told_events:
        if not _wanted(event, table) or (public and event["type"] != "annotated"):
            continue
        row: Row = {"type": event["type"], "role": event["agent"].get("role")}
        if not public:
            row |= {"event": event["seq"], "time": event["time"], "by": event["agent"]["id"]}
        if event["type"] == "annotated":
            row |= {"items": shown.items_about(event["detail"]["about"]), "detail": told(event, shown)}
        yield row


def told(event: Row, shown: PackageView) -> Row:
    """Return an annotation as a package for others tells it.

    Items are named by number; what leads to an account that is not shown is left out.
    """
    value: Row = {}
    public = shown.profile == "public"
    for key, item in event["detail"].items():
        if key == "basis":
            told_basis = [{**_segment(one), "items": shown.items_about(one)} for one in item]
            # The order in which a person named them is the same in every package: here it is that of the numbers.
            value[key] = sorted(told_basis, key=lambda one: str(one["items"])) if public else told_basis
        elif key == "exhibits":
            numbers = [number for one in item for number in shown.items_about(one)]
            value["items"] = sorted(numbers) if public else numbers
        elif key == "removed":
            numbers = [number for one in item for number in shown.items_about(one)]
            value[key] = sorted(numbers) if public else numbers
        elif public and key in ("translator", "date"):
            continue  # who translated, and when, is in other packages too
        elif key == "about":
            hidden = ("capture", "post", "author", "platform", *(("case", "attachment") if public else ()))
            value[key] = {name: said for name, said in item.items() if name not in hidden}
        else:
            value[key] = item
    return value


def _segment(one: Row) -> Row:
    return {key: item for key, item in one.items() if key not in ("capture", "post")}
