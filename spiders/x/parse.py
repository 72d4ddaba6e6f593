"""What X's answers say. Total: any bytes give posts or a typed reason.

Layouts: GraphQL of 2023–2026 (also as FxEmbed keeps it), syndication, API v1.1, API v2, and the page's own HTML.
Where a fact has stood in several places over the years, all are read, the newest first.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from spiders.html import tree
from spiders.posts import Attachment, Census, Outcome, Parsed, Post, Time
from spiders.shapes import NESTING, at, count, dicts, length_of, load, number, obj, text_of, walk

PARSER = "x/1"
_STATUS = re.compile(
    r"https?://(?:[\w-]+\.)?(?:twitter|x)\.com/(?:i/(?:web/)?|(\w{1,20})/)status(?:es)?/(\d{1,20})", re.IGNORECASE
)
_TOMBSTONES = [
    # (words of the tombstone, outcome, kind). The first that fits; X says no more than this.
    ("age-restricted", Outcome.REFUSED, "age-restricted"),
    ("limits who can view", Outcome.REFUSED, "protected"),
    ("protected", Outcome.REFUSED, "protected"),
    ("adult content", Outcome.REFUSED, "age-restricted"),
    ("sensitive", Outcome.REFUSED, "sensitive"),
    ("withheld", Outcome.REFUSED, "withheld"),
    ("you're blocked", Outcome.REFUSED, "blocks the reader"),
    ("you’re blocked", Outcome.REFUSED, "blocks the reader"),
    ("deleted by the", Outcome.UNAVAILABLE, "deleted by the author"),
    ("was deleted", Outcome.UNAVAILABLE, "deleted"),
    ("suspended", Outcome.UNAVAILABLE, "account suspended"),
    ("no longer exists", Outcome.UNAVAILABLE, "account gone"),
    ("violated", Outcome.UNAVAILABLE, "removed by X"),
    ("unavailable", Outcome.UNAVAILABLE, "unavailable"),
]
_UNAVAILABLE = {
    "nsfwloggedout": (Outcome.REFUSED, "age-restricted: shown only to people who are logged in"),
    "nsfwviewerisunderage": (Outcome.REFUSED, "age-restricted"),
    "nsfwviewerhasnostatedage": (Outcome.REFUSED, "age-restricted"),
    "protected": (Outcome.REFUSED, "protected: shown only to approved followers"),
    "blockedauthor": (Outcome.REFUSED, "blocks the reader"),
    "loggedout": (Outcome.REFUSED, "login required"),
    "suspended": (Outcome.UNAVAILABLE, "account suspended"),
    "deactivated": (Outcome.UNAVAILABLE, "account deactivated"),
    "offboarded": (Outcome.UNAVAILABLE, "account gone"),
    "deleted": (Outcome.UNAVAILABLE, "deleted"),
}
_ERRORS = {
    # https://developer.x.com/en/support/x-api/error-troubleshooting and what the web client meets
    17: (Outcome.UNAVAILABLE, "no such account"),
    34: (Outcome.UNAVAILABLE, "not found"),
    50: (Outcome.UNAVAILABLE, "no such account"),
    63: (Outcome.UNAVAILABLE, "account suspended"),
    144: (Outcome.UNAVAILABLE, "no post with that id"),
    421: (Outcome.UNAVAILABLE, "not found"),
    422: (Outcome.UNAVAILABLE, "removed by X"),
    179: (Outcome.REFUSED, "protected"),
    22: (Outcome.REFUSED, "not authorised"),
    32: (Outcome.REFUSED, "login not accepted"),
    37: (Outcome.REFUSED, "not authorised"),
    64: (Outcome.REFUSED, "the account used is suspended"),
    89: (Outcome.REFUSED, "login expired"),
    215: (Outcome.REFUSED, "login required"),
    239: (Outcome.REFUSED, "guest token not accepted"),
    326: (Outcome.BLOCKED, "the account used is locked"),
    353: (Outcome.REFUSED, "login required"),
    88: (Outcome.BLOCKED, "rate limit"),
    130: (Outcome.BLOCKED, "over capacity"),
    131: (Outcome.BLOCKED, "internal error of X"),
    366: (Outcome.BLOCKED, "rejected as automated"),
}


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Posts of an answer of X. Shape: bytes as decoded from their content coding; never raises."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        value = load(data)
        if value is None:
            return _none("x/json", Outcome.PARTIAL, "malformed JSON")
        return _json(value, data, url)
    if start == b"<":
        return _html(data, url)
    if not data.strip():
        return _none("x/empty", Outcome.PARTIAL, "an empty answer")
    return _none("x/unknown", Outcome.PARTIAL, "neither JSON nor HTML")


def is_x(value: Any) -> bool:
    """Whether a JSON value has one of X's shapes, for files that come without their link."""
    if isinstance(value, list):
        return bool(value) and is_x(value[0])
    if not isinstance(value, dict):
        return False
    if "id_str" in value and ("full_text" in value or "text" in value):
        return True
    if value.get("__typename") in ("Tweet", "TweetTombstone", "TweetUnavailable"):
        return True
    data = value.get("data")
    if isinstance(data, dict | list) and _is_v2(value):
        return True
    if any(_NAMES & item.keys() for _, item in _first(value)):
        return True
    errors = dicts(value.get("errors"))
    return bool(errors) and all("message" in item and ("code" in item or "extensions" in item) for item in errors)


