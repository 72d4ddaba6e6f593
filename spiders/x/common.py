"""What all layouts of X share: posts out of legacy fields, media, polls, tombstones, errors, times."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spiders import dates
from spiders.availability import KINDS, absence
from spiders.json_access import at, count, dicts, number, obj, strings, text_of
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post, Time
from spiders.x.absence import ERRORS, TOMBSTONES, UNAVAILABLE
from spiders.x.around import cut_short, withheld_notice
from spiders.x.article import Article, article_of, told
from spiders.x.cards import card_of
from spiders.x.media import medium_of

PARSER = "x/2"

STATUS = re.compile(
    r"https?://(?:[\w-]+\.)?(?:twitter|x)\.com/(?:i/(?:web/)?|(\w{1,20})/)status(?:es)?/(\d{1,20})", re.IGNORECASE
)


def none(layout: str, outcome: Outcome, reason: str, **page: Any) -> Parsed:
    """Make the result for an answer of X without a post."""
    return Parsed(platform="x", layout=layout, outcome=outcome, reason=reason, page=page, parser=PARSER)


_WITHHELD_IN = re.compile(r"withheld in (.{2,80}?) (?:based on|in response to|due to)")


def presence(about: Post | None) -> Absence | None:
    """Return what X says of the presence of the post that was asked for. Only X's own boxes are looked at."""
    if about is None:
        return None
    if "tombstone" in about.extra:
        kind = about.extra["tombstone"]
        named = _WITHHELD_IN.search(about.reason or "") if kind == "withheld" else None
        where = _countries(about) or (tuple(re.split(r", | and ", named[1])) if named else ())
        return (
            absence(kind, about.reason, where)
            if kind in KINDS
            else Absence(Availability.UNKNOWN, kind, None, about.reason)
        )
    if countries := _countries(about):
        return absence("withheld", where=countries)
    return Absence(Availability.PRESENT)


def _countries(about: Post) -> tuple[str, ...]:
    """Where a post is withheld, or else its author's account with all that is in it."""
    listed = about.extra.get("withheld_in") or at(about.extra.get("account"), "withheld_in")
    return tuple(strings(listed))


def asked_id(url: str | None) -> str | None:
    """Return the post id that a request was about: from a post's link, a syndication link, or GraphQL variables."""
    if not url:
        return None
    if match := STATUS.search(url):
        return match[2]
    match = re.search(r"[?&]id=(\d{1,20})(?:&|$)", url) or re.search(
        r"(?:focalTweetId|tweetId)(?:%22|\")(?:%3A|:)(?:%20)?(?:%22|\")(\d{1,20})", url
    )
    return match[1] if match else None


_SHOWN = (Outcome.CAPTURED, Outcome.PARTIAL)


def done(layout: str, posts: list[Post], value: Any, census: Census | None, url: str | None) -> Parsed:
    """Make the result for an answer, with each post once: it may appear as reply, quote and timeline entry."""
    listed = distinct(posts)
    errors = dicts(value.get("errors")) if isinstance(value, dict) else []
    page: dict[str, Any] = {"errors": [_said(item) for item in errors]} if errors else {}
    outcome: Outcome | None = None
    reason: str | None = None
    wanted = asked_id(url)
    about = next((post for post in listed if post.id == wanted), None) if wanted else None
    if about is None and len(listed) == 1:
        about = listed[0]
    if about is not None and about.outcome is not Outcome.CAPTURED and not about.lacks_only_extracts:
        outcome, reason = about.outcome, about.reason
    said = presence(about)
    if said is None and wanted is None and any(item.outcome in _SHOWN for item in listed):
        said = Absence(Availability.PRESENT)  # a list is there, whatever stands in place of its first post
    if not listed:
        outcome, reason, kind = _no_posts(value, errors)
        said = absence(kind, reason)
    counted = (census,) if census is not None else ()
    return Parsed(
        platform="x",
        layout=layout,
        posts=listed,
        census=counted,
        outcome=outcome,
        reason=reason,
        page=page,
        parser=PARSER,
        absence=said,
    )


def distinct(posts: Iterable[Post]) -> tuple[Post, ...]:
    """Return each post once, in order; where it is named in one place and shown in another, as it is shown."""
    once: dict[str, Post] = {}
    for number_, post in enumerate(posts):
        key = post.id or f"#{number_}"
        if key not in once or ("tombstone" in once[key].extra and "tombstone" not in post.extra):
            once[key] = post
    return tuple(once.values())


def ending(asked: str | None, about: Post | None) -> tuple[Outcome | None, str | None]:
    """Return how a page that shows posts ends, and why: by the post that was asked for, where one was."""
    if asked and about is None:
        return Outcome.PARTIAL, "the page shows posts, and not the one that was asked for"
    if about is not None and about.outcome is not Outcome.CAPTURED:
        return about.outcome, about.reason
    return None, None


