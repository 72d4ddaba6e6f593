"""From a link to a sealed capture, through the real commands, against the miniature platforms."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.demo.server import Answer
from archiver.home.home import Home
from storage.lines import read_lines
from tests.conftest import Shell, World

BLOG = "https://blog.ozen.example"


def folder_of(shell: Shell, result: dict[str, object]) -> Path:
    return shell.home / str(result["folder"])


def inventory(shell: Shell, result: dict[str, object]) -> dict[str, dict[str, object]]:
    return {
        str(line["key"]): line for line in read_lines(folder_of(shell, result) / "inventory.jsonl") if "outcome" in line
    }


def test_a_post_with_a_video(shell: Shell) -> None:
    code, [result] = shell.json("capture", "https://t.me/ozen_today/12")
    assert (code, result["outcome"], result["reason"]) == (0, "captured", None)
    ended = inventory(shell, result)
    assert ended["post ozen_today/12 #0"]["outcome"] == "captured"
    [post] = read_lines(folder_of(shell, result) / "posts.jsonl")
    assert post["edited"] is True
    assert post["views"] == 18400
    assert post["text"] == "Видео с площади, снято около полудня. Слышны хлопки на 0:01."
    assert shell("check")[0] == 0


@pytest.mark.parametrize(
    "link",
    ["https://t.me/ozen_today/16", "https://t.me/ozen_today/18", "https://t.me/s/ozen_today/19", "t.me/Ozen_Today/17"],
)
def test_an_album_is_four_files_however_it_is_named(shell: Shell, link: str) -> None:
    code, [result] = shell.json("capture", link)
    assert (code, result["posts"]) == (0, 1)
    ended = inventory(shell, result)
    assert [ended[f"post ozen_today/16 #{n}"]["outcome"] for n in range(4)] == ["captured"] * 4
    kinds = [
        line["content_type"]
        for line in read_lines(folder_of(shell, result) / "records.jsonl")
        if line["type"] == "response"
    ]
    assert kinds.count("video/mp4") == 2
    assert kinds.count("image/jpeg") == 2
    [post] = [line for line in read_lines(folder_of(shell, result) / "posts.jsonl") if line["role"] == "target"]
    assert post["album_ids"] == ["16", "17", "18", "19"]


def test_one_video_of_an_album_that_fails_makes_it_partial(shell: Shell, world: World) -> None:
    world.telegram.trouble["/file/album-18.mp4"] = Answer(404, "text/plain", b"File not found")
    code, [result] = shell.json("capture", "https://t.me/ozen_today/16")
    assert (code, result["outcome"]) == (2, "partial")
    assert "1 of 4 attachments" in str(result["reason"])
    assert inventory(shell, result)["post ozen_today/16 #2"]["outcome"] == "unavailable"
    assert shell("check")[0] == 0


def test_a_file_cut_in_transfer_is_partial(shell: Shell, world: World) -> None:
    world.telegram.trouble["/file/a1b2c3d412.mp4"] = Answer(
        raw=b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 90000\r\n\r\nonly this"
    )
    code, [result] = shell.json("capture", "https://t.me/ozen_today/12")
    assert (code, result["outcome"]) == (2, "partial")
    assert inventory(shell, result)["post ozen_today/12 #0"]["outcome"] == "partial"
    cut = [line for line in read_lines(folder_of(shell, result) / "records.jsonl") if line.get("truncated")]
    assert [line["truncated"] for line in cut] == ["disconnect", "disconnect"], "the rest was asked for once"
    assert shell("check")[0] == 0


@pytest.mark.parametrize(
    ("link", "code", "outcome", "said"),
    [
        ("https://t.me/ozen_today/14", 3, "unavailable", "Post not found (19 other posts"),
        ("https://t.me/ozen_today/20", 2, "partial", "too big for the web view"),
        ("https://t.me/ozen_today/21", 2, "partial", "documents have no link"),
        ("https://t.me/nosuchchannel_x/5", 3, "unavailable", "not found"),
        ("https://t.me/c/1500000001/5", 3, "refused", "needs an account"),
        ("https://t.me/+AbCdEf", 3, "refused", "needs an account"),
        (f"{BLOG}/gone", 3, "unavailable", "gone (HTTP 410)"),
        (f"{BLOG}/missing", 3, "unavailable", "not found (HTTP 404)"),
        (f"{BLOG}/limited", 4, "blocked", "rate limit (HTTP 429)"),
        (f"{BLOG}/inside", 2, "skipped", "it led to http://127.0.0.1/admin: an address that is never contacted"),
        (f"{BLOG}/loop", 4, "failed", "redirects"),
        ("https://nosuch.ozen.example/", 4, "failed", "does not resolve"),
        (
            "http://169.254.169.254/latest/meta-data",
            2,
            "skipped",
            "an address that is never contacted (169.254.169.254: ",
        ),
        ("https://localhost/", 2, "skipped", "local name"),
        ("https://www.facebook.com/user/posts/20", 3, "unavailable", "isn't available right now"),
        ("https://x.com/user/status/20", 3, "unavailable", "knows no such post"),
    ],
)
def test_outcomes(shell: Shell, link: str, code: int, outcome: str, said: str) -> None:
    found, [result] = shell.json("capture", link)
    assert (found, result["outcome"]) == (code, outcome)
    assert said in str(result["reason"])
    assert shell("check")[0] == 0, "whatever came of it is sealed and intact"
    assert inventory(shell, result), "what was asked for is in the inventory"


@pytest.mark.parametrize(
    ("answer", "code", "outcome", "said"),
    [
        (Answer(503, "text/plain", b"later"), 4, "blocked", "HTTP 503"),
        (
            Answer(
                500, "text/html", b"<html>post " + b'<div class="js-widget_message" data-post="ozen_today/12"></div>'
            ),
            4,
            "failed",
            "HTTP 500",
        ),
        (Answer(429, "text/html", b"", [("Retry-After", "1")]), 4, "blocked", "rate limit"),
        (Answer(403, "text/html", b"no"), 3, "refused", "forbidden"),
        (Answer(200, "text/html", b""), 2, "partial", "empty body"),
        (
            Answer(200, "text/html", b"<html><body class='brand-new'>surprise</body></html>"),
            2,
            "partial",
            "unknown layout: brand-new",
        ),
        (Answer(200, "application/json", b'{"broken'), 2, "partial", ""),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 2, "partial", ""),
        (Answer(raw=b"not http at all"), 4, "failed", "malformed status line"),
        (Answer(raw=b""), 4, "failed", "without an answer"),
    ],
    ids=["503", "500", "429", "403", "empty", "layout", "json", "two-lengths", "no-http", "nothing"],
)
def test_troubled_answers(shell: Shell, world: World, answer: Answer, code: int, outcome: str, said: str) -> None:
    world.telegram.trouble |= {"/ozen_today/12": answer, "/s/ozen_today/12": answer}
    found, [result] = shell.json("capture", "https://t.me/ozen_today/12")
    assert (found, result["outcome"]) == (code, outcome), result["reason"]
    assert said in str(result["reason"])
    assert not list(read_lines(folder_of(shell, result) / "posts.jsonl")), "no post is invented from an error"
    assert shell("check")[0] == 0


def test_a_login_wall(shell: Shell, world: World) -> None:
    world.news.trouble |= {
        "/members": Answer(302, "text/plain", b"", [("Location", "/login?next=/members")]),
        "/login": Answer(body=b"<html><body><form>Log in</form></body></html>"),
    }
    code, [result] = shell.json("capture", f"{BLOG}/members")
    assert (code, result["outcome"]) == (3, "refused")
    assert "login page" in str(result["reason"])


def test_a_redirect_to_a_metadata_address(shell: Shell, world: World) -> None:
    world.news.trouble["/meta"] = Answer(302, "text/plain", b"", [("Location", "http://169.254.169.254/latest/")])
    code, [result] = shell.json("capture", f"{BLOG}/meta")
    assert (code, result["outcome"]) == (2, "skipped")
    assert "a cloud's metadata service" in str(result["reason"])


def test_a_gzip_bomb_is_kept_and_not_inflated(shell: Shell, world: World) -> None:
    import gzip

    bomb = gzip.compress(bytes(300_000_000), 9, mtime=0)
    world.news.trouble["/bomb"] = Answer(body=bomb, headers=[("Content-Encoding", "gzip")])
    code, [result] = shell.json("capture", f"{BLOG}/bomb")
    assert (code, result["outcome"]) == (2, "partial")
    [page] = [line for line in read_lines(folder_of(shell, result) / "records.jsonl") if line["type"] == "response"]
    assert page["payload_size"] == len(bomb)
    assert shell("check")[0] == 0


def test_a_large_file_given_as_a_page_is_kept_and_not_read(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{BLOG}/square.mp4")
    assert (code, result["outcome"]) == (0, "captured")


def test_several_links_and_one_failure_stops_nothing_else(shell: Shell) -> None:
    links = [
        "https://t.me/ozen_today/12",
        "https://nosuch.ozen.example/",
        f"{BLOG}/2011/12/17/square",
        "ftp://x/y",
        "https://t.me/ozen_today/12?single",
    ]
    code, out, err = shell("capture", *links, "--json")
    results = {r["url"]: r["outcome"] for line in out.splitlines() if (r := json.loads(line)).get("url")}
    assert code == 4
    assert results == {
        "https://t.me/ozen_today/12": "captured",
        "https://t.me/ozen_today/12?single": "captured",
        "https://nosuch.ozen.example/": "failed",
        f"{BLOG}/2011/12/17/square": "captured",
    }
    assert "unknown scheme 'ftp'" in err
    assert shell("check")[0] == 0


def test_one_link_under_several_spellings_is_captured_once(shell: Shell) -> None:
    code, results = shell.json(
        "capture",
        "https://t.me/ozen_today/12",
        "t.me/s/ozen_today/12",
        "https://telegram.me/Ozen_today/12",
        "tg://resolve?domain=ozen_today&post=12",
    )
    assert (code, len(results)) == (0, 1)


def test_a_page_with_its_requisites_and_text(shell: Shell) -> None:
    code, [result] = shell.json("capture", f"{BLOG}/2011/12/17/square?utm_source=x")
    assert code == 0
    ended = inventory(shell, result)
    for path in ("style.css", "print.css", "paper.png", "square.png", "favicon.ico"):
        assert ended[f"requisite {BLOG}/{path}"]["outcome"] == "captured"
    post, *comments = read_lines(folder_of(shell, result) / "posts.jsonl")
    assert len(comments) == post["comments"] == 12
    assert post["published_at"] == "2011-12-17T16:40:00Z"
    assert "люди бегут от линии щитов" in post["text"]
    assert post["links"] == ["https://t.me/ozen_today/12"]
    [page] = [
        line
        for line in read_lines(folder_of(shell, result) / "records.jsonl")
        if "square?utm" in (line["uri"] or "") and line["type"] == "response"
    ]
    assert page["status"] == 200


def test_no_media_is_listed_as_skipped(shell: Shell) -> None:
    code, [result] = shell.json("capture", "https://t.me/ozen_today/16", "--no-media")
    assert (code, result["outcome"]) == (0, "captured")
    ended = inventory(shell, result)
    assert [ended[f"post ozen_today/16 #{n}"]["outcome"] for n in range(4)] == ["skipped"] * 4
    assert not [
        line
        for line in read_lines(folder_of(shell, result) / "records.jsonl")
        if line.get("content_type") == "video/mp4"
    ]


def test_cookies_of_the_platform_are_in_no_file(shell: Shell) -> None:
    import gzip

    shell("capture", "https://t.me/ozen_today/12", f"{BLOG}/2011/12/17/square")
    for path in shell.home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            plain = gzip.decompress(data) if path.suffix == ".gz" else data
            assert b"5e2f0c1a9b7d4836aa" not in plain, path


def all_bytes(home: Path) -> dict[Path, bytes]:
    """Every file of a home, gzip members decompressed."""
    import gzip

    found = {}
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found[path] = data + (gzip.decompress(data) if path.suffix == ".gz" else b"")
    return found


def test_planted_secrets_are_in_no_file_under_the_home(shell: Shell, world: World) -> None:
    """A cookie, a bearer token and a CSRF token that a program sends; a configured token in a link that is captured."""
    from tests.conftest import need

    planted = ["sid-Kq8TjP2xV9bN", "eyJhbGciOiJub25lIn0-bearer", "csrf-3f9a77d2c1", "Zx81-token-in-a-link"]
    shell.environment["ARCHIVER_SECRETS"] = planted[3]
    headers = [f"Cookie: sid={planted[0]}", f"Authorization: Bearer {planted[1]}", f"X-CSRF-Token: {planted[2]}"]
    words = [word for header in headers for word in ("-H", header)]
    code, _, _ = shell(
        "record", "--about", f"{BLOG}/", "--", need("curl"), "-sS", *words, f"{BLOG}/gone?token={planted[3]}"
    )
    assert code == 2  # recorded whole, and nothing was read of it
    code, out, err = shell(
        "--json", "capture", f"{BLOG}/2011/12/17/square?token={planted[3]}", f"{BLOG}/missing?token={planted[3]}"
    )
    assert code == 3
    assert any(asked.query.get("token") == planted[3] for asked in world.served.log), "what goes out is not changed"
    assert planted[3] not in out + err
    for path, data in all_bytes(shell.home).items():
        for secret in planted:
            assert secret.encode() not in data, (path, secret)
    assert shell("check")[0] == 0
    for result in map(json.loads, out.splitlines()):
        manifest = json.loads((shell.home / result["folder"] / "manifest.json").read_bytes())
        assert any("value" in name for name in manifest["withheld"])


def test_the_target_is_committed_to_and_named_only_in_lines_that_can_be_withheld(shell: Shell) -> None:
    _, [result] = shell.json("capture", "https://t.me/ozen_today/12")
    folder = folder_of(shell, result)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert "ozen_today" not in (folder / "manifest.json").read_text()
    assert manifest["hosts"] == ["cdn4.telesco.pe", "t.me"]
    assert manifest["test_routes"] is True
    event = (shell.home / "events" / "000000" / f"{result['event']:010d}.json").read_text()
    assert "ozen_today" not in event


def test_ctrl_c_once_seals_what_is_there(home: Home, world: World) -> None:
    """The second half of a file never comes; the first Ctrl-C closes and seals the capture as partial."""
    import asyncio

    from archiver.capture.options import CaptureOptions
    from archiver.capture.result import Progress
    from archiver.recorder.proxy import Recorder
    from spiders.targets import Target, parse_target
    from tests.support.engines import capture_engine

    gate = threading.Event()
    world.telegram.trouble["/file/a1b2c3d412.mp4"] = Answer(content_type="video/mp4", body=bytes(2_000_000), gate=gate)
    recorder = Recorder(network=world.network)
    seen = asyncio.Event()

    def report(progress: Progress) -> None:
        if progress.waiting == 1 and progress.posts == 1 and progress.received >= 500_000:
            seen.set()

    async def run() -> object:
        engine = capture_engine(home, recorder, report)
        target = parse_target("https://t.me/ozen_today/12")
        assert isinstance(target, Target)
        work = asyncio.ensure_future(engine.capture(target, CaptureOptions(), "run"))
        await seen.wait()
        engine.interrupt()
        return await work

    try:
        result = asyncio.run(run())
    finally:
        gate.set()
        recorder.close()
        world.telegram.trouble.clear()
    assert str(result.outcome) == "partial"  # type: ignore[attr-defined]
    assert result.reason == "interrupted by the person"  # type: ignore[attr-defined]
    assert main(["check", "--home", str(home.path), "--quiet"], environment={}) == 0


def test_crawl_in_parts_and_going_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import archiver.capture.engine as capture

    original = capture.CaptureOptions

    def small(**arguments: object) -> object:
        return original(**{"part_posts": 15, **arguments})  # type: ignore[arg-type]

    monkeypatch.setattr("archiver.cli.capture_options.CaptureOptions", small)
    code, results = shell.json("crawl", "https://t.me/s/ozen_today")
    assert code == 2  # the too-big video and the document
    assert len(results) >= 2
    assert {result["run"] for result in results} == {results[0]["run"]}
    ids: list[str] = []
    for result in results:
        ids += [line["id"] for line in read_lines(folder_of(shell, result) / "posts.jsonl")]
    assert len(ids) == len(set(ids)) == 41, "nothing is skipped or repeated between parts"
    assert shell("check")[0] == 0
    assert not Home(shell.home).state.unfinished_runs("telegram:channel:ozen_today")


def test_a_broken_walk_goes_on_where_it_stands(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code, [first] = shell.json("crawl", "https://t.me/s/ozen_today", "--limit", "10")
    assert (code, first["posts"]) == (0, 10)
    world.served.log.clear()
    trouble = Answer(503, "text/plain", b"later")
    real = world.telegram.web

    def failing(asked: object) -> Answer:
        return trouble if asked.query.get("before") else real(asked)  # type: ignore[attr-defined]

    world.served.sites["t.me"] = failing
    try:
        code, [broken] = shell.json("crawl", "https://t.me/s/ozen_today")
    finally:
        world.served.sites["t.me"] = real
    assert (code, broken["outcome"]) == (2, "partial")
    assert "HTTP 503" in str(broken["reason"])
    code, out, _ = shell("crawl", "https://t.me/s/ozen_today")
    assert "continuing run" in out
    _, found = shell.json("find", "Channel created")
    assert found, "the walk reached the first post"
    assert shell("check")[0] == 0


def test_since_until_and_limit(shell: Shell) -> None:
    _, [result] = shell.json(
        "crawl", "https://t.me/s/ozen_today", "--since", "2022-01-05T10:00", "--until", "2022-01-05T11:00"
    )
    targets = [line for line in read_lines(folder_of(shell, result) / "posts.jsonl") if line["role"] == "target"]
    assert {line["published_at"][11:16] for line in targets} == {
        "10:03",
        "10:10",
        "10:17",
        "10:24",
        "10:31",
        "10:45",
        "10:52",
    }
    ended = inventory(shell, result)
    assert ended["post ozen_today/45"]["outcome"] == "skipped"


def test_a_channel_link_given_to_capture_says_crawl(shell: Shell) -> None:
    code, _, err = shell("capture", "https://t.me/s/ozen_today")
    assert code == 1
    assert "archiver crawl" in err


def test_an_unknown_case_is_an_error_before_anything_is_requested(shell: Shell, world: World) -> None:
    code, _, err = shell("capture", "https://t.me/ozen_today/12", "--case", "nosuch")
    assert code == 1
    assert "archiver case new nosuch" in err
    assert world.served.log == []


def test_a_capture_in_two_cases(shell: Shell) -> None:
    shell("case", "new", "almaty")
    _, [result] = shell.json("capture", "https://t.me/ozen_today/12", "--case", "inbox", "--case", "almaty")
    _, shown = shell.json("case", "show", "almaty")
    assert [line["id"] for line in shown] == [result["capture"]]
    assert shell("check", "almaty")[0] == 0
