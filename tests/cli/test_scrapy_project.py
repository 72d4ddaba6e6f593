"""A Scrapy project of somebody else behind `archiver record`: its packages, its settings, its feeds, its mistakes.

The project has packages called `spiders` and `storage` of its own, and imports of ours nothing but the pipeline, from a folder
that holds what a wheel installs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from storage.lines import read_lines
from tests.conftest import Shell

ROOT = Path(__file__).parents[2]
PAGE = "https://blog.ozen.example/2011/12/17/square"
SETTINGS = """
SPIDER_MODULES = ["spiders"]
LOG_LEVEL = "ERROR"
DOWNLOAD_DELAY = 0
ITEM_PIPELINES = {"storage.Titled": 100, "archiver.scrapy_pipeline.CapturePipeline": 900}
"""
STORAGE = """
from scrapy.exceptions import DropItem

class Titled:
    def process_item(self, item):
        if item == {"title": "drop"}:
            raise DropItem("not wanted")
        return item
"""
BAD = '''
from dataclasses import dataclass, field
from datetime import date
import scrapy

@dataclass
class Film:
    title: str
    shown: date
    tags: set = field(default_factory=set)

class Book(scrapy.Item):
    title = scrapy.Field()

class Strangers(scrapy.Spider):
    """Items of every class, one without a form in JSON, one that is dropped; then it raises."""
    name = "strangers"
    start_urls = ["https://blog.ozen.example/2011/12/17/square"]

    def parse(self, response):
        yield Film("a film", date(2011, 12, 17), {"b", "a"})
        yield Book(title="a book")
        yield {"title": "bytes", "body": b"x"}
        yield {"title": "half \\ud800 a letter"}
        yield {"title": "drop"}
        raise KeyError("nothing like it")

class Endless(scrapy.Spider):
    """Goes on for ever, unless it is stopped."""
    name = "endless"
    start_urls = ["https://blog.ozen.example/2011/12/17/square"]

    def parse(self, response):
        number = 0
        while True:
            number += 1
            yield {"id": number}
'''


def documented_spider() -> str:
    """The spider that docs/how-to/spiders.md shows."""
    [code] = re.findall(
        r"```python\n(import scrapy.*?)```", (ROOT / "docs" / "how-to" / "spiders.md").read_text("utf-8"), re.DOTALL
    )
    return str(code)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as its owner has it, in the current folder, with our packages behind its own as from a wheel."""
    site, made = tmp_path / "site", tmp_path / "project"
    site.mkdir()
    for name in ("archiver", "spiders", "storage"):
        (site / name).symlink_to(ROOT / name)
    (made / "spiders").mkdir(parents=True)
    (made / "storage").mkdir()
    (made / "scrapy.cfg").write_text("[settings]\ndefault = ours\n")
    (made / "ours.py").write_text(SETTINGS)
    (made / "storage" / "__init__.py").write_text(STORAGE)
    (made / "spiders" / "__init__.py").write_text("")
    (made / "spiders" / "articles.py").write_text(documented_spider())
    (made / "spiders" / "bad.py").write_text(BAD)
    monkeypatch.chdir(made)
    monkeypatch.setenv("PYTHONPATH", str(site))
    return made


AS_INSTALLED = f"import sys; sys.path[:] = ['/nowhere', *(place for place in sys.path[1:] if place != {str(ROOT)!r})]"
"""As for a console script: the folder of programs is first on the path, not the current one; and this repository is not on it."""


def crawl(name: str, *words: str) -> list[str]:
    code = f"{AS_INSTALLED}; sys.argv[0] = 'scrapy'; from scrapy.cmdline import execute; execute()"
    return [sys.executable, "-c", code, "crawl", name, *words]


def lines(home: Path, result: dict[str, object], name: str) -> list[dict[str, Any]]:
    return list(read_lines(home / str(result["folder"]) / f"{name}.jsonl"))


