"""One message of any of Telegram's widgets → a post. Pure and total."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from spiders import dates
from spiders.html import background_url, by_class, has_class, one_line
from spiders.posts import Attachment, Outcome, Post, Time
from spiders.telegram.absence import SERVICE_LABEL
from spiders.telegram.web.attachments import NOT_SHOWN, ONLY_IN_APP, attachments_of
from spiders.telegram.web.text import count, with_entities

SERVICE_ONLY = "the page shows only that it is a service message"
_NAMED = re.compile(r"t\.me/(?:s/)?([A-Za-z]\w{2,63})/?$")


def data_view(node: Any) -> dict[str, Any]:
    """Return `data-view`: base64url JSON with `c` channel id, `p` message id (`"286g"` for an album), `t` time of the page."""
    text = node.get("data-view") or ""
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_message(node: Any) -> Post | None:
    """Parse one message of any of Telegram's widgets. None where it names no id."""
    handle, _, number = (node.get("data-post") or "").rpartition("/")
    if not handle or not number.isdigit():
        return None
    author, chat = author_of(node, handle)
    texts = [with_entities(body) for body in own(node, "js-message_text")]
    text, entities = texts[0] if texts else (None, [])
    attachments, album = attachments_of(node, number)
    reply = by_class(node, "tgme_widget_message_reply")
    forwarded = own(node, "tgme_widget_message_forwarded_from_name")
    views_text = _first(node, "tgme_widget_message_views")
    meta = by_class(node, "tgme_widget_message_meta")
    service = has_class(node, "service_message") or _labelled_service(node)
    outcome, reason = _outcome(attachments, service and text is None and not attachments)
    extra = {
        "views_text": views_text,
        **chat,
        "service": service or None,
        "entities": entities or None,
        "captions": [{"text": one} for one, _ in texts if one] if sum(bool(one) for one, _ in texts) > 1 else None,
        "forwarded_name": one_line(forwarded[0]) if forwarded else None,
        "reply_excerpt": _reply_excerpt(reply[0]) if reply else None,
        **_facts(node),
    }
    return Post(
        platform="telegram",
        id=f"{handle}/{number}",
        url=f"https://t.me/{handle}/{number}",
        author_handle=author.handle,
        author_name=author.name,
        author_id=author.id,
        published=_published(node),
        text=text,
        attachments=attachments,
        album_ids=album,
        reply_to=_post_id(reply[0].get("href")) if reply else None,
        forwarded_from=_forwarded(forwarded[0]) if forwarded else None,
        views=count(views_text),
        edited=_edited(meta[0]) if meta else None,
        outcome=outcome,
        reason=reason,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _outcome(attachments: tuple[Attachment, ...], bare_service: bool) -> tuple[Outcome, str | None]:
    """Whether a post is whole. The part that is not shown has a reason of its own: a look that lacks it is no change."""
    reasons = [item.reason for item in attachments if item.reason]
    if reasons:
        return Outcome.PARTIAL, ONLY_IN_APP if NOT_SHOWN in reasons else reasons[0]
    return (Outcome.PARTIAL, SERVICE_ONLY) if bare_service else (Outcome.CAPTURED, None)


def _facts(node: Any) -> dict[str, Any]:
    """What a message says beside what all platforms have, where it stands in elements of its own."""
    bodies = own(node, "js-message_text")
    anchors = [link for body in bodies for link in body.xpath(".//a[@href]")]
    links = {link: anchor.get("href") for anchor in anchors if (link := href_of(anchor)) and not link.startswith("?")}
    via = _first(node, "tgme_widget_message_via_bot")
    return {
        "signature": _first(node, "tgme_widget_message_from_author"),
        "forwarded_signature": _first(node, "tgme_widget_message_forwarded_from_author"),
        "via_bot_handle": via.lstrip("@") if via else None,
        "reactions": _reactions(node) or None,
        "links": list(links) or None,
        "links_as_written": [said for link, said in links.items() if link != said] or None,
        "buttons": _buttons(node) or None,
        "link_preview": _link_preview(node),
    }


def _first(node: Any, css: str) -> str | None:
    found = own(node, css)
    return one_line(found[0]) if found else None


@dataclass(frozen=True)
class Author:
    """Who wrote a message, as far as its widget says."""

    handle: str | None = None
    name: str | None = None
    id: str | None = None


def author_of(node: Any, place: str) -> tuple[Author, dict[str, Any]]:
    """Return who wrote a message, and the chat around it where that is somebody else.

    In a group the widget names the person, then the group ("A in B"); in a channel the owner alone, who is the author.
    A message of the group itself, or of an administrator who stays anonymous, names the group as a person is named.
    """
    channel = data_view(node).get("c")
    chat_id = str(channel) if isinstance(channel, int) else None
    persons, owners = own(node, "tgme_widget_message_author_name"), own(node, "tgme_widget_message_owner_name")
    owner = one_line(owners[0]) if owners else None
    if not persons:
        if owner is not None:
            return Author(place, owner, chat_id), {}
        return Author(), {"chat_handle": place, "chat_id": chat_id}
    match = _NAMED.search(persons[0].get("href") or "")
    handle, name = match[1] if match else None, one_line(persons[0])
    if handle is not None and handle.lower() == place.lower():
        return Author(place, name, chat_id), {}
    return Author(handle, name), {"chat_handle": place, "chat_name": owner, "chat_id": chat_id}


def _labelled_service(node: Any) -> bool:
    """An embed shows no more of a service message than that it is one, where the words about a medium stand otherwise."""
    return any(one_line(label) == SERVICE_LABEL for label in by_class(node, "message_media_not_supported_label"))


def _buttons(node: Any) -> list[dict[str, Any]]:
    found = [
        {"text": one_line(button) or None, "url": href_of(button)}
        for button in by_class(node, "tgme_widget_message_inline_button")
    ]
    return [{key: value for key, value in said.items() if value is not None} for said in found]


def href_of(anchor: Any) -> str | None:
    """Return where a link leads.

    Since April 2024 Telegram escapes the `&` of links that ask before they open (`onclick`) twice; of others once.
    """
    href = anchor.get("href")
    if href is None or anchor.get("onclick") is None:
        return href or None
    return str(href).replace("&amp;", "&")


def own(node: Any, css: str) -> list[Any]:
    """List the outermost nodes of a class that belong to the message itself, not to what it answers.

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
    href = href_of(node)
    return _post_id(href) or href or one_line(node) or None


def _reply_excerpt(reply: Any) -> str | None:
    """Text of the replied-to post as shortened by Telegram; or a placeholder such as "Video"."""
    for css in ("js-message_reply_text", "tgme_widget_message_metatext"):
        if found := by_class(reply, css):
            return one_line(found[0])
    return None


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
    parts: dict[str, Any] = {"url": href_of(preview)}
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
