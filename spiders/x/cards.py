"""Cards of X: what hangs under a post's text beside its own media. Polls, previews of links, videos, broadcasts.

A card of a kind that is not known keeps all it says as `values` of the preview: nothing of it is dropped. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from spiders.json_access import at, count, dicts, load, obj, text_of, walk
from spiders.posts import Attachment
from spiders.x.media import medium_of

LINKS = {"summary", "summary_large_image", "player"}
"""Cards that are a preview of a link and hold nothing beside what the preview has."""
RUNNING = {"RUNNING", "NOT_STARTED", "SCHEDULED"}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card holds: files and polls, and a preview with what it says of itself."""

    attachments: tuple[Attachment, ...] = ()
    preview: dict[str, Any] | None = None


def card_of(card: Any, post_id: str | None, position: int = 0) -> Card:
    """Read a card. `binding_values` is a list in GraphQL, an object in syndication. `position`: of its first file."""
    name = text_of(at(card, "name"))
    if name is None:
        return Card()
    values = _values(card.get("binding_values"))
    kind = name.rpartition(":")[2]
    preview: dict[str, Any] = {
        "name": name,
        "title": text_of(values.get("title")),
        "description": text_of(values.get("description")),
        "domain": text_of(values.get("vanity_url")) or text_of(values.get("domain")),
        "url": text_of(values.get("card_url")) or text_of(at(card, "url")),
        "image": text_of(values.get("photo_image_full_size_original"))
        or text_of(values.get("thumbnail_image_original"))
        or text_of(values.get("player_image_original")),
        "player_url": text_of(values.get("player_url")),
    }
    if re.fullmatch(r"poll\dchoice_\w+", kind):
        return Card(attachments=(_poll(name, values), *_poll_files(values, post_id, position)))
    if kind == "unified_card":
        files, told = _unified(values.get("unified_card"), post_id, position)
    elif "broadcast" in kind:
        files, told = _broadcast(values, post_id, position)
    elif kind == "audiospace":
        files, told = _space(values, post_id, position)
    else:
        files, told = _streams(values, post_id, position), {}
    if kind not in LINKS and kind != "unified_card":
        told = {**told, "values": _told(values, {str(preview["url"]), name})}
    return Card(attachments=files, preview={k: v for k, v in {**preview, **told}.items() if v is not None and v != {}})


def _values(bound: Any) -> dict[str, Any]:
    pairs = (
        bound.items() if isinstance(bound, dict) else ((item.get("key"), item.get("value")) for item in dicts(bound))
    )
    values: dict[str, Any] = {}
    for key, value in pairs:
        if isinstance(key, str) and isinstance(value, dict):
            found = value.get("string_value", value.get("boolean_value"))
            values[key] = found if found is not None else at(value, "image_value", "url")
    return values


