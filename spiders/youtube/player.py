"""A video: what the watch page, the player, `next` and info.json say of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from spiders import dates
from spiders.availability import absence
from spiders.json_access import at, count, dicts, find, gather, length_of, number, obj, strings, text_of
from spiders.posts import Absence, Attachment, Availability, Outcome, Parsed, Post, Time
from spiders.youtube.absence import REASONS, STATUSES
from spiders.youtube.authors import authors_of, first_and_others
from spiders.youtube.links import WATCH
from spiders.youtube.text import PARSER, handle_of, none, shown_count, shown_date, video_id_of, words


def playability(status: dict[str, Any]) -> tuple[Outcome, str | None, str | None]:
    """Return (outcome, reason, state) of `playabilityStatus`. "Not a bot" is a wall, never a deletion."""
    kind = text_of(status.get("status"))
    said = text_of(status.get("reason")) or text_of(at(status, "messages", 0))
    more = words(at(status, "errorScreen", "playerErrorMessageRenderer", "subreason"))
    if kind in (None, "OK"):
        return Outcome.CAPTURED, None, None
    known = STATUSES.named(kind)
    if kind != "LIVE_STREAM_OFFLINE":
        known = REASONS.first_in(f"{said or ''} {more or ''} {' '.join(strings(status.get('messages')))}") or known
    if (
        status.get("desktopLegacyAgeGateReason")
        and kind in ("LOGIN_REQUIRED", "UNPLAYABLE")
        and known is STATUSES.named(kind)
    ):
        known = STATUSES.named("AGE_VERIFICATION_REQUIRED")  # the reason is in a language that no row has
    outcome = known.outcome if known else Outcome.PARTIAL
    state = known.meaning if known else kind.lower().replace("_", " ")
    return outcome, f"{state}: {said}" if said else state, state


def state_of(said: str) -> tuple[Outcome, str] | None:
    """Return outcome and state by YouTube's own words, wherever they are quoted; None where there are none."""
    known = REASONS.first_in(said)
    return (known.outcome, known.meaning) if known else None


def nothing(url: str | None) -> Parsed:
    """Make the result for a player's `{}`: YouTube knows no such video."""
    video_id = video_id_of(url)
    reason = "YouTube answered with an empty object: it knows no video of that id"
    post = Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id if video_id else None,
        outcome=Outcome.UNAVAILABLE,
        reason=reason,
    )
    return Parsed(
        platform="youtube",
        layout="youtube/player",
        posts=(post,),
        outcome=Outcome.UNAVAILABLE,
        reason=reason,
        parser=PARSER,
        absence=absence("no video of that id", "{}"),
    )


def video(response: dict[str, Any], data: Any, url: str | None, observed: datetime | None) -> Parsed:
    """Parse a player response, with the page's `ytInitialData` beside it where there is one."""
    details = obj(response.get("videoDetails"))
    micro = obj(at(response, "microformat", "playerMicroformatRenderer"))
    outcome, reason, state = playability(obj(response.get("playabilityStatus")))
    video_id = (
        text_of(at(details, "videoId")) or text_of(at(micro, "externalVideoId")) or video_id_of(url)
        or video_id_of(text_of(at(micro, "embed", "iframeUrl")))
    )  # fmt: skip
    live = obj(at(micro, "liveBroadcastDetails"))
    status = text_of(at(response, "playabilityStatus", "status"))
    title = words(at(details, "title")) or words(at(micro, "title"))
    published = _published(micro, live, at(details, "isLiveContent"))
    attachments = (
        _media(response, video_id, details) if outcome is Outcome.CAPTURED or response.get("streamingData") else ()
    )
    owner = text_of(at(micro, "ownerProfileUrl"))
    extra = _facts(response, state, title, url)
    post = Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id if video_id else None,
        author_handle=handle_of(owner),
        author_name=text_of(at(details, "author")) or text_of(at(micro, "ownerChannelName")),
        author_id=text_of(at(details, "channelId")) or text_of(at(micro, "externalChannelId")),
        published=published,
        title=title,
        text=text_of(at(details, "shortDescription")) or words(at(micro, "description")),
        attachments=attachments,
        views=count(at(details, "viewCount")) if at(details, "viewCount") else count(at(micro, "viewCount")),
        likes=count(at(micro, "likeCount")),
        outcome=outcome,
        reason=reason,
        duration=_duration(details, micro),
        extra={key: value for key, value in extra.items() if value is not None},
    )
    hints: dict[str, Any] = {}
    if isinstance(data, dict):
        post, hints = _with_page(post, data, observed)
    page = {"playability": status, "reason": text_of(at(response, "playabilityStatus", "reason"))}
    return Parsed(
        platform="youtube", layout="youtube/watch" if data else "youtube/player", posts=(post,),
        outcome=outcome if outcome is not Outcome.CAPTURED else None, reason=reason,
        page={key: value for key, value in page.items() if value}, hints=hints, parser=PARSER,
        absence=Absence(Availability.PRESENT) if status == "OK" else absence(state, page["reason"]) if status else None,
    )  # fmt: skip


