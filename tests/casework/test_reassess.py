"""Sealed captures that are judged again: what differs is listed and can be signed, what is sealed stays as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archiver.casework.annotations import About, annotate
from archiver.casework.reassess import Reassessed, chosen, reassess, sign_judgements, to_capture_again
from archiver.casework.rejudge import Comparison
from archiver.cli.main import main
from archiver.copies.dispose import confirm, destroy_here, request
from archiver.demo.server import Answer
from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from archiver.text.judged import in_words
from spiders.page.parse import parse as parse_page
from spiders.posts import Attachment, Outcome, Parsed, Post
from storage.digest import file_sha256
from storage.events import event_name
from tests.conftest import Shell, World
from tests.support.kept_homes import unpack_home
from tests.support.packages import both
from tests.support.telegram_world import TelegramShell

ALBUM, CHANNEL, GONE, RECEIVED = "wxe6z4t7", "hjx80xv4", "q6fe4t86", "8ck0rxb5"
"""Captures of the kept home: a post of a channel, the channel, a post that is not there, a file."""
WALL, LOOP = "https://blog.ozen.example/wall", "https://blog.ozen.example/loop"
ARTICLE = "https://blog.ozen.example/2011/12/17/square"
WALLED = b"<html><head><title>Just a moment...</title></head><body>Checking your browser, zhalgas</body></html>"


READABLE = f"<html><body><article><h1>Алаң</h1>{'<p>Кеше алаңда болған оқиға туралы мақала.</p>' * 20}</article>"


def taken_for_an_article(data: bytes, url: str | None = None, content_type: str | None = None) -> Parsed:
    """What a parser says that does not know walls."""
    if url != WALL:
        return parse_page(data, url, content_type)
    post = Post(platform="page", id=url, url=url, text=data.decode())
    return Parsed(platform="page", layout="page/html", posts=(post,), parser="page/0")


def digests(folder: Path) -> dict[str, str]:
    """Everything that is evidence in a home, by its digest."""
    kept = [path for part in ("captures", "events", "ledger") for path in (folder / part).rglob("*") if path.is_file()]
    return {str(path): file_sha256(path).hexdigest() for path in kept}


def sheet_of(home: Path) -> dict[str, dict[str, str]]:
    [path] = (home / "lists").glob("*/results.csv")
    return {row["link"]: row for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())}


def test_a_wall_that_was_taken_for_an_article(
    shell: Shell, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.news.trouble["/wall"] = Answer(body=WALLED)
    links = tmp_path / "links.txt"
    links.write_text(f"{WALL}\n{ARTICLE}\n{LOOP}\n")
    shell("case", "new", "almaty")
    with monkeypatch.context() as forged:
        forged.setattr("spiders.page.spider.parse", taken_for_an_article)
        shell("capture", "--list", str(links), "--case", "almaty")
    [row] = Home(shell.home, environment={}).catalog.captures_of(WALL)
    assert row["outcome"] == "captured"
    before = digests(shell.home)

    # listed, and nothing changed
    code, out, _ = shell("reassess", "almaty")
    assert code == 2
    assert f"{row['id']}  was captured, now blocked: bot wall" in out
    assert "read by page/0, now by page/" in out
    assert out.count("was captured") == 1, "the article is one still"
    assert "3 captures judged again: 2 same, 1 differs" in out
    assert digests(shell.home) == before
    assert shell("reassess", ARTICLE.partition("//")[2])[0] == 1, "no capture is named so"

    # signed once
    code, lines = shell.json("reassess", "almaty", "--sign", "--queue")
    [event] = [line["event"] for line in lines if "event" in line]
    assert [line["link"] for line in lines if "job" in line] == [WALL]
    after = digests(shell.home)
    assert {name: digest for name, digest in after.items() if name in before and "/captures/" in name} == {
        name: digest for name, digest in before.items() if "/captures/" in name
    }
    code, out, _ = shell("reassess", "--sign", "--queue")
    assert (code, "nothing new to sign" in out, "no link to queue" in out) == (2, True, True)
    assert digests(shell.home) == after

    # told wherever the capture is
    said = r"judged blocked: bot wall"
    assert said in shell("show", row["id"])[1]
    assert shell.json("show", row["id"])[1][1]["outcome"] == "blocked"
    assert said in shell("find", "zhalgas")[1]
    assert [line["kind"] for line in shell.json("find", "zhalgas")[1]] == ["post", "judged"]
    assert "reassessed" in shell("custody", row["id"])[1]
    home = Home(shell.home, environment={})
    rows = home.catalog.rows("reassessments")
    assert [one[:3] for one in rows] == [(event, row["id"], "blocked")]
    shell("catalog", "rebuild")
    assert Home(shell.home, environment={}).catalog.rows("reassessments") == rows
    shell("capture", "--list", str(links), "--case", "almaty")  # goes on where it stopped: the loop is tried again
    assert said in sheet_of(shell.home)[WALL]["reason"]
    assert sheet_of(shell.home)[WALL]["status"] == "kept whole", "as the capture ended"
    assert sheet_of(shell.home)[WALL]["what to do next"].startswith("wait a few hours")
    assert said not in sheet_of(shell.home)[ARTICLE]["reason"]

    # and wherever it goes
    to = tmp_path / "packages"
    assert shell("export", "almaty", "--to", str(to), "--profile", "full", "--no-encrypt", "--yes")[0] == 0
    [package] = to.iterdir()
    report = (package / "data" / "report.html").read_text()
    assert said in report
    assert "Judged otherwise by a later release: 1 of 4" in report
    assert (package / "data" / "events" / f"{event}.json").exists()
    told = [json.loads(line) for line in (package / "data" / "tables" / "custody.jsonl").read_text().splitlines()]
    assert sum(line["type"] == "reassessed" for line in told) == 1
    code, out = both(package, None)
    assert code == 6, out  # consistent with itself; whose key it is, nobody said
    assert shell("check")[0] == 0

    # captured since, it is not asked for again
    home = Home(shell.home, environment={})
    assert [again.row["id"] for again in to_capture_again(home, reassess(home, chosen(home, [])))] == [row["id"]]
    world.news.trouble["/wall"] = Answer(body=READABLE.encode())
    assert shell("capture", WALL)[0] == 0
    home = Home(shell.home, environment={})
    assert to_capture_again(home, reassess(home, chosen(home, []))) == []


def test_a_link_to_a_file_says_that_files_are_not_opened_again(shell: Shell) -> None:
    _, [result] = shell.json("capture", "https://blog.ozen.example/square.png")
    assert result["outcome"] == "captured"
    code, [line, _] = shell.json("reassess", str(result["capture"]))
    assert (code, line["comparison"]) == (0, "not judged")
    assert line["note"] == "its link leads to a file, and files are not opened again"
    out = " ".join(shell("reassess", str(result["capture"]))[1].split())
    assert (
        "1 capture judged again: 1 not judged Pages and posts were read again; media files were not opened again."
        in out
    )


# -- the kept home: parsers of today over captures of earlier code -----------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Home:
    return Home(unpack_home(tmp_path), environment={})


def one(home: Home, capture: str) -> Reassessed:
    [found] = reassess(home, chosen(home, [capture]))
    return found


def test_a_home_of_before_is_judged_as_it_was(kept: Home) -> None:
    found = list(reassess(kept, chosen(kept, [])))
    assert {item.row["id"][-8:]: str(item.rejudged.comparison) for item in found if not item.rejudged.now} == {
        RECEIVED: "not judged"
    }
    assert not [item.words for item in found if item.differs]
    assert main(["--home", str(kept.path), "reassess"], None, {}) == 0
    assert one(kept, ALBUM).rejudged.now.records, "it says what it rests on"  # type: ignore[union-attr]


@pytest.mark.damages
def test_what_cannot_be_read_is_not_judged(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kept.path / one(kept, ALBUM).row["folder"]
    [warc] = folder.glob("*.warc.gz")
    whole = warc.read_bytes()
    warc.rename(folder / f"{warc.name}.evicted")
    assert "freed here" in str(one(kept, ALBUM).rejudged.note)
    assert main(["--home", str(kept.path), "reassess", ALBUM], None, {}) == 6
    (folder / f"{warc.name}.evicted").unlink()
    assert "not here" in str(one(kept, ALBUM).rejudged.note)
    warc.write_bytes(whole[:3000])
    assert one(kept, ALBUM).rejudged.comparison is Comparison.CANNOT_TELL
    warc.write_bytes(whole)
    with monkeypatch.context() as altered:
        altered.setattr("archiver.casework.sealed_answers._payload", lambda path, at: (b"<html>", {}))
        assert "not those that were sealed" in str(one(kept, ALBUM).rejudged.note)
    assert one(kept, ALBUM).rejudged.comparison is Comparison.SAME
    lines = (folder / "inventory.jsonl").read_bytes()
    (folder / "inventory.jsonl").write_bytes(lines.replace(b"captured", b"skipped"))
    assert "inventory.jsonl is not the one" in str(one(kept, ALBUM).rejudged.note)
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b" ")
    assert "not the one that was sealed" in str(one(kept, ALBUM).rejudged.note)


def test_what_is_quarantined_is_not_read(kept: Home) -> None:
    annotate(kept, LocalSigner(kept), "quarantine", About(one(kept, ALBUM).row["id"]), "a child")
    assert one(kept, ALBUM).words == "not judged: quarantined"


Change = Callable[[Parsed], Parsed]


@pytest.fixture
def telegram_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Let Telegram's parser of today read otherwise."""
    from spiders.telegram.web.parse import parse

    def read(change: Change) -> None:
        def parse_otherwise(data: bytes, url: str | None = None, **more: Any) -> Parsed:
            return change(parse(data, url, **more))

        monkeypatch.setattr("spiders.telegram.web.parse.parse", parse_otherwise)

    return read


