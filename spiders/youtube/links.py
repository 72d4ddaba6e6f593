"""How links of YouTube look. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

from spiders.link_forms import Form, Link, LinkForms, NoTarget, Row, Target, first_match, mistyped, query_of

HOSTS = frozenset({
    "youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "www.youtube-nocookie.com",
    "youtube-nocookie.com", "gaming.youtube.com", "studio.youtube.com", "youtubekids.com", "www.youtubekids.com",
})  # fmt: skip
SHORT_HOSTS = frozenset({"youtu.be", "www.youtu.be"})
SHORT_HOST = "youtu.be"
WATCH = "https://www.youtube.com/watch?v="
"""How the link of a video begins that posts of it carry; its id follows."""
PLAYLIST = "https://www.youtube.com/playlist?list="
_ADDRESSES = {"clip": "https://www.youtube.com/clip/", "community post": "https://www.youtube.com/post/"}
_ID = r"(?P<id>[^/&?]+)"
_TABS = (
    "videos|shorts|streams|playlists|community|featured|about|posts|podcasts|releases|courses|membership|store|channels|"
    "discussion"
)
_OWN_WORDS = (
    "watch|playlist|feed|results|hashtag|clip|post|embed|live|shorts|account|premium|trending|gaming|music|redirect|"
    "oembed|attribution_link|watch_videos|feeds|source|about|ads|creators|t|s|c|v|e|user|channel|upload|logout|signin|"
    "howyoutubeworks|movies|news|sports|learning|fashion|kids|tv|paid_memberships|reporthistory|get_video_info"
)
PATHS: list[Row] = [
    (r"/embed/videoseries/?", "playlist frame"),
    (r"(?:/embed)?/live_stream/?", "live frame"),
    (rf"/(?:shorts|live|embed|v|e|watch)/{_ID}(?:[/&].*)?", "video"),
    (rf"/video/{_ID}(?:/.*)?", "video"),  # studio.youtube.com
    (rf"/clip/{_ID}/?", "clip"),
    (rf"/post/{_ID}/?", "community post"),
    (rf"/hashtag/{_ID}(?:/.*)?", "hashtag"),
    (r"/results/?", "search"),
    (r"/watch_videos/?", "several videos"),
    (r"/(?:@[^/]+|c/[^/]+|user/[^/]+|channel/[^/]+)/live/?", "live stream of a channel"),
    (r"/(?:@[^/]+|c/[^/]+|user/[^/]+|channel/[^/]+)/search/?", "search in a channel"),
    (rf"/(?P<handle>@[^/]+)(?:/(?:{_TABS}))?/?", "channel"),
    (rf"/channel/(?P<id>UC[A-Za-z0-9_-]{{22}})(?:/(?:{_TABS}))?/?", "channel"),
    (rf"/(?:c|user)/(?P<handle>[^/]+)(?:/(?:{_TABS}))?/?", "channel"),
    (rf"/(?!(?:{_OWN_WORDS})(?:/|$))(?P<handle>[A-Za-z0-9]{{3,}})(?:/(?:{_TABS}))?/?", "channel"),
]
NOT_CAPTURED = {
    "hashtag": "a hashtag", "search": "a search",
    "several videos": "a link to several videos", "live stream of a channel": "a channel's live stream",
    "search in a channel": "a search in a channel",
}  # fmt: skip
"""Kinds of which no more than the page is kept, as people call them."""
_RESERVED = ("videoseries", "live_stream")
"""Words of eleven letters that stand where an id stands, and are none."""
_OWNERS_LISTS = ("WL", "LL", "LM", "HL")
"""Watch later, liked videos, liked music, history: each viewer's own."""


def owns(host: str) -> bool:
    """Return whether a host is YouTube's."""
    return host in HOSTS or host in SHORT_HOSTS