_NAMES = {"tweet_results", "tweetResult", "user_results", "user_result_by_screen_name", "screen_name", "retweet_count"}


def _first(value: Any, most: int = 2000) -> Iterator[tuple[str, dict[str, Any]]]:
    for seen, pair in enumerate(walk(value)):
        if seen >= most:
            return
        yield pair


def _none(layout: str, outcome: Outcome, reason: str, **page: Any) -> Parsed:
    return Parsed("x", layout, outcome=outcome, reason=reason, page=page, parser=PARSER)


def asked_id(url: str | None) -> str | None:
    """The post id that a request was about: in a post's link, a syndication link, or GraphQL variables."""
    if not url:
        return None
    if match := _STATUS.search(url):
        return match[2]
    match = re.search(r"[?&]id=(\d{1,20})(?:&|$)", url) or re.search(
        r"(?:focalTweetId|tweetId)(?:%22|\")(?:%3A|:)(?:%20)?(?:%22|\")(\d{1,20})", url
    )
    return match[1] if match else None


# -- JSON: which layout ---------------------------------------------------------------------------------


def _json(value: Any, data: bytes, url: str | None) -> Parsed:
    if isinstance(value, list):
        posts = [post for item in dicts(value) for post in _legacy_posts(item)]
        return _done("x/v1.1", posts, value, None, url)
    if not isinstance(value, dict):
        return _none("x/unknown", Outcome.PARTIAL, "JSON of a layout that is not X's")
    if _is_v2(value):
        return _v2(value, url)
    if value.get("__typename") == "Tweet" or "mediaDetails" in value:
        return _done("x/syndication", list(_syndication(value, url)), value, None, url)
    if "tombstone" in value or value.get("__typename") in ("TweetTombstone", "TweetUnavailable"):
        return _done("x/syndication", [_tombstone(value, asked_id(url))], value, None, url)
    if "id_str" in value and ("full_text" in value or "text" in value):
        return _done("x/v1.1", list(_legacy_posts(value)), value, None, url)
    return _graphql(value, data, url)


def _done(layout: str, posts: list[Post], value: Any, census: Census | None, url: str | None) -> Parsed:
    """Each post once: an answer may carry the same one as reply, quote and timeline entry."""
    once: dict[str, Post] = {}
    for number_, post in enumerate(posts):
        once.setdefault(post.id or f"#{number_}", post)
    listed = tuple(once.values())
    errors = dicts(value.get("errors")) if isinstance(value, dict) else []
    page: dict[str, Any] = {"errors": [text_of(item.get("message")) for item in errors]} if errors else {}
    outcome: Outcome | None = None
    reason: str | None = None
    wanted = asked_id(url)
    about = next((post for post in listed if post.id == wanted), None) if wanted else None
    if about is None and len(listed) == 1:
        about = listed[0]
    if about is not None and about.outcome is not Outcome.CAPTURED:
        outcome, reason = about.outcome, about.reason
    elif not listed:
        outcome, reason = _no_posts(value, errors)
    counted = (census,) if census is not None else ()
    return Parsed("x", layout, listed, counted, outcome=outcome, reason=reason, page=page, parser=PARSER)


def _no_posts(value: Any, errors: list[dict[str, Any]]) -> tuple[Outcome, str]:
    for error in errors:
        code = count(error.get("code")) or count(at(error, "extensions", "code"))
        said = text_of(error.get("message")) or text_of(error.get("detail")) or text_of(error.get("title"))
        if code in _ERRORS:
            outcome, reason = _ERRORS[code]
            return outcome, f"{reason} (error {code}: {said})"
        kind = text_of(error.get("type")) or ""
        if kind.endswith("resource-not-found"):
            return Outcome.UNAVAILABLE, said or "not found"
        if kind.endswith("not-authorized-for-resource"):
            return Outcome.REFUSED, said or "not authorised"
        return Outcome.FAILED, f"X answered with an error: {said or 'without a message'}"
    if isinstance(value, dict) and value.get("data") in ({"tweetResult": {}}, {}):
        return Outcome.UNAVAILABLE, "X answered without a post; deleted, never there or not shown to us"
    return Outcome.PARTIAL, "no post in the answer"


# -- GraphQL ------------------------------------------------------------------------------------------------


def _graphql(value: dict[str, Any], data: bytes, url: str | None) -> Parsed:
    nodes: list[tuple[dict[str, Any], str | None]] = []
    promoted = 0
    for key, item, entry in _results(value.get("data", value)):
        if entry.startswith("promoted"):
            promoted += 1
            continue
        nodes.append((item, _entry_id(entry) if key == "tweet_results" else None))
    posts = []
    for item, entry_id in nodes:
        kind = item.get("__typename")
        if kind in ("TweetTombstone", "TweetUnavailable"):
            posts.append(_tombstone(item, entry_id or (asked_id(url) if len(nodes) == 1 else None)))
        else:
            posts.append(_tweet(item))
    read = sum(1 for item, _ in nodes if isinstance(item.get("legacy"), dict) and "full_text" in item["legacy"])
    census = Census("full_text", len(re.findall(rb'"full_text"\s*:', data)), read + promoted)
    if not posts and (profile := _profile(value.get("data"))):
        return Parsed("x", "x/profile", reason="facts about an account, no post", page=profile, parser=PARSER)
    if not posts and not dicts(value.get("errors")) and "data" not in value:
        return _none("x/unknown", Outcome.PARTIAL, "JSON of a layout that is not X's")
    return _done("x/graphql", posts, value, census, url)


