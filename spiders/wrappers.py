"""Links that carry another link inside: redirectors, share buttons, caches and translations. Read, never asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from spiders.cleaning import without_end
from spiders.link_forms import Link

_GOOGLE = r"google\.(?:com|cat|[a-z]{2}|com?\.[a-z]{2})"
FIELDS: list[tuple[str, str, tuple[str, ...]]] = [
    # (pattern of the host, pattern of the path, the query fields that may hold the link, the first that does counts)
    (r"(?:[a-z-]+\.)?facebook\.com", r"/l\.php", ("u",)),
    (r"l\.(?:instagram|messenger|threads|whatsapp)\.(?:com|net)", r"/(?:l\.php)?", ("u",)),
    (rf"(?:www\.)?{_GOOGLE}", r"/url", ("q", "url")),
    (rf"translate\.{_GOOGLE}", r"/(?:translate|website)", ("u",)),
    (r"out\.reddit\.com", r"/.*", ("url",)),
    (r"(?:www\.)?(?:t|telegram)\.me", r"/iv", ("url",)),
    (r"(?:www\.|m\.)?youtube\.com", r"/redirect", ("q",)),
    (r"(?:www\.|m\.)?youtube\.com", r"/oembed", ("url",)),
    (r"(?:www\.|m\.)?youtube\.com", r"/attribution_link", ("u",)),
    (r"publish\.(?:twitter|x)\.com", r"/(?:oembed)?", ("query", "url")),
    (r"(?:m\.|www\.)?vk\.(?:com|ru)", r"/away(?:\.php)?", ("to",)),
    (r"(?:www\.)?duckduckgo\.com", r"/l/?", ("uddg",)),
    (r"[a-z0-9-]+\.safelinks\.protection\.outlook\.com", r"/.*", ("url",)),
    (r"slack-redir\.net", r"/link", ("url",)),
]
SHARES: list[tuple[str, str, tuple[str, ...]]] = [
    # Share buttons. (pattern of the host, pattern of the path, the fields with the link, or with words among which it is)
    (r"(?:www\.)?(?:t|telegram)\.(?:me|dog)", r"/share(?:/url)?/?", ("url", "text")),
    (r"(?:[a-z-]+\.)?facebook\.com", r"/(?:sharer|share)(?:/sharer)?\.php", ("u",)),
    (r"(?:[a-z-]+\.)?facebook\.com", r"/(?:v[0-9.]+/)?dialog/(?:share|feed|send)/?", ("href", "link")),
    (
        r"(?:www\.|mobile\.|m\.)?(?:twitter|x)\.com",
        r"/(?:intent/(?:tweet|post)|share|home)/?",
        ("url", "text", "status"),
    ),
    (r"wa\.me|(?:api|web)\.whatsapp\.com", r"/(?:send/?|[0-9]*)", ("text",)),
    (r"(?:m\.|www\.)?vk\.(?:com|ru)", r"/share\.php", ("url",)),
    (r"connect\.ok\.ru", r"/offer/?", ("url",)),
    (r"(?:m\.|www\.)?ok\.ru", r"/dk", ("st.shareUrl", "st._surl")),
    (r"(?:www\.)?linkedin\.com", r"/(?:sharing/share-offsite|shareArticle|cws/share)/?", ("url",)),
    (r"(?:www\.|old\.)?reddit\.com", r"/submit/?", ("url",)),
    (r"(?:www\.)?threads\.(?:net|com)", r"/intent/post/?", ("url", "text")),
    (r"bsky\.app", r"/intent/compose/?", ("text",)),
]
_LINK = re.compile(r"https?://[^/\s]\S*", re.IGNORECASE)
_AMP_VIEWER = re.compile(r"/amp/(s/)?([^/]+\.[^/]+)(/.*)?")
_AMP_CACHE = re.compile(r"/[a-z]/(s/)?([^/]+\.[^/]+)(/.*)?")
_TRANSLATED = "translate.goog"


def wrapped(link: Link) -> str | None:
    """Return the link that a link carries, or None where it is one of its own."""
    for host, path, names in FIELDS:
        if re.fullmatch(host, link.host) and re.fullmatch(path, link.path):
            carried = next((link.query[name] for name in names if link.query.get(name)), "")
            if carried.startswith("/") and not carried.startswith("//"):
                return f"https://{link.host}{carried}"
            return carried if re.match(r"https?://[^/]", carried, re.IGNORECASE) else None
    for host, path, names in SHARES:
        if re.fullmatch(host, link.host) and re.fullmatch(path, link.path):
            return next((found for name in names if (found := _only_link(link.query.get(name, "")))), None)
    return next((inner for read in _SHAPED if (inner := read(link)) is not None), None)


def _only_link(text: str) -> str | None:
    """The link of a text that names one. Where it names several, nobody can tell which of them is meant."""
    found = {without_end(link) for link in _LINK.findall(text)}
    return found.pop() if len(found) == 1 else None


def _cached(link: Link) -> str | None:
    """The page of which an AMP cache or viewer shows a copy: `/amp/s/HOST/PATH`, `/c/s/HOST/PATH` (`s`: by https)."""
    if re.fullmatch(rf"(?:www\.)?{_GOOGLE}", link.host):
        match = _AMP_VIEWER.fullmatch(link.path)
    elif link.host.endswith(".cdn.ampproject.org") or link.host == "cdn.ampproject.org":
        match = _AMP_CACHE.fullmatch(link.path)
    else:
        return None
    if match is None:
        return None
    query = f"?{urlencode(link.query)}" if link.query else ""
    return f"http{'s' if match[1] else ''}://{match[2]}{match[3] or '/'}{query}"


def _translated(link: Link) -> str | None:
    """The page that Google translates: its host stands in the name, `-` for a dot and `--` for a dash."""
    name, _, zone = link.host.partition(".")
    if zone != _TRANSLATED or not name:
        return None
    host = name.replace("--", "\x00").replace("-", ".").replace("\x00", "-")
    kept = {key: value for key, value in link.query.items() if not key.startswith("_x_tr_")}
    return f"https://{host}{link.path}" + (f"?{urlencode(kept)}" if kept else "")


_SHAPED: tuple[Callable[[Link], str | None], ...] = (_cached, _translated)
