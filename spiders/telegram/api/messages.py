"""Telegram's own message objects → posts. Pure and total.

Reads messages as the collector keeps them (`spiders/telegram/api/tl.py`), and dumps that others made with Telethon, of this
layer and of older ones: `to_id` for `peer_id`, `reply_to_msg_id` for `reply_to`, durations as whole numbers. An album
(`grouped_id`) is one post of several files, under the id of its first member. What has no mapping of its own is a
post with outcome `partial` and the name of the constructor; its object is kept whole all the same.
Sources: core.telegram.org/schema (layer 229), /api/entities, /api/reactions; the recordings for what clients show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from spiders.dates import iso
from spiders.json_access import at, count, dicts, load, number, obj, text_of
from spiders.posts import Absence, Attachment, Census, Outcome, Parsed, Post, State, Time
from spiders.telegram.api.tl import files_in, largest, size_of

PARSER = "telegram-api/1"
LAYOUT = "telegram/message"
LAYER = 229
"""The schema that the mappings below follow; a test holds them against the library's own classes."""
CONSTRUCTORS = ("Message", "MessageService", "MessageEmpty")
NEWER = "Telegram says that this kind of message needs a newer app; what it shows is unknown"


@dataclass(frozen=True)
class Peer:
    """What is known of a channel, group or person: from the objects that come with every answer."""

    id: int
    """Marked: channels -100…, basic groups negative, persons positive."""
    handle: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Setting:
    """What stands around the messages: who is who, and whether they are comments on a post."""

    peers: Mapping[int, Peer] = field(default_factory=dict)
    parent: str | None = None
    """Id of the post that these messages comment on, `name/123`."""
    linked: bool = False
    """Whether links may be made of the ids: only where the chat is known to be what its id says."""


def is_messages(value: Any) -> bool:
    """Whether a JSON value holds messages of Telegram's API: one, a list of them, or an answer with a list."""
    if isinstance(value, dict):
        return value.get("_") in CONSTRUCTORS or is_messages(value.get("messages"))
    return bool(dicts(value)) and any(item.get("_") in CONSTRUCTORS for item in dicts(value)[:50])


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Posts of a dump, a list of messages or a single one, or a typed reason."""
    value = load(data)
    inner = value.get("messages") if isinstance(value, dict) and value.get("_") not in CONSTRUCTORS else value
    items = [inner] if isinstance(inner, dict) else dicts(inner)
    around = [*dicts(obj(value).get("chats")), *dicts(obj(value).get("users"))]
    raw = len(_MESSAGE.findall(data))
    parsed = parse_objects([*items, *around])
    members = sum(max(1, len(post.album_ids)) for post in parsed.posts if post.outcome is not Outcome.UNAVAILABLE)
    return replace(parsed, census=(Census("messages", raw, members),))


def parse_objects(objects: Iterable[dict[str, Any]], linked: bool = False) -> Parsed:
    """Posts of messages among other objects, which say who is who. `linked`: their chats are what their ids say."""
    everything = list(objects)
    posts = read_messages(
        (item for item in everything if item.get("_") in CONSTRUCTORS), Setting(peers_in(everything), linked=linked)
    )
    if not posts:
        reason = "no message of Telegram's API in it"
        return Parsed("telegram", "unknown", outcome=Outcome.PARTIAL, reason=reason, parser=PARSER)
    return Parsed("telegram", LAYOUT, posts, parser=PARSER, absence=Absence(State.PRESENT))


_MESSAGE = re.compile(rb'"_"\s*:\s*"(?:Message|MessageService)"')
"""A mark in the bytes that is not the parser's: every message names its constructor."""


# -- peers -------------------------------------------------------------------------------------------------------


def marked(peer: Any) -> int | None:
    """One number for any peer, as Telegram's bot API and Telethon write it: -1001500000001, -42, 42."""
    if isinstance(peer, int) and not isinstance(peer, bool):
        return peer
    found = obj(peer)
    for key, sign, base in (("channel_id", -1, 10**12), ("chat_id", -1, 0), ("user_id", 1, 0)):
        inner = found.get(key)
        if isinstance(inner, int) and not isinstance(inner, bool):
            return sign * (base + inner)
    return None


