"""Pages of twitter.com as its servers wrote them, before scripts did: 2012 to 2020. Web archives are full of them. Pure.

Each post is an element with `data-tweet-id`; who wrote it and when stand in attributes, with the zone (`data-time` is
in seconds since 1970), unlike the time that is shown.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from spiders import dates
from spiders.html import background_url, by_class, has_class, one_line
from spiders.json_access import count, number
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post, Time
from spiders.x.common import PARSER, distinct, ending, presence
from spiders.x.media import original

_IDS = re.compile(rb"data-tweet-id=[\"']?(\d{1,20})")


def server_page(document: Any, data: bytes, asked: str | None, page: dict[str, Any]) -> Parsed | None:
    """Read the posts of a page that X's servers wrote; None where it names none. `asked`: the id of the link."""
    named = {match.decode() for match in _IDS.findall(data)}
    if not named:
        return None
    posts: list[Post] = []
    promoted: set[str] = set()
    for element in document.xpath("//*[@data-tweet-id][.//*[contains(@class, 'tweet-text')]]"):
        number_ = element.get("data-tweet-id") or ""
        if any(above.get("data-tweet-id") == number_ for above in element.iterancestors()):
            continue
        if element.get("data-promoted") == "true":
            promoted.add(number_)
            continue
        posts += _posts(element, number_)
    listed = distinct(posts)
    about = next((post for post in listed if post.id == asked), None) if asked else None
    read = {post.id for post in listed} | promoted
    facts = {**page, **({"promoted": len(promoted)} if promoted else {})}
    if gone := [one_line(item) for item in by_class(document, "Tombstone-label")]:
        facts["not_shown"] = gone
    outcome, reason = _outcome(listed, about, asked)
    return Parsed(
        platform="x",
        layout="x/server-page",
        posts=listed,
        census=(Census("data-tweet-id", len(named), len(named & read)),),
        outcome=outcome,
        reason=reason,
        page=facts,
        parser=PARSER,
        absence=presence(about) if asked or not listed else Absence(Availability.PRESENT),
    )


def _outcome(listed: tuple[Post, ...], about: Post | None, asked: str | None) -> tuple[Outcome | None, str | None]:
    if not listed:
        return Outcome.PARTIAL, "unknown layout: the page names posts, and their text is in no known place"
    return ending(asked, about)


def _posts(element: Any, post_id: str) -> list[Post]:
    """The post of an element, and the one it quotes."""
    quoted = next(iter(by_class(element, "QuoteTweet-innerContainer")), None)
    inner = _quoted(quoted) if quoted is not None else None
    handle = element.get("data-screen-name") or _handle_of(element.get("data-permalink-path"))
    texts = [item for item in by_class(element, "tweet-text") if not has_class(item, "QuoteTweet-text")]
    attachments = _attachments(element, quoted, post_id)
    reason = None if texts else "unknown layout: no text of the post"
    reason = reason or next((item.reason for item in attachments if item.reason), None)
    links = [str(link) for text in texts[:1] for link in text.xpath(".//a/@data-expanded-url")]
    extra = {
        "conversation_id": element.get("data-conversation-id"),
        "reposted_by": element.get("data-retweeter"),
        "mentions": (element.get("data-mentions") or "").split(),
        "links": links,
        "pinned": True if has_class(element, "user-pinned") else None,
        "link_preview": _preview(element),
    }
    post = Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}",
        author_handle=handle,
        author_name=element.get("data-name") or _first(by_class(element, "fullname")),
        author_id=element.get("data-user-id"),
        published=_published(element),
        text=shown(texts[0]) if texts else None,
        lang=texts[0].get("lang") if texts else None,
        attachments=tuple(attachments),
        quoted_id=inner.id if inner else None,
        likes=_count(element, "favorite", "favorited"),
        replies=_count(element, "reply", "replied"),
        reposts=_count(element, "retweet", "retweeted"),
        outcome=Outcome.PARTIAL if reason else Outcome.CAPTURED,
        reason=reason,
        extra={key: value for key, value in extra.items() if value},
    )
    return [post, inner] if inner else [post]


def _quoted(element: Any) -> Post:
    handle = element.get("data-screen-name")
    post_id = element.get("data-item-id")
    texts = by_class(element, "tweet-text")
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}" if post_id else None,
        author_handle=handle,
        author_name=_first(by_class(element, "QuoteTweet-fullname")),
        author_id=element.get("data-user-id"),
        text=shown(texts[0]) if texts else None,
        lang=texts[0].get("lang") if texts else None,
        outcome=Outcome.PARTIAL,
        reason="a quoted post: the page gives no time of it, and may leave files out",
    )


