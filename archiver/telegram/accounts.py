"""Accounts: where their sessions lie, encrypted, and how a client is made of one.

`accounts/telegram/NAME.age` holds the session's key, the application's id and hash and which chats the account has met:
whoever has them is the account. It is encrypted with age, either for a key of the home's own (`keys/accounts.age-key`) or,
if the person chose one, with a passphrase.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyrage

from archiver.errors import ConfigError, NotFound, UsageError
from storage import canonical
from storage.files import write_synced
from storage.key_files import write_new_key

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.recorder.network import TestNetwork
    from spiders.telegram.api.client import Reader

FORMAT = "archiver-telegram-account/1"
PASSPHRASE = "ARCHIVER_TELEGRAM_PASSPHRASE"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
FIRST_CENTRE = (2, "149.154.167.51", 443)
"""Where a new session knocks first; Telegram sends it on to its own data centre."""


@dataclass
class Account:
    """One account. `name` is its pseudonym, which stands in records."""

    name: str
    api_id: int
    api_hash: str = field(repr=False)
    session: dict[str, Any] = field(repr=False, default_factory=dict)
    passphrase: str | None = field(repr=False, default=None)


class Accounts:
    """The accounts of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._environment = home.environment
        self.folder = home.path / "accounts" / "telegram"

    def names(self) -> list[str]:
        """List the accounts by their pseudonyms."""
        return sorted(path.stem for path in self.folder.glob("*.age"))

    def chosen(self, name: str | None) -> str | None:
        """Return the account that counts: the one named, that of the settings, or the only one.

        None where there is no account.
        Raises `NotFound`, `UsageError`.
        """
        known = self.names()
        wanted = name or self.home.config.telegram.account
        if wanted:
            if wanted not in known:
                raise NotFound(
                    f"a Telegram account {wanted!r}", f"accounts: {', '.join(known) or 'none'}",
                    f"Log in: archiver telegram login --account {wanted}",
                )  # fmt: skip
            return wanted
        if len(known) > 1:
            raise UsageError(
                "one Telegram account", f"{len(known)}: {', '.join(known)}",
                "Name one: --account NAME, or [telegram] account in archiver.toml; --no-account uses the public web pages.",
            )  # fmt: skip
        return known[0] if known else None

    def path(self, name: str) -> Path:
        """Return where an account lies. Raises `UsageError` for what is no name."""
        if not _NAME.fullmatch(name):
            raise UsageError("an account name of lowercase letters, digits and dashes", repr(name), "Choose another.")
        return self.folder / f"{name}.age"

    def load(self, name: str) -> Account:
        """Open an account. Raises `NotFound`, `ConfigError`."""
        path = self.path(name)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(
                f"a Telegram account {name!r}", "none", f"Log in: archiver telegram login --account {name}"
            ) from error
        passphrase = None
        try:
            if b"-> scrypt " in sealed[:200]:
                passphrase = self.ask_passphrase(f"Passphrase of the Telegram account {name}: ")
                plain = pyrage.passphrase.decrypt(sealed, passphrase)
            else:
                plain = pyrage.decrypt(sealed, [self._identity(make=False)])
        except pyrage.DecryptError as error:
            raise ConfigError(
                f"the session of the account {name} to open", str(error), "Give the right passphrase, or log in again."
            ) from error
        value = canonical.loads(plain)
        return Account(name, int(value["api_id"]), value["api_hash"], value["session"], passphrase)

    def save(self, account: Account) -> None:
        """Write an account to its file, readable by this user alone. Raises `DiskError`."""
        plain = canonical.dumps(
            {"format": FORMAT, "api_id": account.api_id, "api_hash": account.api_hash, "session": account.session}
        )
        if account.passphrase:
            sealed = pyrage.passphrase.encrypt(plain, account.passphrase)
        else:
            sealed = pyrage.encrypt(plain, [self._identity(make=True).to_public()])
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder.parent, 0o700)
        write_synced(self.path(account.name), sealed, 0o600)

    def forget(self, name: str) -> None:
        """Remove an account from this machine."""
        self.path(name).unlink(missing_ok=True)

    def _identity(self, make: bool) -> Any:
        path = self.home.path / "keys" / "accounts.age-key"
        if make and not path.exists():
            identity = pyrage.x25519.Identity.generate()
            with suppress(FileExistsError):  # another process was quicker
                write_new_key(self.home.path, path, f"# opens accounts/\n{identity}\n".encode())
        try:
            return pyrage.x25519.Identity.from_str(path.read_text("utf-8").splitlines()[-1])
        except (OSError, IndexError, pyrage.IdentityError) as error:
            raise ConfigError(
                f"the key {path}", str(error), "Restore keys/ from your copy, or log in again."
            ) from error

    def ask_passphrase(self, prompt: str) -> str:
        """Return the passphrase from the environment or the terminal. Raises `ConfigError`."""
        if PASSPHRASE in self._environment:
            return self._environment[PASSPHRASE]
        if not sys.stdin.isatty():
            raise ConfigError(
                f"the account's passphrase in ${PASSPHRASE}", "none, and no terminal to ask on", "Set it."
            )
        try:
            return getpass.getpass(prompt)
        except EOFError as error:
            raise ConfigError("a passphrase", "the end of the input", f"Type one, or set ${PASSPHRASE}.") from error