def _results(value: Any) -> list[tuple[str, dict[str, Any], str]]:
    """(key, result, id of the timeline entry) of every post in an answer, outer ones before those they quote."""
    found: list[tuple[str, dict[str, Any], str]] = []

    def visit(item: Any, key: str, entry: str, level: int) -> None:
        if level > NESTING:
            return
        if type(item) is list:
            for inner in item:
                if type(inner) is dict or type(inner) is list:
                    visit(inner, key, entry, level + 1)
            return
        if "entryId" in item:
            entry = text_of(item["entryId"]) or entry
        if "promotedMetadata" in item:
            entry = "promoted"
        legacy = item.get("legacy")
        if type(legacy) is dict and "full_text" in legacy:
            found.append((key, item, entry))
        elif item.get("__typename") in ("TweetTombstone", "TweetUnavailable"):
            found.append((key, item, entry))
            return
        for name, inner in item.items():
            if type(inner) is dict or type(inner) is list:
                visit(inner, key if name == "result" else name, entry, level + 1)

    if isinstance(value, dict | list):
        visit(value, "", "", 0)
    return found


def _entry_id(entry: str) -> str | None:
    match = re.search(r"tweet-(\d{1,20})$", entry)
    return match[1] if match else None


def _unwrapped(result: Any) -> dict[str, Any] | None:
    """The post inside `TweetWithVisibilityResults`, or the result itself."""
    if not isinstance(result, dict):
        return None
    inner = result.get("tweet")
    return inner if isinstance(inner, dict) else result


def _tweet(node: dict[str, Any]) -> Post:
    """A post of GraphQL: `legacy` beside newer fields (layouts of 2023 to 2026)."""
    legacy: dict[str, Any] = node["legacy"]
    user = obj(at(node, "core", "user_results", "result"))
    handle = text_of(at(user, "core", "screen_name")) or text_of(at(user, "legacy", "screen_name"))
    name = text_of(at(user, "core", "name")) or text_of(at(user, "legacy", "name"))
    author = text_of(at(user, "rest_id")) or text_of(legacy.get("user_id_str"))
    post_id = text_of(node.get("rest_id")) or text_of(legacy.get("id_str"))
    note = at(node, "note_tweet", "note_tweet_results", "result")
    note_text = at(note, "text")
    text = html.unescape(note_text) if isinstance(note_text, str) else _shown(legacy)
    quoted = _unwrapped(at(node, "quoted_status_result", "result"))
    reposted = _unwrapped(at(legacy, "retweeted_status_result", "result"))
    reposted_id = text_of(at(reposted, "rest_id")) or text_of(at(reposted, "legacy", "id_str"))
    quoted_id = (
        text_of(legacy.get("quoted_status_id_str"))
        or text_of(at(quoted, "rest_id"))
        or text_of(at(node, "quotedRefResult", "result", "rest_id"))
    )
    entities = at(note, "entity_set") or legacy.get("entities")
    extra = {
        **_common(legacy, entities),
        "source": _plain(node.get("source")),
        "views_state": text_of(at(node, "views", "state")),
        "long_post": True if note_text else None,
        "community_note": True if node.get("has_birdwatch_notes") else None,
        "conversation_control": text_of(at(legacy, "conversation_control", "policy")),
        "community": text_of(at(node, "community_results", "result", "name")),
        "account": _account(user),
    }
    card = _card(at(node, "card", "legacy") or node.get("card"))
    return _post(
        legacy, post_id, handle, name, author, text, card, extra,
        edit=node.get("edit_control"),
        views=count(at(node, "views", "count")),
        quoted_id=quoted_id,
        forwarded=reposted_id or text_of(at(legacy, "retweeted_status_id_str")),
    )  # fmt: skip


def _post(
    legacy: dict[str, Any],
    post_id: str | None,
    handle: str | None,
    name: str | None,
    author: str | None,
    text: str | None,
    card: tuple[Attachment | None, dict[str, Any] | None],
    extra: dict[str, Any],
    edit: Any = None,
    views: int | None = None,
    quoted_id: str | None = None,
    forwarded: str | None = None,
) -> Post:
    """What the legacy fields say, with what the layouts keep in different places handed in."""
    media = at(legacy, "extended_entities", "media") or legacy.get("mediaDetails") or at(legacy, "entities", "media")
    attachments = [_medium(item, number_, post_id) for number_, item in enumerate(dicts(media))]
    poll, preview = card
    if poll is not None:
        attachments.append(poll)
    edits, edited = _edits(edit, legacy)
    place = at(legacy, "place")
    if text_of(at(place, "full_name")):
        attachments.append(Attachment("location", None, post_id=post_id, extra=_place(place, legacy)))
    missing = next((item.reason for item in attachments if item.reason), None)
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=handle,
        author_name=name,
        author_id=author,
        published=when(legacy.get("created_at"), "created_at"),
        text=text,
        lang=text_of(legacy.get("lang")),
        attachments=tuple(attachments),
        reply_to=text_of(legacy.get("in_reply_to_status_id_str")),
        forwarded_from=forwarded,
        quoted_id=quoted_id,
        views=views,
        likes=count(legacy.get("favorite_count")),
        replies=count(legacy.get("reply_count")),
        reposts=count(legacy.get("retweet_count")),
        quotes=count(legacy.get("quote_count")),
        bookmarks=count(legacy.get("bookmark_count")),
        edited=edited,
        edit_history_ids=edits,
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED,
        reason=missing,
        duration=next((item.duration for item in attachments if item.kind == "video"), None),
        extra={
            key: value for key, value in {**extra, "link_preview": preview}.items() if value is not None and value != []
        },
    )


