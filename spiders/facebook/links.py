"""How links of Facebook look, those inside its plugin frames too. Pure."""

from __future__ import annotations

import re

from spiders.cleaning import clean, in_ascii
from spiders.link_forms import (
    USUAL_PORTS,
    Form,
    Link,
    LinkForms,
    NoTarget,
    Row,
    Target,
    first_match,
    mistyped,
    split_link,
)

HOSTS = frozenset({
    "facebook.com", "www.facebook.com", "m.facebook.com", "mbasic.facebook.com", "web.facebook.com", "fb.com",
    "www.fb.com",
})  # fmt: skip
SHORT_HOST = "fb.watch"
OTHER_HOSTS = re.compile(
    r"(?:touch|mtouch|free|0|d|x|p|iphone|business|upload|l|lm|[a-z]{2}-[a-z]{2})\.facebook\.com|m\.fb\.com|fb\.me|fb\.gg"
    r"|(?:www\.|m\.)?facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd\.onion"
)
"""Hosts of the same site for old telephones, free data plans, languages, and Tor: asked at www.facebook.com."""
_NAME = r"(?P<handle>[^/]+)"
_ID = r"(?P<id>[^/]+)"
_NO_NAMES = (
    "watch|reel|reels|groups|events|marketplace|gaming|pages|login|share|sharer|stories|story|help|policies|settings|messages|"
    "friends|ads|search|hashtag|privacy|recover|checkpoint|legal|terms|plugins|dialog|media|photo|photos|video|videos|notes|"
    "people|p|bookmarks|notifications|live|business|careers|directory|home|l|flx|r|saved|memories|fundraisers|donate|jobs"
)
PATHS: list[Row] = [
    (rf"/groups/{_NAME}/(?:posts|permalink)/{_ID}/?", "post"),
    (rf"/groups/{_NAME}(?:/.*)?", "group"),
    (r"/(?P<section>stories|events|notes|hashtag|search|marketplace|gaming|fundraisers)/(?P<id>.+?)/?", "section"),
    (r"/ads/library/?", "ad"),
    (r"/media/set/?", "album"),
    (r"/story/graphql_permalink/?", "post by an inner id"),
    (r"/share/(?:[prvg]/)?(?P<code>\w+)/?", "share link"),
    (rf"/(?:reels?|watch/live)/{_ID}/?", "video"),
    (rf"/people/[^/]+/{_ID}/?", "numbered profile"),
    (r"/p/(?:[^/]*-)?(?P<id>[^/-]+)/?", "numbered profile"),
    (rf"/(?!(?:{_NO_NAMES})/){_NAME}/posts/(?:[^/]+/)?{_ID}/?", "post"),
    (rf"/(?!(?:{_NO_NAMES})/){_NAME}/videos/(?:[^/]+/)?{_ID}/?", "video"),
    (rf"/(?!(?:{_NO_NAMES})/){_NAME}/photos/(?:[^/]+/)?{_ID}/?", "photo"),
    (rf"/(?!(?:{_NO_NAMES})/){_NAME}/live(?:_videos)?/?", "live stream"),
    (
        rf"/(?!(?:{_NO_NAMES})/){_NAME}/(?:about|photos|photos_by|videos|reels|reviews|community|friends|followers|map|music"
        r"|mentions|events|shop|services)(?:_\w+)?/?",
        "tab of a profile",
    ),
    (rf"/(?!(?:{_NO_NAMES})(?:/|$))(?P<handle>(?!.*\.php)[A-Za-z0-9.]{{3,}})(?:/posts)?/?", "profile"),
]  # fmt: skip
QUERIES = [
    # (pattern of the path, the query field that holds the id, kind)
    (r"/(?:permalink|story)\.php", "story_fbid", "post"),
    (r"/groups/[^/]+/?", "multi_permalinks", "post"),
    (r"/watch(?:/live)?/?", "v", "video"),
    (r"/video\.php", "v", "video"),
    (r"/video/embed/?", "video_id", "video"),
    (r"/photo(?:\.php|/)?", "fbid", "photo"),
    (r"/profile\.php", "id", "profile"),
]
NOT_CAPTURED = {
    "group": "a group", "story": "a story", "event": "an event", "note": "a note", "hashtag": "a hashtag",
    "search": "a search", "offer": "an offer", "game": "a game", "fundraiser": "a fundraiser", "ad": "an advertisement", "album": "an album",
    "post by an inner id": "a post with an inner id", "live stream": "a profile's live stream",
    "tab of a profile": "a profile's tab",
}  # fmt: skip
"""Kinds of which no more than the page is kept, as people call them."""
SECTIONS = {
    "stories": "story", "events": "event", "notes": "note", "hashtag": "hashtag", "search": "search", "marketplace": "offer",
    "gaming": "game", "fundraisers": "fundraiser",
}  # fmt: skip
"""The first word of a path → the kind of what stands below it."""
LARGEST_ID = 2**63 - 1


