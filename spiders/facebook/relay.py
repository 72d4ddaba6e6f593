"""The JSON that Facebook's pages carry since 2021 → posts. Pure and total.

What is said of one post is scattered over objects inside each other, most of them called `story`. A post is read from
all of them, but never from a post that it shares, from comments, or from another post beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from spiders import dates
from spiders.facebook.media import attached, kind_of, medium
from spiders.facebook.names import HOME, handle_of, post_id, shown
from spiders.json_access import NESTING, at, count, dicts, load, number, obj
from spiders.json_access import text_of as string
from spiders.posts import Attachment, Outcome, Post

_BOX = re.compile(r"\"(?:__bbox|define|require)\":(?=[\[{])")
_DECODER = json.JSONDecoder()
_SHORT = re.compile(r"(?:…|\.\.\.)\s*\Z")
_BESIDE = ("photo", "profile_photo", "cover_photo", "profilePicture", "prevMedia", "nextMedia", "featurable_image")
"""Keys under which stand a profile's own pictures and a photo's neighbours, unless the link names them."""
ALONE = "the page shows the file, but neither its text nor its time"
Objects = list[tuple[str, dict[str, Any]]]


def in_scripts(document: Any) -> Iterator[Any]:
    """Yield the JSON values of a page's scripts: those that are JSON, and those inside calls of 2022's pages."""
    for script in document.xpath("//script"):
        text = script.text or ""
        if script.get("type") == "application/json":
            yield load(text)
        elif "__bbox" in text:
            yield from _in_calls(text)


def _in_calls(text: str) -> Iterator[Any]:
    end, failures = 0, 0
    for match in _BOX.finditer(text):
        if match.end() < end or failures > 20:
            continue
        try:
            value, end = _DECODER.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            failures += 1
            continue
        yield value


def posts_in(value: Any, asked: str | None) -> list[Post]:
    """Read posts, and photos and videos that stand alone, out of one page's values; each once, in order.

    `asked`: the name that the page's link gives. A photo or video that no post holds counts if it is the one named, or
    says more of itself than its file, or nothing else is there.
    """
    objects = list(_objects(value))
    stories = {name: _story(own, name) for name, own in _told(objects).items()}
    found = {name: post for name, post in stories.items() if post is not None}
    held = {file.extra.get("media_id") for post in found.values() for file in post.attachments}
    alone: dict[str, Post] = {}
    for key, item in objects:
        single = _single(item)
        if single is None or single.id is None or single.id in held or single.id in found:
            continue
        if key not in _BESIDE or single.id == asked:
            alone[single.id] = _joined(alone[single.id], single) if single.id in alone else single
    if found or asked in alone:
        alone = {name: post for name, post in alone.items() if name == asked or post.reason != ALONE}
    return [*found.values(), *alone.values()]


def _told(objects: Objects) -> dict[str, Objects]:
    """The objects that tell of each post, by its number: all that stand in one of its objects, wherever those are."""
    told: dict[str, Objects] = {}
    met: set[tuple[str, int]] = set()
    for _, item in objects:
        if (name := string(item.get("post_id"))) is not None and (name, id(item)) not in met:
            own = list(_objects(item, name))
            met |= {(name, id(part)) for _, part in own}
            told.setdefault(name, []).extend(own)
        story = string(at(item, "creation_story", "post_id"))
        if story is not None and kind_of(item) is not None:  # the page of a reel: the post stands inside its film
            owner = obj(item.get("owner"))
            actors = [owner] if string(owner.get("name")) else []
            told.setdefault(story, []).append(("", {"attachments": [{"media": item}], "actors": actors}))
    return told


def _objects(value: Any, of: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with its key, outermost first, but for comments. `of`: only those that tell of that very post."""
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    while stack:
        key, item, level = stack.pop()
        if level > NESTING:
            continue
        if isinstance(item, dict):
            other = string(item.get("post_id"))
            if item.get("__typename") == "Comment" or (of is not None and other not in (None, of)):
                continue
            yield key, item
            names = [name for name in item if of is None or name not in ("attached_story", "attachments")]
            stack += [(name, item[name], level + 1) for name in reversed(names) if item[name]]
        elif isinstance(item, list):
            stack += [(key, inner, level + 1) for inner in reversed(item)]


