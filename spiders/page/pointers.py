"""Where a page points: posts and videos elsewhere that it embeds or links to, and what an archived copy is a copy of. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from spiders import dates
from spiders.link_forms import Form
from spiders.links import safe_join, safe_split
from spiders.platforms import platform_named
from spiders.targets import Target, parse_target

_X_FRAME = re.compile(r"https?://platform\.(?:twitter|x)\.com/embed/(?:Tweet|tweet)\.html")
_ARCHIVED = re.compile(r"https?://web\.archive\.org/web/(\d{1,14})([a-z]{2}_)?/(.+)", re.IGNORECASE)
MOST = 500


@dataclass(frozen=True)
class Pointer:
    """A post or video elsewhere. `how`: "embedded" (the page shows it itself) or "linked"."""

    target: Target
    how: str


def pointers(document: Any, base: str) -> list[Pointer]:
    """List posts and videos of other platforms, each once, embedded ones first; at most `MOST`."""
    links = [("embedded", link) for link in _embedded(document)]
    links += [("linked", str(link)) for link in document.xpath("//a/@href")]
    found: dict[str, Pointer] = {}
    for how, link in links:
        target = resolved(safe_join(base, link) or "")
        if target is not None and len(found) < MOST:
            found.setdefault(target.key, Pointer(target, how))
    return list(found.values())


def resolved(link: str) -> Target | None:
    """Return the post or video that a link, a player's frame or a plugin shows; None where it is something else."""
    while archived := _ARCHIVED.match(link):
        link = archived[3]
    parts = safe_split(link)
    host, query = (parts.hostname or "").lower(), parse_qs(parts.query)
    if host.endswith("facebook.com") and parts.path.startswith("/plugins/"):
        link = next(iter(query.get("href", [])), "")
    elif _X_FRAME.match(link):
        link = f"https://x.com/i/status/{next(iter(query.get('id', [])), '')}"
    found = parse_target(link) if link.startswith("http") else None
    if not isinstance(found, Target):
        return None
    # One thing, which a page embeds or quotes: never a whole channel. A mirror is asked only where a person names it.
    embeddable = found.form is Form.KNOWN and platform_named(found.platform).kind(found.kind).embeddable
    return replace(found, mirror=None, given=None) if embeddable else None


def _embedded(document: Any) -> list[str]:
    """Links that frames and the platforms' own embedding codes carry."""
    found = [str(link) for link in document.xpath("//iframe/@src | //iframe/@data-src | //embed/@src | //object/@data")]
    found += [f"https://t.me/{name}" for name in document.xpath("//script/@data-telegram-post")]
    found += [
        str(link)
        for link in document.xpath("//*[contains(@class,'fb-post') or contains(@class,'fb-video')]/@data-href")
    ]
    for quote in document.xpath("//blockquote[contains(@class,'twitter-tweet') or contains(@class,'twitter-video')]"):
        found += [str(link) for link in quote.xpath(".//a/@href")][-1:]
    return found


def archived_copy(url: str | None) -> dict[str, Any] | None:
    """Read an address at web.archive.org: of which page, and when that archive says it was taken. Else None.

    `stated_at`: the archive's own claim, in UTC, from the fourteen digits in the address.
    """
    match = _ARCHIVED.match(url or "")
    if match is None:
        return None
    digits = match[1]
    facts: dict[str, Any] = {"served_by": "web.archive.org", "original": match[3]}
    if len(digits) == 14:
        literal = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:]}+00:00"
        facts["stated_at"] = dates.iso(literal, "web.archive.org address").line()
    if match[2]:
        facts["form"] = match[2]
    return facts
