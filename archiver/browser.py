"""A picture of a page as a browser shows it: Chromium under Playwright, through the recorder.

Chromium is one process for all captures; each picture is taken in a context of its own with a proxy address of its own,
so that what the page asks is recorded in that capture. The browser's own traffic has no way out. Both Chromium and
Playwright are optional: without them there is no picture, and the inventory says so.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
from importlib.util import find_spec
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.recorder.tls import ThrowAwayAuthority
from storage.digest import Sha256

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOAD_SECONDS = 30.0
SETTLE_SECONDS = 5.0
HEIGHT_LIMIT = 16_000
"""Pictures are cut below this: Chromium draws no larger ones, CSS pixels."""
VIEW = {"width": 1280, "height": 1600}


class NoPicture(Exception):
    """Why there is no picture of a page."""


def missing() -> str | None:
    """What is not installed that a picture would need, or None."""
    if program() is None:
        return "Chromium is not installed"
    return None if find_spec("playwright") else "Playwright is not installed (pip install 'archiver[browser]')"


def program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """Chromium, started for the first picture. Used from one event loop."""

    def __init__(self, authority: ThrowAwayAuthority, at_once: int = 2) -> None:
        self._pin = base64.b64encode(_key_digest(authority)).decode()
        self._slots = asyncio.Semaphore(at_once)
        self._starting: asyncio.Lock = asyncio.Lock()
        self._playwright: Any = None
        self._browser: Any = None

    async def picture(self, url: str, proxy_url: str, user_agent: str) -> tuple[bytes, dict[str, Any]]:
        """(PNG of the whole page, what is to be known of it). Raises `NoPicture`."""
        if (lacking := missing()) is not None:
            raise NoPicture(lacking)
        from playwright.async_api import Error

        server, user, token = _proxy(proxy_url)
        async with self._slots:
            try:
                browser = await self._started()
                context = await browser.new_context(
                    proxy={"server": server, "username": user, "password": token, "bypass": "<-loopback>"},
                    viewport=VIEW, user_agent=user_agent, locale="en-US", service_workers="block",
                )  # fmt: skip
                try:
                    await context.route("**/*", _without_media)
                    return await self._taken(await context.new_page(), url)
                finally:
                    await context.close()
            except Error as error:
                raise NoPicture(str(error).partition("\n")[0][:300]) from error

    async def _taken(self, page: Any, url: str) -> tuple[bytes, dict[str, Any]]:
        from playwright.async_api import Error

        await page.goto(url, wait_until="load", timeout=LOAD_SECONDS * 1000)
        settled = True
        try:
            await page.wait_for_load_state("networkidle", timeout=SETTLE_SECONDS * 1000)
        except Error:
            settled = False  # pages that poll are never quiet
        height = int(await page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": VIEW["width"], "height": HEIGHT_LIMIT} if height > HEIGHT_LIMIT else None
        png: bytes = await page.screenshot(full_page=True, type="png", timeout=LOAD_SECONDS * 1000, clip=clip)
        facts = {
            "url": page.url,
            "title": await page.title(),
            "height": height,
            "cut": height > HEIGHT_LIMIT,
            "network_quiet": settled,
            "films_loaded": False,
            "viewport": VIEW,
            "browser": f"Chromium {self._browser.version}",
        }
        return png, facts

    async def _started(self) -> Any:
        async with self._starting:
            if self._browser is None:
                from playwright.async_api import async_playwright

                self._playwright = await async_playwright().start()
                self._browser = await self._playwright.chromium.launch(
                    executable_path=program(), args=_arguments(self._pin), chromium_sandbox=os.geteuid() != 0
                )
            return self._browser

    async def close(self) -> None:
        if self._browser is not None:
            from playwright.async_api import Error

            with contextlib.suppress(Error):
                await self._browser.close()
            await self._playwright.stop()
            self._browser = self._playwright = None


async def _without_media(route: Any) -> None:
    """Films are fetched once, beside the picture; the browser would fetch parts of them again."""
    if route.request.resource_type == "media":
        await route.abort()
    else:
        await route.continue_()


def _arguments(pin: str) -> list[str]:
    return [
        # Only the recorder's throw-away authority is accepted in place of the real one, which the recorder checks.
        f"--ignore-certificate-errors-spki-list={pin}",
        # What Chromium asks for itself goes nowhere: contexts have a proxy of their own.
        "--proxy-server=http://127.0.0.1:9",
        "--proxy-bypass-list=<-loopback>",
        "--disable-quic",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--disable-sync",
        "--no-first-run",
        "--no-pings",
        "--disable-features=OptimizationHints,MediaRouter,Translate,DialMediaRouteProvider",
        "--autoplay-policy=user-gesture-required",
        "--mute-audio",
    ]


def _proxy(url: str) -> tuple[str, str, str]:
    rest = url.removeprefix("http://")
    credentials, _, server = rest.rpartition("@")
    user, _, token = credentials.partition(":")
    return f"http://{server}", user, token


def _key_digest(authority: ThrowAwayAuthority) -> bytes:
    """SHA-256 of the authority's SubjectPublicKeyInfo, as Chromium's pin wants it."""
    running = Sha256()
    running.update(authority.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return bytes.fromhex(running.hexdigest())