def peers_in(objects: Iterable[dict[str, Any]]) -> dict[int, Peer]:
    """Who is who, from Channel, Chat and User objects."""
    found: dict[int, Peer] = {}
    for item in objects:
        kind, bare = item.get("_"), item.get("id")
        if not isinstance(bare, int) or isinstance(bare, bool):
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
    """The name in links; a channel with several has one that is active and editable first."""
    if name := text_of(item.get("username")):
        return name
    names = [one for one in dicts(item.get("usernames")) if one.get("active")]
    return next((name for one in names if (name := text_of(one.get("username")))), None)


def place_of(peer: int | None, peers: Mapping[int, Peer]) -> str | None:
    """How posts of a chat are named: `ozen_today`, `c/1500000001` for a channel without a name, `g/42`, `u/42`."""
    if peer is None:
        return None
    known = peers.get(peer)
    if known is not None and known.handle:
        return known.handle
    if peer < -(10**12):
        return f"c/{-peer - 10**12}"
    return f"g/{-peer}" if peer < 0 else f"u/{peer}"


# -- messages ----------------------------------------------------------------------------------------------------


def read_messages(messages: Iterable[dict[str, Any]], setting: Setting = Setting()) -> tuple[Post, ...]:
    """Posts in the order in which their first members stand. Albums are put together."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for position, message in enumerate(messages):
        album = message.get("grouped_id")
        key = (marked(_chat(message)), album) if isinstance(album, int | str) and album else position
        groups.setdefault(key, []).append(message)
    return tuple(_post(sorted(members, key=_number), setting) for members in groups.values())


def _number(message: dict[str, Any]) -> int:
    found = message.get("id")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _chat(message: dict[str, Any]) -> Any:
    return message.get("peer_id") or message.get("to_id")


def _post(members: list[dict[str, Any]], setting: Setting) -> Post:
    first = members[0]
    chat = marked(_chat(first))
    place = place_of(chat, setting.peers)
    post_id = identity(place, _number(first), setting.parent)
    if first.get("_") == "MessageEmpty":
        return Post(
            "telegram", post_id, outcome=Outcome.UNAVAILABLE, reason="Telegram answers that there is no such message",
            extra={"kind": "empty"},
        )  # fmt: skip
    author = marked(first.get("from_id"))
    if author is None and first.get("post"):
        author = chat
    known = setting.peers.get(author) if author is not None else None
    said = next((member for member in members if text_of(member.get("message"))), first)
    attachments = tuple(item for member in members for item in _attachments(member))
    outcome, reason = _outcome(members)
    service = first.get("_") == "MessageService"
    text = text_of(said.get("message")) if not service else action_text(obj(first.get("action")))
    forward, reply = obj(first.get("fwd_from")), _reply(first)
    edit = _time(first.get("edit_date") or said.get("edit_date"), "edit_date")
    shown_edit = any(member.get("edit_date") and not member.get("edit_hide") for member in members)
    extra = {
        "kind": "comment" if setting.parent else "service" if service else None,
        "action": _snake(str(at(first, "action", "_") or ""), "MessageAction") if service else None,
        "entities": _entities(said),
        "edited_at": edit.line() if edit else None,
        "edit_hidden": True if edit and not shown_edit else None,
        "grouped_id": str(first["grouped_id"]) if first.get("grouped_id") else None,
        "signature": text_of(first.get("post_author")),
        "via_bot": first.get("via_bot_id"),
        "pinned": True if any(member.get("pinned") for member in members) else None,
        "noforwards": True if first.get("noforwards") else None,
        "forward": _forward(forward, setting),
        "reply": reply or None,
        "reactions": _reactions(first),
        "comments_in": at(first, "replies", "channel_id"),
        "restrictions": _restrictions(first),
        "vanishes_after": count(first.get("ttl_period")),
        "buttons": _buttons(first),
        "fact_check": text_of(at(first, "factcheck", "text", "text")),
        "layer": LAYER,
    }
    reactions = extra["reactions"]
    replies = count(at(first, "replies", "replies")) if isinstance(first.get("replies"), dict) else None
    return Post(
        "telegram",
        post_id,
        url=link_of(post_id) if setting.linked or (setting.peers.get(chat or 0) or Peer(0)).handle else None,
        author_handle=known.handle if known else None,
        author_name=known.name if known else None,
        author_id=str(author) if author is not None else None,
        published=_time(first.get("date"), "date"),
        text=text,
        attachments=attachments,
        album_ids=tuple(str(_number(member)) for member in members) if first.get("grouped_id") else (),
        reply_to=_reply_id(reply, place, setting),
        forwarded_from=_forwarded(forward, setting),
        views=count(first.get("views")),
        replies=replies,
        reposts=count(first.get("forwards")),
        likes=sum(item["count"] for item in reactions) if reactions else None,
        edited=bool(shown_edit),
        outcome=outcome,
        reason=reason,
        duration=next((item.duration for item in attachments if item.duration is not None), None),
        extra={key: value for key, value in extra.items() if value is not None},
    )


def identity(place: str | None, number_: int, parent: str | None = None) -> str | None:
    """A message's id: `ozen_today/12`, `c/1500000001/12`; a comment's `ozen_today/12?comment=501`."""
    if parent is not None:
        return f"{parent}?comment={number_}"
    return f"{place}/{number_}" if place is not None else str(number_) if number_ else None


def link_of(post_id: str | None) -> str | None:
    """The link that Telegram opens. Basic groups and persons have none."""
    return f"https://t.me/{post_id}" if post_id and "/" in post_id and not post_id.startswith(("g/", "u/")) else None


def _time(value: Any, source: str) -> Time | None:
    if isinstance(value, str) and value:
        return iso(value, source)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40:
        return Time(datetime.fromtimestamp(value, UTC), "second", True, str(value), source)
    return None


def _outcome(members: list[dict[str, Any]]) -> tuple[Outcome, str | None]:
    """What of the messages has no mapping of its own: kept raw, and said so."""
    for member in members:
        media, action = at(member, "media", "_"), at(member, "action", "_")
        if media == "MessageMediaUnsupported":
            return Outcome.PARTIAL, NEWER
        if isinstance(media, str) and media not in MEDIA:
            return Outcome.PARTIAL, f"{media} has no mapping of its own; its object is kept as Telegram sent it"
        if isinstance(action, str) and action not in ACTIONS:
            return Outcome.PARTIAL, f"{action} has no mapping of its own; its object is kept as Telegram sent it"
        if isinstance(member.get("rich_message"), dict):
            return Outcome.PARTIAL, "RichMessage has no mapping of its own; its object is kept as Telegram sent it"
    return Outcome.CAPTURED, None


# -- what a message says beside its text -------------------------------------------------------------------------


def _snake(name: str, prefix: str) -> str:
    bare = name.removeprefix(prefix)
    return "".join((" " + c.lower()) if c.isupper() else c for c in bare).strip()


def _entities(message: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Formatting and links. `offset` and `length` count UTF-16 code units, as Telegram does."""
    found = []
    for item in dicts(message.get("entities")):
        line = {
            "kind": _snake(str(item.get("_")), "MessageEntity"),
            "offset": item.get("offset"),
            "length": item.get("length"),
        }
        for key in ("url", "language", "user_id", "document_id", "collapsed"):
            if item.get(key) is not None:
                line[key] = item[key]
        found.append(line)
    return found or None


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
    sent = _time(header.get("date"), "fwd_from.date")
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
    return {key: value for key, value in found.items() if value is not None}


