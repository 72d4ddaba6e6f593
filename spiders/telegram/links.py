"""How links of Telegram look: t.me and its mirrors, `tg:` links, @names, and numbers of chats. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from spiders.cleaning import clean
from spiders.link_forms import Form, Link, LinkForms, NoTarget, Row, Target, first_match, mistyped, number, split_link
from spiders.links import safe_split

HOSTS = frozenset({"t.me", "telegram.me", "telegram.dog", "www.t.me", "www.telegram.me", "www.telegram.dog"})
WEB_CLIENTS = frozenset({"web.telegram.org", "webk.telegram.org", "weba.telegram.org", "webz.telegram.org"})
LARGEST_ID = 2**31 - 1
"""Numbers of messages, topics and stories are signed 32-bit numbers."""
LARGEST_CHAT = 10**12 - 1
_HANDLE = r"(?P<handle>[A-Za-z][A-Za-z0-9_]{2,63})"
_ID = r"(?P<id>[^/]+)"
_SERVICE = (
    "addstickers|addemoji|proxy|socks|share|addtheme|login|iv|setlanguage|bg|contact|invoice|confirmphone|msg|newbot|"
    r"\$[^/]*"
)
PATHS: list[Row] = [
    (rf"/c/(?P<channel>[^/]+)/(?:[^/]+/)?{_ID}/?", "private post"),
    (r"/c/(?P<channel>[^/]+)/?", "private channel"),
    (r"/(?:joinchat/|\+)(?P<id>[A-Za-z0-9_-]+)/?", "invite"),
    (rf"/(?:{_SERVICE})(?:/.*)?", "service link"),
    (r"/boost(?:/(?P<id>[^/]+))?/?", "boost"),
    (rf"/giftcode/{_ID}/?", "gift code"),
    (rf"/nft/{_ID}/?", "gift"),
    (rf"/m/{_ID}/?", "business chat"),
    (rf"/addlist/{_ID}/?", "chat folder"),
    (rf"/call/{_ID}/?", "call"),
    (rf"/s/{_HANDLE}/{_ID}/?", "post"),
    (rf"/s/{_HANDLE}/?", "channel"),
    (rf"/{_HANDLE}/s/{_ID}/?", "story"),
    (r"/(?P<id>[A-Za-z][A-Za-z0-9_]{2,63}/[ac]/[^/]+)/?", "story album"),
    (rf"/{_HANDLE}/(?:(?P<topic>[^/]+)/)?{_ID}/?", "post"),
    (rf"/{_HANDLE}/?", "channel"),
]
NOT_CAPTURED = {
    "boost": "a boost page", "gift code": "a gift code", "gift": "a gift", "business chat": "a business chat",
    "chat folder": "a chat folder", "call": "a call", "story album": "an album of stories",
    "live stream": "a live stream", "direct messages": "a chat with a channel", "bot": "a bot",
}  # fmt: skip
"""Kinds of which no more than the page is kept, as people call them."""
BY_QUERY = [
    # (fields of the query, one of which a link of a channel carries, kind)
    (("boost",), "boost"),
    (("videochat", "livestream", "voicechat"), "live stream"),
    (("direct",), "direct messages"),
    (("start", "startgroup", "startchannel", "startapp", "startattach", "attach", "game"), "bot"),
]


def owns(host: str) -> bool:
    """Return whether a host is Telegram's; `name.t.me` is a channel's own."""
    return host in HOSTS or host in WEB_CLIENTS or _own_name(host) is not None


def _own_name(host: str) -> str | None:
    match = re.fullmatch(r"(?:www\.)?(?!www\.)([a-z0-9_-]+)\.t\.me", host)
    return match[1] if match else None


def read(link: Link) -> Target | NoTarget | None:
    """Parse a link on one of Telegram's hosts."""
    if link.host in WEB_CLIENTS:
        return _in_web_client(link.fragment, link.path)
    path = link.path if link.host in HOSTS else f"/{_own_name(link.host)}{link.path}"
    return _by_path(path, link.query, link.text)


