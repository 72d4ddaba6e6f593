"""Link → Target. One table per platform; pure.

A table row is (path pattern, kind). The first row that matches names the target; what no row names is a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from spiders.links import safe_split


@dataclass(frozen=True)
class Target:
    """What to capture. `url` is requested for pages and shown to people; `key` is equal for equal targets."""

    platform: str
    kind: str
    id: str
    url: str
    handle: str | None = None
    single: bool = False
    """Telegram `?single`: one member of an album, not the album."""

    @property
    def key(self) -> str:
        single = "?single" if self.single else ""
        return f"{self.platform}:{self.kind}:{self.id}{single}"


@dataclass(frozen=True)
class NoTarget:
    """Why a text is no link we can capture, and what to do."""

    reason: str
    next_step: str


Row = tuple[str, str]

_HANDLE = r"(?P<handle>[A-Za-z][A-Za-z0-9_]{2,63})"

TELEGRAM_HOSTS = {"t.me", "telegram.me", "telegram.dog", "www.t.me", "www.telegram.me"}
TELEGRAM: list[Row] = [
    (r"/c/(?P<id>\d{1,18}/\d{1,18})/?", "private post"),
    (r"/c/(?P<channel>\d{1,18})/\d{1,18}/(?P<id>\d{1,18})/?", "private post"),
    (r"/c/(?P<id>\d{1,18})/?", "private channel"),
    (r"/(?:joinchat/|\+)(?P<id>[A-Za-z0-9_-]+)/?", "invite"),
    (r"/(?:addstickers|addemoji|proxy|socks|share|addtheme|login|iv|setlanguage|bg)(?:/.*)?", "service link"),
    (r"/s/" + _HANDLE + r"/(?P<id>\d{1,18})/?", "post"),
    (r"/s/" + _HANDLE + r"/?", "channel"),
    (r"/" + _HANDLE + r"/s/(?P<id>\d{1,18})/?", "story"),
    (r"/" + _HANDLE + r"/\d{1,18}/(?P<id>\d{1,18})/?", "post"),
    (r"/" + _HANDLE + r"/(?P<id>\d{1,18})/?", "post"),
    (r"/" + _HANDLE + r"/?", "channel"),
]
X_HOSTS = {
    "x.com",
    "twitter.com",
    "www.x.com",
    "www.twitter.com",
    "mobile.x.com",
    "mobile.twitter.com",
    "m.twitter.com",
}
X: list[Row] = [
    (r"/i/(?:web/)?status/(?P<id>\d+).*", "post"),
    (r"/(?P<handle>[A-Za-z0-9_]{1,20})/status(?:es)?/(?P<id>\d+).*", "post"),
    (r"/i/spaces/(?P<id>\w+).*", "space"),
    (r"/(?:home|explore|search|settings|login|i|intent|share|hashtag)(?:/.*)?", "page"),
    (r"/(?P<handle>[A-Za-z0-9_]{1,20})(?:/(?:with_replies|media|likes))?/?", "profile"),
]
YOUTUBE_HOSTS = {
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "www.youtube-nocookie.com",
    "youtube-nocookie.com",
}
_VIDEO = r"(?P<id>[A-Za-z0-9_-]{11})"
YOUTUBE: list[Row] = [
    (r"/(?:shorts|live|embed|v|e)/" + _VIDEO + r"/?.*", "video"),
    (
        r"/(?P<handle>@[^/]+)(?:/(?:videos|shorts|streams|playlists|community|featured|about|posts))?/?",
        "channel",
    ),
    (r"/channel/(?P<id>UC[A-Za-z0-9_-]{22}).*", "channel"),
    (r"/(?:c|user)/(?P<handle>[^/]+).*", "channel"),
]
FACEBOOK_HOSTS = {
    "facebook.com",
    "www.facebook.com",
    "m.facebook.com",
    "mbasic.facebook.com",
    "web.facebook.com",
    "fb.com",
    "www.fb.com",
}
FACEBOOK: list[Row] = [
    (r"/(?P<handle>[^/]+)/posts/(?:[^/]+/)?(?P<id>pfbid\w+|\d+)/?", "post"),
    (r"/groups/(?P<handle>[^/]+)/(?:posts|permalink)/(?P<id>\d+)/?", "post"),
    (r"/(?P<handle>[^/]+)/videos/(?:[^/]+/)?(?P<id>\d+)/?", "video"),
    (r"/(?:reel|watch/live)/(?P<id>\d+)/?", "video"),
    (r"/share/(?P<kind>[prv])/(?P<id>\w+)/?", "post"),
    (r"/(?P<handle>[A-Za-z0-9.]{3,})/?", "profile"),
]
_FACEBOOK_QUERIES = [
    (r"/(?:permalink|story)\.php", "story_fbid", "post"),
    (r"/watch/?", "v", "video"),
    (r"/video\.php", "v", "video"),
    (r"/photo(?:\.php|/)?", "fbid", "photo"),
    (r"/profile\.php", "id", "profile"),
]
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls, and bytes of a command line that are no text."""
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|yclid|igshid|igsh|mc_cid|mc_eid|ref_src|ref_url|_ga|__tn__|__cft__.*|mibextid"
)