def _edits(control: Any, legacy: dict[str, Any]) -> tuple[tuple[str, ...] | None, bool | None]:
    """Ids of all versions, oldest first, and whether there is more than one. None where nothing is said."""
    ids = at(control, "edit_tweet_ids") or at(control, "edit_control_initial", "edit_tweet_ids")
    if not isinstance(ids, list):
        ids = legacy.get("edit_history_tweet_ids")
    listed = tuple(item for item in ids if isinstance(item, str)) if isinstance(ids, list) else None
    if listed:
        return listed, len(listed) > 1
    said = legacy.get("isEdited")
    return None, said if isinstance(said, bool) else None


def _shown(legacy: dict[str, Any]) -> str | None:
    """The text that is shown: `display_text_range` counts code points of the text as sent, entities still encoded."""
    text = legacy.get("full_text")
    if not isinstance(text, str):
        text = legacy.get("text")
    if not isinstance(text, str):
        return None
    bounds = legacy.get("display_text_range")
    if isinstance(bounds, list) and len(bounds) == 2:
        start, end = count(bounds[0]), count(bounds[1])
        if start is not None and end is not None and 0 <= start <= end:
            text = text[start:end]
    return html.unescape(text)


def _common(legacy: dict[str, Any], entities: Any) -> dict[str, Any]:
    withheld = legacy.get("withheld_in_countries") or at(legacy, "withheld", "country_codes")
    mentions = dicts(at(entities, "user_mentions"))
    return {
        "conversation_id": text_of(legacy.get("conversation_id_str")) or text_of(legacy.get("conversation_id")),
        "reply_to_handle": text_of(legacy.get("in_reply_to_screen_name")),
        "reply_to_author_id": text_of(legacy.get("in_reply_to_user_id_str")),
        "thread_id": text_of(at(legacy, "self_thread", "id_str")),
        "hashtags": [text for item in dicts(at(entities, "hashtags")) if (text := text_of(item.get("text")))],
        "mentions": [name for item in mentions if (name := text_of(item.get("screen_name")))],
        "links": [
            link
            for item in dicts(at(entities, "urls"))
            if (link := text_of(item.get("expanded_url")) or text_of(item.get("url")))
        ],
        "sensitive": legacy["possibly_sensitive"] if isinstance(legacy.get("possibly_sensitive"), bool) else None,
        "withheld_in": withheld if isinstance(withheld, list) and withheld else None,
        "full_text": html.unescape(legacy["full_text"])
        if isinstance(legacy.get("full_text"), str) and legacy.get("display_text_range")
        else None,
    }


def _account(user: Any) -> dict[str, Any] | None:
    """What the answer says of the author's account: followers, creation, marks."""
    legacy = obj(at(user, "legacy"))
    facts = {
        "followers": count(at(legacy, "followers_count")) or count(at(user, "relationship_counts", "followers")),
        "posts": count(at(legacy, "statuses_count")) or count(at(user, "tweet_counts", "tweets")),
        "created": text_of(at(user, "core", "created_at")) or text_of(at(legacy, "created_at")),
        "avatar": text_of(at(user, "avatar", "image_url")) or text_of(at(legacy, "profile_image_url_https")),
        "location": text_of(at(user, "location", "location")) or text_of(at(legacy, "location")),
        "blue_mark": user.get("is_blue_verified") if isinstance(user.get("is_blue_verified"), bool) else None,
    }
    known = {key: value for key, value in facts.items() if value is not None}
    return known or None


def _medium(item: dict[str, Any], position: int, post_id: str | None) -> Attachment:
    """A photo, video or looping clip. All variants are listed; the best by bitrate is the one to fetch."""
    kind = {"photo": "photo", "video": "video", "animated_gif": "gif"}.get(str(item.get("type")), "file")
    still = text_of(item.get("media_url_https")) or text_of(item.get("media_url"))
    facts: dict[str, Any] = {
        "media_id": text_of(item.get("id_str")) or _key_id(item.get("media_key")),
        "alt": text_of(item.get("ext_alt_text")) or text_of(item.get("alt_text")),
        "position": position,
    }
    size = at(item, "original_info") or obj(at(item, "sizes", "large"))
    width = count(at(size, "width")) or count(at(size, "w"))
    height = count(at(size, "height")) or count(at(size, "h"))
    gone = text_of(at(item, "ext_media_availability", "reason")) or text_of(at(item, "media_availability", "reason"))
    if kind in ("video", "gif"):
        info = obj(item.get("video_info"))
        variants = _variants(dicts(at(info, "variants")))
        best = next((variant for variant in variants if variant.get("bitrate") is not None), None)
        best = best or next((variant for variant in variants if "mpegurl" not in variant["content_type"].lower()), None)
        best = best or (variants[0] if variants else None)
        hls = next((variant["url"] for variant in variants if "mpegurl" in variant["content_type"].lower()), None)
        facts |= {"variants": variants, "hls_url": hls, "bitrate": best.get("bitrate") if best else None}
        milliseconds = at(info, "duration_millis") or item.get("duration_ms")
        return Attachment(
            kind,
            best["url"] if best else None,
            width,
            height,
            length_of(milliseconds, 1000),
            thumbnail=still,
            post_id=post_id,
            reason=None if best else f"the video is not offered ({gone or 'no variant in the answer'})",
            extra={key: value for key, value in facts.items() if value is not None},
        )
    if still and kind == "photo":
        facts["original"] = original(still)
    reason = None if still else f"no link to it ({gone or 'not in the answer'})"
    extra = {key: value for key, value in facts.items() if value is not None}
    return Attachment(kind, still, width, height, post_id=post_id, reason=reason, extra=extra)


