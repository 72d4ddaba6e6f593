"""What a spider of another process says of its items, taken apart. Pure; nothing in it is trusted.

Everything that the program behind `archiver record` sends is a claim of its own: it is bounded in size, matched against a
closed schema, and marked with who claims it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from spiders import items
from spiders.dates import stated
from spiders.links import LinkProblem, read_http
from spiders.posts import Attachment, Parsed, Post, Time

DEEPEST = 48
"""How deep an item may be nested: a little more than `scrapy_pipeline` sends."""
MOST_VALUES = 100_000
"""How many values an item may have."""
LARGEST = 1 << 53
"""Whole numbers beyond this are not the same in every reader of JSON (RFC 8259, 6)."""
TEXTS = (
    "id",
    "author_handle",
    "author_name",
    "author_id",
    "title",
    "text",
    "lang",
    "reply_to",
    "forwarded_from",
    "quoted_id",
)
COUNTS = ("views", "likes", "replies", "reposts", "quotes", "bookmarks")
LISTS = {"image_urls": "photo", "video_urls": "video", "audio_urls": "audio", "file_urls": "document"}
"""Fields with links of files, and the kind of attachment that each link is; two of the names are those of Scrapy's pipelines."""
MOST_FILES = 1000
_OURS = {f"spiders.items.{kind.__name__}": kind for kind in (
    items.Seen, items.Noted, items.Led, items.Counted, items.Reached, items.Verdict,
)}  # fmt: skip
"""Items of the project's own spiders."""
OurItem = items.Seen | items.Noted | items.Led | items.Counted | items.Reached | items.Verdict


class NotUnderstood(ValueError):
    """A message or an item is not what this release takes."""


class SpiderMessage(msgspec.Struct, tag="spider", forbid_unknown_fields=True):
    """The first message of a crawl: which spider runs."""

    name: str


class ItemMessage(msgspec.Struct, tag="item", forbid_unknown_fields=True, rename={"kind": "class"}):
    """An item. `kind`: its class, as the program names it."""

    number: int
    kind: str
    item: dict[str, Any]


class UnsentMessage(msgspec.Struct, tag="unsent", forbid_unknown_fields=True, rename={"kind": "class"}):
    """An item that could not be sent."""

    number: int
    kind: str
    reason: str


class EndMessage(msgspec.Struct, tag="end", forbid_unknown_fields=True):
    """The last message of a crawl. `first`: the first of its errors."""

    reason: str
    errors: int
    dropped: int
    first: str | None = None


Message = SpiderMessage | ItemMessage | UnsentMessage | EndMessage
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def read_message(line: bytes) -> Message:
    """Read one line. Raises `NotUnderstood`."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise NotUnderstood(str(error)[:200]) from error


@dataclass(frozen=True)
class ReadItem:
    """An item that was understood: one of our own spiders', or a post as the item states it.

    `not_read`: fields whose values are of another kind than their names promise; they stay in the item alone.
    """

    own: OurItem | None = None
    post: Post | None = None
    not_read: tuple[str, ...] = ()


def read_item(message: ItemMessage) -> ReadItem:
    """Read an item. Raises `NotUnderstood`."""
    for count, value in enumerate(_values(message.item), 1):
        if count > MOST_VALUES:
            raise NotUnderstood(f"it has more than {MOST_VALUES:,} values")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise NotUnderstood("it has a whole number of more than 53 bits")
    if (kind := _OURS.get(message.kind)) is not None:
        return ReadItem(own=_own(kind, message.item))
    post, not_read = post_of(message.item)
    return ReadItem(post=post, not_read=not_read)


def _values(value: Any) -> Iterator[Any]:
    """Every value in a value, itself among them, and no deeper than `DEEPEST`."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise NotUnderstood(f"it is nested more than {DEEPEST} deep")
        yield one
        if isinstance(one, dict):
            waiting += [(item, depth + 1) for item in one.values()]
        elif isinstance(one, list):
            waiting += [(item, depth + 1) for item in one]


# -- items of other projects -----------------------------------------------------------------------------------------


def post_of(item: dict[str, Any]) -> tuple[Post, tuple[str, ...]]:
    """Make a post of an item by the names of its fields, and list the fields whose values do not fit their names.

    Only names of docs/how-to/spiders.md count. Nothing is made up: what the item does not state is unknown.
    """
    wrong: list[str] = []
    fields: dict[str, Any] = {name: _text_of(item, name, wrong) for name in TEXTS}
    fields |= {name: _count_of(item, name, wrong) for name in COUNTS}
    published, edited = _text_of(item, "published", wrong), item.get("edited")
    if edited is not None and not isinstance(edited, bool):
        wrong.append("edited")
        edited = None
    fields |= {
        "url": _link_of(item, "url", wrong),
        "published": None if published is None else stated(published, "item"),
        "edited": edited,
        "attachments": tuple(_files_of(item, wrong)),
    }
    post = Post(platform="page", **fields)
    return post, tuple(wrong)


