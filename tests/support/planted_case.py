"""A case in which values are planted wherever something can be withheld, and by which packages each may be shown."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from storage.capture import CaptureWriter
from storage.events import Event
from tests.support.films import noise
from tests.support.joined_case import JoinedCase, MadePost

HIDDEN = ("id", "url", "handle", "name", "author id", "reply to", "forwarded from", "quoted id", "album", "earlier id",
          "metadata", "link of a file", "reason")  # fmt: skip
"""Leads to an account in danger: in `full` alone."""
SAID = ("note", "tag", "place", "sensitivity", "translation", "account", "review")
"""People's words that nobody reviewed: in `full` and `partner`."""
NOWHERE = ("withheld", "privileged")
"""In no package."""
MASKED = "masked"
"""In `full`, where it was recorded."""
KINDS = (*HIDDEN, *SAID, *NOWHERE, MASKED)
FORBIDDEN = {"full": {*NOWHERE}, "partner": {*HIDDEN, "account", *NOWHERE, MASKED}, "public": set(KINDS)}


class PlantedCase(JoinedCase):
    """Posts of accounts in danger, a value of each kind in each of them. `values`: value → its kind."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self.values: dict[str, str] = {}
        posts = [MadePost(place, place, f"Seen by many {place:05}", None, (), False) for place in range(count)]
        self._own = {post.place: {kind: self._new(kind) for kind in KINDS} for post in posts}
        files = {post.place: _with_metadata(noise(self._chance), self._own[post.place]["metadata"]) for post in posts}
        super().__init__(folder, [MadePost(p.place, p.author, p.words, None, (files[p.place],), False) for p in posts])

    def _new(self, kind: str) -> str:
        value = f"{kind[0]}q{self._chance.randbytes(9).hex()}"
        self.values[value] = kind
        return value

    def id_of(self, post: MadePost) -> str:
        """A post's id, by which it can be found."""
        return f"{self._own[post.place]['handle']}/{self._own[post.place]['id']}"

    def link_of(self, post: MadePost, number: int) -> str:
        """Where a file of a post was fetched."""
        return f"https://cdn.example/{self._own[post.place]['link of a file']}/{number}.png"

    def _also(self, writer: CaptureWriter, post: MadePost) -> None:
        own = self._own[post.place]
        writer.withhold([("response header", "set-cookie", f"session={own['withheld']}".encode())])
        key = {"key": f"post {self.id_of(post)} #1", "kind": "photo"}
        writer.inventory({"state": "discovered", **key, "parent": f"post {self.id_of(post)}"})
        writer.inventory({**key, "outcome": "failed", "reason": f"https://cdn.example/{own['reason']} did not answer"})

    def _line(self, post: MadePost, *, again: bool) -> dict[str, Any]:
        own = self._own[post.place]
        return super()._line(post, again=again) | {
            "id": self.id_of(post), "url": f"https://t.me/{own['url']}", "author_handle": own["handle"], "author_name": own["name"],
            "author_id": own["author id"], "reply_to": own["reply to"], "forwarded_from": own["forwarded from"],
            "quoted_id": own["quoted id"], "album_ids": [own["album"]], "edit_history_ids": [own["earlier id"]],
            "text": f"{post.words} near {own[MASKED]}", "attachments": [{"kind": "photo"}, {"kind": "photo"}],
        }  # fmt: skip

    def _annotate(self) -> None:
        home = Home(self.path)
        events = []
        for post in self.posts:
            own, capture = self._own[post.place], self.places[post.place][0]
            part: dict[str, Any] = {"capture": capture, "post": self.id_of(post)}
            account = {"platform": "telegram", "author": own["handle"]}
            translated = {"language": "en", "translator": "T-9", "how": "human", "date": "2022-02-02"}
            for kind, about, text, more in (
                ("author", account, own["account"], {"mark": "source"}),
                ("note", part, own["note"], {}),
                ("note", part, own["privileged"], {"privileged": True}),
                ("tag", part, own["tag"], {}),
                ("place", part, own["place"], {"latitude": "43.3412", "longitude": "52.8619"}),
                ("sensitivity", part, own["sensitivity"], {"level": "identifies"}),
                ("translation", part, own["translation"], translated),
            ):
                events.append(Event("annotated", home.clock(), {"kind": kind, "about": about, "text": text, **more}))
            detail = {"about": part, "capture": capture, "masked": [own[MASKED]], "text": "a name"}
            events.append(Event("redacted", home.clock(), detail))
        LocalSigner(home).append(events)
        reviews = [
            Event("annotated", home.clock(), {"kind": "review", "about": {"capture": self.places[post.place][0], "post": self.id_of(post)},
                                              "text": self._own[post.place]["review"], "decision": "publish"})
            for post in self.posts
        ]  # fmt: skip
        LocalSigner(home, person="R-2").append(reviews)
        home.project()
        home.catalog.close()


def _with_metadata(png: bytes, value: str) -> bytes:
    """A PNG that says who made it."""
    content = b"tEXtAuthor\0" + value.encode()
    return (
        png[:33] + (len(content) - 4).to_bytes(4, "big") + content + zlib.crc32(content).to_bytes(4, "big") + png[33:]
    )