def _facts(response: dict[str, Any], state: str | None, title: str | None, url: str | None) -> dict[str, Any]:
    """What a player says of a video beside what all platforms have. `state`: as `playability` names it."""
    details = obj(response.get("videoDetails"))
    micro = obj(at(response, "microformat", "playerMicroformatRenderer"))
    live = obj(at(micro, "liveBroadcastDetails"))
    upcoming = at(details, "isUpcoming") is True or (state == "upcoming or offline")
    scheduled = _scheduled(response)
    tracks = [
        _track(item) for item in dicts(at(response, "captions", "playerCaptionsTracklistRenderer", "captionTracks"))
    ]
    return {
        "kind": "clip" if (clip := _clip(response)) else _kind(details, micro, live, upcoming, url),
        "clip": clip,
        "playability": text_of(at(response, "playabilityStatus", "status")),
        "state": state,
        "category": text_of(at(micro, "category")),
        "keywords": strings(at(details, "keywords")) or None,
        "unlisted": at(micro, "isUnlisted"),
        "family_safe": at(micro, "isFamilySafe"),
        "is_live": _is_live(details, micro, live),
        "upcoming": upcoming or None,
        "scheduled": scheduled.line() if scheduled else None,
        "live_start": _line(text_of(at(live, "startTimestamp")), "startTimestamp"),
        "live_end": _line(text_of(at(live, "endTimestamp")), "endTimestamp"),
        "uploaded": _line(text_of(at(micro, "uploadDate")), "uploadDate"),
        "duration_stated_by_page": number(at(micro, "lengthSeconds")),
        "title_shown": _other(words(at(micro, "title")), title),
        "channel_url": text_of(at(micro, "ownerProfileUrl")),
        "captions": tracks or None,
        "formats": len(dicts(at(response, "streamingData", "adaptiveFormats"))) or None,
        "available_in": len(strings(at(micro, "availableCountries"))) or None,
    }


def _clip(response: dict[str, Any]) -> dict[str, Any] | None:
    """Which part of the video a clip shows, in seconds; the answer is otherwise that of the whole video."""
    config = obj(response.get("clipConfig"))
    facts = {
        "id": text_of(config.get("postId")),
        "start": length_of(config.get("startTimeMs"), 1000)
        or (0.0 if number(config.get("startTimeMs")) == 0 else None),
        "end": length_of(config.get("endTimeMs"), 1000),
    }
    return {key: value for key, value in facts.items() if value is not None} or None


def _line(literal: str | None, source: str) -> dict[str, Any] | None:
    return dates.iso(literal, source).line() if literal else None


def _other(value: str | None, than: str | None) -> str | None:
    return value if value != than else None


def _is_live(details: Any, micro: Any, live: Any) -> bool | None:
    """A microformat without broadcast details is one of an ordinary video."""
    for said in (at(live, "isLiveNow"), at(details, "isLive")):
        if isinstance(said, bool):
            return said
    return False if micro else None


