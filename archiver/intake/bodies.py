"""One body, whatever it came in: of which kind it is, who reads it, and what its HTTP status makes of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from archiver.capture.outcomes import of_status
from archiver.recorder.content_coding import decode_told
from spiders import platforms
from spiders.availability import absence, classify
from spiders.json_access import shape
from spiders.links import safe_join, safe_split
from spiders.platform import ParserUse, PlatformAnswers, Trust, imported
from spiders.posts import Availability, Outcome, Parsed
from spiders.walls.pages import login_wall

LIMIT = 256 << 20
_TEXTS = {
    "application/xhtml+xml", "application/json", "text/json", "application/json+protobuf", "text/vtt", "text/xml",
    "application/atom+xml", "application/xml", "application/rss+xml",
}  # fmt: skip
_MEDIA = ("image/", "video/", "audio/", "font/")
_GUARD = re.compile(rb"\s*(?:for\s*\(;;\);|while\s*\(1\);|\)\]\}',?[^\n{\[]{0,8}\n)")
"""What servers put before JSON so that no page can load it as a script."""
_JSON_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\]]|(?:-?\d[\d.eE+-]*|true|false|null)\s*[,\]])|\"|\{\s*\Z|\[\s*\Z)"
)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class BodyReading:
    """One body that was read, and where in the file it stood."""

    source: str
    url: str | None
    parsed: Parsed

    @property
    def outcome(self) -> Outcome:
        """Return how it ended as a whole. Where nothing was read and no reason given, something is missing: partial."""
        return self.parsed.outcome or (Outcome.CAPTURED if self.parsed.posts else Outcome.PARTIAL)

    def line(self) -> dict[str, str | None]:
        """Return the line of `archiver parse --json` for what held no posts. null: nothing says so."""
        said = self.parsed.absence or classify(self.parsed)
        return {
            "outcome": str(self.outcome),
            "reason": self.parsed.reason,
            "state": str(said.state),
            "by": said.by,
            "said": said.said,
            "url": self.url,
            "layout": self.parsed.layout,
            "source": self.source,
        }


def nothing(reason: str, layout: str = "unknown", outcome: Outcome = Outcome.PARTIAL) -> Parsed:
    """Return that no posts were read, and why."""
    return Parsed(platform="unknown", layout=layout, outcome=outcome, reason=reason)


# -- kinds -----------------------------------------------------------------------------------------------------------


def sniff(data: bytes) -> tuple[str, Any]:
    """Return the kind: html, json, json lines, deep json, har, recording or unknown.

    With it comes the JSON value, where the body is one.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    start = data.lstrip()[:1]
    if start not in (b"{", b"[", b'"'):
        return ("html" if start == b"<" else "unknown"), None
    try:
        value = json.loads(data)
    except RecursionError:
        return "deep json", None
    except ValueError:
        lines = data.strip().splitlines()
        if len(lines) > 1 and _is_json(lines[0]) and any(_is_json(line) for line in lines[1:4]):
            return "json lines", None
        return "unknown", None
    if isinstance(value, dict):
        log, request, response = value.get("log"), value.get("request"), value.get("response")
        if isinstance(log, dict) and isinstance(log.get("entries"), list):
            return "har", value
        if isinstance(request, dict) and isinstance(response, dict):
            return "recording", value
    return "json", value


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def begins_like_json(start: bytes) -> bool:
    """Return whether a body begins as JSON does. A bracket alone does not count: chats begin lines with `[12:30]`."""
    return _JSON_START.match(unguarded(start)) is not None


def unguarded(data: bytes) -> bytes:
    """Return a body without what keeps it from being loaded as a script."""
    guard = _GUARD.match(data)
    return data[guard.end() :] if guard is not None else data


def is_text(content_type: str) -> bool:
    """Return whether bodies of the type are read, whatever they begin with."""
    base = content_type.split(";")[0].strip().lower()
    return base in _TEXTS or base.startswith("text/html") or base.endswith("+json")


def worth_reading(start: bytes, content_type: str, coded: bool) -> bool:
    """Return whether a body may hold posts, by its type and first bytes.

    Servers send JSON under any type. `coded`: the bytes are compressed and cannot be looked at yet.
    """
    if is_text(content_type):
        return True
    if coded:
        return not content_type.strip().lower().startswith(_MEDIA)
    html = not content_type.strip() and start.lstrip()[:1] == b"<"
    return html or begins_like_json(start)


def plain_body(data: bytes, coding: str | None) -> tuple[bytes | None, bool]:
    """Remove content coding, also where the header is stale: some recorders store bodies decoded under the old header.

    Returns the body, None where the bytes are neither, and whether it is whole.
    """
    if len(data) > LIMIT:
        return None, False
    named = [name for name in (coding or "").lower().replace(" ", "").split(",") if name not in ("", "identity")]
    if not named and not data.startswith(b"\x1f\x8b"):
        return data, True
    body, whole = decode_told(data, ",".join(named) or "gzip", LIMIT)
    return (data, True) if body is None and (not named or _reads_as_text(data)) else (body, whole)


