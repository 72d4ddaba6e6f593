"""What a server's answer is, where it is no page: a feed, JSON, a text. By its content type and its first bytes. Pure."""

from __future__ import annotations

import re

from spiders.links import safe_split

_PROLOG = re.compile(
    rb"(?:\s+|\xef\xbb\xbf|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[[^\]]*\])?[^>]*>)*", re.IGNORECASE | re.DOTALL
)
_ROOT = re.compile(rb"<(?:[\w.-]{1,20}:)?([A-Za-z][\w.-]{0,40})")
_DOCTYPE = re.compile(rb"<!doctype\s+html", re.IGNORECASE)
_READ_FROM = 8192
_FEEDS = {
    "rss": "RSS",
    "feed": "Atom",
    "rdf": "RDF",
    "urlset": "a sitemap",
    "sitemapindex": "a sitemap",
    "opml": "OPML",
}
"""Roots of documents that some servers call HTML."""
_TYPES = (
    (re.compile(r"application/(?:[\w.-]+\+)?json(?:-seq|p)?|text/json|application/(?:x-)?ndjson|application/jsonl"), "JSON"),
    (re.compile(r"(?:application|text)/xml|(?!application/xhtml)[\w.-]+/[\w.-]+\+xml"), "XML"),
    (re.compile(r"text/(?:javascript|ecmascript)|application/(?:x-)?(?:java|ecma)script"), "a script"),
    (re.compile(r"text/css"), "a style sheet"),
    (re.compile(r"text/csv|text/tab-separated-values"), "a table"),
    (re.compile(r"text/plain"), "plain text"),
    (re.compile(r"text/(?!html|xhtml|x-server-parsed-html)[\w.+-]+"), "a text"),
)  # fmt: skip
_FILE = re.compile(
    r"(?:(?!%3a)[^:])+\.(?:mp4|m4v|mov|webm|mkv|avi|3gp|flv|wmv|mpe?g|mp3|m4a|aac|ogg|oga|opus|wav|flac|jpe?g|png|gif|webp|avif|heic|bmp|"
    r"tiff?|pdf|docx?|xlsx?|pptx?|odt|ods|zip|rar|7z|tar|gz)",
    re.IGNORECASE,
)
"""Last part of a link to a file. `File:Name.jpg` is a page about one (MediaWiki)."""
_SHOWN = re.compile(r"/(?:blob|blame|src|tree|view|viewer)/", re.IGNORECASE)
"""Paths under which sites of source code show a file in a page."""


def no_page(data: bytes, content_type: str | None) -> str | None:
    """Return what a document is that is no page, as "JSON" or "RSS"; None where it is a page.

    A page under another type is read as one: what stands in its place, as a login form, would else not be seen.
    """
    start = data[:_READ_FROM]
    prolog = _PROLOG.match(start)
    at = prolog.end() if prolog is not None else 0
    match = _ROOT.match(start, at)
    root = match[1].decode("ascii", "replace").lower() if match is not None else ""
    if root == "html" or _DOCTYPE.search(start, 0, at):
        return None
    if root in _FEEDS:
        return _FEEDS[root]
    kind = (content_type or "").partition(";")[0].strip().lower()
    return next((name for pattern, name in _TYPES if pattern.fullmatch(kind)), None)


def named_file(url: str | None) -> str | None:
    """Return the ending of a link that names a file, as ".mp4"; None where it names none."""
    path = safe_split(url or "").path
    last = path.rpartition("/")[2]
    return f".{last.rpartition('.')[2].lower()}" if _FILE.fullmatch(last) and not _SHOWN.search(path) else None
