"""Messages in the shape of Telegram's public widgets, with invented names: for tests of what is read from them."""

from __future__ import annotations

import base64
import json

NOTICE = "Please open Telegram to view this post"
OWNER = (
    '<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" href="https://t.me/school_yard">'
    '<span dir="auto">School yard</span></a></div>'
)


def embed(*messages: str) -> bytes:
    """Return an embed that shows these messages."""
    body = "".join(messages)
    return f'<!DOCTYPE html><html><body class="widget_frame_base tgme_widget body_widget_post">{body}</body></html>'.encode()


def message(*inside: str, number: int = 7) -> str:
    """Return a message of the chat `school_yard` that holds these elements."""
    view = (
        base64.urlsafe_b64encode(json.dumps({"c": -1500000007, "p": number, "t": 1767225600}).encode())
        .decode()
        .rstrip("=")
    )
    link = f"https://t.me/school_yard/{number}"
    return (
        f'<div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="school_yard/{number}" data-view="{view}">'
        f'<div class="tgme_widget_message_bubble">{"".join(inside)}<div class="tgme_widget_message_footer"><span '
        f'class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="{link}"><time datetime="2025-06-01T09:00:00+00:00">'
        "09:00</time></a></span></div></div></div>"
    )


def words(markup: str) -> str:
    """Return the element of a message's text."""
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{markup}</div>'


def notice(label: str = NOTICE) -> str:
    """Return what stands in the place of something that is shown only in the app."""
    return (
        '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported"><div '
        f'class="message_media_not_supported_label">{label}</div></div></div>'
    )


def place_of_media(medium: str) -> str:
    """Return a medium, and the notice for browsers that cannot show it, which is hidden."""
    return f'<div class="media_supported_cont">{medium}</div><div class="media_not_supported_cont">{notice()}</div>'


def in_group(name: str, handle: str | None, owner: bool = True) -> str:
    """Return the heading of a message in a group: a person in it, or the group itself."""
    link = f' href="https://t.me/{handle}"' if handle else ""
    tag = "a" if handle else "span"
    within = '&nbsp;in&nbsp;<a class="tgme_widget_message_owner_name" href="https://t.me/school_yard"><span>School yard</span></a>'
    return (
        f'<div class="tgme_widget_message_author"><{tag} class="tgme_widget_message_author_name"{link}><span>{name}</span></{tag}>'
        f"{within if owner else ''}</div>"
    )


def every_kind() -> bytes:
    """Return an embed with a message of each kind that needs a reading of its own."""
    file = "https://cdn4.telesco.pe/file/"
    return embed(
        message(
            in_group("Dana Karim", "dana_karim"),
            words("They <tg-spoiler>came</tg-spoiler><blockquote>at noon</blockquote>alone"),
            number=1,
        ),
        message(OWNER, words("The whole film"), notice(), number=2),
        message(
            OWNER,
            place_of_media(
                f'<picture class="tgme_widget_message_tgsticker"><source type="application/x-tgsticker" srcset="{file}s.tgs"></picture>'
            ),
            number=3,
        ),
        message(
            OWNER,
            place_of_media(f'<div class="tgme_widget_message_hologram"><video src="{file}h.mp4"></video></div>'),
            number=4,
        ),
        message(
            OWNER,
            '<a class="tgme_widget_message_via_bot" href="https://t.me/newsbot">@newsbot</a>',
            words('<a href="https://e.org/?a=1&amp;amp;b=2" onclick="return confirm(1);">source</a>'),
            '<a class="tgme_widget_message_inline_button url_button" href="https://e.org/film">The film</a>',
            number=5,
        ),
        message(in_group("School yard", "school_yard", owner=False), notice("Service message"), number=6),
    )
