"""X's own HTML: which kind of page it is, and what the head of a shell of scripts says."""

from __future__ import annotations

import re
from typing import Any

from spiders.html import tree
from spiders.posts import Attachment, Outcome, Parsed, Post
from spiders.x.common import PARSER, STATUS, none, when
from spiders.x.media import original
from spiders.x.older_page import older_page
from spiders.x.rendered import rendered
from spiders.x.server_page import server_page


def page_post(data: bytes, url: str | None) -> Parsed:
    """Parse a page: a DOM that a browser saved, a page of Twitter's old servers, or a shell of scripts and its head."""
    document = tree(data)
    if document is None:
        return none("x/html", Outcome.PARTIAL, "no markup")
    meta: dict[str, str] = {}
    for item in document.iter("meta"):
        name = item.get("property") or item.get("name")
        if name and item.get("content"):
            meta.setdefault(name, item.get("content"))
    scripts = [item.get("src") for item in document.iter("script") if "/client-web/main." in (item.get("src") or "")]
    page: dict[str, Any] = {"main_script": scripts[0]} if scripts else {}
    canonical = [item.get("href") or "" for item in document.iter("link") if (item.get("rel") or "") == "canonical"]
    saved = _SAVED.search(data[:4096])
    said = (meta.get("og:url", ""), *canonical, saved[1].decode("utf-8", "replace") if saved else "")
    where = next((found for link in said if (found := STATUS.search(link))), None)
    asked = STATUS.search(url or "") or where
    wanted = asked[2] if asked else None
    shown = rendered(document, data, wanted, page) or server_page(document, data, wanted, page)
    if (shown := shown or older_page(document, wanted, page)) is not None:
        return shown
    where = where or asked
    if where is None:
        said_ = "a page of X without a post"
        return Parsed(platform="x", layout="x/html", outcome=Outcome.PARTIAL, reason=said_, page=page, parser=PARSER)
    post = _from_head(meta, where[1], where[2])
    if post is None:
        reason = "a shell of scripts: the page shows nothing of the post without running them"
        return Parsed(platform="x", layout="x/shell", outcome=Outcome.PARTIAL, reason=reason, page=page, parser=PARSER)
    return Parsed(platform="x", layout="x/head", posts=(post,), outcome=None, page=page, parser=PARSER)


_SAVED = re.compile(rb"Page saved with SingleFile\s+url: (\S{1,2000})")


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
    published = when(meta.get("article:published_time"), "article:published_time")
    lacks = "it may leave files out" if published else "it gives no time, and may leave files out"
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{handle or 'i'}/status/{post_id}",
        author_handle=handle,
        author_name=name,
        published=published,
        text=text,
        attachments=attachments,
        outcome=Outcome.PARTIAL,
        reason=f"the page's head only: {lacks}",
    )