def test_a_spider_of_fifteen_lines_written_by_its_text(project: Path, shell: Shell) -> None:
    assert len(documented_spider().strip().splitlines()) <= 16
    code, [result] = shell.json("record", "--", *crawl("articles", "-O", "articles.jsonl"))
    [post] = lines(shell.home, result, "posts")
    assert (post["url"], post["claimed_by"]["spider"], post["layout"]) == (PAGE, "articles", "item")
    assert post["title"]
    assert post["record"], "the page that it was read from"
    assert (code, result["outcome"], result["reason"]) == (0, "captured", None)
    [fed] = [json.loads(line) for line in (project / "articles.jsonl").read_text("utf-8").splitlines()]
    assert fed == post["item"]
    home = Home(shell.home)
    assert [found["title"] for found in home.catalog.posts(str(result["capture"]))] == [post["title"]]
    ended = {line["key"]: line["outcome"] for line in lines(shell.home, result, "inventory") if line.get("outcome")}
    assert ended["spider articles"] == ended[f"post {PAGE}"] == "captured"
    assert shell("check")[0] == 0


def test_what_strangers_yield_is_kept_or_listed(project: Path, shell: Shell) -> None:
    code, [result] = shell.json("record", "--", *crawl("strangers"))
    film, book, half = lines(shell.home, result, "posts")
    assert film["item"] == {"title": "a film", "shown": "2011-12-17", "tags": ["a", "b"]}
    assert film["claimed_by"]["class"] == "spiders.bad.Film"
    assert (book["title"], half["title"]) == ("a book", "half \\ud800 a letter")
    ended = {line["key"]: line for line in lines(shell.home, result, "inventory") if line.get("outcome")}
    assert "a value of builtins.bytes" in next(line["reason"] for line in ended.values() if line["outcome"] == "failed")
    spider = ended["spider strangers"]
    assert (spider["outcome"], spider["dropped"]) == ("partial", 1)
    assert "KeyError: 'nothing like it'" in spider["reason"]
    assert (code, result["outcome"]) == (2, "partial")
    assert "1 of 4 items not kept" in str(result["reason"])


def test_a_spider_that_never_ends_is_stopped(project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.capture.item_channel.MOST_MESSAGES", 50)
    code, [result] = shell.json("record", "--", *crawl("endless"))
    assert (code, result["outcome"], result["posts"]) == (2, "partial", 49)
    assert "more than 50 messages" in str(result["reason"])


def test_without_a_recorder_it_is_refused_in_one_line(project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVER_")}
    environment["PYTHONPATH"] = os.pathsep.join((str(project), environment["PYTHONPATH"]))
    ran = subprocess.run(crawl("articles"), capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode != 0
    [line] = ran.stderr.strip().splitlines()
    assert "archiver record -- scrapy crawl" in line


def test_the_pipeline_imports_nothing_of_ours(project: Path) -> None:
    ours = "sorted(name for name in sys.modules if name.split('.')[0] in ('archiver', 'spiders', 'storage'))"
    code = f"{AS_INSTALLED}; import archiver.scrapy_pipeline; print(*{ours})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["archiver", "archiver.scrapy_pipeline"]


def test_our_own_spiders_fill_posts_and_feeds_without_a_project(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no scrapy.cfg lies around, as after an installation."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    for name in ("archiver", "spiders", "storage"):
        (tmp_path / "site" / name).symlink_to(ROOT / name)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    words = ("telegram-channel", "-a", "link=https://t.me/s/ozen_today", "-a", "since=2022-01-05", "-a", "comments=0")
    _, [result] = shell.json("record", "--", *crawl(*words, "-O", "posts.jsonl"))
    posts = lines(shell.home, result, "posts")
    fed = [json.loads(line) for line in (tmp_path / "posts.jsonl").read_text("utf-8").splitlines()]
    assert {post["id"] for post in posts} <= {line["id"] for line in fed}
    assert result["posts"] == sum(post["role"] == "target" for post in posts) > 3
    assert result["kept"]["video"], "the files of posts are fetched by the capture"  # type: ignore[index]
    assert Home(shell.home).catalog.find("видео")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["page"], "A link is missing: scrapy crawl page -a link=LINK"),
        (["page", "-a", "link=nothing"], "not a link"),
        (["telegram-channel", "-a", "link=https://t.me/s/ozen_today", "-a", "since=yesterday"], "not a date like"),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_argument_is_one_line(words: list[str], said: str) -> None:
    environment = {**os.environ, "ARCHIVER_RECORDER": "http://x", "ARCHIVER_ITEMS": "/nowhere"}
    ran = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert ran.returncode == 1