def original(url: str) -> str:
    """The link of a photo's largest version. The plain link gives a smaller one."""
    if "pbs.twimg.com/media/" not in url:
        return url
    match = re.fullmatch(r"(https?://pbs\.twimg\.com/media/[\w-]+)\.(jpg|jpeg|png|webp|gif)(?::\w+)?", url)
    if match:
        return f"{match[1]}?format={match[2]}&name=orig"
    return re.sub(r"([?&]name=)\w+", r"\1orig", url)


def _key_id(key: Any) -> str | None:
    return key.rpartition("_")[2] if isinstance(key, str) and "_" in key else None


def _variants(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Best first: X does not sort them."""
    listed = []
    for item in items:
        if url := text_of(item.get("url")) or text_of(item.get("src")):
            rate = count(item.get("bitrate")) if "bitrate" in item else count(item.get("bit_rate"))
            kind = text_of(item.get("content_type")) or text_of(item.get("type")) or ""
            listed.append({"url": url, "content_type": kind, "bitrate": rate})
    return sorted(listed, key=lambda item: -1 if item["bitrate"] is None else item["bitrate"], reverse=True)


def _card(card: Any) -> tuple[Attachment | None, dict[str, Any] | None]:
    """(poll, link preview) of a card; `binding_values` is a list in GraphQL, an object in syndication."""
    name = text_of(at(card, "name"))
    if name is None:
        return None, None
    bound = card.get("binding_values")
    values: dict[str, Any] = {}
    pairs = (
        bound.items() if isinstance(bound, dict) else ((item.get("key"), item.get("value")) for item in dicts(bound))
    )
    for key, value in pairs:
        if isinstance(key, str) and isinstance(value, dict):
            found = value.get("string_value", value.get("boolean_value"))
            values[key] = found if found is not None else at(value, "image_value", "url")
    if re.fullmatch(r"(?:.*:)?poll\dchoice_\w+", name):
        return _poll(name, values), None
    preview = {
        "name": name,
        "title": text_of(values.get("title")),
        "description": text_of(values.get("description")),
        "domain": text_of(values.get("vanity_url")) or text_of(values.get("domain")),
        "url": text_of(values.get("card_url")) or text_of(at(card, "url")),
        "image": text_of(values.get("photo_image_full_size_original"))
        or text_of(values.get("thumbnail_image_original"))
        or text_of(values.get("player_image_original")),
    }
    return None, {key: value for key, value in preview.items() if value is not None}


def _poll(name: str, values: dict[str, Any]) -> Attachment:
    options = []
    for position in range(1, 5):
        label = text_of(values.get(f"choice{position}_label"))
        if label is not None:
            options.append({"text": label, "votes": count(values.get(f"choice{position}_count"))})
    final = values.get("counts_are_final")
    facts = {
        "card_name": name,
        "options": options,
        "final": final if isinstance(final, bool) else {"true": True, "false": False}.get(str(final)),
        "end_utc": text_of(values.get("end_datetime_utc")),
        "duration_minutes": count(values.get("duration_minutes")),
        "counted_at": text_of(values.get("last_updated_datetime_utc")),
        "image": text_of(values.get("image_original")),
    }
    return Attachment("poll", None, extra={key: value for key, value in facts.items() if value is not None})


def _place(place: Any, legacy: dict[str, Any]) -> dict[str, Any]:
    point = at(legacy, "coordinates", "coordinates") or at(legacy, "geo", "coordinates", "coordinates")
    facts = {
        "name": text_of(at(place, "full_name")),
        "country": text_of(at(place, "country")),
        "country_code": text_of(at(place, "country_code")),
        "place_type": text_of(at(place, "place_type")),
        "longitude": number(at(point, 0)),
        "latitude": number(at(point, 1)),
    }
    return {key: value for key, value in facts.items() if value is not None}


def _tombstone(item: dict[str, Any], post_id: str | None) -> Post:
    """A post that X names and does not show. It has no author or time; the id is the request's or the entry's."""
    said = (
        text_of(at(item, "tombstone", "text", "text"))
        or text_of(at(item, "tombstone", "text"))
        or text_of(at(item, "tombstoneInfo", "text"))
    )
    code = text_of(item.get("reason"))
    if said is None:
        outcome, reason = _UNAVAILABLE.get(
            (code or "").lower(), (Outcome.UNAVAILABLE, f"X shows nothing in its place{f' ({code})' if code else ''}")
        )
        if code is None:
            # Seen for age-gated posts too: it does not mean that the post is gone.
            outcome, reason = Outcome.REFUSED, "X shows nothing in its place and does not say why"
        return Post("x", post_id, _link(post_id), outcome=outcome, reason=reason, extra={"tombstone": code or "bare"})
    lower = said.lower()
    for words, outcome, kind in _TOMBSTONES:
        if words in lower:
            return Post(
                "x", post_id, _link(post_id), outcome=outcome, reason=f"{kind}: {said}", extra={"tombstone": kind}
            )
    return Post("x", post_id, _link(post_id), outcome=Outcome.REFUSED, reason=said, extra={"tombstone": "other"})


def _link(post_id: str | None) -> str | None:
    return f"https://x.com/i/status/{post_id}" if post_id else None


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
                "description": text_of(at(legacy, "description")) or text_of(at(item, "profile_bio", "description")),
                "based_in": text_of(at(item, "about_profile", "account_based_in")),
                "name_changes": count(at(item, "about_profile", "username_changes", "count")),
                **(_account(item) or {}),
            }
            return {key_: value for key_, value in facts.items() if value is not None}
    return {}


# -- syndication and API v1.1 ---------------------------------------------------------------------------------


def _syndication(value: dict[str, Any], url: str | None) -> Iterator[Post]:
    """A post as `cdn.syndication.twimg.com/tweet-result` gives it, the one it quotes, and the one it answers."""
    user = obj(value.get("user"))
    quoted, parent = value.get("quoted_tweet"), value.get("parent")
    extra = {
        **_common(value, value.get("entities")),
        "conversation_count": count(value.get("conversation_count")),
        "cut": True if at(value, "note_tweet", "id") else None,
        "account": _account({"legacy": user, "is_blue_verified": user.get("is_blue_verified")}),
    }
    if "reply_count" not in value and "conversation_count" in value:
        value = {**value, "reply_count": value["conversation_count"]}
    media = value.get("mediaDetails")
    if isinstance(media, list) and isinstance(value.get("photos"), list):
        value = {**value, "mediaDetails": _sized(media, value["photos"])}
    # Syndication's text is given as it stands: its ranges also cut the mentions that a reply begins with.
    post_id, text = text_of(value.get("id_str")) or asked_id(url), value.get("text")
    post = _post(
        value, post_id, text_of(at(user, "screen_name")), text_of(at(user, "name")), text_of(at(user, "id_str")),
        html.unescape(text) if isinstance(text, str) else None, _card(value.get("card")), extra,
        value.get("edit_control"),
        quoted_id=text_of(at(quoted, "id_str")) or text_of(value.get("quoted_status_id_str")),
    )  # fmt: skip
    if extra["cut"] and post.outcome is Outcome.CAPTURED:
        # Syndication gives only the beginning of a long post; GraphQL has the whole.
        post = Post(
            **{**post.__dict__, "outcome": Outcome.PARTIAL, "reason": "a long post: only its beginning is public"}
        )
    yield post
    for other in (quoted, parent):
        if isinstance(other, dict) and ("id_str" in other or "tombstone" in other):
            if "tombstone" in other:
                yield _tombstone(other, None)
            else:
                yield from _syndication(other, None)


def _sized(media: list[Any], photos: list[Any]) -> list[Any]:
    """Syndication's quoted posts carry the pixel sizes in `photos` only."""
    sizes = {text_of(item.get("url")): item for item in dicts(photos)}
    return [
        {**item, "original_info": sizes[item.get("media_url_https")]}
        if not at(item, "original_info", "width") and item.get("media_url_https") in sizes
        else item
        for item in dicts(media)
    ]


def _legacy_posts(value: dict[str, Any]) -> Iterator[Post]:
    """API v1.1: a status, the status it reposts, the status it quotes."""
    if "id_str" not in value:
        return
    user = obj(value.get("user"))
    whole = value.get("extended_tweet")
    if isinstance(whole, dict):
        value = {**value, **whole}
    reposted, quoted = value.get("retweeted_status"), value.get("quoted_status")
    extra = {**_common(value, value.get("entities")), "source": _plain(value.get("source"))}
    extra["account"] = _account({"legacy": user}) if isinstance(user, dict) else None
    yield _post(
        value, text_of(value.get("id_str")), text_of(at(user, "screen_name")), text_of(at(user, "name")),
        text_of(at(user, "id_str")), _shown(value), _card(value.get("card")), extra,
        quoted_id=text_of(value.get("quoted_status_id_str")) or text_of(at(quoted, "id_str")),
        forwarded=text_of(at(reposted, "id_str")),
    )  # fmt: skip
    for other in (reposted, quoted):
        if isinstance(other, dict):
            yield from _legacy_posts(other)


# -- API v2 ---------------------------------------------------------------------------------------------------


def _is_v2(value: dict[str, Any]) -> bool:
    data = value.get("data")
    first = data[0] if isinstance(data, list) and data else data
    if isinstance(first, dict) and "id" in first and "text" in first:
        return True
    return data is None and any(
        str(item.get("type", "")).startswith("https://api.t") for item in dicts(value.get("errors"))
    )


def _v2(value: dict[str, Any], url: str | None) -> Parsed:
    data = value.get("data")
    items = dicts(data) if isinstance(data, list) else [data] if isinstance(data, dict) else []
    includes = obj(value.get("includes"))
    users = {text_of(user.get("id")): user for user in dicts(at(includes, "users"))}
    media = {text_of(medium.get("media_key")): medium for medium in dicts(at(includes, "media"))}
    polls = {text_of(poll.get("id")): poll for poll in dicts(at(includes, "polls"))}
    places = {text_of(place.get("id")): place for place in dicts(at(includes, "places"))}
    posts = [_v2_post(item, users, media, polls, places) for item in items if "text" in item]
    posts += [_v2_post(item, users, media, polls, places) for item in dicts(at(includes, "tweets")) if "text" in item]
    parsed = _done("x/v2", posts, value, None, url)
    if retrieved := text_of(at(value, "__twarc", "retrieved_at")):
        parsed.page["retrieved_at"] = retrieved
    return parsed


def _v2_post(
    item: dict[str, Any],
    users: dict[str | None, dict[str, Any]],
    media: dict[str | None, dict[str, Any]],
    polls: dict[str | None, dict[str, Any]],
    places: dict[str | None, dict[str, Any]],
) -> Post:
    user = users.get(text_of(item.get("author_id"))) or {}
    counts = obj(item.get("public_metrics"))
    refers = {str(entry.get("type")): text_of(entry.get("id")) for entry in dicts(item.get("referenced_tweets"))}
    attachments = []
    missing = None
    keys = at(item, "attachments", "media_keys")
    for position, key in enumerate(keys if isinstance(keys, list) else []):
        medium = media.get(key)
        kinds = {"3": "photo", "7": "video", "13": "video", "16": "gif"}
        if medium is None:
            missing = "the answer names media that it does not include"
            kind = kinds.get(str(key).partition("_")[0], "file")
            attachments.append(Attachment(kind, None, reason=missing, extra={"media_key": str(key)}))
            continue
        shaped = {
            **medium,
            "media_url_https": medium.get("url") or medium.get("preview_image_url"),
            "original_info": medium,
            "video_info": {"variants": medium.get("variants"), "duration_millis": medium.get("duration_ms")},
        }
        attachments.append(_medium(shaped, position, text_of(item.get("id"))))
    poll_ids = at(item, "attachments", "poll_ids")
    for poll_id in poll_ids if isinstance(poll_ids, list) else []:
        poll = polls.get(poll_id) or {}
        options = [
            {"text": text_of(o.get("label")), "votes": count(o.get("votes"))} for o in dicts(poll.get("options"))
        ]
        facts = {"options": options, "end_utc": text_of(poll.get("end_datetime"))}
        facts["duration_minutes"] = count(poll.get("duration_minutes"))  # type: ignore[assignment]
        attachments.append(Attachment("poll", None, extra=facts))
    if place := places.get(text_of(at(item, "geo", "place_id"))):
        attachments.append(Attachment("location", None, extra=_place(place, item)))
    entities = obj(item.get("entities"))
    extra = {
        "conversation_id": text_of(item.get("conversation_id")),
        "reply_to_author_id": text_of(item.get("in_reply_to_user_id")),
        "source": text_of(item.get("source")),
        "sensitive": item["possibly_sensitive"] if isinstance(item.get("possibly_sensitive"), bool) else None,
        "withheld_in": at(item, "withheld", "country_codes"),
        "hashtags": [tag for entry in dicts(at(entities, "hashtags")) if (tag := text_of(entry.get("tag")))],
        "mentions": [name for entry in dicts(at(entities, "mentions")) if (name := text_of(entry.get("username")))],
        "links": [
            link for entry in dicts(at(entities, "urls"))
            if (link := text_of(entry.get("expanded_url"))) and "media_key" not in entry
        ],
    }  # fmt: skip
    post_id, handle = text_of(item.get("id")), text_of(user.get("username"))
    ids = item.get("edit_history_tweet_ids")
    edits = tuple(entry for entry in ids if isinstance(entry, str)) if isinstance(ids, list) else None
    text = item.get("text")
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=handle,
        author_name=text_of(user.get("name")),
        author_id=text_of(item.get("author_id")),
        published=when(item.get("created_at"), "created_at"),
        text=html.unescape(text) if isinstance(text, str) else None,
        lang=text_of(item.get("lang")),
        attachments=tuple(attachments),
        reply_to=refers.get("replied_to"),
        forwarded_from=refers.get("retweeted"),
        quoted_id=refers.get("quoted"),
        views=count(at(counts, "impression_count")),
        likes=count(at(counts, "like_count")),
        replies=count(at(counts, "reply_count")),
        reposts=count(at(counts, "retweet_count")),
        quotes=count(at(counts, "quote_count")),
        bookmarks=count(at(counts, "bookmark_count")),
        edited=len(edits) > 1 if edits else None,
        edit_history_ids=edits,
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED,
        reason=missing,
        duration=next((entry.duration for entry in attachments if entry.kind == "video"), None),
        extra={key: value for key, value in extra.items() if value is not None and value != []},
    )


