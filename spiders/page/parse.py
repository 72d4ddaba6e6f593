"""Any HTML page → one post (the article), its comments, its requisites, and where it points. Pure and total.

What the page states about itself goes into the post's fields, with its source; what a finder of articles guesses goes into
`guessed` and nowhere else. The finder's text counts as the page's own where the page marks the part in which all of it
stands: as its article, or as its main content.
"""

from __future__ import annotations

import re
from typing import Any

from spiders.html import declared_charset, decode, guessed_charset, tree_of
from spiders.links import mask_userinfo, safe_split, without_userinfo
from spiders.other_hosts import platform_without_reader
from spiders.page.comments import comments
from spiders.page.document import named_file, no_page
from spiders.page.files import base_of, listed, requisites_of
from spiders.page.finder import Found, found_in
from spiders.page.media_links import media_of
from spiders.page.onward import sends_on
from spiders.page.pointers import Pointer, archived_copy, pointers
from spiders.page.statements import Statements
from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post
from spiders.walls.structure import HARDLY, NOTE, Shape, Standing, standing

PARSER = "page/3"
FILE = "file"
"""Layout of an answer that is a document of its own, and no page."""
A_PAGE_CAME = "a page came in place of a file"
FOR_SUBSCRIBERS = "for subscribers, says the page"
PAGE_LIMIT = 16 << 20
"""Larger pages are kept and not read: finding the article in one takes minutes and gigabytes."""


def parse(data: bytes, url: str | None = None, content_type: str | None = None) -> Parsed:
    """Parse a page into one post, or a typed reason."""
    if not data.strip():
        return _nothing(Outcome.PARTIAL, "empty body")
    if (what := no_page(data, content_type)) is not None:
        # A link to it promises the document and no article: it is kept as a file is.
        return Parsed(platform="page", layout=FILE, page={"content_type": content_type, "what": what}, parser=PARSER)
    if len(data) > PAGE_LIMIT:
        return _nothing(Outcome.PARTIAL, f"too large to read ({len(data)} bytes); kept unread")
    declared = declared_charset(data, content_type)
    guessed = None if declared else guessed_charset(data)
    named = declared or guessed or "utf-8"
    markup = decode(data, f"charset={named}")
    document = tree_of(markup)
    if document is None or not _is_markup(markup[:262144]):
        return _nothing(Outcome.PARTIAL, "not HTML; kept as it is")
    page = _Page(data, markup, document, url, named, guessed)
    return page.parsed()