def _reads_as_text(data: bytes) -> bool:
    head = data[:4096]
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"[", b'"')
    return begins and not re.search(rb"[\x00-\x08\x0e-\x1f]", head)


# -- reading ---------------------------------------------------------------------------------------------------------


def parse_body(
    data: bytes, url: str | None, content_type: str | None = None, observed: datetime | None = None
) -> Parsed:
    """Parse a body by the parser that its link or its marks name. `observed`: when it was received."""

    def read(use: ParserUse) -> Parsed:
        told = {"content_type": content_type, "observed": observed}
        parsed: Parsed = imported(use.parser)(data, url, **{name: told[name] for name in use.takes})
        return parsed

    data = unguarded(data)
    table = platforms.PLATFORMS
    host = (safe_split(url or "").hostname or "").lower()
    for answers in (platform.answers for platform in table):
        if host in answers.hosts or _marked(answers, data, Trust.OVER_HOST):
            return read(answers.parse)
        if not host and _marked(answers, data, Trust.WITHOUT_HOST):
            return read(answers.parse)
    kind, value = sniff(data)
    last = [platform.answers for platform in reversed(table)]  # X's shapes are loose: they are tried late
    if kind == "json":
        for answers in last:
            if answers.is_json is not None and imported(answers.is_json)(value):
                return read(answers.parse_json or answers.parse)
        return nothing(f"unknown layout: {shape(value)}")
    if kind == "deep json":
        return nothing("JSON that is nested too deeply to be read", outcome=Outcome.FAILED)
    if begins_like_json(data[:4096]) and data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return nothing("malformed JSON", outcome=Outcome.FAILED)
    for answers in last:
        if _marked(answers, data, Trust.LAST):
            return read(answers.parse)
    return read(platforms.PAGE.answers.parse)


def _marked(answers: PlatformAnswers, data: bytes, trust: Trust) -> bool:
    return answers.marks is not None and answers.marks.trust is trust and answers.marks.are_in(data)


# -- statuses --------------------------------------------------------------------------------------------------------


def answered(parsed: Parsed, status: int | None) -> Parsed:
    """Return what a body says as the answer that it came in: what came with an error is no captured post.

    Where the platform says in its own words why there is nothing, they stand: they say more than the number.
    """
    if status is None or status < 300 or status == 304:
        return parsed
    own = parsed.absence is not None and parsed.absence.state not in (Availability.PRESENT, Availability.UNKNOWN)
    if not _kept(parsed) and (own or parsed.posts):
        return parsed
    outcome, reason = of_status(status)
    told = replace(classify(None, status), said=f"HTTP {status}")
    return replace(parsed, posts=(), census=(), outcome=outcome, reason=reason, absence=told)


def _kept(parsed: Parsed) -> bool:
    return any(post.outcome in (Outcome.CAPTURED, Outcome.PARTIAL) for post in parsed.posts)


class Answers:
    """Answers of one file by their addresses: a redirect is only told once it is known whether what it leads to is there."""

    def __init__(self) -> None:
        self._answered: set[int] = set()
        """Hashes: a crawl has millions of addresses."""
        self._redirects: list[tuple[str, str | None, str, int]] = []

    def note(self, source: str, url: str | None, status: int | None, location: str | None) -> bool:
        """Take down an answer. Return whether it is a redirect, whose body says nothing."""
        if status not in _REDIRECTS or not location:
            self._answered.add(hash((url or "").partition("#")[0]))
            return False
        self._redirects.append((source, url, safe_join(url or "", location) or location, status))
        return True

    def redirects(self) -> list[BodyReading]:
        """Return what to say of each redirect."""
        return [BodyReading(source, url, self._of(to, status)) for source, url, to, status in self._redirects]

    def _of(self, to: str, status: int) -> Parsed:
        what = f"a redirect to {to} (HTTP {status})"
        if login_wall(to):
            told = absence("login required", f"HTTP {status}")
            return replace(nothing(f"login required: {what}", "redirect", Outcome.REFUSED), absence=told)
        found = hash(to.partition("#")[0]) in self._answered
        outcome = Outcome.SKIPPED if found else Outcome.PARTIAL
        parsed = nothing(f"{what}, which is {'' if found else 'not '}in the file", "redirect", outcome)
        return replace(parsed, absence=replace(classify(None, status), said=f"HTTP {status}"))


# -- dates -----------------------------------------------------------------------------------------------------------


def http_date(text: str) -> datetime | None:
    """Parse a date of an HTTP header (RFC 9110 5.6.7); None where it is none, or has no zone."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def moment(text: Any) -> datetime | None:
    """Parse an ISO 8601 time; None where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
