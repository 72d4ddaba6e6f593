"""The rendered page of a capture: from what the browser showed to records beside the server's answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.tools.chromium import NoPicture, Shown
from spiders.posts import Outcome

if TYPE_CHECKING:
    from archiver.capture.session import Act

PARTS = ("first view", "screenshot", "pdf", "dom", "page text", "page info")


async def picture(act: Act) -> None:
    """Shows the target's page once and keeps what came of it. Ends every part of it in the inventory."""
    url = act.target.url
    wanted = PARTS[:2] if act.options.quick else PARTS
    for part in wanted:
        act.discover(part, part, url, "target")
    try:
        agent, proxy = act.home.config.user_agent, act.port.proxy_for("screenshot")
        shown = await act.archive.browser.show(url, proxy, agent, pictures_only=act.options.quick)
    except NoPicture as error:
        for part in wanted:
            act.end(part, Outcome.SKIPPED, f"no picture: {error}")
        return
    cut = "cut: the page is longer" if shown.facts["cut"] else None
    for part, scheme, kind, data in _parts(act, shown):
        ref = act.writer.resource(f"{scheme}:{act.shown_target.url}", kind, data, extra=act.clean(shown.facts))
        act.end(part, Outcome.CAPTURED, cut if part == "screenshot" else None, ref.record_id)


def _parts(act: Act, shown: Shown) -> list[tuple[str, str, str, bytes]]:
    """(inventory key, URI scheme as Browsertrix names it where it has one, media type, bytes)."""
    parts = [
        ("first view", "urn:view", "image/png", shown.first_view),
        ("screenshot", "urn:fullPage", "image/png", shown.full_page),
    ]
    if shown.dom is None or shown.text is None or shown.pdf is None:
        return parts
    return [
        *parts,
        ("pdf", "urn:pdf", "application/pdf", shown.pdf),
        ("dom", "urn:dom", "text/html; charset=utf-8", _encoded(act.clean(shown.dom))),
        ("page text", "urn:text", "text/plain; charset=utf-8", _encoded(act.clean(shown.text))),
        ("page info", "urn:pageinfo", "application/json", _info(act, shown)),
    ]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _info(act: Act, shown: Shown) -> bytes:
    """`urn:pageinfo` in Browsertrix's shape: every link that the page asked for, with what came of it."""
    value: dict[str, Any] = {
        "pageid": act.capture_id,
        "url": shown.facts["url"],
        "counts": {"urls": len(shown.urls), "blocked": sum(shown.facts["blocked"].values())},
        "urls": dict(sorted(shown.urls.items())),
        **{name: shown.facts[name] for name in ("title", "overlays", "blocked", "dialogs", "browser", "made_by")},
    }
    return json.dumps(act.clean(value), ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace")