def _told(values: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """All that a card says, its pictures in their original size only."""
    sizes = re.compile(r"_(?:small|large|x_large|color|medium)$")
    return {
        key: value
        for key, value in values.items()
        if value is not None and not sizes.search(key) and f"{key}_original" not in values and str(value) not in known
    }


def _poll(name: str, values: dict[str, Any]) -> Attachment:
    options = []
    for position in range(1, 5):
        label = text_of(values.get(f"choice{position}_label"))
        if label is not None:
            options.append({"text": label, "votes": count(values.get(f"choice{position}_count"))})
    final = values.get("counts_are_final")
    facts = {
        "card_name": name,
        "options": options,
        "final": final if isinstance(final, bool) else {"true": True, "false": False}.get(str(final)),
        "end_utc": text_of(values.get("end_datetime_utc")),
        "duration_minutes": count(values.get("duration_minutes")),
        "counted_at": text_of(values.get("last_updated_datetime_utc")),
        "image": text_of(values.get("image_original")),
    }
    return Attachment("poll", None, extra={key: value for key, value in facts.items() if value is not None})


def _poll_files(values: dict[str, Any], post_id: str | None, position: int) -> tuple[Attachment, ...]:
    """The photo or video that a poll is put over."""
    if image := text_of(values.get("image_original")):
        return (Attachment("photo", image, post_id=post_id, extra={"part": "poll", "position": position}),)
    return _streams(values, post_id, position)


def _post_link(post_id: str | None) -> str | None:
    """What the media extractor takes a card's video from, where the answer has no link of a file."""
    return f"https://x.com/i/status/{post_id}" if post_id else None


def _streams(values: dict[str, Any], post_id: str | None, position: int) -> tuple[Attachment, ...]:
    """The video of a card that names a file, or a list of files, of its own."""
    stream = text_of(values.get("player_stream_url"))
    vmap = text_of(values.get("amplify_url_vmap"))
    if stream is None and vmap is None:
        return ()
    said = str(values.get("player_stream_content_type") or "").lower()
    is_file = stream is not None and (said.startswith("video/") or re.search(r"\.(?:mp4|webm)(?:\?|$)", stream))
    facts = {
        "part": "card",
        "position": position,
        "stream": None if is_file else stream,
        "vmap": vmap,
        "content_id": text_of(values.get("amplify_content_id")),
    }
    video = Attachment(
        "video",
        stream if is_file else None,
        width=count(values.get("player_width")),
        height=count(values.get("player_height")),
        thumbnail=text_of(values.get("player_image_original")),
        post_id=post_id,
        reason=None if is_file else "the card's video: the answer names only its list of files",
        extract_from=None if is_file else _post_link(post_id),
        extra={key: value for key, value in facts.items() if value is not None},
    )
    return (video,)


def _broadcast(values: dict[str, Any], post_id: str | None, position: int) -> tuple[tuple[Attachment, ...], Any]:
    """A live video: the answer gives its page, and no file."""
    link = text_of(values.get("broadcast_url")) or text_of(values.get("url"))
    number_ = text_of(values.get("broadcast_id")) or text_of(values.get("id"))
    if link is None and number_ is not None:
        link = f"https://x.com/i/broadcasts/{number_}"
    state = text_of(values.get("broadcast_state")) or text_of(values.get("state"))
    still = text_of(values.get("broadcast_thumbnail_original")) or text_of(values.get("full_size_thumbnail_url"))
    title = text_of(values.get("broadcast_title")) or text_of(values.get("title"))
    live = (state or "").upper() in RUNNING
    facts = {"part": "card", "position": position, "broadcast_url": link, "broadcast_id": number_, "state": state}
    video = Attachment(
        "video",
        None,
        width=count(values.get("broadcast_width")),
        height=count(values.get("broadcast_height")),
        thumbnail=still,
        post_id=post_id,
        reason="a broadcast that has not ended" if live else "a broadcast: the answer gives its page and no file",
        extract_from=None if live else link,
        extra={key: value for key, value in facts.items() if value is not None},
    )
    return (video,), {"title": title, "url": link, "image": still, "state": state}


def _space(values: dict[str, Any], post_id: str | None, position: int) -> tuple[tuple[Attachment, ...], Any]:
    """A Space: the card has its id alone."""
    space = text_of(values.get("id"))
    link = f"https://x.com/i/spaces/{space}" if space else None
    facts = {"part": "card", "position": position, "space_id": space}
    reason = "a Space: the answer gives its id and no recording"
    extra = {key: value for key, value in facts.items() if value is not None}
    return (Attachment("audio", None, post_id=post_id, reason=reason, extract_from=link, extra=extra),), {}


def _unified(text: Any, post_id: str | None, position: int) -> tuple[tuple[Attachment, ...], dict[str, Any]]:
    """A card that is JSON inside JSON: its components, where they lead, and the media that they show."""
    inner = load(text) if isinstance(text, str) else text
    if not isinstance(inner, dict):
        said = {"part": "card", "position": position}
        reason = "the card's content cannot be read, and may hold a file"
        return (Attachment("file", None, post_id=post_id, reason=reason, extra=said),), {}
    entities = obj(inner.get("media_entities"))
    named = [text_of(at(item, "data", "id")) for _, item in walk(inner) if item.get("type") == "media"]
    keys = list(dict.fromkeys(key for key in (*named, *entities) if key))
    files: list[Attachment] = []
    for key in keys:
        item, place = entities.get(key), position + len(files)
        if isinstance(item, dict):
            read = medium_of(item, place, post_id)
            files.append(_in_card(read))
        else:
            facts = {"part": "card", "position": place, "media_key": key}
            reason = "the card names media that the answer does not include"
            files.append(Attachment("file", None, post_id=post_id, reason=reason, extra=facts))
    details = [
        obj(item.get("data")) for _, item in walk(inner) if item.get("type") in ("details", "twitter_list_details")
    ]
    links = [obj(item.get("url_data")) for _, item in walk(inner) if isinstance(item.get("url_data"), dict)]
    texts = [text_of(at(item, "title", "content")) or text_of(item.get("title")) for item in details]
    told = {
        "type": text_of(inner.get("type")),
        "title": next((item for item in texts if item), None),
        "description": next((found for item in details if (found := text_of(at(item, "subtitle", "content")))), None),
        "domain": next((found for item in links if (found := text_of(item.get("vanity")))), None),
        "target": next((found for item in links if (found := text_of(item.get("url")))), None),
    }
    return tuple(files), {key: value for key, value in told.items() if value is not None}


def _in_card(read: Attachment) -> Attachment:
    return Attachment(
        read.kind,
        read.url,
        width=read.width,
        height=read.height,
        duration=read.duration,
        thumbnail=read.thumbnail,
        post_id=read.post_id,
        reason=read.reason,
        extra={**read.extra, "part": "card"},
    )