def _said(error: dict[str, Any]) -> str | None:
    return text_of(error.get("message")) or text_of(error.get("detail")) or text_of(error.get("title"))


def _no_posts(value: Any, errors: list[dict[str, Any]]) -> tuple[Outcome, str, str | None]:
    """(outcome, reason, kind) of an answer without posts."""
    for error in errors:
        code = count(error.get("code")) or count(at(error, "extensions", "code"))
        said = _said(error)
        if (known := ERRORS.named(str(code))) is not None:
            return known.outcome, f"{known.kind} (error {code}: {said})", known.kind
        kind = text_of(error.get("type")) or ""
        if kind.endswith("resource-not-found"):
            return Outcome.UNAVAILABLE, said or "not found", "not found"
        if kind.endswith("not-authorized-for-resource"):
            return Outcome.REFUSED, said or "not authorised", "not authorised"
        return Outcome.FAILED, f"X answered with an error: {said or 'without a message'}", "server error"
    if isinstance(value, dict) and value.get("data") in ({"tweetResult": {}}, {}):
        return Outcome.UNAVAILABLE, "X answered without a post; deleted, never there or not shown to us", None
    return Outcome.PARTIAL, "no post in the answer", None


@dataclass(frozen=True, kw_only=True)
class XAuthor:
    """Who wrote a post, as its answer says."""

    handle: str | None
    name: str | None
    id: str | None


@dataclass(frozen=True, kw_only=True)
class Legacy:
    """A post in the fields of API v1.1, which all layouts still have.

    Beside them: what each layout keeps in a place of its own.
    """

    fields: dict[str, Any]
    id: str | None
    author: XAuthor
    text: str | None
    card: Any
    extra: dict[str, Any]
    edit: Any = None
    views: int | None = None
    quoted_id: str | None = None
    forwarded: str | None = None
    article: Any = None
    lacks: str | None = None
    """Why the text is not whole, where the layout says so."""
    files: tuple[Attachment, ...] = ()
    """What hangs on the post in places of its layout alone."""


def post_of(given: Legacy) -> Post:
    """Make the post from its fields."""
    legacy, post_id = given.fields, given.id
    attachments, article, preview = _attachments(given)
    edits, edited = _edits(given.edit, legacy)
    text, about = told(article, given.text)
    missing = given.lacks or cut_short(legacy) or (article.lacks if article else None)
    missing = missing or next((item.reason for item in attachments if item.reason), None)
    outcome, withheld = Outcome.PARTIAL if missing else Outcome.CAPTURED, withheld_notice(legacy)
    facts: dict[str, Any] = {"article": about, "link_preview": preview}
    if withheld is not None:
        kind, notice = withheld
        outcome = Outcome.REFUSED if kind == "withheld" else Outcome.UNAVAILABLE
        text, missing, facts = None, f"{kind}: {notice}", {**facts, "tombstone": kind, "full_text": None}
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{given.author.handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=given.author.handle,
        author_name=given.author.name,
        author_id=given.author.id,
        published=when(legacy.get("created_at"), "created_at"),
        title=article.title if article else None,
        text=text,
        lang=text_of(legacy.get("lang")),
        attachments=tuple(attachments),
        reply_to=text_of(legacy.get("in_reply_to_status_id_str")),
        forwarded_from=given.forwarded,
        quoted_id=given.quoted_id,
        views=given.views,
        likes=count(legacy.get("favorite_count")),
        replies=count(legacy.get("reply_count")),
        reposts=count(legacy.get("retweet_count")),
        quotes=count(legacy.get("quote_count")),
        bookmarks=count(legacy.get("bookmark_count")),
        edited=edited,
        edit_history_ids=edits,
        outcome=outcome,
        reason=missing,
        duration=next((item.duration for item in attachments if item.kind == "video"), None),
        extra={key: value for key, value in {**given.extra, **facts}.items() if value is not None and value != []},
    )


def _attachments(given: Legacy) -> tuple[list[Attachment], Article | None, dict[str, Any] | None]:
    """All that hangs on a post: media, then what its card, its article and its layout hold, then its place."""
    legacy, post_id = given.fields, given.id
    media = at(legacy, "extended_entities", "media") or legacy.get("mediaDetails") or at(legacy, "entities", "media")
    attachments = [medium_of(item, number_, post_id) for number_, item in enumerate(dicts(media))]
    card = card_of(given.card, post_id, len(attachments))
    attachments += card.attachments
    article = article_of(given.article, post_id, len(attachments))
    attachments += [*(article.attachments if article else ()), *given.files]
    if facts := place_of(at(legacy, "place"), legacy):
        attachments.append(Attachment("location", None, post_id=post_id, extra=facts))
    return attachments, article, card.preview


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


