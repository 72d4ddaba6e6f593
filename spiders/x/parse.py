"""What X's answers say. Total: any bytes give posts or a typed reason.

Layouts: GraphQL of 2023–2026 (also as FxEmbed keeps it), syndication, API v1.1, API v2, and the page's own HTML.
Where a fact has stood in several places over the years, all are read, the newest first.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from spiders.availability import absence
from spiders.html import tree
from spiders.json_access import NESTING, at, count, dicts, load, obj, shape, text_of, walk
from spiders.posts import Absence, Availability, Census, Outcome, Parsed, Post
from spiders.x.absence import ACCOUNT_STATES
from spiders.x.around import around, grok_files, unread
from spiders.x.common import (
    PARSER,
    Legacy,
    XAuthor,
    account_of,
    asked_id,
    common_facts,
    distinct,
    done,
    first_known,
    none,
    plain,
    post_of,
    shown_text,
    tombstone,
)
from spiders.x.fxtwitter import is_fxtwitter, parse_fxtwitter
from spiders.x.page import page_post
from spiders.x.status import statuses, syndicated
from spiders.x.v2 import is_v2, parse_v2

NOT_SHOWN = ("TweetTombstone", "TweetUnavailable")


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Parse an answer of X into posts, or a typed reason. `data`: content coding removed. Never raises."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        value = load(data)
        if value is None:
            return none("x/json", Outcome.PARTIAL, "malformed JSON")
        return _json(value, data, url)
    if start == b"<":
        return timeline_page(data, url) if b"__NEXT_DATA__" in data else page_post(data, url)
    if not data.strip():
        return none("x/empty", Outcome.PARTIAL, "an empty answer")
    return none("x/unknown", Outcome.PARTIAL, "neither JSON nor HTML")


def is_x(value: Any) -> bool:
    """Return whether a JSON value has one of X's shapes, for files that come without their link."""
    if isinstance(value, list):
        return bool(value) and is_x(value[0])
    if not isinstance(value, dict):
        return False
    if "id_str" in value and ("full_text" in value or "text" in value):
        return True
    if value.get("__typename") in ("Tweet", *NOT_SHOWN):
        return True
    data = value.get("data")
    if isinstance(data, dict | list) and is_v2(value):
        return True
    if is_fxtwitter(value) or any(_is_part(key, item) for key, item in _first(value)):
        return True
    errors = dicts(value.get("errors"))
    return bool(errors) and all("message" in item and ("code" in item or "extensions" in item) for item in errors)


_NAMES = {"tweet_results", "tweetResult", "user_results", "user_result_by_screen_name", "retweet_count"}
_TYPES = {"UserUnavailable", "TweetWithVisibilityResults", "TimelineTweet", *NOT_SHOWN}
_ACCOUNT = {"id_str", "rest_id", "profile_image_url_https", "is_blue_verified"}
"""What stands beside `screen_name` on X: VK has accounts with that name too."""


def _is_part(key: str, item: dict[str, Any]) -> bool:
    """Whether an object inside an answer is one of X's alone."""
    if _NAMES & item.keys() or text_of(item.get("__typename")) in _TYPES:
        return True
    return "screen_name" in item and (key == "core" or bool(_ACCOUNT & item.keys()))


def _first(value: Any, most: int = 2000) -> Iterator[tuple[str, dict[str, Any]]]:
    for seen, pair in enumerate(walk(value)):
        if seen >= most:
            return
        yield pair


def _json(value: Any, data: bytes, url: str | None) -> Parsed:
    if isinstance(value, list):
        posts = [post for item in dicts(value) for post in statuses(item)]
        return done("x/v1.1", posts, value, None, url)
    if not isinstance(value, dict):
        return none("x/unknown", Outcome.PARTIAL, f"unknown layout: {shape(value)}")
    if is_v2(value):
        return parse_v2(value, url)
    if is_fxtwitter(value):
        return parse_fxtwitter(value)
    if value.get("__typename") == "Tweet" or "mediaDetails" in value:
        return done("x/syndication", list(syndicated(value, url)), value, None, url)
    if "tombstone" in value or value.get("__typename") in ("TweetTombstone", "TweetUnavailable"):
        return done("x/syndication", [tombstone(value, asked_id(url))], value, None, url)
    if "id_str" in value and ("full_text" in value or "text" in value):
        return done("x/v1.1", list(statuses(value)), value, None, url)
    return _graphql(value, data, url)


