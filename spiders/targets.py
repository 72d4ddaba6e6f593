"""Link → Target, by the one table of platforms. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from spiders import platforms
from spiders.cleaning import clean, in_ascii
from spiders.link_forms import USUAL_PORTS, Form, Link, NoTarget, Target, split_link, unreadable
from spiders.links import has_dot_segments, without_userinfo
from spiders.mirrors import original
from spiders.other_hosts import ARCHIVED, SHORT_HOSTS, platform_without_reader
from spiders.page.links import page
from spiders.platform import Platform
from spiders.walls.pages import login_wall
from spiders.wrappers import wrapped

__all__ = ["NoTarget", "Target", "given", "leads_to", "page", "parse_target"]

DEEPEST = 5
"""How many links, one inside the other, are unwrapped."""
_ACCESS_HASH = re.compile(r"(#/im\?p=[a-z]\d+)_\d+")
"""What the first web client of Telegram wrote behind a chat's number belongs to the account that was logged in."""


def parse_target(text: str) -> Target | NoTarget:
    """Parse what a person typed. Total: any text gives a target or the reason why not."""
    text = text.strip()
    if (wrong := unreadable(text)) is not None:
        return wrong
    cleaned = clean(text)
    if not cleaned.link:
        return NoTarget("nothing was given", "Give a link, for example https://t.me/durov/523")
    found = _read(cleaned.link, DEEPEST)
    # A link whose fragment is dropped may end in what cleaning would take off the next time it is read.
    if isinstance(found, Target) and (
        cleaned.changed or found.given is not None or has_dot_segments(cleaned.link) or clean(found.url).changed
    ):
        literal = _ACCESS_HASH.sub(r"\1", cleaned.literal)
        return replace(found, given=literal if literal != found.url else None)
    return found


def _read(text: str, depth: int) -> Target | NoTarget:
    """The target of a cleaned text. `given` is set where it was found inside another link, or by way of a mirror."""
    for platform in platforms.PLATFORMS:
        if (found := platform.links.read_text(text)) is not None:
            return found
    link = split_link(text)
    if isinstance(link, NoTarget):
        return link
    if depth and link.port in USUAL_PORTS:
        if (inner := wrapped(link)) is not None:
            return _by_way_of(text, _read(clean(inner).link, depth - 1))
        if (source := original(link)) is not None:
            return _of_mirror(text, link, source, depth - 1)
    return _of_link(link)


def _by_way_of(text: str, found: Target | NoTarget) -> Target | NoTarget:
    return replace(found, given=text) if isinstance(found, Target) else found


def _of_mirror(text: str, link: Link, source: str, depth: int) -> Target | NoTarget:
    """The original of a mirror's page, where its table leads back to one; else the mirror's page as what it is."""
    found = _read(source, depth) if source else None
    if isinstance(found, NoTarget):
        return found
    if found is None or found.form is not Form.KNOWN:
        return replace(page(link.text), form=Form.MIRROR)
    return replace(found, given=text, mirror=page(link.text).url)


def _of_link(link: Link) -> Target | NoTarget:
    """The target of an http link: what the platform that owns the host says, else a page."""
    if link.port not in USUAL_PORTS:
        return page(link.text)
    for platform in platforms.PLATFORMS:
        if platform.links.owns(link.host):
            return _of_platform(platform, link)
    return _on_other_host(link)


def _of_platform(platform: Platform, link: Link) -> Target | NoTarget:
    """What a link on a platform's host names. A form that its table does not have is never a page in disguise."""
    plain = split_link(in_ascii(link.text))
    if isinstance(plain, NoTarget):
        return plain
    if "q" in link.query:  # words that are searched for stay as they are
        plain.query["q"] = link.query["q"]
    found = platform.links.read(plain)
    if found is None:
        found = replace(page(link.text, platform.links.tracking), platform=platform.name, form=Form.UNKNOWN)
    return found


def _on_other_host(link: Link) -> Target:
    """A page, and what is known of its host beyond that."""
    found = page(link.text)
    # However its host is written: with a full stop, a port, or two strokes behind it.
    if archived := ARCHIVED.match(re.sub(r"^[^:]+://[^/?#]*/*", f"https://{link.host}/", link.text)):
        of = parse_target(archived["original"])
        plain = isinstance(of, Target) and (of.platform, of.form) == ("page", Form.KNOWN)
        return found if plain else replace(found, form=Form.ARCHIVE)
    if link.host in SHORT_HOSTS and link.path != "/":
        return replace(found, form=Form.SHORT)
    if (name := platform_without_reader(link.host, link.path)) is not None:
        return replace(found, form=Form.NO_READER, what=name)
    return found


def leads_to(current: Target, url: str) -> Target | None:
    """Return the target that a redirect leads to, where it is another than the current one; None: it is followed.

    From page to page a redirect is followed as it is, and so is one to a login page, which says that the target is not
    shown. What a short link leads to is another target in any case.
    """
    if login_wall(url):
        return None
    found = parse_target(url)
    if isinstance(found, NoTarget):  # a page that a server names is asked for whatever it is called
        link = split_link(url)
        if isinstance(link, NoTarget):
            return None
        owner = next((one for one in platforms.PLATFORMS if one.links.owns(link.host)), None)
        if owner is None or link.port not in USUAL_PORTS:
            return None
        found = replace(page(link.text), platform=owner.name, form=Form.UNKNOWN)
    found = replace(found, given=None, mirror=None)
    if found.key == current.key:
        return None
    if current.form is Form.SHORT:
        return found
    plain = (found.platform, found.form) == ("page", Form.KNOWN)
    alike = found.form is not Form.KNOWN and (found.platform, found.form) == (current.platform, current.form)
    return None if plain or alike else found


def given(link: str, target: Target | None) -> Target:
    """Return the target that a spider was started for, or the one of `-a link=…`. Raises `ValueError`."""
    found = target or parse_target(link)
    if isinstance(found, NoTarget):
        raise ValueError(f"{without_userinfo(link)!r}: {found.reason}. {found.next_step}")
    return found
