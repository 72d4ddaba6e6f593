"""Redirects of a page, where what it names may be no link at all: then the answer itself is what was received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response


class Redirects(RedirectMiddleware):
    """Follows `Location`, unless it cannot be read."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return where the answer leads, or the answer."""
        try:
            return super().process_response(request, response)
        except ValueError:
            return response


class Refreshes(MetaRefreshMiddleware):
    """Follows `<meta http-equiv="refresh">`, unless it cannot be read."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return where the page leads, or the page."""
        try:
            return super().process_response(request, response)
        except ValueError:
            return response
