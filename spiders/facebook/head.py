"""What the head of a page of Facebook says, and the mobile site beside it: a post that is never whole. Pure and total."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from spiders import dates
from spiders.facebook.names import absolute, handle_of, post_id
from spiders.html import background_url, by_class, one_line, text_of
from spiders.json_access import at, count, load, number, obj, strings, walk
from spiders.json_access import text_of as string
from spiders.links import safe_split
from spiders.posts import Attachment, Outcome, Post, Time

_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{1,6}) ?")
"""Escapes of CSS (Syntax Module Level 3, section 4.3.7), which the mobile site writes in its links of pictures."""
_COUNT = re.compile(r"\"?(comment|share)_?count\"?\s*:\s*(\d{1,12})\b")


def head(document: Any, url: str | None) -> Post | None:
    """Read the post that a page's head names; None where it names none."""
    meta: dict[str, str] = {}
    for item in document.xpath("//meta[@property and @content]"):
        meta.setdefault(str(item.get("property")), str(item.get("content")))
    where = meta.get("og:url") or url
    found = post_id(where) or post_id(url)
    linked = _linked_data(document)
    if found is None or not (meta.get("og:description") or meta.get("og:video") or meta.get("og:title") or linked):
        return None
    words = string(linked.get("articleBody"))
    published = _time(meta, linked)
    author = obj(linked.get("author"))
    return Post(
        platform="facebook", id=found, url=where, author_name=string(author.get("name")) or meta.get("og:title"),
        author_handle=handle_of(string(author.get("url"))), published=published, text=words or meta.get("og:description"),
        attachments=tuple(_files(meta, where, found)), outcome=Outcome.PARTIAL,
        reason=f"the page's head only: it {_lacks(published, cut=words is None)}",
        extra={"also_named": [post_id(url)]} if post_id(url) not in (None, found) else {},
    )  # fmt: skip


def _lacks(published: Time | None, *, cut: bool) -> str:
    lacks = ["gives no time"] * (published is None) + ["cuts the text"] * cut + ["may leave files out"]
    return f"{', '.join(lacks[:-1])}{',' * (len(lacks) > 2)} and {lacks[-1]}" if len(lacks) > 1 else lacks[0]


def _files(meta: dict[str, str], where: str | None, owner: str) -> list[Attachment]:
    video = meta.get("og:video:secure_url") or meta.get("og:video")
    if video or re.search(r"/(?:videos|reel)/", where or ""):
        link = video if video and safe_split(video).path.endswith(".mp4") else None
        source = None if link else where
        return [Attachment("video", link, thumbnail=meta.get("og:image"), post_id=owner, extract_from=source)]
    image = meta.get("og:image")
    return [Attachment("photo", image, post_id=owner)] if image else []


def _time(meta: dict[str, str], linked: dict[str, Any]) -> Time | None:
    for value, source in (
        (string(linked.get("dateCreated")), "JSON-LD dateCreated"),
        (string(linked.get("datePublished")), "JSON-LD datePublished"),
        (meta.get("article:published_time"), "article:published_time"),
    ):
        if value:
            return dates.iso(value, source)
    return None


def _linked_data(document: Any) -> dict[str, Any]:
    """The posting that a page describes as schema.org data; an empty object where there is none, or several."""
    found = [
        item
        for script in document.xpath("//script[@type='application/ld+json']")
        for _, item in walk(load(script.text or ""))
        if item.get("@type") in ("SocialMediaPosting", "DiscussionForumPosting", "VideoObject")
    ]
    return found[0] if len(found) == 1 else {}


# -- the mobile site ----------------------------------------------------------------------------------------------------------


