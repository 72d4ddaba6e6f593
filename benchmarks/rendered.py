"""A captured page with its rendered views, against what Scoop and auto-archiver do for them: Playwright alone on the same page."""

from __future__ import annotations

import json
import shutil
import sys

from benchmarks.harness import LONG_ROUNDS, ROOT, Row, Stage, spread
from benchmarks.homes import new_home, ours, timed

HOST = "blog.ozen.example"
PAGE = f"https://{HOST}/2011/12/17/square"
AT_ONCE = 2
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


def rendered(stage: Stage, row: Row) -> None:
    """First view, full page, DOM and PDF of one page and of eight; ours also records, reads, hashes and seals them."""
    from archiver.demo.media import picture
    from archiver.demo.news import News
    from archiver.demo.server import Platforms
    from archiver.tools.chromium import missing, program

    if (lacking := missing()) is not None:
        row("a rendered page vs Playwright alone", lacking, "", "≤ 1.5")
        return
    news = News(b"", picture(shade=160))
    text = news._article().replace(
        '<iframe src="https://www.youtube.com/embed/Zh5janSq001?rel=0" width="560" height="315"></iframe>', ""
    )
    text = text.replace('<video src="/square.mp4" poster="/square.png" controls></video>', "")
    news._article = lambda: text  # type: ignore[method-assign]
    served = Platforms(stage.folder / "rendered", {HOST: news.web})
    assert served.network.roots is not None
    network = {
        "routes": json.dumps({key: list(value) for key, value in served.network.routes.items()}),
        "roots": str(served.network.roots.path),
    }
    try:
        for count in (1, 8):
            links = [f"{PAGE}?page={number}" for number in range(count)]
            mine, theirs = [], []
            for _ in range(LONG_ROUNDS):
                home = new_home(stage.folder)
                mine.append(
                    timed(ours(home, network, ["capture", *links, "--screenshot", "--at-once", str(AT_ONCE)]), cwd=ROOT)
                )
                kept = list((home / "captures").glob("*/*/*/*/manifest.json"))
                assert len(kept) == count
                shutil.rmtree(home.parent)
                out = stage.folder / "alone"
                out.mkdir(exist_ok=True)
                order = {
                    "links": links, "host": HOST, "port": served.port, "program": program(), "out": str(out), "at_once": AT_ONCE,
                }  # fmt: skip
                theirs.append(timed([sys.executable, "-c", ALONE, json.dumps(order)], cwd=ROOT))
                assert len(list(out.glob("*.pdf"))) == count
                shutil.rmtree(out)
            what = "one rendered page" if count == 1 else f"{count} rendered pages, {AT_ONCE} at once"
            ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
            row(f"{what}: time vs Playwright alone", f"{spread(mine)} s / {spread(theirs)} s", spread(ratios), "≤ 1.5")
    finally:
        served.stop()
