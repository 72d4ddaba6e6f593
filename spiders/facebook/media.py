"""Photos, videos and other attachments in the JSON of Facebook's pages. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from spiders.facebook.names import HOME
from spiders.json_access import at, count, dicts, length_of, obj, strings, walk
from spiders.json_access import text_of as string
from spiders.links import safe_split
from spiders.posts import Attachment

IMAGES = ("viewer_image", "full_image", "photo_image", "image", "large_share_image", "thumbnailImage")
LINKS = ("browser_native_hd_url", "playable_url_quality_hd", "browser_native_sd_url", "playable_url")
PLAYERS = ("videoDeliveryResponseFragment", "videoDeliveryLegacyFields", *LINKS)
FILELESS = ("StoryAttachmentFallbackStyleRenderer",)
"""Renderers of attachments that hold nothing: a post of words alone has one."""


def medium(item: dict[str, Any], owner: str | None) -> Attachment | None:
    """Read a photo or a video; None for any other object. One without a link says so."""
    media_id = string(item.get("id")) or string(item.get("video_id")) or string(item.get("videoId"))
    kind = kind_of(item)
    if media_id is None or kind is None:
        return None
    facts = {"media_id": media_id, "alt": string(item.get("accessibility_caption"))}
    extra = {key: value for key, value in facts.items() if value is not None}
    return _video(item, media_id, owner, extra) if kind == "Video" else _photo(item, owner, extra)


def kind_of(item: dict[str, Any]) -> str | None:
    """Return `Photo` or `Video` where an object is one, by its type or by what plays it."""
    kind = item.get("__typename") or item.get("__isMedia")
    if kind in ("Photo", "Video"):
        return str(kind)
    return "Video" if kind is None and any(item.get(name) for name in PLAYERS) else None


def _photo(item: dict[str, Any], owner: str | None, extra: dict[str, Any]) -> Attachment:
    shown = [found for name in IMAGES if string(at(found := obj(item.get(name)), "uri")) is not None]
    if not shown:
        return Attachment(
            "photo", None, post_id=owner, reason="the page names this photo and gives no link", extra=extra
        )
    best = max(shown, key=lambda found: (count(found.get("width")) or 0) * (count(found.get("height")) or 0))
    width, height = count(best.get("width")), count(best.get("height"))
    return Attachment("photo", string(best["uri"]), width=width, height=height, post_id=owner, extra=extra)


def _video(item: dict[str, Any], media_id: str, owner: str | None, extra: dict[str, Any]) -> Attachment:
    link = _file(item)
    inner = [part for _, part in walk(item)]
    length = next((found for part in inner if (found := length_of(part.get("playable_duration_in_ms"), 1000))), None)
    length = length or next((found for part in inner if (found := length_of(part.get("length_in_second")))), None)
    still = string(at(item, "preferred_thumbnail", "image", "uri")) or string(at(item, "thumbnailImage", "uri"))
    return Attachment(
        "video", link, width=count(item.get("width")), height=count(item.get("height")), duration=length,
        thumbnail=still, post_id=owner, extract_from=None if link else f"{HOME}/watch/?v={media_id}", extra=extra,
    )  # fmt: skip


def _file(item: dict[str, Any]) -> str | None:
    """The best file of a video that can be had by one link; where there are only streams, the extractor reads them."""
    parts = [part for _, part in walk(item)]
    files = [entry for part in parts for entry in dicts(part.get("progressive_urls")) if entry.get("progressive_url")]
    files.sort(key=lambda entry: str(at(entry, "metadata", "quality")).upper() != "HD")
    for entry in files:
        if found := string(entry["progressive_url"]):
            return found
    return next((found for name in LINKS for part in parts if (found := string(part.get(name)))), None)


# -- what hangs on a story ----------------------------------------------------------------------------------------------------


def attached(entries: list[dict[str, Any]], owner: str) -> tuple[list[Attachment], int | None]:
    """Read a story's attachments: each photo and video once, and what is none of them listed with its reason.

    Pages repeat an attachment with more and with fewer facts. The number: how many an album says it has, where the
    page shows fewer; what it does not show is listed as well.
    """
    media: dict[str, Attachment] = {}
    others: dict[str, Attachment] = {}
    stated = 0
    for entry in entries:
        inside = [found for part in _parts(entry) if (found := medium(part, owner)) is not None]
        for found in inside:
            _add(media, found)
        total = max((_stated(part) for part in _parts(entry)), default=0)
        stated = max(stated, total)
        other = _preview(entry, owner) or (None if inside or total else _unread(entry, owner))
        if other is not None:
            others.setdefault(f"{other.kind} {other.url} {other.reason}", other)
    missing = stated - len(media)
    reason = f"the album has {stated} files, of which the page shows {len(media)}"
    absent = [Attachment("media", None, post_id=owner, reason=reason)] * max(0, min(missing, 10_000))
    return [*media.values(), *others.values(), *absent], stated if missing > 0 else None


def _parts(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of an attachment, without those of a post that stands in it."""
    stack = [entry]
    while stack:
        part = stack.pop()
        yield part
        inner: list[dict[str, Any]] = []
        for key, value in part.items():
            if key not in ("attached_story", "creation_story", "feedback", "owner"):
                inner += [value] if isinstance(value, dict) else _flat(value)
        stack += reversed(inner)


