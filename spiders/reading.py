"""Bytes to posts, whatever platform they are of: of which kind a body is, and who reads it. Pure and total."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from spiders import platforms
from spiders.json_access import shape
from spiders.links import safe_split
from spiders.platform import ParserUse, PlatformAnswers, Trust, imported
from spiders.posts import Outcome, Parsed

_GUARD = re.compile(rb"\s*(?:for\s*\(;;\);|while\s*\(1\);|\)\]\}',?[^\n{\[]{0,8}\n)")
"""What servers put before JSON so that no page can load it as a script."""
_JSON_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\]]|(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)\s*(?:\]|,(?!\s*\d\d?:\d)))|\"|\{\s*\Z|\[\s*\Z)"
)


def nothing(reason: str, layout: str = "unknown", outcome: Outcome = Outcome.PARTIAL) -> Parsed:
    """Return that no posts were read, and why."""
    return Parsed(platform="unknown", layout=layout, outcome=outcome, reason=reason)


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
    return _page_only(read(platforms.PAGE.answers.parse))


def _page_only(parsed: Parsed) -> Parsed:
    """A page of a platform that is not read. In a capture the form of the link says so; here nothing else would."""
    if parsed.layout == "file":
        return nothing(f"{parsed.page.get('what')}: kept as it is, not read")
    why = parsed.hints.get("unread")
    if why is None:
        return parsed
    posts = tuple(
        replace(post, outcome=Outcome.PARTIAL, reason=why) if post.outcome is Outcome.CAPTURED else post
        for post in parsed.posts
    )
    return replace(parsed, posts=posts)


def _marked(answers: PlatformAnswers, data: bytes, trust: Trust) -> bool:
    return answers.marks is not None and answers.marks.trust is trust and answers.marks.are_in(data)