class _Page:
    """One page while it is read."""

    def __init__(
        self, data: bytes, markup: str, document: Any, url: str | None, named: str, guessed: str | None
    ) -> None:
        """`named`: the charset by which it was decoded; `guessed`: the same where nothing declares it."""
        self.data, self.document, self.url, self.charset, self.guessed_charset = data, document, url, named, guessed
        self.archived = archived_copy(url)
        own = self.archived["original"] if self.archived else url
        self.stated = Statements(document, own)
        self.found = found_in(markup, document, own, self.stated.parts())
        self.base = base_of(document, url)
        self.remarks = comments(document, url)
        self.elsewhere = pointers(document, self.base)
        self.shape = Shape(document, url, self.found.text or "", self.stated.is_article)
        self.standing = standing(self.shape) or self._sent_on()

    def parsed(self) -> Parsed:
        """Return the page as parsers return it."""
        stands, post = self.standing, self._post()
        kept = stands is None or stands.keeps_post
        return Parsed(
            platform="page",
            layout="page/archived copy" if self.archived else "page/html",
            posts=(post, *self.remarks) if kept else (),
            census=_census(self.data, self.document, self.remarks) if kept else (),
            outcome=stands.outcome if stands else None,
            reason=stands.reason if stands else None,
            requisites=tuple(requisites_of(self.document, self.base)),
            page={
                "title": post.title,
                "charset": self.charset,
                **({"guessed_charset": self.guessed_charset} if self.guessed_charset else {}),
                **({"archived_copy": self.archived} if self.archived else {}),
            },
            hints={"pointers": self.elsewhere, "unread": self._unread()},
            parser=PARSER,
            absence=stands.absence if stands else None,
        )

    def _post(self) -> Post:
        stated, found = self.stated, self.found
        text = self._own_text()
        title, author, published = stated.title(), stated.author(), stated.published()
        guessed = {
            "published": found.date.line() if found.date and not published and not self._is_change(found) else None,
            "author": None if author else found.author,
            "title": None if title else found.title,
            "text": None if text else found.text,
            "charset": self.guessed_charset,
        }
        whole = Outcome.CAPTURED, None
        attachments = tuple(media_of(self.document, lambda link: listed(self.base, link)))
        short = self._not_a_file() or self._unreadable() or self._framed(attachments) or self._perhaps_cut()
        outcome, reason = _outcome(self.standing) or short or whole
        return Post(
            platform="page",
            id=self.url,
            url=self.url,
            author_name=author,
            published=published,
            title=title,
            text=text,
            lang=self.document.get("lang") or found.language,
            attachments=attachments,
            outcome=outcome,
            reason=reason,
            guessed={name: value for name, value in guessed.items() if value is not None},
            extra=self._extra(),
        )

    def _own_text(self) -> str | None:
        """The article's text where the page itself says which part of it is the article; else None.

        On a platform that is not read the part with the most words is often a comment: no part of such a page is sure.
        """
        link = safe_split(self.stated.url or "")
        if platform_without_reader((link.hostname or "").lower(), link.path) is not None:
            return None
        return self.found.text if self.found.inside is not None else self.stated.body()

    def _unread(self) -> str | None:
        """Why the page is not the thing: it is of a platform, or an export of one, whose layout nothing here reads.

        A saved page often comes without its link: what it gives as its own address stands for it.
        """
        if self.document.xpath(_DESKTOP_EXPORT):
            return "a chat that Telegram Desktop exported: its messages are not read"
        named = (self.stated.url, self.stated.canonical, self.stated.metas.get("og:url"))
        link = safe_split(next((link for link in named if link and "//" in link), ""))
        name = platform_without_reader((link.hostname or "").lower(), link.path)
        return (
            None
            if name is None or link.path in ("", "/")
            else f"layout of this platform is not read ({name}): a page only"
        )

    def _is_change(self, found: Found) -> bool:
        """Whether the date that was found is when the page was changed, which it states."""
        changed = self.stated.modified()
        if changed is None or found.date is None or found.date.earliest is None or found.date.latest is None:
            return False
        moment = changed.value or changed.earliest
        return moment is not None and found.date.earliest <= moment <= found.date.latest

    def _not_a_file(self) -> tuple[Outcome, str] | None:
        """Say that the link names a file and a page came: a viewer, or what stands in the place of the file."""
        ending = named_file(self.url)
        return (Outcome.PARTIAL, f"{A_PAGE_CAME}: the link ends in {ending}") if ending is not None else None

    def _unreadable(self) -> tuple[Outcome, str] | None:
        """Say that letters of the page could not be decoded: U+FFFD that it did not send itself."""
        lost = f"{self.shape.visible}{self.shape.title}".count("\ufffd")
        if not lost or b"\xef\xbf\xbd" in self.data:
            return None
        return Outcome.PARTIAL, f"{lost} characters of its text cannot be read as {self.charset}"

    def _sent_on(self) -> Standing | None:
        """Say that the page has nothing to say but where it sends its visitors."""
        shape = self.shape
        if len(shape.visible) > NOTE or shape.media or shape.forms or self.stated.is_article:
            return None
        led = sends_on(self.document, self.base)
        if led is None:
            return None
        why = f"the page only sends its visitors on, to {mask_userinfo(led)[:200]}, which was not asked for"
        return Standing(Outcome.PARTIAL, why, Absence(Availability.UNKNOWN, said=self.shape.title or None))

    def _framed(self, attachments: tuple[Attachment, ...]) -> tuple[Outcome, str] | None:
        """Say that what the page shows stands in frames: another page, which is not part of this one."""
        shown = {listed(self.base, link) for link in self.shape.frames}
        frames = [one.url for one in attachments if one.kind == "frame" and not one.extra and one.url in shown]
        is_set = bool(self.document.xpath("//frameset"))
        if not frames or not (is_set or len(self.shape.main) <= HARDLY):
            return None
        return Outcome.PARTIAL, f"what it shows stands in frames, which are not kept: {', '.join(map(str, frames[:3]))}"

    def _perhaps_cut(self) -> tuple[Outcome, str] | None:
        """Say that the page itself says that not everybody may read its article: what came may be how it begins."""
        if (said := self.stated.paid()) is None:
            return None
        return Outcome.PARTIAL, f"{FOR_SUBSCRIBERS}: perhaps only the beginning of the article is shown ({said})"

    def _extra(self) -> dict[str, Any]:
        """What is told of the page beside the post's fields. What is not known is left out."""
        canonical, elsewhere, changed = self.stated.canonical, self.elsewhere, self.stated.modified()
        extra: dict[str, Any] = {
            "canonical": mask_userinfo(canonical) if canonical is not None else None,
            "site": _site(self.found.site),
            "modified": changed.line() if changed is not None else None,
            "archived_copy": self.archived,
            "embeds": _links(elsewhere, "embedded"),
            "links": _links(elsewhere, "linked"),
            "comments": len(self.remarks) or None,
        }
        return {key: value for key, value in extra.items() if value is not None}


def _outcome(stands: Standing | None) -> tuple[Outcome, str] | None:
    return (stands.outcome, stands.reason) if stands is not None else None


def _links(elsewhere: list[Pointer], how: str) -> list[str] | None:
    return [item.target.url for item in elsewhere if item.how == how] or None


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


_DESKTOP_EXPORT = (
    "//div[contains(@class,'page_body') and contains(@class,'chat_page')]//div[starts-with(@id,'message') and "
    "starts-with(@class,'message ')]"
)
_COMMENT = re.compile(rb"\bid=[\"']?(comment-\d+)\b")
_COMMENT_ID = re.compile(r"#comment-\d+$")


def _nothing(outcome: Outcome, reason: str) -> Parsed:
    return Parsed(platform="page", layout="unknown", outcome=outcome, reason=reason, parser=PARSER)


def _is_markup(text: str) -> bool:
    names = r"!doctype|html|head|body|div|p|a|span|article|title|meta|table"
    return bool(re.search(rf"<\s*(?:{names})\b", text, re.IGNORECASE))