def _flat(value: Any, depth: int = 0) -> list[dict[str, Any]]:
    if not isinstance(value, list) or depth > 20:
        return []
    return [found for item in value for found in ([item] if isinstance(item, dict) else _flat(item, depth + 1))]


def _add(media: dict[str, Attachment], found: Attachment) -> None:
    """Keep one attachment of each file: with a link before one without, then the larger."""
    known = media.get(key := found.extra["media_id"])
    if known is None:
        media[key] = found
        return
    better, other = (found, known) if _worth(found) > _worth(known) else (known, found)
    length, still = better.duration or other.duration, better.thumbnail or other.thumbnail
    media[key] = replace(better, duration=length, thumbnail=still, extra={**other.extra, **better.extra})


def _worth(item: Attachment) -> tuple[bool, int]:
    return item.url is not None, (item.width or 0) * (item.height or 0)


def _stated(part: dict[str, Any]) -> int:
    """How many files an album says it has: `all_subattachments`, and the lists of its layouts of three to five."""
    return max(
        (count(at(value, "count")) or 0 for key, value in part.items() if key.endswith("subattachments")), default=0
    )


def _preview(entry: dict[str, Any], owner: str) -> Attachment | None:
    """A link that leads out of Facebook, with what its preview says."""
    parts = list(_parts(entry))
    where = next((found for part in parts if (found := _outside(string(part.get("url"))))), None)
    if where is None:
        return None
    facts = {
        "title": _first(parts, "title_with_entities", "text"),
        "site": _first(parts, "source", "text"),
        "description": _first(parts, "description", "text"),
        "image": _first(parts, "large_share_image", "uri"),
    }
    extra = {key: value for key, value in facts.items() if value is not None}
    return Attachment("link preview", where, post_id=owner, extra=extra)


def _unread(entry: dict[str, Any], owner: str) -> Attachment | None:
    """What this program does not read: listed with the name that Facebook gives it."""
    parts = list(_parts(entry))
    types = [name for part in parts if (name := string(part.get("__typename")))]
    renderers = [name for name in types if name.endswith("Renderer")]
    styles = [name for name in strings(entry.get("style_list")) if name != "fallback"]
    named = [name for name in (*renderers, *styles, *types) if name not in FILELESS]
    named += ["mediaset_token"] if entry.get("mediaset_token") else []
    if not named or (renderers and renderers[0] in FILELESS):
        return None
    title = _first(parts, "title_with_entities", "text")
    extra = {"title": title} if title else {}
    return Attachment("unknown", None, post_id=owner, reason=f"an attachment that is not read: {named[0]}", extra=extra)


def _first(parts: list[dict[str, Any]], *path: str) -> str | None:
    return next((found for part in parts if (found := string(at(part, *path)))), None)


def _outside(link: str | None) -> str | None:
    """Where a link leads that leaves Facebook, without the detour that Facebook puts in between; else None."""
    if not link or not link.startswith("http"):
        return None
    parts = safe_split(link)
    host = parts.hostname or ""
    if host in ("l.facebook.com", "lm.facebook.com"):
        return next((found for found in parse_qs(parts.query).get("u", []) if found.startswith("http")), None)
    return None if not host or host.endswith(("facebook.com", "fbcdn.net", "fb.com")) else link
