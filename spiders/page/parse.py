"""Any HTML page → one post (the article), its comments, its requisites, and where it points. Pure and total.

Article text, author, date and language are found by trafilatura; what is needed to show the page is listed here.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urldefrag

from spiders import dates
from spiders.html import charset, decode, one_line, tree
from spiders.links import cleaned, mask_userinfo, safe_join, scheme_of, without_userinfo
from spiders.page.comments import comments
from spiders.page.media_links import media_of
from spiders.page.pointers import Pointer, archived_copy, pointers
from spiders.posts import Attachment, Census, Outcome, Parsed, Post, Time
from spiders.walls.pages import title_wall

PARSER = "page/1"
PAGE_LIMIT = 16 << 20
"""Larger pages are kept and not read: finding the article in one takes minutes and gigabytes."""
_CSS_URL = re.compile(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\"'\s]+))\s*\)|@import\s+(?:\"([^\"]+)\"|'([^']+)')")


def parse(data: bytes, url: str | None = None, content_type: str | None = None) -> Parsed:
    """Parse a page into one post, or a typed reason."""
    if not data.strip():
        return _nothing(Outcome.PARTIAL, "empty body")
    if len(data) > PAGE_LIMIT:
        return _nothing(Outcome.PARTIAL, f"too large to read ({len(data)} bytes); kept unread")
    document = tree(data, content_type)
    if document is None or not _is_markup(decode(data[:262144], content_type)):
        return _nothing(Outcome.PARTIAL, "not HTML; kept as it is")
    base = _base(document, url)
    archived = archived_copy(url)
    article = _article(data, archived["original"] if archived else url, content_type)
    requisites = tuple(_requisites(document, base))
    attachments = tuple(_media(document, base))
    title = article.get("title") or next((one_line(node) for node in document.xpath("//title")), None)
    remarks = comments(document, url)
    elsewhere = pointers(document, base)
    post = Post(
        platform="page",
        id=url,
        url=url,
        author_name=article.get("author"),
        published=_published(document, article),
        title=title or None,
        text=article.get("text"),
        lang=article.get("language") or document.get("lang"),
        attachments=attachments,
        extra=_extra(document, article, archived, elsewhere, len(remarks)),
    )
    stated = next((one_line(node) for node in document.xpath("//title")), title)
    wall = title_wall(stated, article.get("text") or "", url)
    return Parsed(
        platform="page",
        layout="page/archived copy" if archived else "page/html",
        posts=(post, *remarks) if wall is None else (),
        census=_census(data, document, remarks) if wall is None else (),
        outcome=wall[0] if wall else None,
        reason=wall[1] if wall else None,
        requisites=requisites,
        page={
            "title": title,
            "charset": charset(data, content_type),
            **({"archived_copy": archived} if archived else {}),
        },
        hints={"pointers": elsewhere},
        parser=PARSER,
        absence=wall[2] if wall else None,
    )


def _extra(
    document: Any, article: dict[str, Any], archived: dict[str, Any] | None, elsewhere: list[Pointer], remarks: int
) -> dict[str, Any]:
    """What is told of the page beside the post's fields. What is not known is left out."""
    canonical = next((str(link) for link in document.xpath("//link[@rel='canonical']/@href")), None)
    extra: dict[str, Any] = {
        "canonical": mask_userinfo(canonical) if canonical is not None else None,
        "site": _site(article.get("sitename")),
        "archived_copy": archived,
        "embeds": [item.target.url for item in elsewhere if item.how == "embedded"] or None,
        "links": [item.target.url for item in elsewhere if item.how == "linked"] or None,
        "comments": remarks or None,
    }
    return {key: value for key, value in extra.items() if value is not None}


def _site(name: str | None) -> str | None:
    """The site's name, which trafilatura takes from the host of `og:url`, with what stands before it, where nothing else has it."""
    if name is None or any(letter.isspace() for letter in name):
        return name and without_userinfo(name)
    return without_userinfo(mask_userinfo(f"//{name}").removeprefix("//"))


def _census(data: bytes, document: Any, remarks: list[Post]) -> tuple[Census, ...]:
    """Marks counted in the bytes against elements of the tree, and comments by their ids."""
    counted = (
        Census("images", len(re.findall(rb"<img[\s>/]", data, re.IGNORECASE)), len(document.xpath("//img"))),
        Census("videos", len(re.findall(rb"<video[\s>/]", data, re.IGNORECASE)), len(document.xpath("//video"))),
        Census("frames", len(re.findall(rb"<iframe[\s>/]", data, re.IGNORECASE)), len(document.xpath("//iframe"))),
    )
    # Markup in comments and scripts is no element; such pages are not counted.
    countable = not re.search(rb"<!--|<script|<noscript", data)
    census = tuple(line for line in counted if countable and (line.raw or line.parsed))
    marked = len(set(_COMMENT.findall(data)))
    if marked or remarks:
        census += (
            Census("comment ids", marked, len({post.id for post in remarks if _COMMENT_ID.search(post.id or "")})),
        )
    return census


_COMMENT = re.compile(rb"\bid=[\"']?(comment-\d+)\b")
_COMMENT_ID = re.compile(r"#comment-\d+$")


def _nothing(outcome: Outcome, reason: str) -> Parsed:
    return Parsed(platform="page", layout="unknown", outcome=outcome, reason=reason, parser=PARSER)


def _is_markup(text: str) -> bool:
    names = r"!doctype|html|head|body|div|p|a|span|article|title|meta|table"
    return bool(re.search(rf"<\s*(?:{names})\b", text, re.IGNORECASE))


