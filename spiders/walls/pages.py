"""Addresses of pages that stand in place of the page, on any site. Pure."""

from __future__ import annotations

import re

from spiders.links import safe_split

CONSENT_HOSTS = ("consent.", "guce.")
"""How the hosts begin that ask for consent before a page of Google's or Yahoo's."""
_LOGIN = re.compile(r"/(?:login|signin|sign-in|checkpoint|accounts/login)(?:[/?.]|$)", re.IGNORECASE)


def login_wall(url: str | None) -> bool:
    """Return whether an address is that of a login page, by its path."""
    return bool(url and _LOGIN.search(safe_split(url).path))
