"""Redirects of a page, where what it names may be no link at all: then the answer itself is what was received.

Where a redirect leads to what a platform's table knows, it is not followed: the spider of that platform is to ask for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware

from spiders.items import Led
from spiders.links import safe_join
from spiders.targets import Target, leads_to

if TYPE_CHECKING:
    from scrapy.http import Response


class Redirects(RedirectMiddleware):
    """A middleware that follows `Location`, unless it cannot be read."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the request to where the answer leads, or the answer."""
        try:
            led = super().process_response(request, _with_slashes(request, response))
        except ValueError:
            return response
        return response if not isinstance(led, Request) or _leads_elsewhere(request, led.url) else led


class Refreshes(MetaRefreshMiddleware):
    """A middleware that follows `<meta http-equiv="refresh">`, unless it cannot be read."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the request to where the page leads, or the page."""
        try:
            led = super().process_response(request, response)
        except ValueError:
            return response
        return response if isinstance(led, Request) and _leads_elsewhere(request, led.url) else led


def _leads_elsewhere(request: Request, url: str) -> bool:
    """Whether a redirect leads to another target than the one that the request is for; remembered in its `meta`."""
    current = request.meta.get("recognise")
    found = leads_to(current, url) if isinstance(current, Target) else None
    if found is not None:
        request.meta["led"] = Led((*request.meta.get("redirect_urls", ()), request.url), url, found)
    return found is not None


def led_by(response: Response) -> Led | None:
    """Return where an answer leads, if it is a redirect to another target; None: it is the answer."""
    led = response.meta.get("led")
    return led if isinstance(led, Led) else None


def _with_slashes(request: Request, response: Response) -> Response:
    """An answer whose `Location` has its backslashes as browsers read them: Scrapy would take them to another host."""
    location = (response.headers.get("Location") or b"").decode("latin-1")
    joined = safe_join(request.url, location) if "\\" in location else None
    if joined is None:
        return response
    return response.replace(headers={**response.headers, b"Location": [joined.encode("latin-1")]})