def owns(host: str) -> bool:
    """Return whether a host is Facebook's."""
    return host in HOSTS or host == SHORT_HOST or bool(OTHER_HOSTS.fullmatch(host))


def read(link: Link) -> Target | NoTarget | None:
    """Parse a link on one of Facebook's hosts. `url` stays as given: Facebook has several forms of it."""
    if link.host in (SHORT_HOST, "fb.me", "fb.gg"):
        code = link.path.strip("/")
        return Target("facebook", "share link", code, link.text) if re.fullmatch(r"[\w-]+", code) else None
    url = link.text if link.host in HOSTS else re.sub(r"//[^/?#]+", "//www.facebook.com", link.text, count=1)
    if link.path.startswith("/plugins/") and (inner := _framed(link.query.get("href", ""))) is not None:
        return inner
    for pattern, parameter, kind in QUERIES:
        if re.fullmatch(pattern, link.path) and link.query.get(parameter):
            return _known(kind, link.query[parameter].partition(",")[0], url, link.query.get("id"))
    found = first_match(PATHS, link.path)
    if found is None:
        return None
    kind, names = found
    if kind in ("post", "video", "photo"):
        return _known(kind, names["id"], url, names.get("handle"))
    if kind == "numbered profile":
        return _known("profile", names["id"], url, None)
    if kind in ("profile", "share link"):
        name = names.get("code") or names["handle"].lower()
        return Target("facebook", kind, name, url, names.get("handle"))
    kind = SECTIONS[names["section"]] if kind == "section" else kind
    name = _page_id(kind, names, link)
    return Target("facebook", kind, name, url, form=Form.NOT_CAPTURED, what=f"{NOT_CAPTURED[kind]} of Facebook")


def _page_id(kind: str, names: dict[str, str], link: Link) -> str:
    """The id of what is kept as a page only; where it has none, its path and what is asked of it."""
    by_field = {"ad": "id", "album": "set", "search": "q", "post by an inner id": "graphql_id"}
    field = link.query.get(by_field.get(kind, ""), "")
    if kind in ("ad", "album") and field:
        return field
    return names.get("id", link.path.strip("/")) + (f"?{field}" if field else "")


def _known(kind: str, name: str, url: str, handle: str | None) -> Target | NoTarget | None:
    """A target by its id: a number, or how Facebook writes one in letters. None: no id at all, as `/name/posts/new`."""
    if re.fullmatch(r"[0-9]{1,30}", name):
        if not 0 < int(name) <= LARGEST_ID:
            return mistyped(f"a {kind} of Facebook", "a number of at most 19 digits", name)
    elif not re.fullmatch(r"pfbid\w+|UzpfS[\w+/=-]+", name, re.ASCII):
        expected = "a number, or pfbid and letters"
        return mistyped(f"a {kind} of Facebook", expected, name) if name[:1].isdigit() else None
    return Target("facebook", kind, name, url, handle)


def _framed(href: str) -> Target | None:
    """The post that a plugin's frame shows, where it is one of Facebook's own."""
    link = split_link(in_ascii(clean(href).link)) if href.startswith("http") else None
    if not isinstance(link, Link) or link.port not in USUAL_PORTS or not owns(link.host):
        return None
    found = read(link)
    return found if isinstance(found, Target) else None


FORMS = LinkForms(
    owns=owns,
    read=read,
    bare=("facebook.com", SHORT_HOST),
    tracking=r"mibextid|ref|refid|rdid|share_url|sfnsn|extid|paipv|eav|fs|acontext|notif_\w+|hc_ref|fref|locale|_rdr|wtsid",
)