def changed(parsed: Parsed, **values: Any) -> Parsed:
    return replace(parsed, posts=tuple(replace(post, **values) for post in parsed.posts))


def one_more(parsed: Parsed) -> Parsed:
    more = Attachment("video", "https://cdn4.telesco.pe/file/more.mp4")
    return replace(parsed, posts=tuple(replace(post, attachments=(*post.attachments, more)) for post in parsed.posts))


def test_a_judgement_rests_on_what_is_read_today(kept: Home, telegram_reads: Callable[[Change], None]) -> None:
    signer = LocalSigner(kept)
    telegram_reads(one_more)
    found = one(kept, ALBUM)
    assert found.words == "was captured, now partial: 1 files read today were not looked for then (video)"
    [signed] = sign_judgements(kept, signer, [found])
    assert signed.body["detail"]["was"] == {"outcome": "captured", "reason": None, "parser": "telegram-web/1"}
    assert sign_judgements(kept, signer, [one(kept, ALBUM)]) == []
    telegram_reads(lambda parsed: changed(parsed, outcome=Outcome.PARTIAL, reason="text cut"))
    assert one(kept, ALBUM).words == "was captured, now partial: text cut"
    telegram_reads(lambda parsed: replace(parsed, posts=(), outcome=Outcome.REFUSED, reason="login required"))
    assert one(kept, ALBUM).words == "was captured, now refused: login required"
    telegram_reads(lambda parsed: changed(parsed, id="ozen_today/999"))
    assert "reads other posts in it than ozen_today/16" in one(kept, ALBUM).words
    found_more = Post(platform="telegram", id="ozen_today/500")
    telegram_reads(lambda parsed: replace(parsed, posts=(*parsed.posts, found_more)))
    assert "posts incomplete: read today, and not when it was captured" in one(kept, CHANNEL).words
    assert not one(kept, ALBUM).differs, "what stands beside one post is not the post"
    telegram_reads(lambda parsed: parsed)
    [signed] = sign_judgements(kept, signer, [one(kept, ALBUM)])
    assert signed.body["detail"]["outcome"] == "captured", "the first judgement stands again, and that is said"


