"""Telegram's own message objects → posts. Pure and total.

Reads messages as the collector keeps them (`spiders/telegram/api/tl.py`), and dumps that others made with Telethon, of this
layer and of older ones: `to_id` for `peer_id`, `reply_to_msg_id` for `reply_to`, durations as whole numbers. An album
(`grouped_id`) is one post of several files, under the id of its first member. What has no mapping of its own is a
post with outcome `partial` and the name of the constructor; its object is kept whole all the same.
Sources: core.telegram.org/schema (layer 229), /api/entities, /api/reactions; the recordings for what clients show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spiders.json_access import at, count, dicts, load, obj, text_of
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post
from spiders.telegram.api.actions import ACTIONS, action_text
from spiders.telegram.api.attachments import MEDIA, OTHER_QUALITY, attachments_of
from spiders.telegram.api.peers import Peer, marked, number_of, peers_in, place_of
from spiders.telegram.api.words import article_of, caption_and_entities, entities_of, snake, time_of, words_of

PARSER = "telegram-api/2"
LAYOUT = "telegram/message"
LAYER = 229
"""The schema that the mappings below follow; a test holds them against the library's own classes."""
NEWER = "Telegram says that this kind of message needs a newer app; what it shows is unknown"
CONSTRUCTORS = ("Message", "MessageService", "MessageEmpty")


@dataclass(frozen=True)
class Setting:
    """The context of messages: who is who, and whether they are comments on a post."""

    peers: Mapping[int, Peer] = field(default_factory=dict)
    parent: str | None = None
    """Id of the post that these messages comment on, `name/123`."""
    linked: bool = False
    """Whether links may be made of the ids: only where the chat is known to be what its id says."""


def is_messages(value: Any) -> bool:
    """Return whether a JSON value holds messages of Telegram's API: one, a list, or an answer with a list."""
    if isinstance(value, dict):
        return value.get("_") in CONSTRUCTORS or is_messages(value.get("messages"))
    return bool(dicts(value)) and any(item.get("_") in CONSTRUCTORS for item in dicts(value)[:50])


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Parse a dump, a list of messages or a single one into posts, or a typed reason."""
    value = load(data)
    inner = value.get("messages") if isinstance(value, dict) and value.get("_") not in CONSTRUCTORS else value
    items = [inner] if isinstance(inner, dict) else dicts(inner)
    around = [*dicts(obj(value).get("chats")), *dicts(obj(value).get("users"))]
    raw = len(_MESSAGE.findall(data))
    parsed = parse_objects([*items, *around])
    members = sum(max(1, len(post.album_ids)) for post in parsed.posts if post.outcome is not Outcome.UNAVAILABLE)
    return replace(parsed, census=(Census("messages", raw, members),))


def parse_objects(objects: Iterable[dict[str, Any]], linked: bool = False) -> Parsed:
    """Parse messages among the objects that say who is who. `linked`: their chats are what their ids say."""
    everything = list(objects)
    posts = read_messages(
        (item for item in everything if item.get("_") in CONSTRUCTORS), Setting(peers_in(everything), linked=linked)
    )
    if not posts:
        reason = "no message of Telegram's API in it"
        return Parsed(platform="telegram", layout="unknown", outcome=Outcome.PARTIAL, reason=reason, parser=PARSER)
    return Parsed(platform="telegram", layout=LAYOUT, posts=posts, parser=PARSER, absence=Absence(Availability.PRESENT))


_MESSAGE = re.compile(rb'"_"\s*:\s*"(?:Message|MessageService)"')
"""A mark in the bytes that is not the parser's: every message names its constructor."""


# -- messages ----------------------------------------------------------------------------------------------------


