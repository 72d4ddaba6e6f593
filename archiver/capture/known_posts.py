"""Posts that are known to exist, by platform."""

from __future__ import annotations

from spiders import platforms


def known_posts() -> dict[str, str]:
    """A public post of each platform that has stood for years. `[doctor]` in archiver.toml names others."""
    return {platform.name: platform.known_post for platform in platforms.PLATFORMS if platform.known_post}
