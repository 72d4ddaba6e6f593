"""Link → Target, by the one table of platforms. Pure."""

from __future__ import annotations

from spiders import platforms
from spiders.link_forms import USUAL_PORTS, Link, NoTarget, Target, split_link, tidied, unreadable
from spiders.links import without_userinfo
from spiders.page.links import page

__all__ = ["NoTarget", "Target", "given", "page", "parse_target"]


def parse_target(text: str) -> Target | NoTarget:
    """Parse what a person typed. Total: any text gives a target or the reason why not."""
    text = tidied(text)
    if not text:
        return NoTarget("nothing was given", "Give a link, for example https://t.me/durov/523")
    if (wrong := unreadable(text)) is not None:
        return wrong
    for platform in platforms.PLATFORMS:
        if (found := platform.links.read_text(text)) is not None:
            return found
    link = split_link(text)
    return link if isinstance(link, NoTarget) else _of_link(link)


def _of_link(link: Link) -> Target | NoTarget:
    """The target of an http link: what the platform that owns the host says, else a page."""
    if link.port in USUAL_PORTS:
        for platform in platforms.PLATFORMS:
            if platform.links.owns(link.host):
                return platform.links.read(link) or page(link.text)
    return page(link.text)


def given(link: str, target: Target | None) -> Target:
    """Return the target that a spider was started for, or the one of `-a link=…`. Raises `ValueError`."""
    found = target or parse_target(link)
    if isinstance(found, NoTarget):
        raise ValueError(f"{without_userinfo(link)!r}: {found.reason}. {found.next_step}")
    return found