def _kind(details: Any, micro: Any, live: Any, upcoming: bool, url: str | None) -> str:
    if upcoming:
        return "upcoming"
    if at(details, "isLive") is True or at(live, "isLiveNow") is True:
        return "live"
    if live:
        return "past live or premiere"
    if at(micro, "isShortsEligible") is True or (url and "/shorts/" in url):
        return "short"
    return "video"


def _published(micro: Any, live: Any, live_content: Any) -> Time | None:
    """`publishDate` carries YouTube's Pacific offset since 2021, before that it was a bare date."""
    literal = text_of(at(micro, "publishDate")) or text_of(at(micro, "uploadDate"))
    return dates.iso(literal, "publishDate") if literal else None


def _scheduled(response: dict[str, Any]) -> Time | None:
    slate = at(response, "playabilityStatus", "liveStreamability", "liveStreamabilityRenderer", "offlineSlate")
    literal = text_of(at(slate, "liveStreamOfflineSlateRenderer", "scheduledStartTime"))
    return dates.instant(number(literal), literal, "scheduledStartTime") if literal else None


def _duration(details: Any, micro: Any) -> float | None:
    """Seconds. A live stream states 0, which means that nobody knows yet."""
    return length_of(at(details, "lengthSeconds")) or length_of(at(micro, "lengthSeconds"))


def _track(item: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "lang": text_of(item.get("languageCode")),
        "kind": text_of(item.get("kind")),
        "name": words(item.get("name")),
        "automatic": item.get("kind") == "asr",
    }
    return {key: value for key, value in facts.items() if value is not None}


def _media(response: dict[str, Any], video_id: str | None, details: Any) -> tuple[Attachment, ...]:
    """The video, by its best format. The file itself is taken by the media extractor: links are tied to a client."""
    streaming = obj(response.get("streamingData"))
    formats = [*dicts(at(streaming, "formats")), *dicts(at(streaming, "adaptiveFormats"))]
    pictures = [item for item in formats if str(item.get("mimeType", "")).startswith("video/")]
    best = max(
        pictures, key=lambda item: (count(item.get("height")) or 0, number(item.get("bitrate")) or 0), default=None
    )
    thumbnails = dicts(at(details, "thumbnail", "thumbnails"))
    still = max(thumbnails, key=lambda item: count(item.get("width")) or 0, default={})
    facts: dict[str, Any] = {}
    if best is not None:
        facts = {
            "itag": count(best.get("itag")),
            "mime": text_of(best.get("mimeType")),
            "bitrate": count(best.get("bitrate")),
            "fps": count(best.get("fps")),
            "quality": text_of(best.get("qualityLabel")),
        }
    return (
        Attachment(
            "video",
            text_of(at(best, "url")),
            width=count(at(best, "width")),
            height=count(at(best, "height")),
            duration=length_of(at(best, "approxDurationMs"), 1000),
            size=count(at(best, "contentLength")),
            thumbnail=text_of(still.get("url")),
            post_id=video_id,
            extract_from=WATCH + video_id if video_id else None,
            extra={key: value for key, value in facts.items() if value is not None},
        ),
    )


# -- the page's own data, and `next` --------------------------------------------------------------------------------


_PARTS = (
    "videoPrimaryInfoRenderer", "videoSecondaryInfoRenderer", "videoOwnerRenderer", "engagementPanelTitleHeaderRenderer",
    "commentsEntryPointHeaderRenderer", "itemSectionRenderer", "liveChatRenderer",
)  # fmt: skip
Parts = dict[str, list[Any]]


def _with_page(post: Post, data: dict[str, Any], observed: datetime | None) -> tuple[Post, dict[str, Any]]:
    """What `ytInitialData` adds: dates as shown, the handle, likes, and where comments and chat begin."""
    parts = gather(data, _PARTS)
    primary, owner = at(parts["videoPrimaryInfoRenderer"], 0), at(parts["videoOwnerRenderer"], 0)
    shown = words(at(primary, "dateText"))
    extra = dict(post.extra)
    if shown:
        extra["date_shown"] = shown
    channels = authors_of(owner)
    others = [channel for channel in channels if channel["id"] != (post.author_id or channels[0]["id"])]
    own = [channel["handle"] for channel in channels if channel not in others]
    if others:
        extra["co_authors"] = others
    if badges := _badges(primary):
        extra["badges"] = badges
    changes: dict[str, Any] = {"author_handle": post.author_handle or next(iter(own), None), "extra": extra}
    if post.replies is None:
        changes["replies"] = _comment_count(parts)
    return replace(post, **changes), continuations(parts)