def _number(story: dict[str, Any]) -> str | None:
    """The number of a post: said plainly, or at the end of its encoded id (`S:_I1000:5010` in base64)."""
    if (plain := string(story.get("post_id"))) is not None:
        return plain
    try:
        decoded = base64.b64decode(string(story.get("id")) or "", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return None
    match = re.fullmatch(r"S:[\w:]*:(\d+)", decoded)
    return match[1] if match else None


# -- a post -----------------------------------------------------------------------------------------------------------------


def _story(own: Objects, identifier: str) -> Post | None:
    text = _text([found for key, part in own if key == "message" and (found := string(part.get("text")))])
    actors = _actors(own)
    if text is None and not actors:
        return None
    files, stated = _files(own, identifier)
    shared = next((obj(part.get("attached_story")) for _, part in own if part.get("attached_story")), None)
    quoted = _number(shared) if shared else None
    if shared and quoted is None:
        files.append(
            Attachment("shared post", None, post_id=identifier, reason="the page does not name the post that it shares")
        )
    extra = _facts(own, identifier, actors) | ({"album_count": stated} if stated else {})
    actor = actors[0] if actors else {}
    seconds, source = _time(own)
    reposts = _count(own, SHARES)
    return Post(
        platform="facebook",
        id=identifier,
        url=_link(own, identifier) or f"{HOME}/{identifier}",
        author_handle=handle_of(string(actor.get("url")) or string(actor.get("profile_url"))),
        author_name=string(actor.get("name")),
        author_id=string(actor.get("id")),
        published=dates.instant(number(seconds), str(seconds), source),
        text=text,
        attachments=tuple(files),
        quoted_id=quoted,
        replies=_count(own, COMMENTS),
        reposts=reposts if reposts is not None else shown(extra["shares_text"]),
        outcome=Outcome.PARTIAL if stated else Outcome.CAPTURED,
        reason=next((part.reason for part in files if part.kind == "media"), None) if stated else None,
        extra={key: value for key, value in extra.items() if value is not None},
    )  # fmt: skip


REACTIONS = (("reaction_count", "count"), ("reactors", "count"))
COMMENTS = (
    ("total_comment_count",),
    ("comment_rendering_instance", "comments", "total_count"),
    ("comment_count", "total_count"),
)
SHARES = (("share_count", "count"),)


def _facts(own: Objects, identifier: str, actors: list[dict[str, Any]]) -> dict[str, Any]:
    links = [string(part.get(name)) for _, part in own for name in ("url", "wwwURL", "permalink_url", "shareable_url")]
    also = [name for link in links if _is_own(link, identifier) and (name := post_id(link)) and name != identifier]
    others = [
        {
            "id": string(actor.get("id")),
            "name": string(actor.get("name")),
            "handle": handle_of(string(actor.get("url"))),
        }
        for actor in actors[1:]
    ]
    return {
        "reactions": _count(own, REACTIONS),
        "shares_text": next((found for _, part in own if (found := string(part.get("i18n_share_count")))), None),
        "also_named": list(dict.fromkeys(also)) or None,
        "co_authors": others or None,
    }


def _is_own(link: str | None, identifier: str) -> bool:
    """Whether a link leads to the post itself: not to a comment of it, to its author or to one of its files."""
    name = post_id(link)
    return link is not None and "comment_id" not in link and bool(name) and (name == identifier or "pfbid" in str(name))


def _link(own: Objects, identifier: str) -> str | None:
    names = ("wwwURL", "url", "permalink_url", "shareable_url")
    found = (string(part.get(name)) for _, part in own for name in names)
    return next((link for link in found if _is_own(link, identifier)), None)


def _count(own: Objects, paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        for _, part in own:
            if (found := count(at(part, *path))) is not None:
                return found
    return None


def _time(own: Objects) -> tuple[Any, str]:
    """When it was published, and which field says so."""
    for name in ("creation_time", "publish_time", "created_time"):
        for _, part in own:
            if (number(part.get(name)) or 0) > 0:
                return part[name], name
    return None, ""


def _text(texts: list[str]) -> str | None:
    """The outermost text; where that is only the beginning of another one, the other one, which is whole."""
    if not texts:
        return None
    beginning = _SHORT.sub("", texts[0])
    if beginning == texts[0]:
        return texts[0]
    longer = [text for text in texts if beginning.strip() and text.startswith(beginning) and len(text) > len(texts[0])]
    return max(longer, key=len, default=texts[0])


def _actors(own: Objects) -> list[dict[str, Any]]:
    """Who published it; of a reel, its owner."""
    lists = [dicts(part.get("actors")) for _, part in own]
    named = [found for found in lists if found and string(found[0].get("name"))]
    owners = [owner for _, part in own if (owner := obj(at(part, "short_form_video_context", "video_owner")))]
    return next(iter([*named, *filter(None, lists)]), owners[:1])


def _files(own: Objects, identifier: str) -> tuple[list[Attachment], int | None]:
    entries = [entry for _, part in own for entry in dicts(part.get("attachments"))]
    reels = [video for _, part in own if (video := obj(at(part, "short_form_video_context", "playback_video")))]
    typed = [{"media": {"__typename": "Video", **video}} for video in reels]
    return attached(entries + typed, identifier)


# -- a photo or a video alone --------------------------------------------------------------------------------------------------


def _single(item: dict[str, Any]) -> Post | None:
    """A photo's or a video's own page: the object stands in for the post."""
    if kind_of(item) is None or (file := medium(item, None)) is None:
        return None
    identifier = file.extra["media_id"]
    owner = obj(item.get("owner"))
    story = obj(item.get("creation_story"))
    seconds, source = _time([("", item), ("", story)])
    texts = [string(at(part, name, "text")) for part in (item, story) for name in ("savable_description", "message")]
    text = next((found for found in texts if found), None)
    alone = text is None and seconds is None
    photo = f"{HOME}/photo/?fbid={identifier}"
    return Post(
        platform="facebook",
        id=identifier,
        url=string(item.get("permalink_url")) or (photo if file.kind == "photo" else f"{HOME}/watch/?v={identifier}"),
        author_handle=handle_of(string(owner.get("url"))),
        author_name=string(owner.get("name")),
        author_id=string(owner.get("id")),
        published=dates.instant(number(seconds), str(seconds), source),
        title=string(item.get("name")),
        text=text,
        attachments=(replace(file, post_id=identifier),),
        duration=file.duration,
        outcome=Outcome.PARTIAL if alone else Outcome.CAPTURED,
        reason=ALONE if alone else None,
    )


def _joined(one: Post, other: Post) -> Post:
    """One post of two readings: the fuller one, and from the other what it lacks."""
    first, second = (other, one) if _fullness(other) > _fullness(one) else (one, other)
    names = (
        "author_handle",
        "author_name",
        "author_id",
        "published",
        "title",
        "text",
        "quoted_id",
        "replies",
        "reposts",
        "duration",
    )
    lacking = {name: getattr(second, name) for name in names if getattr(first, name) is None}
    return replace(first, **lacking, extra={**second.extra, **first.extra})


def _fullness(post: Post) -> int:
    return sum(value is not None for value in (post.text, post.author_name, post.published)) + len(post.attachments)
