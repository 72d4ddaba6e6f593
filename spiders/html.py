"""Reading HTML that anybody may have written: bytes to a tree, tree to text. Total."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
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
_NOT_OF_PAGES = frozenset({
    "undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "charmap", "utf-7", "utf-32", "utf-32-le",
    "utf-32-be",
})  # fmt: skip
"""Names that Python knows and browsers do not: some raise, some read `\\u0041` in a text as a letter."""
_BLOCKS = frozenset({
    "p", "div", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "article", "section", "aside", "ul", "ol",
    "dl", "dt", "dd", "table", "caption", "figure", "figcaption", "header", "footer", "main", "nav", "address", "details",
    "summary", "hr",
})  # fmt: skip
"""Elements that begin and end a line, unless a page's style says otherwise (HTML, section 15.3)."""
_CELLS = ("td", "th")
_PREFORMATTED = frozenset({"pre", "textarea"})
_HIDDEN = frozenset({"script", "style"})
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def charset(data: bytes, header: str | None = None) -> str:
    """Find the charset of a page: byte order mark, the HTTP header, the page's own `<meta>`, UTF-8, else a guess."""
    return declared_charset(data, header) or guessed_charset(data) or "utf-8"


def declared_charset(data: bytes, header: str | None = None) -> str | None:
    """Return the charset that the bytes, the HTTP header or the page itself declares; None where none does."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return name
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", header or "", re.IGNORECASE)
    if named and _is_of_pages(named[1]):
        return named[1]
    match = _META_CHARSET.search(data[:4096])
    own = match[1].decode("ascii") if match else ""
    # What was read in ASCII is not UTF-16, whatever it says (HTML, 13.2.3.2).
    return own if own and _is_of_pages(own) and not codecs.lookup(own).name.startswith("utf-16") else None


def _is_of_pages(name: str) -> bool:
    """Whether pages are written in a charset. `charset=undefined` is what a script writes that does not know."""
    try:
        codec = codecs.lookup(name)
        "".encode(name)
    except (LookupError, UnicodeError):
        return False
    return codec.name not in _NOT_OF_PAGES


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


@dataclass(frozen=True)
class Span:
    """Where the text of an element stands in the text around it: from `start` to before `end`, in code points."""

    node: Any
    start: int
    end: int


def text_of(element: Any, skip: frozenset[str] = _HIDDEN, *, folded: bool = False) -> str:
    """Return the text of an element with `<br>` and blocks as line feeds, stripped; other blanks stay as they are.

    `folded`: a line end of the source is a blank, as a browser shows it (CSS Text 3, section 4.1), except in `<pre>`.
    """
    return text_and_spans(element, frozenset(), skip, folded=folded)[0]


def text_and_spans(
    element: Any, tags: frozenset[str], skip: frozenset[str] = _HIDDEN, *, folded: bool = False
) -> tuple[str, list[Span]]:
    """Return what `text_of` returns, and where in it the elements with these tags stand, in document order."""
    text, hidden = _TextWriter(folded), 0
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        tag = node.tag if isinstance(node.tag, str) else None
        if event == "start":
            hidden += bool(hidden or tag in skip)
            if not hidden:
                if node is not element:
                    text.begin(node, tag)
                if tag in tags:
                    text.mark(node)
                text.add(node.text)
            continue
        if event == "end":
            if not hidden and node is not element:
                text.end(tag)
            if not hidden and tag in tags:
                text.close(node)
            hidden = max(0, hidden - 1)
        if not hidden and node is not element:
            text.add(node.tail)
    return text.finished()


class _TextWriter:
    """Puts text together as a browser lays it out: breaks between blocks fall together, those of `<br>` do not."""

    def __init__(self, folded: bool) -> None:
        self._folded = folded
        self._parts: list[str] = []
        self._length, self._last = 0, ""
        self._due, self._gap = False, False
        """Whether a break between blocks, or the blank of a line end in the source, comes before the next text."""
        self._kept = 0
        """How many elements are open whose line ends count."""
        self._marks: dict[Any, list[int]] = {}
        self._waiting: list[Any] = []
        """Marked elements that are open and have no text yet, outermost first."""

    def begin(self, node: Any, tag: str | None) -> None:
        if tag == "br":
            self._settle()
            self._gap = False
            self._put("\n")
        elif tag in _BLOCKS:
            self._due, self._gap = True, False
        elif tag in _CELLS and any(True for _ in node.itersiblings(*_CELLS, preceding=True)):
            self._put("\t")
        self._kept += tag in _PREFORMATTED

    def end(self, tag: str | None) -> None:
        self._kept -= tag in _PREFORMATTED
        if tag in _BLOCKS:
            self._due, self._gap = True, False

    def mark(self, node: Any) -> None:
        self._waiting.append(node)

    def close(self, node: Any) -> None:
        if node in self._marks:
            self._marks[node][1] = self._length
        elif self._waiting and self._waiting[-1] is node:
            self._waiting.pop()

    def add(self, text: str | None) -> None:
        if not text:
            return
        text = text.replace("\r\n", "\n")
        if not self._folded or self._kept:
            self._add_as_it_is(text)
            return
        at = 0
        for run in _BLANKS.finditer(text):
            if "\n" in run[0] or "\r" in run[0]:
                self._add_words(text[at : run.start()])
                self._gap, at = True, run.end()
        self._add_words(text[at:])

    def _add_as_it_is(self, text: str) -> None:
        if self._due and not text.strip(" \t\r\n"):
            return  # what stands between two blocks in the source is not shown
        if text.startswith("\n"):
            self._due = False
        self._settle()
        self._put(text)

    def _add_words(self, text: str) -> None:
        if self._due or self._gap:
            text = text.lstrip(" \t\f")
        if not text:
            return
        self._settle()
        if self._gap and self._last not in ("", "\n", " ", "\t"):
            self._write(" ")
        self._gap = False
        self._put(text)

    def _settle(self) -> None:
        if self._due and self._last not in ("", "\n"):
            self._write("\n")
        self._due = False

    def _put(self, text: str) -> None:
        for node in self._waiting:
            self._marks[node] = [self._length, self._length]
        self._waiting.clear()
        self._write(text)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length, self._last = self._length + len(text), text[-1]

    def finished(self) -> tuple[str, list[Span]]:
        whole = "".join(self._parts)
        text = whole.strip(" \t\r\n")
        before = len(whole) - len(whole.lstrip(" \t\r\n"))
        spans = []
        for node, (start, end) in self._marks.items():
            start, end = (max(0, min(len(text), at - before)) for at in (start, end))
            if start < end:
                spans.append(Span(node, start, end))
        return text, spans


def one_line(element: Any) -> str:
    """Return the text of an element with each run of blanks and line feeds as one blank."""
    return " ".join(text_of(element).split())


def background_url(element: Any) -> str | None:
    """Return the URL in the CSS `background-image` of an element's style; None where there is none."""
    match = re.search(r"background-image:\s*url\(\s*['\"]?([^'\")]+)", element.get("style") or "")
    return match[1] if match else None