def read_text(text: str) -> Target | NoTarget | None:
    """Parse an @name, a `tg:` link or the number of a chat; None for any other text."""
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{2,63}", text):
        return _channel(text[1:])
    if text[:3].lower() == "tg:":
        return _of_app(text)
    if re.fullmatch(r"-[1-9][0-9]{3,17}", text):
        return _by_number(int(text))
    return None


def post_id(target: Target) -> str:
    """Return a post's id as the parsers write it: `name/12`, `c/1500000001/12`, `name/12?comment=501`."""
    if target.kind == "private post":
        return f"c/{target.id}"
    return target.id.replace("#", "?comment=") if target.kind == "comment" else target.id


def _in_web_client(fragment: str, path: str) -> Target | NoTarget | None:
    """The chat, and the message or topic in it, that the web client shows: what stands behind `#`."""
    route, _, text = fragment.partition("?")
    query = {key: values[0] for key, values in parse_qs(text).items()}
    if "tgaddr" in query:
        return _of_app(query["tgaddr"])
    if route == "/im":
        return _in_first_client(query.get("p", ""))
    chat, _, message = route.partition("_")
    message = message or query.get("post", "")
    if re.fullmatch(r"-[1-9][0-9]{3,17}", chat):
        value = int(chat)
        # Version K writes channels and groups alike, without the -100. Numbers of channels begin at 10^9; those of basic
        # groups were below, until they went on at 4 * 10^9.
        if "/k" in path and -4 * 10**9 < value <= -(10**9):
            value -= 10**12
        return _by_number(value, message or None)
    # The clients write a message behind a number only: in a name `_12` is part of the name.
    if match := re.fullmatch(r"@?([A-Za-z][A-Za-z0-9_]{2,63})(?:/([0-9]+))?", route):
        message = match[2] or query.get("post", "")
        found = _by_path(f"/{match[1]}" + (f"/{message}" if message else ""), query, "")
        return found if isinstance(found, Target) else None
    link = split_link(clean(fragment).link)
    return read(link) if isinstance(link, Link) and link.host in HOSTS else None


def _in_first_client(peer: str) -> Target | NoTarget | None:
    """The chat of the first web client: `@name`, `c1500000001_HASH` or `s…` a channel or supergroup, `g4200` a group."""
    if match := re.fullmatch(r"([csg])([0-9]{1,12})(?:_[0-9]+)?", peer):
        return _by_number(-int(match[2]) - (0 if match[1] == "g" else 10**12))
    return read_text(peer) if peer.startswith("@") else None


def _of_app(text: str) -> Target | NoTarget:
    """What a `tg:` link names, which opens the app."""
    parts = safe_split(text)
    query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    command = (parts.netloc or parts.path).strip("/").lower()
    found: Target | NoTarget | None
    if command == "resolve" and "domain" in query:
        post = f"/{query['post']}" if "post" in query else ""
        found = _by_path(f"/{query['domain']}{post}", query, text)
    elif command == "privatepost" and {"channel", "post"} <= query.keys():
        found = _by_path(f"/c/{query['channel']}/{query['post']}", query, text)
    elif command == "openmessage" and "chat_id" in query:
        chat = query["chat_id"]
        found = _by_number(-abs(int(chat)) if re.fullmatch(r"-?[0-9]{1,18}", chat) else 0, query.get("message_id"))
    elif command == "join" and "invite" in query:
        found = _by_path(f"/+{query['invite']}", query, text)
    else:
        found = None
    if isinstance(found, Target) and found.form is not Form.KNOWN:  # its page is not to be asked for: it has none
        found = None
    known = "Open the post in Telegram and copy its t.me link."
    return found or NoTarget("a tg: link without a post or channel", known)


def _by_number(chat: int, message: str | None = None) -> Target | NoTarget | None:
    """A chat by its number as Telegram's apps and bots write it: -100… a channel or supergroup, else a basic group."""
    if chat < -(10**12):
        bare = -chat - 10**12
        return _by_path(f"/c/{bare}/{message}" if message else f"/c/{bare}", {}, "")
    if -(10**11) < chat < 0:
        return Target("telegram", "private group", str(-chat), f"tg://openmessage?chat_id={chat}")
    return NoTarget("no number of a channel or group", "Give it as -100… for a channel, or copy a link of a post.")


