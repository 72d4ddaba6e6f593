"""What must not stand in a package, by what it is called: everything secret that is known without a private key."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from archiver.export.profiles import PackageView
from archiver.home.config import cookies_in
from archiver.home.home import Home
from archiver.home.ports import Decryptor
from storage.post_lines import guesses

LONGEST = 2048
"""Longer withheld values are whole answers and descriptions; what is secret in them is withheld by itself as well."""


def known_secrets(home: Home, shown: PackageView, decryptor: Decryptor) -> dict[bytes, str]:
    """Return secret value → its name; all but private keys, which the signer looks for itself.

    In `full` only what is ours: bodies there are as they were received.
    """
    found = dict(_configured(home))
    if shown.profile != "full":
        found |= dict(_withheld(shown, decryptor))
        found |= dict(_machine(home))
        found |= dict(_people(shown))
        found |= dict(_masked(shown))
    return found


def _configured(home: Home) -> Iterator[tuple[bytes, str]]:
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


def _withheld(shown: PackageView, decryptor: Decryptor) -> Iterator[tuple[bytes, str]]:
    """The values in the private records of the captures, as far as this home's keys open them."""
    # A file that a site calls the same is no leak of the name of one that was handed over.
    named = {media.name.encode() for item in shown.material.items for one in item.observations for media in one.media}
    for capture in shown.material.captures:
        for held in decryptor.withheld(capture.folder):
            if 8 <= len(held.value) <= LONGEST and held.value not in named and not held.name.startswith("tl "):
                yield held.value, f"{held.name} of {capture.id}"
                if held.name == "set-cookie":
                    yield held.value.split(b";")[0].partition(b"=")[2], f"a cookie's value of {capture.id}"


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


def _people(shown: PackageView) -> Iterator[tuple[bytes, str]]:
    """Everything by which an account that is not shown could be found."""
    open_numbers = {card.number for card in shown.cards if card.author_shown}
    hidden = {one.number for one in shown.material.items if shown.number_here(one.number) not in open_numbers}
    # An account elsewhere may be open and have the same name: what is shown of it is no leak of the other.
    open_ones = {
        str(one.line.get(field))
        for item in shown.material.items
        if item.number not in hidden
        for one in item.observations
        for field in ("author_handle", "author_name", "author_id")
    }
    for item in shown.material.items:
        if item.number not in hidden:
            continue
        for one in item.observations:
            guessed = {"guessed_author": guesses(one.line).get("guessed_author")}
            for field in ("author_handle", "author_name", "author_id", "url", "guessed_author"):
                value = one.line.get(field) or guessed.get(field)
                if value and len(str(value)) >= 5 and str(value) not in open_ones:
                    yield str(value).encode(), f"{field} of {item.number}"
    for event in shown.material.annotations:
        if event["detail"]["kind"] == "source":
            yield str(event["detail"].get("source", "")).encode(), "a source's pseudonym"
        elif event["detail"]["kind"] == "statement":
            yield str(event["detail"]["witness"]).encode(), "a witness's pseudonym"


def _masked(shown: PackageView) -> Iterator[tuple[bytes, str]]:
    """Words that somebody masked in a post: they can stand in a note, a title or a translation of it as well."""
    for one in shown.material.redactions:
        for words in one.masked:
            yield words.encode(), f"words that event {one.seq} masked"