def _graphql(value: dict[str, Any], data: bytes, url: str | None) -> Parsed:
    others = _other_entries(value.get("data", value))
    met = _results(value.get("data", value))
    found = [item for item in met if not item.entry.startswith("promoted")]
    promoted = len(met) - len(found)
    posts = []
    for item in found:
        if item.node.get("__typename") in NOT_SHOWN:
            own = item.named or (asked_id(url) if len(found) == 1 else None)
            posts.append(tombstone(item.node, own))
        else:
            posts.append(_tweet(item))
    read = sum(1 for item in found if "full_text" in obj(item.node.get("legacy")))
    census = Census("full_text", len(re.findall(rb'"full_text"\s*:', data)), read + promoted)
    if not posts and not others["cursors"] and (profile := _profile(value.get("data"))):
        return _account(profile)
    if not posts and not dicts(value.get("errors")) and "data" not in value:
        return none("x/unknown", Outcome.PARTIAL, f"unknown layout: {shape(value)}")
    parsed = done("x/graphql", posts, value, census, url)
    if entries := set(_ENTRY.findall(data)):
        ids = {(post.id or "").encode("utf-8", "replace") for post in posts}
        parsed = replace(parsed, census=(*parsed.census, Census("entryId tweet-", len(entries), len(entries & ids))))
    if not others["cursors"]:
        return parsed
    if not posts and not dicts(value.get("errors")):  # the end of a timeline is a page of cursors
        parsed = replace(parsed, outcome=None, reason="no posts on this page", absence=None)
    facts = {"promoted": promoted or None, "who_to_follow": others["suggested"] or None}
    page = {**parsed.page, **{key: item for key, item in facts.items() if item}}
    more = {"threads": others["threads"]} if others["threads"] else {}
    return replace(parsed, older=others["cursors"].get("Bottom"), page=page, hints={**parsed.hints, **more})


_ENTRY = re.compile(rb"\"entryId\"\s*:\s*\"(?!promoted)(?:[\w-]*-)?tweet-(\d{1,20})\"")
"""Entries of a timeline that are posts, advertisements left out: each must have been read, or be a tombstone."""


def _account(profile: dict[str, Any]) -> Parsed:
    """Facts about an account; with them, whether it is there at all."""
    known = ACCOUNT_STATES.first_in(str(profile.get("state") or ""))
    outcome, kind = (known.outcome, known.kind) if known else (None, None)
    if known is None and profile.get("unavailable"):
        outcome, kind = Outcome.UNAVAILABLE, "no such account"
    reason = f"{kind}: {profile.get('state') or 'X shows no account'}" if outcome else "facts about an account, no post"
    said = absence(kind, profile.get("state")) if outcome else Absence(Availability.PRESENT)
    return Parsed(
        platform="x", layout="x/profile", outcome=outcome, reason=reason, page=profile, parser=PARSER, absence=said
    )


def _other_entries(value: Any) -> dict[str, Any]:
    """What a timeline holds beside posts: cursors by their kind, the "show more" of threads, accounts to follow."""
    cursors: dict[str, str] = {}
    threads: list[str] = []
    suggested = 0
    for _, item in walk(value):
        kind, text = item.get("cursorType"), text_of(item.get("value"))
        if isinstance(kind, str) and text:
            if kind in ("ShowMore", "ShowMoreThreads", "ShowMoreThreadsPrompt"):
                threads.append(text)
            else:
                cursors[kind] = text
        if str(item.get("entryId", "")).startswith(("who-to-follow", "whoToFollow")):
            suggested += 1
    return {"cursors": cursors, "threads": list(dict.fromkeys(threads)), "suggested": suggested}


