"""How links of Facebook look, those inside its plugin frames too. Pure."""

from __future__ import annotations

import re

from spiders.link_forms import USUAL_PORTS, Link, LinkForms, Row, Target, first_match, split_link, tidied

HOSTS = frozenset({
    "facebook.com", "www.facebook.com", "m.facebook.com", "mbasic.facebook.com", "web.facebook.com", "fb.com",
    "www.fb.com",
})  # fmt: skip
SHORT_HOST = "fb.watch"
PATHS: list[Row] = [
    (r"/(?P<handle>[^/]+)/posts/(?:[^/]+/)?(?P<id>pfbid\w+|\d+)/?", "post"),
    (r"/groups/(?P<handle>[^/]+)/(?:posts|permalink)/(?P<id>\d+)/?", "post"),
    (r"/(?P<handle>[^/]+)/videos/(?:[^/]+/)?(?P<id>\d+)/?", "video"),
    (r"/(?:reel|watch/live)/(?P<id>\d+)/?", "video"),
    (r"/share/(?P<kind>[prv])/(?P<id>\w+)/?", "post"),
    (r"/(?P<handle>[A-Za-z0-9.]{3,})/?", "profile"),
]
QUERIES = [
    # (pattern of the path, the query field that holds the id, kind)
    (r"/(?:permalink|story)\.php", "story_fbid", "post"),
    (r"/watch/?", "v", "video"),
    (r"/video\.php", "v", "video"),
    (r"/photo(?:\.php|/)?", "fbid", "photo"),
    (r"/profile\.php", "id", "profile"),
]


def owns(host: str) -> bool:
    """Return whether a host is Facebook's."""
    return host in HOSTS or host == SHORT_HOST


def read(link: Link) -> Target | None:
    """Parse a link on one of Facebook's hosts. `url` stays as given: Facebook has several forms of it."""
    if link.host == SHORT_HOST:
        return Target("facebook", "video", link.path.strip("/"), link.text)
    if link.path.startswith("/plugins/") and (inner := _framed(link.query.get("href", ""))) is not None:
        return inner
    for pattern, parameter, kind in QUERIES:
        if re.fullmatch(pattern, link.path) and link.query.get(parameter):
            return Target("facebook", kind, link.query[parameter], link.text, link.query.get("id"))
    found = first_match(PATHS, link.path)
    if found is None:
        return None
    kind, names = found
    name = names.get("id") or names["handle"]
    return Target("facebook", kind, name.lower() if kind == "profile" else name, link.text, names.get("handle"))


def _framed(href: str) -> Target | None:
    """The post that a plugin's frame shows, where it is one of Facebook's own."""
    link = split_link(tidied(href)) if href.startswith("http") else None
    return read(link) if isinstance(link, Link) and link.port in USUAL_PORTS and owns(link.host) else None


FORMS = LinkForms(owns=owns, read=read, bare=("facebook.com", SHORT_HOST))
