"""Photos, videos and clips of X: the fields that all its layouts share, and those of articles. Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.json_access import at, count, dicts, length_of, obj, text_of
from spiders.posts import Attachment


def medium_of(item: dict[str, Any], position: int, post_id: str | None) -> Attachment:
    """Make the attachment of a photo, video or looping clip. All variants are listed; `url` is the best by bitrate."""
    kind = {"photo": "photo", "video": "video", "animated_gif": "gif"}.get(str(item.get("type")), "file")
    still = text_of(item.get("media_url_https")) or text_of(item.get("media_url"))
    facts: dict[str, Any] = {
        "media_id": text_of(item.get("id_str")) or _key_id(item.get("media_key")),
        "alt": text_of(item.get("ext_alt_text")) or text_of(item.get("alt_text")),
        "warning": [name for name, shown in obj(item.get("sensitive_media_warning")).items() if shown is True] or None,
        "position": position,
    }
    size = at(item, "original_info") or obj(at(item, "sizes", "large"))
    width = count(at(size, "width")) or count(at(size, "w"))
    height = count(at(size, "height")) or count(at(size, "h"))
    gone = text_of(at(item, "ext_media_availability", "reason")) or text_of(at(item, "media_availability", "reason"))
    if kind in ("video", "gif"):
        info = obj(item.get("video_info"))
        best, found = best_of(dicts(at(info, "variants")))
        milliseconds = at(info, "duration_millis") or item.get("duration_ms")
        return Attachment(
            kind,
            best,
            width=width,
            height=height,
            duration=length_of(milliseconds, 1000),
            thumbnail=still,
            post_id=post_id,
            reason=None if best else f"the video is not offered ({gone or 'no variant in the answer'})",
            extra={key: value for key, value in {**facts, **found}.items() if value is not None},
        )
    if still and kind == "photo":
        facts["original"] = original(still)
    reason = None if still else f"no link to it ({gone or 'not in the answer'})"
    extra = {key: value for key, value in facts.items() if value is not None}
    return Attachment(kind, still, width=width, height=height, post_id=post_id, reason=reason, extra=extra)


def best_of(items: list[dict[str, Any]]) -> tuple[str | None, dict[str, Any]]:
    """Return the link of the best variant of a video, and the facts about all of them."""
    variants = _variants(items)
    best = next((variant for variant in variants if variant.get("bitrate") is not None), None)
    best = best or next((variant for variant in variants if "mpegurl" not in variant["content_type"].lower()), None)
    best = best or (variants[0] if variants else None)
    hls = next((variant["url"] for variant in variants if "mpegurl" in variant["content_type"].lower()), None)
    facts = {"variants": variants, "hls_url": hls, "bitrate": best.get("bitrate") if best else None}
    return (best["url"] if best else None), facts


def article_medium(info: Any, post_id: str | None, facts: dict[str, Any]) -> Attachment:
    """Make the attachment of a medium as articles have it: `media_info`, an ApiImage, ApiVideo or ApiGif."""
    named = str(at(info, "__typename") or "")
    items = dicts(at(info, "variants"))
    still = text_of(at(info, "original_img_url")) or text_of(at(info, "preview_image", "original_img_url"))
    sized = obj(info) if at(info, "original_img_width") else obj(at(info, "preview_image"))
    width, height = count(sized.get("original_img_width")), count(sized.get("original_img_height"))
    alt = {"alt": text_of(at(info, "alt_text"))}
    if items or named in ("ApiVideo", "ApiGif"):
        best, found = best_of(items)
        return Attachment(
            "gif" if named == "ApiGif" else "video",
            best,
            width=width,
            height=height,
            duration=length_of(at(info, "duration_millis"), 1000),
            thumbnail=still,
            post_id=post_id,
            reason=None if best else "the video is not offered (no variant in the answer)",
            extra={key: value for key, value in {**facts, **alt, **found}.items() if value is not None},
        )
    kind = "photo" if still or named == "ApiImage" else "file"
    reason = None if still else "no link to it (not in the answer)"
    extra = {**facts, **alt, "original": original(still) if still else None}
    extra = {key: value for key, value in extra.items() if value is not None}
    return Attachment(kind, still, width=width, height=height, post_id=post_id, reason=reason, extra=extra)


def original(url: str) -> str:
    """Return the link of a photo's largest version. The plain link gives a smaller one."""
    if "pbs.twimg.com/media/" not in url:
        return url
    match = re.fullmatch(r"(https?://pbs\.twimg\.com/media/[\w-]+)\.(jpg|jpeg|png|webp|gif)(?::\w+)?", url)
    if match:
        return f"{match[1]}?format={match[2]}&name=orig"
    return re.sub(r"([?&]name=)\w+", r"\1orig", url)


def _key_id(key: Any) -> str | None:
    return key.rpartition("_")[2] if isinstance(key, str) and "_" in key else None


def _variants(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Best first: X does not sort them."""
    listed = []
    for item in items:
        if url := text_of(item.get("url")) or text_of(item.get("src")):
            rate = count(item.get("bitrate")) if "bitrate" in item else count(item.get("bit_rate"))
            kind = text_of(item.get("content_type")) or text_of(item.get("type")) or ""
            listed.append({"url": url, "content_type": kind, "bitrate": rate})
    return sorted(listed, key=lambda item: -1 if item["bitrate"] is None else item["bitrate"], reverse=True)
