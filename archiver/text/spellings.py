"""How a secret is written where it is quoted: in links, JSON, HTML, source code, hexadecimal and base64. Pure.

What takes secrets out of what is written, and what masks them where they are shown, look for each of these. A text that is
compressed, encrypted, cut into pieces or written in another way is not recognised: docs/explanation/threat-model.md lists what is not.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import AnyStr, Generic
from urllib.parse import quote, quote_plus

LEAST = 8
"""Of shorter secrets only plain spellings are looked for: the others would match ordinary text."""


_START = 4
_SHORT = 1 << 16
"""Length of a text up to which its beginnings of spellings are looked up; in longer ones each spelling is looked for by itself."""


@lru_cache(maxsize=4096)
def spellings(secret: str) -> tuple[str, ...]:
    """Return every spelling of a secret that is looked for, the longest first: one may begin like another."""
    found = {secret, *_in_links(secret), *_in_code(secret)}
    if len(secret) >= LEAST:
        found |= {*_letter_by_letter(secret), *_coded(secret)}
    return tuple(sorted(found - {""}, key=lambda text: (-len(text), text)))


def all_spellings(secrets: Iterable[str]) -> list[str]:
    """Return the spellings of several secrets, the longest first."""
    return sorted({form for secret in secrets for form in spellings(secret)}, key=lambda text: (-len(text), text))


class Spellings(Generic[AnyStr]):
    """Many spellings, of which a text holds hardly ever one: found by their first letters, many times as fast as one by one."""

    def __init__(self, forms: Iterable[AnyStr] = ()) -> None:
        self._by_start: dict[AnyStr, list[AnyStr]] = {}
        self._all: set[AnyStr] = set()
        self._brief: list[AnyStr] = []
        for form in forms:
            self.add(form)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, form: AnyStr) -> None:
        """Look for one more spelling; an empty one, or one that is known, changes nothing."""
        if not form or form in self._all:
            return
        self._all.add(form)
        if len(form) < _START:
            self._brief.append(form)
        else:
            self._by_start.setdefault(form[:_START], []).append(form)

    def all(self) -> list[AnyStr]:
        """Return all of them, the longest first."""
        return sorted(self._all, key=lambda form: (-len(form), form))

    def within(self, text: AnyStr) -> list[AnyStr]:
        """Return the spellings that stand in a text, the longest first."""
        if not self._all:
            return []
        if len(text) > _SHORT:
            maybe = list(self._all)
        else:
            begin = {text[at : at + _START] for at in range(len(text) - _START + 1)}
            maybe = [form for start in begin & self._by_start.keys() for form in self._by_start[start]] + self._brief
        return sorted((form for form in maybe if form in text), key=lambda form: (-len(form), form))


def _in_links(secret: str) -> Iterator[str]:
    """RFC 3986, 2.1: letters of either case after the `%`, and a link inside of a link."""
    for once in (
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
    ):
        yield once
        yield _small_escapes(once)
        for twice in (quote(once, safe=""), quote(_small_escapes(once), safe="")):
            yield twice
            yield _small_escapes(twice)


def _small_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _in_code(secret: str) -> Iterator[str]:
    for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
        yield text[1:-1]
        yield text[1:-1].replace("/", "\\/")
    yield repr(secret)[1:-1]
    yield secret.encode("ascii", "backslashreplace").decode("ascii")
    escaped = html.escape(secret)
    yield escaped
    yield escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield html.escape(secret, quote=False)
    yield secret.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _letter_by_letter(secret: str) -> Iterator[str]:
    """Each letter by its number, as those write who want that no filter finds it."""
    units = secret.encode("utf-16-be", "surrogatepass")
    codes = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    data = secret.encode("utf-8", "surrogatepass")
    for made in (
        "".join(f"%{byte:02x}" for byte in data), "".join(f"\\u{code}" for code in codes), "".join(f"\\x{byte:02x}" for byte in data),
        "".join(f"&#x{ord(letter):x};" for letter in secret), data.hex(),
    ):  # fmt: skip
        yield made
        yield "".join(letter.upper() if letter in "abcdef" else letter for letter in made)
    yield "".join(f"&#{ord(letter)};" for letter in secret)


def _coded(secret: str) -> Iterator[str]:
    """Base64 (RFC 4648, 4 and 5) at each of its three alignments: the middle, which what stands around it does not change."""
    data = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data).decode("ascii")
        middle = text[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield middle
        yield middle.replace("+", "-").replace("/", "_")
    yield from (secret.lower(), secret.upper())  # in the name of a host, in a heading
