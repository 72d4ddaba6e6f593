"""What hangs on a message of Telegram's public pages: one reader for each kind of element. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from spiders.html import background_url, by_class, has_class, one_line
from spiders.posts import Attachment
from spiders.telegram.absence import SERVICE_LABEL
from spiders.telegram.web.text import count

ONLY_IN_APP = "shown only in the Telegram app"
NOT_SHOWN = "a part of the post that Telegram shows in its app only"
NOT_KNOWN = "a kind of media that this release does not know"
TOO_BIG = "too big for the web view; offered only in the Telegram app"


def attachments_of(node: Any, number: str) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """List a message's attachments in document order, and the ids of its album's members.

    What no reader knows is listed too: a place where Telegram shows that it shows something only in its app, a file in
    an element of another name, a container of media in which nothing was found.
    """
    found: list[Attachment] = []
    album: list[str] = []
    read: set[Any] = set()
    grouped = bool(by_class(node, "js-message_grouped_wrap"))
    supported = bool(by_class(node, "media_supported_cont"))
    for item in node.iter():
        if not isinstance(item.tag, str):
            continue
        classes = set((item.get("class") or "").split())
        reader = next((reader for css, reader in _READERS if css in classes), None) or _unknown(item, classes)
        if reader is None or _inside(item, node, read, supported and "message_media_not_supported" in classes):
            continue
        member = re.search(r"/(\d+)\?single", item.get("href") or "")
        attachment = reader(item, member[1] if member else number)
        if attachment is not None:
            read.add(item)
            found.append(attachment)
            if grouped and member:
                album.append(member[1])
    return tuple(found), tuple(dict.fromkeys(album))


def _inside(item: Any, root: Any, read: set[Any], alternative: bool) -> bool:
    """Whether an element belongs to one that was read, or to a part that holds nothing of the message's own.

    `alternative`: it may be the notice for browsers that cannot show what stands beside it.
    """
    above = item.getparent()
    while above is not None and above is not root:
        classes = set((above.get("class") or "").split())
        if above in read or classes & _NOT_ATTACHED or (alternative and "media_not_supported_cont" in classes):
            return True
        above = above.getparent()
    return False


def _layout_hint(style: str | None) -> dict[str, float] | None:
    """Width and proportion that the page reserves; not the medium's own size."""
    hint = {}
    for name, pattern in (
        ("width_px", r"(?<![\w-])width:\s*([\d.]+)px"),
        ("padding_top_pct", r"padding-top:\s*([\d.]+)%"),
    ):
        if match := re.search(pattern, style or ""):
            try:
                hint[name] = float(match[1])
            except ValueError:
                continue
    return hint or None


def _duration(node: Any) -> float | None:
    for item in node.iter("time"):
        parts = (item.text or "").strip().split(":")
        if item.get("datetime") is None and 2 <= len(parts) <= 3 and all(part.isdigit() for part in parts):
            seconds = 0
            for part in parts:
                seconds = seconds * 60 + int(part)
            return float(seconds)
    return None


def _thumb(node: Any, css: str) -> str | None:
    return next((url for item in by_class(node, css) if (url := background_url(item))), None)


def _video(item: Any, owner: str) -> Attachment:
    source = item.xpath(".//video/@src")
    wrap = by_class(item, "tgme_widget_message_video_wrap") or by_class(item, "js-message_video_wrap")
    hint = _layout_hint(wrap[0].get("style")) if wrap else None
    videos = item.xpath(".//video")
    loop = bool(videos and videos[0].get("loop") is not None and videos[0].get("muted") is not None)
    extra: dict[str, Any] = {"muted_loop": loop}
    if hint:
        extra["layout"] = hint
    return Attachment(
        "video", source[0] if source else None, duration=_duration(item), thumbnail=_thumb(item, "tgme_widget_message_video_thumb"),
        post_id=owner, reason=None if source else TOO_BIG, extra=extra,
    )  # fmt: skip


def _round_video(item: Any, owner: str) -> Attachment:
    source = item.xpath(".//video/@src")
    return Attachment(
        "round video", source[0] if source else None, duration=_duration(item),
        thumbnail=_thumb(item, "tgme_widget_message_roundvideo_thumb"), post_id=owner, reason=None if source else TOO_BIG,
    )  # fmt: skip


