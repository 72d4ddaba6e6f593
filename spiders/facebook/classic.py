"""Facebook's HTML of 2018–2022, which its plugins' frames have too → posts. Pure and total."""

from __future__ import annotations

import copy
import re
from typing import Any

from spiders import dates
from spiders.facebook.names import absolute, handle_of, post_id, shown
from spiders.html import by_class, one_line, text_of
from spiders.json_access import number
from spiders.posts import Attachment, Outcome, Post

CUT = "Facebook shows only the beginning of the text: the rest is behind 'See more'"
_COUNT = re.compile(r"[\d.,]+\s?[KMB]? (comment|share)s?", re.IGNORECASE)


def classic(document: Any, url: str | None) -> list[Post]:
    """Read the posts of a page. The page's own link names a post only where it is the only one."""
    nodes = by_class(document, "userContentWrapper") or by_class(document, "_5pcr")
    link = next((str(item) for item in document.xpath("//meta[@property='og:url']/@content")), None)
    own = (link, url) if len(nodes) == 1 else (None, None)
    return [post for node in nodes if (post := _post(node, *own)) is not None]


def _post(node: Any, link: str | None, url: str | None) -> Post | None:
    body = node.xpath(".//*[@data-testid='post_message']") or by_class(node, "userContent")
    stamp = node.xpath(".//abbr[@data-utime]")
    names = node.xpath(".//h5//a[@href] | .//*[contains(@class,'fwb')]//a[@href]")
    if not body and not stamp:
        return None
    seconds = number(stamp[0].get("data-utime")) if stamp else None
    literal = stamp[0].get("data-utime") or "" if stamp else ""
    identifier = next((str(item) for item in node.xpath(".//input[@name='ft_ent_identifier']/@value")), None)
    owner = next((item for item in names if one_line(item)), None)
    handle = handle_of(owner.get("href")) if owner is not None else None
    permalink = stamp[0].getparent().get("href") if stamp else None
    found = identifier or post_id(permalink) or post_id(link) or post_id(url)
    text, cut = _words(body[0]) if body else (None, False)
    counts = _counts(node)
    also = [name for name in (post_id(permalink), post_id(link)) if name and name != found]
    extra = {**counts, "handle_in_link": handle, "also_named": list(dict.fromkeys(also)) or None}
    labels = [str(item) for item in node.xpath(".//form//*[contains(@aria-label,' Like')]/@aria-label")]
    return Post(
        platform="facebook",
        id=found,
        url=link or absolute(permalink) or url,
        author_handle=handle,
        author_name=one_line(owner) if owner is not None else None,
        published=dates.instant(seconds, literal, "abbr[data-utime]") if stamp else None,
        text=text,
        attachments=tuple(_pictures(node, found)),
        likes=next((shown(label) for label in labels if re.search(r" Likes?$", label)), None),
        replies=shown(counts["comments_text"]),
        reposts=shown(counts["shares_text"]),
        outcome=Outcome.PARTIAL if cut else Outcome.CAPTURED,
        reason=CUT if cut else None,
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _counts(node: Any) -> dict[str, str | None]:
    counts: dict[str, str] = {}
    for item in node.xpath(".//form//span | .//form//a"):
        words = one_line(item)
        if match := _COUNT.fullmatch(words):
            counts[match[1].lower()] = words
    reactions = [one_line(item) for item in node.xpath(".//form//*[contains(@class,'_81hb')]")]
    shared = node.xpath(".//*[starts-with(@aria-label,'Shared with')]/@aria-label")
    return {
        "reactions_text": reactions[0] if reactions else None,
        "comments_text": counts.get("comment"),
        "shares_text": counts.get("share"),
        "shared_with": str(shared[0]) if shared else None,
    }


def _words(node: Any) -> tuple[str, bool]:
    """The post's text, and whether it is cut. 'See more' and its dots are Facebook's words, not the author's."""
    signs = [*by_class(node, "text_exposed_link"), *by_class(node, "see_more_link")]
    cut = bool(signs) and not by_class(node, "text_exposed_show")
    if signs:
        node = copy.deepcopy(node)
        for name in ("text_exposed_hide", "text_exposed_link", "see_more_link"):
            for item in by_class(node, name):
                if item.getparent() is not None:
                    item.drop_tree()
    return "\n".join(line.strip() for line in text_of(node).split("\n")), cut


def _pictures(node: Any, owner: str | None) -> list[Attachment]:
    found: dict[str, Attachment] = {}
    for image in node.xpath(".//*[contains(@class,'scaledImageFit')]"):
        if source := image.get("data-src") or image.get("src"):
            found.setdefault(source, Attachment("photo", source, post_id=owner))
    for video in node.xpath(".//video"):
        source = video.get("src") or ""
        if source.startswith("http"):
            found.setdefault(source, Attachment("video", source, thumbnail=video.get("poster"), post_id=owner))
    if not any(item.kind == "video" for item in found.values()):
        for link in node.xpath(".//a[contains(@href,'/videos/')]/@href"):
            where = absolute(str(link).partition("?")[0])
            if where and re.search(r"/videos/(?:[^/]+/)*\d+", where):
                found.setdefault(where, Attachment("video", None, post_id=owner, extract_from=where))
    return [*found.values(), *_hidden(node, owner)]


def _hidden(node: Any, owner: str | None) -> list[Attachment]:
    """Pictures of an album that the page does not show: `+5` stands over the last one that it does."""
    words = [one_line(item) for item in node.xpath(".//a[contains(@href,'/photo')]")]
    sign = next((word for word in words if re.fullmatch(r"\+\d{1,4}", word)), None)
    if sign is None:
        return []
    reason = f"the page shows only some of the pictures: {sign} stands over the last one"
    return [Attachment("photo", None, post_id=owner, reason=reason)]
