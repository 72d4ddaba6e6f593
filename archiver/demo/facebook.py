"""A miniature Facebook: a public post and a video as its pages and its plugins show them, and its login wall."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from archiver.demo.server import Answer, Asked, Site

CDN = "scontent.xx.fbcdn.net"
WALL = (
    '<!DOCTYPE html><html lang="en" id="facebook"><head><title id="pageTitle">Log into Facebook</title></head><body>'
    '<div class="_50f6">You must log in to continue.</div><form id="login_form" action="/login/device-based/regular/login/" '
    'method="post"><input name="email"><input name="pass"></form></body></html>'
)
GONE = (
    '<!DOCTYPE html><html id="facebook"><head><title>Facebook</title></head><body><div class="_585r">'
    "<h2>This content isn't available right now</h2><p>When this happens, it's usually because the owner only shared it with a "
    "small group of people, changed who can see it or it's been deleted.</p></div></body></html>"
)


@dataclass
class Shared:
    id: str
    when: datetime
    text: str
    photo: bytes | None = None
    film: bytes | None = None
    walled: bool = False
    """Its page is a login wall; the embed shows it all the same."""
    private: bool = False
    """Neither shows it."""


class Facebook:
    """The page of a witness."""

    handle, name = "ozen.today", "Өзен бүгін"

    def __init__(self, posts: list[Shared]) -> None:
        self.posts = {post.id: post for post in posts}
        self.trouble: dict[str, Answer] = {}
        self.shares: dict[str, str] = {}
        """Code of a link of the button "Share" → where it leads."""

    def sites(self) -> dict[str, Site]:
        return {"www.facebook.com": self.web, "m.facebook.com": self.web, CDN: self.file}

    def web(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        if (led := self.shares.get(asked.path.removeprefix("/share/p/").rstrip("/"))) is not None:
            return Answer(302, headers=[("Location", f"https://www.facebook.com{led}")])
        if asked.path.startswith(("/login/", "/groups/")):
            return Answer(body=WALL.encode())
        if asked.path.startswith("/plugins/"):
            post = self._named(urlsplit(asked.query.get("href", "")).path)
            if post is None or post.private:
                return Answer(body=GONE.encode())
            return Answer(body=self._classic(post).encode())
        post = self._named(asked.path) or self.posts.get(asked.query.get("v", ""))
        if post is None:
            known = asked.path.strip("/") == self.handle
            return Answer(body=WALL.encode()) if known else Answer(body=GONE.encode())
        if post.walled or post.private:
            return Answer(body=WALL.encode())
        player = post.film is not None and ("/videos/" in asked.path or "v" in asked.query)
        return Answer(body=(self._relay(post) if player else self._classic(post)).encode())

    def _named(self, path: str) -> Shared | None:
        return self.posts.get(path.rstrip("/").rpartition("/")[2])

    def _classic(self, post: Shared) -> str:
        link = f"https://www.facebook.com/{self.handle}/posts/{post.id}"
        photo = f'<img class="scaledImageFitWidth img" src="https://{CDN}/{post.id}.jpg">' if post.photo else ""
        film = f'<a href="/{self.handle}/videos/{post.id}/">Video</a>' if post.film else ""
        return (
            f'<!DOCTYPE html><html id="facebook"><head><title>{html.escape(self.name)}</title><meta property="og:url" content="{link}"></head><body>'
            f'<div class="_5pcr userContentWrapper"><h5><span class="fwb"><a href="https://www.facebook.com/{self.handle}?fref=nf">{html.escape(self.name)}</a></span></h5>'
            f'<a class="_5pcq" href="/{self.handle}/posts/{post.id}"><abbr data-utime="{int(post.when.timestamp())}" class="_5ptz"><span>5 January 2022</span></abbr></a>'
            f'<div data-testid="post_message" class="_5pbx userContent"><p>{html.escape(post.text)}</p></div>{photo}{film}'
            f'<form><input type="hidden" name="ft_ent_identifier" value="{post.id}"><a aria-label="18 Like"></a><span class="_81hb">24</span><a>7 Comments</a><span>3 Shares</span></form>'
            "</div></body></html>"
        )

    def _relay(self, post: Shared) -> str:
        medium: dict[str, Any] = {
            "__typename": "Video", "id": post.id, "width": 320, "height": 180, "playable_duration_in_ms": 2000,
            "playable_url": f"https://{CDN}/{post.id}.mp4", "browser_native_hd_url": f"https://{CDN}/{post.id}.mp4",
        }  # fmt: skip
        story = {
            "post_id": post.id, "creation_time": int(post.when.timestamp()), "message": {"text": post.text},
            "url": f"https://www.facebook.com/{self.handle}/videos/{post.id}/",
            "actors": [{"__typename": "User", "id": "100001", "name": self.name, "url": f"https://www.facebook.com/{self.handle}"}],
            "attachments": [{"media": medium}], "feedback": {"reaction_count": {"count": 24}, "share_count": {"count": 3}},
        }  # fmt: skip
        box = {"__bbox": {"result": {"data": {"video": {"id": post.id, "story": story}}}}}
        value = {"require": [["RelayPrefetchedStreamCache", "next", [], ["adp_CometVideoHomeQuery", box]]]}
        return (
            f'<!DOCTYPE html><html id="facebook"><head><title>{html.escape(self.name)}</title></head><body>'
            f'<script type="application/json" data-sjs>{json.dumps(value)}</script></body></html>'
        )

    def file(self, asked: Asked) -> Answer:
        stem, _, kind = asked.path.strip("/").partition(".")
        post = self.posts.get(stem)
        if post is not None and kind == "jpg" and post.photo:
            return Answer(content_type="image/jpeg", body=post.photo)
        if post is not None and kind == "mp4" and post.film:
            return Answer(content_type="video/mp4", body=post.film)
        return Answer(404, "text/plain", b"")
