"""Who is who among Telegram's objects: channels, groups and persons by one number each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from spiders.json_access import dicts, obj, text_of


@dataclass(frozen=True)
class Peer:
    """A channel, group or person, as the objects that come with every answer describe it."""

    id: int
    """Marked: channels -100…, basic groups negative, persons positive."""
    handle: str | None = None
    name: str | None = None


def _is_bare(number: Any) -> TypeGuard[int]:
    """Whether it can be an id: any other would make, with the mark of its kind, somebody else's (core.telegram.org/api/bots/ids)."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**12


def marked(peer: Any) -> int | None:
    """Return one number for any peer, as Telegram's bot API and Telethon write it: -1001500000001, -42, 42."""
    if isinstance(peer, int) and not isinstance(peer, bool):
        return peer
    found = obj(peer)
    for key, sign, base in (("channel_id", -1, 10**12), ("chat_id", -1, 0), ("user_id", 1, 0)):
        inner = found.get(key)
        if _is_bare(inner):
            return sign * (base + inner)
    return None


def peers_in(objects: Iterable[dict[str, Any]]) -> dict[int, Peer]:
    """Return who is who by marked id, from Channel, Chat and User objects."""
    found: dict[int, Peer] = {}
    for item in objects:
        kind, bare = item.get("_"), item.get("id")
        if not _is_bare(bare):
            continue
        if kind in ("Channel", "ChannelForbidden"):
            found[-(10**12) - bare] = Peer(-(10**12) - bare, handle_of(item), text_of(item.get("title")))
        elif kind in ("Chat", "ChatForbidden"):
            found[-bare] = Peer(-bare, None, text_of(item.get("title")))
        elif kind == "User":
            names = [text for key in ("first_name", "last_name") if (text := text_of(item.get(key)))]
            found[bare] = Peer(bare, handle_of(item), " ".join(names) or None)
    return found


def handle_of(item: dict[str, Any]) -> str | None:
    """Return the name in links; of several, the first that is active, which is the editable one. None without any."""
    if name := text_of(item.get("username")):
        return name
    names = [one for one in dicts(item.get("usernames")) if one.get("active")]
    return next((name for one in names if (name := text_of(one.get("username")))), None)


def place_of(peer: int | None, peers: Mapping[int, Peer]) -> str | None:
    """Return how posts of a chat are named: `ozen_today`, `c/1500000001` for a nameless channel, `g/42`, `u/42`."""
    if peer is None:
        return None
    known = peers.get(peer)
    if known is not None and known.handle:
        return known.handle
    if peer < -(10**12):
        return f"c/{-peer - 10**12}"
    return f"g/{-peer}" if peer < 0 else f"u/{peer}"


def number_of(message: dict[str, Any]) -> int:
    """Return a message's own number in its chat; 0 where it has none."""
    found = message.get("id")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
