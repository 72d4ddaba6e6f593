"""A miniature Telegram behind the miniature data centres: accounts, channels, groups, files, updates.

It answers what `spiders/telegram` asks, with the layer's own objects, and does what the real one does to a reader:
flood waits, expired file references, files in other data centres, deletions that leave nothing, gaps in the updates.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import telethon.tl.patched
from telethon import password
from telethon.tl import TLObject, types
from telethon.tl.tlobject import TLRequest

from archiver.demo.mtproto import GENERATOR, PRIME, Fault, Server, Session
from archiver.demo.telegram_model import Chat, Person, Repeat, StoredFile, now
from storage.digest import sha256

Message, Service, Empty = (
    telethon.tl.patched.Message,
    telethon.tl.patched.MessageService,
    telethon.tl.patched.MessageEmpty,
)
HASH_SPAN = 131072
"""Bytes that one hash of `upload.getFileHashes` is about."""


class TelegramApi:
    """The platform. `server` carries it; every method that changes something pushes the update for it."""

    def __init__(self, centres: int = 2, secret: bytes | None = None) -> None:
        self.chats: dict[int, Chat] = {}
        self.people: dict[int, Person] = {}
        self.files: dict[int, StoredFile] = {}
        self.trouble: list[tuple[str, Fault, int]] = []
        """(method, fault, how often still): answered instead."""
        self.asked: list[tuple[str, Any]] = []
        self.slow: Callable[[TLRequest], float] = lambda request: 0.0
        self.quiet = False
        """Updates are not pushed; they wait in the difference."""
        self.code = "12345"
        self.pts = 1
        self._next_file = 5_000_000_000
        self._exported: dict[bytes, int] = {}
        self._tokens: dict[bytes, int | None] = {}
        self._srp: dict[int, tuple[int, int, bytes]] = {}
        self._hashes: dict[str, Person] = {}
        self.server = Server(self.answer, centres, secret)

    def network(self) -> dict[str, Any]:
        """What a client needs to reach it instead of the real one."""
        made: dict[str, Any] = {
            "dc": 2, "host": "127.0.0.1", "port": self.server.ports[min(2, max(self.server.ports))],
            "key": self.server.public_pem,
        }  # fmt: skip
        return made

    def stop(self) -> None:
        self.server.stop()

    # -- what happens on the platform -------------------------------------------------------------------

    def person(self, number: int, name: str, **facts: Any) -> Person:
        self.people[number] = Person(number, name, **facts)
        return self.people[number]

    def chat(self, number: int, title: str, **facts: Any) -> Chat:
        self.chats[number] = Chat(number, title, **facts)
        return self.chats[number]

    def document(
        self, body: bytes | Repeat, mime: str = "video/mp4", name: str | None = None, dc: int = 2,
        attributes: Iterable[Any] = (), *, thumb: bytes | None = None, hashes: bool = True, when: datetime | None = None,
    ) -> Any:  # fmt: skip
        """A document with its file; `attributes` say what it is."""
        self._next_file += 1
        number, access = self._next_file, self._next_file * 13
        made = types.Document(
            number, access, os.urandom(25), when or now(), mime, len(body), dc,
            [*attributes, *([types.DocumentAttributeFilename(name)] if name else [])],
            thumbs=[types.PhotoSize("m", 90, 60, len(thumb))] if thumb else None,
        )  # fmt: skip
        sizes = {"m": thumb} if thumb else {}
        self.files[number] = StoredFile(body, dc, access, made.file_reference, made, sizes, hashes)
        return made

    def photo(
        self, body: bytes, small: bytes = b"\xff\xd8\xff small", dc: int = 2, when: datetime | None = None
    ) -> Any:
        self._next_file += 1
        number, access = self._next_file, self._next_file * 13
        sizes = [
            types.PhotoStrippedSize("i", b"\x01\x08\x0a tiny"), types.PhotoSize("m", 320, 200, len(small)),
            types.PhotoSizeProgressive("y", 1280, 800, [len(body) // 3, len(body)]),
        ]  # fmt: skip
        made = types.Photo(number, access, os.urandom(25), when or now(), sizes, dc)
        self.files[number] = StoredFile(body, dc, access, made.file_reference, made, {"m": small, "y": body})
        return made

    def expire_references(self) -> None:
        """Every file reference that was handed out is no longer taken."""
        for stored in self.files.values():
            stored.reference = stored.owner.file_reference = os.urandom(25)

    def post(self, chat: Chat, text: str = "", *, id_: int | None = None, push: bool = True, **fields: Any) -> Any:
        """A new message. `fields` as the layer names them."""
        number = id_ or chat.last + 1
        chat.last = max(chat.last, number)
        fields.setdefault("date", now())
        if chat.broadcast and not chat.basic:
            fields.setdefault("views", 100 + number)
            fields.setdefault("forwards", 3)
        made = Message(number, chat.peer, message=text, post=chat.broadcast, **fields)
        chat.messages[number] = made
        self._log(chat, lambda pts: types.UpdateNewChannelMessage(made, pts, 1), push)
        return made

    def service(self, chat: Chat, action: Any, *, id_: int | None = None, push: bool = True, **fields: Any) -> Any:
        number = id_ or chat.last + 1
        chat.last = max(chat.last, number)
        fields.setdefault("date", now())
        made = Service(number, chat.peer, action=action, post=chat.broadcast, **fields)
        chat.messages[number] = made
        self._log(chat, lambda pts: types.UpdateNewChannelMessage(made, pts, 1), push)
        return made

    def edit(self, chat: Chat, number: int, text: str, *, hide: bool = False) -> None:
        message = chat.messages[number]
        message.message, message.edit_date, message.edit_hide = text, now(), hide
        self._log(chat, lambda pts: types.UpdateEditChannelMessage(message, pts, 1))

    def delete(self, chat: Chat, numbers: list[int], *, announced: bool = True) -> None:
        for number in numbers:
            chat.messages.pop(number, None)
        if announced:
            self._log(
                chat,
                lambda pts: types.UpdateDeleteChannelMessages(chat.id, list(numbers), pts, len(numbers)),
                count=len(numbers),
            )

    def pin(self, chat: Chat, number: int) -> None:
        chat.pinned = [number, *[n for n in chat.pinned if n != number]]
        chat.messages[number].pinned = True
        self._log(chat, lambda pts: types.UpdatePinnedChannelMessages(chat.id, [number], pts, 1, pinned=True))
        self.service(chat, types.MessageActionPinMessage(), reply_to=types.MessageReplyHeader(reply_to_msg_id=number))

    def rename(self, chat: Chat, title: str) -> None:
        chat.title = title
        self.service(chat, types.MessageActionChatEditTitle(title))

    def new_photo(self, chat: Chat, body: bytes) -> None:
        made = self.photo(body)
        chat.photo, chat.full_photo = types.ChatPhoto(made.id, made.dc_id), made
        self.service(chat, types.MessageActionChatEditPhoto(made))

    def _log(self, chat: Chat, made: Callable[[int], Any], push: bool = True, count: int = 1) -> None:
        chat.pts += count
        update = made(chat.pts)
        chat.log.append((chat.pts, update))
        if push and not self.quiet:
            batch = types.Updates([update], self._users([]), [chat.object(None)], now(), 0)
            users = chat.members
            asyncio.run_coroutine_threadsafe(self.server.push(batch, users), self.server.loop).result()

    # -- answering --------------------------------------------------------------------------------------

    async def answer(self, session: Session, request: TLRequest) -> TLObject | bytes | list[Any]:
        name = type(request).__name__.removesuffix("Request")
        self.asked.append((name, request))
        if wait := self.slow(request):
            await asyncio.sleep(wait)
        for number, (method, fault, times) in enumerate(self.trouble):
            if method == name and times > 0:
                self.trouble[number] = (method, fault, times - 1)
                raise fault
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            raise Fault(400, "METHOD_INVALID")
        if name not in OPEN and session.key.user is None:
            raise Fault(401, "AUTH_KEY_UNREGISTERED")
        found: TLObject | bytes | list[Any] = handler(session, request)
        return found

    def _users(self, messages: Iterable[Any], asking: int | None = None) -> list[Any]:
        wanted = set()
        for message in messages:
            for peer in (
                getattr(message, "from_id", None),
                getattr(getattr(message, "fwd_from", None), "from_id", None),
            ):
                if isinstance(peer, types.PeerUser):
                    wanted.add(peer.user_id)
            for number in getattr(getattr(message, "action", None), "users", None) or ():
                wanted.add(number)
        return [self.people[number].object(asking) for number in sorted(wanted) if number in self.people]

    def _chats(self, chat: Chat, messages: Iterable[Any], asking: int | None) -> list[Any]:
        wanted = {chat.id}
        for message in messages:
            for peer in (
                getattr(message, "from_id", None),
                getattr(getattr(message, "fwd_from", None), "from_id", None),
            ):
                if isinstance(peer, types.PeerChannel):
                    wanted.add(peer.channel_id)
        return [self.chats[number].object(asking) for number in sorted(wanted) if number in self.chats]

    def _found(self, chat: Chat, messages: list[Any], session: Session, count: int) -> Any:
        users, chats = self._users(messages, session.key.user), self._chats(chat, messages, session.key.user)
        if chat.basic:
            return types.messages.Messages(messages, [], chats, users)
        return types.messages.ChannelMessages(chat.pts, count, messages, [], chats, users)

    def _of(self, peer: Any, session: Session) -> Chat:
        if isinstance(peer, types.InputPeerChannel | types.InputChannel):
            chat = self.chats.get(peer.channel_id)
            if chat is None or chat.access_hash != peer.access_hash:
                raise Fault(400, "CHANNEL_INVALID")
        elif isinstance(peer, types.InputPeerChat):
            chat = self.chats.get(peer.chat_id)
        else:
            raise Fault(400, "PEER_ID_INVALID")
        if chat is None:
            raise Fault(400, "PEER_ID_INVALID")
        if chat.fault is not None:
            raise chat.fault
        if chat.username is None and session.key.user not in chat.members and chat.invite is not None:
            raise Fault(400, "CHANNEL_PRIVATE")
        return chat

    # help, updates

    def _GetConfig(self, session: Session, request: Any) -> Any:
        options = [types.DcOption(number, "127.0.0.1", port) for number, port in self.server.ports.items() if number]
        return types.Config(
            **{**dict.fromkeys(_CONFIG_NUMBERS, 1), "date": now(), "expires": datetime(2030, 1, 1, tzinfo=UTC),
               "test_mode": False, "this_dc": session.key.dc, "dc_options": options, "dc_txt_domain_name": "",
               "me_url_prefix": "https://t.me/"}
        )  # fmt: skip

    def _GetState(self, session: Session, request: Any) -> Any:
        return types.updates.State(self.pts, 0, now(), 1, 0)

    def _GetDifference(self, session: Session, request: Any) -> Any:
        return types.updates.DifferenceEmpty(now(), 1)

    def _GetChannelDifference(self, session: Session, request: Any) -> Any:
        chat = self._of(request.channel, session)
        if request.pts < chat.log_from:
            newest = [chat.messages[n] for n in sorted(chat.messages, reverse=True)[:10]]
            dialog = types.Dialog(chat.peer, chat.last, 0, 0, 0, 0, 0, 0, types.PeerNotifySettings(), pts=chat.pts)
            chats, users = self._chats(chat, newest, session.key.user), self._users(newest, session.key.user)
            return types.updates.ChannelDifferenceTooLong(dialog, newest, chats, users, final=True)
        behind = [(pts, update) for pts, update in chat.log if pts > request.pts]
        if not behind:
            return types.updates.ChannelDifferenceEmpty(chat.pts, final=True, timeout=1)
        taken = behind[: max(1, request.limit)]
        new = [
            u.message
            for _, u in taken
            if isinstance(u, types.UpdateNewChannelMessage) and u.message.id in chat.messages
        ]
        other = [
            update for _, update in taken
            if not isinstance(update, types.UpdateNewChannelMessage)
            and not (isinstance(update, types.UpdateEditChannelMessage) and update.message.id not in chat.messages)
        ]  # fmt: skip
        final = len(taken) == len(behind)
        return types.updates.ChannelDifference(
            taken[-1][0], new, other, self._chats(chat, new, session.key.user), self._users(new, session.key.user),
            final=final, timeout=1,
        )  # fmt: skip

    # people and chats

    def _GetUsers(self, session: Session, request: Any) -> Any:
        own = session.key.user
        if own is None:
            raise Fault(401, "AUTH_KEY_UNREGISTERED")
        return [
            self.people[own if isinstance(one, types.InputUserSelf) else one.user_id].object(own) for one in request.id
        ]

    def _ResolveUsername(self, session: Session, request: Any) -> Any:
        for chat in self.chats.values():
            if chat.username and chat.username.lower() == request.username.lower():
                return types.contacts.ResolvedPeer(chat.peer, [chat.object(session.key.user)], [])
        for person in self.people.values():
            if person.username and person.username.lower() == request.username.lower():
                return types.contacts.ResolvedPeer(types.PeerUser(person.id), [], [person.object(session.key.user)])
        raise Fault(400, "USERNAME_NOT_OCCUPIED")

    def _GetChannels(self, session: Session, request: Any) -> Any:
        return types.messages.Chats([self._of(one, session).object(session.key.user) for one in request.id])

    def _GetChats(self, session: Session, request: Any) -> Any:
        return types.messages.Chats([self.chats[number].object(session.key.user) for number in request.id])

    def _GetFullChannel(self, session: Session, request: Any) -> Any:
        chat = self._of(request.channel, session)
        full = types.ChannelFull(
            chat.id, chat.about, 0, 0, 0, chat.full_photo or types.PhotoEmpty(0), types.PeerNotifySettings(), [], chat.pts,
            participants_count=1200, linked_chat_id=chat.linked, pinned_msg_id=chat.pinned[0] if chat.pinned else None,
            stories_pinned_available=bool(chat.stories),
        )  # fmt: skip
        linked = [self.chats[chat.linked].object(session.key.user)] if chat.linked else []
        return types.messages.ChatFull(full, [chat.object(session.key.user), *linked], [])

    def _GetFullChat(self, session: Session, request: Any) -> Any:
        chat = self.chats[request.chat_id]
        members = types.ChatParticipants(chat.id, [types.ChatParticipant(n, n, now()) for n in sorted(chat.members)], 1)
        full = types.ChatFull(chat.id, chat.about, members, types.PeerNotifySettings())
        people = [self.people[n].object(session.key.user) for n in sorted(chat.members) if n in self.people]
        return types.messages.ChatFull(full, [chat.object(session.key.user)], people)

    def _GetDialogs(self, session: Session, request: Any) -> Any:
        mine = [chat for chat in self.chats.values() if session.key.user in chat.members]
        dialogs = [
            types.Dialog(chat.peer, chat.last, 0, 0, 0, 0, 0, 0, types.PeerNotifySettings(), pts=chat.pts)
            for chat in mine
        ]
        return types.messages.Dialogs(dialogs, [], [chat.object(session.key.user) for chat in mine], [])

    def _CheckChatInvite(self, session: Session, request: Any) -> Any:
        chat = next((chat for chat in self.chats.values() if chat.invite == request.hash), None)
        if chat is None:
            raise Fault(400, "INVITE_HASH_EXPIRED")
        if session.key.user in chat.members:
            return types.ChatInviteAlready(chat.object(session.key.user))
        return types.ChatInvite(
            chat.title, types.PhotoEmpty(0), 1200, 0, channel=True, broadcast=chat.broadcast, about=chat.about
        )

    def _ImportChatInvite(self, session: Session, request: Any) -> Any:
        chat = next((chat for chat in self.chats.values() if chat.invite == request.hash), None)
        if chat is None:
            raise Fault(400, "INVITE_HASH_EXPIRED")
        assert session.key.user is not None
        chat.members.add(session.key.user)
        return types.messages.ChatInviteJoinResultOk(types.Updates([], [], [chat.object(session.key.user)], now(), 0))

    def _JoinChannel(self, session: Session, request: Any) -> Any:
        chat = self._of(request.channel, session)
        assert session.key.user is not None
        chat.members.add(session.key.user)
        return types.messages.ChatInviteJoinResultOk(types.Updates([], [], [chat.object(session.key.user)], now(), 0))

    # messages

    def _GetHistory(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        if chat.restricted:
            return self._found(chat, [], session, 0)
        return self._found(chat, _window([*chat.messages.values()], request), session, len(chat.messages))

    def _GetReplies(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        group, root = chat, request.msg_id
        if chat.broadcast:
            if request.msg_id not in chat.threads:
                raise Fault(400, "MSG_ID_INVALID")
            number, root = chat.threads[request.msg_id]
            group = self.chats[number]
        thread = [message for message in group.messages.values() if _in_thread(message, root)]
        return self._found(group, _window(thread, request), session, len(thread))

    def _Search(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        if not isinstance(request.filter, types.InputMessagesFilterPinned):
            raise Fault(400, "FILTER_NOT_SUPPORTED")
        pinned = [chat.messages[number] for number in chat.pinned if number in chat.messages]
        return self._found(chat, _window(pinned, request), session, len(pinned))

    def _GetMessages(self, session: Session, request: Any) -> Any:
        numbers = [one.id for one in request.id]
        if hasattr(request, "channel"):
            chat = self._of(request.channel, session)
            found = [chat.messages.get(number) or Empty(number, chat.peer) for number in numbers]
            return self._found(chat, found, session, len(found))
        basic = [chat for chat in self.chats.values() if chat.basic and session.key.user in chat.members]
        known = {number: message for chat in basic for number, message in chat.messages.items()}
        found = [known.get(number) or Empty(number, None) for number in numbers]
        return types.messages.Messages(found, [], [chat.object(session.key.user) for chat in basic], self._users(found))

    def _GetForumTopics(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        if not chat.forum:
            raise Fault(400, "CHANNEL_FORUM_MISSING")
        numbers = [n for n in sorted(chat.topics, reverse=True) if not request.offset_topic or n < request.offset_topic]
        made = [
            types.ForumTopic(
                number, now(), chat.peer, chat.topics[number], 0x6FB9F0, chat.last, 0, 0, 0, 0, 0, 0, types.PeerUser(1),
                types.PeerNotifySettings(),
            )
            for number in numbers[: request.limit]
        ]  # fmt: skip
        return types.messages.ForumTopics(len(chat.topics), made, [], [chat.object(session.key.user)], [], chat.pts)

    def _GetPeerStories(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        shown = [
            types.StoryItemSkipped(story.id, story.date, story.expire_date) if story.id in chat.only_named else story
            for story in chat.stories
            if not getattr(story, "pinned", None)
        ]
        return types.stories.PeerStories(types.PeerStories(chat.peer, shown), [chat.object(session.key.user)], [])

    def _GetPinnedStories(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        shown = [
            story
            for story in chat.stories
            if getattr(story, "pinned", None) and (not request.offset_id or story.id < request.offset_id)
        ]
        return types.stories.Stories(len(shown), shown, [chat.object(session.key.user)], [])

    def _GetStoriesByID(self, session: Session, request: Any) -> Any:
        chat = self._of(request.peer, session)
        shown = [story for story in chat.stories if story.id in request.id]
        return types.stories.Stories(len(shown), shown, [chat.object(session.key.user)], [])

    # files

    def _GetFile(self, session: Session, request: Any) -> Any:
        stored, body = self._stored(session, request)
        start, stop = request.offset, request.offset + request.limit
        if request.limit % 4096 or (1 << 20) % request.limit or start % request.limit:
            raise Fault(400, "LIMIT_INVALID")
        part = bytes(body[start:stop])
        if stored.spoiled and part:
            part = bytes([part[0] ^ 1]) + part[1:]
        return types.upload.File(types.storage.FilePartial(), 0, part)

    def _GetFileHashes(self, session: Session, request: Any) -> Any:
        stored, body = self._stored(session, request)
        if not stored.hashes:
            raise Fault(400, "LOCATION_INVALID")
        first = request.offset // HASH_SPAN * HASH_SPAN
        spans = [
            (at, min(HASH_SPAN, len(body) - at))
            for at in range(first, min(len(body), first + 10 * HASH_SPAN), HASH_SPAN)
        ]
        return [types.FileHash(at, size, sha256(bytes(body[at : at + size]))) for at, size in spans]

    def _stored(self, session: Session, request: Any) -> tuple[StoredFile, bytes | Repeat]:
        location = request.location
        stored = self.files.get(location.id)
        if stored is None or stored.access_hash != location.access_hash:
            raise Fault(400, "LOCATION_INVALID")
        if stored.reference != location.file_reference:
            raise Fault(400, "FILE_REFERENCE_EXPIRED")
        if stored.dc != session.key.dc:
            raise Fault(303, f"FILE_MIGRATE_{stored.dc}")
        body = stored.sizes.get(location.thumb_size) if location.thumb_size else stored.body
        if body is None:
            raise Fault(400, "LOCATION_INVALID")
        return stored, body

    # logging in

    def _SendCode(self, session: Session, request: Any) -> Any:
        person = next((one for one in self.people.values() if one.phone == request.phone_number.lstrip("+")), None)
        if person is None:
            raise Fault(400, "PHONE_NUMBER_INVALID")
        code_hash = os.urandom(8).hex()
        self._hashes[code_hash] = person
        return types.auth.SentCode(types.auth.SentCodeTypeApp(len(self.code)), code_hash)

    def _SignIn(self, session: Session, request: Any) -> Any:
        person = self._hashes.get(request.phone_code_hash)
        if person is None or request.phone_code != self.code:
            raise Fault(400, "PHONE_CODE_INVALID")
        if person.password:
            session.key.facts["half"] = person.id
            raise Fault(401, "SESSION_PASSWORD_NEEDED")
        return self._logged_in(session, person)

    def _logged_in(self, session: Session, person: Person) -> Any:
        session.key.user = person.id
        return types.auth.Authorization(person.object(person.id))

    def _GetPassword(self, session: Session, request: Any) -> Any:
        person = self.people.get(session.key.facts.get("half") or session.key.user or 0)
        if person is None or not person.password:
            return types.account.Password(types.PasswordKdfAlgoUnknown(), types.SecurePasswordKdfAlgoUnknown(), b"")
        algo = _ALGO
        x = int.from_bytes(password.compute_hash(algo, person.password), "big")
        p, b = int.from_bytes(PRIME, "big"), int.from_bytes(os.urandom(256), "big")
        v = pow(GENERATOR, x, p)
        k = int.from_bytes(sha256(PRIME, GENERATOR.to_bytes(256, "big")), "big")
        shown = ((k * v + pow(GENERATOR, b, p)) % p).to_bytes(256, "big")
        number = int.from_bytes(os.urandom(7), "big")
        self._srp[number] = (b, v, shown)
        return types.account.Password(
            algo, types.SecurePasswordKdfAlgoUnknown(), b"", has_password=True, current_algo=algo, srp_B=shown,
            srp_id=number, hint="",
        )  # fmt: skip

    def _CheckPassword(self, session: Session, request: Any) -> Any:
        person = self.people[session.key.facts["half"]]
        b, v, shown = self._srp[request.password.srp_id]
        p, a = int.from_bytes(PRIME, "big"), request.password.A
        u = int.from_bytes(sha256(a.rjust(256, b"\0"), shown), "big")
        secret = sha256(pow(int.from_bytes(a, "big") * pow(v, u, p), b, p).to_bytes(256, "big"))
        mixed = bytes(x ^ y for x, y in zip(sha256(PRIME), sha256(GENERATOR.to_bytes(256, "big")), strict=True))
        proof = sha256(mixed, sha256(_ALGO.salt1), sha256(_ALGO.salt2), a.rjust(256, b"\0"), shown, secret)
        if proof != request.password.M1:
            raise Fault(400, "PASSWORD_HASH_INVALID")
        return self._logged_in(session, person)

    def _ExportLoginToken(self, session: Session, request: Any) -> Any:
        known = session.key.facts.get("token")
        if known is not None and (user := self._tokens.get(known)) is not None:
            person = self.people[user]
            if person.password:
                session.key.facts["half"] = person.id
                raise Fault(401, "SESSION_PASSWORD_NEEDED")
            return types.auth.LoginTokenSuccess(self._logged_in(session, person))
        token = known or os.urandom(16)
        session.key.facts["token"] = token
        self._tokens.setdefault(token, None)
        session.updates = True
        return types.auth.LoginToken(datetime(2036, 1, 1, tzinfo=UTC), token)

    def scan(self, token: bytes, user: int) -> None:
        """A phone that is logged in as `user` has scanned the QR code."""
        self._tokens[token] = user

        async def tell() -> None:
            for link in list(self.server.links):
                if link.session is not None and link.session.key.facts.get("token") == token:
                    update = types.UpdateShort(types.UpdateLoginToken(), now())
                    link.send(bytes(update), content=True, answer=False)

        self.server.run(tell())

    def _LogOut(self, session: Session, request: Any) -> Any:
        session.key.user = None
        return types.auth.LoggedOut()

    def _ExportAuthorization(self, session: Session, request: Any) -> Any:
        token = os.urandom(16)
        assert session.key.user is not None
        self._exported[token] = session.key.user
        return types.auth.ExportedAuthorization(session.key.user, token)

    def _ImportAuthorization(self, session: Session, request: Any) -> Any:
        user = self._exported.pop(request.bytes, None)
        if user is None:
            raise Fault(400, "AUTH_BYTES_INVALID")
        return self._logged_in(session, self.people[user])

    def log_everybody_out(self) -> None:
        """As if every session had been ended from another device."""
        for key in self.server.keys.values():
            key.user = None


OPEN = {
    "GetConfig", "SendCode", "SignIn", "GetPassword", "CheckPassword", "ExportLoginToken", "ImportAuthorization", "GetUsers",
}  # fmt: skip
_ALGO = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
    salt1=b"demo salt one 16", salt2=b"demo salt two 16", g=GENERATOR, p=PRIME
)
_CONFIG_NUMBERS = (
    "chat_size_max", "megagroup_size_max", "forwarded_count_max", "online_update_period_ms", "offline_blur_timeout_ms",
    "offline_idle_timeout_ms", "online_cloud_timeout_ms", "notify_cloud_delay_ms", "notify_default_delay_ms",
    "push_chat_period_ms", "push_chat_limit", "edit_time_limit", "revoke_time_limit", "revoke_pm_time_limit",
    "rating_e_decay", "stickers_recent_limit", "channels_read_media_period", "call_receive_timeout_ms",
    "call_ring_timeout_ms", "call_connect_timeout_ms", "call_packet_timeout_ms", "caption_length_max",
    "message_length_max", "webfile_dc_id",
)  # fmt: skip


def _window(messages: list[Any], request: Any) -> list[Any]:
    """The slice that `offset_id`, `add_offset`, `limit`, `min_id` and `max_id` name (core.telegram.org/api/offsets)."""
    ordered = sorted(messages, key=lambda message: -message.id)
    start = 0
    if request.offset_id:
        start = next((n for n, message in enumerate(ordered) if message.id < request.offset_id), len(ordered))
    elif (date := getattr(request, "offset_date", None)) is not None and date.timestamp() > 0:
        start = next((n for n, message in enumerate(ordered) if message.date < date), len(ordered))
    first = start + request.add_offset
    found = ordered[max(0, first) : max(0, first + request.limit)]
    return [
        message for message in found
        if (not request.min_id or message.id > request.min_id) and (not request.max_id or message.id < request.max_id)
    ]  # fmt: skip


def _in_thread(message: Any, root: int) -> bool:
    reply = getattr(message, "reply_to", None)
    return isinstance(reply, types.MessageReplyHeader) and root in (reply.reply_to_top_id, reply.reply_to_msg_id)
