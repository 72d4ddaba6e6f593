"""One body of a saved file: whether it may hold posts, in what coding it is, and what its HTTP status makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from archiver.capture.outcomes import of_status
from archiver.recorder.content_coding import decode_told
from spiders.availability import absence, classify
from spiders.links import safe_join
from spiders.posts import Availability, Outcome, Parsed
from spiders.reading import begins_like_json, nothing
from spiders.walls.pages import login_wall

LIMIT = 256 << 20
_TEXTS = {
    "application/xhtml+xml", "application/json", "text/json", "application/json+protobuf", "text/vtt", "text/xml",
    "application/atom+xml", "application/xml", "application/rss+xml",
}  # fmt: skip
_MEDIA = ("image/", "video/", "audio/", "font/")
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


# -- kinds -----------------------------------------------------------------------------------------------------------


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


def moment(text: Any) -> datetime | None:
    """Parse an ISO 8601 time; None where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
