"""What X's own page and script say of its GraphQL: query ids, features, the web client's public token. Pure.

These change with every release of the site, so they are read from what the recorder has just received, and nothing is
built in.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

from spiders.json_access import at, load_at

_MAIN = re.compile(r"https://abs\.twimg\.com/responsive-web/client-web(?:-legacy)?/main\.[0-9a-f]+\.js")
_QUERY = re.compile(
    r"queryId:\"([\w-]{10,40})\",operationName:\"(\w{3,60})\",operationType:\"(?:query|mutation)\"(?:,metadata:\{featureSwitches:\[([^\]]*)\]"
    r"(?:,fieldToggles:\[([^\]]*)\])?)?"
)
_BEARER = re.compile(r"[\"'](AAAAAAAA[A-Za-z0-9%]{60,200})[\"']")


@dataclass(frozen=True)
class Query:
    """A query of X's GraphQL: its id in links, and the names of the feature switches and field toggles it takes."""

    id: str
    features: tuple[str, ...] = ()
    toggles: tuple[str, ...] = ()


def main_script(page: str) -> str | None:
    """Find the link of the web client's main script in a page."""
    match = _MAIN.search(page)
    return match[0] if match else None


def queries(script: str) -> dict[str, Query]:
    """Collect the queries in the main script: operation name → query."""
    return {match[2]: Query(match[1], _names(match[3]), _names(match[4])) for match in _QUERY.finditer(script)}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(re.findall(r"\"(\w+)\"", text or ""))


def bearer(script: str) -> str | None:
    """Find the token that every visitor's browser sends; it names the web client, not a person."""
    match = _BEARER.search(script)
    return match[1] if match else None


def switches(page: str) -> dict[str, bool]:
    """Read the feature switches and their values from `__INITIAL_STATE__` of the page."""
    start = page.find("window.__INITIAL_STATE__=")
    state = load_at(page, start + len("window.__INITIAL_STATE__=")) if start >= 0 else None
    found: dict[str, bool] = {}
    for place in ("defaultConfig", "user"):
        config = at(state, "featureSwitch", place)
        config = config.get("config", config) if isinstance(config, dict) else None
        for name, item in (config or {}).items():
            if isinstance(value := at(item, "value"), bool):
                found[name] = value
    return found


DETAIL = {
    "with_rux_injections": False,
    "rankingMode": "Relevance",
    "includePromotedContent": False,
    "withCommunity": True,
    "withQuickPromoteEligibilityTweetFields": False,
    "withBirdwatchNotes": True,
    "withVoice": True,
}
TIMELINE = {
    "count": 20,
    "includePromotedContent": False,
    "withQuickPromoteEligibilityTweetFields": False,
    "withVoice": True,
}


WHOLE = ("withArticlePlainText", "withArticleRichContentState")
"""Toggles without which X answers with the beginning of an article alone."""


def query_url(name: str, query: Query, variables: dict[str, Any], known: dict[str, bool]) -> str:
    """Make the link of a query of the site's own GraphQL. `known`: feature switches as the page states them."""
    features = {switch: known.get(switch, True) for switch in query.features}
    toggles = {name: name in WHOLE for name in query.toggles}
    parts = {"variables": variables, "features": features, "fieldToggles": toggles}
    text = "&".join(
        f"{part}={quote(json.dumps(value, separators=(',', ':')), safe='')}" for part, value in parts.items() if value
    )
    return urljoin("https://x.com/i/api/graphql/", f"{query.id}/{name}?{text}")


def detail_url(query: Query, post_id: str, known: dict[str, bool], cursor: str | None = None) -> str:
    """Make the link of `TweetDetail` for one post. `cursor`: of a later page."""
    variables: dict[str, Any] = {"focalTweetId": post_id, **DETAIL, **({"cursor": cursor} if cursor else {})}
    return query_url("TweetDetail", query, variables, known)


def login_headers(cookies: Mapping[str, str], token: str) -> dict[str, str]:
    """Make the headers that the site's client sends for a logged-in person. Secrets: the recorder removes them."""
    return {
        "Authorization": f"Bearer {token}",
        "X-Csrf-Token": cookies["ct0"],
        "X-Twitter-Auth-Type": "OAuth2Session",
        "X-Twitter-Active-User": "yes",
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }


def syndication_token(post_id: str) -> str:
    """Compute the token of X's own embed script from a post's id.

    It is `((id / 1e15) * Math.PI).toString(36)` without zeros and dots.
    """
    value = int(post_id) / 1e15 * math.pi
    return re.sub(r"(0+|\.)", "", _base36(value))


def _base36(value: float) -> str:
    """`Number.prototype.toString(36)` as V8 does it: digits until they tell the number from its neighbours."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    whole, fraction = int(value), value - int(value)
    delta = max(0.5 * (math.nextafter(value, math.inf) - value), math.nextafter(0.0, 1.0))
    found: list[int] = []
    while fraction >= delta:
        fraction, delta = fraction * 36, delta * 36
        found.append(int(fraction))
        fraction -= int(fraction)
        if (fraction > 0.5 or (fraction == 0.5 and found[-1] % 2)) and fraction + delta > 1:
            while found and found[-1] == 35:
                found.pop()
            if found:
                found[-1] += 1
            else:
                whole += 1
            break
    text = ""
    while whole:
        whole, rest = divmod(whole, 36)
        text = digits[rest] + text
    return (text or "0") + ("." + "".join(digits[digit] for digit in found) if found else "")