def parse_target(text: str) -> Target | NoTarget:
    """The target that a person's text names. Total: any text gives one or the other."""
    text = text.strip().strip("<>\"'")
    if not text:
        return NoTarget("nothing was given", "Give a link, for example https://t.me/durov/523")
    if _UNPRINTABLE.search(text):
        return NoTarget("a control character in the link", "Copy the link again, in one line.")
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{2,63}", text):
        return Target("telegram", "channel", text[1:].lower(), f"https://t.me/s/{text[1:]}", text[1:])
    if text.startswith("tg:"):
        return _telegram_app(text)
    if re.fullmatch(r"-[1-9]\d{3,17}", text):
        return _by_number(int(text))
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) and re.match(r"[^\s/]+\.[^\s/]{2,}(?:/|$|\?)", text):
        text = "https://" + text
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower().rstrip(".")
        port = parts.port
    except ValueError as error:
        return NoTarget(f"not a link: {error}", "Check the link for missing or extra characters.")
    if parts.scheme.lower() not in ("http", "https"):
        scheme = parts.scheme or "none"
        return NoTarget(
            f"unknown scheme {scheme!r}", "Only http and https links, @names and tg: links can be captured."
        )
    if any(c.isspace() for c in text):
        return NoTarget("a blank in the link", "Write %20 where the link has a blank, or give each link on its own.")
    if not host:
        return NoTarget("no host in the link", "Check the link for missing or extra characters.")
    path = re.sub(r"/{2,}", "/", parts.path) or "/"
    query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if port is None or port in (80, 443):
        if host in TELEGRAM_HOSTS:
            return _telegram(path, query, text)
        if host == "web.telegram.org" and (inner := parts.fragment.partition("_")[0]):
            found = parse_target(inner if inner[:1] in "@-" else f"@{inner}")
            return found if isinstance(found, Target) and found.platform == "telegram" else page(text)
        if host.endswith(".t.me") and host.count(".") == 2:
            return _telegram(f"/{host.split('.')[0]}{path}", query, text)
        if host in X_HOSTS:
            return _x(path, query, text)
        if host in YOUTUBE_HOSTS or host == "youtu.be":
            return _youtube(host, path, query, text)
        if host in FACEBOOK_HOSTS or host == "fb.watch":
            return _facebook(host, path, query, text)
    return page(text)


def given(link: str, target: Target | None) -> Target:
    """The target that a spider was started for: handed in, or named by `-a link=…`. Raises `ValueError`."""
    found = target or parse_target(link)
    if isinstance(found, NoTarget):
        raise ValueError(f"{link!r}: {found.reason}. {found.next_step}")
    return found


