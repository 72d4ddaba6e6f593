"""What must not stand in a package: everything secret that the home knows, by what it is called."""

from __future__ import annotations

import base64
import getpass
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pyrage

from archiver.export.profiles import Shown
from archiver.home.config import cookies_in
from archiver.home.home import Home

LONGEST = 2048
"""Longer withheld values are whole answers and descriptions; what is secret in them is withheld by itself as well."""


def secrets_for(home: Home, shown: Shown) -> dict[bytes, str]:
    """Value → what it is called. In `full` only what is ours: bodies there are as they were received."""
    found = dict(_ours(home))
    if shown.profile != "full":
        found |= dict(_withheld(home, shown))
        found |= dict(_machine(home))
    if shown.profile == "public":
        found |= dict(_people(shown))
    return found


def _ours(home: Home) -> Iterator[tuple[bytes, str]]:
    config = home.config
    for value in config.secret_values:
        yield value, "a configured secret"
    for platform, path in config.cookies.items():
        for name, text, _ in cookies_in(path):
            if len(text) >= 8:
                yield text.encode(), f"cookie {name} of {platform or 'all'}"
    for url in (config.proxy, *config.case_proxies.values()):
        parts = urlsplit(url or "")
        for part, name in ((parts.password, "password"), (parts.username, "user")):
            if part:
                yield part.encode(), f"the proxy's {name}"
    for path in sorted((home.path / "keys").rglob("*key")):
        if path.suffix in (".key", ".age-key") and path.is_file():
            data = path.read_bytes()
            for line in data.splitlines():
                if line and not line.startswith((b"-----", b"#")):
                    yield line, f"the key {path.name}"
    yield from _accounts(home)


def _accounts(home: Home) -> Iterator[tuple[bytes, str]]:
    """Telegram's sessions, where they can be opened without asking for a passphrase."""
    identity = home.path / "keys" / "accounts.age-key"
    for path in sorted((home.path / "accounts" / "telegram").glob("*.age")):
        try:
            opened = pyrage.decrypt(path.read_bytes(), [_identity(identity)])
            value = json.loads(opened)
        except (OSError, ValueError, IndexError, pyrage.DecryptError, pyrage.IdentityError):
            continue
        for key in ("api_hash", "session", "phone"):
            if value.get(key):
                yield str(value[key]).encode(), f"{key} of the account {path.stem}"


def _identity(path: Path) -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.from_str(path.read_text("utf-8").splitlines()[-1])


def _withheld(home: Home, shown: Shown) -> Iterator[tuple[bytes, str]]:
    """The values in the private records of the captures, as far as this home's keys open them."""
    # A file that a site calls the same is no leak of the name of one that was handed over.
    named = {
        media.name.encode()
        for exhibit in shown.material.exhibits
        for one in exhibit.observations
        for media in one.media
    }
    identities = []
    for path in sorted((home.path / "keys" / "cases").glob("*.age-key")):
        try:
            identities.append(_identity(path))
        except (OSError, IndexError, pyrage.IdentityError):
            continue
    for capture in shown.material.captures:
        for blob in _blobs(capture.folder):
            try:
                value = json.loads(pyrage.decrypt(blob, identities))
            except (ValueError, pyrage.DecryptError):
                continue
            for item in value.get("values", [value] if "value_base64" in value else []):
                data = base64.b64decode(item.get("value_base64", ""))
                if 8 <= len(data) <= LONGEST and data not in named and not str(item.get("name", "")).startswith("tl "):
                    yield data, f"{item.get('name')} of {capture.id}"
                    if str(item.get("name")) == "set-cookie":
                        yield data.split(b";")[0].partition(b"=")[2], f"a cookie's value of {capture.id}"


def _blobs(folder: Path) -> Iterator[bytes]:
    if (folder / "private.age").exists():
        yield (folder / "private.age").read_bytes()
    if (folder / "private.age-lines").exists():
        for line in (folder / "private.age-lines").read_bytes().splitlines():
            yield base64.b64decode(line)


def _machine(home: Home) -> Iterator[tuple[bytes, str]]:
    yield str(home.path).encode(), "the home's path"
    for text, name in ((socket.gethostname(), "this machine's name"), (_user(), "this user's name")):
        if len(text) >= 6:
            yield text.encode(), name


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _people(shown: Shown) -> Iterator[tuple[bytes, str]]:
    """Everything by which an account that is not shown could be found."""
    hidden = {card.number for card in shown.cards if not card.author_shown}
    # An account elsewhere may be open and have the same name: what is shown of it is no leak of the other.
    open_ones = {
        str(one.line.get(field))
        for exhibit in shown.material.exhibits
        if exhibit.number not in hidden
        for one in exhibit.observations
        for field in ("author_handle", "author_name", "author_id")
    }
    for exhibit in shown.material.exhibits:
        if exhibit.number not in hidden:
            continue
        for one in exhibit.observations:
            for field in ("author_handle", "author_name", "author_id", "url"):
                value = one.line.get(field)
                if value and len(str(value)) >= 5 and str(value) not in open_ones:
                    yield str(value).encode(), f"{field} of {exhibit.number}"
    for event in shown.material.annotations:
        if event["detail"]["kind"] == "source":
            yield str(event["detail"].get("source", "")).encode(), "a source's pseudonym"
