"""What people say under and beside a video: comments with replies, live chat."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from spiders import dates
from spiders.json_access import at, dicts, find, gather, number, obj, text_of
from spiders.posts import Attachment, Census, Outcome, Parsed, Post
from spiders.youtube.links import WATCH
from spiders.youtube.text import PARSER, none, shown_count, token_video, words

_MARKS = (
    "commentEntityPayload", "commentThreadRenderer", "commentRenderer", "commentsHeaderRenderer", "commentViewModel",
    "engagementToolbarStateEntityPayload", "continuationCommand",
)  # fmt: skip


def is_comments(value: dict[str, Any]) -> bool:
    """Return whether an answer is about comments, by what the page is to append or replace."""
    if "contents" in value:
        return False
    for endpoint in dicts(value.get("onResponseReceivedEndpoints")):
        for name in ("reloadContinuationItemsCommand", "appendContinuationItemsAction"):
            for item in dicts(at(endpoint, name, "continuationItems")):
                if _COMMENT_ITEMS & item.keys():
                    return True
    mutations = dicts(at(value, "frameworkUpdates", "entityBatchUpdate", "mutations"))
    if any("commentEntityPayload" in obj(item.get("payload")) for item in mutations):
        return True
    continuation = obj(value.get("continuationContents"))
    return any(name in continuation for name in ("itemSectionContinuation", "commentRepliesContinuation"))


_COMMENT_ITEMS = {"commentThreadRenderer", "commentRenderer", "commentsHeaderRenderer", "commentViewModel"}


def comments(value: dict[str, Any], observed: datetime | None) -> Parsed:
    """Parse a page of comments. Since 2024 the text is in `frameworkUpdates`, before that in `commentRenderer`."""
    marks = gather(value, _MARKS)
    tokens = [text_of(at(item, "token")) for item in marks["continuationCommand"]]
    video = next((found for token in tokens if (found := token_video(token))), None)
    models = [item for item in marks["commentViewModel"] if isinstance(item, dict) and "commentId" in item]
    views = {text_of(item.get("commentId")): item for item in models}
    states = {text_of(at(item, "key")): item for item in marks["engagementToolbarStateEntityPayload"]}
    posts = []
    for entity in marks["commentEntityPayload"]:
        if isinstance(entity, dict):
            posts.append(_entity(entity, views, states, video, observed))
    for renderer in marks["commentRenderer"]:
        if isinstance(renderer, dict) and "commentId" in renderer:
            posts.append(_renderer(renderer, video, observed))
    raw = len(views) or len(marks["commentRenderer"])
    hints: dict[str, Any] = {"replies": {}}
    for thread in marks["commentThreadRenderer"]:
        parent = text_of(at(thread, "commentViewModel", "commentViewModel", "commentId")) or text_of(
            at(thread, "comment", "commentRenderer", "commentId")
        )
        token = next((text_of(at(item, "token")) for item in find(at(thread, "replies"), "continuationCommand")), None)
        if parent and token:
            hints["replies"][parent] = token
    hints["more"] = _more(value)
    stated = next((shown_count(at(header, "countText")) for header in marks["commentsHeaderRenderer"]), None)
    page = {"video_id": video, "comments_stated": stated}
    census = Census("comments shown", raw, len(posts))
    reason = None if posts else "comments are off, or this page has none"
    return Parsed(
        platform="youtube",
        layout="youtube/comments",
        posts=tuple(posts),
        census=(census,) if raw else (),
        outcome=None,
        reason=reason,
        page={key: item for key, item in page.items() if item is not None},
        hints=hints,
        parser=PARSER,
    )


def _more(value: dict[str, Any]) -> str | None:
    """The token of the next page: the continuation that stands last in the list itself, not in a thread."""
    for endpoint in dicts(value.get("onResponseReceivedEndpoints")):
        for name in ("reloadContinuationItemsCommand", "appendContinuationItemsAction"):
            items = dicts(at(endpoint, name, "continuationItems"))
            last = at(items[-1], "continuationItemRenderer") if items else None
            if last is not None:
                token = at(last, "continuationEndpoint", "continuationCommand", "token") or at(
                    last, "button", "buttonRenderer", "command", "continuationCommand", "token"
                )
                return text_of(token)
    return None


def _edited(said: str | None) -> tuple[str | None, bool | None]:
    """`5 years ago (edited)` → the date's own words, and the mark."""
    if said is None:
        return None, None
    marked = re.search(r"\s*\(([^)]*)\)\s*$", said)
    return said, marked is not None


