"""The names that Facebook gives one thing: numbers, `pfbid` names, handles, and links that hold them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import parse_qs

from spiders.links import safe_split
from spiders.posts import Post

HOME = "https://www.facebook.com"
_ENDS = r"(?=[/?#&]|$)"
_PATH = re.compile(
    r"/(?:posts|permalink|videos|reels?|photos|watch|live|v)/(?:[^/?]+/)?(?P<id>pfbid\w+|\d+)" + _ENDS, re.ASCII
)
_QUERY = re.compile(r"[?&](?:story_fbid|fbid|v|multi_permalinks)=(?P<id>pfbid\w+|\d+)" + _ENDS, re.ASCII)


def post_id(url: str | None) -> str | None:
    """Find the name of a post, photo or video in a link of Facebook, that of a plugin's frame included; else None."""
    if not url:
        return None
    parts = safe_split(url)
    if parts.path.startswith("/plugins/"):
        framed = parse_qs(parts.query).get("href", [""])[0]
        return post_id(framed) if "/plugins/" not in framed else None
    match = _PATH.search(url) or _QUERY.search(url)
    return match["id"] if match else None


def handle_of(href: str | None) -> str | None:
    """Return the handle, or the number, of the profile that a link leads to."""
    parts = safe_split(href or "")
    name = parts.path.strip("/")
    if parts.hostname and not parts.hostname.endswith("facebook.com"):
        return None
    if name == "profile.php":
        return next(iter(parse_qs(parts.query).get("id", [])), None)
    return name if re.fullmatch(r"[\w.]{2,80}", name) else None


def absolute(href: str | None) -> str | None:
    """Return a link of Facebook's pages with its host."""
    if not href:
        return None
    return href if href.startswith("http") else HOME + href if href.startswith("/") else None


def shown(text: str | None) -> int | None:
    """Parse a count as Facebook rounds it: `4.3K Comments` → 4300. The caller keeps the literal beside it."""
    match = re.match(r"([\d.,]+)\s?([KMB]?)\b", text or "", re.IGNORECASE)
    if not match:
        return None
    scale = {"": 1, "K": 1000, "M": 1_000_000, "B": 10**9}[match[2].upper()]
    digits = match[1].replace(",", "") if scale == 1 else match[1].replace(",", ".")
    try:
        return round(float(digits) * scale)
    except ValueError:
        return None


def names_of(post: Post) -> set[str]:
    """Collect every name that a link may give a post: its number, the names in its links, its files' numbers."""
    also = post.extra.get("also_named")
    names = {post.id, post_id(post.url), *(also if isinstance(also, list) else ())}
    names |= {item.extra.get("media_id") for item in post.attachments}
    return {name for name in names if isinstance(name, str)}


def asked_for(posts: Iterable[Post], names: Collection[str | None]) -> frozenset[str] | None:
    """Return the ids of the posts that a link with one of `names` is about, what they share included.

    Facebook writes one id two ways, and a `pfbid` name cannot be computed from the number. Where no name agrees, the
    only post that no other one shares is the one. None: several could be meant.
    """
    known = {post.id: post for post in posts if post.id}
    wanted = [post for post in known.values() if post.id in names]
    wanted = wanted or [post for post in known.values() if not names_of(post).isdisjoint(names)]
    if not wanted:
        shared = {post.quoted_id for post in known.values() if post.quoted_id != post.id}
        wanted = [post for post in known.values() if post.id not in shared]
        if len(wanted) > 1:
            return None
    ids = {post.id for post in wanted} | {post.quoted_id for post in wanted if post.quoted_id in known}
    return frozenset(item for item in ids if item)


def ordered(posts: list[Post], url: str | None) -> list[Post]:
    """Put the posts that a page's own link names before the others that it shows."""
    asked = asked_for(posts, {post_id(url)}) if post_id(url) else None
    return sorted(posts, key=lambda post: post.id not in asked) if asked else posts
