"""What stands behind the ports: the signer and the decryptor of a home on this machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from archiver.errors import NotFound
from archiver.home.home import Home
from archiver.home.ports import WithheldValue
from archiver.signer.local import LocalSigner
from archiver.signer.withheld import LocalDecryptor
from storage.capture import CaptureWriter, Identity
from storage.note import open_note


def test_a_note_is_signed_with_the_ledger_s_key(home: Home) -> None:
    note = LocalSigner(home).sign_note("words\n").decode()
    assert open_note(note, [home.ledger_key]) == "words\n"


def test_a_wacz_signature_fits_its_key_and_is_always_the_same(home: Home) -> None:
    one, other = (LocalSigner(home).sign_wacz(b"a digest") for _ in range(2))
    assert one == other
    assert len(one.signature) == 96
    key = load_der_public_key(one.public_key)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    halves = (int.from_bytes(half) for half in (one.signature[:48], one.signature[48:]))
    key.verify(utils.encode_dss_signature(*halves), b"a digest", ec.ECDSA(hashes.SHA256()))


def test_packages_that_differ_have_pseudonyms_that_cannot_be_linked(home: Home) -> None:
    signer = LocalSigner(home)
    assert (
        signer.pseudonym_secret(b"one") == LocalSigner(home).pseudonym_secret(b"one") != signer.pseudonym_secret(b"two")
    )


def test_every_private_key_of_the_home_is_searched_for(home: Home, tmp_path: Path) -> None:
    signer = LocalSigner(home)
    signer.sign_wacz(b"x")
    package = tmp_path / "package"
    package.mkdir()
    keys = [path for path in (home.path / "keys").rglob("*") if path.suffix in (".key", ".age-key")]
    assert {path.name for path in keys} >= {"ledger.key", "person.key", "wacz.key", "inbox.age-key", "copies.age-key"}
    for path in keys:
        secret = max((line for line in path.read_bytes().splitlines() if line[:1] not in (b"#", b"-")), key=len)
        (package / path.name).write_bytes(b"before " + secret + b" after")
    found = signer.find_secrets(package, {b"a word": "ours", b"short": "too short to be told"})
    assert {leak.file for leak in found.leaks} == {path.name for path in keys}
    assert found.too_short == 1


def test_the_author_is_the_home_s_own_the_one_named_or_the_environment_s(home: Home) -> None:
    LocalSigner(home).keyring.new_person("R-2", "reviewer", None)
    assert (LocalSigner(home).author.pseudonym, LocalSigner(home).author.role) == ("tester", "collector")
    assert (LocalSigner(home, "R-2").author.pseudonym, LocalSigner(home, "R-2").author.role) == ("R-2", "reviewer")
    by_environment = LocalSigner(Home(home.path, environment={"ARCHIVER_AS": "R-2"}))
    assert by_environment.author == LocalSigner(home, "R-2").author
    with pytest.raises(NotFound):
        _ = LocalSigner(home, "nobody").author


def test_what_a_capture_withholds_is_opened_whatever_else_lies_among_the_keys(home: Home, tmp_path: Path) -> None:
    identity = Identity(
        "20261129T130000-abcdefgh", "run", 1, "https://example.org/", bytes(32), {"name": "test", "version": "0"}, True
    )
    folder = tmp_path / "capture"
    writer = CaptureWriter(folder, identity, home.recipients(["inbox"]), home.clock, time.monotonic)
    writer.withhold([("request", "cookie", b"a value kept from view")])
    writer.close("captured", None)
    writer.release()
    decryptor = LocalDecryptor(home.path)
    (home.path / "keys" / "cases" / "broken.age-key").write_text("AGE-SECRET-KEY-1NONE")
    assert list(decryptor.withheld(folder)) == [WithheldValue("cookie", b"a value kept from view")]
    for path in (home.path / "keys" / "cases").glob("*"):
        path.unlink()
    assert not list(LocalDecryptor(home.path).withheld(folder))
