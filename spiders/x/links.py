"""How links of X look, also under its old name, and those of its embeds. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlencode

from spiders.link_forms import Form, Link, LinkForms, NoTarget, Row, Target, first_match, mistyped, number, query_of

HOSTS = frozenset({
    "x.com", "twitter.com", "www.x.com", "www.twitter.com", "mobile.x.com", "mobile.twitter.com", "m.twitter.com", "m.x.com",
})  # fmt: skip
EMBED_HOSTS = frozenset({
    "platform.twitter.com", "platform.x.com", "cdn.syndication.twimg.com", "publish.twitter.com", "publish.x.com",
})  # fmt: skip
LARGEST_ID = 2**63 - 1
"""Ids are signed 64-bit numbers."""
_HANDLE = r"@?(?P<handle>[A-Za-z0-9_]{1,20})"
_ID = r"(?P<id>[^/]+)"
PATHS: list[Row] = [
    (rf"/i/(?:web/)?status(?:es)?/{_ID}(?:/.*)?", "post"),
    (rf"/statuses/{_ID}(?:/.*)?", "post"),
    (rf"/i/videos/(?:tweet/)?{_ID}(?:/.*)?", "post"),
    (rf"/{_HANDLE}/status(?:es)?/{_ID}(?:/.*)?", "post"),
    (rf"/i/spaces/{_ID}(?:/.*)?", "space"),
    (rf"/i/broadcasts/{_ID}(?:/.*)?", "broadcast"),
    (rf"/i/article/{_ID}(?:/.*)?", "article"),
    (rf"/i/events/{_ID}(?:/.*)?", "event"),
    (rf"/i/moments/{_ID}(?:/.*)?", "moment"),
    (rf"/i/communities/{_ID}(?:/.*)?", "community"),
    (rf"/i/trending/{_ID}(?:/.*)?", "trend"),
    (rf"/i/lists/{_ID}(?:/.*)?", "list"),
    (r"/[A-Za-z0-9_]{1,20}/lists/[^/]+/?", "list"),
    (rf"/i/birdwatch/n/{_ID}(?:/.*)?", "community note"),
    (rf"/i/birdwatch/t/{_ID}(?:/.*)?", "notes on a post"),
    (rf"/i/grok/share/{_ID}/?", "conversation with Grok"),
    (rf"/i/user/{_ID}/?", "profile by number"),
    (rf"/{_HANDLE}/article/{_ID}(?:/.*)?", "article"),
    (rf"/hashtag/{_ID}/?", "hashtag"),
    (r"/intent/(?:user|follow|like|favorite|retweet|tweet|post)/?", "intent"),
    (r"/(?:home|explore|search|settings|login|i|intent|share|hashtag|compose|messages|notifications|tos|privacy|jobs)(?:/.*)?",
     "page"),
    (rf"/{_HANDLE}(?:/(?:with_replies|media|likes|highlights|articles|superfollows))?/?", "profile"),
    (rf"/{_HANDLE}/(?:followers|following|verified_followers|followers_you_follow|affiliates)/?", "followers"),
]  # fmt: skip
NOT_CAPTURED = {
    "space": "a Space", "broadcast": "a broadcast", "list": "a list", "community note": "a community note",
    "notes on a post": "a list of notes on a post",
    "conversation with Grok": "a conversation with Grok", "profile by number": "a numbered profile",
    "article": "an article", "event": "an event", "moment": "a Moment", "community": "a community", "trend": "a trend",
    "followers": "a list of an account's followers",
}  # fmt: skip
"""Kinds of which no more than the page is kept, as people call them."""


def owns(host: str) -> bool:
    """Return whether a host is X's."""
    return host in HOSTS or host in EMBED_HOSTS


def read(link: Link) -> Target | NoTarget | None:
    """Parse a link on one of X's hosts."""
    if link.host in EMBED_HOSTS:
        return _post(link.query["id"], None) if "id" in link.query else None
    path, query = link.path, link.query
    if path == "/" and link.fragment.startswith("!"):  # as it wrote its links until 2012
        path, _, text = link.fragment[1:].partition("?")
        query = query_of(text)
    if path.rstrip("/").lower() == "/search" and query.get("q", "").strip():
        return _search(query["q"].strip())
    found = first_match(PATHS, path, re.IGNORECASE)
    if found is None or found[0] == "page":
        return None
    kind, names = found
    handle = names.get("handle")
    if kind == "post":
        return _post(names["id"], handle)
    if kind == "hashtag":
        return _search(f"#{unquote(names['id'])}")
    if kind == "intent":
        return _by_intent(query, link)
    if kind == "profile" and handle:
        return _profile(handle)
    return _page_only(kind, names.get("id") or path.strip("/"), f"https://x.com{path}")


def _by_intent(query: dict[str, str], link: Link) -> Target | NoTarget | None:
    """The post that a button for likes, reposts or replies names, or the profile that a follow button does."""
    if post := query.get("tweet_id") or query.get("in_reply_to"):
        return _post(post, None)
    if re.fullmatch(r"[A-Za-z0-9_]{1,20}", handle := query.get("screen_name", "").lstrip("@")):
        return _profile(handle)
    user = query.get("user_id", "")
    return (
        _page_only("profile by number", user, f"https://x.com{link.path}?user_id={user}") if user.isdecimal() else None
    )


def _profile(handle: str) -> Target:
    return Target("x", "profile", handle.lower(), f"https://x.com/{handle}", handle)


def _post(text: str, handle: str | None) -> Target | NoTarget:
    if number(text, LARGEST_ID) is None or text.startswith("0"):
        return mistyped("a post of X", "a number of at most 19 digits", text)
    return Target("x", "post", text, f"https://x.com/{handle or 'i'}/status/{text}", handle)


def _search(words: str) -> Target:
    return Target("x", "search", words, f"https://x.com/search?{urlencode({'q': words, 'f': 'live'})}")


def _page_only(kind: str, name: str, url: str) -> Target:
    return Target("x", kind, name, url, form=Form.NOT_CAPTURED, what=f"{NOT_CAPTURED[kind]} of X")


FORMS = LinkForms(
    owns=owns,
    read=read,
    bare=("x.com", "twitter.com", "mobile.twitter.com"),
    tracking=r"s|t|src|ref_src|ref_url|cn|refsrc|cxt|vertical",
)