def _handle_of(path: str | None) -> str | None:
    found = re.match(r"/(\w{1,20})/status", path or "")
    return found[1] if found else None


def _first(found: list[Any]) -> str | None:
    return one_line(found[0]) or None if found else None


def shown(element: Any) -> str | None:
    """Return the text of a post: emoji as characters, links as a whole, without the dots at the end of a short one."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if has_class(node, "tco-ellipsis"):
                walk.skip_subtree()
            elif node.tag == "img" and node.get("alt"):
                parts.append(node.get("alt"))
            else:
                parts += ["\n"] if node.tag == "br" else []
                parts += [node.text] if node.text else []
        elif node is not element and node.tail:
            parts.append(node.tail)
    return "".join(parts).strip() or None


def _published(element: Any) -> Time | None:
    """The time in seconds since 1970; else as it was shown, in the zone of who looked, and so an interval."""
    for path, unit in ((".//@data-time-ms", 1000), (".//@data-time", 1)):
        for literal in element.xpath(path):
            if (found := number(str(literal))) is not None:
                return dates.instant(found / unit, str(literal), path.removeprefix(".//@"))
    for literal in element.xpath(".//*[contains(@class, 'tweet-timestamp')]/@title"):
        return local_time(str(literal), "title of the time")
    return None


def local_time(literal: str, source: str) -> Time:
    """Parse `8:27 AM - 21 Jun 2016`: the page does not say in which zone."""
    try:
        base = datetime.strptime(literal.strip(), "%I:%M %p - %d %b %Y").replace(tzinfo=UTC)
        return Time(None, "minute", False, literal, source, base - dates.EAST, base + dates.WEST)
    except (ValueError, OverflowError):
        return Time(None, None, False, literal, source)


def _count(element: Any, action: str, popup: str) -> int | None:
    """A count in full beside its button, or above the buttons on the page of the post itself."""
    classes = (f"ProfileTweet-action--{action}", f"request-{popup}-popup")
    for name in classes:
        for place in by_class(element, name):
            for literal in place.xpath("descendant-or-self::*/@data-tweet-stat-count"):
                if (found := count(str(literal))) is not None:
                    return found
    return None


def _attachments(element: Any, quoted: Any, post_id: str) -> list[Attachment]:
    """Photos, videos, which these pages give no link to, polls in frames, and the place."""
    files: list[Attachment] = []
    photos = [str(link) for link in element.xpath(".//@data-image-url") if not _inside(link.getparent(), quoted)]
    photos += [str(link) for link in element.xpath(".//@data-resolved-url-large")]
    for link in dict.fromkeys(photos):
        files.append(Attachment("photo", link, post_id=post_id, extra={"original": original(link)}))
    for player in by_class(element, "PlayableMedia"):
        frames = by_class(player, "PlayableMedia-player")
        still = background_url(frames[0]) if frames else None
        kind = "gif" if has_class(player, "PlayableMedia--gif") else "video"
        reason = "the page gives no link to the video"
        files.append(Attachment(kind, None, thumbnail=still, post_id=post_id, reason=reason))
    for card in element.xpath(".//*[@data-card-name or @data-card2-name]"):
        name = card.get("data-card-name") or card.get("data-card2-name")
        if re.search(r"poll\dchoice", name):
            reason = "the page shows the poll in a frame of its own"
            files.append(Attachment("poll", None, post_id=post_id, reason=reason, extra={"card_name": name}))
    for place in element.xpath(".//*[@data-place-id]"):
        facts = {"name": one_line(place) or None, "place_id": place.get("data-place-id")}
        facts = {key: value for key, value in facts.items() if value}
        files.append(Attachment("location", None, post_id=post_id, extra=facts))
    return files


def _inside(node: Any, other: Any) -> bool:
    return other is not None and (node is other or any(above is other for above in node.iterancestors()))


def _preview(element: Any) -> dict[str, Any] | None:
    for card in element.xpath(".//*[@data-card-url]"):
        name = card.get("data-card-name") or card.get("data-card2-name")
        facts = {"name": name, "url": card.get("data-card-url")}
        return {key: value for key, value in facts.items() if value}
    return None
