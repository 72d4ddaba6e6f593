"""X's own HTML: a shell of scripts, what its head says, or a DOM that a browser saved."""

from __future__ import annotations

import re
from typing import Any

from spiders.html import tree
from spiders.posts import Attachment, Outcome, Parsed, Post
from spiders.x.common import PARSER, STATUS, none, when
from spiders.x.media import original


def page_post(data: bytes, url: str | None) -> Parsed:
    """Parse a post's page. Logged out it is a shell of scripts; the post is in its head, or in a rendered DOM."""
    document = tree(data)
    if document is None:
        return none("x/html", Outcome.PARTIAL, "no markup")
    meta: dict[str, str] = {}
    for item in document.iter("meta"):
        name = item.get("property") or item.get("name")
        if name and item.get("content"):
            meta.setdefault(name, item.get("content"))
    links = [item.get("href") or "" for item in document.iter("link") if (item.get("rel") or "") == "canonical"]
    where = next((m for link in (meta.get("og:url", ""), *links, url or "") if (m := STATUS.search(link))), None)
    scripts = [item.get("src") for item in document.iter("script") if "/client-web/main." in (item.get("src") or "")]
    page = {"main_script": scripts[0]} if scripts else {}
    if where is None:
        return Parsed(
            platform="x",
            layout="x/html",
            outcome=Outcome.PARTIAL,
            reason="a page of X without a post",
            page=page,
            parser=PARSER,
        )
    handle, post_id = where[1], where[2]
    article = document.xpath("//article[@data-testid='tweet']")
    if article:
        post: Post | None = _rendered(article[0], handle, post_id)
    else:
        post = _from_head(meta, handle, post_id)
    if post is None:
        reason = "a shell of scripts: the page shows nothing of the post without running them"
        return Parsed(platform="x", layout="x/shell", outcome=Outcome.PARTIAL, reason=reason, page=page, parser=PARSER)
    layout = "x/rendered" if article else "x/head"
    return Parsed(platform="x", layout=layout, posts=(post,), outcome=None, page=page, parser=PARSER)


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
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}",
        author_handle=handle,
        author_name=name,
        text=text,
        attachments=attachments,
        outcome=Outcome.PARTIAL,
        reason="the page's head only: it gives no time, and may leave files out",
    )


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
        platform="x",
        id=post_id,
        url=f"https://x.com/{account or 'i'}/status/{post_id}",
        author_handle=account,
        author_name=words[0] if words else None,
        published=when(times[0], "time[datetime]") if times else None,
        text=text,
        attachments=tuple(attachments),
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED,
        reason=missing,
    )
