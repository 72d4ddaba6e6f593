"""Pages that stand in place of the page, on any site: told by their title and address, never by an article's words. Pure."""

from __future__ import annotations

import re

from spiders.availability import Wording, Wordings, absence
from spiders.links import safe_split
from spiders.posts import Absence, Outcome

TITLES = Wordings(
    place="the whole title, as a pattern",
    source="pages of Cloudflare, DDoS-Guard, Google and Yahoo, and the error pages of common servers, in English",
    rows=(
        Wording(
            r"just a moment\.*|attention required! \| cloudflare|ddos-guard|are you a robot\??|human verification",
            Outcome.BLOCKED,
            "bot wall",
        ),
        Wording(r"access denied|you have been blocked|forbidden|403\b.*", Outcome.BLOCKED, "bot wall"),
        Wording(
            r"before you continue.*|(?:your )?(?:privacy|cookie) (?:choices|settings|consent).*",
            Outcome.BLOCKED,
            "consent wall",
        ),
        Wording(r"too many requests|429\b.*", Outcome.BLOCKED, "rate limit"),
        Wording(
            r"(?:error|404|500|502|503)(?:\b.*)?|(?:page )?not found.*|(?:an )?error (?:has )?occurred.*",
            Outcome.PARTIAL,
            None,
        ),
    ),
)
CONSENT_HOSTS = ("consent.", "guce.")
"""How the hosts begin that ask for consent before a page of Google's or Yahoo's."""
SHORT = 600
"""A page with more article than this says something, whatever its title is."""
_LOGIN = re.compile(r"/(?:login|signin|sign-in|checkpoint|accounts/login)(?:[/?.]|$)", re.IGNORECASE)


def title_wall(title: str | None, article: str, url: str | None) -> tuple[Outcome, str, Absence] | None:
    """Return what a page is that replaces the one asked for, by its title and the lack of an article; else None."""
    host = (safe_split(url).hostname or "") if url else ""
    if host.startswith(CONSENT_HOSTS):
        return Outcome.BLOCKED, f"a consent wall in place of the page ({host})", absence("consent wall", title)
    named = " ".join((title or "").split())
    if not named or len(article) > SHORT:
        return None
    for pattern, outcome, kind, _ in TITLES:
        if re.fullmatch(pattern, named, re.IGNORECASE):
            what = kind or "an error"
            return outcome, f"{what} in place of the page: its title is {named[:100]!r}", absence(kind, named)
    return None


def login_wall(final_url: str) -> bool:
    """Return whether a link led to a login page, by the path of its last address."""
    return bool(_LOGIN.search(safe_split(final_url).path))
