"""What this program is called, and which version it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from archiver import __version__

SOFTWARE = f"archiver/{__version__}"
DISTRIBUTION = "evidence-archiver"
"""What is installed. The name `archiver` is that of another program on PyPI."""


@lru_cache(maxsize=1)
def software() -> dict[str, Any]:
    """Return the name, version, Python and libraries that made a capture, for its manifest."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    libraries = {}
    for name in (
        "scrapy",
        "lxml",
        "cryptography",
        "pyopenssl",
        "warcio",
        "isal",
        "trafilatura",
        "pyrage",
        "yt-dlp",
        "telethon",
        "cryptg",
    ):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "unknown"
    return {
        "name": "archiver",
        "version": __version__,
        "python": platform.python_version(),
        "libraries": libraries,
    }
