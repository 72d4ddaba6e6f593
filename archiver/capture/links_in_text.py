"""The links in a piece of text, as people write them in lists."""

from __future__ import annotations

import re
from functools import lru_cache

from spiders import platforms
from spiders.cleaning import clean, without_end
from spiders.links import mask_links

_HANDLE = re.compile(r"@[A-Za-z][A-Za-z0-9_]{2,63}")


@lru_cache(maxsize=4)
def _link_pattern(bare_hosts: tuple[str, ...]) -> re.Pattern[str]:
    """What a link in a text looks like: with its scheme, or without one on a host that people write so."""
    # Links to what is dangerous are written so that nobody follows them by chance: hxxps://, [.] for a dot.
    hosts = "|".join(re.escape(host).replace(r"\.", r"(?:\.|\[\.\]|\(\.\))") for host in bare_hosts)
    scheme = r"h(?:tt|xx)ps?(?:\[:\]|:)//"
    # A link inside another, as archives and share buttons write them, follows one of these. Behind anything else a new
    # link begins, even without a blank.
    another = rf"(?<![/=?&#:!]){scheme}"
    rest, narrow = rf"(?:(?!{another})[^\s<>\"'|])+", rf"(?:(?!{another})[^\s<>\"'|,;])+"
    return re.compile(
        rf"{scheme}{rest}|tg:(?://)?{narrow}|(?<![\w/.@:-])(?:(?:www\.)?(?:{hosts})/{narrow}"
        rf"|(?:[\w-]+\.)+[^\W\d_]{{2,}}/(?=[^\s<>\"'|,;]*(?<=[/=?&#:!])https?://){narrow})",
        re.IGNORECASE,
    )


def _bare_hosts() -> tuple[str, ...]:
    return tuple(host for platform in platforms.PLATFORMS for host in platform.links.bare)


def links_in(text: str) -> list[str]:
    """Return the links in a piece of text, in order, each once."""
    found: dict[str, None] = {}
    for match in _link_pattern(_bare_hosts()).finditer(text):
        link = without_end(match[0])
        # Links that are set apart by nothing but a comma or semicolon end there.
        link = re.split(r"[,;](?=\s|$)", link)[0]
        found.setdefault(link)
    plain = clean(text)
    if not found and (_HANDLE.fullmatch(plain.link) or (plain.changed and len(links_in(plain.link)) == 1)):
        found.setdefault(plain.literal)
    return list(found)


def links_of(text: str) -> list[str]:
    """Return the links of a line or cell; a single link with a blank in it whole, to be refused with its reason.

    Its beginning is another page. Such a text begins with its only link, and words follow after nothing but blanks. Words
    before the link, or a comma, full stop, tab, line end or ` # ` behind it, say where it ends. A text with a password that
    goes on behind its link stays whole too: it is masked whole.
    """
    pattern, links = _link_pattern(_bare_hosts()), links_in(text)
    if any(_goes_on(piece, links) for piece in re.split(r"[\t\r\n]", text)):
        return [text]
    if len(pattern.findall(text)) > 1:
        return links
    start = pattern.match(text)
    broken = start and start[0] == links[0] and re.match(r"[^\S\t\r\n]+(?!#\s)\S", text[start.end() :])
    return [text] if broken else links


def _goes_on(text: str, links: list[str]) -> bool:
    """Whether a password stands in a text of which its links, as they were found, hold a part or nothing."""
    masked = text
    for link in links:
        masked = masked.replace(link, mask_links(link))
    return mask_links(text) != masked
