"""Facebook's public pages and plugin embeds → posts. Pure and total.

Layouts: the HTML of 2018–2022 (also what `plugins/post.php` gives), the JSON that pages carry in `data-sjs` scripts
since 2021, and a page's head alone. Logged out, most of Facebook is a login wall; it is recognised, never read as a post.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from spiders import dates
from spiders.availability import Wording, absence
from spiders.facebook.absence import BOX_PATHS, BOXES
from spiders.html import by_class, one_line, text_of, tree
from spiders.json_access import at, count, dicts, load, number, walk
from spiders.json_access import text_of as string
from spiders.links import safe_split
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post

PARSER = "facebook/1"
HOME = "https://www.facebook.com"
_RAW = re.compile(rb"data-utime=\"\d+\"|\"creation_time\":\d{9,11}\b")


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Parse an answer of Facebook into posts, or a typed reason."""
    document = tree(data)
    if document is None:
        return _none("facebook/unknown", Outcome.PARTIAL, "empty body" if not data.strip() else "not HTML")
    wrappers = by_class(document, "userContentWrapper") or by_class(document, "_5pcr")
    posts = tuple(post for node in wrappers if (post := _classic(node, document, url)) is not None)
    layout = "facebook/embed" if url and "/plugins/" in url else "facebook/post"
    if not posts:
        posts, layout = tuple(_stories(document, url)), "facebook/relay"
    wall = login_wall(document, url)
    if posts:
        census = (Census("post times", len(set(_RAW.findall(data))), _times(posts)),)
        return Parsed(
            platform="facebook",
            layout=layout,
            posts=posts,
            census=census if layout != "facebook/relay" else (),
            parser=PARSER,
            page={"login_offered": wall} if wall else {},
            absence=Absence(Availability.PRESENT),
        )
    if wall:
        return _none(
            "facebook/login wall", Outcome.REFUSED, "login required: Facebook shows a login page", "login required"
        )
    if said := _said(document):
        words, known = said
        return _none("facebook/box", known.outcome, f"Facebook says: {words}", known.kind, words)
    head = _head(document, url)
    if head is not None:
        return Parsed(
            platform="facebook",
            layout="facebook/head",
            posts=(head,),
            parser=PARSER,
            absence=Absence(Availability.PRESENT),
        )
    shape = " ".join(list(dict.fromkeys(str(item) for item in document.xpath("//@id")))[:12]) or "no ids"
    return _none("facebook/unknown", Outcome.PARTIAL, f"unknown layout: {shape}")


def _none(layout: str, outcome: Outcome, reason: str, kind: str | None = None, said: str | None = None) -> Parsed:
    stated = absence(kind, said or reason) if kind else None
    return Parsed(platform="facebook", layout=layout, outcome=outcome, reason=reason, parser=PARSER, absence=stated)


def login_wall(document: Any, url: str | None) -> bool:
    """Return whether the page asks for a login in place of what was asked for; a login field beside a post does not."""
    path = safe_split(url).path if url else ""
    title = one_line(document.xpath("//title")[0]).lower() if document.xpath("//title") else ""
    forms = document.xpath("//form[@id='login_form' or contains(@action,'/login/')]")
    return path.startswith(("/login", "/checkpoint")) or bool(
        forms and (title.startswith(("log in", "log into", "facebook – log in", "facebook - log in")) or not title)
    )


def _said(document: Any) -> tuple[str, Wording] | None:
    """What Facebook says in its own boxes. Elements that hold a post's words are not looked at."""
    for path in BOX_PATHS:
        for node in document.xpath(path):
            words = one_line(node)[:300]
            if (known := BOXES.first_in(words)) is not None:
                return words, known
    return None


def _times(posts: tuple[Post, ...]) -> int:
    return sum(1 for post in posts if post.published is not None)


# -- HTML of 2018–2022, and plugin embeds -------------------------------------------------------------------------------


