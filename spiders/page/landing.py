"""What an answer is, beside what its link promised: by where redirects ended, and by what the link names. Pure.

Many sites answer for what they no longer have with a redirect to their front page or to an error page, both at
status 200. Neither is the page that was asked for, whatever stands on it.
"""

from __future__ import annotations

import mimetypes
import re
from dataclasses import replace
from urllib.parse import unquote

from spiders.availability import absence
from spiders.link_forms import Form, Target
from spiders.links import safe_split
from spiders.posts import Absence, Availability, Outcome, Parsed

_FRONT = re.compile(r"/?(?:index\.\w{2,5}|default\.aspx?|home(?:\.\w{2,5})?)?/?", re.IGNORECASE)
_LANGUAGE = re.compile(r"/[a-z]{2}(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_ERROR = re.compile(r"/(?:e?404|error-?404|page-?404|(?:page-?)?not-?found)(?:\.\w{2,5})?/?", re.IGNORECASE)
_ONE_THING = re.compile(r"(?:^|&)(?:p|id|page_id|post|article|story|news)=", re.IGNORECASE)
_MEDIA = {"image": "photo", "video": "video", "audio": "audio"}


def landed(parsed: Parsed, target: Target, url: str) -> Parsed:
    """Return a page as it was read, or why it is not what the link promised. `url`: of the answer."""
    if parsed.outcome is not None or parsed.layout == "file":
        return parsed
    if (led := _led_astray(target, url)) is not None:
        outcome, reason, kind = led
        said = absence(kind, reason) if kind else Absence(Availability.UNKNOWN, said=reason)
        return replace(parsed, outcome=outcome, reason=reason, posts=(), census=(), absence=said)
    if (word := _media_named(target.url)) is not None and not _has(parsed, word, target.url):
        return replace(parsed, outcome=Outcome.PARTIAL, reason=f"an HTML page came in place of the {word}")
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


def _media_named(url: str) -> str | None:
    """What kind of file a link names by the end of its path. `File:a.jpg` of a wiki names a page about one."""
    name = _last(url)
    kind = None if ":" in name else mimetypes.guess_type(name, strict=False)[0] or ""
    return "document" if kind == "application/pdf" else _MEDIA.get((kind or "").partition("/")[0])


def _has(parsed: Parsed, word: str, url: str) -> bool:
    """Whether the page itself shows it: a film of its own, or a file of that name."""
    attached = [one for post in parsed.posts for one in post.attachments]
    if word in ("video", "audio"):
        return any(one.kind == word for one in attached)
    return any(_last(one.url or "") == _last(url) for one in (*attached, *parsed.requisites))


def _last(url: str) -> str:
    return unquote(safe_split(url).path.rpartition("/")[2])
