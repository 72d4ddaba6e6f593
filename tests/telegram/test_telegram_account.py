"""Logging in and out, over every transport, and that the account's secrets stay where they belong."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from telethon import TelegramClient, functions
from telethon.network import ConnectionTcpAbridged, ConnectionTcpFull, ConnectionTcpIntermediate
from telethon.network.connection.tcpmtproxy import ConnectionTcpMTProxyRandomizedIntermediate
from telethon.sessions import MemorySession

from archiver.home.home import Home
from archiver.telegram.accounts import Account, Accounts, Telegrams, authorised, connected, make_client
from spiders.telegram.api.client import JOIN, LOGIN, READS, NotReading
from tests.conftest import set_in
from tests.support.telegram_world import (
    API_HASH,
    ME,
    PHONE,
    TelegramShell,
    TelegramWorld,
    everything_written,
    made_world,
)


@pytest.fixture
def shell(home: Home, telegram: TelegramWorld, capsys: pytest.CaptureFixture[str]) -> TelegramShell:
    """A home without an account."""
    telegram.api.trouble.clear()
    telegram.api.people[ME].password = None
    return TelegramShell(home, telegram, capsys)


# -- the peer: an unmodified client against it --------------------------------------------------------------------


@pytest.mark.parametrize("transport", [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate])
def test_an_unmodified_client_speaks_with_the_miniature(telegram: TelegramWorld, transport: Any) -> None:
    channel = telegram.channel(9000 + id(transport) % 1000, 250)

    async def visit() -> tuple[list[int], str]:
        from telethon.crypto import rsa

        rsa.add_key(telegram.network.telegram["key"], old=False)  # type: ignore[index]
        session = MemorySession()
        session.set_dc(2, "127.0.0.1", telegram.network.telegram["port"])  # type: ignore[index]
        client = TelegramClient(session, 1, "h", connection=transport)
        await client.connect()
        await client.send_code_request(PHONE)
        await client.sign_in(PHONE, telegram.api.code)
        numbers = [message.id async for message in client.iter_messages(channel.username, wait_time=0)]
        name = (await client.get_me()).first_name
        await client.disconnect()
        return numbers, name

    assert asyncio.run(visit()) == (list(range(250, 0, -1)), "Reader")


# -- logging in -----------------------------------------------------------------------------------------------------


def test_login_by_code(shell: TelegramShell) -> None:
    code, out, _ = shell("telegram", "login")
    assert code == 0
    assert "Use an account for this work alone" in out
    assert "no contacts" in out
    assert "logged in as Reader" in out
    path = shell.home.path / "accounts" / "telegram" / "default.age"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"age-encryption.org/v1\n-> X25519")
    code, out, _ = shell("telegram", "whoami")
    assert (code, "Reader" in out) == (0, True)
    assert shell("telegram", "login")[0] == 1  # that name is taken
    code, out, _ = shell("telegram", "logout")
    assert code == 0
    assert not path.exists()
    assert "No account" in shell("telegram", "whoami")[1]


def test_login_with_a_second_step(shell: TelegramShell) -> None:
    shell.world.api.people[ME].password = "алаң 2011"
    code, _, err = shell("telegram", "login", PASSWORD="wrong")
    assert code == 1
    assert "password" in err.lower()
    assert not (shell.home.path / "accounts").exists()
    assert shell("telegram", "login", PASSWORD="алаң 2011")[0] == 0


def test_login_refused(shell: TelegramShell) -> None:
    assert shell("telegram", "login", CODE="00000")[0] == 1
    code, _, err = shell("telegram", "login", PHONE="1999")
    assert code == 1
    assert "1999" not in err
    assert shell("telegram", "login", API_ID="abc")[0] == 1


@pytest.mark.parametrize("second_step", [None, "алаң"])
def test_login_by_qr(shell: TelegramShell, monkeypatch: pytest.MonkeyPatch, second_step: str | None) -> None:
    import base64

    from archiver.cli.commands import telegram as command

    world = shell.world
    world.api.people[ME].password = second_step
    scanned = threading.Event()

    def phone(context: Any, url: str) -> None:
        """Stands in for the phone that scans what is shown."""
        drawn(context, url)
        token = base64.urlsafe_b64decode(url.partition("token=")[2] + "==")
        threading.Timer(0.2, lambda: (world.api.scan(token, ME), scanned.set())).start()

    drawn = command._shown
    monkeypatch.setattr(command, "_shown", phone)
    code, out, _ = shell("telegram", "login", "--qr", PASSWORD=second_step or "")
    assert code == 0, out
    assert scanned.is_set()
    assert "Link Desktop Device" in out
    assert "█" in out or "▀" in out
    assert shell("telegram", "whoami")[0] == 0


def test_several_accounts_and_a_passphrase(shell: TelegramShell) -> None:
    assert shell("telegram", "login", "--account", "field-1", "--passphrase", PASSPHRASE="long words")[0] == 0
    assert shell("telegram", "login", "--account", "field-2")[0] == 0
    path = shell.home.path / "accounts" / "telegram" / "field-1.age"
    assert b"-> scrypt" in path.read_bytes()[:200]
    assert shell("telegram", "whoami", "--account", "field-1", PASSPHRASE="long words")[0] == 0
    code, _, err = shell("telegram", "whoami", "--account", "field-1", PASSPHRASE="other words")
    assert (code, "right passphrase" in err) == (1, True)
    shell.world.channel(77, 1)
    made = shell.capture("capture", "https://t.me/channel_77/1", "--account", "field-1")
    assert (made.code, made.result["outcome"]) == (4, "failed")  # no passphrase was given
    assert "ARCHIVER_TELEGRAM_PASSPHRASE" in str(made.result["reason"])
    code, _, err = shell("capture", "https://t.me/channel_77/1")
    assert code == 1
    assert "--account NAME" in err
    code, _, err = shell("capture", "https://t.me/channel_77/1", "--account", "nobody")
    assert (code, "field-2" in err) == (1, True)
    assert shell("capture", "https://t.me/channel_77/1", "--account", "field-2")[0] == 0


def test_logged_out_from_another_device(by_account: TelegramShell) -> None:
    by_account.world.channel(78, 1)
    by_account.world.api.log_everybody_out()
    by_account.world._session = None
    made = by_account.capture("capture", "https://t.me/channel_78/1")
    assert made.code == 3
    assert made.result["outcome"] == "refused"
    assert "archiver telegram login" in str(made.result["reason"])
    assert by_account("telegram", "whoami")[0] == 3


def test_how_the_account_shows_itself_is_configured(by_account: TelegramShell) -> None:
    set_in(by_account.home, device='"Lenovo"', app='"4.2"')
    assert by_account("telegram", "whoami")[0] == 0
    shown = [key.facts for key in by_account.world.api.server.keys.values()]
    assert {"device": "Lenovo", "app": "4.2"} in shown


# -- ways out -------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxied() -> Iterator[TelegramWorld]:
    world = made_world(secret=bytes(range(16)))
    yield world
    world.api.stop()


def test_a_connection_that_telethon_gave_up_is_made_anew(by_account: TelegramShell) -> None:
    """After an outage longer than its tries; a worker keeps its clients for weeks."""

    async def twice() -> tuple[bool, bool]:
        telegrams = Telegrams(by_account.home, by_account.world.network)
        client, _ = await telegrams.client("default", None)
        await client._sender._disconnect()
        gone = client.is_connected()
        client, _ = await telegrams.client("default", None)
        there = await client.get_me() is not None
        await telegrams.close()
        return gone, there

    assert asyncio.run(twice()) == (False, True)


def test_mtproxy(proxied: TelegramWorld, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    port = proxied.api.server.ports[0]
    link = f"tg://proxy?server=127.0.0.1&port={port}&secret=dd{bytes(range(16)).hex()}"
    set_in(home, mtproxy=f'"{link}"')
    client = make_client(home, Account("x", 1, API_HASH), proxied.network, None, False)
    assert client._connection is ConnectionTcpMTProxyRandomizedIntermediate
    assert TelegramShell(home, proxied, capsys)("telegram", "login")[0] == 0
    assert link not in repr(home.config)


def test_a_proxy_that_fails_is_not_passed_by(by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> None:
    by_account.world.channel(79, 1)
    set_in(by_account.home, proxy='"socks5h://127.0.0.1:9"')
    before = by_account.world.api.server.connections
    made = by_account.capture("capture", "https://t.me/channel_79/1")
    assert (made.code, made.result["outcome"]) == (4, "failed")
    assert by_account.world.api.server.connections == before


def test_socks5(by_account: TelegramShell) -> None:
    by_account.world.channel(80, 3)
    with socks5() as (port, asked):
        set_in(by_account.home, proxy=f'"socks5h://127.0.0.1:{port}"')
        assert by_account("capture", "https://t.me/channel_80/2")[0] == 0
        assert asked


class socks5:
    """A SOCKS5 proxy for one test (RFC 1928, no authentication)."""

    def __enter__(self) -> tuple[int, list[bytes]]:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.asked: list[bytes] = []
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._client, "127.0.0.1", 0), self._loop
        ).result()
        return self._server.sockets[0].getsockname()[1], self.asked

    def __exit__(self, *why: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = (await reader.readexactly(2))[1]
        await reader.readexactly(count)
        writer.write(b"\x05\x00")
        head = await reader.readexactly(4)
        host = (
            await reader.readexactly(4) if head[3] == 1 else await reader.readexactly((await reader.readexactly(1))[0])
        )
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(host)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))

    async def _pipe(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            to.write(data)
            await to.drain()
        to.close()


# -- only reading ---------------------------------------------------------------------------------------------------


def test_nothing_but_reading_is_ever_sent(by_account: TelegramShell, telegram: TelegramWorld) -> None:
    """Every request of the whole API that is not on the list is refused before it leaves."""
    import inspect

    accounts = Accounts(by_account.home)
    every = [
        cls for module in vars(functions).values() if inspect.ismodule(module) for name, cls in vars(module).items()
        if name.endswith("Request") and inspect.isclass(cls)
    ]  # fmt: skip
    changing = [cls for cls in every if cls not in READS]
    assert len(changing) > 500
    verbs = (
        "Send",
        "Read",
        "Set",
        "Delete",
        "Edit",
        "Join",
        "Leave",
        "Update",
        "Invite",
        "Report",
        "Save",
        "Toggle",
        "Import",
    )
    allowed = {cls.__name__ for cls in READS}
    assert not [name for name in allowed if name.startswith(verbs) and name != "ImportAuthorizationRequest"]

    async def attempt() -> None:
        client = make_client(by_account.home, accounts.load("default"), telegram.network, None, False)
        await connected(client)
        assert await authorised(client)
        telegram.api.asked.clear()
        for cls in changing:
            request = cls.__new__(cls)
            with pytest.raises(NotReading):
                await client(request)
        assert telegram.api.asked == []
        with client.permitting(JOIN), pytest.raises(NotReading):
            await client(functions.auth.LogOutRequest())
        with client.permitting(LOGIN), pytest.raises(NotReading):
            await client(functions.messages.ImportChatInviteRequest("x"))
        await client.disconnect()

    asyncio.run(attempt())


def test_joining_takes_a_command_of_its_own(by_account: TelegramShell) -> None:
    chat = by_account.world.api.chat(4711, "Members", invite="JoinMe123")
    by_account.world.api.post(chat, "Только для своих")
    made = by_account.capture("crawl", "https://t.me/+JoinMe123")
    assert (made.code, made.result["outcome"]) == (3, "refused")
    assert "archiver telegram join" in str(made.result["reason"])
    invite = json.loads(made.block(made.ended["target"]["record"]))
    assert (invite["_"], invite["title"]) == ("ChatInvite", "Members")
    assert ME not in chat.members
    assert by_account("telegram", "join", "https://t.me/+JoinMe123")[0] == 0
    assert ME in chat.members
    assert by_account.capture("crawl", "https://t.me/+JoinMe123").code == 0
    assert by_account.capture("capture", "https://t.me/c/4711/1").code == 0
    assert by_account("telegram", "join", "https://t.me/+NoSuchLink")[0] == 1


# -- secrets --------------------------------------------------------------------------------------------------------


def test_secrets_of_the_account_are_nowhere_in_the_open(
    by_account: TelegramShell, caplog: pytest.LogCaptureFixture
) -> None:
    """Searched for by their bytes in everything that a home holds, and in what is printed and logged."""
    caplog.set_level("DEBUG")
    world = by_account.world
    api = world.api
    person = api.person(801, "Айгүл", username="aigul")
    person.phone = "77019998877"
    chat = world.channel(81, 5, broadcast=False)
    from telethon.tl import types

    film = api.document(b"film" * 5000, attributes=[types.DocumentAttributeVideo(2.0, 3, 4)])
    api.post(chat, "видео", media=types.MessageMediaDocument(document=film), from_id=types.PeerUser(801))
    api.post(chat, "", media=types.MessageMediaContact("+77017776655", "Ержан", "", "BEGIN:VCARD\nTEL:+77017776655", 0))
    # What the account itself has done in the group names it: that does not travel either.
    api.service(chat, types.MessageActionChatJoinedByLink(801), from_id=types.PeerUser(ME))
    api.service(chat, types.MessageActionChatAddUser([ME, 801]), from_id=types.PeerUser(801))
    shown = "".join("".join(by_account(*words)[1:]) for words in (
        ("crawl", "https://t.me/channel_81"), ("capture", "https://t.me/channel_81/6"), ("telegram", "whoami"),
        ("show", "--json", str(by_account.home.catalog.captures()[0]["id"])) if by_account.home.catalog.captures() else ("check",),
    ))  # fmt: skip
    assert by_account("check")[0] == 0
    session = Accounts(by_account.home).load("default").session
    import base64

    secret: list[bytes] = [
        API_HASH.encode(), PHONE.encode(), base64.b64decode(session["key"]), session["key"].encode(),
        str(chat.access_hash).encode(), str(film.access_hash).encode(), film.file_reference,
        base64.b64encode(film.file_reference), str(api.people[801].access_hash).encode(), b"77017776655",
    ]  # fmt: skip
    written = everything_written(
        by_account.home.path, lambda path: path.suffix == ".age" and "private" not in path.name
    )
    for value in secret:
        assert value not in written, value
        assert value not in shown.encode(), value
        assert value not in caplog.text.encode(), value
    for own in (
        b'"user_id":%d}' % ME,
        b'"user_id":%d,' % ME,
        b'"author_id":"%d"' % ME,
        b'"users":[%d' % ME,
        b'"Reader"',
    ):
        assert own not in written, own
    assert b'"users":[801]' in written
    assert API_HASH not in repr(Accounts(by_account.home).load("default"))
    # They are not lost: the case's key opens them.
    made = by_account.capture("capture", "https://t.me/channel_81/7")
    opened = {item["name"]: base64.b64decode(item["value_base64"]) for item in made.private()}
    assert opened["telegram phone_number"] == b"+77017776655"
    made = by_account.capture("capture", "https://t.me/channel_81/6")
    held = [
        json.loads(base64.b64decode(i["value_base64"]))
        for i in made.private()
        if i["name"] == "telegram account values"
    ]
    assert any(value.get("/media/document/access_hash") in (film.access_hash, str(film.access_hash)) for value in held)
