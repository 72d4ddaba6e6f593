"""Other people's hosts that show what a platform holds, each with the way back to the original. Data and a pure function.

A mirror is asked only where a person named it, and only if the original is not to be had. What it shows is its copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from spiders.link_forms import Link


@dataclass(frozen=True)
class Mirror:
    """A kind of mirror. `paths`: (pattern of the whole path, the original's link with the pattern's groups)."""

    hosts: str
    paths: tuple[tuple[str, str], ...]
    keeps_query: bool = False


_X = (
    (r"/pic/(?:orig/)?(media(?:/|%2F).+)", r"https://pbs.twimg.com/\1"),
    (r"/(?:dir/)?(\w+/status(?:es)?/[^/]+)(?:/.*)?", r"https://x.com/\1"),
    (r"/(i/(?:web/)?status/[^/]+)(?:/.*)?", r"https://x.com/\1"),
    (r"/(search)/?", r"https://x.com/\1"),
    (r"/@?(\w{1,20}(?:/(?:with_replies|media))?)/?", r"https://x.com/\1"),
)
_NAME = r"[A-Za-z]\w{2,63}"
MIRRORS: tuple[Mirror, ...] = (
    Mirror(
        r"nitter\..+|(?:.+\.)?nitter\.[a-z]+|xcancel\.com|(?:.+\.)?xcancel\.com|lightbrd\.com|nuku\.trabun\.org|twiiit\.com"
        r"|(?:[a-z]\.|www\.)?(?:fxtwitter|vxtwitter|fixupx|fixvx|twittpr|girlcockx|stupidpenisx|cunnyx|hitlerx|yiffx)\.com",
        _X,
        True,
    ),
    Mirror(r"(?:www\.)?threadreaderapp\.com", ((r"/thread/([^/.]+)(?:\.html)?/?", r"https://x.com/i/status/\1"),)),
    Mirror(
        r"(?:invidious|inv|piped)\..+|(?:www\.)?yewtu\.be|piped\.video|(?:.+\.)?invidious\.[a-z]+|vid\.puffyan\.us",
        (
            (
                r"/((?:watch|playlist|embed|shorts|channel|live|clip|post|c|user|@)(?:[/@].*)?)",
                r"https://www.youtube.com/\1",
            ),
            (r"/(@[^/]+(?:/.*)?)", r"https://www.youtube.com/\1"),
            (r"/([A-Za-z0-9_-]{11})", r"https://www.youtube.com/watch?v=\1"),
        ),
        True,
    ),
    Mirror(
        r"(?:[a-z]{2}\.|www\.)?tgstat\.(?:ru|com|org)|(?:www\.)?telemetr\.me|(?:www\.)?tlgrm\.(?:ru|eu)|(?:www\.)?telegram\.im",
        (
            (rf"/(?:[a-z]{{2}}/)?(?:channels?/|chat/)?@({_NAME})/([0-9][^/]*)(?:/.*)?", r"https://t.me/\1/\2"),
            (rf"/(?:[a-z]{{2}}/)?(?:channels?/|chat/)?@({_NAME})(?:/.*)?", r"https://t.me/\1"),
            (rf"/({_NAME})/([0-9][^/]*)/?", r"https://t.me/\1/\2"),
        ),
    ),
    Mirror(r"(?:www\.)?telemetr\.io", ((rf"/(?:[a-z]{{2}}/)?channels/[0-9]+-({_NAME})(?:/.*)?", r"https://t.me/\1"),)),
    Mirror(r"tg\.i-c-a\.su", ((rf"/(?:rss|json|media)/({_NAME})(?:/.*)?", r"https://t.me/\1"),)),
    Mirror(r"(?:.+\.)?rsshub\.app", ((rf"/telegram/channel/({_NAME})(?:/.*)?", r"https://t.me/\1"),)),
)


def original(link: Link) -> str | None:
    """Return the platform's own link of what a mirror's page shows; "" where it is a mirror and the page its own; else None."""
    for mirror in MIRRORS:
        if not re.fullmatch(mirror.hosts, link.host):
            continue
        for pattern, back in mirror.paths:
            if match := re.fullmatch(pattern, link.path):
                found = match.expand(back)
                if "pbs.twimg.com" in back:
                    return unquote(found)
                query = link.text.partition("#")[0].partition("?")[2] if mirror.keeps_query and "?" not in found else ""
                return f"{found}?{query}" if query else found
        return ""
    return None