def _classic(node: Any, document: Any, url: str | None) -> Post | None:
    body = node.xpath(".//*[@data-testid='post_message']") or by_class(node, "userContent")
    stamp = node.xpath(".//abbr[@data-utime]")
    names = node.xpath(".//h5//a[@href] | .//*[contains(@class,'fwb')]//a[@href]")
    if not body and not stamp:
        return None
    seconds = number(stamp[0].get("data-utime")) if stamp else None
    literal = stamp[0].get("data-utime") or "" if stamp else ""
    identifier = next((str(item) for item in node.xpath(".//input[@name='ft_ent_identifier']/@value")), None)
    owner = next((item for item in names if one_line(item)), None)
    handle = _handle(owner.get("href")) if owner is not None else None
    link = next((str(item) for item in document.xpath("//meta[@property='og:url']/@content")), None)
    permalink = stamp[0].getparent().get("href") if stamp else None
    post_id = identifier or _post_id(permalink) or _post_id(link) or _post_id(url)
    attachments = tuple(_pictures(node, post_id))
    counts = {_counted(one_line(item)): one_line(item) for item in node.xpath(".//form//span | .//form//a")}
    reactions = [one_line(item) for item in node.xpath(".//form//*[contains(@class,'_81hb')]")]
    labels = [str(item) for item in node.xpath(".//form//*[contains(@aria-label,' Like')]/@aria-label")]
    extra = {
        "reactions_text": reactions[0] if reactions else None,
        "comments_text": counts.get("comments"),
        "shares_text": counts.get("shares"),
        "shared_with": next(
            (str(i) for i in node.xpath(".//*[starts-with(@aria-label,'Shared with')]/@aria-label")), None
        ),
        "handle_in_link": handle,
    }
    return Post(
        platform="facebook",
        id=post_id,
        url=link or _absolute(permalink) or url,
        author_handle=handle,
        author_name=one_line(owner) if owner is not None else None,
        published=dates.instant(seconds, literal, "abbr[data-utime]") if stamp else None,
        text=_paragraphs(body[0]) if body else None,
        attachments=attachments,
        likes=next((shown(label) for label in labels if label.endswith(" Like")), None),
        replies=shown(counts.get("comments")),
        reposts=shown(counts.get("shares")),
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _paragraphs(node: Any) -> str:
    return "\n".join(line.strip() for line in text_of(node).split("\n"))


def _pictures(node: Any, post_id: str | None) -> list[Attachment]:
    found: dict[str, Attachment] = {}
    for image in node.xpath(".//*[contains(@class,'scaledImageFit')]"):
        if source := image.get("data-src") or image.get("src"):
            found.setdefault(source, Attachment("photo", source, post_id=post_id))
    for video in node.xpath(".//video"):
        source = video.get("src") or ""
        if source.startswith("http"):
            found.setdefault(source, Attachment("video", source, thumbnail=video.get("poster"), post_id=post_id))
    if not any(item.kind == "video" for item in found.values()):
        for link in node.xpath(".//a[contains(@href,'/videos/')]/@href"):
            where = _absolute(str(link).partition("?")[0])
            if where and re.search(r"/videos/(?:[^/]+/)*\d+", where):
                found.setdefault(where, Attachment("video", None, post_id=post_id, extract_from=where))
    return list(found.values())


def _counted(text: str) -> str:
    match = re.fullmatch(r"[\d.,]+\s?[KMB]? (Comment|Share)s?", text)
    return match[1].lower() + "s" if match else ""


def shown(text: str | None) -> int | None:
    """Parse a count as Facebook rounds it: `4.3K Comments` → 4300. The caller keeps the literal beside it."""
    match = re.match(r"([\d.,]+)\s?([KMB]?)\b", text or "")
    if not match:
        return None
    scale = {"": 1, "K": 1000, "M": 1_000_000, "B": 10**9}[match[2]]
    digits = match[1].replace(",", "") if scale == 1 else match[1].replace(",", ".")
    try:
        return round(float(digits) * scale)
    except ValueError:
        return None


def _handle(href: str | None) -> str | None:
    parts = safe_split(href or "")
    name = parts.path.strip("/")
    if parts.hostname and not parts.hostname.endswith("facebook.com"):
        return None
    if name == "profile.php":
        return next(iter(parse_qs(parts.query).get("id", [])), None)
    return name if re.fullmatch(r"[\w.]{2,80}", name) else None


def _absolute(href: str | None) -> str | None:
    if not href:
        return None
    return href if href.startswith("http") else HOME + href if href.startswith("/") else None


def _post_id(url: str | None) -> str | None:
    if not url:
        return None
    match = re.search(r"/(?:posts|permalink|videos|reel)/(?:[^/?]+/)?(pfbid\w+|\d+)", url)
    match = match or re.search(r"[?&](?:story_fbid|fbid|v)=(pfbid\w+|\d+)", url)
    return match[1] if match else None


# -- JSON in the page, since 2021 -------------------------------------------------------------------------------------------


def _stories(document: Any, url: str | None) -> list[Post]:
    """Posts and videos out of the page's `data-sjs` scripts, each id once; the fullest reading of it counts."""
    found: dict[str, Post] = {}
    for script in document.xpath("//script[@type='application/json']"):
        value = load(script.text or "")
        for _, item in walk(value):
            post = _story(item) or _video(item)
            if post is not None and post.id is not None:
                known = found.get(post.id)
                if known is None or _fullness(post) > _fullness(known):
                    found[post.id] = post
    wanted = _post_id(url)
    if wanted and wanted in found:
        return [found[wanted]]
    return list(found.values())


def _fullness(post: Post) -> int:
    return sum(value is not None for value in (post.text, post.author_name, post.published)) + len(post.attachments)


def _story(item: dict[str, Any]) -> Post | None:
    post_id = string(item.get("post_id"))
    actors = dicts(item.get("actors"))
    message = string(at(item, "message", "text"))
    if post_id is None or (message is None and not actors):
        return None
    seconds = number(item.get("creation_time"))
    actor = actors[0] if actors else {}
    attachments = [
        medium
        for entry in dicts(item.get("attachments"))
        for _, inner in walk(entry)
        if (medium := _medium(inner, post_id)) is not None
    ]
    reactions = count(at(item, "feedback", "reaction_count", "count"))
    once = {attachment.extra.get("media_id") or str(n): attachment for n, attachment in enumerate(attachments)}
    return Post(
        platform="facebook",
        id=post_id,
        url=string(item.get("url")) or string(item.get("wwwURL")) or f"{HOME}/{post_id}",
        author_handle=_handle(string(actor.get("url")) or string(actor.get("profile_url"))),
        author_name=string(actor.get("name")),
        author_id=string(actor.get("id")),
        published=dates.instant(seconds, str(item.get("creation_time")), "creation_time"),
        text=message,
        attachments=tuple(once.values()),
        replies=count(at(item, "feedback", "total_comment_count")),
        reposts=count(at(item, "feedback", "share_count", "count")),
        extra={"reactions": reactions} if reactions is not None else {},
    )


def _video(item: dict[str, Any]) -> Post | None:
    """A video's own page: the media object stands in for the post."""
    if item.get("__typename") != "Video" or string(item.get("id")) is None or _link_of(item) is None:
        return None
    seconds = number(item.get("publish_time")) or number(item.get("created_time"))
    owner = at(item, "owner")
    medium = _medium(item, str(item["id"]))
    assert medium is not None
    return Post(
        platform="facebook",
        id=str(item["id"]),
        url=string(item.get("permalink_url")) or f"{HOME}/watch/?v={item['id']}",
        author_handle=_handle(string(at(owner, "url"))),
        author_name=string(at(owner, "name")),
        author_id=string(at(owner, "id")),
        published=dates.instant(seconds, str(seconds), "publish_time"),
        title=string(item.get("name")),
        text=string(at(item, "savable_description", "text")),
        attachments=(medium,),
        duration=medium.duration,
    )


def _link_of(item: dict[str, Any]) -> str | None:
    names = ("browser_native_hd_url", "playable_url_quality_hd", "browser_native_sd_url", "playable_url")
    return next((link for name in names if (link := string(item.get(name)))), None)


def _medium(item: dict[str, Any], post_id: str) -> Attachment | None:
    kind, media_id = item.get("__typename"), string(item.get("id"))
    if media_id is None or kind not in ("Video", "Photo"):
        return None
    facts = {"media_id": media_id, "alt": string(item.get("accessibility_caption"))}
    extra = {key: value for key, value in facts.items() if value is not None}
    if kind == "Video":
        milliseconds = number(item.get("playable_duration_in_ms"))
        return Attachment(
            "video", _link_of(item), width=count(item.get("width")), height=count(item.get("height")),
            duration=milliseconds / 1000 if milliseconds else None,
            thumbnail=string(at(item, "preferred_thumbnail", "image", "uri")), post_id=post_id,
            extract_from=None if _link_of(item) else f"{HOME}/watch/?v={media_id}", extra=extra,
        )  # fmt: skip
    image = at(item, "viewer_image") or at(item, "photo_image") or at(item, "image")
    link = string(at(image, "uri"))
    if link is None:
        return None
    return Attachment(
        "photo", link, width=count(at(image, "width")), height=count(at(image, "height")), post_id=post_id, extra=extra
    )


# -- the head alone -----------------------------------------------------------------------------------------------------------


def _head(document: Any, url: str | None) -> Post | None:
    meta = {
        str(item.get("property")): str(item.get("content")) for item in document.xpath("//meta[@property and @content]")
    }
    where = meta.get("og:url") or url
    post_id = _post_id(where) or _post_id(url)
    if post_id is None or not (meta.get("og:description") or meta.get("og:video") or meta.get("og:title")):
        return None
    attachments = []
    video = meta.get("og:video:secure_url") or meta.get("og:video")
    is_video = bool(video) or "/videos/" in (where or "") or "/reel/" in (where or "")
    if is_video:
        link = video if video and safe_split(video).path.endswith(".mp4") else None
        source = None if link else where
        attachments.append(
            Attachment("video", link, thumbnail=meta.get("og:image"), post_id=post_id, extract_from=source)
        )
    elif image := meta.get("og:image"):
        attachments.append(Attachment("photo", image, post_id=post_id))
    return Post(
        platform="facebook", id=post_id, url=where, author_name=meta.get("og:title"), text=meta.get("og:description"),
        attachments=tuple(attachments), outcome=Outcome.PARTIAL,
        reason="the page's head only: it gives no time, cuts the text, and may leave files out",
    )  # fmt: skip
