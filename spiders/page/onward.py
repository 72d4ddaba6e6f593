"""Where the page of a short link sends its visitors: by a refresh, even one for browsers without scripts, or by a script. Pure."""

from __future__ import annotations

import html
import re
from typing import Any

from spiders.html import decode
from spiders.links import safe_join

LONGEST = 65536
"""A page that only leads on is shorter, in bytes."""
_REFRESH = re.compile(
    r"<meta\b[^>]*http-equiv\s*=\s*[\"']?refresh[\"']?[^>]*content\s*=\s*(?:\"\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*'?([^\"']+)"
    r"|'\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*\"?([^\"']+))",
    re.IGNORECASE,
)
_SCRIPT = re.compile(
    r"(?:window\.|document\.|self\.|top\.)?location(?:\.href)?\s*(?:=|\.(?:replace|assign)\()\s*(?:\"([^\"]+)\"|'([^']+)')"
)
_WAITS = re.compile(r"(?:setTimeout|addEventListener|onload|\(\s*function|\$\()[^;{}]*(?:\bfunction\b[^{}]*|=>)\s*\{?")
"""How scripts do something at once or after a pause: a function in which that is what a page does by itself."""
_IF = re.compile(r"\b(?:if|function|switch|onclick)\b|=>|\?")


def sends_on(document: Any, url: str | None) -> str | None:
    """Return the address that a page sends its visitors to by itself, where nobody presses anything; else None."""
    for node in document.xpath("//meta[translate(@http-equiv,'REFSH','refsh')='refresh'][@content]"):
        named = re.fullmatch(
            r"\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*['\"]?([^'\"]+)['\"]?\s*", node.get("content"), re.IGNORECASE
        )
        if named is not None and (joined := _elsewhere(url, named[1].strip())) is not None:
            return joined
    for node in document.xpath("//script[not(@src)]"):
        text = node.text or ""
        found = _SCRIPT.search(text)
        if found is None or _IF.search(_WAITS.sub(" ", text[: found.start()])):
            continue
        if (joined := _elsewhere(url, (found[1] or found[2]).replace("\\/", "/"))) is not None:
            return joined
    return None


def _elsewhere(url: str | None, link: str) -> str | None:
    """A link of a page that leads away from it."""
    joined = safe_join(url or "", link)
    return joined if joined and joined.partition("#")[0] != (url or "").partition("#")[0] else None


def onward(data: bytes, url: str) -> str | None:
    """Return the address that a page of a short link sends its visitors to, or None."""
    if len(data) > LONGEST:
        return None
    text = decode(data, None)
    found = _REFRESH.search(text)
    if found is not None:
        link = html.unescape(found[1] or found[2]).strip()
    elif (found := _SCRIPT.search(text)) is not None:
        link = (found[1] or found[2]).replace("\\/", "/")
    else:
        return None
    joined = safe_join(url, link)
    return joined if joined is not None and joined.startswith(("http://", "https://")) else None