def _forwarded(header: dict[str, Any], setting: Setting) -> str | None:
    found = _forward(header, setting)
    if not found:
        return None
    for key in ("post", "name", "from_id"):
        if key in found:
            return str(found[key])
    return "hidden"


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


# -- media -------------------------------------------------------------------------------------------------------


def _attachments(message: dict[str, Any]) -> list[Attachment]:
    """Everything attached to one message: first what the message is about, then every other file in it."""
    media, owner = obj(message.get("media")), str(_number(message))
    found: list[Attachment] = []
    make = MEDIA.get(str(media.get("_")))
    if make is not None:
        found += [replace(item, post_id=owner) for item in make(media)]
    taken = {item.extra.get("file_id") for item in found}
    for where, file in files_in(message):
        if _id(file) in taken:
            continue
        taken.add(_id(file))
        item = _file(file)
        extra = {**item.extra, "where": where}
        reason = OTHER_QUALITY if ".alt_documents." in f".{where}." else None
        found.append(replace(item, post_id=owner, extra=extra, reason=reason))
    return found


OTHER_QUALITY = "another quality of the same video, made by Telegram; the original is kept"


def _file(file: dict[str, Any]) -> Attachment:
    return _photo(file) if file.get("_") == "Photo" else _document(file)


def _photo(file: dict[str, Any]) -> Attachment:
    best = largest(file.get("sizes"))
    return Attachment(
        "photo", None, count(at(best, "w")), count(at(best, "h")), size=size_of(best) if best else None,
        reason=None if best else "the photo has no size that can be fetched",
        extra={"file_id": _id(file), "dc": file.get("dc_id")},
    )  # fmt: skip


