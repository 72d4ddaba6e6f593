"""Telegram web pages → posts. Pure and total.

Reads channel previews (`t.me/s/name`), post embeds (`?embed=1`), landing pages, and the fragments that `?before=`
answers with. What the recordings taught is in comments; the census counts raw markers in the bytes, apart from the tree.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spiders.availability import absence
from spiders.html import background_url, by_class, one_line, text_of, tree
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post
from spiders.telegram.absence import BOXES
from spiders.telegram.web.message import data_view, read_message

PARSER = "telegram-web/2"
_POST = re.compile(rb'data-post="([^"/]+)/(\d+)"')
_SINGLE = re.compile(rb'href="[^"]*?/([^"/?]+)/(\d+)\?single"')
_BOX_LAYOUTS = {
    "tgme_widget_message_error": "telegram/embed error",
    "tme_no_messages_found": "telegram/preview empty",
}


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Parse a Telegram web page into posts, or a typed reason."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip()[:1] in (b'"', b"[", b"{"):
        data = _unwrapped(data)
    document = tree(data)
    if document is None:
        return Parsed(
            platform="telegram",
            layout="unknown",
            outcome=Outcome.PARTIAL,
            reason="empty body" if not data.strip() else "not HTML",
            parser=PARSER,
        )
    messages = [node for node in by_class(document, "js-widget_message") if node.get("data-post")]
    posts = tuple(post for node in messages if (post := read_message(node)) is not None)
    census = _census(data, posts)
    page = _page(document, messages)
    if not posts:
        return _without_posts(document, census, page)
    embed = bool(document.xpath("//body[contains(@class,'body_widget_post')]"))
    return Parsed(
        platform="telegram",
        layout="telegram/embed" if embed else "telegram/preview",
        posts=posts,
        census=census,
        older=older_cursor(document),
        requisites=_requisites(document),
        page=page,
        parser=PARSER,
    )


def _without_posts(document: Any, census: tuple[Census, ...], page: dict[str, Any]) -> Parsed:
    """What a page says that shows no post: an error, an empty history, who or what a name is, or nothing known."""
    bare = Parsed(platform="telegram", layout="unknown", census=census, page=page, parser=PARSER)
    for box in BOXES:
        if found := by_class(document, box.mark):
            words = one_line(found[0])
            return replace(
                bare,
                layout=_BOX_LAYOUTS[box.mark],
                outcome=box.outcome,
                reason=f"Telegram says: {words}",
                absence=absence(box.kind, words),
            )
    if by_class(document, "tgme_channel_history"):
        older = older_cursor(document)
        return replace(bare, layout="telegram/preview empty", older=older, reason="no posts on this page")
    if by_class(document, "tgme_page") or by_class(document, "tgme_page_wrap"):
        return _landing(document, bare)
    return replace(bare, outcome=Outcome.PARTIAL, reason=f"unknown layout: {shape(document)}")


def _unwrapped(data: bytes) -> bytes:
    """The scripted `?before=` request is answered by a JSON string that holds the HTML."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return value.encode("utf-8", "replace") if isinstance(value, str) else data


def _landing(document: Any, bare: Parsed) -> Parsed:
    """A page that shows who or what a name is, without posts."""
    title = next((one_line(node) for node in by_class(document, "tgme_page_title")), None)
    extra = next((one_line(node) for node in by_class(document, "tgme_page_extra")), None)
    preview = bool(document.xpath("//a[contains(@class,'tgme_page_context_link')]"))
    words = next((text_of(node, folded=True) for node in by_class(document, "tgme_page_description")), None)
    page = {**bare.page, "title": title, "stated": extra, "description": words, "preview_offered": preview}
    if by_class(document, "tgme_page_widget") or document.xpath("//*[@data-telegram-post]"):
        reason, outcome, kind = "the frame around a post; the post is in its embed", Outcome.PARTIAL, None
    elif preview:
        reason, outcome, kind = "a channel's landing page; its posts are on the preview page", Outcome.PARTIAL, None
    elif extra and re.search(r"\d", extra) and not extra.startswith("@"):
        reason, outcome, kind = "the channel or group has no public preview", Outcome.REFUSED, "no public preview"
    elif title:
        reason, outcome, kind = "a person or bot, not a channel with posts", Outcome.REFUSED, "a person or bot"
    else:
        reason, outcome, kind = "Telegram shows no channel under this name", Outcome.UNAVAILABLE, "no such account"
    said = Absence(Availability.PRESENT) if outcome is Outcome.PARTIAL else absence(kind, reason)
    return replace(bare, layout="telegram/landing", outcome=outcome, reason=reason, page=page, absence=said)


