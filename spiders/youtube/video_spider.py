"""Where to go on YouTube: the page of a video, clip or post, then on request its comments with their replies, and the live chat."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import scrapy
from scrapy.http import Response

from spiders.items import Seen
from spiders.json_access import obj, text_of
from spiders.posts import Outcome, Parsed, Post
from spiders.target_spider import TargetSpider, flag
from spiders.youtube.parse import parse

HOST = "https://www.youtube.com"
CONSENT = "SOCS=CAI"
"""Says that the consent page was answered with "reject all"; without it, Europe gets that page instead of the video."""


class YouTubeVideo(TargetSpider):
    """A spider for one video's page; its media are fetched separately.

    scrapy crawl youtube-video -a link=https://youtu.be/B68agR-OeJM -a comments=1
    """

    name = "youtube-video"

    def __init__(
        self,
        *arguments: Any,
        comments: bool | str = False,
        clock: Callable[[], datetime] | None = None,
        **kwargs: Any,
    ) -> None:
        """`clock`: when an answer was received, for dates like "5 years ago"."""
        super().__init__(*arguments, **kwargs)
        self._comments, self._clock = flag(comments), clock
        self._config: dict[str, Any] = {}
        self._pages = 0
        self._chats = 0

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Ask for the watch page, with the consent question answered."""
        headers = {"Cookie": CONSENT}
        yield scrapy.Request(self.target.url, self.watch, headers=headers, meta={"tag": "page"}, dont_filter=True)

    def _read(self, response: Response) -> Parsed:
        return parse(response.body, response.url, self._clock() if self._clock else None)

    def watch(self, response: Response) -> Iterator[Any]:
        """Read the watch page; where wanted, ask for comments and for the live chat."""
        parsed = self._read(response)
        about = next((post for post in parsed.posts if self.target.id in (post.id, _clip(post))), None)
        if about is None and parsed.posts:
            reason = f"the page shows another {self.target.kind} than was asked for"
            parsed = replace(parsed, outcome=Outcome.PARTIAL, reason=reason)
        wanted = frozenset([about.id if about is not None and about.id else self.target.id])
        yield Seen("page", "page", response.url, parsed, wanted, final=True)
        self._config = {name: parsed.hints.get(name) for name in ("key", "version", "visitor")}
        if not self._comments or about is None:
            return
        if token := parsed.hints.get("comments"):
            yield self._call("next", token, self.comments, "comments 1")
        if token := parsed.hints.get("chat"):
            kind = "live_chat_replay" if parsed.hints.get("chat_replay") else "live_chat"
            url = f"{HOST}/{kind}?continuation={quote(token, safe='')}"
            yield scrapy.Request(url, self.chat, meta={"tag": "chat 1", "kind": kind}, dont_filter=True)

    def _call(self, method: str, token: str, then: Any, tag: str, **meta: Any) -> scrapy.Request:
        return api_call(self._config, method, token, then, tag, **meta)

    def comments(self, response: Response) -> Iterator[Any]:
        """Read a page of comments; then ask for the replies to each, and for the next page."""
        parsed = self._read(response)
        tag = response.meta["tag"]
        yield Seen(tag, tag, response.url, parsed, None, needed=True)
        if self._enough():
            return
        self._pages += 1
        for parent, token in (parsed.hints.get("replies") or {}).items():
            yield self._call("next", token, self.comments, f"replies {parent} 1", parent=parent, turn=1)
        if token := parsed.hints.get("more"):
            parent, turn = response.meta.get("parent"), response.meta.get("turn", 1) + 1
            named = f"replies {parent} {turn}" if parent else f"comments {turn}"
            yield self._call("next", token, self.comments, named, parent=parent, turn=turn)

    def chat(self, response: Response) -> Iterator[Any]:
        """Read some seconds of the chat of a stream that is over, and ask for the next."""
        parsed = self._read(response)
        tag = response.meta["tag"]
        yield Seen(tag, tag, response.url, parsed, None, needed=True)
        self._chats += 1
        token = parsed.hints.get("chat")
        if response.meta["kind"] == "live_chat_replay" and token and parsed.posts and not self._enough():
            method = "live_chat/get_live_chat_replay"
            yield self._call(method, token, self.chat, f"chat {self._chats + 1}", kind="live_chat_replay")


def _clip(post: Post) -> str | None:
    """The id of the clip that a page shows of a video."""
    return text_of(obj(post.extra.get("clip")).get("id"))


def api_call(config: dict[str, Any], method: str, token: str, then: Any, tag: str, **meta: Any) -> scrapy.Request:
    """Make a call of YouTube's own API ("InnerTube") as its page does. `config`: what the page said of the client."""
    client = {"clientName": "WEB", "clientVersion": config.get("version") or "2.20250626.01.00", "hl": "en"}
    if visitor := config.get("visitor"):
        client["visitorData"] = visitor
    body = {"context": {"client": client}, "continuation": token}
    url = f"{HOST}/youtubei/v1/{method}?prettyPrint=false"
    return scrapy.Request(
        url, then, method="POST", body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Origin": HOST, "Accept": "*/*"},
        meta={"tag": tag, **meta}, dont_filter=True,
    )  # fmt: skip