def _text_of(item: dict[str, Any], name: str, wrong: list[str]) -> str | None:
    value = item.get(name)
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        wrong.append(name)
        return None
    return value or None


def _count_of(item: dict[str, Any], name: str, wrong: list[str]) -> int | None:
    value = item.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    wrong.append(name)
    return None


def _link_of(item: dict[str, Any], name: str, wrong: list[str]) -> str | None:
    value = item.get(name)
    if value is None or is_link(value):
        return value
    wrong.append(name)
    return None


def is_link(value: Any) -> bool:
    """Return whether a value is a link that can be asked for."""
    return isinstance(value, str) and not isinstance(read_http(value), LinkProblem)


def _files_of(item: dict[str, Any], wrong: list[str]) -> Iterator[Attachment]:
    for name, kind in LISTS.items():
        value = item.get(name)
        if value is None:
            continue
        links = value if isinstance(value, list) else [value]
        if len(links) > MOST_FILES or not all(is_link(link) for link in links):
            wrong.append(name)
        yield from (Attachment(kind, link) for link in dict.fromkeys(filter(is_link, links[:MOST_FILES])))


# -- items of our own spiders ----------------------------------------------------------------------------------------


def _own(kind: Any, item: dict[str, Any]) -> OurItem:
    """Read an item of the project's own spiders. Raises `NotUnderstood`."""
    try:
        found: OurItem = msgspec.convert(item, kind)
    except (msgspec.MsgspecError, RecursionError, TypeError, ValueError, OverflowError) as error:
        raise NotUnderstood(str(error)[:200]) from error
    if isinstance(found, items.Seen):
        return replace(found, parsed=_checked(found.parsed))
    if isinstance(found, items.Noted):
        # The program's own crawl follows it, or nobody does: nothing is captured here because a child names it.
        reason = (
            f"named by the spider; archiver capture {found.target.url}" if found.target is not None else found.reason
        )
        return replace(found, facts=_scalars(found.facts, _LINE_OF_INVENTORY), target=None, reason=reason)
    return found


_LINE_OF_INVENTORY = frozenset(
    {"state", "key", "kind", "url", "parent", "target", "outcome", "reason", "record", "claimed_by"}
)
_LINE_OF_POST = frozenset(Post(platform="page", id=None).line()) | {
    "guessed",
    "item",
    "role",
    "record",
    "parser",
    "layout",
    "claimed_by",
    "salt",
}
_LINE_OF_FILE = frozenset(Attachment("unknown").line())


def _checked(parsed: Parsed) -> Parsed:
    """Bound what a page may state of itself and of its posts to what every reader of our files expects."""
    posts = tuple(_checked_post(post) for post in parsed.posts)
    return replace(parsed, posts=posts, page=_scalars(parsed.page, frozenset()), hints={})


def _checked_post(post: Post) -> Post:
    published = post.published
    if published is not None:
        _require_zones(published)
    counts = [getattr(post, name) for name in COUNTS]
    if any(count is not None and count < 0 for count in counts):
        raise NotUnderstood("a post has a count below 0")
    files = tuple(replace(file, extra=_scalars(file.extra, _LINE_OF_FILE)) for file in post.attachments[:MOST_FILES])
    guessed = {name: value for name, value in post.guessed.items() if _is_guess(value)}
    return replace(post, attachments=files, guessed=guessed, extra=_scalars(post.extra, _LINE_OF_POST))


def _is_guess(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and all(map(_is_single, value.values())))


def _require_zones(published: Time) -> None:
    for moment in (published.value, published.earliest, published.latest):
        if moment is None:
            continue
        if moment.tzinfo is None:
            raise NotUnderstood("a time without a zone stands for one in UTC")
        if not 1 < moment.year < 9999:
            raise NotUnderstood("a time outside of the calendar")


def _scalars(extra: dict[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    """Keep single values under their names, and the rest, with what bears the name of another field, under `item`."""
    single = {name: value for name, value in extra.items() if _is_single(value) and name not in taken | {"item"}}
    rest = {name: value for name, value in extra.items() if value is not None and name not in single}
    return {**single, **({"item": rest} if rest else {})}


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))
