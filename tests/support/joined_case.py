"""A case of many posts, and packages of it that let out different things of the same ones.

The first `public` package shows words and no pictures of them, the second one pictures and no words: whatever joins an
item of one to an item of the other is none of what a reviewer let out. The `partner` package shows nearly all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from archiver.cli.main import main
from archiver.export import make
from archiver.export.packing import PackagePlan
from archiver.export.profiles import WORDS, PackageView
from archiver.home.home import Home
from archiver.seal.sealing import captured_event
from archiver.signer.local import LocalSigner
from storage.capture import CaptureWriter, Identity
from storage.digest import keyed
from storage.events import Event
from tests.conftest import plain_home
from tests.support.films import noise

AUTHORS = 12
EACH = 25
"""Posts of a capture."""
FIRST = datetime(2022, 1, 5, 4, tzinfo=UTC)
MANY = 12
OFFICIAL, SOURCE = 3, 5
"""Accounts that are open, and in danger."""


@dataclass(frozen=True)
class MadePost:
    """A post of the case: `words` None in one of four; `again`: also seen later, with other words."""

    place: int
    author: int
    words: str | None
    title: str | None
    files: tuple[bytes, ...]
    again: bool

    @property
    def id(self) -> str:
        """Id of the post on its platform."""
        return f"account_{self.author}/{self.place + 100}"


def made_posts(count: int, seed: int, films: Sequence[bytes]) -> list[MadePost]:
    """Posts of accounts that post more and less, with no, one or many pictures; one in four without words."""
    chance = random.Random(seed)
    found = []
    special = [place for place in range(20, count) if place % 4 != 3 and place % 5 and place % 7 != 2][:21]
    for place in range(count):
        author = min(int(chance.expovariate(0.35)), AUTHORS - 1)
        wordless = place % 4 == 3
        pictures = chance.choice((1, 1, 2, 3, 5, 7) if wordless else (0, 1, 1, 2, 4, 6))
        files = [noise(chance) for _ in range(pictures)]
        if films and place % max(1, count // len(films)) == 0:
            files = [films[place // max(1, count // len(films)) % len(films)]]
        text = " ".join(f"{chance.randrange(16**7):07x}" for _ in range(chance.randint(3, 60)))
        title = f"Title {chance.randrange(16**6):06x}" if place % 9 == 0 and not wordless else None
        if place in special:  # accounts that have so many posts as no other has
            author = AUTHORS + next(size for size in range(6) if special.index(place) < (size + 1) * (size + 2) // 2)
            files = files[:1] or [noise(chance)]
        if 8 <= place < 8 + MANY and not wordless:  # albums of so many pictures as no other has
            files = [noise(chance) for _ in range(place)]
        found.append(MadePost(place, author, None if wordless else text, title, tuple(files), place % 7 == 2))
    return found


@dataclass(frozen=True)
class Exported:
    """A package and what it truly shows."""

    path: Path
    shown: PackageView
    preview: list[tuple[str, str]]

    def post_of(self, number: str) -> str:
        """Which post an item is: its key in the material."""
        return self._keys[number]

    def shows(self, number: str) -> set[str]:
        """Words, pictures and links of an item that are shown."""
        return self._shown[number]

    def __post_init__(self) -> None:
        numbers = {item.number: item.key for item in self.shown.material.items}
        here = {self.shown.number_here(number): key for number, key in numbers.items()}
        shown: dict[str, set[str]] = {}
        for card in self.shown.cards:
            own = shown.setdefault(card.number, set())
            for view in card.views:
                own |= {str(view.post[name]) for name in (*WORDS, "url", "id") if view.post.get(name)}
            own |= {file.media.sha256 for file in card.every_file if file.name}
        object.__setattr__(self, "_keys", here)
        object.__setattr__(self, "_shown", shown)

    _keys: Any = None
    _shown: Any = None


class JoinedCase:
    """The home, and its packages by name."""

    def __init__(self, folder: Path, posts: list[MadePost], *, reviewed: bool = True) -> None:
        """`reviewed`: whether accounts are marked, and people's words are there and were agreed with."""
        self.folder, self.posts = folder, posts
        self.path = plain_home(folder / "home").path
        self._run("keys", "new", "R-2", "--role", "reviewer")
        self._run("case", "new", "joined")
        self.places: dict[int, list[str]] = {}
        """Captures in which a post was seen."""
        self._capture()
        if reviewed:
            self._annotate()

    def _run(self, *words: str) -> None:
        assert main(["--home", str(self.path), *words], None, {}) == 0

    def _capture(self) -> None:
        home = Home(self.path)
        groups = [self.posts[at : at + EACH] for at in range(0, len(self.posts), EACH)]
        groups.append([post for post in self.posts if post.again])
        events = []
        for number, group in enumerate(groups):
            name = f"20220105T04{number:02}00-capture{number % 10}"
            folder = self._write(home, name, group, again=number == len(groups) - 1)
            events.append(captured_event(home, Path(folder), ["joined"]))
            for post in group:
                self.places.setdefault(post.place, []).append(name)
        LocalSigner(home).append(events)
        home.project()
        home.catalog.close()

    def _write(self, home: Home, name: str, group: list[MadePost], *, again: bool) -> str:
        folder, moment = f"captures/2022/01/05/{name}", FIRST + timedelta(minutes=int(name[11:13]))
        link = "https://t.me/s/account_0"
        identity = Identity(name, name, 1, link, b"\1" * 32, {"name": "test", "version": "0"}, test_routes=True)
        writer = CaptureWriter(home.path / folder, identity, home.recipients(["joined"]), lambda: moment, lambda: 0.0)
        writer.inventory({"kind": "target", "url": link, "platform": "telegram", "target_kind": "channel",
                          "id": "account_0", "target_salt": "01" * 32})  # fmt: skip
        page = writer.resource(
            link, "application/json", json.dumps([self.id_of(post) for post in group]).encode()
        ).record_id
        for post in group:
            key = f"post {self.id_of(post)}"
            writer.inventory({"state": "discovered", "key": key, "kind": "post", "parent": "target"})
            for n, data in enumerate(post.files):
                kind, media_type = ("video", "video/mp4") if data[4:8] == b"ftyp" else ("photo", "image/png")
                record = writer.resource(self.link_of(post, n), media_type, data).record_id
                own = {"key": f"{key} #{n}", "kind": kind}
                writer.inventory({"state": "discovered", **own, "parent": key})
                writer.inventory({**own, "outcome": "captured", "reason": None, "record": record})
            self._also(writer, post)
            writer.inventory({"key": key, "kind": "post", "outcome": "captured", "reason": None, "record": page})
            writer.post({**self._line(post, again=again), "record": page})
        writer.close("captured", None)
        writer.release()
        return folder

    def id_of(self, post: MadePost) -> str:
        """Id of a post on its platform."""
        return post.id

    def link_of(self, post: MadePost, number: int) -> str:
        """Where a file of a post was fetched."""
        return f"https://cdn.example/{self.id_of(post)}/{number}"

    def _also(self, writer: CaptureWriter, post: MadePost) -> None:
        """What else is kept with a post."""

    def _line(self, post: MadePost, *, again: bool) -> dict[str, Any]:
        published = f"{FIRST - timedelta(minutes=7 * post.place):%Y-%m-%dT%H:%M:%SZ}"
        words = f"{post.words} (edited)" if again and post.words else post.words
        empty = dict.fromkeys(("lang", "reply_to", "forwarded_from", "likes", "replies", "reposts", "duration"))
        return {
            "platform": "telegram", "id": post.id, "url": f"https://t.me/{post.id}", "author_handle": f"account_{post.author}",
            "author_name": f"Account {post.author}", "author_id": f"-10077{post.author:03}", "published_at": published, **empty,
            "title": post.title, "text": words, "attachments": [{"kind": "photo"} for _ in post.files],
            "views": 1000 + 37 * post.place, "edited": again, "outcome": "captured", "reason": None, "role": "target",
            "parser": "test/1", "published": {"value": published, "precision": "second", "zone_known": True, "literal": published, "source": "test"},
        }  # fmt: skip

    def _annotate(self) -> None:
        """Open accounts, incidents of many items in an order of their own, conclusions, translations, masked words."""
        home = Home(self.path)
        chance = random.Random(3)
        worded = [post for post in self.posts if post.words]

        def part(post: MadePost) -> dict[str, str]:
            return {"capture": self.places[post.place][0], "post": post.id}

        def said(kind: str, about: dict[str, Any], text: str, **more: Any) -> Event:
            return Event("annotated", home.clock(), {"kind": kind, "about": about, "text": text, **more})

        events = [
            said("author", {"platform": "telegram", "author": f"account_{OFFICIAL}"}, "a city hall", mark="official"),
            said("author", {"platform": "telegram", "author": f"account_{SOURCE}"}, "in danger", mark="source"),
        ]
        for n in range(3):
            about = {"case": "joined", "incident": f"incident-{n}"}
            members = chance.sample(
                [post for post in worded if post.files and post.place % 5], 8
            )  # shown in each package
            events.append(said("incident", about, f"Incident {n}", exhibits=[part(post) for post in members]))
            events.append(
                said("conclusion", about, f"What was found of {n}.", confidence="low", against=[], basis=[part(post) for post in members])
            )  # fmt: skip
        for post in chance.sample(worded, len(worded) // 6):
            how = {"language": "en", "translator": "T-9", "how": "human", "date": "2022-02-02"}
            events.append(said("translation", part(post), f"In English {chance.randrange(16**8):08x}", **how))
        for post in chance.sample(worded, len(worded) // 8):
            masked = (post.words or "").split()[1:3]
            detail = {
                "about": part(post),
                "capture": part(post)["capture"],
                "masked": [" ".join(masked)],
                "text": "names",
            }
            events.append(Event("redacted", home.clock(), detail))
        sealed = LocalSigner(home).append(events)
        home.project()
        said_of = [
            {"event": one.seq, **{key: about[key] for key in ("case", "capture") if key in about}}
            for one in sealed
            if one.body["type"] == "annotated" and (about := one.body["detail"]["about"])
        ]
        self._review([(about, "publish") for about in said_of])
        home.catalog.close()

    def _review(self, decisions: list[tuple[dict[str, Any], str]]) -> None:
        home = Home(self.path)
        signer = LocalSigner(home, person="R-2")
        details = [{"kind": "review", "about": about, "text": "looked at", "decision": one} for about, one in decisions]
        signer.append([Event("annotated", home.clock(), detail) for detail in details])
        home.project()
        home.catalog.close()

    def words_only(self) -> None:
        """Let out the words of four in five posts, and the first picture of a third of those without words."""
        self._review(
            [*self._decided(words=True, pictures=lambda post, n: not post.words and post.place % 3 == 0 and n == 0)]
        )

    def pictures_only(self) -> None:
        """Let out the last picture of posts whose words were let out, and of the others without words."""
        self._review(
            [*self._decided(words=False, pictures=lambda post, n: (bool(post.words) or post.place % 3 > 0) and n == len(post.files) - 1)]
        )  # fmt: skip

    def _decided(self, *, words: bool, pictures: Any) -> Iterator[tuple[dict[str, Any], str]]:
        for post in self.posts:
            for capture in self.places[post.place]:
                about = {"capture": capture, "post": post.id}
                yield about, "publish" if words and post.place % 5 else "withhold"
                for n in range(len(post.files)):
                    yield {**about, "attachment": n}, "publish" if pictures(post, n) else "withhold"

    def export(self, profile: str, name: str) -> Exported:
        """Make a package; keep what it shows."""
        plans: list[PackagePlan] = []
        said: list[list[tuple[str, str]]] = []
        told = make.preview

        def preview(home: Home, plan: PackagePlan, keys: Sequence[str], needed: int) -> list[tuple[str, str]]:
            plans.append(plan)
            said.append(told(home, plan, keys, needed))
            return said[-1]

        plain = ("--no-encrypt",) if profile == "full" else ()
        # By chance an order is like another one: here always by the same chance.
        secret = patch.object(LocalSigner, "pseudonym_secret", lambda _, facts: keyed(b"a home", facts))
        with patch.object(make, "preview", preview), secret:
            self._run(
                "export",
                "joined",
                "--to",
                str(self.folder / name),
                "--profile",
                profile,
                "--yes",
                "--name",
                name,
                *plain,
            )
        return Exported(self.folder / name / name, plans[-1].shown, said[-1])
