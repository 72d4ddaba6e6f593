"""Reading HTML that anybody may have written: bytes to a tree, tree to text. Total."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "article"})


def charset(data: bytes, header: str | None = None) -> str:
    """Find the charset of a page: byte order mark, then the HTTP header, then the page's own `<meta>`, then UTF-8."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return name
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", header or "", re.IGNORECASE)
    found = named[1] if named else None
    if found is None and (match := _META_CHARSET.search(data[:4096])):
        found = match[1].decode("ascii")
    try:
        "".encode(found or "utf-8")
    except LookupError:
        return "utf-8"
    return found or "utf-8"


def decode(data: bytes, header: str | None = None) -> str:
    """Decode the text of a page. Bytes that do not fit become U+FFFD: the original bytes are in the WARC."""
    return data.decode(charset(data, header), "replace").removeprefix("\ufeff")


def tree(data: bytes, header: str | None = None) -> Any | None:
    """Parse a page and return its document element, or None where nothing is markup."""
    text = decode(data, header).replace("\x00", "")
    if "<" not in text:
        return None
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=False)
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def by_class(element: Any, name: str) -> list[Any]:
    """List descendants that have a class, in document order."""
    return list(element.xpath(f".//*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"))


def has_class(element: Any, name: str) -> bool:
    """Return whether an element has a class."""
    return name in (element.get("class") or "").split()


def text_of(element: Any, skip: frozenset[str] = frozenset({"script", "style"})) -> str:
    """Return the text of an element with `<br>` and blocks as line feeds, stripped; other blanks stay as they are."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else None
        if event == "start":
            if tag is None or tag in skip:
                continue
            if tag == "br" or (tag in _BLOCKS and parts and not parts[-1].endswith("\n") and node is not element):
                parts.append("\n")
            if node.text and not _inside(node, element, skip):
                parts.append(node.text)
        elif node is not element and node.tail and not _inside(node.getparent(), element, skip):
            parts.append(node.tail)
    return "".join(parts).replace("\r\n", "\n").strip(" \t\r\n")


def _inside(node: Any, root: Any, skip: frozenset[str]) -> bool:
    while node is not None and node is not root:
        if node.tag in skip:
            return True
        node = node.getparent()
    return False


def one_line(element: Any) -> str:
    """Return the text of an element with each run of blanks and line feeds as one blank."""
    return " ".join(text_of(element).split())


def background_url(element: Any) -> str | None:
    """Return the URL in the CSS `background-image` of an element's style; None where there is none."""
    match = re.search(r"background-image:\s*url\(\s*['\"]?([^'\")]+)", element.get("style") or "")
    return match[1] if match else None
