"""The recovery sheet: what is on it, and that it comes back whole or not at all."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from archiver.errors import CannotTell, UsageError
from archiver.home.home import Home
from archiver.signer.sheet import codes, files_on, is_encrypted, sheet_state
from tests.conftest import Shell

FILES = [("archiver.toml", b"format = 1\n"), ("keys/a.key", random.Random(3).randbytes(2500))]


@pytest.mark.parametrize("passphrase", [None, "correct horse battery"])
def test_a_sheet_comes_back_from_codes_in_any_order(passphrase: str | None) -> None:
    texts = codes(FILES, passphrase)
    assert len(texts) > 3
    shuffled = random.Random(5).sample(texts, len(texts))
    scanned = "read by a telephone\n" + "\n\n".join([*shuffled, shuffled[0]])
    assert is_encrypted(scanned) == (passphrase is not None)
    assert files_on(scanned, passphrase) == FILES
    with pytest.raises(UsageError, match=f"none of number {len(texts)}"):
        files_on("\n".join(texts[:-1]), passphrase)
    head, _, letters = texts[1].rpartition(":")
    wrong = f"{head}:{'B' if letters[0] == 'A' else 'A'}{letters[1:]}"
    with pytest.raises(UsageError, match="misread"):
        files_on("\n".join([texts[0], wrong, *texts[2:]]), passphrase)


def test_what_is_no_sheet_or_two_of_them() -> None:
    with pytest.raises(UsageError, match="no code of one"):
        files_on("words", None)
    with pytest.raises(UsageError, match="codes of 2 sheets"):
        files_on("\n".join([*codes(FILES, None), *codes(FILES[:1], None)]), None)


def test_the_passphrase_must_be_the_one() -> None:
    text = "\n".join(codes(FILES[:1], "correct horse battery"))
    with pytest.raises(CannotTell, match="none"):
        files_on(text, None)
    with pytest.raises(CannotTell, match="another"):
        files_on(text, "wrong")


def test_lost_keys_come_back_from_paper(shell: Shell, home: Home, tmp_path: Path) -> None:
    """The rehearsal: the sheet as it is printed is read back into the home that lost its keys."""
    sheet = tmp_path / "sheet.html"
    shell.environment["ARCHIVER_PASSPHRASE"] = "correct horse battery"
    assert sheet_state(home.path).made is None
    assert shell("keys", "sheet", "--to", str(home.path / "sheet.html"))[0] == 1
    assert shell("keys", "sheet", "--to", str(sheet))[0] == 0
    page = sheet.read_text("utf-8")
    assert "and its passphrase" in page
    assert page.count("<svg") == len(set(re.findall(r"ARCHIVER1:\d+/\d+", page)))
    assert "<script" not in page
    assert "BEGIN PRIVATE KEY" not in page
    assert sheet_state(home.path).newer == 0
    before = {
        path: path.read_bytes() for path in (home.path / "keys").rglob("*") if path.suffix in (".key", ".age-key")
    }
    assert len(before) >= 3
    for path in before:
        path.unlink()
    scanned = tmp_path / "scanned.txt"
    scanned.write_text("\n".join(re.findall(r"<pre>(.*?)</pre>", page)))
    assert shell("case", "new", "alma")[0] == 1, "without keys nothing is added"
    assert shell("restore", "--sheet", str(scanned))[0] == 0
    assert {path: path.read_bytes() for path in before} == before
    assert shell("case", "new", "alma")[0] == 0
    assert shell("check")[0] == 0
    assert sheet_state(home.path).newer == 1, "the key of a case that came later is not on it"


def test_a_sheet_of_another_home_changes_nothing(shell: Shell, home: Home, tmp_path: Path) -> None:
    other = tmp_path / "scanned.txt"
    other.write_text("\n".join(codes([("keys/ledger.key", b"another"), ("keys/new.key", b"x")], None)))
    code, _, err = shell("restore", "--sheet", str(other))
    assert code == 1
    assert "Is it the right home?" in err
    assert not (home.path / "keys" / "new.key").exists()
