"""Reading HTML that anybody may have written: bytes to a tree, tree to text. Total."""

from __future__ import annotations

import codecs
import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_MARKUP = re.compile(rb"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_GUESSED_FROM = 1 << 16
"""Bytes of a page, without its markup, by which its charset is guessed."""
_WEB_CHARSETS = (
    "cp1251", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "iso8859_2", "iso8859_5", "iso8859_9",
    "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
)  # fmt: skip
"""What pages were written in before UTF-8; not the charsets of mainframes, which fit anything."""
_NAMES = {f"cp125{n}": f"windows-125{n}" for n in range(8)} | {"koi8_r": "koi8-r"}
_LABELS = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-9": "cp1254",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "shift-jis": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
}  # fmt: skip
"""Labels that browsers read as a larger charset. Source: WHATWG Encoding Standard, section 4.2."""
_BLOCKS = frozenset({"p", "div", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "article"})


def charset(data: bytes, header: str | None = None) -> str:
    """Find the charset of a page: byte order mark, the HTTP header, the page's own `<meta>`, UTF-8, else a guess."""
    return declared_charset(data, header) or guessed_charset(data) or "utf-8"


def declared_charset(data: bytes, header: str | None = None) -> str | None:
    """Return the charset that the bytes, the HTTP header or the page itself declares; None where none does."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return name
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", header or "", re.IGNORECASE)
    found = named[1] if named else None
    if found is None and (match := _META_CHARSET.search(data[:4096])):
        found = match[1].decode("ascii")
    try:
        "".encode(found or "")
    except LookupError:
        return None
    return found


def guessed_charset(data: bytes) -> str | None:
    """Guess the charset of bytes that are not UTF-8, by how likely their letters are; None where they are UTF-8.

    One wrong byte among many right ones does not make a page another charset's.
    """
    wrong = codecs.getincrementaldecoder("utf-8")("replace").decode(data).count("\ufffd") - data.count(b"\xef\xbf\xbd")
    if wrong * 10 <= len(_UTF8_LETTER.findall(data)):
        return None
    from charset_normalizer import from_bytes

    words = _MARKUP.sub(b" ", data)[:_GUESSED_FROM]
    best = from_bytes(words, cp_isolation=list(_WEB_CHARSETS), preemptive_behaviour=False).best()
    return _NAMES.get(best.encoding, best.encoding) if best is not None else None


def decode(data: bytes, header: str | None = None) -> str:
    """Decode the text of a page. Bytes that do not fit become U+FFFD: the original bytes are in the WARC."""
    name = charset(data, header)
    return data.decode(_LABELS.get(name.lower(), name), "replace").removeprefix("\ufeff")


def tree(data: bytes, header: str | None = None) -> Any | None:
    """Parse a page and return its document element, or None where nothing is markup."""
    return tree_of(decode(data, header))


def tree_of(text: str) -> Any | None:
    """Parse a page that is decoded and return its document element, or None where nothing is markup."""
    text = text.replace("\x00", "")
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