def shown_text(legacy: dict[str, Any]) -> str | None:
    """Return the text that is shown.

    `display_text_range` counts code points of the text as sent, entities still encoded.
    """
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


def common_facts(legacy: dict[str, Any], entities: Any) -> dict[str, Any]:
    """Collect what every layout says in the fields of API v1.1: thread, reply, tags, mentions, links, marks."""
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


def first_known(*found: int | None) -> int | None:
    """Return the first number that is known; zero is a number."""
    return next((item for item in found if item is not None), None)


def account_of(user: Any) -> dict[str, Any] | None:
    """Collect what the answer says of the author's account: followers, creation, marks."""
    user = obj(user)
    legacy = obj(at(user, "legacy"))
    withheld = at(user, "profile_bio", "withheld_in_countries") or legacy.get("withheld_in_countries")
    facts = {
        "followers": first_known(
            count(at(legacy, "followers_count")), count(at(user, "relationship_counts", "followers"))
        ),
        "posts": first_known(count(at(legacy, "statuses_count")), count(at(user, "tweet_counts", "tweets"))),
        "created": text_of(at(user, "core", "created_at")) or text_of(at(legacy, "created_at")),
        "avatar": text_of(at(user, "avatar", "image_url")) or text_of(at(legacy, "profile_image_url_https")),
        "location": text_of(at(user, "location", "location")) or text_of(at(legacy, "location")),
        "blue_mark": user.get("is_blue_verified") if isinstance(user.get("is_blue_verified"), bool) else None,
        "withheld_in": strings(withheld) or None,
        "withheld_scope": text_of(at(user, "profile_bio", "withheld_scope")) or text_of(legacy.get("withheld_scope")),
    }
    known = {key: value for key, value in facts.items() if value is not None}
    return known or None


def place_of(place: Any, legacy: dict[str, Any]) -> dict[str, Any]:
    """Return what a post says about its place: names, country, longitude and latitude in degrees.

    A point may stand without a named place. `coordinates` is GeoJSON (longitude first); the older `geo` of API v1.1
    has the latitude first.
    """
    point = at(legacy, "coordinates", "coordinates") or at(legacy, "geo", "coordinates", "coordinates")
    latitude_first = at(legacy, "geo", "coordinates")
    if not isinstance(point, list) and isinstance(latitude_first, list) and len(latitude_first) == 2:
        point = latitude_first[::-1]
    facts = {
        "name": text_of(at(place, "full_name")) or text_of(at(place, "name")),
        "country": text_of(at(place, "country")),
        "country_code": text_of(at(place, "country_code")),
        "place_type": text_of(at(place, "place_type")),
        "place_id": text_of(at(place, "id")) or text_of(at(legacy, "geo", "place_id")),
        "longitude": number(at(point, 0)),
        "latitude": number(at(point, 1)),
    }
    return {key: value for key, value in facts.items() if value is not None}


def tombstone(item: dict[str, Any], post_id: str | None) -> Post:
    """Make a post that X names and does not show, without author or time; its id is the request's or the entry's."""
    said = (
        text_of(at(item, "tombstone", "text", "text"))
        or text_of(at(item, "tombstone", "text"))
        or text_of(at(item, "tombstoneInfo", "text"))
    )
    code = text_of(item.get("reason"))
    if said is not None:
        words = TOMBSTONES.first_in(said)
        if words is None:
            return _not_shown(post_id, Outcome.REFUSED, said, "other")
        return _not_shown(post_id, words.outcome, f"{words.kind}: {said}", words.kind)
    if code is None:
        # Seen for age-gated posts too: it does not mean that the post is gone.
        return _not_shown(post_id, Outcome.REFUSED, "X shows nothing in its place and does not say why", "bare")
    known = UNAVAILABLE.named(code.lower())
    if known is None:
        return _not_shown(post_id, Outcome.UNAVAILABLE, f"X shows nothing in its place ({code})", code)
    return _not_shown(post_id, known.outcome, known.meaning, known.kind)


def _not_shown(post_id: str | None, outcome: Outcome, reason: str, kind: str | None) -> Post:
    return Post(platform="x", id=post_id, url=_link(post_id), outcome=outcome, reason=reason, extra={"tombstone": kind})


def _link(post_id: str | None) -> str | None:
    return f"https://x.com/i/status/{post_id}" if post_id else None


def when(value: Any, source: str) -> Time | None:
    """Parse `Tue Mar 21 20:50:14 +0000 2006`, or ISO 8601 with its offset, to UTC."""
    if not isinstance(value, str) or not value:
        return None
    return dates.with_offset(value, source, "%a %b %d %H:%M:%S %z %Y")


def plain(value: Any) -> str | None:
    """Remove the markup: `<a href=…>Twitter Web App</a>` → its text."""
    found = text_of(value)
    return re.sub(r"<[^>]{0,300}>", "", html.unescape(found)) or None if found else None
