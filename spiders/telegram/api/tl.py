"""Telegram's own objects (TL) → JSON values that can be kept and shown. Pure.

A message is kept as the layer's own object: every field that the wire carries, under its schema name, with `_` for the
constructor. Two kinds of values do not travel: what is bound to the account that asked (access hashes, file references,
own flags such as `out` or a poll's `chosen`), and phone numbers. They are handed back apart, so that whoever keeps the
object can put commitments in their place.

Spelling: times as UTC text, bytes as base64, doubles as their shortest decimal text (canonical JSON has no floats), whole
numbers beyond 2^53 as decimal text; fields that the wire leaves out, and flags that are not set, are left out.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TOKENS = frozenset({"access_hash", "file_reference"})
"""What only the account that was given it can use."""
OWN: dict[str, frozenset[str]] = {
    "Message": frozenset({"out", "mentioned", "media_unread", "saved_peer_id", "quick_reply_shortcut_id"}),
    "MessageService": frozenset({"out", "mentioned", "media_unread", "saved_peer_id"}),
    "User": frozenset({"is_self", "contact", "mutual_contact", "close_friend", "stories_hidden"}),
    "Channel": frozenset({"creator", "left", "admin_rights", "banned_rights", "stories_hidden", "stories_hidden_min",
                          "subscription_until_date"}),
    "Chat": frozenset({"creator", "left", "admin_rights"}),
    "ChannelFull": frozenset({
        "read_inbox_max_id", "read_outbox_max_id", "unread_count", "notify_settings", "folder_id", "blocked",
        "default_send_as", "exported_invite", "groupcall_default_join_as", "view_forum_as_messages", "boosts_applied",
        "boosts_unrestrict", "translations_disabled", "can_view_participants", "can_set_username", "can_set_stickers",
        "can_set_location", "can_view_stats", "can_delete_channel", "can_view_revenue", "can_view_stars_revenue",
        "pending_suggestions", "requests_pending", "recent_requesters", "slowmode_next_send_date", "has_scheduled",
    }),
    "ChatFull": frozenset({
        "notify_settings", "folder_id", "exported_invite", "can_set_username", "has_scheduled", "translations_disabled",
        "groupcall_default_join_as", "requests_pending", "recent_requesters",
    }),
    "ReactionCount": frozenset({"chosen_order"}),
    "MessagePeerReaction": frozenset({"my", "unread"}),
    "MessageReactor": frozenset({"my"}),
    "PollAnswerVoters": frozenset({"chosen"}),
    "PollResults": frozenset({"has_unread_votes", "can_view_stats"}),
    "Poll": frozenset({"creator"}),
    "MessageReplies": frozenset({"read_max_id"}),
    "ForumTopic": frozenset({
        "my", "read_inbox_max_id", "read_outbox_max_id", "unread_count", "unread_mentions_count",
        "unread_reactions_count", "unread_poll_votes_count", "notify_settings", "draft",
    }),
    "StoryItem": frozenset({"out", "sent_reaction", "close_friends", "contacts", "selected_contacts", "privacy"}),
    "PeerStories": frozenset({"max_read_id"}),
}  # fmt: skip
"""Fields that say something of the account that asked, by constructor."""
SAFE = 2**53 - 1
"""Whole numbers beyond this are written as text: many readers of JSON would round them (RFC 8259, section 6)."""
PERSONAL = frozenset({"phone", "phone_number", "vcard"})
"""Personal data of third persons that does not travel; each value has a commitment of its own in its place."""
USERS = frozenset({"user_id", "inviter_id", "promoted_by", "kicked_by", "admin_id", "new_creator_id"})
"""Fields that name a person by number: where it is the account itself, they do not travel."""
ACCOUNT = "_account"
"""The key under which an object carries the commitment to everything account-bound in it."""


@dataclass
class Plain:
    """An object as it can be kept. `account`: JSON pointer → account-bound value. `personal`: (object, key, text)."""

    value: dict[str, Any]
    own: int | None = None
    """The account's own id."""
    account: dict[str, Any] = field(default_factory=dict)
    personal: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)
    files: dict[int, Location] = field(default_factory=dict)


@dataclass(frozen=True)
class Location:
    """Where a file can be fetched. Bound to the account; never kept in the open."""

    id: int
    kind: str
    """photo or document"""
    access_hash: int = field(repr=False)
    reference: bytes = field(repr=False)
    dc: int
    size: int | None
    thumb: str
    """Telegram's letter for the size that is meant; "" is the file itself."""


