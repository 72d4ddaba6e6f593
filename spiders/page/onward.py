"""Where the page of a short link sends its visitors: by a refresh, even one for browsers without scripts, or by a script. Pure."""

from __future__ import annotations

import html
import re

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