def _comment_count(parts: Parts) -> int | None:
    for panel in parts["engagementPanelTitleHeaderRenderer"]:
        if "omment" in (words(at(panel, "title")) or "") and (info := words(at(panel, "contextualInfo"))):
            return shown_count(info)
    for entry in parts["commentsEntryPointHeaderRenderer"]:
        if (found := shown_count(at(entry, "commentCount"))) is not None:
            return found
    return None


def continuations(parts: Parts) -> dict[str, Any]:
    """Return the tokens that lead to the comments and to the live chat of a watch page."""
    hints: dict[str, Any] = {}
    for section in parts["itemSectionRenderer"]:
        if at(section, "sectionIdentifier") == "comment-item-section" and "comments" not in hints:
            token = next((text_of(at(item, "token")) for item in find(section, "continuationCommand")), None)
            if token:
                hints["comments"] = token
    chat = at(parts["liveChatRenderer"], 0)
    token = text_of(at(chat, "continuations", 0, "reloadContinuationData", "continuation"))
    if token:
        hints["chat"] = token
        hints["chat_replay"] = at(chat, "isReplay") is True
    return hints


def watch_next(value: dict[str, Any], url: str | None, observed: datetime | None) -> Parsed:
    """Parse an answer of `/next`, which holds the page around the player."""
    parts = gather(value, _PARTS)
    primary, secondary = at(parts["videoPrimaryInfoRenderer"], 0), at(parts["videoSecondaryInfoRenderer"], 0)
    video_id = text_of(at(value, "currentVideoEndpoint", "watchEndpoint", "videoId")) or video_id_of(url)
    video_id = video_id or next(
        (text_of(at(item, "videoId")) for item in find(primary, "target")), None
    )  # what Like likes
    if primary is None:
        if video_id is None:
            return none("youtube/next", Outcome.PARTIAL, "no video in the answer")
        post = Post(
            platform="youtube",
            id=video_id,
            url=WATCH + video_id,
            outcome=Outcome.PARTIAL,
            reason="the answer says nothing of it",
        )
        return Parsed(
            platform="youtube", layout="youtube/next", posts=(post,), hints=continuations(parts), parser=PARSER
        )
    owner = at(secondary, "owner", "videoOwnerRenderer")
    shown = words(at(primary, "dateText"))
    relative = words(at(primary, "relativeDateText"))
    views = at(primary, "viewCount", "videoViewCountRenderer")
    author, others = first_and_others(owner)
    facts: dict[str, Any] = {
        "kind": "video",
        "date_shown": shown,
        "is_live": at(views, "isLive"),
        "subscribers_shown": words(at(owner, "subscriberCountText")),
        "likes_shown": _likes(primary),
        "co_authors": others,
        "badges": _badges(primary) or None,
    }
    post = Post(
        platform="youtube",
        id=video_id,
        url=WATCH + video_id if video_id else None,
        author_handle=author["handle"],
        author_name=author["name"],
        author_id=author["id"],
        published=_shown_date(shown, relative, observed),
        title=words(at(primary, "title")),
        text=text_of(at(secondary, "attributedDescription", "content")) or words(at(secondary, "description")),
        views=shown_count(at(views, "viewCount")) if at(views, "isLive") is not True else None,
        replies=_comment_count(parts),
        extra={key: value_ for key, value_ in facts.items() if value_ is not None},
    )
    return Parsed(platform="youtube", layout="youtube/next", posts=(post,), hints=continuations(parts), parser=PARSER)


