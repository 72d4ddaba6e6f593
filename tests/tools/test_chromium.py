"""How Chromium is started and how it shows a page: sandboxed, without a login, through the recorder alone."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from archiver.recorder.tls import ThrowAwayAuthority
from archiver.tools import chromium

pytest.importorskip("playwright")


class Double:
    """Stands in for Playwright and its Chromium; remembers what it was told."""

    def __init__(self) -> None:
        self.launched: dict[str, Any] = {}
        self.contexts: list[dict[str, Any]] = []
        self.closed = 0
        self.chromium = self

    async def start(self) -> Double:
        return self

    async def launch(self, **given: Any) -> Double:
        self.launched = given
        return self

    async def new_context(self, **given: Any) -> Double:
        self.contexts.append(given)
        return self

    async def add_init_script(self, script: str) -> None:
        from playwright.async_api import Error

        raise Error("the page is not shown here")

    async def close(self) -> None:
        self.closed += 1

    async def stop(self) -> None:
        return


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Double:
    made = Double()
    monkeypatch.setattr(chromium, "missing", lambda: None)
    monkeypatch.setattr(chromium, "program", lambda: "/bin/false")
    monkeypatch.setattr("playwright.async_api.async_playwright", lambda: made)
    return made


def _shown_twice(judge: Any = lambda browser: None) -> None:
    async def run() -> None:
        browser = chromium.Browser(ThrowAwayAuthority(datetime.now(UTC)))
        try:
            for port in (1001, 1002):
                with pytest.raises(chromium.NoPicture):
                    await browser.show("https://a.example/", f"http://user:token@127.0.0.1:{port}", "agent")
            judge(browser)
        finally:
            await browser.close()

    asyncio.run(run())


@pytest.mark.parametrize("user", [0, 1000])
def test_chromium_is_sandboxed_unless_root_starts_it(
    user: int, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "os", SimpleNamespace(**{**vars(os), "geteuid": lambda: user}))
    _shown_twice()
    assert double.launched["chromium_sandbox"] is (user != 0)
    assert chromium.fences() == (["Chromium's sandbox"] if user else [])


def test_each_page_has_a_context_of_its_own_that_knows_the_recorder_alone_and_is_thrown_away(double: Double) -> None:
    _shown_twice()
    assert [given["proxy"]["server"] for given in double.contexts] == ["http://127.0.0.1:1001", "http://127.0.0.1:1002"]
    for given in double.contexts:
        assert given["proxy"]["bypass"] == "<-loopback>"  # addresses of this machine go there too
        assert given["service_workers"] == "block"
        assert not {"storage_state", "http_credentials", "client_certificates"} & set(given), "no login"
    assert double.closed == len(double.contexts) + 1, "each context, and the browser"


def test_what_chromium_asks_for_itself_goes_nowhere(double: Double) -> None:
    _shown_twice()
    words = double.launched["args"]
    assert "--proxy-server=http://127.0.0.1:9" in words  # where nobody listens; contexts have a proxy of their own
    assert {"--proxy-bypass-list=<-loopback>", "--disable-background-networking", "--disable-quic"} <= set(words)


def test_the_folder_of_chromium_is_its_user_s_alone_and_goes_with_it(double: Double) -> None:
    folders: list[str] = []

    def judge(browser: chromium.Browser) -> None:
        folders.append(double.launched["env"]["HOME"])
        assert stat.S_IMODE(os.stat(folders[0]).st_mode) == 0o700

    _shown_twice(judge)
    assert not os.path.exists(folders[0])
