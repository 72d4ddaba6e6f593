"""Proofs of OpenTimestamps: read, refused, or said not to be computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.checks.lines import Line
from archiver.checks.ots import BITCOIN, MAGIC, PENDING, Uncomputed, read_ots
from archiver.checks.package.files import PackageFiles
from archiver.checks.package.run import run
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


def lines_about(folder: Path, proof: bytes) -> list[Line]:
    """What the checks of a home and of a package say of a proof."""
    path = folder / "proofs" / "timestamps" / "7" / "opentimestamps.ots"
    path.parent.mkdir(parents=True)
    path.write_bytes(proof)
    files = PackageFiles(folder)
    run(files, "stamp", _calendar, 7, MESSAGE)
    return [_ots(7, path, MESSAGE), *files.report.lines]


@pytest.mark.parametrize(("operation", "named"), [(b"\x03", "RIPEMD-160"), (b"\x67", "Keccak-256")])
def test_an_operation_that_is_not_computed_is_no_damage(tmp_path: Path, operation: bytes, named: str) -> None:
    proof = HEAD + operation + BLOCK
    with pytest.raises(Uncomputed, match=named):
        read_ots(proof, sha256(MESSAGE))
    lines = lines_about(tmp_path, proof)
    assert [(line.finding, named in line.detail) for line in lines] == [("cannot tell", True)] * 2


@pytest.mark.parametrize(
    ("proof", "finding", "said"),
    [
        (HEAD + BLOCK, "note", "Bitcoin block 735968"),
        (HEAD + PROMISE, "note", "proves nothing"),
        (HEAD + b"\xff" + LITECOIN + PROMISE, "note", "proves nothing"),
        (HEAD + LITECOIN, "cannot tell", "known here"),
    ],
)
def test_who_attests(tmp_path: Path, proof: bytes, finding: str, said: str) -> None:
    lines = lines_about(tmp_path, proof)
    assert [(line.finding, said in line.detail) for line in lines] == [(finding, True)] * 2, lines


@pytest.mark.parametrize(
    "proof", [HEAD, HEAD + b"\x77" + BLOCK, HEAD + b"\xf0\xff\xff\xff", HEAD + BLOCK + b"x", b"", HEAD + b"\x08" * 300]
)
def test_a_proof_that_is_none(tmp_path: Path, proof: bytes) -> None:
    with pytest.raises(Bad):
        read_ots(proof, sha256(MESSAGE))
    assert [line.finding for line in lines_about(tmp_path, proof)] == ["DAMAGED", "TAMPERED"]
