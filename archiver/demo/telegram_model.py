"""What the miniature Telegram holds: files, chats and people, as its own objects tell them to a reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telethon.tl import types

from archiver.demo.mtproto import Fault
from storage.times import system_clock


def now() -> datetime:
    """The time as Telegram tells it: whole seconds."""
    return system_clock().replace(microsecond=0)


@dataclass
class Repeat:
    """A large file that is nowhere in memory: `seed` over and over, `size` bytes, each block with its number."""

    size: int
    seed: bytes = b"\x00\x00\x00\x18ftypmp42"

    def __getitem__(self, part: slice) -> bytes:
        start, stop = part.start or 0, min(part.stop, self.size)
        if start >= stop:
            return b""
        block = 4096
        first, last = start // block, (stop - 1) // block
        filler = (self.seed * (block // len(self.seed) + 1))[: block - 8]
        made = b"".join(struct.pack("<Q", number) + filler for number in range(first, last + 1))
        return made[start - first * block : stop - first * block]

    def __len__(self) -> int:
        return self.size


@dataclass
class StoredFile:
    """A file of the platform. `sizes`: other sizes of it, by Telegram's letter."""

    body: bytes | Repeat
    dc: int
    access_hash: int
    reference: bytes
    owner: Any
    sizes: dict[str, bytes] = field(default_factory=dict)
    hashes: bool = True
    spoiled: bool = False
    """Its bytes are not those that its hashes were made of."""


def _access_hash(number: int) -> int:
    """Make a hash as long as Telegram's: a short number also stands somewhere by chance, and looks leaked then."""
    return (number * 0x5851F42D4C957F2D + 7) % 2**62 | 2**61


@dataclass
class Chat:
    """A channel, supergroup or basic group."""

    id: int
    title: str
    username: str | None = None
    broadcast: bool = True
    basic: bool = False
    forum: bool = False
    about: str = ""
    invite: str | None = None
    members: set[int] = field(default_factory=set)
    messages: dict[int, Any] = field(default_factory=dict)
    pts: int = 1
    log: list[tuple[int, Any]] = field(default_factory=list)
    log_from: int = 1
    """Differences from before this pts are too long."""
    last: int = 0
    linked: int | None = None
    threads: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Post id → (discussion group, id of the post there)."""
    topics: dict[int, str] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    stories: list[Any] = field(default_factory=list)
    only_named: set[int] = field(default_factory=set)
    """Stories of which a list gives the number alone: they are to be asked for by it."""
    restricted: str | None = None
    noforwards: bool = False
    fault: Fault | None = None
    """What is answered to whoever asks for anything of it."""
    photo: Any = None
    full_photo: Any = None

    @property
    def access_hash(self) -> int:
        return _access_hash(self.id)

    @property
    def peer(self) -> Any:
        return types.PeerChat(self.id) if self.basic else types.PeerChannel(self.id)

    def object(self, user: int | None) -> Any:
        photo = self.photo or types.ChatPhotoEmpty()
        if self.basic:
            return types.Chat(self.id, self.title, photo, len(self.members), now(), 1, left=user not in self.members)
        reasons = [types.RestrictionReason("all", "terms", self.restricted)] if self.restricted else []
        return types.Channel(
            self.id, self.title, photo, now(), left=user not in self.members, broadcast=self.broadcast,
            megagroup=not self.broadcast, forum=self.forum, access_hash=self.access_hash, username=self.username,
            restricted=bool(reasons), restriction_reason=reasons, noforwards=self.noforwards,
            participants_count=1200, stories_unavailable=not self.stories,
        )  # fmt: skip


@dataclass
class Person:
    """`phone`: what the account logs in with."""

    id: int
    name: str
    username: str | None = None
    phone: str | None = None
    password: str | None = None
    qr: bool = False

    @property
    def access_hash(self) -> int:
        return _access_hash(self.id)

    def object(self, asking: int | None) -> Any:
        own = asking == self.id
        return types.User(
            self.id, is_self=own, first_name=self.name, username=self.username, access_hash=self.access_hash,
            phone=self.phone if own else None, status=types.UserStatusRecently(),
        )  # fmt: skip