_WEB = ("http", "https")
_NO_FILE = ("data", "blob", "javascript", "about")
"""Schemes that name no file apart from the page: `data:` has its bytes in the link, which is kept with the page; `blob:` names
what a script made in the memory of that one browser; `javascript:` and `about:` name no file at all."""


def _base(document: Any, url: str | None) -> str:
    """The address that links are read against: that of the first `<base href>`, or the page's own.

    The HTML Standard (4.2.3, "set the frozen base URL") takes the first alone, and none with a scheme that nothing can
    be read against, as `data:` and `javascript:`. Against `mailto:` no file can be asked for either.
    """
    base = next((str(link) for link in document.xpath("//base/@href")), "")
    joined = _join(url or "", base)
    return joined if joined and scheme_of(joined) in (None, *_WEB) else url or ""


def _join(base: str, link: str) -> str | None:
    """A link of the page without its fragment; None where nothing is left of it or it cannot be read."""
    joined = safe_join(base, link)
    return urldefrag(joined)[0] or None if joined else None


def _listed(base: str, link: str | None) -> str | None:
    """A link of the page that is to be in the inventory, whether or not it can be asked for."""
    if not link or scheme_of(cleaned(link)) in _NO_FILE:
        return None
    joined = safe_join(base, link)
    if joined is None:
        return mask_userinfo(link.strip())
    scheme = scheme_of(joined)
    if scheme is None:  # relative, on a page of which nobody knows where it stood
        return None
    return mask_userinfo(urldefrag(joined)[0] if scheme in _WEB else joined)


def _article(data: bytes, url: str | None, content_type: str | None) -> dict[str, Any]:
    """Title, author, date, text, language by trafilatura; {} where it finds nothing or cannot cope."""
    import trafilatura
    from lxml import etree

    try:
        found = trafilatura.bare_extraction(
            decode(data, content_type), url=url, with_metadata=True, include_comments=False
        )
    except (etree.LxmlError, ValueError, TypeError, AttributeError, RecursionError, KeyError, IndexError):
        return {}
    if found is None:
        return {}
    names = ("title", "author", "date", "text", "language", "sitename")
    return {name: value for name in names if isinstance(value := getattr(found, name, None), str) and value.strip()}


def _published(document: Any, article: dict[str, Any]) -> Time | None:
    """The page's own statement first, with its offset; the date that trafilatura guessed only as a day."""
    statements: list[tuple[str, str]] = []
    for node in document.xpath("//meta[@property='article:published_time' or @itemprop='datePublished']"):
        statements.append(("meta article:published_time", str(node.get("content") or "")))
    for node in document.xpath("//script[@type='application/ld+json']"):
        try:
            value = json.loads(node.text or "")
        except (ValueError, RecursionError):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and isinstance(item.get("datePublished"), str):
                statements.append(("JSON-LD datePublished", item["datePublished"]))
    for node in document.xpath(
        "//time[@datetime and (@itemprop='datePublished' or @pubdate or contains(@class,'published'))]"
    ):
        statements.append(("time[datetime]", str(node.get("datetime"))))
    for source, literal in statements:
        if moment := _time(literal, source):
            return moment
    if "date" in article:
        return Time(None, "day", False, article["date"], "trafilatura")
    return None


def _time(literal: str, source: str) -> Time | None:
    """A time with its zone, or, without one, the literal alone: it is not relabelled as UTC."""
    found = dates.with_offset(literal.strip(), source)
    if found.precision is None and not found.zone_known:
        return None
    precision = "second" if "T" in literal or " " in literal.strip() else "day"
    return replace(found, precision=precision, literal=literal)


def _requisites(document: Any, base: str) -> list[Attachment]:
    """Styles, scripts, images and icons, in document order, each link once."""
    found: dict[str, str] = {}

    def add(kind: str, link: str | None) -> None:
        if listed := _listed(base, link):
            found.setdefault(listed, kind)

    for node in document.iter():
        tag = node.tag if isinstance(node.tag, str) else ""
        if tag == "link":
            rel = (node.get("rel") or "").lower()
            if "stylesheet" in rel:
                add("style", node.get("href"))
            elif "icon" in rel:
                add("icon", node.get("href"))
        elif tag == "script":
            add("script", node.get("src"))
        elif tag in ("img", "input", "source", "track", "embed"):
            add("image" if tag in ("img", "input") else "source", node.get("src"))
            for link in _srcset(node.get("srcset")):
                add("image", link)
            for name in ("data-src", "data-lazy-src", "data-original"):
                add("image", node.get(name))
        elif tag == "object":
            add("source", node.get("data"))
        elif tag == "video":
            add("poster", node.get("poster"))
        elif tag == "style":
            for link in css_links(node.text or ""):
                add("style part", link)
        if node.get("style"):
            for link in css_links(node.get("style")):
                add("image", link)
        if node.get("background"):
            add("image", node.get("background"))
    return [Attachment(kind, url) for url, kind in found.items()]


def _srcset(value: str | None) -> list[str]:
    """Links of a `srcset`: candidates are separated by commas that follow a descriptor or blank."""
    return [
        match[0].rstrip(",")
        for match in re.finditer(r"[^\s,]\S*", value or "")
        if not re.fullmatch(r"[\d.]+[wxh],?", match[0])
    ]


def css_links(text: str) -> list[str]:
    """List the links in CSS, `url(…)` and `@import`, each once."""
    links = [next((group for group in match.groups() if group), "") for match in _CSS_URL.finditer(text)]
    return list(
        dict.fromkeys(
            link.strip() for link in links if link.strip() and not link.strip().lower().startswith(("data:", "#"))
        )
    )


def _media(document: Any, base: str) -> list[Attachment]:
    """Videos and audio that the page itself plays or names, and players that it embeds."""
    return media_of(document, lambda link: _listed(base, link))