def proxy_of(url: str | None) -> dict[str, Any] | None:
    """Return a proxy URL in the form that Telethon takes, or None. The proxy resolves host names."""
    if url is None:
        return None
    parts = urlsplit(url)
    return {
        "proxy_type": "socks5" if parts.scheme.startswith("socks5") else "http",
        "addr": parts.hostname or "", "port": parts.port or (1080 if parts.scheme.startswith("socks5") else 8080),
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None, "rdns": True,
    }  # fmt: skip


def mtproxy_of(link: str) -> tuple[str, int, str]:
    """Parse a link to an MTProxy into (server, port, secret).

    Its form is `tg://proxy?server=…&port=…&secret=…`, or the same as https://t.me/proxy. Raises `ConfigError`.
    """
    try:
        query = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        return query["server"], int(query["port"]), query["secret"]
    except (KeyError, ValueError) as error:
        raise ConfigError(
            "an MTProxy link like tg://proxy?server=…&port=443&secret=…", "another form", "Correct [telegram] mtproxy."
        ) from error


def make_client(home: Home, account: Account, network: TestNetwork | None, way: str | None, updates: bool) -> Reader:
    """Make a client that is not connected yet.

    `way`: the proxy. `updates`: whether Telegram shall push what is new.
    """
    from telethon.network import ConnectionTcpFull
    from telethon.network.connection.tcpmtproxy import ConnectionTcpMTProxyRandomizedIntermediate

    from spiders.telegram.api.client import Reader
    from spiders.telegram.api.session import AccountSession

    config = home.config.telegram
    session = AccountSession(account.session)
    test = network.telegram if network is not None else None
    if test is not None:
        from telethon.crypto import rsa

        rsa.add_key(test["key"], old=False)
        if not session.server_address:
            session.set_dc_kept(int(test["dc"]), str(test["host"]), int(test["port"]))
    elif not session.server_address:
        session.set_dc_kept(*FIRST_CENTRE)
    connection: Any = ConnectionTcpFull
    proxy: Any = proxy_of(way)
    if config.mtproxy:
        connection, proxy = ConnectionTcpMTProxyRandomizedIntermediate, mtproxy_of(config.mtproxy)
    return Reader(
        session, account.api_id, account.api_hash, connection=connection, proxy=proxy, device_model=config.device,
        system_version=config.system, app_version=config.app, lang_code="en", system_lang_code="en",
        receive_updates=updates, connection_retries=config.retries, retry_delay=0.05 if test is not None else 1,
        timeout=20, raise_last_call_error=True, request_retries=config.retries,
    )  # fmt: skip


class Telegrams:
    """Clients of one run of the program, connected when they are first needed and shared from then on."""

    def __init__(self, home: Home, network: TestNetwork | None) -> None:
        self._home, self._network = home, network
        self.accounts = Accounts(home)
        self._open: dict[tuple[str, str | None, bool], tuple[Reader, Account]] = {}
        self._mutex = asyncio.Lock()

    async def client(self, name: str, way: str | None, updates: bool = False) -> tuple[Reader, Account]:
        """Return a connected client and its account. Raises `TelegramError`, `NotFound`, `ConfigError`."""
        from spiders.telegram.api.errors import of_error

        async with self._mutex:
            key = (name, way, updates)
            if key not in self._open:
                account = await asyncio.to_thread(self.accounts.load, name)
                client = make_client(self._home, account, self._network, way, updates)
                await connected(client)
                self._open[key] = (client, account)
                if not await authorised(client):
                    await self._drop(key)
                    raise of_error(401, "AUTH_KEY_UNREGISTERED")
            client, account = self._open[key]
            if not client.is_connected():  # the network was away for longer than Telethon tries
                await connected(client)
            return client, account

    async def _drop(self, key: tuple[str, str | None, bool]) -> None:
        client, _ = self._open.pop(key)
        await client.disconnect()

    async def close(self) -> None:
        """Disconnect, and keep the chats that the accounts have met.

        Resolving a name is what Telegram limits most.
        """
        for key in list(self._open):
            client, account = self._open[key]
            value = client.session.value()
            await self._drop(key)
            if value["key"] and value != account.session and self.accounts.path(account.name).exists():
                account.session = value
                await asyncio.to_thread(self.accounts.save, account)


async def connected(client: Reader) -> None:
    """Connect, without falling back to another way.

    Raises `TelegramError` where Telegram, or the proxy, cannot be reached.
    """
    from telethon import errors

    from spiders.telegram.api.errors import of_error, unreachable

    try:
        await client.connect()
    except errors.AuthKeyNotFound as error:
        raise of_error(401, "AUTH_KEY_INVALID") from error
    except errors.RPCError as error:
        raise of_error(error.code or 0, str(error.message)) from error
    except (ConnectionError, OSError, TimeoutError, ValueError) as error:
        raise unreachable(str(error) or type(error).__name__) from error


async def authorised(client: Reader) -> bool:
    """Return whether the account is logged in. Raises `TelegramError`."""
    from spiders.telegram.api.errors import of_error

    try:
        return bool(await client.is_user_authorized())
    except (ConnectionError, OSError, TimeoutError) as error:
        from spiders.telegram.api.errors import unreachable

        raise unreachable(str(error)) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise of_error(401, "AUTH_KEY_UNREGISTERED") from error