def _photo(item: Any, owner: str) -> Attachment:
    url = background_url(item)
    inner = by_class(item, "tgme_widget_message_photo")
    hint = (
        {**(_layout_hint(inner[0].get("style")) or {}), **(_layout_hint(item.get("style")) or {})}
        if inner
        else _layout_hint(item.get("style"))
    )
    extra: dict[str, Any] = {"layout": hint} if hint else {}
    numbers = [name for name in (item.get("class") or "").split() if name.isdigit()]
    if numbers:
        extra["photo_id"] = numbers[0]
    return Attachment("photo", url, post_id=owner, reason=None if url else ONLY_IN_APP, extra=extra)


def _document(item: Any, owner: str) -> Attachment:
    title = by_class(item, "tgme_widget_message_document_title")
    more = by_class(item, "tgme_widget_message_document_extra")
    icon = by_class(item, "tgme_widget_message_document_icon")
    audio = bool(icon and has_class(icon[0], "audio"))
    extra = {"stated": one_line(more[0]) if more else None}
    return Attachment(
        "audio" if audio else "document", None, file_name=one_line(title[0]) if title else None, post_id=owner,
        reason="documents have no link on the web view", extra=extra,
    )  # fmt: skip


def _voice(item: Any, owner: str) -> Attachment:
    source = item.xpath(".//audio/@src")
    return Attachment(
        "voice",
        source[0] if source else None,
        duration=_duration(item),
        post_id=owner,
        reason=None if source else ONLY_IN_APP,
    )


def _sticker(item: Any, owner: str) -> Attachment:
    """Still (`data-webp`), moving (a TGS file as a picture's source) or a video. An image beside it is a stand-in."""
    source = next(iter(item.xpath(".//source[@srcset]")), None)
    url = (
        item.get("data-webp")
        or item.get("data-webm")
        or next(iter(item.xpath(".//video/@src")), None)
        or (_first_of(source.get("srcset")) if source is not None else None)
        or next((src for src in item.xpath(".//img/@src") if not src.startswith("data:")), None)
    )
    kind = source.get("type") if source is not None and url == _first_of(source.get("srcset")) else None
    extra = {"media_type": kind} if kind else {}
    return Attachment("sticker", url, post_id=owner, reason=None if url else ONLY_IN_APP, extra=extra)


def _first_of(srcset: str) -> str | None:
    return next(iter(srcset.split()), None)


def _location(item: Any, owner: str) -> Attachment:
    href = item.get("href") or ""
    match = re.search(r"[?&]q=(-?[\d.]+),(-?[\d.]+)", href)
    extra: dict[str, Any] = {"map": href}
    if match:
        extra |= {"latitude": match[1], "longitude": match[2]}
    titles = by_class(item, "tgme_widget_message_location_title")
    if titles:
        extra["place"] = one_line(titles[0])
    return Attachment("location", None, post_id=owner, extra=extra)


def _poll(item: Any, owner: str) -> Attachment:
    def first(css: str, node: Any = item) -> str | None:
        found = by_class(node, css)
        return one_line(found[0]) if found else None

    options = []
    for option in by_class(item, "tgme_widget_message_poll_option"):
        percent = first("tgme_widget_message_poll_option_percent", option) or ""
        options.append(
            {
                "text": first("tgme_widget_message_poll_option_text", option),
                "percent": int(percent.rstrip("%")) if percent.rstrip("%").isdigit() else None,
            }
        )
    post = item.getparent()
    while post is not None and not has_class(post, "js-widget_message"):
        post = post.getparent()
    voters = first("tgme_widget_message_voters", post) if post is not None else None
    extra = {
        "question": first("tgme_widget_message_poll_question"),
        "type_text": first("tgme_widget_message_poll_type"),
        "options": options,
        "voters": count((voters or "").split(" ")[0]),
    }
    return Attachment("poll", None, post_id=owner, extra=extra)


def _contact(item: Any, owner: str) -> Attachment:
    name = by_class(item, "tgme_widget_message_contact_name")
    return Attachment("contact", None, post_id=owner, extra={"name": one_line(name[0]) if name else None})


