"""How links of X look, also under its old name. Pure."""

from __future__ import annotations

from urllib.parse import urlencode

from spiders.link_forms import Link, LinkForms, Row, Target, first_match

HOSTS = frozenset({
    "x.com", "twitter.com", "www.x.com", "www.twitter.com", "mobile.x.com", "mobile.twitter.com", "m.twitter.com",
})  # fmt: skip
PATHS: list[Row] = [
    (r"/i/(?:web/)?status/(?P<id>\d+).*", "post"),
    (r"/(?P<handle>[A-Za-z0-9_]{1,20})/status(?:es)?/(?P<id>\d+).*", "post"),
    (r"/i/spaces/(?P<id>\w+).*", "space"),
    (r"/(?:home|explore|search|settings|login|i|intent|share|hashtag)(?:/.*)?", "page"),
    (r"/(?P<handle>[A-Za-z0-9_]{1,20})(?:/(?:with_replies|media|likes))?/?", "profile"),
]


def owns(host: str) -> bool:
    """Return whether a host is X's."""
    return host in HOSTS


def read(link: Link) -> Target | None:
    """Parse a link on one of X's hosts."""
    if link.path.rstrip("/") == "/search" and link.query.get("q", "").strip():
        words = link.query["q"].strip()
        return Target("x", "search", words, f"https://x.com/search?{urlencode({'q': words, 'f': 'live'})}")
    found = first_match(PATHS, link.path)
    if found is None or found[0] == "page":
        return None
    kind, names = found
    handle = names.get("handle")
    if kind == "post":
        return Target("x", "post", names["id"], f"https://x.com/{handle or 'i'}/status/{names['id']}", handle)
    if kind == "profile" and handle:
        return Target("x", "profile", handle.lower(), f"https://x.com/{handle}", handle)
    return Target("x", kind, names["id"], f"https://x.com{link.path}")


FORMS = LinkForms(owns=owns, read=read, bare=("x.com", "twitter.com", "mobile.twitter.com"))
