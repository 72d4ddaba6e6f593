"""What an answer is, beside what its link promised, by where redirects ended. Pure.

Many sites answer for what they no longer have with a redirect to their front page or to an error page, both at
status 200. Neither is the page that was asked for, whatever stands on it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from spiders.availability import absence
from spiders.link_forms import Form, Target
from spiders.links import safe_split
from spiders.page.parse import FILE
from spiders.posts import Absence, Availability, Outcome, Parsed

_FRONT = re.compile(r"/?(?:index\.\w{2,5}|default\.aspx?|home(?:\.\w{2,5})?)?/?", re.IGNORECASE)
_LANGUAGE = re.compile(r"/[a-z]{2}(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_ERROR = re.compile(r"/(?:e?404|error-?404|page-?404|(?:page-?)?not-?found)(?:\.\w{2,5})?/?", re.IGNORECASE)
_ONE_THING = re.compile(r"(?:^|&)(?:p|id|page_id|post|article|story|news)=", re.IGNORECASE)


def landed(parsed: Parsed, target: Target, url: str) -> Parsed:
    """Return a page as it was read, or why it is not what the link promised. `url`: of the answer."""
    if parsed.outcome is not None or parsed.layout == FILE:
        return parsed
    if (led := _led_astray(target, url)) is not None:
        outcome, reason, kind = led
        said = absence(kind, reason) if kind else Absence(Availability.UNKNOWN, said=reason)
        return replace(parsed, outcome=outcome, reason=reason, posts=(), census=(), absence=said)
    return parsed


def _led_astray(target: Target, url: str) -> tuple[Outcome, str, str | None] | None:
    asked, came = safe_split(target.url), safe_split(url)
    if _ends_with(_ERROR, came.path) and not _ends_with(_ERROR, asked.path):
        return Outcome.UNAVAILABLE, f"led to an error page: {url}", "not found"
    asks_front = _is_front(asked.path) and not _ONE_THING.search(asked.query)
    if target.form is Form.SHORT or not _is_front(came.path) or came.query or asks_front:
        return None
    same = _site(asked.hostname) == _site(came.hostname)
    # One word behind a host that nobody knows may be a shortener's.
    if same or asked.path.strip("/").count("/"):
        return Outcome.PARTIAL, f"led to a front page, not to what was asked for: {url}", None
    return None


def _ends_with(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.fullmatch("/" + path.rstrip("/").rpartition("/")[2]) is not None


def _is_front(path: str) -> bool:
    """Whether a path is that of a site's front page, also in one language."""
    language = _LANGUAGE.match(path)
    rest = path[language.end() :] if language is not None and path[language.end() :][:1] in ("", "/") else path
    return _FRONT.fullmatch(rest) is not None


def _site(host: str | None) -> str:
    return re.sub(r"^(?:www|m|mobile)\.", "", host or "")