def _entity(
    entity: dict[str, Any],
    views: dict[str | None, dict[str, Any]],
    states: dict[str | None, dict[str, Any]],
    video: str | None,
    observed: datetime | None,
) -> Post:
    properties = obj(entity.get("properties"))
    author = obj(entity.get("author"))
    toolbar = obj(entity.get("toolbar"))
    comment = text_of(at(properties, "commentId"))
    view = views.get(comment) or {}
    said, edited = _edited(text_of(at(properties, "publishedTime")))
    name = text_of(at(author, "displayName"))
    heart = text_of(at(states.get(text_of(at(properties, "toolbarStateKey"))), "heartState"))
    pinned = text_of(view.get("pinnedText"))
    extra = {
        "kind": "comment",
        "published_text": said,
        "pinned": True if pinned else False if view else None,
        "pinned_text": pinned,
        "is_creator": at(author, "isCreator"),
        "verified": at(author, "isVerified"),
        "hearted": {"TOOLBAR_HEART_STATE_HEARTED": True, "TOOLBAR_HEART_STATE_UNHEARTED": False}.get(heart or ""),
        "avatar": text_of(at(author, "avatarThumbnailUrl")),
        "reply_level": at(properties, "replyLevel"),
        "likes_text": text_of(at(toolbar, "likeCountNotliked")),
    }
    return _comment(
        comment,
        video,
        author_name=name,
        author_id=text_of(at(author, "channelId")),
        published=dates.ago(said, "publishedTime", observed) if said else None,
        edited=edited,
        text=words(at(properties, "content")),
        likes=shown_count(at(toolbar, "likeCountNotliked")),
        replies=shown_count(at(toolbar, "replyCount")),
        extra=extra,
    )


def _renderer(item: dict[str, Any], video: str | None, observed: datetime | None) -> Post:
    """The layout until 2024."""
    said, edited = _edited(words(item.get("publishedTimeText")))
    badge = words(at(item, "pinnedCommentBadge", "pinnedCommentBadgeRenderer", "label"))
    extra = {
        "kind": "comment",
        "published_text": said,
        "pinned": badge is not None,
        "pinned_text": badge,
        "is_creator": item.get("authorIsChannelOwner"),
        "hearted": next(find(item.get("actionButtons"), "creatorHeart"), None) is not None,
    }
    return _comment(
        text_of(item.get("commentId")),
        video,
        author_name=words(item.get("authorText")),
        author_id=text_of(at(item, "authorEndpoint", "browseEndpoint", "browseId")),
        published=dates.ago(said, "publishedTime", observed) if said else None,
        edited=edited,
        text=words(item.get("contentText")),
        likes=shown_count(item.get("voteCount")),
        replies=shown_count(item.get("replyCount")),
        extra=extra,
    )


def _comment(comment: str | None, video: str | None, *, extra: dict[str, Any], **facts: Any) -> Post:
    """A comment on a video. `facts`: fields of the post, as the layout gives them."""
    name = facts["author_name"]
    return Post(
        platform="youtube",
        id=comment,
        url=f"{WATCH}{video}&lc={comment}" if video and comment else None,
        author_handle=name if name and name.startswith("@") else None,
        reply_to=comment.partition(".")[0] if comment and "." in comment else None,
        extra={**{key: value for key, value in extra.items() if value is not None}, "about": video},
        **facts,
    )


# -- live chat ------------------------------------------------------------------------------------------------------


def chat(value: dict[str, Any], url: str | None) -> Parsed:
    """Parse an answer of the live chat, live or replayed."""
    continuation = obj(at(value, "continuationContents", "liveChatContinuation"))
    parsed = chat_actions(dicts(at(continuation, "actions")), url)
    following = None
    for item in dicts(at(continuation, "continuations")):
        for name in ("liveChatReplayContinuationData", "timedContinuationData", "invalidationContinuationData"):
            if following is None and (token := text_of(at(item, name, "continuation"))):
                following = token
    hints = {"chat": following} if following else {}
    reason = parsed.reason if parsed.posts else "no message in this answer of the chat"
    return replace(parsed, hints=hints, outcome=None, reason=reason)