def _document(file: dict[str, Any]) -> Attachment:
    facts = {str(item.get("_")): item for item in dicts(file.get("attributes"))}
    video, audio = facts.get("DocumentAttributeVideo", {}), facts.get("DocumentAttributeAudio", {})
    image = facts.get("DocumentAttributeImageSize", {})
    if "DocumentAttributeSticker" in facts or "DocumentAttributeCustomEmoji" in facts:
        kind = "sticker"
    elif "DocumentAttributeAnimated" in facts:
        kind = "gif"
    elif video:
        kind = "round video" if video.get("round_message") else "video"
    elif audio:
        kind = "voice" if audio.get("voice") else "audio"
    else:
        kind = "document"
    sticker = facts.get("DocumentAttributeSticker") or facts.get("DocumentAttributeCustomEmoji") or {}
    size = obj(video or image)
    extra = {
        "file_id": _id(file),
        "dc": file.get("dc_id"),
        "media_type": text_of(file.get("mime_type")),
        "title": text_of(audio.get("title")),
        "performer": text_of(audio.get("performer")),
        "emoji": text_of(sticker.get("alt")),
        "no_sound": True if video.get("nosound") else None,
        "uploaded": file.get("date") if isinstance(file.get("date"), str) else None,
        "thumbnail_size": text_of(at(largest(file.get("thumbs")), "type")),
    }
    return Attachment(
        kind, None, count(size.get("w")), count(size.get("h")), number(video.get("duration", audio.get("duration"))),
        count(file.get("size")), text_of(obj(facts.get("DocumentAttributeFilename")).get("file_name")),
        extra={key: value for key, value in extra.items() if value is not None},
    )  # fmt: skip


def _id(file: dict[str, Any]) -> str | None:
    """Ids of files are wider than what many readers of JSON take as a number."""
    found = file.get("id")
    return str(found) if isinstance(found, int | str) and not isinstance(found, bool) else None


def _of_document(media: dict[str, Any]) -> list[Attachment]:
    file = obj(media.get("document"))
    if not file or file.get("_") == "DocumentEmpty":
        gone = count(media.get("ttl_seconds"))
        reason = "a file that vanishes when it is seen; Telegram sends it no more" if gone else "Telegram sends no file"
        return [Attachment("document", None, reason=reason)]
    found = _document(file)
    return [replace(found, extra={**found.extra, "spoiler": True} if media.get("spoiler") else found.extra)]


def _of_photo(media: dict[str, Any]) -> list[Attachment]:
    file = obj(media.get("photo"))
    if not file or file.get("_") == "PhotoEmpty":
        gone = count(media.get("ttl_seconds"))
        reason = (
            "a photo that vanishes when it is seen; Telegram sends it no more" if gone else "Telegram sends no photo"
        )
        return [Attachment("photo", None, reason=reason)]
    found = _photo(file)
    return [replace(found, extra={**found.extra, "spoiler": True} if media.get("spoiler") else found.extra)]


def _of_page(media: dict[str, Any]) -> list[Attachment]:
    page = obj(media.get("webpage"))
    extra = {
        key: text for key in ("title", "description", "site_name", "type", "author", "embed_url")
        if (text := text_of(page.get(key)))
    }  # fmt: skip
    if page.get("_") == "WebPagePending":
        extra["state"] = "Telegram was still making this preview"
    return [Attachment("link preview", text_of(page.get("url")), duration=number(page.get("duration")), extra=extra)]