def read_messages(messages: Iterable[dict[str, Any]], setting: Setting = Setting()) -> tuple[Post, ...]:
    """Make posts of messages, one for each album, in the order in which their first members stand."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for position, message in enumerate(messages):
        album = message.get("grouped_id")
        key = (marked(_chat(message)), album) if isinstance(album, int | str) and album else position
        groups.setdefault(key, []).append(message)
    return tuple(_post(sorted(members, key=number_of), setting) for members in groups.values())


def _chat(message: dict[str, Any]) -> Any:
    return message.get("peer_id") or message.get("to_id")


def _post(members: list[dict[str, Any]], setting: Setting) -> Post:
    first = members[0]
    chat = marked(_chat(first))
    place = place_of(chat, setting.peers)
    post_id = identity(place, number_of(first), setting.parent)
    if first.get("_") == "MessageEmpty":
        return Post(
            platform="telegram",
            id=post_id,
            outcome=Outcome.UNAVAILABLE,
            reason="Telegram answers that there is no such message",
            extra={"kind": "empty"},
        )
    author = marked(first.get("from_id"))
    if author is None and first.get("post"):
        author = chat
    known = setting.peers.get(author) if author is not None else None
    attachments = tuple(item for member in members for item in attachments_of(member))
    outcome, reason = _outcome(members, attachments)
    action = obj(first.get("action")) if first.get("_") == "MessageService" else None
    text, entities = caption_and_entities(members) if action is None else (words_of(action.get("message")), [])
    forward, reactions = obj(first.get("fwd_from")), _reactions(first)
    replies = count(at(first, "replies", "replies")) if isinstance(first.get("replies"), dict) else None
    return Post(
        platform="telegram",
        id=post_id,
        url=link_of(post_id) if setting.linked or (setting.peers.get(chat or 0) or Peer(0)).handle else None,
        author_handle=known.handle if known else None,
        author_name=known.name if known else None,
        author_id=str(author) if author is not None else None,
        published=time_of(first.get("date"), "date"),
        title=text_of(action.get("title")) if action is not None else None,
        text=text,
        attachments=attachments,
        album_ids=tuple(str(number_of(member)) for member in members) if first.get("grouped_id") else (),
        reply_to=_reply_id(_reply(first), place, setting),
        forwarded_from=_forwarded(forward, setting),
        views=count(first.get("views")),
        replies=replies,
        reposts=count(first.get("forwards")),
        likes=sum(item["count"] for item in reactions) if reactions else None,
        edited=_shows_edit(members),
        outcome=outcome,
        reason=reason,
        duration=next((item.duration for item in attachments if item.duration is not None), None),
        extra=_facts(members, entities, setting),
    )


def _shows_edit(members: list[dict[str, Any]]) -> bool:
    return any(member.get("edit_date") and not member.get("edit_hide") for member in members)


def _facts(members: list[dict[str, Any]], entities: list[dict[str, Any]], setting: Setting) -> dict[str, Any]:
    """What the messages of a post say beside what all platforms have. `entities`: of its text."""
    first = members[0]
    said = next((member for member in members if text_of(member.get("message"))), first)
    service = first.get("_") == "MessageService"
    edit = time_of(first.get("edit_date") or said.get("edit_date"), "edit_date")
    facts = {
        "kind": "comment" if setting.parent else "service" if service else None,
        "action": snake(str(at(first, "action", "_") or ""), "MessageAction") if service else None,
        "action_in_words": action_text(obj(first.get("action"))) if service else None,
        "entities": entities or None,
        "captions": _captions(members),
        "article": article_of(obj(first.get("rich_message"))),
        "edited_at": edit.line() if edit else None,
        "edit_hidden": True if edit and not _shows_edit(members) else None,
        "grouped_id": str(first["grouped_id"]) if first.get("grouped_id") else None,
        "signature": text_of(first.get("post_author")),
        "via_bot": first.get("via_bot_id"),
        "pinned": True if any(member.get("pinned") for member in members) else None,
        "noforwards": True if first.get("noforwards") else None,
        "forward": _forward(obj(first.get("fwd_from")), setting),
        "reply": _reply(first) or None,
        "reactions": _reactions(first),
        "comments_in": at(first, "replies", "channel_id"),
        "restrictions": _restrictions(first),
        "vanishes_after": count(first.get("ttl_period")),
        "buttons": _buttons(first),
        "fact_check": text_of(at(first, "factcheck", "text", "text")),
        "layer": LAYER,
    }
    return {key: value for key, value in facts.items() if value is not None}


def identity(place: str | None, number_: int, parent: str | None = None) -> str | None:
    """Return a message's id: `ozen_today/12`, `c/1500000001/12`; of a comment `ozen_today/12?comment=501`."""
    if parent is not None:
        return f"{parent}?comment={number_}"
    return f"{place}/{number_}" if place is not None else str(number_) if number_ else None


def link_of(post_id: str | None) -> str | None:
    """Return the link that Telegram opens; None in basic groups and chats with a person, which have none."""
    return f"https://t.me/{post_id}" if post_id and "/" in post_id and not post_id.startswith(("g/", "u/")) else None


def raw_only(name: str) -> str:
    """Return the reason why something is not whole that no mapping reads."""
    return f"{name} has no mapping of its own; its object is kept as Telegram sent it"


def _outcome(members: list[dict[str, Any]], attachments: tuple[Attachment, ...]) -> tuple[Outcome, str | None]:
    """What of the messages has no mapping of its own, or is not in them: said so."""
    for member in members:
        media, action = at(member, "media", "_"), at(member, "action", "_")
        if isinstance(media, str) and media not in MEDIA:
            return Outcome.PARTIAL, NEWER if media == "MessageMediaUnsupported" else raw_only(media)
        if isinstance(action, str) and action not in ACTIONS:
            return Outcome.PARTIAL, raw_only(action)
        if isinstance(member.get("rich_message"), dict):
            return Outcome.PARTIAL, raw_only("RichMessage")
    notice = next((item["text"] for item in _restrictions(members[0]) or () if item["platform"] == "all"), None)
    if notice is not None and not attachments and not any(text_of(member.get("message")) for member in members):
        return Outcome.REFUSED, f"withheld: {notice}"
    missing = next((item.reason for item in attachments if item.reason and item.reason != OTHER_QUALITY), None)
    return (Outcome.PARTIAL, missing) if missing else (Outcome.CAPTURED, None)


