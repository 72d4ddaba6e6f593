"""A captured page with its rendered views, against what Scoop and auto-archiver do for them: Playwright alone."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.homes import new_home, ours
from benchmarks.processes import timed
from benchmarks.registry import Part, Row, Series, at_most, measures

HOST = "blog.ozen.example"
PAGE = f"https://{HOST}/2011/12/17/square"
AT_ONCE = 2
RENDERED = Part(
    "rendered",
    "Rendered pages",
    "First view, full page, DOM and PDF; ours are also recorded, read, hashed and sealed.",
    """For a page by itself, importing Python modules takes 0.9 s before the first request, and another 0.5 s pass
before Chromium starts. Chromium starts while the page is fetched and read. The rest of the time is the browser's own,
as it is for Playwright alone.""",
)
ALONE = """
import asyncio, json, sys
from pathlib import Path
from playwright.async_api import Error, async_playwright
order = json.loads(sys.argv[1])
out = Path(order["out"])
async def main():
    async with async_playwright() as started:
        rules = f"--host-resolver-rules=MAP {order['host']}:443 127.0.0.1:{order['port']}"
        arguments = [rules, "--ignore-certificate-errors", "--no-first-run", "--disable-background-networking"]
        browser = await started.chromium.launch(executable_path=order["program"], args=arguments, chromium_sandbox=False)
        slots = asyncio.Semaphore(order["at_once"])
        async def one(number, link):
            async with slots:
                context = await browser.new_context(viewport={"width": 1280, "height": 1600}, ignore_https_errors=True)
                page = await context.new_page()
                await page.goto(link, wait_until="load")
                try:
                    await page.wait_for_load_state("networkidle", timeout=5000)
                except Error:
                    pass
                (out / f"{number}-view.png").write_bytes(await page.screenshot())
                (out / f"{number}-full.png").write_bytes(await page.screenshot(full_page=True))
                (out / f"{number}.html").write_text(await page.content())
                (out / f"{number}.pdf").write_bytes(await page.pdf(print_background=True))
                await context.close()
        await asyncio.gather(*(one(number, link) for number, link in enumerate(order["links"])))
        await browser.close()
asyncio.run(main())
"""


def _row(name: str, what: str) -> Row:
    return Row(name=name, what=what, unit="s", ours="ours", peer="alone", against="Playwright alone on the same pages",
               goal=at_most(1.5), reason="The browser's work is the same: evidence may cost half as much again.")  # fmt: skip


def _rendered(bench: Bench, count: int) -> Iterator[Series]:
    from archiver.demo.media import picture
    from archiver.demo.news import News
    from archiver.demo.server import Platforms
    from archiver.tools.chromium import missing, program

    if (lacking := missing()) is not None:
        bench.say_missing(str(lacking))
        return
    news = News(b"", picture(shade=160))
    frame = '<iframe src="https://www.youtube.com/embed/Zh5janSq001?rel=0" width="560" height="315"></iframe>'
    text = news._article().replace(frame, "")
    text = text.replace('<video src="/square.mp4" poster="/square.png" controls></video>', "")
    news._article = lambda: text  # type: ignore[method-assign]
    served = Platforms(bench.folder / "rendered", {HOST: news.web})
    assert served.network.roots is not None
    routes = json.dumps({key: list(value) for key, value in served.network.routes.items()})
    network = {"routes": routes, "roots": str(served.network.roots.path)}
    links = [f"{PAGE}?page={number}" for number in range(count)]
    try:
        for _ in bench.rounds(most=3):
            home, out = new_home(bench), bench.new_folder()
            mine = timed(ours(home, network, ["capture", *links, "--screenshot", "--at-once", str(AT_ONCE)]))
            assert len(list((home / "captures").glob("*/*/*/*/manifest.json"))) == count
            order = {
                "links": links, "host": HOST, "port": served.port, "program": program(), "out": str(out), "at_once": AT_ONCE,
            }  # fmt: skip
            yield {"ours": mine, "alone": timed([sys.executable, "-c", ALONE, json.dumps(order)])}
            assert len(list(out.glob("*.pdf"))) == count
            shutil.rmtree(home.parent)
            shutil.rmtree(out)
    finally:
        served.stop()


@measures(RENDERED, _row("eight", f"eight rendered pages, {AT_ONCE} at once"))
def eight_pages(bench: Bench) -> Iterator[Series]:
    """Capture eight pages with their views."""
    yield from _rendered(bench, 2 if bench.small else 8)


@measures(RENDERED, _row("one", "one rendered page, each process started cold"))
def one_page(bench: Bench) -> Iterator[Series]:
    """Capture one page with its views."""
    yield from _rendered(bench, 1)