def _of_poll(media: dict[str, Any]) -> list[Attachment]:
    poll, results = obj(media.get("poll")), obj(media.get("results"))
    voters = {str(item.get("option")): item for item in dicts(results.get("results"))}
    options = []
    for answer in dicts(poll.get("answers")):
        votes = voters.get(str(answer.get("option")), {})
        line = {"text": _words(answer.get("text")), "voters": count(votes.get("voters"))}
        options.append(line | ({"correct": True} if votes.get("correct") else {}))
    facts = {
        "question": _words(poll.get("question")),
        "options": options,
        "voters": count(results.get("total_voters")),
        "closed": bool(poll.get("closed")),
        "quiz": bool(poll.get("quiz")),
        "several_answers": bool(poll.get("multiple_choice")),
        "public_voters": bool(poll.get("public_voters")),
        "solution": text_of(results.get("solution")),
    }
    return [Attachment("poll", None, extra={key: value for key, value in facts.items() if value is not None})]


def _words(value: Any) -> str | None:
    """Text that is a plain string in old layers and TextWithEntities since."""
    return text_of(value) or text_of(obj(value).get("text"))


def _of_geo(media: dict[str, Any]) -> list[Attachment]:
    geo = obj(media.get("geo"))
    extra: dict[str, Any] = {
        "latitude": _decimal(geo.get("lat")), "longitude": _decimal(geo.get("long")),
        "accuracy_m": count(geo.get("accuracy_radius")),
    }  # fmt: skip
    if media.get("_") == "MessageMediaVenue":
        extra |= {"place": text_of(media.get("title")), "address": text_of(media.get("address")),
                  "provider": text_of(media.get("provider")), "venue_id": text_of(media.get("venue_id"))}  # fmt: skip
    if media.get("_") == "MessageMediaGeoLive":
        extra |= {"live": True, "period_s": count(media.get("period")), "heading": count(media.get("heading"))}
    reason = "Telegram sends no place" if geo.get("_") == "GeoPointEmpty" or not geo else None
    return [Attachment("location", None, reason=reason, extra={k: v for k, v in extra.items() if v is not None})]


def _decimal(value: Any) -> str | None:
    found = number(value)
    return None if found is None else repr(found)


def _of_contact(media: dict[str, Any]) -> list[Attachment]:
    names = [text for key in ("first_name", "last_name") if (text := text_of(media.get(key)))]
    extra = {"name": " ".join(names) or None, "user_id": media.get("user_id") or None}
    return [Attachment("contact", None, extra={key: value for key, value in extra.items() if value is not None})]


def _facts(kind: str, *keys: str) -> Callable[[dict[str, Any]], list[Attachment]]:
    """A medium that is told in the message itself: the named fields, as they are."""

    def made(media: dict[str, Any]) -> list[Attachment]:
        extra = {
            key: media[key] for key in keys if media.get(key) is not None and not isinstance(media[key], dict | list)
        }
        return [Attachment(kind, None, extra=extra)]

    return made


def _of_game(media: dict[str, Any]) -> list[Attachment]:
    game = obj(media.get("game"))
    extra = {key: game[key] for key in ("title", "short_name", "description") if text_of(game.get(key))}
    return [Attachment("game", None, extra=extra)]


def _of_todo(media: dict[str, Any]) -> list[Attachment]:
    todo = obj(media.get("todo"))
    done = {item.get("id") for item in dicts(media.get("completions"))}
    items = [{"text": _words(item.get("title")), "done": item.get("id") in done} for item in dicts(todo.get("list"))]
    return [Attachment("list", None, extra={"title": _words(todo.get("title")), "items": items})]


def _of_paid(media: dict[str, Any]) -> list[Attachment]:
    """Pictures for sale: unpaid ones are previews without a file."""
    found = []
    for item in dicts(media.get("extended_media")):
        inner = obj(item.get("media"))
        make = MEDIA.get(str(inner.get("_")))
        if make is not None:
            found += make(inner)
        else:
            found.append(
                Attachment(
                    "paid media", None, count(item.get("w")), count(item.get("h")), number(item.get("video_duration")),
                    reason=f"for sale for {media.get('stars_amount')} stars; nothing was bought",
                )
            )  # fmt: skip
    return found


def _of_story(media: dict[str, Any]) -> list[Attachment]:
    extra = {"from": marked(media.get("peer")), "story": media.get("id")}
    return [Attachment("story", None, extra={key: value for key, value in extra.items() if value is not None})]


