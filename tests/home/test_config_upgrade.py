"""Keys of earlier versions become those of today, and nothing else of the file changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archiver.errors import ConfigError
from archiver.home.config_file import read_settings
from archiver.home.config_schema import SUCCESSORS
from archiver.home.config_upgrade import upgrade, upgraded
from storage.errors import DiskError

BEFORE = """\
# settings\r
[sites]  # how sites see us\r
agent = "b/1"   # as it was called\r
tor = "socks5h://u:s3cret@h:1"\r
interval = 0.5\r
\r
[[notify]]\r
name = "a"\r
private = false # unlike content\r
[[notify]]\r
  name = "b"\r
  private = true\r
[media]\r
shown = true\r
wait = 5\r
"""
AFTER = """\
# settings\r
[sites]  # how sites see us\r
user_agent = "b/1"   # as it was called\r
proxy = "socks5h://u:s3cret@h:1"\r
interval = 0.5\r
\r
[[notify]]\r
name = "a"\r
content = false # unlike content\r
[[notify]]\r
  name = "b"\r
  content = true\r
[media]\r
# No longer used: wait = 5\r
\r
[pages]\r
rendered = true\r
"""


@pytest.fixture(autouse=True)
def earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {
        "sites.agent": "sites.user_agent", "sites.tor": "sites.proxy", "notify.N.private": "notify.N.content",
        "media.shown": "pages.rendered", "media.wait": None,
    }  # fmt: skip
    for old, now in changed.items():
        monkeypatch.setitem(SUCCESSORS, old, now)


def test_keys_change_and_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "archiver.toml"
    path.write_bytes(f"\ufeff{BEFORE}".encode())
    path.chmod(0o640)
    faults = read_settings(tmp_path, {}).faults
    assert {fault.key for fault in faults} == {
        "sites.agent", "sites.tor", "notify.1.private", "notify.2.private", "media.shown", "media.wait"
    }  # fmt: skip
    assert all("archiver config --upgrade" in fault.next for fault in faults)
    changed = upgrade(tmp_path)
    assert path.read_bytes() == f"\ufeff{AFTER}".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert '-agent = "b/1"   # as it was called' in changed
    assert '+user_agent = "b/1"   # as it was called' in changed
    assert "s3cret" not in str(changed)
    assert not read_settings(tmp_path, {}).faults
    assert upgrade(tmp_path) == []


def test_a_table_that_is_there_takes_what_moves(tmp_path: Path) -> None:
    made = upgraded("[pages]\n# a comment\n[media]\nshown = true\nprobe = true\n")
    assert made == "[pages]\nrendered = true\n# a comment\n[media]\nprobe = true\n"


@pytest.mark.parametrize(
    "text",
    [
        '[sites]\nagent = """\nb"""\nwait = 1\n[media]\nwait = [\n1,\n]\n',
        'sites = {agent = "b"}\n',
        'sites.agent = "b"\n',
        '[sites]\nagent = "b"\nuser_agent = "c"\n',
    ],
)
def test_what_cannot_be_changed_by_lines_is_left_to_a_person(tmp_path: Path, text: str) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="by hand"):
        upgrade(tmp_path)
    assert path.read_text() == text


def test_words_in_a_text_are_no_keys(tmp_path: Path) -> None:
    (tmp_path / "archiver.toml").write_text('pseudonym = """\n[sites]\nagent = 5\n"""\n')
    assert upgrade(tmp_path) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "settings"
    real.write_text('[sites]\nagent = "b"\n')
    (tmp_path / "archiver.toml").symlink_to(real)
    upgrade(tmp_path)
    assert (tmp_path / "archiver.toml").is_symlink()
    assert real.read_text() == '[sites]\nuser_agent = "b"\n'


def test_a_disk_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "archiver.toml"
    path.write_bytes(BEFORE.encode())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError):
        upgrade(tmp_path)
    assert path.read_bytes() == BEFORE.encode()
    assert [one.name for one in tmp_path.iterdir()] == ["archiver.toml"]
