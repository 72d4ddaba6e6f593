"""The one table of platforms, in the order in which their posts vanish: accounts are banned overnight, pages last longest.

A line here is all that a platform's folder needs to be recognised, captured, walked, read and looked at.
"""

from __future__ import annotations

from spiders.facebook.platform import FACEBOOK
from spiders.page.platform import PAGE
from spiders.platform import Platform
from spiders.telegram.platform import TELEGRAM
from spiders.x.platform import X
from spiders.youtube.platform import YOUTUBE

__all__ = ["PAGE", "PLATFORMS", "known_posts", "names", "platform_named"]

PLATFORMS: tuple[Platform, ...] = (
    TELEGRAM,
    X,
    YOUTUBE,
    FACEBOOK,
    PAGE,  # what no other one owns
)


def platform_named(name: str) -> Platform:
    """Return the platform of that name; any page for a name that the table does not have."""
    return next((platform for platform in PLATFORMS if platform.name == name), PAGE)


def names() -> tuple[str, ...]:
    """Return the names of all platforms, those whose posts vanish first at the front."""
    return tuple(platform.name for platform in PLATFORMS)


def known_posts() -> dict[str, str]:
    """Return for each platform a public post that has stood for years. `[doctor]` in archiver.toml names others."""
    return {platform.name: platform.known_post for platform in PLATFORMS if platform.known_post}