def _service_photo(item: Any, owner: str) -> Attachment:
    source = item.xpath(".//img/@src")
    return Attachment(
        "photo",
        source[0] if source else None,
        post_id=owner,
        reason=None if source else ONLY_IN_APP,
        extra={"service": True},
    )


def _notice(item: Any, owner: str) -> Attachment | None:
    """A notice in the place of something that Telegram shows in its app only."""
    label = by_class(item, "message_media_not_supported_label")
    said = one_line(label[0]) if label else None
    if said == SERVICE_LABEL:
        return None
    return Attachment("unknown", None, post_id=owner, reason=NOT_SHOWN, extra={"said": said} if said else {})


def _unknown(item: Any, classes: set[str]) -> Reader | None:
    """The reader of an element that no other knows, if it shows a file or is the place of a medium."""
    if "media_supported_cont" in classes:
        return _empty_container
    shows = item.tag in _MEDIA_TAGS and any(item.get(name) for name in ("src", "srcset", "data"))
    if shows or background_url(item):
        return None if classes & _NOT_ATTACHED else _file
    return None


def _file(item: Any, owner: str) -> Attachment:
    """A file in an element of a kind that is not known: its link is taken, and what it is stays open."""
    url = item.get("src") or _first_of(item.get("srcset") or "") or item.get("data") or background_url(item)
    url = None if not url or url.startswith("data:") else url
    return Attachment("unknown", url, post_id=owner, reason=f"{NOT_KNOWN}: {_named(item)}")


def _empty_container(item: Any, owner: str) -> Attachment | None:
    """What Telegram marks as media that a browser can show, if nothing in it can be read."""
    for inner in item.iterdescendants():
        classes = set((inner.get("class") or "").split()) if isinstance(inner.tag, str) else set()
        if classes & _TEXT or any(css in classes for css, _ in _READERS) or _unknown(inner, classes) is not None:
            return None
    return Attachment("unknown", None, post_id=owner, reason=f"{NOT_KNOWN}: {_named(item)}")


def _named(item: Any) -> str:
    """The nearest name that Telegram gives an element: of the element, or of what it stands in or holds."""
    around = [item, *item.iterancestors()]
    if has_class(item, "media_supported_cont"):
        around = [*item.iterdescendants(), item]
    names = (name for one in around if isinstance(one.tag, str) for name in (one.get("class") or "").split())
    return next(iter(names), None) or f"<{item.tag}>"


Reader = Callable[[Any, str], Attachment | None]
"""(element, id of the message) → what hangs there; None where it is nothing of its own."""
_MEDIA_TAGS = ("img", "video", "audio", "source", "iframe", "embed", "object")
_TEXT = frozenset({"js-message_text", "tgme_widget_message_text"})
_NOT_ATTACHED = frozenset({
    "tgme_widget_message_reply", "tgme_widget_message_user", "tgme_widget_message_user_photo",
    "tgme_widget_message_link_preview", "tgme_widget_message_text", "tgme_widget_message_author",
    "tgme_widget_message_forwarded_from", "tgme_widget_message_footer", "tgme_widget_message_reactions",
    "tgme_widget_message_inline_keyboard", "tgme_widget_message_bubble_tail", "emoji",
})  # fmt: skip
"""Parts whose pictures are of people, of links, or letters of a text."""
_READERS: list[tuple[str, Reader]] = [
    ("tgme_widget_message_video_player", _video),
    ("tgme_widget_message_roundvideo_player", _round_video),
    ("tgme_widget_message_photo_wrap", _photo),
    ("tgme_widget_message_document_wrap", _document),
    ("tgme_widget_message_voice_player", _voice),
    ("tgme_widget_message_sticker", _sticker),
    ("tgme_widget_message_tgsticker", _sticker),
    ("tgme_widget_message_videosticker", _sticker),
    ("tgme_widget_message_location_wrap", _location),
    ("tgme_widget_message_poll", _poll),
    ("tgme_widget_message_contact_wrap", _contact),
    ("tgme_widget_message_service_photo", _service_photo),
    ("message_media_not_supported", _notice),
]
"""CSS class of an attachment's element → its reader."""