def read(link: Link) -> Target | NoTarget | None:
    """Parse a link on one of YouTube's hosts. Case matters in ids, and not in @names."""
    path, query = link.path, link.query
    if link.host in SHORT_HOSTS:
        name = path.strip("/")
        return _video(name.partition("&")[0]) if name and "/" not in name else None
    if path == "/" and link.fragment.startswith("/"):  # the mobile site of 2010 to 2018
        path, _, text = link.fragment.partition("?")
        query = query_of(text)
    page = path.rstrip("/")
    if page in ("/watch", "/playlist"):
        if page == "/watch" and query.get("v"):
            return _by_query(query["v"])
        return _playlist(query["list"]) if query.get("list") else None
    if page == "/feeds/videos.xml":
        return _by_feed(query)
    if query.get("lb") and page.endswith("/community"):
        return _of_channel("community post", query["lb"])
    found = first_match(PATHS, path)
    return None if found is None else _of_path(link, path, query, *found)


def _of_path(
    link: Link, path: str, query: dict[str, str], kind: str, names: dict[str, str]
) -> Target | NoTarget | None:
    if kind == "playlist frame":
        return _playlist(query["list"]) if query.get("list") else None
    if kind == "live frame":
        return _live(query["channel"]) if query.get("channel") else None
    if kind == "video":
        return _video(names["id"])
    if kind == "channel":
        handle = names.get("handle")
        name = unquote(handle).lower() if handle else names["id"]
        return Target("youtube", "channel", name, f"https://www.youtube.com{path}", handle)
    if kind in _ADDRESSES:
        return _of_channel(kind, names["id"])
    return _page_only(kind, names.get("id") or query.get("video_ids") or _whole(path, query), link.text)


def _whole(path: str, query: dict[str, str]) -> str:
    """The id of a page that has none: its path, and the words that are searched for."""
    words = query.get("search_query") or query.get("query")
    return path.strip("/") + (f"?{words}" if words else "")


def _by_query(text: str) -> Target | NoTarget:
    """The video of `v=`. What follows an encoded `&` or `?` is a field of its own, which somebody encoded along with it."""
    return _video(re.split(r"[&?](?=\w+=)", text, maxsplit=1)[0])


def _video(name: str) -> Target | NoTarget:
    if not re.fullmatch(r"[A-Za-z0-9_-]{11}", name) or name in _RESERVED:
        return mistyped("a video of YouTube", "an id of 11 letters, digits, - or _", name)
    return Target("youtube", "video", name, f"{WATCH}{name}")


def _live(channel: str) -> Target | NoTarget:
    """What a channel shows live, by the link that leads to it there."""
    if not re.fullmatch(r"UC[A-Za-z0-9_-]{22}", channel):
        return mistyped("a channel of YouTube", "UC and 22 letters, digits, - or _", channel)
    path = f"channel/{channel}/live"
    return _page_only("live stream of a channel", path, f"https://www.youtube.com/{path}")


def _of_channel(kind: str, name: str) -> Target | NoTarget:
    """A clip, or a post of a channel."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{2,80}", name):
        return mistyped(f"a {kind} of YouTube", "letters, digits, - and _", name)
    return Target("youtube", kind, name, f"{_ADDRESSES[kind]}{name}")


def _playlist(name: str) -> Target | NoTarget:
    if name in _OWNERS_LISTS:
        return NoTarget("a list that YouTube shows only to its owner", "Give the links of its videos.")
    if not re.fullmatch(r"[A-Za-z0-9_-]{2,80}", name):
        return mistyped("a playlist of YouTube", "letters, digits, - and _", name)
    return Target("youtube", "playlist", name, f"{PLAYLIST}{name}")


def _by_feed(query: dict[str, str]) -> Target | NoTarget | None:
    """The channel or playlist whose feed a link is."""
    if query.get("playlist_id"):
        return _playlist(query["playlist_id"])
    channel = query.get("channel_id", "")
    if not re.fullmatch(r"UC[A-Za-z0-9_-]{22}", channel):
        return mistyped("a channel of YouTube", "UC and 22 letters, digits, - or _", channel) if channel else None
    return Target("youtube", "channel", channel, f"https://www.youtube.com/channel/{channel}")


def _page_only(kind: str, name: str, url: str) -> Target:
    return Target("youtube", kind, name, url, form=Form.NOT_CAPTURED, what=f"{NOT_CAPTURED[kind]} of YouTube")


FORMS = LinkForms(
    owns=owns,
    read=read,
    bare=(SHORT_HOST, "youtube.com", "m.youtube.com"),
    tracking=r"si|feature|pp|ab_channel|app|sttick|themeRefresh",
)