def timeline_page(data: bytes, url: str | None = None) -> Parsed:
    """Parse a profile as X shows it to sites that embed it (`srv/timeline-profile`): `__NEXT_DATA__`, v1.1 posts."""
    document = tree(data)
    scripts = document.xpath("//script[@id='__NEXT_DATA__']") if document is not None else []
    value = load(scripts[0].text or "") if scripts else None
    entries = at(value, "props", "pageProps", "timeline", "entries")
    if not isinstance(entries, list):
        return none("x/timeline", Outcome.PARTIAL, f"unknown layout: no timeline in the page ({shape(value)})")
    tweets = [obj(at(item, "content", "tweet")) for item in dicts(entries) if item.get("type") == "tweet"]
    posts = [post for item in tweets for post in statuses(item)]
    raw = len(re.findall(rb"\"entry_id\"\s*:\s*\"tweet-", data))
    shown = [text_of(item.get("id_str")) for item in tweets if "id_str" in item]
    header = at(value, "props", "pageProps", "headerProps", "screenName")
    page = {"account": text_of(header), "shown": [item for item in shown if item]}
    census = Census("entry_id tweet-", raw, len(shown))
    listed = distinct(posts)
    reason = None if listed else "X's public timeline shows no posts of it"
    return Parsed(
        platform="x",
        layout="x/timeline",
        posts=listed,
        census=(census,),
        reason=reason,
        page=page,
        parser=PARSER,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A post in an answer of GraphQL, with what stands around it."""

    node: dict[str, Any]
    entry: str = ""
    """Id of the timeline entry that it stands in; "promoted" for an advertisement."""
    named: str | None = None
    """The id by which its entry, or the post that quotes it, names it."""
    pinned: bool = False
    notice: str | None = None
    """X's words over a post that it shows with limits."""


def _results(value: Any) -> list[_Found]:
    """Every post in an answer, outer ones before those they quote."""
    found: list[_Found] = []

    def visit(item: Any, key: str, around: _Found, level: int) -> None:
        if level > NESTING:
            return
        if type(item) is list:
            for inner in item:
                if type(inner) is dict or type(inner) is list:
                    visit(inner, key, around, level + 1)
            return
        around = _around(item, key, around)
        legacy = item.get("legacy")
        if type(legacy) is dict and "full_text" in legacy:
            found.append(replace(around, node=item))
        elif item.get("__typename") in NOT_SHOWN:
            found.append(replace(around, node=item))
            return
        elif at(item, "core", "user_results") is not None and text_of(item.get("rest_id")):
            found.append(replace(around, node=item))  # a post without its text: said so, never passed over
        for name, inner in item.items():
            if type(inner) is dict or type(inner) is list:
                same = name == "result" or (name == "tweet" and item.get("__typename") == LIMITED)
                visit(inner, key if same else name, _inside(item, name, around), level + 1)

    if isinstance(value, dict | list):
        visit(value, "", _Found(node={}), 0)
    return found


LIMITED = "TweetWithVisibilityResults"


def _around(item: dict[str, Any], key: str, around: _Found) -> _Found:
    """What an object adds to what is known of the posts inside it."""
    if "entryId" in item:
        entry = text_of(item["entryId"]) or around.entry
        around = replace(around, entry=entry)
    if "promotedMetadata" in item:
        around = replace(around, entry="promoted")
    if item.get("type") == "TimelinePinEntry":
        around = replace(around, pinned=True)
    if key == "tweet_results" and around.named is None:
        around = replace(around, named=_entry_id(around.entry))
    if item.get("__typename") == LIMITED:
        said = text_of(at(item, "tweetInterstitial", "text", "text"))
        around = replace(around, notice=said) if said else around
    return around


def _inside(item: dict[str, Any], name: str, around: _Found) -> _Found:
    """What is known of a post that another one quotes or reposts: the id by which that one names it."""
    own = {"quoted_status_result": "quoted_status_id_str", "retweeted_status_result": "retweeted_status_id_str"}
    if name not in own:
        return around
    legacy = item if "full_text" in item else obj(item.get("legacy"))
    named = text_of(legacy.get(own[name])) or text_of(at(item, "quotedRefResult", "result", "rest_id"))
    return _Found(node={}, entry=around.entry, named=named or "")


def _entry_id(entry: str) -> str | None:
    match = re.search(r"tweet-(\d{1,20})$", entry)
    return match[1] if match else None


def _unwrapped(result: Any) -> dict[str, Any] | None:
    """The post inside `TweetWithVisibilityResults`, or the result itself."""
    if not isinstance(result, dict):
        return None
    inner = result.get("tweet")
    return inner if isinstance(inner, dict) else result


def _tweet(found: _Found) -> Post:
    """A post of GraphQL: `legacy` beside newer fields (layouts of 2023 to 2026)."""
    node = found.node
    legacy: dict[str, Any] = obj(node.get("legacy"))
    note = at(node, "note_tweet", "note_tweet_results", "result")
    note_text = at(note, "text")
    text = html.unescape(note_text) if isinstance(note_text, str) else shown_text(legacy)
    reposted = _unwrapped(at(legacy, "retweeted_status_result", "result"))
    reposted_id = text_of(at(reposted, "rest_id")) or text_of(at(reposted, "legacy", "id_str"))
    entities = at(note, "entity_set") or legacy.get("entities")
    extra = {
        **common_facts(legacy, entities),
        "source": plain(node.get("source")),
        "views_state": text_of(at(node, "views", "state")),
        "long_post": True if note_text else None,
        **around(node),
        "conversation_control": text_of(at(legacy, "conversation_control", "policy")),
        "pinned": True if found.pinned else None,
        "notice": found.notice,
        "unread": unread(node, legacy),
        "account": account_of(at(node, "core", "user_results", "result")),
    }
    post_id = text_of(node.get("rest_id")) or text_of(legacy.get("id_str"))
    cut = isinstance(node.get("note_tweet"), dict) and node["note_tweet"] and not isinstance(note_text, str)
    read = post_of(
        Legacy(
            fields=legacy,
            id=post_id,
            author=_author(node),
            text=text,
            card=at(node, "card", "legacy") or node.get("card"),
            extra=extra,
            edit=node.get("edit_control"),
            views=count(at(node, "views", "count")),
            quoted_id=_quoted_id(node),
            forwarded=reposted_id or text_of(at(legacy, "retweeted_status_id_str")),
            article=node.get("article"),
            lacks="a long post: the answer has only its beginning" if cut else None,
            files=grok_files(node.get("grok_share_attachment"), post_id),
        )
    )
    if "full_text" in legacy:
        return read
    return replace(
        read, outcome=Outcome.PARTIAL, reason="unknown layout: the answer names the post and has no text of it"
    )


def _author(node: dict[str, Any]) -> XAuthor:
    user = at(node, "core", "user_results", "result")
    return XAuthor(
        handle=text_of(at(user, "core", "screen_name")) or text_of(at(user, "legacy", "screen_name")),
        name=text_of(at(user, "core", "name")) or text_of(at(user, "legacy", "name")),
        id=text_of(at(user, "rest_id")) or text_of(at(node, "legacy", "user_id_str")),
    )


def _quoted_id(node: dict[str, Any]) -> str | None:
    quoted = _unwrapped(at(node, "quoted_status_result", "result"))
    return (
        text_of(at(node, "legacy", "quoted_status_id_str"))
        or text_of(at(quoted, "rest_id"))
        or text_of(at(node, "quotedRefResult", "result", "rest_id"))
    )


def _profile(data: Any) -> dict[str, Any]:
    """Facts about an account, where an answer is about one."""
    for key, item in walk(data):
        if key in ("result", "user_results", "user", "user_result_by_screen_name") and (
            item.get("__typename") in ("User", "UserUnavailable") or isinstance(item.get("legacy"), dict)
        ):
            legacy = obj(item.get("legacy"))
            facts = {
                "account": text_of(at(item, "core", "screen_name")) or text_of(at(legacy, "screen_name")),
                "name": text_of(at(item, "core", "name")) or text_of(at(legacy, "name")),
                "id": text_of(item.get("rest_id")),
                "state": text_of(item.get("message")) or text_of(item.get("reason")),
                "unavailable": True if item.get("__typename") == "UserUnavailable" else None,
                "protected": True
                if legacy.get("protected") is True or at(item, "privacy", "protected") is True
                else None,
                "posts_stated": first_known(
                    count(at(legacy, "statuses_count")), count(at(item, "tweet_counts", "tweets"))
                ),
                "description": text_of(at(legacy, "description")) or text_of(at(item, "profile_bio", "description")),
                "based_in": text_of(at(item, "about_profile", "account_based_in")),
                "name_changes": count(at(item, "about_profile", "username_changes", "count")),
                **(account_of(item) or {}),
            }
            return {key_: value for key_, value in facts.items() if value is not None}
    return {}
