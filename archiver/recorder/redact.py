"""Secrets of ours in message heads, replaced by commitments before anything is written.

`Cookie`, `Authorization`, `Set-Cookie`, CSRF and guest tokens are replaced by name; configured values, and the
cookie and token values seen in this capture, wherever they occur in a head, a request body or a link.
Response bodies are kept as received.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.text.spellings import Spellings, spellings
from spiders.links import iri_to_uri
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
_FIELD_IN_TEXT = re.compile(rf"((?:{_ANY_SECRET.pattern.decode()})\b[\w\s'\"]*[:=,])[^\r\n]*", re.IGNORECASE)
"""To the end of the line: how a value is written in somebody's `repr` is not known."""
_ODD = re.compile(rb"[^a-z0-9-]")
"""What does not belong into the names of those fields; servers write quotation marks around them and other things."""
_FIELD_LINE = re.compile(rb"([^:\r\n]+):([ \t]*)((?:[^\r\n]|\r?\n[ \t])*)")

Withhold = Callable[[Sequence[tuple[str, str, bytes]]], tuple[Withheld, ...]]


def cleaned(value: Any, secrets: Sequence[str]) -> Any:
    """Return a JSON value with configured secrets taken out of its strings, for what is listed and shown.

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


def without_secret_fields(text: str) -> str:
    """Mask the values of secret fields wherever they stand in a text, such as a head within an exception's."""
    return _FIELD_IN_TEXT.sub(r"\1withheld", text)


@dataclass(frozen=True)
class _Span:
    """A secret in a head, a body or a link. `field`: the head's field whose whole value it is."""

    begin: int
    end: int
    value: bytes
    field: str | None = None


class Redactor:
    """Holds the secret values of one capture in memory, and replaces them."""

    def __init__(self, withhold: Withhold, configured: Iterable[bytes] = ()) -> None:
        self._withhold = withhold
        self._values: Spellings[bytes] = Spellings()
        for value in configured:
            for text in spellings(value.decode("utf-8", "replace")):
                self._know(text.encode("utf-8", "replace"))
            self._know(value)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} values)"

    def head(self, raw: bytes, where: str) -> tuple[bytes, tuple[Withheld, ...]]:
        """Return start line and fields with secrets replaced, and what was replaced. Everything else is unchanged."""
        return self._fields(raw, where, raw.find(b"\n") + 1)

    def trailers(self, raw: bytes, where: str) -> tuple[bytes, tuple[Withheld, ...]]:
        """Return a trailer section with secrets replaced, and what was replaced."""
        return self._fields(raw, where, 0)

    def _fields(self, raw: bytes, where: str, start: int) -> tuple[bytes, tuple[Withheld, ...]]:
        named: list[_Span] = []
        for match in _FIELD_LINE.finditer(raw, start) if _ANY_SECRET.search(raw) else ():
            name = _ODD.sub(b"", match[1].lower())
            if name in SECRET_FIELDS and match[3].strip():
                self._learn(name, match[3])
                named.append(_Span(match.start(3), match.end(3), match[3], name.decode("latin-1")))
        return self._replaced(raw, where, self._spans(raw, named))

    def mark(self, text: str | None) -> str | None:
        """Return a client's tag with known values taken out; no commitment, since the tag is ours."""
        known = self._values.within((text or "").encode("utf-8", "replace"))
        return cleaned(text, [value.decode("utf-8", "replace") for value in known]) if known else text

    def text(self, data: bytes, where: str) -> tuple[bytes, tuple[Withheld, ...]]:
        """Return a request body or a link with known values replaced, and what was replaced."""
        return self._replaced(data, where, self._spans(data))

    def _spans(self, data: bytes, taken: Sequence[_Span] = ()) -> list[_Span]:
        """`taken`, and each place where a known value stands outside of them."""
        spans = list(taken)
        # The longest first: one spelling of a secret may begin like another, and what is left of that would stay.
        for value in self._values.within(data):
            at = data.find(value)
            while at >= 0:
                end = at + len(value)
                if not any(span.begin < end and at < span.end for span in spans):
                    spans.append(_Span(at, end, value))
                at = data.find(value, end)
        return spans

    def _replaced(self, raw: bytes, where: str, spans: list[_Span]) -> tuple[bytes, tuple[Withheld, ...]]:
        if not spans:
            return raw, ()
        held = self._withhold([(where, span.field or "value", span.value) for span in spans])
        out, at = [], 0
        for span, item in sorted(zip(spans, held, strict=True), key=lambda pair: pair[0].begin):
            mark = f"withheld sha256:{item.commitment}" if span.field else f"withheld-sha256-{item.commitment}"
            out += [raw[at : span.begin], mark.encode()]
            at = span.end
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
        self._values.add(value)
        self._values.add(iri_to_uri(value.decode("utf-8", "replace")).encode("ascii"))
