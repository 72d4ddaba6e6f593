"""Watch pages of 2012 to 2017, whose facts stand in the page itself and not in a script. Pure and total."""

from __future__ import annotations

import re
from typing import Any

from spiders import dates
from spiders.html import by_class, one_line, text_of, tree
from spiders.json_access import count
from spiders.posts import Absence, Attachment, Availability, Parsed, Post, Time
from spiders.youtube.links import WATCH
from spiders.youtube.text import PARSER, handle_of, shown_count, shown_date


def old_page(data: bytes) -> Parsed | None:
    """Read the video of a page that describes it as microdata (schema.org); None where it names none."""
    document = tree(data)
    if document is None:
        return None
    video_id = _property(document, "videoId")
    if video_id is None or not re.fullmatch(r"[\w-]{11}", video_id, re.ASCII):
        return None
    described = document.xpath("//*[@id='eow-description']")
    dated = document.xpath("//*[@id='eow-date']")
    authors = [item for item in by_class(document, "yt-user-name") if one_line(item)]
    owner = next((str(item) for item in document.xpath("//*[@itemprop='author']//*[@itemprop='url']/@href")), None)
    seen = next((one_line(item) for item in by_class(document, "watch-view-count")), None)
    still = next((str(item) for item in document.xpath("//*[@itemprop='thumbnailUrl']/@href")), None)
    where = WATCH + video_id
    extra = {
        "kind": "video",
        "channel_url": owner,
        "views_text": seen,
        "date_shown": one_line(dated[0]) if dated else None,
        "unlisted": {"True": True, "False": False}.get(_property(document, "unlisted") or ""),
    }
    post = Post(
        platform="youtube",
        id=video_id,
        url=where,
        author_handle=handle_of(owner),
        author_name=one_line(authors[0]) if authors else None,
        author_id=_property(document, "channelId"),
        published=_published(document, one_line(dated[0]) if dated else None),
        title=_property(document, "name"),
        text=(text_of(described[0]) or None) if described else _property(document, "description"),
        attachments=(Attachment("video", None, thumbnail=still, post_id=video_id, extract_from=where),),
        views=shown_count(seen) if seen else count(_property(document, "interactionCount")),
        duration=_seconds(_property(document, "duration")),
        extra={key: value for key, value in extra.items() if value is not None},
    )
    present = Absence(Availability.PRESENT)
    return Parsed(platform="youtube", layout="youtube/old page", posts=(post,), parser=PARSER, absence=present)


def _property(document: Any, name: str) -> str | None:
    found = document.xpath("//meta[@itemprop=$name]/@content", name=name)
    return str(found[0]).strip() or None if found else None


def _published(document: Any, shown: str | None) -> Time | None:
    literal = _property(document, "datePublished")
    return dates.iso(literal, "datePublished") if literal else shown_date(shown, "eow-date")


def _seconds(text: str | None) -> float | None:
    """A length as ISO 8601 writes it: `PT4M1S`."""
    match = re.fullmatch(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?", text or "", re.ASCII)
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else 0
    )
    return float(seconds) or None
