"""Secrets of ours in message heads, replaced by commitments before anything is written.

`Cookie`, `Authorization`, `Set-Cookie`, CSRF and guest tokens are replaced by name; configured values, and the
cookie and token values seen in this capture, wherever they occur in a head, a request body or a link.
Response bodies are kept as received (design.md, "One way in").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archiver.recorder.url import iri_to_uri
from storage.records import Withheld

SECRET_FIELDS = frozenset(
    {b"cookie", b"cookie2", b"authorization", b"proxy-authorization", b"set-cookie", b"set-cookie2"}
    | {b"x-csrf-token", b"x-csrftoken", b"csrf-token", b"x-xsrf-token", b"x-guest-token", b"x-auth-token"}
    | {
        b"x-api-key",
        b"x-goog-visitor-id",
        b"x-twitter-auth-type",
        b"authentication-info",
        b"x-client-transaction-id",
    }
)
LEARN_FROM = 8
"""Values shorter than this are not searched for: they would match ordinary text."""
_ANY_SECRET = re.compile(b"|".join(re.escape(name) for name in sorted(SECRET_FIELDS)), re.IGNORECASE)
_FIELD_LINE = re.compile(rb"([^:\r\n]+):([ \t]*)((?:[^\r\n]|\r?\n[ \t])*)")

Withhold = Callable[[Sequence[tuple[str, str, bytes]]], tuple[Withheld, ...]]


def cleaned(value: Any, secrets: Sequence[str]) -> Any:
    """A JSON value with configured secrets taken out of its strings, for what is listed and shown.

    In a WARC a commitment stands in their place; here a plain mark, since the record beside it has the commitment.
    """
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "withheld")
        return value
    if isinstance(value, dict):
        return {key: cleaned(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item, secrets) for item in value]
    return value


class Redactor:
    """Holds the secret values of one capture in memory, and replaces them."""

    def __init__(self, withhold: Withhold, configured: Iterable[bytes] = ()) -> None:
        self._withhold = withhold
        self._values: set[bytes] = set()
        for value in configured:
            self._know(value)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} values)"

    def head(self, raw: bytes, where: str) -> tuple[bytes, tuple[Withheld, ...]]:
        """`raw` start line and fields with secrets replaced, and what was replaced. Everything else is unchanged."""
        found: list[tuple[str, str, bytes]] = []
        spans: list[tuple[int, int, bool]] = []
        start = raw.find(b"\n") + 1
        for match in _FIELD_LINE.finditer(raw, start) if _ANY_SECRET.search(raw) else ():
            name = match[1].strip().lower()
            if name in SECRET_FIELDS and match[3].strip():
                self._learn(name, match[3])
                spans.append((match.start(3), match.end(3), True))
                found.append((where, name.decode("latin-1"), match[3]))
        for value in self._values:
            at = raw.find(value)
            while at >= 0:
                if not any(begin < at + len(value) and at < end for begin, end, _ in spans):
                    spans.append((at, at + len(value), False))
                    found.append((where, "value", value))
                at = raw.find(value, at + len(value))
        return self._replaced(raw, spans, found)

    def mark(self, text: str | None) -> str | None:
        """A client's tag with known values taken out; no commitment, since the tag is ours."""
        return cleaned(text, [value.decode("utf-8", "replace") for value in self._values]) if text else text

    def text(self, data: bytes, where: str) -> tuple[bytes, tuple[Withheld, ...]]:
        """A request body or a link with known values replaced."""
        found: list[tuple[str, str, bytes]] = []
        spans: list[tuple[int, int, bool]] = []
        for value in self._values:
            at = data.find(value)
            while at >= 0:
                if not any(begin < at + len(value) and at < end for begin, end, _ in spans):
                    spans.append((at, at + len(value), False))
                    found.append((where, "value", value))
                at = data.find(value, at + len(value))
        return self._replaced(data, spans, found)

    def _replaced(
        self, raw: bytes, spans: list[tuple[int, int, bool]], found: list[tuple[str, str, bytes]]
    ) -> tuple[bytes, tuple[Withheld, ...]]:
        if not found:
            return raw, ()
        held = self._withhold(found)
        out, at = [], 0
        for (begin, end, whole), item in sorted(zip(spans, held, strict=True), key=lambda pair: pair[0]):
            mark = f"withheld sha256:{item.commitment}" if whole else f"withheld-sha256-{item.commitment}"
            out += [raw[at:begin], mark.encode()]
            at = end
        return b"".join([*out, raw[at:]]), held

    def _learn(self, name: bytes, value: bytes) -> None:
        """Remembers the secret parts of a field, so that an echo elsewhere is replaced too."""
        if name in (b"cookie", b"cookie2"):
            parts = [pair.partition(b"=")[2] for pair in value.split(b";")]
        elif name in (b"set-cookie", b"set-cookie2"):
            parts = [value.split(b";")[0].partition(b"=")[2]]
        else:
            parts = [value.split()[-1]] if value.split() else []
        for part in parts:
            if len(part.strip(b' "')) >= LEARN_FROM:
                self._know(part.strip(b' "'))

    def _know(self, value: bytes) -> None:
        """Look for a value from now on, also as it is written in a link."""
        if value:
            self._values |= {value, iri_to_uri(value.decode("utf-8", "replace")).encode("ascii")}