def page(url: str) -> Target:
    """Any link as a page: fragment dropped; the key also drops tracking parameters."""
    parts = urlsplit(url)
    plain = urlunsplit((parts.scheme.lower(), parts.netloc, parts.path or "/", parts.query, ""))
    kept = [
        (key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.fullmatch(key)
    ]
    query = urlencode(kept) if len(kept) != len(parse_qsl(parts.query, keep_blank_values=True)) else parts.query
    key = urlunsplit(
        (
            parts.scheme.lower(),
            (parts.hostname or "") + (f":{parts.port}" if parts.port else ""),
            parts.path or "/",
            query,
            "",
        )
    )
    return Target("page", "page", key, plain)


def _match(rows: list[Row], path: str) -> tuple[str, dict[str, str]] | None:
    for pattern, kind in rows:
        if match := re.fullmatch(pattern, path):
            return kind, {key: value for key, value in match.groupdict().items() if value}
    return None


def _telegram_app(text: str) -> Target | NoTarget:
    parts = safe_split(text)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    command = (parts.netloc or parts.path).strip("/")
    if command == "resolve" and "domain" in query:
        post = f"/{query['post']}" if "post" in query else ""
        return _telegram(f"/{query['domain']}{post}", query, text)
    if command == "privatepost" and {"channel", "post"} <= query.keys():
        return _telegram(f"/c/{query['channel']}/{query['post']}", query, text)
    if command == "openmessage" and "chat_id" in query:
        chat = query["chat_id"]
        return _by_number(-abs(int(chat)) if re.fullmatch(r"-?\d{1,18}", chat) else 0, query.get("message_id"))
    if command == "join" and "invite" in query:
        return _telegram(f"/+{query['invite']}", query, text)
    return NoTarget("a tg: link that names no post or channel", "Open the post in Telegram and copy its t.me link.")


def _by_number(number: int, message: str | None = None) -> Target | NoTarget:
    """A chat by its number as Telegram's apps and bots write it: -100… a channel or supergroup, else a basic group."""
    if number < -(10**12):
        bare = -number - 10**12
        return _telegram(f"/c/{bare}/{message}" if message and message.isdigit() else f"/c/{bare}", {}, "")
    if -(10**11) < number < 0:
        return Target("telegram", "private group", str(-number), f"tg://openmessage?chat_id={number}")
    return NoTarget("no number of a channel or group", "Give it as -100… for a channel, or copy a link of a post.")


def _telegram(path: str, query: dict[str, str], text: str) -> Target | NoTarget:
    found = _match(TELEGRAM, path)
    if found is None:
        return page(text) if text.startswith("http") else NoTarget("not a Telegram link", "Copy the post's t.me link.")
    kind, names = found
    handle = names.get("handle")
    single = "single" in query
    if kind == "post" and handle:
        # A link to a comment names the comment, not the post above it.
        if "comment" in query:
            comment = query["comment"]
            return Target("telegram", "comment", f"{handle.lower()}/{names['id']}#{comment}", text, handle)
        number = int(names["id"])
        url = f"https://t.me/{handle}/{number}" + ("?single" if single else "")
        return Target("telegram", "post", f"{handle.lower()}/{number}", url, handle, single)
    if kind == "private post":
        post = f"{names.get('channel') or names['id'].partition('/')[0]}/{names['id'].rpartition('/')[2]}"
        if query.get("comment", "").isdigit():
            return Target("telegram", "comment", f"c/{post}#{query['comment']}", text)
        return Target("telegram", kind, post, f"https://t.me/c/{post}" + ("?single" if single else ""), None, single)
    if kind == "story" and handle:
        number = int(names["id"])
        return Target("telegram", "story", f"{handle.lower()}/s/{number}", f"https://t.me/{handle}/s/{number}", handle)
    if kind == "channel" and handle:
        return Target("telegram", "channel", handle.lower(), f"https://t.me/s/{handle}", handle)
    if kind == "service link":
        return NoTarget("a Telegram service link, not a post or channel", "Copy the post's own t.me link.")
    return Target("telegram", kind, names["id"], f"https://t.me{path}")


def _x(path: str, query: dict[str, str], text: str) -> Target:
    if path.rstrip("/") == "/search" and query.get("q", "").strip():
        words = query["q"].strip()
        return Target("x", "search", words, f"https://x.com/search?{urlencode({'q': words, 'f': 'live'})}")
    found = _match(X, path)
    if found is None or found[0] == "page":
        return page(text)
    kind, names = found
    handle = names.get("handle")
    if kind == "post":
        return Target("x", "post", names["id"], f"https://x.com/{handle or 'i'}/status/{names['id']}", handle)
    if kind == "profile" and handle:
        return Target("x", "profile", handle.lower(), f"https://x.com/{handle}", handle)
    return Target("x", kind, names["id"], f"https://x.com{path}")


def _youtube(host: str, path: str, query: dict[str, str], text: str) -> Target:
    def video(video_id: str) -> Target:
        return Target("youtube", "video", video_id, f"https://www.youtube.com/watch?v={video_id}")

    if host == "youtu.be" and (match := re.fullmatch(r"/" + _VIDEO + r"/?", path)):
        return video(match["id"])
    if path.rstrip("/") == "/watch" and re.fullmatch(_VIDEO, query.get("v", "")):
        return video(query["v"])
    if path.rstrip("/") == "/playlist" and query.get("list"):
        return Target("youtube", "playlist", query["list"], f"https://www.youtube.com/playlist?list={query['list']}")
    found = _match(YOUTUBE, path) if host != "youtu.be" else None
    if found is None:
        return page(text)
    kind, names = found
    if kind == "video":
        return video(names["id"])
    handle = names.get("handle")
    name = handle or names["id"]
    return Target("youtube", "channel", name.lower() if handle else name, f"https://www.youtube.com{path}", handle)


def _facebook(host: str, path: str, query: dict[str, str], text: str) -> Target:
    if host == "fb.watch":
        return Target("facebook", "video", path.strip("/"), text)
    if path.startswith("/plugins/") and query.get("href", "").startswith("http"):
        inner = parse_target(query["href"])
        if isinstance(inner, Target) and inner.platform == "facebook":
            return inner
    for pattern, parameter, kind in _FACEBOOK_QUERIES:
        if re.fullmatch(pattern, path) and query.get(parameter):
            return Target("facebook", kind, query[parameter], text, query.get("id"))
    found = _match(FACEBOOK, path)
    if found is None:
        return page(text)
    kind, names = found
    name = names.get("id") or names["handle"]
    return Target("facebook", kind, name.lower() if kind == "profile" else name, text, names.get("handle"))
