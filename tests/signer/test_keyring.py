"""Keys: fingerprints, people, passphrases, and a rotation that survives crashes and is signed by both keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.checks import check_home, worst
from archiver.errors import ConfigError, UsageError
from archiver.home.home import Home
from archiver.home.people import fingerprint, key_words, recovery_keys
from archiver.jobs.api import token_of
from archiver.signer import keyring
from archiver.signer.case_keys import new_case_key
from archiver.signer.copy_keys import add_recovery_key, copies_identity, names_key
from archiver.signer.keyring import Keyring, is_locked
from archiver.signer.local import LocalSigner
from archiver.signer.package_keys import pseudonym_secret, sign_wacz
from archiver.telegram.accounts import Account, Accounts
from storage.digest import sha256_hex
from storage.events import Event
from storage.key_files import changing_keys
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


def beside(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> list[Future[object]]:
    """Have `other` begin, as another process would, at the moment at which a key's file is about to be written."""
    begun: list[Future[object]] = []
    write = keyring._pem
    pool = ThreadPoolExecutor(1)

    def written(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
        if not begun:
            begun.append(Future())
            begun[0] = pool.submit(other)
            wait(begun, 1)
        return write(key, passphrase)

    monkeypatch.setattr(keyring, "_pem", written)
    return begun


def test_a_passphrase_beside_a_rotation_keeps_the_new_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    record(home)
    keys = LocalSigner(home).keyring
    rotated = beside(monkeypatch, LocalSigner(reopened(home)).rotate)
    keys.lock(keys.path("ledger"), None)
    _, new = rotated[0].result()  # type: ignore[misc]
    record(reopened(home))
    assert home.ledger_key_text() == new
    assert worst(check_home(home.path)) == 0


def test_a_rotation_gives_the_new_key_no_passphrase_that_was_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home)
    path = home.path / "keys" / "ledger.key"
    LocalSigner(home).keyring.lock(path, "the first one")
    hand_over = Ledger.hand_over

    def between(*given: Any) -> Any:
        LocalSigner(reopened(home, ARCHIVER_PASSPHRASE="the first one")).keyring.lock(path, "the second one")
        return hand_over(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "hand_over", between)
        with pytest.raises(ConfigError, match="right passphrase"):
            LocalSigner(reopened(home, ARCHIVER_PASSPHRASE="the first one")).rotate()
    again = reopened(home, ARCHIVER_PASSPHRASE="the second one")
    LocalSigner(again).rotate()
    record(again)
    assert worst(check_home(home.path)) == 0


def test_no_passphrase_is_put_on_a_key_that_is_being_handed_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    record(home)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            LocalSigner(home).rotate()
    keys = Keyring(home.path, {})
    before = keys.path("ledger").read_bytes()
    with pytest.raises(ConfigError, match="left unfinished"):
        keys.lock(keys.path("ledger"), "a passphrase")
    assert keys.path("ledger").read_bytes() == before
    record(reopened(home))
    keys.lock(keys.path("ledger"), "a passphrase")


def test_one_name_is_one_key_whatever_the_roles(home: Home, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    other = beside(monkeypatch, lambda: Keyring(home.path, {}).new_person("bob", "reviewer", None))
    Keyring(home.path, {}).new_person("bob", "analyst", None)
    with pytest.raises(UsageError, match="bob"):
        other[0].result()
    assert [path.name for path in (home.path / "keys" / "people").iterdir()] == ["bob.analyst.key"]
    assert shell("keys", "new", "bob", "--role", "collector")[0] == 1
    code, _, err = shell("keys", "new", "tester", "--role", "collector")
    assert code == 1
    assert "the home's own key" in err


@pytest.mark.parametrize("part", [0, 1, 60, -30, -2], ids=["none", "a byte", "half", "the end", "the last letters"])
def test_a_key_that_was_being_written_blocks_nothing(home: Home, part: int) -> None:
    """As earlier code left it where the disk has no hard links."""
    keys = home.path / "keys"
    LocalSigner(home).rotate()
    (keys / "ledger.next.key").write_bytes((keys / "person.key").read_bytes()[:part])
    record(reopened(home))
    assert not (keys / "ledger.next.key").exists()
    record(reopened(home))
    (keys / "ledger.next.key").write_bytes((keys / "person.key").read_bytes()[:part])
    record(reopened(home))
    assert not (keys / "ledger.next.key").exists()
    assert worst(check_home(home.path)) == 0


@pytest.mark.parametrize("where", ["commit", "replace"])
def test_a_part_of_the_key_that_the_ledger_was_handed_over_to_stays(
    home: Home, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*((Keyring, "_commit") if where == "commit" else (Path, "replace")), lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            LocalSigner(home).rotate()
    path = home.path / "keys" / "ledger.next.key"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ConfigError, match=r"ledger\.next\.key"):
        record(reopened(home))
    assert len(path.read_bytes()) == 60


def test_what_a_kill_leaves_of_a_key_is_swept(home: Home, shell: Shell) -> None:
    keys = home.path / "keys"
    (keys / "people").mkdir(exist_ok=True)
    left = [
        keys / ".ledger.next.key.0123456789ab.new",
        keys / "people" / ".bob.analyst.key.new",
        keys / "cases" / ".a.new",
    ]
    for path in left:
        path.write_bytes((keys / "person.key").read_bytes())
    assert shell("find", "x")[0] == 0
    assert all(path.exists() for path in left)
    with ThreadPoolExecutor(1) as pool:
        with changing_keys(home.path):  # one of them may be a live one's
            ran = pool.submit(record, reopened(home))
            wait([ran], 0.3)
            assert all(path.exists() for path in left)
        ran.result()
    assert not any(path.exists() for path in left)


WRITERS: dict[str, Callable[[Home], object]] = {
    "person": lambda home: Keyring(home.path, {}).new_person("bob", "analyst", None),
    "case": lambda home: new_case_key(home.path, "alma"),
    "copies": lambda home: copies_identity(home.path),
    "names": lambda home: names_key(home.path),
    "wacz": lambda home: sign_wacz(home.path / "keys", b"x"),
    "pseudonyms": lambda home: pseudonym_secret(home.path / "keys", b"x"),
    "recovery": lambda home: add_recovery_key(home.path, str(pyrage.x25519.Identity.generate().to_public())),
    "passphrase": lambda home: Keyring(home.path, {}).lock(home.path / "keys" / "person.key", "a passphrase"),
    "token": lambda home: token_of(home.path),
    "account": lambda home: Accounts(home).save(Account("a", 1, "h", "s")),
}


@pytest.mark.parametrize("what", WRITERS)
def test_whoever_writes_a_key_holds_the_lock(what: str, home: Home) -> None:
    """Else what it writes could be swept, or what it read be out of date."""
    for name in ("copies.age-key", "copies.names"):
        (home.path / "keys" / name).unlink()

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (home.path / "keys").rglob("*") if path.is_file()}

    before = files()
    with ThreadPoolExecutor(1) as pool:
        with changing_keys(home.path):
            ran = pool.submit(WRITERS[what], home)
            wait([ran], 0.3)
            assert files() == before
        ran.result()
    assert files() != before


def test_recovery_keys_added_at_once_are_all_there(home: Home) -> None:
    keys = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: add_recovery_key(home.path, key), keys))
    assert sorted(recovery_keys(home.path)) == sorted(keys)


def test_keys_that_do_not_belong_together(home: Home) -> None:
    (home.path / "keys" / "ledger.key").write_bytes((home.path / "keys" / "person.key").read_bytes())
    with pytest.raises(ConfigError, match="one pair"):
        record(reopened(home))
