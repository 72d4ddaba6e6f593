"""What a page states about itself: when it was published and changed, by whom, its title, and which part of it is the article.

Statements only: fields that a publisher filled in, each with the name of the field as its source. What a finder of
articles takes out of the page's words is in `finder.py`. Pure and total.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spiders import dates
from spiders.html import one_line
from spiders.posts import Time

ARTICLES = frozenset({
    "Article", "NewsArticle", "BlogPosting", "SocialMediaPosting", "DiscussionForumPosting", "LiveBlogPosting", "Report",
    "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "BackgroundNewsArticle", "ReviewNewsArticle",
    "AdvertiserContentArticle", "ScholarlyArticle", "TechArticle", "SatiricalArticle",
})  # fmt: skip
"""Types of schema.org that are an article."""
_WORKS = ARTICLES | {
    "VideoObject",
    "WebPage",
    "CreativeWork",
    "NewsVideo",
    "Clip",
    "Movie",
    "PodcastEpisode",
    "Photograph",
}
_DEEPEST = 6
_PUBLISHED = (
    "pubdate", "publishdate", "publish-date", "publish_date", "publication_date", "publicationdate", "date", "dc.date",
    "dc.date.issued", "dc.date.created", "dcterms.created", "dcterms.issued", "dcterms.date", "dcterms.available",
    "article.published", "sailthru.date", "parsely-pub-date", "cxenseparse:recs:publishtime", "article_date_original",
    "originalpublicationdate", "og:pubdate", "og:published_time", "article:published", "article:published_date",
    "citation_publication_date", "citation_date", "date.created", "created", "release_date",
)  # fmt: skip
"""Names of `<meta>` in which publishers state when a page was published, in the order in which they are believed."""
_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
    "lastmod",
    "revised",
)
_AUTHORS = (
    "author",
    "dc.creator",
    "dcterms.creator",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "citation_author",
    "byl",
)
_SELECTOR = re.compile(r"([.#])([\w-]{1,80})")
_IN_FULL = 600
"""Characters of a part that is not free: with more of them it is the text, with fewer an offer to subscribe."""
_REMARK = "ancestor::*[contains(@class,'comment') or contains(@id,'comment')]"


@dataclass(frozen=True)
class Statements:
    """The statements of one page. `document`: its tree; `url`: its address, None where that is not known."""

    document: Any
    url: str | None

    @cached_property
    def linked(self) -> list[dict[str, Any]]:
        """Things of JSON-LD that are the page or its article, not what it lists beside: in a graph, in lists, or alone."""
        found: list[dict[str, Any]] = []
        for node in self.document.xpath("//script[translate(@type,'LDJSON','ldjson')='application/ld+json']"):
            try:
                found += _things(json.loads(node.text or "", strict=False), _DEEPEST)
            except (ValueError, RecursionError):
                continue
        return found

    @cached_property
    def articles(self) -> list[dict[str, Any]]:
        """Those of them that are this page's article: the one with its address, or all that there are."""
        found = [one for one in self.linked if _types(one) & ARTICLES]
        own = {link for link in (self.url, self.canonical) if link}
        return [one for one in found if own & set(_addresses(one))] or found

    @cached_property
    def canonical(self) -> str | None:
        """The address that the page gives as its own."""
        return next((str(link) for link in self.document.xpath("//link[@rel='canonical']/@href")), None)

    @cached_property
    def metas(self) -> dict[str, str]:
        """Content of each `<meta>` by its name in small letters, the first of each."""
        found: dict[str, str] = {}
        for node in self.document.xpath("//meta[@content]"):
            for attribute in ("property", "name", "itemprop", "http-equiv"):
                if (name := node.get(attribute)) and node.get("content").strip():
                    found.setdefault(name.strip().lower(), node.get("content").strip())
        return found

    @property
    def is_article(self) -> bool:
        """Whether the page says that it is an article."""
        return self.metas.get("og:type", "").lower() in ("article", "news") or bool(self.articles)

    def published(self) -> Time | None:
        """Return the time of publication that the page states first, or None."""
        return _first(self._published())

    def modified(self) -> Time | None:
        """Return when the page says that it was changed last, or None. Never a time of publication."""
        return _first(self._modified())

    def title(self) -> str | None:
        """Return the title that the page states: of its article, for sharing, its heading, or in its head."""
        stated = _agreed(one.get("headline") for one in self.articles)
        shared = self.metas.get("og:title")
        parts = self.document.xpath("//article//h1 | //main//h1") or self.document.xpath("//h1")
        heading = one_line(parts[0]) if len(parts) == 1 else None
        head = next((one_line(node) for node in self.document.xpath("//title[not(ancestor::svg)]")), None)
        return next((" ".join(one.split()) for one in (stated, shared, heading, head) if one and one.strip()), None)

    def author(self) -> str | None:
        """Return who the page says wrote it, as it spells them; several are separated by `; `."""
        if linked := _agreed("; ".join(_names(one.get("author"))) or None for one in self.articles):
            return linked
        for name in _AUTHORS:
            stated = self.metas.get(name)
            if stated and "://" not in stated:
                return " ".join(stated.split())
        nodes = self.document.xpath(
            f"//*[@itemprop='author' or @rel='author'][not(self::link) and not(self::meta)][not({_REMARK})]"
        )
        names = list(dict.fromkeys(found for node in nodes if (found := _name_in(node))))
        return "; ".join(names) if 0 < len(names) <= 4 else None

    @property
    def is_for_subscribers(self) -> bool:
        """Whether the page says that its article is not free to read, and what is not free is not here in full.

        schema.org, "Subscription and paywalled content".
        """
        if self.metas.get("article:content_tier", "").lower() == "locked":
            return True
        closed = [one for one in self.articles if _denied(one.get("isAccessibleForFree"))]
        if not closed:
            return False
        parts = [part for one in closed for part in _listed(one.get("hasPart")) if isinstance(part, dict)]
        named = [part.get("cssSelector") for part in parts if _denied(part.get("isAccessibleForFree"))]
        marks = [link for names in named for one in _listed(names) for link in _SELECTOR.findall(str(one))]
        shown = [
            node
            for mark, name in marks
            for node in self.document.xpath(
                "//*[contains(concat(' ',normalize-space(@class),' '),concat(' ',$name,' '))]"
                if mark == "."
                else "//*[@id=$name]",
                name=name,
            )
        ]
        return max((len(one_line(node)) for node in shown), default=0) < _IN_FULL

    def body(self) -> str | None:
        """Return the article's text where JSON-LD holds it."""
        return _agreed(one.get("articleBody") for one in self.articles)

    def paid(self) -> str | None:
        """Return by what the page says that its article, or a part of it, is not free to read; None where nothing does."""
        for thing in self.articles or [one for one in self.linked if "WebPage" in _types(one)]:
            if _is_false(thing.get("isAccessibleForFree")) and not self._is_all_there(thing):
                return "JSON-LD isAccessibleForFree: false"
            parts = thing.get("hasPart")
            for part in parts if isinstance(parts, list) else [parts]:
                if (
                    isinstance(part, dict)
                    and _is_false(part.get("isAccessibleForFree"))
                    and not self._is_all_there(thing)
                ):
                    return f"JSON-LD hasPart {part.get('cssSelector') or ''} isAccessibleForFree: false".replace(
                        "  ", " "
                    )
        marked = "//*[@itemprop='isAccessibleForFree']"
        for node in self.document.xpath(marked):
            if _is_false(node.get("content") or node.get("href") or one_line(node)):
                return "itemprop isAccessibleForFree: false"
        tier = self.metas.get("article:content_tier", "").lower()
        return "meta article:content_tier: locked" if tier == "locked" else None

    def _is_all_there(self, thing: dict[str, Any]) -> bool:
        """Whether a paid article stands in the page as a whole, by the number of words that it states."""
        count, words = thing.get("wordCount"), len((self.body() or "").split())
        if isinstance(count, str) and count.isdecimal() and len(count) < 8:
            count = int(count)
        return isinstance(count, int) and 0 < count <= words * 1.1

    def parts(self) -> list[Any]:
        """List the elements that the page marks as its article or its main content, the most telling first."""
        article: list[Any] = self.document.xpath("//*[@itemprop='articleBody' or contains(@class,'e-content')]")
        article += self.document.xpath(f"//article[not(ancestor::article)][not({_REMARK})]")
        return [*article, *self.document.xpath("//main | //*[@role='main']")]

    def _published(self) -> Iterator[tuple[str, str]]:
        if said := self.metas.get("article:published_time"):
            yield "meta article:published_time", said
        yield from self._linked("datePublished", self.articles)
        for node in self.document.xpath("//*[@itemprop='datePublished'][@datetime or @content]"):
            yield "itemprop datePublished", node.get("datetime") or node.get("content")
        yield from self._times()
        yield from self._linked("uploadDate", self.linked)
        for name in _PUBLISHED:
            if told := self.metas.get(name):
                yield f"meta {name}", told
        yield from self._linked("datePublished", [one for one in self.linked if not _types(one) & ARTICLES])

    def _modified(self) -> Iterator[tuple[str, str]]:
        yield from self._linked("dateModified", self.articles)
        for name in _MODIFIED:
            if said := self.metas.get(name):
                yield f"meta {name}", said
        for node in self.document.xpath("//*[@itemprop='dateModified'][@datetime or @content]"):
            yield "itemprop dateModified", node.get("datetime") or node.get("content")
        yield from self._linked("dateModified", [one for one in self.linked if not _types(one) & ARTICLES])

    def _linked(self, name: str, things: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        said = _agreed(one.get(name) for one in things)
        if said:
            yield f"JSON-LD {name}", said

    def _times(self) -> Iterator[tuple[str, str]]:
        """`<time>` that is marked as the publication, then the only one, or the one before the text, of the article."""
        changed = "contains(@class,'modif') or contains(@class,'updat') or @itemprop"
        for node in self.document.xpath(f"//time[@datetime][@pubdate or contains(@class,'publish')][not({_REMARK})]"):
            yield "time[datetime]", node.get("datetime")
        articles = self.document.xpath(f"//article[not(ancestor::article)][not({_REMARK})]")
        if len(articles) != 1:
            return
        nodes = articles[0].xpath(
            f".//time[@datetime][not({changed})][not({_REMARK})][not(ancestor::aside or ancestor::footer)]"
        )
        before = [node for node in nodes if not node.xpath("preceding::p[ancestor::article]")]
        for node in before[:1] if before else nodes if len(nodes) == 1 else []:
            yield "time[datetime] in the article", node.get("datetime")


def _things(value: Any, depth: int) -> list[dict[str, Any]]:
    if depth == 0:
        return []
    if isinstance(value, list):
        return [thing for item in value for thing in _things(item, depth - 1)]
    if not isinstance(value, dict):
        return []
    inner = [value.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage", "video")]
    found = [value] if _types(value) & _WORKS else []
    return found + [thing for item in inner if isinstance(item, (dict, list)) for thing in _things(item, depth - 1)]


def _is_false(value: Any) -> bool:
    """Whether a value of schema.org is false; publishers write it as a word too."""
    return value is False or (isinstance(value, str) and value.strip().lower().rpartition("/")[2] == "false")


def _types(thing: dict[str, Any]) -> set[str]:
    value = thing.get("@type")
    return {
        str(one).rpartition("/")[2] for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)
    }


def _addresses(thing: dict[str, Any]) -> list[str]:
    main = thing.get("mainEntityOfPage")
    values = [thing.get("url"), thing.get("@id"), main, main.get("@id") if isinstance(main, dict) else None]
    return [one.partition("#")[0] for one in values if isinstance(one, str)]


def _agreed(values: Any) -> str | None:
    """The one text that all of them say who say anything; None where two say different things."""
    said = list(dict.fromkeys(value.strip() for value in values if isinstance(value, str) and value.strip()))
    return said[0] if len(said) == 1 else None


def _denied(value: Any) -> bool:
    """Whether a value of schema.org is its `False`, as a truth value, a word or an address."""
    return value is False or (isinstance(value, str) and value.rpartition("/")[2].lower() == "false")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    names = [item.get("name") if isinstance(item, dict) else item for item in items[:20]]
    return [" ".join(name.split()) for name in names if isinstance(name, str) and name.strip() and "://" not in name]


def _name_in(node: Any) -> str | None:
    inner = node.xpath(".//*[@itemprop='name']")
    if inner and inner[0].tag == "meta":
        return inner[0].get("content") or None
    name = one_line(inner[0] if inner else node)
    return name if 0 < len(name) <= 80 else None


def _first(statements: Iterator[tuple[str, str]]) -> Time | None:
    """The first statement that gives a time or at least bounds."""
    for source, literal in statements:
        found = dates.stated(literal.strip(), source)
        if found.value is not None or found.earliest is not None:
            return found
    return None
