"""Redirects of a page, where what it names may be no link at all: then the answer itself is what was received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware

from spiders.links import safe_join

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
        return led if isinstance(led, Request) else response


class Refreshes(MetaRefreshMiddleware):
    """A middleware that follows `<meta http-equiv="refresh">`, unless it cannot be read."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the request to where the page leads, or the page."""
        try:
            return super().process_response(request, response)
        except ValueError:
            return response


def _with_slashes(request: Request, response: Response) -> Response:
    """An answer whose `Location` has its backslashes as browsers read them: Scrapy would take them to another host."""
    location = (response.headers.get("Location") or b"").decode("latin-1")
    joined = safe_join(request.url, location) if "\\" in location else None
    if joined is None:
        return response
    return response.replace(headers={**response.headers, b"Location": [joined.encode("latin-1")]})