def plain(source: dict[str, Any], own: int | None = None) -> Plain:
    """Make what `TLObject.to_dict()` gives fit to be kept. `source` is not changed. `own`: the account's own id."""
    made = Plain({}, own)
    made.value = _object(source, "", made)
    return made


def _object(source: dict[str, Any], path: str, made: Plain) -> dict[str, Any]:
    name = source.get("_", "")
    own = OWN.get(name)
    value: dict[str, Any] = {}
    for key, item in sorted(source.items()):
        if own is not None and key in own:  # set or not: that there is nothing to hide would be a thing said
            made.account[f"{path}/{key}"] = _value(item, f"{path}/{key}", Plain({}))
            continue
        if item is None or item is False:
            continue
        kind = type(item)
        if made.own is not None and (item == made.own and key in USERS):
            made.account[f"{path}/{key}"] = item
        elif made.own is not None and key == "users" and kind is list and made.own in item:
            made.account[f"{path}/{key}"] = _value(item, f"{path}/{key}", Plain({}))
            value[key] = [inner for inner in item if inner != made.own]
        elif key in TOKENS:
            made.account[f"{path}/{key}"] = _value(item, f"{path}/{key}", Plain({}))
        elif kind is str or kind is int or item is True:
            value[key] = item if kind is not int or -SAFE <= item <= SAFE else str(item)
            if key in PERSONAL and item:
                made.personal.append((value, key, str(item)))
        else:
            value[key] = _value(item, f"{path}/{key}", made)
    if name == "Photo" or name == "Document":
        found = location(source)
        if found is not None:
            made.files[found.id] = found
    return value


def _value(item: Any, path: str, made: Plain) -> Any:
    kind = type(item)
    if kind is int:
        return item if -SAFE <= item <= SAFE else str(item)
    if kind is str or kind is bool or item is None:
        return item
    if kind is dict:
        return _object(item, path, made)
    if kind is list:
        return [_value(inner, f"{path}/{number}", made) for number, inner in enumerate(item)]
    if kind is bytes:
        return base64.b64encode(item).decode("ascii")
    if kind is float:
        return repr(item)
    if isinstance(item, datetime):
        return time_text(item)
    return str(item)


def time_text(moment: datetime) -> str:
    """Write a time as ISO 8601 in UTC with `Z`; a naive one counts as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def location(source: dict[str, Any]) -> Location | None:
    """Return where the file of a Photo (its largest size) or Document lies; None where the object does not say."""
    number, access, reference = source.get("id"), source.get("access_hash"), source.get("file_reference")
    if not isinstance(number, int) or not isinstance(access, int) or not isinstance(reference, bytes):
        return None
    dc = source.get("dc_id")
    dc = dc if isinstance(dc, int) else 0
    if source.get("_") == "Photo":
        best = largest(source.get("sizes"))
        if best is None:
            return None
        return Location(number, "photo", access, reference, dc, size_of(best), str(best.get("type")))
    size = source.get("size")
    return Location(number, "document", access, reference, dc, size if isinstance(size, int) else None, "")


def largest(sizes: Any) -> dict[str, Any] | None:
    """Return the largest of a photo's sizes that is a file of its own; previews inside the message are not."""
    real = [
        size for size in sizes if isinstance(size, dict) and size.get("_") in ("PhotoSize", "PhotoSizeProgressive")
    ] if isinstance(sizes, list) else []  # fmt: skip
    return max(real, key=lambda size: (_int(size.get("w")) * _int(size.get("h")), size_of(size) or 0), default=None)


def size_of(size: dict[str, Any]) -> int | None:
    """Return the bytes of one photo size. A progressive one lists the bytes of each step; the last is the whole."""
    steps = (
        [step for step in size.get("sizes") or () if isinstance(step, int)]
        if isinstance(size.get("sizes"), list)
        else []
    )
    whole = size.get("size")
    return max(steps) if steps else whole if isinstance(whole, int) else None


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


def files_in(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, object) of every Photo and Document inside a kept message, in order."""
    if isinstance(value, dict):
        if value.get("_") in ("Photo", "Document"):
            yield path, value
            return
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from files_in(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from files_in(item, f"{path}.{number}")