def chat_actions(actions: list[dict[str, Any]], url: str | None) -> Parsed:
    """Parse messages among chat actions; those that are none (tickers, banners, modes) are counted by name."""
    posts: list[Post] = []
    others: dict[str, int] = {}
    for action in actions:
        inner = at(action, "replayChatItemAction", "actions")
        offset = number(at(action, "replayChatItemAction", "videoOffsetTimeMsec"))
        for item in dicts(inner) if inner is not None else [action]:
            post = _message(item, offset)
            if post is not None:
                posts.append(post)
                continue
            for name in item:
                if name not in ("clickTrackingParams", "videoOffsetTimeMsec", "isLive"):
                    others[name] = others.get(name, 0) + 1
    if not posts and not others:
        return none("youtube/chat", Outcome.PARTIAL, "no message in the answer")
    return Parsed(
        platform="youtube",
        layout="youtube/chat",
        posts=tuple(posts),
        page={"other_actions": others} if others else {},
        parser=PARSER,
    )


_MESSAGES = {
    "liveChatTextMessageRenderer": "text",
    "liveChatPaidMessageRenderer": "super chat",
    "liveChatPaidStickerRenderer": "super sticker",
    "liveChatMembershipItemRenderer": "membership",
    "liveChatSponsorshipsGiftPurchaseAnnouncementRenderer": "gifted memberships",
    "liveChatSponsorshipsGiftRedemptionAnnouncementRenderer": "membership received",
    "liveChatDonationAnnouncementRenderer": "donation",
    "liveChatViewerEngagementMessageRenderer": "notice",
    "liveChatModeChangeMessageRenderer": "mode",
    "liveChatPlaceholderItemRenderer": "held back",
}


def _message(action: dict[str, Any], offset: float | None) -> Post | None:
    item = at(action, "addChatItemAction", "item") or at(action, "replaceChatItemAction", "replacementItem")
    if action.get("markChatItemAsDeletedAction"):
        gone = action["markChatItemAsDeletedAction"]
        target = text_of(at(gone, "targetItemId"))
        said = words(at(gone, "deletedStateMessage"))
        return Post(
            platform="youtube",
            id=target and f"{target}#deleted",
            text=said,
            extra={"kind": "chat", "message": "deletion", "about": target},
        )
    if not isinstance(item, dict):
        return None
    for name, kind in _MESSAGES.items():
        if isinstance(body := item.get(name), dict):
            return _said(body, kind, offset)
    return None


def _said(body: dict[str, Any], kind: str, offset: float | None) -> Post:
    """A message of a chat. `kind`: as `_MESSAGES` calls it."""
    microseconds = number(body.get("timestampUsec"))
    sticker = dicts(at(body, "sticker", "thumbnails"))
    link = text_of(sticker[-1].get("url")) if sticker else None
    link = "https:" + link if link and link.startswith("//") else link
    extra = {
        "kind": "chat",
        "message": kind,
        "video_offset": offset / 1000 if offset is not None else None,
        "amount": words(body.get("purchaseAmountText")),
        "time_shown": words(body.get("timestampText")),
        "badges": [
            label for badge in dicts(body.get("authorBadges"))
            if (label := text_of(at(badge, "liveChatAuthorBadgeRenderer", "tooltip")))
        ] or None,
    }  # fmt: skip
    author = words(body.get("authorName"))
    text = (
        words(body.get("message"))
        or words(body.get("headerSubtext"))
        or words(body.get("subtext"))
        or words(body.get("text"))
    )
    sticker_label = text_of(at(body, "sticker", "accessibility", "accessibilityData", "label"))
    return Post(
        platform="youtube",
        id=text_of(body.get("id")),
        url=None,
        author_handle=author if author and author.startswith("@") else None,
        author_name=author,
        author_id=text_of(body.get("authorExternalChannelId")),
        published=dates.instant(microseconds / 1e6, str(body["timestampUsec"]), "timestampUsec", "microsecond")
        if microseconds
        else None,
        text=text or sticker_label,
        attachments=(Attachment("sticker", link, extra={"alt": sticker_label}),) if link else (),
        extra={key: value for key, value in extra.items() if value is not None},
    )