MEDIA: dict[str, Callable[[dict[str, Any]], list[Attachment]]] = {
    "MessageMediaEmpty": lambda media: [],
    "MessageMediaPhoto": _of_photo,
    "MessageMediaDocument": _of_document,
    "MessageMediaWebPage": _of_page,
    "MessageMediaPoll": _of_poll,
    "MessageMediaGeo": _of_geo,
    "MessageMediaGeoLive": _of_geo,
    "MessageMediaVenue": _of_geo,
    "MessageMediaContact": _of_contact,
    "MessageMediaDice": _facts("dice", "emoticon", "value"),
    "MessageMediaGame": _of_game,
    "MessageMediaInvoice": _facts("invoice", "title", "description", "currency", "total_amount"),
    "MessageMediaGiveaway": _facts("giveaway", "quantity", "until_date", "prize_description", "months", "stars"),
    "MessageMediaGiveawayResults": _facts("giveaway results", "winners_count", "unclaimed_count", "launch_msg_id"),
    "MessageMediaPaidMedia": _of_paid,
    "MessageMediaStory": _of_story,
    "MessageMediaToDo": _of_todo,
    "MessageMediaVideoStream": _facts("live stream", "rtmp_stream"),
}
"""Media with a mapping of their own. `MessageMediaUnsupported` has none by its nature."""

ACTIONS: dict[str, str] = {
    "MessageActionEmpty": "",
    "MessageActionBoostApply": "boosted the group {boosts} times",
    "MessageActionChangeCreator": "made {new_creator_id} the owner",
    "MessageActionChannelCreate": "Channel created: {title}",
    "MessageActionChannelMigrateFrom": "Group became a supergroup: {title}, before it group {chat_id}",
    "MessageActionChatAddUser": "added {users}",
    "MessageActionChatCreate": "Group created: {title}, with {users}",
    "MessageActionChatDeletePhoto": "Photo removed",
    "MessageActionChatDeleteUser": "removed {user_id}",
    "MessageActionChatEditPhoto": "Photo changed",
    "MessageActionChatEditTitle": "Title changed to: {title}",
    "MessageActionChatJoinedByLink": "joined by an invite link of {inviter_id}",
    "MessageActionChatJoinedByRequest": "was let in on request",
    "MessageActionChatMigrateTo": "Group became the supergroup {channel_id}",
    "MessageActionContactSignUp": "joined Telegram",
    "MessageActionCustomAction": "{message}",
    "MessageActionGameScore": "scored {score} in a game",
    "MessageActionGeoProximityReached": "came within {distance} m",
    "MessageActionGiveawayLaunch": "Giveaway started",
    "MessageActionGiveawayResults": "Giveaway ended: {winners_count} winners",
    "MessageActionGroupCall": "Live stream or voice chat, {duration} s",
    "MessageActionGroupCallScheduled": "Live stream or voice chat scheduled for {schedule_date}",
    "MessageActionHistoryClear": "History cleared",
    "MessageActionInviteToGroupCall": "invited {users} to the voice chat",
    "MessageActionNoForwardsToggle": "Forwarding and saving of content changed: {prev_value} to {new_value}",
    "MessageActionPhoneCall": "Phone call, {duration} s",
    "MessageActionPinMessage": "pinned a message",
    "MessageActionPollAppendAnswer": "added an answer to a poll",
    "MessageActionPollDeleteAnswer": "removed an answer from a poll",
    "MessageActionScreenshotTaken": "took a screenshot",
    "MessageActionSetChatTheme": "Theme changed",
    "MessageActionSetChatWallPaper": "Background changed",
    "MessageActionSetMessagesTTL": "Messages vanish after {period} s",
    "MessageActionTodoAppendTasks": "added to a list",
    "MessageActionTodoCompletions": "Done: {completed}; not done: {incompleted}",
    "MessageActionTopicCreate": "Topic created: {title}",
    "MessageActionTopicEdit": "Topic changed: {title}",
}
"""What happened, in words. Actions that are not here are kept raw: gifts, payments and what bots and private chats do."""


def action_text(action: dict[str, Any]) -> str | None:
    """A service message in words; what it says in numbers is in its object."""
    words = ACTIONS.get(str(action.get("_")))
    if words is None:
        return None
    values = {key: _told(value) for key, value in action.items()}
    return words.format_map(_Blank(values)).strip() or None


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value)
    return str(value) if not isinstance(value, dict) else str(marked(value) or value.get("_"))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "(not said)"
