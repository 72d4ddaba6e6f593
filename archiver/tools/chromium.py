"""A page as a browser shows it: Chromium under Playwright, through the recorder.

Chromium is one process for all captures; each page is shown in a context of its own with a proxy address of its own,
so that what it asks is recorded in that capture. The browser's own traffic has no way out, trackers are not let through,
and nothing on the page is clicked: a consent or login overlay stays where it is and is noted. Both Chromium and
Playwright are optional: without them nothing is shown, and the inventory says so.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver import children
from archiver.recorder.tls import ThrowAwayAuthority
from archiver.recorder.trackers import tracker
from spiders.links import safe_split
from storage.digest import Sha256

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BEHIND_SCRIPTS = (
    "/usr/lib/chromium/chromium", "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib/chromium-browser/chromium-browser", "/opt/google/chrome/chrome",
)  # fmt: skip
"""Where distributions keep what their scripts start."""
LOAD_SECONDS = 30.0
SETTLE_SECONDS = 5.0
HEIGHT_LIMIT = 16_000
"""Pictures are cut below this: Chromium draws no larger ones, CSS pixels."""
VIEW = {"width": 1280, "height": 1600}
_NO_WEBRTC = """for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel"])
  Object.defineProperty(window, name, {value: undefined, configurable: false, writable: false});"""
_OVERLAYS = """() => {
  const words = {
    consent: /cookie|consent|gdpr|privacy|datenschutz|confidentialit|согласи|куки|құпиялы/i,
    login: /log ?in|sign ?in|sign ?up|register|войти|вход|зарегистрир|кіру|anmelden|connexion/i,
  };
  const found = [];
  for (const item of document.querySelectorAll("body *, dialog")) {
    const style = getComputedStyle(item);
    const fixed = style.position === "fixed" || style.position === "sticky" || item.matches("dialog[open], [aria-modal='true']");
    if (!fixed || style.visibility === "hidden" || style.display === "none" || Number(style.opacity) === 0) continue;
    const box = item.getBoundingClientRect();
    const width = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
    const height = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
    if (width <= 0 || height <= 0) continue;
    const percent = Math.round(100 * width * height / (innerWidth * innerHeight));
    const text = (item.innerText || "").replace(/\\s+/g, " ").trim();
    const kind = words.consent.test(text) ? "consent" : words.login.test(text) ? "login" : "other";
    if (percent < 3 || (kind === "other" && percent < 20)) continue;
    if (found.some(other => other.item.contains(item))) continue;
    found.push({item, kind, percent, text: text.slice(0, 200), element: item.tagName.toLowerCase() + (item.id ? "#" + item.id : "")});
  }
  return found.slice(0, 20).map(({item, ...said}) => said);
}"""
_SCROLL = """async () => {
  const step = innerHeight, end = Math.min(document.documentElement.scrollHeight, 16000);
  for (let at = step; at < end; at += step) { scrollTo(0, at); await new Promise(done => requestAnimationFrame(done)); }
  scrollTo(0, 0);
}"""


class NoPicture(Exception):
    """A page that could not be shown. The text tells why."""


@dataclass
class Shown:
    """Result of showing a page in a browser.

    `first_view` and `full_page` are PNG; `pdf`, `dom` and `text` are None where they are not wanted.
    """

    first_view: bytes
    full_page: bytes
    pdf: bytes | None
    dom: str | None
    text: str | None
    facts: dict[str, Any]
    urls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Link → status, type; what the page asked for, and with `blocked` what it was not let through to."""


def missing() -> str | None:
    """Return which program or package is missing that pictures of pages need, or None."""
    if program() is None:
        return "Chromium is not installed"
    return None if find_spec("playwright") else "Playwright is not installed (archiver doctor --fix installs it)"


def program() -> str | None:
    """Return the path of Chromium, or None: of the program itself, where a script of the distribution stands before it.

    Such scripts find programs by their names, and set keys and flags that nobody here asked for.
    """
    found = next((found for name in PROGRAMS if (found := children.program(name))), None)
    if found is None or not _is_script(found):
        return found
    return next((behind for behind in BEHIND_SCRIPTS if os.access(behind, os.X_OK)), found)


def environment(path: str, home: str) -> dict[str, str]:
    """Return the environment of a Chromium at `path`, which may write to `home`."""
    given = children.environment(HOME=home)
    return given | {"PATH": "/usr/bin:/bin"} if _is_script(path) else given


def fences() -> list[str]:
    """Return what holds Chromium: its own sandbox, which it does without where root starts it."""
    return [] if os.geteuid() == 0 else ["Chromium's sandbox"]


