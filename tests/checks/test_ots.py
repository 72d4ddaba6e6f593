"""Proofs of OpenTimestamps: read, refused, or said not to be computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.checks.ots import BITCOIN, MAGIC, PENDING, Uncomputed, read_ots
from archiver.checks.package.timestamps import _calendar
from archiver.checks.proofs import Bad
from archiver.checks.stamps import _ots
from storage.digest import sha256

MESSAGE = b"a checkpoint"
HEAD = MAGIC + b"\x08" + sha256(MESSAGE)
BLOCK = b"\x00" + BITCOIN + b"\x03" + b"\xe0\xf5\x2c"
PROMISE = b"\x00" + PENDING + b"\x0a\x09https://a"
LITECOIN = b"\x00" + bytes.fromhex("06869a0d73d71b45") + b"\x01\x07"


def test_operations_that_are_computed() -> None:
    [said] = read_ots(HEAD + b"\xf2\xf3\x02\x08\xf0\x01x\xf1\x01y" + BLOCK, sha256(MESSAGE))
    assert (said.kind, said.where) == ("bitcoin", "735968")
    assert said.message.startswith(b"y")
    assert said.message.endswith(b"x")
    [said] = read_ots(HEAD + b"\xf2\xf3" + BLOCK, sha256(MESSAGE))
    assert said.message == sha256(MESSAGE)[::-1].hex().encode()


@pytest.mark.parametrize(("operation", "named"), [(b"\x03", "RIPEMD-160"), (b"\x67", "Keccak-256"), (b"\x77", "0x77")])
def test_an_operation_that_is_not_computed_is_no_damage(tmp_path: Path, operation: bytes, named: str) -> None:
    proof = HEAD + operation + BLOCK
    with pytest.raises(Uncomputed, match=named):
        read_ots(proof, sha256(MESSAGE))
    (tmp_path / "a.ots").write_bytes(proof)
    for line in (_ots(7, tmp_path / "a.ots", MESSAGE), _calendar("stamp 7", proof, MESSAGE)):
        assert (line.finding, named in line.detail) == ("cannot tell", True)


@pytest.mark.parametrize(
    ("proof", "finding", "said"),
    [
        (HEAD + BLOCK, "note", "Bitcoin block 735968"),
        (HEAD + PROMISE, "note", "proves nothing"),
        (HEAD + b"\xff" + LITECOIN + PROMISE, "note", "proves nothing"),
        (HEAD + LITECOIN, "cannot tell", "06869a0d73d71b45, which is not known here"),
    ],
)
def test_who_attests(tmp_path: Path, proof: bytes, finding: str, said: str) -> None:
    (tmp_path / "a.ots").write_bytes(proof)
    for line in (_ots(7, tmp_path / "a.ots", MESSAGE), _calendar("stamp 7", proof, MESSAGE)):
        assert (line.finding, said in line.detail) == (finding, True), line.text()


@pytest.mark.parametrize("proof", [HEAD, HEAD + b"\xf0\xff\xff\xff", HEAD + BLOCK + b"x", b"", HEAD + b"\x08" * 300])
def test_a_proof_that_is_none(tmp_path: Path, proof: bytes) -> None:
    with pytest.raises(Bad):
        read_ots(proof, sha256(MESSAGE))
    (tmp_path / "a.ots").write_bytes(proof)
    assert _ots(7, tmp_path / "a.ots", MESSAGE).finding == "DAMAGED"
