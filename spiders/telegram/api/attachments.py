"""What hangs on a message of Telegram: files, places, polls, contacts and what else it tells. Pure.

Media that have no mapping here are said to have none, and their objects are kept whole (`messages.read_messages`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spiders.json_access import at, count, dicts, number, obj, text_of
from spiders.posts import Attachment
from spiders.telegram.api.peers import marked, number_of
from spiders.telegram.api.tl import files_in, largest, size_of
from spiders.telegram.api.words import article_of, entities_of, snake, time_of, words_of


def attachments_of(message: dict[str, Any]) -> list[Attachment]:
    """List all that is attached to a message: first what the message is about, then every other file in it."""
    media, owner = obj(message.get("media")), str(number_of(message))
    found: list[Attachment] = []
    if media:
        found += [replace(item, post_id=owner) for item in _made(media)]
    taken = {item.extra.get("file_id") for item in found}
    for where, file in files_in(message):
        if _id(file) in taken:
            continue
        taken.add(_id(file))
        item = _file(file)
        extra = {**item.extra, "where": where}
        reason = OTHER_QUALITY if ".alt_documents." in f".{where}." else item.reason
        found.append(replace(item, post_id=owner, extra=extra, reason=reason))
    return found


def _made(media: dict[str, Any]) -> list[Attachment]:
    """What a medium is read as. One without a mapping is listed too, by the name that Telegram's schema gives it."""
    name = str(media.get("_"))
    if (make := MEDIA.get(name)) is not None:
        return make(media)
    return [Attachment("unknown", None, reason=NOT_MAPPED, extra={"constructor": name})]


NOT_MAPPED = "a kind of media that is not read; its object is kept as Telegram sent it"
OTHER_QUALITY = "another quality of the same video, made by Telegram; the original is kept"


def _file(file: dict[str, Any]) -> Attachment:
    return _photo(file) if file.get("_") == "Photo" else _document(file)


def _photo(file: dict[str, Any]) -> Attachment:
    best = largest(file.get("sizes"))
    return Attachment(
        "photo", None, width=count(at(best, "w")), height=count(at(best, "h")), size=size_of(best) if best else None,
        reason=None if best else "Telegram offers no size of the photo",
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
        kind,
        None,
        width=count(size.get("w")),
        height=count(size.get("h")),
        duration=number(video.get("duration", audio.get("duration"))),
        size=count(file.get("size")),
        file_name=text_of(obj(facts.get("DocumentAttributeFilename")).get("file_name")),
        extra={key: value for key, value in extra.items() if value is not None},
    )


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
    said = {key: text_of(page.get(key)) for key in ("title", "description", "site_name", "type", "author", "embed_url")}
    extra: dict[str, Any] = {key: text for key, text in said.items() if text}
    if article := article_of(obj(page.get("cached_page"))):
        extra["article"] = article
    if page.get("_") == "WebPagePending":
        extra["state"] = "Telegram was still making this preview"
    return [Attachment("link preview", text_of(page.get("url")), duration=number(page.get("duration")), extra=extra)]


def _of_poll(media: dict[str, Any]) -> list[Attachment]:
    poll, results = obj(media.get("poll")), obj(media.get("results"))
    voters = {str(item.get("option")): item for item in dicts(results.get("results"))}
    options = []
    for answer in dicts(poll.get("answers")):
        votes = voters.get(str(answer.get("option")), {})
        line = {"text": words_of(answer.get("text")), "voters": count(votes.get("voters"))}
        options.append(line | ({"correct": True} if votes.get("correct") else {}))
    facts = {
        "question": words_of(poll.get("question")),
        "options": options,
        "voters": count(results.get("total_voters")),
        "closed": bool(poll.get("closed")),
        "quiz": bool(poll.get("quiz")),
        "several_answers": bool(poll.get("multiple_choice")),
        "public_voters": bool(poll.get("public_voters")),
        "solution": text_of(results.get("solution")),
    }
    return [Attachment("poll", None, extra={key: value for key, value in facts.items() if value is not None})]


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
    items = [{"text": words_of(item.get("title")), "done": item.get("id") in done} for item in dicts(todo.get("list"))]
    return [Attachment("list", None, extra={"title": words_of(todo.get("title")), "items": items})]


def _of_paid(media: dict[str, Any]) -> list[Attachment]:
    """Pictures for sale: unpaid ones are previews without a file."""
    found = []
    for item in dicts(media.get("extended_media")):
        inner = obj(item.get("media"))
        if inner:
            found += _made(inner)
        else:
            found.append(
                Attachment(
                    "paid media", None, width=count(item.get("w")), height=count(item.get("h")), duration=number(item.get("video_duration")),
                    reason=f"for sale for {media.get('stars_amount')} stars; nothing was bought",
                )
            )  # fmt: skip
    return found


def _of_story(media: dict[str, Any]) -> list[Attachment]:
    """A story that a message passes on. Its file is listed beside it, like every other file in the message."""
    story = obj(media.get("story"))
    extra = {"from": marked(media.get("peer")), "story": media.get("id"), **story_facts(story)}
    if text_of(story.get("caption")):
        extra |= {"caption": story["caption"], "entities": entities_of(story) or None}
    inner = obj(story.get("media"))
    reason = STORY_STATES.get(str(story.get("_"))) if story else STORY_STATES["StoryItemSkipped"]
    if reason is None and story:
        reason = next((item.reason for item in _made(inner) if item.reason), None) if inner else NO_STORY_FILE
    return [Attachment("story", None, reason=reason, extra={key: v for key, v in extra.items() if v is not None})]


STORY_STATES = {
    "StoryItemDeleted": "the story is not there any more: Telegram answers StoryItemDeleted",
    "StoryItemSkipped": "Telegram gives only the number of the story, not the story",
}
"""Why there is nothing of a story, by the constructor that stands in its place (core.telegram.org/type/StoryItem)."""
NO_STORY_FILE = "Telegram sends the story without its picture or video"


def story_facts(story: dict[str, Any]) -> dict[str, Any]:
    """Return what a story says of itself: when it was published, until when it is shown, and what is marked on it."""
    published = time_of(story.get("date"), "date")
    facts = {
        "published": published.line() if published else None,
        "expires": story.get("expire_date") if isinstance(story.get("expire_date"), int | str) else None,
        "edited": True if story.get("edited") else None,
        "story_from": _story_origin(obj(story.get("fwd_from"))),
        "areas": [_area(item) for item in dicts(story.get("media_areas"))] or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _story_origin(header: dict[str, Any]) -> dict[str, Any] | None:
    """Whose story it repeats, as far as that is shown."""
    found = {
        "from_id": marked(header.get("from_", header.get("from"))),
        "name": text_of(header.get("from_name")),
        "story": count(header.get("story_id")),
        "modified": True if header.get("modified") else None,
    }
    return {key: value for key, value in found.items() if value is not None} or None


def _area(area: dict[str, Any]) -> dict[str, Any]:
    """A place, link, post or reaction that is marked on a story."""
    geo, address = obj(area.get("geo")), obj(area.get("address"))
    found: dict[str, Any] = {
        "kind": snake(str(area.get("_")), "MediaArea"),
        "latitude": _decimal(geo.get("lat")), "longitude": _decimal(geo.get("long")),
        "address": text_of(area.get("address")) or ", ".join(
            text for key in ("street", "city", "state", "country_iso2") if (text := text_of(address.get(key)))
        ) or None,
    }  # fmt: skip
    found |= {key: area.get(key) for key in ("title", "url", "channel_id", "msg_id", "temperature_c", "emoji")}
    return {key: v for key, v in found.items() if isinstance(v, str | int | float)}


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