@cache
def _is_script(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


class Browser:
    """Chromium, started for the first page. Used from one event loop."""

    def __init__(self, authority: ThrowAwayAuthority, at_once: int = 2) -> None:
        self._pin = base64.b64encode(_key_digest(authority)).decode()
        self._slots = asyncio.Semaphore(at_once)
        self._starting: asyncio.Lock = asyncio.Lock()
        self._playwright: Any = None
        self._browser: Any = None
        self._warming: asyncio.Task[None] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def warm(self) -> None:
        """Start Chromium while the first page is still being asked for."""
        if missing() is None and self._warming is None:
            self._warming = asyncio.ensure_future(self._warmed())

    async def _warmed(self) -> None:
        from playwright.async_api import Error

        with contextlib.suppress(Error):  # said by the first picture
            await self._started()

    async def show(self, url: str, proxy_url: str, user_agent: str, pictures_only: bool = False) -> Shown:
        """Show the page once and return what the browser made of it. Raises `NoPicture`."""
        if (lacking := missing()) is not None:
            raise NoPicture(lacking)
        from playwright.async_api import Error

        server, user, token = _proxy(proxy_url)
        async with self._slots:
            try:
                browser = await self._started()
                context = await browser.new_context(
                    proxy={"server": server, "username": user, "password": token, "bypass": "<-loopback>"},
                    viewport=VIEW, user_agent=user_agent, locale="en-US", service_workers="block", accept_downloads=False,
                )  # fmt: skip
                try:
                    await context.add_init_script(_NO_WEBRTC)
                    visit = _Visit(url)
                    await context.route("**/*", visit.decide)
                    return await self._taken(await context.new_page(), visit, pictures_only)
                finally:
                    await context.close()
            except Error as error:
                raise NoPicture(str(error).partition("\n")[0][:300]) from error

    async def _taken(self, page: Any, visit: _Visit, pictures_only: bool) -> Shown:
        from playwright.async_api import Error

        visit.listen(page)
        await page.goto(visit.url, wait_until="load", timeout=LOAD_SECONDS * 1000)
        settled = await _quiet(page)
        overlays = await page.evaluate(_OVERLAYS)
        first: bytes = await page.screenshot(type="png", timeout=LOAD_SECONDS * 1000)
        with contextlib.suppress(Error):
            await page.evaluate(_SCROLL)  # what loads only when it is looked at
        height = int(await page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": VIEW["width"], "height": HEIGHT_LIMIT} if height > HEIGHT_LIMIT else None
        full: bytes = await page.screenshot(full_page=True, type="png", timeout=LOAD_SECONDS * 1000, clip=clip)
        pdf = dom = text = None
        if not pictures_only:
            dom = await page.content()
            text = await page.evaluate("document.body ? document.body.innerText : ''")
            pdf = await page.pdf(print_background=True, format="A4")
        facts = {
            "url": page.url,
            "title": await page.title(),
            "height": height,
            "cut": height > HEIGHT_LIMIT,
            "network_quiet": settled,
            "films_loaded": False,
            "overlays": overlays,
            "blocked": dict(sorted(visit.blocked.items())),
            "dialogs": visit.dialogs,
            "viewport": VIEW,
            "browser": f"Chromium {self._browser.version}",
            "made_by": "the page's scripts and this browser, from requests of its own; not the server's answer beside it",
        }
        return Shown(first, full, pdf, dom, text, facts, visit.urls)

    async def _started(self) -> Any:
        async with self._starting:
            if self._browser is None:
                from playwright.async_api import async_playwright

                path = program()
                assert path is not None
                self._folder = tempfile.TemporaryDirectory(prefix="archiver-chromium-", ignore_cleanup_errors=True)
                given = environment(path, self._folder.name)
                _give_driver(given)
                self._playwright = await async_playwright().start()
                self._browser = await self._playwright.chromium.launch(
                    executable_path=path, args=_arguments(self._pin), chromium_sandbox=bool(fences()),
                    env=given,
                )  # fmt: skip
            return self._browser

    async def close(self) -> None:
        """End Chromium."""
        if self._warming is not None:
            await self._warming
        if self._browser is not None:
            from playwright.async_api import Error

            with contextlib.suppress(Error):
                await self._browser.close()
            await self._playwright.stop()
            self._browser = self._playwright = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class _Visit:
    """What one page asks for, and what of it is let through."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.blocked: Counter[str] = Counter()
        self.dialogs: list[str] = []
        self.urls: dict[str, dict[str, Any]] = {}

    async def decide(self, route: Any) -> None:
        """Films are fetched once, beside the picture; the browser would fetch parts of them again. Trackers never."""
        request = route.request
        listed = tracker(request.url, self.url)
        if listed is not None:
            self.blocked[listed] += 1
            self._said(request.url, type=request.resource_type, blocked="known tracker")
            await route.abort("blockedbyclient")
        elif request.resource_type == "media":
            self._said(request.url, type="media", blocked="films are fetched beside the picture")
            await route.abort()
        else:
            await route.continue_()

    def listen(self, page: Any) -> None:
        page.on(
            "response", lambda answer: self._said(answer.url, type=answer.request.resource_type, status=answer.status)
        )
        page.on("requestfailed", lambda asked: self._said(asked.url, type=asked.resource_type, error=asked.failure))
        page.on("dialog", self._dismiss)
        page.on("popup", lambda other: asyncio.ensure_future(other.close()))

    async def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(f"{dialog.type}: {dialog.message[:200]}")
        await dialog.dismiss()

    def _said(self, url: str, **facts: Any) -> None:
        if safe_split(url).scheme in ("http", "https") and len(self.urls) < 5000:
            self.urls.setdefault(url, {}).update({name: value for name, value in facts.items() if value is not None})


async def _quiet(page: Any) -> bool:
    from playwright.async_api import Error

    try:
        await page.wait_for_load_state("networkidle", timeout=SETTLE_SECONDS * 1000)
    except Error:
        return False  # pages that poll are never quiet
    return True


def _give_driver(given: dict[str, str]) -> None:
    """Have Playwright start its driver in that environment. It has no setting for this: it takes the whole of ours.

    Raises `NoPicture` where it cannot be had: a page must not be shown by a program that holds our secrets.
    """
    holders = [
        module for name, module in list(sys.modules.items())
        if name.startswith("playwright.") and hasattr(module, "get_driver_env")
    ]  # fmt: skip
    if not holders:
        raise NoPicture("this release of Playwright gives its driver our whole environment: install another")
    for module in holders:
        module.get_driver_env = lambda: {**given, "PW_LANG_NAME": "python"}  # type: ignore[attr-defined]


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