def mobile(document: Any, url: str | None, data: bytes) -> Post | None:
    """Read the story of a page of `m.` or `mbasic.`: what its `data-ft` says, with the words and names around it."""
    stories = [(node, facts) for node in document.xpath("//*[@data-ft]") if (facts := _facts(node)) is not None]
    known = head(document, url)
    if known is not None and known.id is not None:
        stories = [found for found in stories if found[1]["top_level_post_id"] == known.id] or stories
    if not stories or len({facts["top_level_post_id"] for _, facts in stories}) > 1:
        return None
    node, facts = stories[0]
    identifier = str(facts["top_level_post_id"])
    post = known or Post(platform="facebook", id=identifier, url=url)
    also = [name for name in (post.id, post_id(url), post_id(post.url)) if name and name != identifier]
    text, cut = _words(document, node)
    counts = _counts(data)
    author = next(
        (item for item in node.xpath(".//h3//strong//a | .//h3//a | .//a[contains(@class,'actor-link')]")), None
    )
    published = _stamp(facts, document) or post.published
    return replace(
        post,
        id=identifier,
        author_name=one_line(author) if author is not None else post.author_name,
        author_handle=handle_of(absolute(author.get("href"))) if author is not None else post.author_handle,
        author_id=string(facts.get("content_owner_id_new")) or string(facts.get("page_id")),
        published=published,
        text=text or post.text,
        attachments=tuple(_pictures(node, identifier)) or tuple(replace(item, post_id=identifier) for item in post.attachments),
        replies=counts.get("comment"),
        reposts=counts.get("share"),
        outcome=Outcome.PARTIAL,
        reason=f"the mobile page: it {_lacks(published, cut=cut)}",
        extra={"also_named": list(dict.fromkeys(also))} if also else {},
    )  # fmt: skip


def _facts(node: Any) -> dict[str, Any] | None:
    facts = obj(load(node.get("data-ft") or ""))
    return facts if string(facts.get("top_level_post_id")) is not None else None


def _stamp(facts: dict[str, Any], document: Any) -> Time | None:
    """When it was published: the one moment that the insights of its page agree on, or that its date carries."""
    found = {}
    for _, item in walk(facts.get("page_insights")):
        context = obj(item.get("post_context"))
        posts = strings(context.get("story_fbid"))
        if not posts or facts["top_level_post_id"] in posts:
            found[number(context.get("publish_time"))] = "post_context.publish_time"
    for node in document.xpath("//abbr[contains(@data-store,'time')]"):
        found.setdefault(number(at(load(node.get("data-store") or ""), "time")), "abbr[data-store]")
    found.pop(None, None)
    if len(found) != 1:
        return None
    [(seconds, source)] = found.items()
    return dates.instant(seconds, f"{seconds:.0f}", source)


def _counts(data: bytes) -> dict[str, int]:
    """Counts that the page's scripts give; one that they give two ways is unknown."""
    found: dict[str, set[int]] = {}
    for name, digits in _COUNT.findall(data.decode("utf-8", "replace").replace("\\", "")):
        found.setdefault(name, set()).add(int(digits))
    return {
        name: known for name, values in found.items() if len(values) == 1 and (known := count(min(values))) is not None
    }


def _words(document: Any, node: Any) -> tuple[str | None, bool]:
    """The post's own paragraphs, and whether 'More' stands behind them."""
    bodies = by_class(node, "story_body_container") or by_class(document, "story_body_container")
    if not bodies:
        return None, True
    paragraphs = bodies[0].xpath(".//p")
    more = any(
        re.fullmatch(r"(?:…|\.\.\.)?\s*(?:See )?More", one_line(item)) for item in bodies[0].xpath(".//a | .//span[a]")
    )
    text = "\n".join(text_of(item) for item in paragraphs)
    return text or None, more


def _pictures(node: Any, owner: str) -> list[Attachment]:
    found: dict[str, Attachment] = {}
    for item in node.xpath(".//*[contains(@class,'story_body_container')]//i[contains(@style,'background')]"):
        link = _ESCAPED.sub(lambda match: chr(min(int(match[1], 16), 0xFFFD)), background_url(item) or "")
        if link.startswith("http") and "profpic" not in (item.get("class") or "") and "static." not in link:
            found.setdefault(link, Attachment("photo", link, post_id=owner))
    return list(found.values())
