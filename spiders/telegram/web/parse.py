"""Telegram web pages → posts. Pure and total.

Reads channel previews (`t.me/s/name`), post embeds (`?embed=1`), landing pages, and the fragments that `?before=`
answers with. What the recordings taught is in comments; the census counts raw markers in the bytes, apart from the tree.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spiders import dates
from spiders.availability import absence
from spiders.html import background_url, by_class, has_class, one_line, text_of, tree
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post, Time
from spiders.telegram.absence import BOXES
from spiders.telegram.web.attachments import ONLY_IN_APP, attachments_of
from spiders.telegram.web.text import count

PARSER = "telegram-web/1"
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
    page = {**bare.page, "title": title, "stated": extra, "preview_offered": preview}
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


def _view(node: Any) -> dict[str, Any]:
    """`data-view`: base64url JSON with `c` channel id, `p` message id (`"286g"` for an album), `t` time of the page."""
    text = node.get("data-view") or ""
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _page(document: Any, messages: list[Any]) -> dict[str, Any]:
    view = _view(messages[0]) if messages else {}
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
        facts[name] = text_of(found[0]) if found else None
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


def read_message(node: Any) -> Post | None:
    """Parse one message of any of Telegram's widgets. None where it names no id."""
    handle, _, number = (node.get("data-post") or "").rpartition("/")
    if not handle or not number.isdigit():
        return None
    view = _view(node)
    channel = view.get("c")
    owner = by_class(node, "tgme_widget_message_owner_name")
    body = _own(node, "js-message_text")
    text = text_of(body[0]) if body else None
    attachments, album = attachments_of(node, number)
    reply = by_class(node, "tgme_widget_message_reply")
    forwarded = by_class(node, "tgme_widget_message_forwarded_from_name")
    views = by_class(node, "tgme_widget_message_views")
    views_text = one_line(views[0]) if views else None
    meta = by_class(node, "tgme_widget_message_meta")
    signature = by_class(node, "tgme_widget_message_from_author")
    only_in_app = text is None and not attachments and _hidden_content(node)
    service = has_class(node, "service_message")
    extra: dict[str, Any] = {
        "views_text": views_text,
        "signature": one_line(signature[0]) if signature else None,
        "reactions": _reactions(node) or None,
        "links": _links(body[0]) if body else None,
        "reply_excerpt": _reply_excerpt(reply[0]) if reply else None,
        "forwarded_name": one_line(forwarded[0]) if forwarded else None,
        "link_preview": _link_preview(node),
        "service": service or None,
    }
    missing = next((item.reason for item in attachments if item.reason), None)
    return Post(
        platform="telegram",
        id=f"{handle}/{number}",
        url=f"https://t.me/{handle}/{number}",
        author_handle=handle,
        author_name=one_line(owner[0]) if owner else None,
        author_id=str(channel) if isinstance(channel, int) else None,
        published=_published(node),
        text=text,
        attachments=attachments,
        album_ids=album,
        reply_to=_post_id(reply[0].get("href")) if reply else None,
        forwarded_from=_forwarded(forwarded[0]) if forwarded else None,
        views=count(views_text),
        edited=_edited(meta[0]) if meta else None,
        outcome=Outcome.PARTIAL if only_in_app or missing else Outcome.CAPTURED,
        reason=ONLY_IN_APP if only_in_app else missing,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _own(node: Any, css: str) -> list[Any]:
    """Outermost nodes of a class that belong to the message itself.

    Reply excerpts carry `tgme_widget_message_text` too, and captions of albums are nested twice in themselves.
    """
    found = []
    for item in by_class(node, css):
        above = item.getparent()
        while above is not None and above is not node:
            if has_class(above, css) or has_class(above, "tgme_widget_message_reply"):
                break
            above = above.getparent()
        else:
            found.append(item)
    return found


def _hidden_content(node: Any) -> bool:
    """Every message carries a hidden "Please open Telegram"; it is the content only where nothing stands beside it."""
    return bool(by_class(node, "message_media_not_supported")) and not by_class(node, "media_supported_cont")


def _published(node: Any) -> Time | None:
    """The time in the message's date link. Videos have `<time>` elements too, without `datetime`."""
    for link in by_class(node, "tgme_widget_message_date"):
        for item in link.xpath(".//time[@datetime]"):
            return dates.with_offset(item.get("datetime"), "time[datetime]")
    return None


def _edited(meta: Any) -> bool:
    """ "edited" stands as bare text in the meta line; signature and date have elements of their own."""
    bare = [meta.text or "", *(child.tail or "" for child in meta)]
    return any(
        "edited" in piece.casefold().split() for piece in (part.replace("\xa0", " ").replace(",", " ") for part in bare)
    )


def _post_id(href: str | None) -> str | None:
    match = re.search(r"/(?:s/)?([A-Za-z0-9_]+)/(\d+)(?:[?#].*)?$", href or "")
    return f"{match[1]}/{match[2]}" if match else None


def _forwarded(node: Any) -> str | None:
    href = node.get("href")
    return _post_id(href) or href or one_line(node) or None


def _reply_excerpt(reply: Any) -> str | None:
    """Text of the replied-to post as shortened by Telegram; or a placeholder such as "Video"."""
    for css in ("js-message_reply_text", "tgme_widget_message_metatext"):
        if found := by_class(reply, css):
            return one_line(found[0])
    return None


def _links(body: Any) -> list[str] | None:
    links = [link.get("href") for link in body.xpath(".//a[@href]")]
    return list(dict.fromkeys(link for link in links if link and not link.startswith("?"))) or None


def _reactions(node: Any) -> list[dict[str, Any]]:
    reactions = []
    for item in by_class(node, "tgme_reaction"):
        said: dict[str, Any] = {
            "kind": "emoji",
            "count_text": "".join(t for t in item.xpath("text()")).strip(),
        }
        custom = item.xpath(".//tg-emoji/@emoji-id")
        symbol = item.xpath(".//i[contains(@class,'emoji')]//b")
        if has_class(item, "tgme_reaction_paid"):
            said["kind"] = "paid_stars"
        elif custom:
            said |= {"kind": "custom_emoji", "emoji_id": str(custom[0])}
        if symbol:
            said["emoji"] = one_line(symbol[0])
        reactions.append(said)
    return reactions


def _link_preview(node: Any) -> dict[str, Any] | None:
    found = by_class(node, "tgme_widget_message_link_preview")
    if not found:
        return None
    preview = found[0]
    parts: dict[str, Any] = {"url": preview.get("href")}
    for name in ("site_name", "title", "description"):
        item = by_class(preview, f"link_preview_{name}")
        parts[name] = one_line(item[0]) if item else None
    images = [
        background_url(item)
        for css in ("link_preview_image", "link_preview_right_image", "link_preview_video_thumb")
        for item in by_class(preview, css)
    ]
    parts["image"] = next((image for image in images if image), None)
    return parts


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
        Census("voices", marked(b"tgme_widget_message_voice_player"), kinds.count("voice")),
        Census("polls", marked(b"tgme_widget_message_poll"), kinds.count("poll")),
        Census("locations", marked(b"tgme_widget_message_location_wrap"), kinds.count("location")),
    ]
    return tuple(line for line in lines if line.raw or line.parsed)
