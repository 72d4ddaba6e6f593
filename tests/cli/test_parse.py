"""`archiver parse`: its exit code is the worst of what was found, and with --json each file or answer without posts has a line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.errors import ExitCode
from tests.support import saved

TOMBSTONE = {
    "__typename": "TweetTombstone",
    "tombstone": {"text": {"text": "This Post was deleted by the Post author. Learn more"}},
}
GONE_CHANNEL = {
    "responseContext": {},
    "alerts": [{"alertRenderer": {"type": "ERROR", "text": {"simpleText": "This account has been terminated."}}}],
}  # fmt: skip
CONSENT = b"<html><head><title>Before you continue to YouTube</title></head><body><form></form></body></html>"
UNSHOWN = saved.PREVIEW.replace(
    b"</body>",
    b'<div class="tgme_widget_message js-widget_message" data-post="river/13"><div class="message_media_not_supported_wrap">'
    b'<div class="message_media_not_supported"><div class="message_media_not_supported_label">Please open Telegram to view this '
    b'post</div></div></div><a class="tgme_widget_message_date" href="https://t.me/river/13"><time '
    b'datetime="2025-06-01T09:00:00+00:00"></time></a></div></body>',
)
MOVED = saved.response("https://news.example/old", saved.http(b"moved", "301 Moved", Location="/a"))
CODES = {
    "a redirect to what is beside it": (MOVED + saved.warc(), ExitCode.OK),
    "a redirect to what is elsewhere": (MOVED, ExitCode.PARTIAL),
    "a page": (saved.PAGE, ExitCode.OK),
    "an unknown layout": (b'{"keys": "unknown"}', ExitCode.PARTIAL),
    "damage": (saved.warc().replace(b"closed for", b"opened for"), ExitCode.PARTIAL),
    "nothing in it": (saved.warc(block=saved.http(b"\x89PNG", content_type="image/png")), ExitCode.PARTIAL),
    "gzip that is cut": (gzip.compress(saved.PAGE)[:-9], ExitCode.PARTIAL),
    "words that are not HTML": (b"[3/18/22, 14:56:00] A: hello\n", ExitCode.PARTIAL),
    "images that were not read": (b"<html><body>" + b"<p>words</p>" * 9 + b"<textarea><img></textarea></body></html>", ExitCode.PARTIAL),
    "posts of which one is partial": (UNSHOWN, ExitCode.PARTIAL),
    "a deleted post": (json.dumps(TOMBSTONE).encode(), ExitCode.UNAVAILABLE),
    "an account that is gone": (json.dumps(GONE_CHANNEL).encode(), ExitCode.UNAVAILABLE),
    "an answer not found": (saved.warc(block=saved.http(status="404 Not Found")), ExitCode.UNAVAILABLE),
    "an answer refused": (saved.warc(block=saved.http(status="403 Forbidden")), ExitCode.UNAVAILABLE),
    "a wall": (CONSENT, ExitCode.FAILED),
    "an error of the server": (saved.warc(block=saved.http(status="500 X")), ExitCode.FAILED),
    "malformed JSON": (b'[{"id_str": "20", "te', ExitCode.FAILED),
}  # fmt: skip


@pytest.mark.parametrize("name", CODES)
def test_the_exit_code_follows_the_table(tmp_path: Path, name: str) -> None:
    data, code = CODES[name]
    (tmp_path / "page").write_bytes(data)
    assert main(["parse", str(tmp_path / "page")], None, {}) == code


def test_the_worst_counts_wherever_it_stands(tmp_path: Path) -> None:
    """A post does not hide what is beside it, in the same file or in another."""
    beside = saved.warc() + saved.response("https://news.example/gone", saved.http(status="410 Gone"))
    (tmp_path / "beside.warc").write_bytes(beside)
    assert main(["parse", str(tmp_path / "beside.warc")], None, {}) == ExitCode.UNAVAILABLE
    for name, (data, _) in CODES.items():
        (tmp_path / name).write_bytes(data)
    for order in (list(CODES), list(reversed(CODES))):
        assert main(["parse", *(str(tmp_path / name) for name in order)], None, {}) == ExitCode.FAILED


def lines(capsys: pytest.CaptureFixture[str], *paths: Path) -> list[dict[str, Any]]:
    main(["--json", "parse", *map(str, paths)], None, {})
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_answer_without_posts_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://news.example/gone"
    (tmp_path / "a.warc").write_bytes(saved.warc() + saved.response(url, saved.http(status="404 Not Found")))
    post, reason = lines(capsys, tmp_path / "a.warc")
    assert (post["text"], "layout" in post) == (saved.WORDS, False)
    assert reason == {
        "outcome": "unavailable", "reason": "not found (HTTP 404)", "state": "unavailable", "by": None, "said": "HTTP 404",
        "url": url, "layout": "page/html", "source": "a.warc#1",
    }  # fmt: skip


def test_the_platform_s_own_words_reach_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone.json").write_bytes(json.dumps(GONE_CHANNEL).encode())
    [reason] = lines(capsys, tmp_path / "gone.json")
    assert (reason["state"], reason["by"], reason["said"]) == (
        "unavailable", "platform", "This account has been terminated.",
    )  # fmt: skip


def test_a_file_with_nothing_in_it_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "picture.warc").write_bytes(CODES["nothing in it"][0])
    first, second = lines(capsys, tmp_path / "empty", tmp_path / "picture.warc")
    assert (first["outcome"], first["state"]) == ("partial", "unknown")
    assert (second["reason"], second["url"], second["source"]) == (
        "no content that could hold posts", None, "picture.warc",
    )  # fmt: skip
