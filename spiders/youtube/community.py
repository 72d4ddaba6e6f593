"""Posts of channels: words with pictures, a poll, a video or another post. Pure and total."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from spiders import dates
from spiders.json_access import at, count, dicts, obj, text_of
from spiders.posts import Attachment, Post
from spiders.youtube.authors import first_and_others
from spiders.youtube.links import WATCH
from spiders.youtube.text import shown_count, words

RENDERERS = ("backstagePostRenderer", "sharedPostRenderer")
POST = "https://www.youtube.com/post/"
_PLAYLIST = "https://www.youtube.com/playlist?list="


def post_of(item: dict[str, Any], observed: datetime | None) -> Post | None:
    """Read a post, also one that shares another: that one is a post of its own. None where it has no id."""
    post_id = text_of(item.get("postId"))
    if post_id is None:
        return None
    named = {
        "title": item.get("authorText") or item.get("displayName"),
        "navigationEndpoint": item.get("authorEndpoint"),
    }
    author, _ = first_and_others(named if named["title"] else item.get("endpoint"))
    said = words(item.get("publishedTimeText"))
    shared = at(item, "originalPost", "backstagePostRenderer")
    replies = at(item, "actionButtons", "commentActionButtonsRenderer", "replyButton", "buttonRenderer", "text")
    likes = words(item.get("voteCount"))
    extra = {
        "kind": "community post",
        "likes_text": likes,
        "members_only": True if item.get("sponsorsOnlyBadge") else None,
    }
    return Post(
        platform="youtube",
        id=post_id,
        url=POST + post_id,
        author_handle=author["handle"],
        author_name=author["name"],
        author_id=author["id"],
        published=dates.ago(said, "publishedTimeText", observed) if said else None,
        text=words(item.get("contentText")) or words(item.get("content")),
        attachments=tuple(_attached(obj(item.get("backstageAttachment")), post_id)),
        quoted_id=text_of(at(shared, "postId")),
        likes=shown_count(likes) if likes else None,
        replies=shown_count(replies),
        edited=True if said and said.endswith("(edited)") else None,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _attached(box: dict[str, Any], owner: str) -> list[Attachment]:
    found = []
    for name, item in box.items():
        value = obj(item)
        if name == "backstageImageRenderer":
            found.append(_photo(value, owner))
        elif name == "postMultiImageRenderer":
            images = dicts(value.get("images"))
            found += [_photo(obj(image.get("backstageImageRenderer")), owner) for image in images]
        elif name in ("pollRenderer", "quizRenderer"):
            found.append(_poll(value, owner))
        elif name in ("videoRenderer", "playlistRenderer"):
            found.append(_link(value, owner))
        elif isinstance(item, dict):
            found.append(Attachment("unknown", None, post_id=owner, reason=f"an attachment that is not read: {name}"))
    return found


def _photo(item: dict[str, Any], owner: str) -> Attachment:
    images = dicts(at(item, "image", "thumbnails"))
    best = max(images, key=lambda image: count(image.get("width")) or 0, default={})
    link = text_of(best.get("url"))
    return Attachment(
        "photo", f"https:{link}" if link and link.startswith("//") else link, width=count(best.get("width")),
        height=count(best.get("height")), post_id=owner, reason=None if link else "the post names a picture and gives no link",
    )  # fmt: skip


def _poll(item: dict[str, Any], owner: str) -> Attachment:
    choices = [
        {
            "text": words(choice.get("text")),
            "votes_shown": words(choice.get("votePercentage")) or words(choice.get("numVotes")),
        }
        for choice in dicts(item.get("choices"))
    ]
    facts = {"choices": choices, "votes_text": words(item.get("totalVotes"))}
    return Attachment("poll", None, post_id=owner, extra={key: value for key, value in facts.items() if value})


def _link(item: dict[str, Any], owner: str) -> Attachment:
    """Another video or a playlist: it is shown by its title, and is not a part of the post."""
    video, playlist = text_of(item.get("videoId")), text_of(item.get("playlistId"))
    where = WATCH + video if video else _PLAYLIST + playlist if playlist else None
    title = words(item.get("title"))
    reason = None if where else "no longer to be had: the post shows only its place"
    return Attachment("link preview", where, post_id=owner, reason=reason, extra={"title": title} if title else {})