def shape(document: Any) -> str:
    """List the classes of a page that no layout fits, so that a person can see how it has changed."""
    classes = [name for node in document.xpath("//*[@class]")[:200] for name in (node.get("class") or "").split()]
    return " ".join(list(dict.fromkeys(classes))[:12]) or "no classes"


def older_cursor(document: Any) -> str | None:
    """Return the id before which older messages are to be asked for; None where there are none."""
    for node in document.xpath("//*[@data-before]"):
        if (node.get("data-before") or "").isdigit():
            return str(node.get("data-before"))
    for node in document.xpath("//link[@rel='prev']/@href"):
        if match := re.search(r"[?&]before=(\d+)", node):
            return match[1]
    return None


def _newer(document: Any) -> str | None:
    for node in document.xpath("//*[@data-after]"):
        if (node.get("data-after") or "").isdigit():
            return str(node.get("data-after"))
    return None


def _page(document: Any, messages: list[Any]) -> dict[str, Any]:
    view = data_view(messages[0]) if messages else {}
    seconds = view.get("t")
    channel = view.get("c")
    facts: dict[str, Any] = {
        "channel_id": channel if isinstance(channel, int) else None,
        "captured_at": _epoch(seconds),
        "message_ids": [
            int(node.get("data-post").rpartition("/")[2])
            for node in messages
            if node.get("data-post").rpartition("/")[2].isdigit()
        ],
        "older": older_cursor(document),
        "newer": _newer(document),
    }
    for name, css in (
        ("channel_title", "tgme_channel_info_header_title"),
        ("description", "tgme_channel_info_description"),
    ):
        found = by_class(document, css)
        facts[name] = text_of(found[0], folded=True) if found else None
    handle = by_class(document, "tgme_channel_info_header_username")
    facts["channel_handle"] = one_line(handle[0]).lstrip("@") if handle else None
    header = by_class(document, "tgme_channel_info_header")
    facts["verified"] = bool(by_class(header[0], "verified-icon")) if header else None
    counters = {}
    for counter in by_class(document, "tgme_channel_info_counter"):
        value, kind = by_class(counter, "counter_value"), by_class(counter, "counter_type")
        if value and kind:
            counters[one_line(kind[0])] = one_line(value[0])
    facts["stated_counts"] = counters or None
    return facts


def _epoch(seconds: Any) -> str | None:
    if not isinstance(seconds, int) or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _requisites(document: Any) -> tuple[Attachment, ...]:
    """Avatars and preview images: not evidence of the event, but of what a reader saw."""
    found: dict[str, str] = {}
    for css in ("tgme_widget_message_user_photo", "tgme_page_photo_image"):
        for holder in by_class(document, css):
            for source in holder.xpath(".//img/@src"):
                found.setdefault(str(source), "avatar")
    for css in ("link_preview_image", "link_preview_right_image", "link_preview_video_thumb"):
        for item in by_class(document, css):
            if url := background_url(item):
                found.setdefault(url, "link preview")
    return tuple(Attachment(kind, url if not url.startswith("//") else "https:" + url) for url, kind in found.items())


def _census(data: bytes, posts: tuple[Post, ...]) -> tuple[Census, ...]:
    """Raw marker counts against what the parser read. Disagreement makes a capture partial."""
    items = [item for post in posts for item in post.attachments]
    kinds = [item.kind for item in items]
    raw_posts = set(_POST.findall(data))
    members = {match[1] for match in _SINGLE.findall(data)}
    parsed_members = {member for post in posts for member in post.album_ids}

    def marked(css: bytes) -> int:
        return len(re.findall(rb'class="[^"]*(?<![\w-])' + css + rb'(?![\w-])[^"]*"', data))

    lines = [
        Census("posts", len(raw_posts), len({post.id for post in posts})),
        Census("album members", len(members), len(parsed_members)),
        Census("videos", marked(b"tgme_widget_message_video_player"), kinds.count("video")),
        Census("round videos", marked(b"tgme_widget_message_roundvideo_player"), kinds.count("round video")),
        Census(
            "photos",
            marked(b"tgme_widget_message_photo_wrap") + marked(b"tgme_widget_message_service_photo"),
            kinds.count("photo"),
        ),
        Census(
            "documents",
            marked(b"tgme_widget_message_document_wrap"),
            kinds.count("document") + kinds.count("audio"),
        ),
        Census("stickers", marked(rb"tgme_widget_message_(?:tg|video)?sticker"), kinds.count("sticker")),
        Census("voices", marked(b"tgme_widget_message_voice_player"), kinds.count("voice")),
        Census("polls", marked(b"tgme_widget_message_poll"), kinds.count("poll")),
        Census("locations", marked(b"tgme_widget_message_location_wrap"), kinds.count("location")),
    ]
    return tuple(line for line in lines if line.raw or line.parsed)
