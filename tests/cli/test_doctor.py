"""`archiver doctor`: what this machine lacks, and which layout each platform answers with."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver import children
from archiver.cli.main import main
from archiver.demo.server import Answer
from archiver.home.home import Home
from tests.conftest import Shell, World

LIVE = """
telegram = "https://t.me/ozen_today/12"
x = "https://x.com/ozen_today/status/1478660000000000001"
youtube = "https://youtu.be/Zh5janSq001"
facebook = "https://www.facebook.com/ozen.today/posts/10157000000000001"
"""


@pytest.fixture
def live(shell: Shell) -> Shell:
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace("[doctor]\n", f"[doctor]{LIVE}"))
    return shell


def test_every_platform_as_it_is_known(live: Shell) -> None:
    code, lines = live.json("doctor", "--platforms")
    assert code == 0
    assert {line["platform"]: (line["layouts"], line["read"]) for line in lines} == {
        "telegram": (["telegram/embed"], True),
        "x": (["x/syndication"], True),
        "youtube": (["youtube/watch"], True),
        "facebook": (["facebook/post"], True),
    }
    captures = Home(live.home).catalog.captures("doctor")
    assert {row["id"] for row in captures} == {line["capture"] for line in lines}, "kept, and in a case of their own"
    assert live("doctor", "--platforms")[0] == 0, "the case is made once"


def test_a_layout_that_has_changed(live: Shell, world: World) -> None:
    world.telegram.trouble["/ozen_today/12"] = Answer(
        body=b'<html><body><div class="tg_new_post">hello</div></body></html>'
    )
    world.telegram.trouble["/s/ozen_today/12"] = Answer(
        body=b'<html><body><div class="tg_new_feed">hello</div></body></html>'
    )
    code, lines = live.json("doctor", "--platforms")
    [line] = [line for line in lines if line["platform"] == "telegram"]
    assert (code, line["drift"], line["outcome"]) == (2, True, "partial")
    assert "tg_new_post" in str(line["reason"]), "the shape that was seen"
    _, out, _ = live("doctor", "--platforms")
    assert "LAYOUT CHANGED" in out


def test_a_platform_that_cannot_be_reached_has_not_changed(live: Shell, world: World) -> None:
    world.youtube.trouble["/watch"] = Answer(503, "text/plain", b"later")
    code, lines = live.json("doctor", "--platforms")
    [line] = [line for line in lines if line["platform"] == "youtube"]
    assert (code, line["drift"], line["outcome"]) == (4, False, "blocked")


def test_links_that_are_none(shell: Shell) -> None:
    path = shell.home / "archiver.toml"
    path.write_text(path.read_text().replace("[doctor]\n", '[doctor]\nx = "somebody said so"\n'))
    code, _, err = shell("doctor", "--platforms")
    assert code == 1
    assert "links under [doctor]" in err


def test_this_machine(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = shell.json("doctor")
    seen = {str(line["what"]): line for line in lines}
    assert {"ffmpeg", "yt-dlp", "rendered pages", "room on disk", "keys", "connection"} <= set(seen)
    for name in ("ffmpeg", "ffprobe", "exiftool", "openssl"):
        held = children.fences(children.program(name) or name)
        assert seen[f"{name}'s fence"]["present"] is bool(held)
        assert str(seen[f"{name}'s fence"]["said"]).startswith(", ".join(held) or "none")
    assert str(seen["yt-dlp's fence"]["said"]).endswith("audit hook")
    assert code == (0 if all(line["present"] for line in lines) else 2)
    monkeypatch.setattr("archiver.tools.chromium.program", lambda: None)
    (shell.home / "keys/person.key").chmod(0o644)
    code, out, _ = shell("doctor")
    assert code == 2
    assert "no Chromium" in out
    assert "chmod 600" in out


def test_a_machine_without_a_home_is_looked_at_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "none"), "doctor"], None, {}) == 2
    assert "archiver makes one" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