# -- the page -----------------------------------------------------------------------------------------------------


def _html(data: bytes, url: str | None) -> Parsed:
    """A post's page. Logged out it is a shell of scripts; what it says stands in its head, or in a rendered DOM."""
    document = tree(data)
    if document is None:
        return _none("x/html", Outcome.PARTIAL, "no markup")
    meta: dict[str, str] = {}
    for item in document.iter("meta"):
        name = item.get("property") or item.get("name")
        if name and item.get("content"):
            meta.setdefault(name, item.get("content"))
    links = [item.get("href") or "" for item in document.iter("link") if (item.get("rel") or "") == "canonical"]
    where = next((m for link in (meta.get("og:url", ""), *links, url or "") if (m := _STATUS.search(link))), None)
    scripts = [item.get("src") for item in document.iter("script") if "/client-web/main." in (item.get("src") or "")]
    page = {"main_script": scripts[0]} if scripts else {}
    if where is None:
        return Parsed(
            "x", "x/html", outcome=Outcome.PARTIAL, reason="a page of X without a post", page=page, parser=PARSER
        )
    handle, post_id = where[1], where[2]
    article = document.xpath("//article[@data-testid='tweet']")
    if article:
        post: Post | None = _rendered(article[0], handle, post_id)
    else:
        post = _from_head(meta, handle, post_id)
    if post is None:
        reason = "a shell of scripts: the page shows nothing of the post without running them"
        return Parsed("x", "x/shell", outcome=Outcome.PARTIAL, reason=reason, page=page, parser=PARSER)
    layout = "x/rendered" if article else "x/head"
    return Parsed("x", layout, (post,), outcome=None, page=page, parser=PARSER)


