"""The rendered page of a capture: from what the browser showed to records beside the server's answers."""

from __future__ import annotations

import json
from typing import Any

from archiver.capture.context import CaptureContext
from archiver.tools.chromium import Browser, NoPicture, Shown
from spiders.posts import Outcome

PARTS = ("first view", "screenshot", "pdf", "dom", "page text", "page info")


class Screenshot:
    """Shows the page of one capture in a browser, once.

    The picture stands beside the post, which is complete without it.
    """

    def __init__(self, context: CaptureContext, browser: Browser) -> None:
        self._context, self._inventory, self._browser = context, context.inventory, browser
        self.shown_by: str | None = None
        """Name and version of the browser, once it has shown the page."""

    def begin(self) -> None:
        """Show the target's page, if that is wanted and has not begun."""
        context = self._context
        if context.kind.members_only:
            return  # nothing that a browser without the account could show
        if not context.options.screenshot or context.interrupted or context.port.stopped:
            return
        if "screenshot" not in context.tasks:
            context.tasks.start("screenshot", self._take())

    async def _take(self) -> None:
        """Keep what the browser showed, and end every part of it in the inventory."""
        context, quick = self._context, self._context.options.quick
        wanted = PARTS[:2] if quick else PARTS
        for part in wanted:
            self._inventory.discover(part, part, context.target.url, "target")
        try:
            proxy = context.port.proxy_for("screenshot")
            shown = await self._browser.show(context.target.url, proxy, context.config.user_agent, pictures_only=quick)
        except NoPicture as error:
            for part in wanted:
                self._inventory.end(part, Outcome.SKIPPED, f"no picture: {error}")
            return
        self.shown_by = shown.facts["browser"]
        cut = "cut: the page is longer" if shown.facts["cut"] else None
        facts = context.secrets.clean(shown.facts)
        for part, scheme, kind, data in self._parts(shown):
            ref = context.writer.resource(f"{scheme}:{context.shown_target.url}", kind, data, extra=facts)
            self._inventory.end(part, Outcome.CAPTURED, cut if part == "screenshot" else None, ref.record_id)

    def _parts(self, shown: Shown) -> list[tuple[str, str, str, bytes]]:
        """List (inventory key, URI scheme as Browsertrix names it where it has one, media type, bytes)."""
        parts = [
            ("first view", "urn:view", "image/png", shown.first_view),
            ("screenshot", "urn:fullPage", "image/png", shown.full_page),
        ]
        if shown.dom is None or shown.text is None or shown.pdf is None:
            return parts
        clean = self._context.secrets.clean
        return [
            *parts,
            ("pdf", "urn:pdf", "application/pdf", shown.pdf),
            ("dom", "urn:dom", "text/html; charset=utf-8", _encoded(clean(shown.dom))),
            ("page text", "urn:text", "text/plain; charset=utf-8", _encoded(clean(shown.text))),
            ("page info", "urn:pageinfo", "application/json", self._info(shown)),
        ]

    def _info(self, shown: Shown) -> bytes:
        """`urn:pageinfo` in Browsertrix's shape: every link that the page asked for, with what came of it."""
        value: dict[str, Any] = {
            "pageid": self._context.capture_id,
            "url": shown.facts["url"],
            "counts": {"urls": len(shown.urls), "blocked": sum(shown.facts["blocked"].values())},
            "urls": dict(sorted(shown.urls.items())),
            **{name: shown.facts[name] for name in ("title", "overlays", "blocked", "dialogs", "browser", "made_by")},
        }
        text = json.dumps(self._context.secrets.clean(value), ensure_ascii=False, sort_keys=True)
        return _encoded(text)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
