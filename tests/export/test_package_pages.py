"""The pages of a package as a reader meets them: on a double-click, with a screen reader, on a phone, on paper, from right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import Destination

from archiver.cli.main import main
from archiver.demo.media import picture
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.tools.chromium import program
from tests.conftest import World, plain_home
from tests.support.axe import violations
from tests.support.packages import lacking, target_url

ALBUM, SPOKEN, REFUSED = (f"https://t.me/ozen_today/{number}" for number in (16, 12, 20))
ARABIC = "قال شاهد إنه سمع 5 طلقات (17:40) في الساحة."
HEBREW = "הכיכר, 17:40"
NAMES = "صورة תמונה 图片 写真 사진 фото φωτό ภาพ चित्र 🎥 \u202egnp.exe"
"""A file name in every script, with a mark that turns what follows."""
PAGES = ("START-HERE.html", "data/report.html", "data/view/index.html")


@dataclass(frozen=True)
class Made:
    """Packages of one case: of everything, and what may be published. `key`: of the ledger."""

    full: Path
    public: Path
    key: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, world: World) -> Made:
    folder = tmp_path_factory.mktemp("pages")
    home = plain_home(folder / "home")

    def run(*words: str) -> None:
        assert main(["--home", str(home.path), *words], world.network, {}) in (0, 2), words

    channel = world.telegram.channels["ozen_today"]
    before = list(channel.posts)
    channel.posts[:] = [replace(post, text=f"{ARABIC}\nIn English.") if post.id == 12 else post for post in before]
    run("case", "new", "pages")
    run("author", "ozen_today", "institutional", "a newspaper", "--platform", "telegram")
    run("capture", ALBUM, "--case", "pages")
    run("capture", SPOKEN, REFUSED, "--case", "pages")
    channel.posts[:] = before
    received = [folder / f"{NAMES}.png", folder / "statement.txt"]
    received[0].write_bytes(picture())
    received[1].write_text(f"{ARABIC}\n{HEBREW}\n", "utf-8")
    for path in received:
        run("receive", str(path), "--from", "S-1", "--via", "usb", "--case", "pages")
    home = Home(home.path)
    ids = {row["target"]: row["id"] for row in home.catalog.captures("pages")}
    album, spoken = ids[target_url(ALBUM)], ids[target_url(SPOKEN)]
    of = ("--post", "ozen_today/16", "--attachment")
    run("note", album, "a man with a rifle", *of, "0", "--from", "0:01", "--to", "0:01.5", "--region", "10,20,30,40")
    run("note", album, ARABIC, *of, "1", "--region", "50,50,20,20")
    run("note", album, "the first shot", *of, "2", "--from", "0:00.7")
    run("note", album, "a date in the corner", *of, "2", "--region", "5,5,20,20")
    run("translate", spoken, ARABIC, "--language", "ar", "--by", HEBREW, "--how", "human")
    run("incident", "square", "--case", "pages", "--title", HEBREW, "--place", ARABIC, "--at", "43.3412,52.8619", "--zone",
        "Asia/Aqtau", "--since", "2022-01-05T10:30 Asia/Aqtau", "--add", album)  # fmt: skip
    run("conclude", "square", "--case", "pages", "--confidence", "moderate", "--basis", f"{album}:ozen_today/16@0:01-0:02",
        "--against", HEBREW, ARABIC)  # fmt: skip
    run("export", "pages", "--to", str(folder), "--profile", "full", "--yes", "--no-encrypt", "--name", "full")
    run("export", "pages", "--to", str(folder), "--profile", "public", "--yes", "--name", "public")
    return Made(folder / "full", folder / "public", fingerprint(home.ledger_key_text()))


@pytest.fixture(scope="module")
def browser(made: Made) -> Iterator[Any]:
    """Started after the packages were made: commands and Playwright each want the thread's loop for themselves."""
    from playwright import sync_api as playwright

    if program() is None:
        lacking("Chromium is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        yield running
        running.close()


def item_of(package: Path, words: str) -> str:
    """The page of the item that says something."""
    [found] = [path for path in package.glob("data/view/I*.html") if words in path.read_text("utf-8")]
    return found.relative_to(package).as_posix()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing(made: Made, browser: Any, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    of_items = [item_of(made.full, words) for words in ("I0001-4.png", "In English.", "statement")]
    for package, names in ((made.full, (*PAGES, *of_items)), (made.public, PAGES)):
        for name in names:
            page = context.new_page()
            page.goto((package / name).as_uri())
            assert violations(page) == [], (package.name, name)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (package.name, name)
            page.close()
    context.close()


OUTSIDE = """() => { const found = []; const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const node = walk.currentNode;
    if (/[\u0590-\u08ff]/.test(node.data) && !node.parentElement.closest('bdi, [dir="auto"]')) found.push(node.data); }
  return found; }"""
"""Words from right to left that could turn what stands around them."""
IN_ORDER = """() => [...document.querySelectorAll('article li:has(bdi) > span.small')].map(by => {
  const last = [...by.parentElement.querySelectorAll('bdi')].at(-1).getClientRects();
  const first = by.getClientRects()[0]; const end = last[last.length - 1];
  return first.top > end.top || first.left >= end.right - 1; })"""
"""Of each note, whether who wrote it stands behind it, as in every other note."""


def test_words_from_right_to_left_turn_nothing_else(made: Made, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    spoken = item_of(made.full, "In English.")
    for name in ("data/report.html", "data/view/index.html", spoken, item_of(made.full, "I0001-4.png")):
        page.goto((made.full / name).as_uri())
        assert page.evaluate("document.body.innerText").count("\u202e") == 0
        assert page.evaluate(OUTSIDE) == [], name
        assert all(page.evaluate(IN_ORDER)), name
    page.goto((made.full / spoken).as_uri())
    assert [
        page.evaluate("one => getComputedStyle(one).direction", one) for one in page.query_selector_all("blockquote")
    ] == ["rtl", "rtl"], "the post, and its translation without our words in it"
    page.close()


LINKS = "[...document.querySelectorAll('a[href]')].map(one => one.href)"


def test_every_link_leads_to_what_is_there_and_nobody_is_asked(made: Made, browser: Any) -> None:
    """On a lawyer's laptop: whatever can be clicked is in the folder, down to the place in the page."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for package in (made.full, made.public):
        names = [path.relative_to(package) for path in package.rglob("*.html")]
        assert len(names) >= 6 - 2 * (package == made.public)
        ids = {}
        found: list[tuple[str, str]] = []
        for name in names:
            page.goto((package / name).as_uri())
            ids[(package / name).as_uri()] = set(
                page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
            )
            found += [(str(name), link) for link in page.evaluate(LINKS)]
        for name, link in found:
            place, _, part = link.partition("#")
            assert place.startswith(package.as_uri()), (name, link)
            assert Path(place.removeprefix("file://")).is_file(), (name, link)
            assert not part or part in ids[place], (name, link)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


PLAYS = """async film => { film.muted = true; await film.play();
  await new Promise(done => film.addEventListener('timeupdate', done, {once: true})); film.pause();
  return [film.videoWidth > 0, film.error === null]; }"""


def test_a_thumbnail_leads_to_where_the_video_plays(made: Made, browser: Any) -> None:
    page = browser.new_page()
    page.goto((made.full / "data" / "report.html").as_uri())
    article = page.locator("article", has_text="I0001-3.mp4").first
    article.locator("details:has(.stills a)").evaluate_all("all => all.forEach(one => { one.open = true; })")
    article.locator(".stills > a[href$='#file-3']").first.click()
    assert page.url.endswith("/data/view/I0001.html#file-3")
    section = page.locator("section:target")
    assert section.get_attribute("aria-label") == "video 3"
    veiled = section.locator(".veil > *").first
    assert "blur" in veiled.evaluate("one => getComputedStyle(one).filter"), "until somebody asks for it"
    section.locator(".show").check()
    assert veiled.evaluate("one => getComputedStyle(one).filter") == "none"
    assert section.locator("video").evaluate(PLAYS) == [True, True]
    page.close()


def test_what_was_marked_is_drawn_on_the_still_of_its_moment(made: Made, browser: Any) -> None:
    page = browser.new_page()
    page.goto((made.full / "data" / "report.html").as_uri())
    drawn = page.evaluate(
        """() => [...document.querySelectorAll('article#I0001 figure')].map(one => [one.closest('a').hash,
        one.querySelector('figcaption').innerText || one.querySelector('figcaption').textContent,
        [...one.querySelectorAll('rect')].map(rect => ['x', 'y', 'width', 'height'].map(key => rect.getAttribute(key)).join())])"""
    )
    page.close()
    marked = [
        (place, caption.partition("marked")[0], regions) for place, caption, regions in drawn if "marked" in caption
    ]
    assert ("#file-1", "at 0:01.0", ["10,20,30,40"]) in marked
    assert ("#file-2", "scaled down", ["50,50,20,20"]) in marked
    assert ("#file-3", "at 0:00.7", ["5,5,20,20"]) in marked, "a moment, and a region of the whole video"
    assert len([1 for place, _, regions in marked if place == "#file-3" and regions == ["5,5,20,20"]]) == 4
    text = (made.full / "data" / "report.html").read_text("utf-8")
    assert "note (file 1, 0:01.0 to 0:01.5, region 10 % from the left, 20 % from the top, 30 % wide, 40 % high)" in text


def test_the_pdf_is_tagged_and_its_contents_name_the_right_pages(made: Made) -> None:
    if program() is None:
        lacking("Chromium is not installed")
    for package in (made.full, made.public):
        reader = PdfReader(package / "data" / "report.pdf")
        root = reader.root_object
        assert root["/MarkInfo"]["/Marked"]
        assert root["/StructTreeRoot"]["/K"]
        assert root["/Lang"] == "en"
        assert reader.metadata is not None
        assert reader.metadata.title == f"{package.name}: report"
        texts = [" ".join(page.extract_text().split()) for page in reader.pages]
        headings = {one.title: one for one in flat(reader.outline)}
        for name in ("Chronology", "Items", "Found and not kept", "Who did what", "Glossary"):
            page = reader.get_destination_page_number(headings[name])
            assert page is not None
            assert re.search(rf"\b{name} {page + 1}\b", texts[1]), (name, page + 1, texts[1])
        for number, text in enumerate(texts, 1):
            assert f"{package.name} · key {made.key[:16]}…" in text
            assert f"page {number} of {len(texts)}" in text
        for item in re.findall(r'<article class="card" id="(I[0-9]+)">', (package / "data/report.html").read_text()):
            [heading] = [one for title, one in headings.items() if title.startswith(f"{item} ")]
            page = reader.get_destination_page_number(heading)
            assert page is not None
            first, last = re.findall(r"(I\d+)(?: to (I\d+))? · page", texts[page])[0]
            assert first <= item <= (last or first)
            if item == "I0001":
                assert page == reader.get_destination_page_number(headings["Items"]), "no heading stands alone"
        data = (package / "data" / "report.pdf").read_bytes()
        assert b"file:" not in data
        assert len(data) < 500_000, "a filter on small pictures makes large ones of them: 98 MB for 500 items"


def flat(outline: Any) -> Iterator[Destination]:
    """Bookmarks of every depth."""
    for one in outline:
        if isinstance(one, list):
            yield from flat(one)
        else:
            yield one


def test_a_file_keeps_its_ending_and_a_statement_is_read_as_text(made: Made) -> None:
    text = (made.full / "data" / "report.html").read_text("utf-8")
    assert sorted({path.suffix for path in (made.full / "data" / "media").iterdir()}) == [".mp4", ".png", ".txt"]
    assert f'<blockquote class="statement" dir="auto">{ARABIC}' in text
    assert "This post was not captured whole." in text