def _from_head(meta: dict[str, str], handle: str | None, post_id: str) -> Post | None:
    title, said = meta.get("og:title"), meta.get("og:description")
    named = re.fullmatch(r"(.*?) \(@(\w{1,20})\) on (?:X|Twitter)", title or "", re.DOTALL)
    quoted = re.fullmatch(r"(.*?) on (?:X|Twitter): [\"“](.*)[\"”](?: / (?:X|Twitter))?", title or "", re.DOTALL)
    if named and said:
        name, text = named[1], said
        handle = handle or named[2]
    elif quoted:
        name, text = quoted[1], quoted[2]
    else:
        return None
    image = meta.get("og:image")
    shown = image if image and "/media/" in image else None
    attachments = (Attachment("photo", shown, post_id=post_id, extra={"original": original(shown)}),) if shown else ()
    return Post(
        "x", post_id, f"https://x.com/{handle or 'i'}/status/{post_id}", handle, name,
        text=text, attachments=attachments,
        outcome=Outcome.PARTIAL, reason="the page's head only: it gives no time, and may leave files out",
    )  # fmt: skip


def _rendered(article: Any, handle: str | None, post_id: str) -> Post:
    """A DOM that a browser saved after the scripts ran."""
    body = article.xpath(".//*[@data-testid='tweetText']")
    text = "".join(body[0].itertext()) if body else None
    names = article.xpath(".//*[@data-testid='User-Name']")
    words = [word.strip() for word in names[0].itertext() if word.strip()] if names else []
    account = next((word[1:] for word in words if re.fullmatch(r"@\w{1,20}", word)), handle)
    times = article.xpath(".//a[contains(@href, $id)]//time/@datetime", id=f"/status/{post_id}")
    times = times or article.xpath(".//time/@datetime")
    attachments = [
        Attachment("photo", source, post_id=post_id, extra={"original": original(source)})
        for source in article.xpath(".//*[@data-testid='tweetPhoto']//img/@src")
        if "/media/" in source and not article.xpath(".//video")
    ]
    for video in article.xpath(".//video"):
        source = video.get("src") or ""
        usable = source if source.startswith("https://") else None
        reason = None if usable else "a rendered page gives no link to the video"
        attachments.append(Attachment("video", usable, thumbnail=video.get("poster"), post_id=post_id, reason=reason))
    missing = next((item.reason for item in attachments if item.reason), None)
    return Post(
        "x", post_id, f"https://x.com/{account or 'i'}/status/{post_id}", account, words[0] if words else None,
        published=when(times[0], "time[datetime]") if times else None, text=text, attachments=tuple(attachments),
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED, reason=missing,
    )  # fmt: skip


# -- small things -------------------------------------------------------------------------------------------------


def when(value: Any, source: str) -> Time | None:
    """`Tue Mar 21 20:50:14 +0000 2006` or ISO 8601 with its offset, as UTC."""
    if not isinstance(value, str) or not value:
        return None
    try:
        found = datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return Time(None, None, False, value, source)
    known = found.tzinfo is not None
    try:
        moment = found.astimezone(UTC) if known else None
    except OverflowError:
        return Time(None, None, known, value, source)
    return Time(moment, "second", known, value, source)


def id_time(post_id: str) -> datetime | None:
    """The millisecond that an id was made at (a "snowflake"), for ids since November 2010; else None."""
    if not post_id.isdigit() or int(post_id) < 1 << 32 or int(post_id) >= 1 << 63:
        return None
    return datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC) + timedelta(milliseconds=int(post_id) >> 22)


def _plain(value: Any) -> str | None:
    """`<a href=…>Twitter Web App</a>` → its text."""
    found = text_of(value)
    return re.sub(r"<[^>]{0,300}>", "", html.unescape(found)) or None if found else None