def _likes(primary: Any) -> str | None:
    """The like button's text, rounded and localised: kept as it is shown."""
    for item in find(primary, "likeButtonViewModel"):
        for button in find(item, "defaultButtonViewModel"):
            return text_of(at(button, "buttonViewModel", "title"))
    return None


def _badges(primary: Any) -> list[str]:
    """The words of the badges under the title, such as "Members only"."""
    return [label for item in find(at(primary, "badges"), "label") if (label := text_of(item))]


def _shown_date(shown: str | None, relative: str | None, observed: datetime | None) -> Time | None:
    """The date under a title; where that is only "5 years ago", as an interval."""
    if shown is None:
        return dates.ago(relative, "relativeDateText", observed) if relative else None
    found = shown_date(shown, "dateText")
    return (
        dates.ago(shown, "dateText", observed)
        if found is not None and found.precision is None and "ago" in shown
        else found
    )


# -- info.json ----------------------------------------------------------------------------------------------------


def info(value: dict[str, Any]) -> Parsed:
    """Parse the description (info.json) that yt-dlp or youtube-dl writes of a video, of any site."""
    key = (text_of(value.get("extractor_key")) or text_of(value.get("extractor")) or "").lower()
    platform = "youtube" if key.startswith("youtube") else {"twitter": "x"}.get(key, key.partition(":")[0] or "unknown")
    handle = text_of(value.get("uploader_id"))
    post = Post(
        platform=platform,
        id=text_of(value.get("id")),
        url=text_of(value.get("webpage_url")) or text_of(value.get("original_url")),
        author_handle=handle.removeprefix("@") if handle and handle.startswith("@") else None,
        author_name=text_of(value.get("channel")) or text_of(value.get("uploader")),
        author_id=text_of(value.get("channel_id")) or handle,
        published=_info_date(value),
        title=text_of(value.get("title")) or text_of(value.get("fulltitle")),
        text=text_of(value.get("description")),
        lang=text_of(value.get("language")),
        attachments=_info_formats(value),
        views=count(value.get("view_count")),
        likes=count(value.get("like_count")),
        replies=count(value.get("comment_count")),
        reposts=count(value.get("repost_count")),
        duration=length_of(value.get("duration")),
        extra=_info_facts(value),
    )
    return Parsed(platform=platform, layout="info.json", posts=(post,), parser=PARSER)


def _info_date(value: dict[str, Any]) -> Time | None:
    published = None
    for name in ("timestamp", "release_timestamp"):
        if published is None and (seconds := number(value.get(name))) is not None:
            published = dates.instant(seconds, str(value[name]), name)
    literal = text_of(value.get("upload_date"))
    if published is None and literal and re.fullmatch(r"\d{8}", literal):
        published = dates.iso(f"{literal[:4]}-{literal[4:6]}-{literal[6:]}", "upload_date")
    return published


def _info_formats(value: dict[str, Any]) -> tuple[Attachment, ...]:
    """The formats that were asked for, or the one that there is."""
    requested = dicts(value.get("requested_formats")) or [value]
    return tuple(
        Attachment(
            "video" if item.get("vcodec") not in (None, "none") or item.get("height") else "audio",
            text_of(item.get("url")), width=count(item.get("width")), height=count(item.get("height")),
            duration=length_of(value.get("duration")), size=count(item.get("filesize")), post_id=text_of(value.get("id")),
            extra={"format": text_of(item.get("format_id")), "ext": text_of(item.get("ext"))},
        )
        for item in requested if text_of(item.get("url")) or item.get("format_id")
    )  # fmt: skip


def _info_facts(value: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "kind": text_of(value.get("live_status")),
        "upload_date": text_of(value.get("upload_date")),
        "availability": text_of(value.get("availability")),
        "categories": value.get("categories") if isinstance(value.get("categories"), list) else None,
        "captions": [{"lang": name} for name in value["subtitles"]]
        if isinstance(value.get("subtitles"), dict)
        else None,
        "chapters": value.get("chapters") if isinstance(value.get("chapters"), list) else None,
        "extractor": text_of(value.get("extractor")),
    }
    return {name: item for name, item in facts.items() if item}
