"""A miniature t.me: channel previews, `?before=` paging, post embeds, and its file hosts.

The markup follows the recordings; `tests/spiders/test_telegram_recordings.py` holds it against them where they are present.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from archiver.demo.server import Answer, Asked, Site

CDN = "cdn4.telesco.pe"
PAGE = 20


@dataclass
class Medium:
    kind: str
    """photo, video, document, too big"""
    name: str = ""
    body: bytes = b""
    content_type: str = "video/mp4"
    seconds: int = 2
    repeat: int = 1
    id: int = 0
    """The member's own id, in an album."""
    status: int = 200


@dataclass
class DemoPost:
    id: int
    when: datetime
    text: str = ""
    media: list[Medium] = field(default_factory=list)
    edited: bool = False
    views: str = "1.2K"
    service: bool = False
    reply_to: int | None = None
    extra: str = ""
    comments: list[tuple[int, str, str]] = field(default_factory=list)
    """(number, author, text), oldest first"""
    unlisted: bool = False
    """Left out of the channel's page; its embed shows it."""


@dataclass
class DemoChannel:
    handle: str
    title: str
    number: int
    posts: list[DemoPost]
    about: str = ""

    def files(self) -> dict[str, Medium]:
        return {f"/file/{medium.name}": medium for post in self.posts for medium in post.media if medium.name}


