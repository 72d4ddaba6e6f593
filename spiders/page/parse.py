"""Any HTML page → one post (the article), its requisites, embedded players and links. Pure and total.

Article text, author, date and language are found by trafilatura; what is needed to show the page is listed here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from spiders.html import by_class, charset, decode, one_line, tree
from spiders.posts import Attachment, Census, Outcome, Parsed, Post, Time

PARSER = "page/1"
PAGE_LIMIT = 64 << 20
_CSS_URL = re.compile(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\"'\s]+))\s*\)|@import\s+(?:\"([^\"]+)\"|'([^']+)')")
_LOGIN = re.compile(r"/(?:login|signin|sign-in|checkpoint|accounts/login)(?:[/?.]|$)", re.IGNORECASE)


def parse(data: bytes, url: str | None = None, content_type: str | None = None) -> Parsed:
    """The page as one post, or a typed reason."""
    if not data.strip():
        return _nothing(Outcome.PARTIAL, "empty body")
    if len(data) > PAGE_LIMIT:
        return _nothing(Outcome.PARTIAL, f"too large to read ({len(data)} bytes); kept unread")
    document = tree(data, content_type)
    if document is None or not _is_markup(decode(data[:262144], content_type)):
        return _nothing(Outcome.PARTIAL, "not HTML; kept as it is")
    base = _base(document, url)
    article = _article(data, url, content_type)
    requisites = tuple(_requisites(document, base))
    attachments = tuple(_media(document, base))
    title = article.get("title") or next((one_line(node) for node in document.xpath("//title")), None)
    comments = _comment_nodes(document)
    extra: dict[str, Any] = {
        "canonical": next((str(link) for link in document.xpath("//link[@rel='canonical']/@href")), None),
        "site": article.get("sitename"),
        "links": _post_links(document, base) or None,
        "comments_marked": len(comments) or None,
    }
    post = Post(
        "page",
        url,
        url,
        author_name=article.get("author"),
        published=_published(document, article),
        title=title or None,
        text=article.get("text"),
        lang=article.get("language") or document.get("lang"),
        attachments=attachments,
        extra={key: value for key, value in extra.items() if value is not None},
    )
    counted = (
        Census("images", len(re.findall(rb"<img[\s>/]", data, re.IGNORECASE)), len(document.xpath("//img"))),
        Census("videos", len(re.findall(rb"<video[\s>/]", data, re.IGNORECASE)), len(document.xpath("//video"))),
        Census("frames", len(re.findall(rb"<iframe[\s>/]", data, re.IGNORECASE)), len(document.xpath("//iframe"))),
    )
    # Markup in comments and scripts is no element; such pages are not counted.
    countable = not re.search(rb"<!--|<script|<noscript", data)
    census = tuple(line for line in counted if countable and (line.raw or line.parsed))
    return Parsed(
        "page",
        "page/html",
        (post,),
        census,
        requisites=requisites,
        page={"title": title, "charset": charset(data, content_type)},
        parser=PARSER,
    )


def login_wall(final_url: str) -> bool:
    """Whether a link was led to a login page."""
    return bool(_LOGIN.search(urlsplit(final_url).path))


def _nothing(outcome: Outcome, reason: str) -> Parsed:
    return Parsed("page", "unknown", outcome=outcome, reason=reason, parser=PARSER)


def _is_markup(text: str) -> bool:
    names = r"!doctype|html|head|body|div|p|a|span|article|title|meta|table"
    return bool(re.search(rf"<\s*(?:{names})\b", text, re.IGNORECASE))


def _base(document: Any, url: str | None) -> str:
    base = next((str(link) for link in document.xpath("//base/@href")), "")
    return _join(url or "", base) or url or ""


def _join(base: str, link: str) -> str | None:
    try:
        joined = urldefrag(urljoin(base, link.strip()))[0]
    except ValueError:
        return None
    return joined or None


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
    try:
        value = datetime.fromisoformat(literal.strip())
    except ValueError:
        return None
    precision = "second" if "T" in literal or " " in literal.strip() else "day"
    if value.tzinfo is None:
        return Time(None, precision, False, literal, source)
    return Time(value.astimezone(UTC), precision, True, literal, source)


def _requisites(document: Any, base: str) -> list[Attachment]:
    """Styles, scripts, images and icons, in document order, each link once."""
    found: dict[str, str] = {}

    def add(kind: str, link: str | None) -> None:
        joined = (
            _join(base, link)
            if link and not link.strip().lower().startswith(("data:", "javascript:", "about:", "blob:"))
            else None
        )
        if joined and joined.startswith(("http://", "https://")):
            found.setdefault(joined, kind)

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
    """Links in CSS: `url(…)` and `@import`."""
    links = [next((group for group in match.groups() if group), "") for match in _CSS_URL.finditer(text)]
    return list(
        dict.fromkeys(
            link.strip() for link in links if link.strip() and not link.strip().lower().startswith(("data:", "#"))
        )
    )


def _media(document: Any, base: str) -> list[Attachment]:
    """Videos and audio that the page itself plays, and players of platforms that it embeds."""
    found: list[Attachment] = []
    for tag in ("video", "audio"):
        for node in document.xpath(f"//{tag}"):
            links = [node.get("src"), *node.xpath("./source/@src")]
            urls = [joined for link in links if link and (joined := _join(base, link)) and joined.startswith("http")]
            poster = _join(base, node.get("poster")) if node.get("poster") else None
            if not urls:
                found.append(Attachment(tag, None, thumbnail=poster, reason="no link in the page; played by a script"))
            found += [Attachment(tag, url, thumbnail=poster) for url in dict.fromkeys(urls)]
    for node in document.xpath("//iframe[@src]"):
        url = _join(base, node.get("src"))
        if url and url.startswith("http"):
            found.append(Attachment("frame", url, reason="an embedded page; not part of this one"))
    return found


_POST_HOSTS = re.compile(
    r"^https?://(?:www\.|m\.|mobile\.)?(?:t\.me|telegram\.me|x\.com|twitter\.com|youtube\.com|youtu\.be|facebook\.com|fb\.watch)/",
    re.IGNORECASE,
)


def _post_links(document: Any, base: str) -> list[str]:
    links = [_join(base, str(link)) for link in document.xpath("//a/@href")]
    return list(dict.fromkeys(link for link in links if link and _POST_HOSTS.match(link)))[:500]


def _comment_nodes(document: Any) -> list[Any]:
    """Elements that a page marks as one comment each (classes of WordPress, Blogger and their kin)."""
    marked = [
        node
        for css in ("comment", "comment-body")
        for node in by_class(document, css)
        if node.tag in ("li", "article", "div")
    ]
    return [node for node in marked if node.get("id")]