def _by_path(path: str, query: dict[str, str], text: str) -> Target | NoTarget | None:
    """What the path of a t.me link names. `text`: the whole link, for what has no shorter form."""
    found = first_match(PATHS, path)
    if found is None:
        return None
    kind, names = found
    handle = names.get("handle")
    if kind == "channel" and handle and "story" in query:
        kind, names = "story", {**names, "id": query["story"]}
    if kind in ("channel", "private channel"):
        other = next((name for fields, name in BY_QUERY if any(field in query for field in fields)), None)
        if other is not None:
            return _page_only(other, handle or names["channel"], text)
    if kind == "service link":
        return NoTarget("a Telegram service link, not a post or channel", "Copy the post's own t.me link.")
    if kind == "invite":
        return Target("telegram", kind, names["id"], f"https://t.me{path}")
    if kind in NOT_CAPTURED:
        return _page_only(kind, names.get("id") or query.get("c") or path, text)
    if kind == "channel" and handle:
        return _channel(handle)
    if kind in ("private post", "private channel"):
        return _private(names, query, text)
    return _public(kind, handle or "", names, query, text)


def _channel(handle: str) -> Target:
    return Target("telegram", "channel", handle.lower(), f"https://t.me/s/{handle}", handle)


def _page_only(kind: str, name: str, text: str) -> Target:
    return Target("telegram", kind, name, text, form=Form.NOT_CAPTURED, what=f"{NOT_CAPTURED[kind]} of Telegram")


def _public(
    kind: str, handle: str, names: dict[str, str], query: dict[str, str], text: str
) -> Target | NoTarget | None:
    """A post, comment or story of a channel with a name. None: what stands in the place of a number is a word."""
    found = number(names["id"], LARGEST_ID)
    if found is None:
        # `/name/about` is no post either, but nothing that looks like one.
        return _no_number(kind, names["id"]) if names["id"][:1].isdigit() else None
    if "topic" in names and number(names["topic"], LARGEST_ID) is None:
        return _no_number(kind, names["topic"]) if names["topic"][:1].isdigit() else None
    if kind == "story":
        return Target("telegram", "story", f"{handle.lower()}/s/{found}", f"https://t.me/{handle}/s/{found}", handle)
    # A link to a comment names the comment, not the post above it.
    if "comment" in query:
        comment = number(query["comment"], LARGEST_ID)
        if comment is None:
            return _no_number("comment", query["comment"])
        return Target("telegram", "comment", f"{handle.lower()}/{found}#{comment}", text, handle)
    single = "single" in query
    url = f"https://t.me/{handle}/{found}" + ("?single" if single else "")
    return Target("telegram", "post", f"{handle.lower()}/{found}", url, handle, single)


def _private(names: dict[str, str], query: dict[str, str], text: str) -> Target | NoTarget:
    """A channel or post without a name, which its members see."""
    channel = number(names["channel"], LARGEST_CHAT)
    if channel is None:
        return _no_number("channel", names["channel"])
    if "id" not in names:
        return Target("telegram", "private channel", str(channel), f"https://t.me/c/{channel}")
    message = number(names["id"], LARGEST_ID)
    if message is None:
        return _no_number("post", names["id"])
    post, single = f"{channel}/{message}", "single" in query
    if "comment" in query:
        comment = number(query["comment"], LARGEST_ID)
        if comment is None:
            return _no_number("comment", query["comment"])
        return Target("telegram", "comment", f"c/{post}#{comment}", text)
    return Target(
        "telegram", "private post", post, f"https://t.me/c/{post}" + ("?single" if single else ""), None, single
    )


def _no_number(kind: str, found: str) -> NoTarget:
    return mistyped(
        f"a {kind} of Telegram", f"a number up to {LARGEST_ID if kind != 'channel' else LARGEST_CHAT}", found
    )


FORMS = LinkForms(owns=owns, read=read, read_text=read_text, bare=("t.me", "telegram.me"), post_id=post_id)