class Telegram:
    """Sites for `t.me` and its file host. `now` is the time that pages claim to be made at."""

    def __init__(self, channels: list[DemoChannel], avatar: bytes, now: Callable[[], datetime]) -> None:
        self.channels = {channel.handle.lower(): channel for channel in channels}
        self.avatar = avatar
        self._now = now
        self.trouble: dict[str, Answer] = {}
        """Path → what is answered instead: rate limits, outages."""

    def sites(self) -> dict[str, Site]:
        return {"t.me": self.web, CDN: self.file}

    def file(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        if asked.path == "/file/avatar.png":
            return Answer(content_type="image/png", body=self.avatar)
        for channel in self.channels.values():
            if medium := channel.files().get(asked.path):
                return Answer(medium.status, medium.content_type, medium.body, repeat=medium.repeat)
        return Answer(404, "text/plain", b"File not found")

    def web(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        parts = [part for part in asked.path.split("/") if part]
        cookie = [
            (
                "Set-Cookie",
                "stel_ssid=5e2f0c1a9b7d4836aa_12345678901234567890; path=/; samesite=None; secure; HttpOnly",
            )
        ]
        if parts[:1] == ["s"] and len(parts) >= 2:
            channel = self.channels.get(parts[1].lower())
            if channel is None:
                return Answer(302, headers=[("Location", f"https://t.me/{parts[1]}"), *cookie])
            around = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else None
            before = int(asked.query["before"]) if asked.query.get("before", "").isdigit() else around and around + 10
            return Answer(body=self._preview(channel, before), headers=cookie)
        channel = self.channels.get(parts[0].lower()) if parts else None
        if len(parts) >= 2 and "discussion" in asked.query:
            post = self._find(channel, int(parts[1])) if channel and parts[1].isdigit() else None
            before = int(asked.query["before"]) if asked.query.get("before", "").isdigit() else None
            return Answer(body=self._discussion(channel, post, before), headers=cookie)
        if len(parts) >= 2 and "embed" in asked.query:
            post = self._find(channel, int(parts[1])) if channel and parts[1].isdigit() else None
            return Answer(body=self._embed(channel, post), headers=cookie)
        return Answer(body=self._landing(channel, parts[0] if parts else ""), headers=cookie)

    def _find(self, channel: DemoChannel, number: int) -> DemoPost | None:
        for post in channel.posts:
            if post.id == number or number in [medium.id for medium in post.media]:
                return post
        return None

    def _preview(self, channel: DemoChannel, before: int | None) -> bytes:
        listed = [post for post in channel.posts if not post.unlisted]
        older = [post for post in sorted(listed, key=lambda p: p.id) if before is None or post.id < before]
        shown = older[-PAGE:]
        more = (
            f'<div class="tgme_widget_message_centered js-messages_more_wrap"><a href="/s/{channel.handle}?before={shown[0].id}" class="tme_messages_more js-messages_more" data-before="{shown[0].id}"></a></div>'
            if len(older) > PAGE
            else ""
        )
        body = more + "".join(self._wrapped(channel, post) for post in shown)
        if not shown:
            body = '<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div>'
        title = html.escape(channel.title)
        return f"""<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8">
    <title>{title} – Telegram</title>
    <meta property="og:title" content="{title}">
  </head>
  <body class="widget_frame_base tgme_webpreview emoji_image thin_box_shadow tme_mode no_transitions">
<header class="tgme_header search_collapsed"><div class="tgme_header_right_column"><section class="tgme_right_column"><div class="tgme_channel_info">
  <div class="tgme_channel_info_header">
    <i class="tgme_page_photo_image bgcolor2" data-content="O"><img src="https://{CDN}/file/avatar.png"></i>
    <div class="tgme_channel_info_header_title_wrap"><div class="tgme_channel_info_header_title"><span dir="auto">{title}</span></div></div>
    <div class="tgme_channel_info_header_username"><a href="https://t.me/{channel.handle}">@{channel.handle}</a></div>
  </div>
  <div class="tgme_channel_info_counters"><div class="tgme_channel_info_counter"><span class="counter_value">4.1K</span> <span class="counter_type">subscribers</span></div></div>
  <div class="tgme_channel_info_description">{html.escape(channel.about)}</div>
</div></section></div></header>
<main class="tgme_main" data-url="/s/{channel.handle}">
    <section class="tgme_channel_history js-message_history">
      {body}
    </section>
</main>
</body>
</html>
<!-- page generated in 11.2ms -->
""".encode()

    def _wrapped(self, channel: DemoChannel, post: DemoPost) -> str:
        return f'<div class="tgme_widget_message_wrap js-widget_message_wrap">{self._message(channel, post)}</div>'

    def _view(self, channel: DemoChannel, post: DemoPost) -> str:
        number: int | str = f"{post.id}g" if len(post.media) > 1 else post.id
        view = {
            "c": channel.number,
            "p": number,
            "t": int(self._now().timestamp()),
            "h": "81476615824bdce8b6",
        }
        return base64.urlsafe_b64encode(json.dumps(view, separators=(",", ":")).encode()).decode().rstrip("=")

    def _message(self, channel: DemoChannel, post: DemoPost) -> str:
        link = f"https://t.me/{channel.handle}/{post.id}"
        text = (
            f'<div class="tgme_widget_message_text js-message_text" dir="auto">{post.text}</div>' if post.text else ""
        )
        reply = ""
        if post.reply_to:
            reply = f'<a class="tgme_widget_message_reply" href="https://t.me/{channel.handle}/{post.reply_to}"><div class="tgme_widget_message_author accent_color"><span class="tgme_widget_message_author_name" dir="auto">{html.escape(channel.title)}</span></div><div class="tgme_widget_message_text js-message_reply_text" dir="auto">an excerpt that is not the post</div></a>'
        edited = "edited &nbsp;" if post.edited else ""
        views = (
            ""
            if post.service
            else f'<span class="tgme_widget_message_views">{post.views}</span><span class="copyonly"> views</span>'
        )
        return f"""<div class="tgme_widget_message text_not_supported_wrap {"service_message " if post.service else ""}js-widget_message" data-post="{channel.handle}/{post.id}" data-view="{self._view(channel, post)}">
  <div class="tgme_widget_message_user"><a href="https://t.me/{channel.handle}"><i class="tgme_widget_message_user_photo bgcolor2" data-content="O"><img src="https://{CDN}/file/avatar.png"></i></a></div>
  <div class="tgme_widget_message_bubble">
    <div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" href="https://t.me/{channel.handle}"><span dir="auto">{html.escape(channel.title)}</span></a></div>
{reply}<div class="media_supported_cont">{self._media(channel, post)}{text}</div>{post.extra}<div class="media_not_supported_cont"><div class="message_media_not_supported_wrap">
  <div class="message_media_not_supported">
    <div class="message_media_not_supported_label">Please open Telegram to view this post</div>
    <a href="{link}" class="message_media_view_in_telegram">VIEW IN TELEGRAM</a>
  </div>
</div></div>
<div class="tgme_widget_message_footer compact js-message_footer">
  <div class="tgme_widget_message_info short js-message_info">
    {views}<span class="tgme_widget_message_meta">{edited}<a class="tgme_widget_message_date" href="{link}"><time datetime="{post.when.strftime("%Y-%m-%dT%H:%M:%S+00:00")}" class="time">{post.when.strftime("%H:%M")}</time></a></span>
  </div>
</div>
  </div>
</div>"""

    def _media(self, channel: DemoChannel, post: DemoPost) -> str:
        if len(post.media) > 1:
            inner = "".join(self._medium(channel, post, medium, "?single", medium.id) for medium in post.media)
            return f'<div class="tgme_widget_message_grouped_wrap js-message_grouped_wrap" data-margin-w="2" data-margin-h="2" style="width:453px;"><div class="tgme_widget_message_grouped js-message_grouped" style="padding-top:93.819%"><div class="tgme_widget_message_grouped_layer js-message_grouped_layer" style="width:453px;height:425px">{inner}</div></div></div>'
        return "".join(self._medium(channel, post, medium, "", post.id) for medium in post.media)

    def _medium(self, channel: DemoChannel, post: DemoPost, medium: Medium, single: str, number: int) -> str:
        link = f"https://t.me/{channel.handle}/{number}{single}"
        source = f"https://{CDN}/file/{medium.name}"
        duration = f'<time class="message_video_duration js-message_video_duration">{medium.seconds // 60}:{medium.seconds % 60:02d}</time>'
        if medium.kind == "photo":
            return f'<a class="tgme_widget_message_photo_wrap grouped_media_wrap blured 52562304123{number} js-message_photo" href="{link}" style="width:453px;background-image:url(\'{source}\')"><div class="tgme_widget_message_photo grouped_media" style="padding-top:62.5%"></div></a>'
        if medium.kind == "video":
            return f'<a class="tgme_widget_message_video_player grouped_media_wrap js-message_video_player" href="{link}"><i class="tgme_widget_message_video_thumb" style="background-image:url(\'https://{CDN}/file/avatar.png\')"></i><div class="tgme_widget_message_video_wrap" style="width:1920px;padding-top:56.25%"><video src="{source}" class="tgme_widget_message_video js-message_video" width="100%" height="100%"></video></div><div class="message_video_play js-message_video_play"></div>{duration}</a>'
        if medium.kind == "too big":
            return f'<a class="tgme_widget_message_video_player not_supported js-message_video_player" href="{link}"><i class="tgme_widget_message_video_thumb" style="background-image:url(\'https://{CDN}/file/avatar.png\')"></i><div class="message_media_not_supported_wrap"><div class="message_media_not_supported"><div class="message_media_not_supported_label">Media is too big</div><span class="message_media_view_in_telegram">VIEW IN TELEGRAM</span></div></div>{duration}</a>'
        return f'<a class="tgme_widget_message_document_wrap" href="{link}"><div class="tgme_widget_message_document_icon accent_bg document"></div><div class="tgme_widget_message_document"><div class="tgme_widget_message_document_title accent_color" dir="auto">{html.escape(medium.name)}</div><div class="tgme_widget_message_document_extra" dir="auto">3.1 MB</div></div></a>'

    def _embed(self, channel: DemoChannel | None, post: DemoPost | None) -> bytes:
        if channel is None or post is None:
            said = "Post not found" if channel else "Channel not found"
            inner = f'<div class="tgme_widget_message text_not_supported_wrap err_message js-widget_message"><div class="tgme_widget_message_bubble"><div class="tgme_widget_message_error" dir="auto">{said}</div></div></div>'
        else:
            inner = self._message(channel, post)
        return f"""<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Telegram Widget</title>
    <base target="_blank">
  </head>
  <body class="widget_frame_base tgme_widget body_widget_post emoji_image nodark">
    {inner}
  </body>
</html>
<!-- page generated in 8.02ms -->
""".encode()

    def _discussion(self, channel: DemoChannel | None, post: DemoPost | None, before: int | None) -> bytes:
        """Three comments at a time, newest last, as the widget shows them."""
        if channel is None or post is None or not post.comments:
            inner = '<div class="tgme_widget_message js-widget_message"><div class="tgme_widget_message_error">Discussion not found</div></div>'
        else:
            older = [item for item in post.comments if before is None or item[0] < before]
            shown = older[-3:]
            more = (
                f'<a class="tme_messages_more js-messages_more" data-before="{shown[0][0]}"></a>'
                if len(older) > 3
                else ""
            )
            inner = (
                f'<div class="tgme_post_discussion"><h3 class="tgme_post_discussion_header">{len(post.comments)} comments</h3>{more}'
                + "".join(self._remark(channel, post, *item) for item in shown)
                + "</div>"
            )
        return f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body class="widget_frame_base tgme_widget body_widget_discussion">{inner}</body></html>'.encode()

    def _remark(self, channel: DemoChannel, post: DemoPost, number: int, author: str, text: str) -> str:
        link = f"https://t.me/{channel.handle}/{post.id}?comment={number}"
        return (
            f'<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message js-widget_message" data-post="{channel.handle}_chat/{number}">'
            f'<div class="tgme_widget_message_author"><span class="tgme_widget_message_author_name" dir="auto">{html.escape(author)}</span></div>'
            f'<div class="tgme_widget_message_text js-message_text" dir="auto">{html.escape(text)}</div>'
            f'<div class="tgme_widget_message_info"><a class="tgme_widget_message_date" href="{link}"><time datetime="{post.when.strftime("%Y-%m-%dT%H:%M:%S+00:00")}" class="time">12:00</time></a></div></div></div>'
        )

    def _landing(self, channel: DemoChannel | None, name: str) -> bytes:
        inner = f'<div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact <a class="tgme_username_link" href="tg://resolve?domain={html.escape(name)}">@{html.escape(name)}</a> right away.</div>'
        if channel:
            inner = f'<div class="tgme_page_title" dir="auto"><span dir="auto">{html.escape(channel.title)}</span></div><div class="tgme_page_extra">4 100 subscribers</div><div class="tgme_page_context_link_wrap"><a class="tgme_page_context_link" href="/s/{channel.handle}">Preview channel</a></div>'
        return f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>Telegram</title></head><body class="no_transition"><div class="tgme_page_wrap"><div class="tgme_page">{inner}</div></div></body></html>'.encode()
