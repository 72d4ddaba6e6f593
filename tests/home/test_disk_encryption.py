"""Whether the disk of a home is encrypted: by what a made-up /sys and /proc say of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archiver.home.disk_encryption import disk_encryption

LUKS, LVM = "CRYPT-LUKS2-0123-home\n", "LVM-0123\n"


def a_device(system: Path, name: str, uuid: str = "", *below: str) -> Path:
    folder = system / "sys/dev/block" / name
    (folder / "slaves").mkdir(parents=True)
    if uuid:
        (folder / "dm").mkdir()
        (folder / "dm/uuid").write_text(uuid)
    for one in below:
        (folder / "slaves" / one.replace(":", "-")).symlink_to(system / "sys/dev/block" / one)
    return folder


@pytest.mark.parametrize(
    ("top", "below", "wanted"),
    [
        (LUKS, [], True),
        ("", [], False),
        (LVM, [LUKS], True),
        (LVM, [LUKS, LUKS], True),
        (LVM, [LUKS, ""], False),
        (LVM, [""], False),
        (None, [], None),
    ],
)
def test_what_lies_below_the_file_system(
    top: str | None, below: list[str], wanted: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, home = tmp_path / "system", tmp_path / "home"
    home.mkdir()
    (system / "proc/self").mkdir(parents=True)
    (system / "proc/self/mountinfo").write_text(
        f"30 1 8:3 / {tmp_path} rw - ext4 /dev/made-up rw\n1 0 0:1 / / rw - overlay none rw\n"
    )
    monkeypatch.setattr("archiver.home.disk_encryption.os.major", lambda number: 8)
    monkeypatch.setattr("archiver.home.disk_encryption.os.minor", lambda number: 3)
    names = [f"9:{number}" for number in range(len(below))]
    for name, uuid in zip(names, below, strict=True):
        a_device(system, name, uuid)
    if top is not None:
        a_device(system, "8:3", top, *names)
    assert disk_encryption(home, system).encrypted is wanted


def test_what_shows_no_disk_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("30 1 0:99 / / rw - overlay overlay rw\n")
    monkeypatch.setattr("archiver.home.disk_encryption.os.major", lambda number: 0)
    found = disk_encryption(tmp_path, tmp_path)
    assert found.encrypted is None
    assert "not known: overlay" in found.said
    assert disk_encryption(tmp_path, tmp_path / "nowhere").encrypted is None


def test_this_machine_is_asked_without_any_right() -> None:
    assert disk_encryption(Path(os.getcwd())).encrypted in (True, False, None)
