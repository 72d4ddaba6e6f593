"""How links of Telegram look: t.me and its mirrors, `tg:` links, @names, and numbers of chats. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from spiders.link_forms import Link, LinkForms, NoTarget, Row, Target, first_match, split_link, tidied
from spiders.links import safe_split

HOSTS = frozenset({"t.me", "telegram.me", "telegram.dog", "www.t.me", "www.telegram.me"})
WEB_CLIENT = "web.telegram.org"
_HANDLE = r"(?P<handle>[A-Za-z][A-Za-z0-9_]{2,63})"
PATHS: list[Row] = [
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


def owns(host: str) -> bool:
    """Return whether a host is Telegram's; `name.t.me` is a channel's own."""
    return host in HOSTS or host == WEB_CLIENT or (host.endswith(".t.me") and host.count(".") == 2)


def read(link: Link) -> Target | NoTarget | None:
    """Parse a link on one of Telegram's hosts."""
    if link.host == WEB_CLIENT:
        return _in_web_client(link.fragment.partition("_")[0])
    path = link.path if link.host in HOSTS else f"/{link.host.split('.')[0]}{link.path}"
    return _by_path(path, link.query, link.text)


def read_text(text: str) -> Target | NoTarget | None:
    """Parse an @name, a `tg:` link or the number of a chat; None for any other text."""
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{2,63}", text):
        return Target("telegram", "channel", text[1:].lower(), f"https://t.me/s/{text[1:]}", text[1:])
    if text.startswith("tg:"):
        return _of_app(text)
    if re.fullmatch(r"-[1-9]\d{3,17}", text):
        return _by_number(int(text))
    return None


def post_id(target: Target) -> str:
    """Return a post's id as the parsers write it: `name/12`, `c/1500000001/12`, `name/12?comment=501`."""
    if target.kind == "private post":
        return f"c/{target.id}"
    return target.id.replace("#", "?comment=") if target.kind == "comment" else target.id


def _in_web_client(chat: str) -> Target | None:
    """The chat that the web client shows, by name or number, as it stands behind `#`."""
    if not chat:
        return None
    text = tidied(chat if chat[0] in "@-" else f"@{chat}")
    found = read_text(text)
    if found is None and isinstance(link := split_link(text), Link) and link.host in HOSTS:
        found = read(link)
    return found if isinstance(found, Target) else None


def _of_app(text: str) -> Target | NoTarget:
    """What a `tg:` link names, which opens the app."""
    parts = safe_split(text)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    command = (parts.netloc or parts.path).strip("/")
    found: Target | NoTarget | None
    if command == "resolve" and "domain" in query:
        post = f"/{query['post']}" if "post" in query else ""
        found = _by_path(f"/{query['domain']}{post}", query, text)
    elif command == "privatepost" and {"channel", "post"} <= query.keys():
        found = _by_path(f"/c/{query['channel']}/{query['post']}", query, text)
    elif command == "openmessage" and "chat_id" in query:
        chat = query["chat_id"]
        found = _by_number(-abs(int(chat)) if re.fullmatch(r"-?\d{1,18}", chat) else 0, query.get("message_id"))
    elif command == "join" and "invite" in query:
        found = _by_path(f"/+{query['invite']}", query, text)
    else:
        return NoTarget("a tg: link without a post or channel", "Open the post in Telegram and copy its t.me link.")
    return found or NoTarget("not a Telegram link", "Copy the post's t.me link.")


def _by_number(number: int, message: str | None = None) -> Target | NoTarget | None:
    """A chat by its number as Telegram's apps and bots write it: -100… a channel or supergroup, else a basic group."""
    if number < -(10**12):
        bare = -number - 10**12
        return _by_path(f"/c/{bare}/{message}" if message and message.isdigit() else f"/c/{bare}", {}, "")
    if -(10**11) < number < 0:
        return Target("telegram", "private group", str(-number), f"tg://openmessage?chat_id={number}")
    return NoTarget("no number of a channel or group", "Give it as -100… for a channel, or copy a link of a post.")


def _by_path(path: str, query: dict[str, str], text: str) -> Target | NoTarget | None:
    """What the path of a t.me link names. `text`: the whole link, for what has no shorter form."""
    found = first_match(PATHS, path)
    if found is None:
        return None
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


FORMS = LinkForms(owns=owns, read=read, read_text=read_text, bare=("t.me", "telegram.me"), post_id=post_id)
