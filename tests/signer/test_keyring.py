"""Keys: fingerprints, people, passphrases, and a rotation that survives crashes and is signed by both keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archiver.checks import check_home, worst
from archiver.errors import ConfigError
from archiver.home.home import Home
from archiver.home.people import fingerprint, key_words
from archiver.signer.keyring import Keyring, is_locked
from archiver.signer.local import LocalSigner
from storage.digest import sha256_hex
from storage.events import Event
from storage.ledger import Ledger
from tests.conftest import Shell
from tests.support.signing import ledger_signer


def reopened(home: Home, **environment: str) -> Home:
    return Home(home.path, environment=environment)


def record(home: Home, signer: LocalSigner | None = None) -> None:
    (signer or LocalSigner(home)).append([Event("checked", home.clock(), {})])
    home.project()


def test_the_fingerprint_is_of_the_public_key_alone(home: Home, shell: Shell) -> None:
    vkey = (home.path / "keys" / "ledger.vkey").read_text().strip()
    whole = sha256_hex(vkey.encode())
    code, out, _ = shell("keys", "fingerprint", "--qr")
    assert code == 0
    assert whole in out.replace(" ", "")
    words = key_words(whole)
    assert len(words) == 8
    assert " ".join(words) in out
    assert "▀" in out or "█" in out
    assert key_words("7f000001" + "3f54dcc1" + "0" * 48)[:4] == [
        "lusab",
        "babad",
        "gutih",
        "tugad",
    ]  # of arXiv:0901.4016


def test_people_sign_with_their_own_keys(home: Home, shell: Shell) -> None:
    assert shell("keys", "new", "R-2", "--role", "reviewer")[0] == 0
    assert shell("keys", "new", "R-2", "--role", "analyst")[0] == 1
    assert shell("keys", "new", "../x", "--role", "analyst")[0] == 1
    record(home, LocalSigner(home, "R-2"))
    record(home)
    bodies = [body["agent"] for body in home.catalog.event_bodies(("checked",))]
    assert [(agent["id"], agent["role"]) for agent in bodies] == [("R-2", "reviewer"), ("tester", "collector")]
    assert bodies[0]["key"] != bodies[1]["key"]
    assert shell("--as", "nobody", "note", "x", "y")[0] == 1
    assert worst(check_home(home.path)) == 0


def test_a_passphrase_is_asked_only_where_something_is_signed(home: Home, shell: Shell) -> None:
    record(home)
    shell.environment["ARCHIVER_PASSPHRASE"] = "correct horse battery"
    assert shell("keys", "passphrase")[0] == 0
    assert is_locked((home.path / "keys" / "ledger.key").read_bytes())
    assert shell("keys", "new", "A-1", "--role", "analyst")[0] == 0
    shell.environment.clear()
    assert shell("find", "nothing")[0] == 0
    assert shell("check")[0] == 0
    assert "passphrase" in shell("keys", "list")[1]
    code, _, err = shell("case", "new", "other")
    assert code == 1
    assert "ARCHIVER_PASSPHRASE" in err
    shell.environment["ARCHIVER_PASSPHRASE"] = "wrong"
    code, _, err = shell("case", "new", "other")
    assert code == 1
    assert "wrong" not in err
    shell.environment["ARCHIVER_PASSPHRASE"] = "correct horse battery"
    assert shell("case", "new", "other")[0] == 0
    assert shell("keys", "rotate")[0] == 0
    assert is_locked((home.path / "keys" / "ledger.key").read_bytes())
    assert shell("case", "new", "another")[0] == 0
    assert shell("keys", "passphrase", "--none")[0] == 0
    shell.environment.clear()
    assert shell("case", "new", "third")[0] == 0
    assert shell("check")[0] == 0


def test_a_rotation_is_signed_by_both_keys_and_history_stays(home: Home) -> None:
    signer = LocalSigner(home)
    record(home, signer)
    old, new = signer.rotate()
    assert home.ledger_key_text() == new != old
    assert fingerprint(old) != fingerprint(new)
    record(home, signer)
    second_old, _ = signer.rotate()
    assert second_old == new
    record(home, signer)
    lines = check_home(home.path)
    assert worst(lines) == 0, [line.text() for line in lines]
    assert any("2 hand-overs" in line.detail for line in lines)
    record(reopened(home))
    assert worst(check_home(home.path)) == 0


def test_a_process_that_began_before_the_rotation_signs_with_the_new_key(home: Home) -> None:
    record(home)
    long_running = LocalSigner(reopened(home))
    record(home, long_running)
    LocalSigner(home).rotate()
    record(home, long_running)
    assert worst(check_home(home.path)) == 0


def test_what_the_old_key_signs_after_the_hand_over_is_found(home: Home) -> None:
    record(home)
    old = ledger_signer(home)
    LocalSigner(home).rotate()
    vkey = (home.path / "keys" / "ledger.vkey").read_bytes()
    key = (home.path / "keys" / "ledger.key").read_bytes()
    (home.path / "keys" / "ledger.vkey").write_text(f"{old.key}\n")
    retired = next((home.path / "keys" / "retired").glob("*.key"))
    (home.path / "keys" / "ledger.key").write_bytes(retired.read_bytes())
    record(home)
    (home.path / "keys" / "ledger.vkey").write_bytes(vkey)
    (home.path / "keys" / "ledger.key").write_bytes(key)
    assert worst(check_home(home.path)) == 5


@pytest.mark.parametrize("where", ["before the event", "after the event", "after the public key"])
def test_a_crash_in_the_middle_of_a_rotation(home: Home, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record(home)
    before = home.ledger_key_text()

    class Crash(Exception):
        pass

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if where == "before the event":
            patch.setattr("storage.ledger.Ledger._append", crash)
        elif where == "after the event":
            patch.setattr(Keyring, "_commit", crash)
        else:
            patch.setattr(Path, "replace", crash)
        with pytest.raises(Crash):
            LocalSigner(home).rotate()
    assert (home.path / "keys" / "ledger.next.key").exists()
    again = reopened(home)
    record(again)
    assert not (home.path / "keys" / "ledger.next.key").exists()
    assert (again.ledger_key_text() == before) == (where == "before the event")
    assert worst(check_home(home.path)) == 0


def test_a_rotation_under_way_is_not_taken_for_one_that_a_crash_left(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that signs meanwhile must not take the new key away."""
    record(home)
    hand_over = Ledger.hand_over

    def between(*given: Any) -> Any:
        record(reopened(home))
        return hand_over(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "hand_over", between)
        _, new = LocalSigner(home).rotate()
    record(home)
    assert home.ledger_key_text() == new
    assert worst(check_home(home.path)) == 0


def test_keys_that_do_not_belong_together(home: Home) -> None:
    (home.path / "keys" / "ledger.key").write_bytes((home.path / "keys" / "person.key").read_bytes())
    with pytest.raises(ConfigError, match="one pair"):
        record(reopened(home))
