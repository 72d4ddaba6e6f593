"""Files that a page names because it needs them to be shown. Pure."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urldefrag

from spiders.links import cleaned, mask_userinfo, safe_join, scheme_of
from spiders.posts import Attachment

_CSS_URL = re.compile(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\"'\s]+))\s*\)|@import\s+(?:\"([^\"]+)\"|'([^']+)')")
_WEB = ("http", "https")
_NO_FILE = ("data", "blob", "javascript", "about")
"""Schemes that name no file apart from the page: `data:` has its bytes in the link, which is kept with the page; `blob:` names
what a script made in the memory of that one browser; `javascript:` and `about:` name no file at all."""


def base_of(document: Any, url: str | None) -> str:
    """Return the address that links are read against: that of the first `<base href>`, or the page's own.

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


def listed(base: str, link: str | None) -> str | None:
    """Return a link of the page as the inventory lists it, whether or not it can be asked for; None: it names no file."""
    if not link or scheme_of(cleaned(link)) in _NO_FILE:
        return None
    joined = safe_join(base, link)
    if joined is None:
        return mask_userinfo(link.strip())
    scheme = scheme_of(joined)
    if scheme is None:  # relative, on a page of which nobody knows where it stood
        return None
    return mask_userinfo(urldefrag(joined)[0] if scheme in _WEB else joined)


def requisites_of(document: Any, base: str) -> list[Attachment]:
    """List styles, scripts, images and icons, in document order, each link once."""
    found: dict[str, str] = {}

    def add(kind: str, link: str | None) -> None:
        if url := listed(base, link):
            found.setdefault(url, kind)

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