# -- what a message says beside its text -------------------------------------------------------------------------


def _captions(members: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The caption of each member of an album, where several have one: whose words are whose."""
    said = [member for member in members if text_of(member.get("message"))]
    if len(said) < 2:
        return None
    lines = [(str(number_of(member)), member["message"], entities_of(member)) for member in said]
    return [{"id": number, "text": text, **({"entities": found} if found else {})} for number, text, found in lines]


def _reactions(message: dict[str, Any]) -> list[dict[str, Any]] | None:
    found = []
    for item in dicts(at(message, "reactions", "results")):
        how_many, reaction = count(item.get("count")), obj(item.get("reaction"))
        if how_many is None:
            continue
        kind = reaction.get("_")
        if kind == "ReactionEmoji":
            found.append({"kind": "emoji", "emoji": reaction.get("emoticon"), "count": how_many})
        elif kind == "ReactionCustomEmoji":
            found.append({"kind": "custom_emoji", "emoji_id": str(reaction.get("document_id")), "count": how_many})
        elif kind == "ReactionPaid":
            found.append({"kind": "paid_stars", "count": how_many})
        else:
            found.append({"kind": str(kind or item.get("reaction")), "count": how_many})
    return found or None


def _restrictions(message: dict[str, Any]) -> list[dict[str, Any]] | None:
    found = [
        {key: item.get(key) for key in ("platform", "reason", "text")}
        for item in dicts(message.get("restriction_reason"))
    ]
    return found or None


def _buttons(message: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Buttons under a message. Until layer 228 a link stood at the button itself, since then in its type."""
    found = []
    for row in dicts(at(message, "reply_markup", "rows")):
        for button in dicts(row.get("buttons")):
            links = [button.get("url"), *(obj(inner).get("url") for inner in button.values())]
            link = next((url for url in links if isinstance(url, str)), None)
            text = button.get("text") if isinstance(button.get("text"), str) else None
            found.append({key: value for key, value in (("text", text), ("url", link)) if value is not None})
    return found or None


def _forward(header: dict[str, Any], setting: Setting) -> dict[str, Any] | None:
    """Where it was forwarded from, as far as the origin lets it be seen."""
    if not header:
        return None
    origin = marked(header.get("from_id"))
    if origin is None and isinstance(header.get("channel_id"), int):
        origin = marked({"channel_id": header["channel_id"]})
    sent = time_of(header.get("date"), "fwd_from.date")
    place, post = place_of(origin, setting.peers), header.get("channel_post")
    found = {
        "from_id": str(origin) if origin is not None else None,
        "name": text_of(header.get("from_name")) or (setting.peers.get(origin or 0) or Peer(0)).name,
        "post": f"{place}/{post}" if place and isinstance(post, int) else None,
        "signature": text_of(header.get("post_author")),
        "published": sent.line() if sent else None,
        "imported": True if header.get("imported") else None,
        "saved_from": place_of(marked(header.get("saved_from_peer")), setting.peers),
    }
    found["hidden"] = None if any(found[key] for key in ("from_id", "name", "post")) else True
    return {key: value for key, value in found.items() if value is not None}


def _forwarded(header: dict[str, Any], setting: Setting) -> str | None:
    found = _forward(header, setting)
    if not found:
        return None
    for key in ("post", "name", "from_id"):
        if key in found:
            return str(found[key])
    return None


def _reply(message: dict[str, Any]) -> dict[str, Any]:
    """What it answers: message, topic, quote. Old layers give a bare `reply_to_msg_id`."""
    header = obj(message.get("reply_to"))
    old = message.get("reply_to_msg_id")
    found: dict[str, Any] = {
        "message": header.get("reply_to_msg_id", old if isinstance(old, int) else None),
        "chat": marked(header.get("reply_to_peer_id")),
        "thread": header.get("reply_to_top_id"),
        "topic": True if header.get("forum_topic") else None,
        "quote": text_of(header.get("quote_text")),
        "quote_offset": header.get("quote_offset"),
        "story": header.get("story_id"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _reply_id(reply: dict[str, Any], place: str | None, setting: Setting) -> str | None:
    target = reply.get("message")
    if not isinstance(target, int):
        return setting.parent
    if setting.parent is not None:
        # The first comments answer the copy of the post in the group; that is the post itself.
        return f"{setting.parent}?comment={target}" if reply.get("thread") else setting.parent
    chat = reply.get("chat")
    where = place_of(chat, setting.peers) if isinstance(chat, int) else place
    if reply.get("topic") and "thread" not in reply:
        return None  # a message of a topic names the topic's first message; that is no answer to it
    return f"{where}/{target}" if where else str(target)