def test_a_judgement_never_rises(kept: Home, telegram_reads: Callable[[Change], None]) -> None:
    post = Post(platform="telegram", id="ozen_today/14", text="there")
    telegram_reads(lambda parsed: replace(parsed, posts=(post,), outcome=None, reason=None, absence=None))
    found = one(kept, GONE)
    assert (found.rejudged.comparison, found.rejudged.fell) == (Comparison.SAME, False)
    assert "more is read in it today" in found.words
    assert sign_judgements(kept, LocalSigner(kept), [found]) == []
    telegram_reads(lambda parsed: replace(parsed, outcome=Outcome.REFUSED, reason="login required"))
    assert one(kept, GONE).differs, "gone and not shown must not be taken for each other"


def test_what_was_disposed_of_leaves_no_judgement(kept: Home, telegram_reads: Callable[[Change], None]) -> None:
    capture = one(kept, ALBUM).row["id"]
    telegram_reads(lambda parsed: replace(parsed, posts=(), outcome=Outcome.REFUSED, reason="a name in a title"))
    [signed] = sign_judgements(kept, LocalSigner(kept), [one(kept, ALBUM)])
    request(kept, LocalSigner(kept), capture, "a court's order", with_notes=False)
    confirm(kept, LocalSigner(kept, "reviewer1"), capture)
    destroy_here(kept)
    assert kept.catalog.reassessment(capture) is None
    assert not (kept.ledger.events / event_name(signed.seq)).exists()


def test_objects_of_an_account(by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> None:
    home, world = by_account.home, by_account.world
    world.channel(78, 3)
    capture = str(by_account.capture("capture", "https://t.me/channel_78/2").result["capture"])
    found = one(home, capture)
    assert (found.rejudged.comparison, found.rejudged.note) == (Comparison.SAME, None)
    assert found.rejudged.now is not None
    from spiders.telegram.api.messages import parse_objects

    monkeypatch.setattr(
        "spiders.telegram.api.messages.parse_objects",
        lambda objects, linked=False: changed(parse_objects(objects, linked), outcome=Outcome.PARTIAL, reason="cut"),
    )
    assert one(home, capture).words == "was captured, now partial: cut"


def test_a_later_judgement_in_words() -> None:
    row = {
        "outcome": "refused", "reason": "login required", "time": "2026-11-30T01:02:03.000000Z", "seq": 12,
        "software": "archiver/0.2.0", "parser": "page/2",
    }  # fmt: skip
    assert in_words(row) == (
        "judged refused: login required, on 2026-11-30 by archiver 0.2.0, parser page/2 (event 12)"
    )
    assert "login" not in in_words(row, with_reason=False)
