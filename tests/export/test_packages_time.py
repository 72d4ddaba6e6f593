"""Time in packages: certificates that have ended, renewals, blocks. What a reader sees in twenty years."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.checks.package import check_ours, timestamps
from archiver.checks.package.report import in_columns
from archiver.checks.stamps import CheckedToken
from archiver.cli.main import main
from archiver.demo.authorities import MiniAuthority
from archiver.export import check as script
from archiver.export.released import released
from archiver.home.home import Home
from archiver.home.people import fingerprint
from storage.times import system_clock
from tests.conftest import plain_home
from tests.support.checking import by_script_here, remembering, without_prints
from tests.support.outsiders import Outsiders
from tests.support.packages import both, edit_json, said_by, sign_package, write_manifests
from tests.support.signing import ledger_signer

ENDING = timedelta(minutes=6)
"""How long the certificate of the authority `short` lasts."""
LATER = timedelta(minutes=4, seconds=10)
"""After this it is renewed, and no clock is so wrong that a stamp could not cover what was done by it."""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> MiniAuthority:
    return MiniAuthority(tmp_path_factory.mktemp("authorities") / "long")


@pytest.fixture
def outside(tmp_path: Path, lasting: MiniAuthority) -> Iterator[Outsiders]:
    """A home with a case of one received file, an authority whose certificate ends soon, one that lasts, a calendar."""
    home = plain_home(tmp_path / "home")
    made = Outsiders(tmp_path / "outside", home)
    made.add("short", MiniAuthority(tmp_path / "short", days=ENDING / timedelta(days=1), began=system_clock()))
    made.add("long", lasting)
    (tmp_path / "note.txt").write_text("seen from the window")
    run(home, "case", "new", "square")
    run(home, "receive", str(tmp_path / "note.txt"), "--from", "S-1", "--via", "usb", "--case", "square")
    yield made
    made.stop()


def run(home: Home, *words: str) -> None:
    assert main(["--home", str(home.path), *words], None, {}) == 0


def exported(outside: Outsiders, to: Path, *words: str, profile: str = "full") -> Path:
    plain = ["--no-encrypt"] if profile == "full" else []
    more = ["--to", str(to), "--profile", profile, "--name", "p", "--yes", *plain, *words]
    with without_prints():
        run(outside.home, "export", "square", *more)
    return to / "p"


def said(outside: Outsiders, package: Path, on: datetime | None = None) -> tuple[int, str]:
    """The exit code on which both checkers agree, and the lines about stamps whose certificates ended, of both."""
    wanted = fingerprint(outside.home.ledger_key_text())
    day = (on or system_clock()).replace(hour=0, minute=0, second=0, microsecond=0)
    code, out = by_script_here(package, "--fingerprint", wanted, "--on", f"{day:%Y-%m-%d}")
    with remembering():
        report = check_ours(package, wanted, None, day, released=released())
    mine = [in_columns(line) for line in report.lines]
    assert [*mine, "", report.verdict] == out.splitlines(), "both say the same, word by word"
    assert code == report.code
    return code, out


def test_a_stamp_whose_certificate_ended_and_that_was_renewed(outside: Outsiders, tmp_path: Path) -> None:
    network = outside.serve("http")
    start = system_clock()
    outside.round(network)
    before = exported(outside, tmp_path / "before")
    outside.home.clock = lambda: start + LATER
    assert outside.round(network).renewed == 1
    after = exported(outside, tmp_path / "after")
    for package in (before, after):
        assert said(outside, package)[0] == 0
        assert "certificates ended" not in said(outside, package)[1]
    in_a_year = start + timedelta(days=365)
    code, text = said(outside, before, in_a_year)
    assert code == 0
    assert "nothing here shows that it was renewed before" in text
    code, text = said(outside, after, in_a_year)
    assert code == 0
    assert "renewed before, " in text
    # Asked for by its checkpoint, the package of before can be made again: the same bytes.
    size = json.loads((before / "data" / "package.json").read_bytes())["checkpoint"]["size"]
    again = exported(outside, tmp_path / "again", "--checkpoint", str(size))
    assert (again / "tagmanifest-sha256.txt").read_bytes() == (before / "tagmanifest-sha256.txt").read_bytes()
    # Packages for others bring the later stamps; the event with the collector's name stays in the house.
    partner = exported(outside, tmp_path / "partner", profile="partner")
    assert not (partner / "data" / "events").exists()
    assert said(outside, partner, in_a_year)[0] == 0


def test_a_stamp_under_a_root_that_nobody_named(outside: Outsiders, tmp_path: Path) -> None:
    """Who checks can say which roots count: an authority of the makers' own is then worth nothing."""
    outside.round(outside.serve("http"))
    package = exported(outside, tmp_path / "p")
    wanted = fingerprint(outside.home.ledger_key_text())
    short, long = (authority.fingerprint for _, authority in outside.authorities)
    as_openssl = "sha256 Fingerprint=" + ":".join(re.findall("..", long.upper()))
    no_root = ("time by roots that came with the package",)
    for named, code, beside in (
        ((short, as_openssl), 0, ()), ((short.upper(),), 6, ()), (("0" * 64,), 6, ("NOT TIMESTAMPED under a root that you named",)), ((), 0, no_root),
    ):  # fmt: skip
        found, said = both(package, wanted, None, *named)
        assert found == code, said
        expected = ["profile full", *beside]
        assert said.rpartition("\n")[2].split("; ")[1:] == expected, said
        assert said.count("intact       time  ") == (2 if (named and code == 0) or named == (short.upper(),) else 0)


@pytest.mark.parametrize(
    ("moved", "words"),
    [(timedelta(days=-3000), "before event"), (timedelta(days=3000), "which is still to come")],
)
def test_a_time_that_cannot_be(
    outside: Outsiders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: timedelta, words: str
) -> None:
    """Before what it covers, or still to come: a clock is wrong, and nobody can tell here whose."""
    outside.round(outside.serve("http"))
    package = exported(outside, tmp_path / "p")
    true_time, true_token = script.token_time, timestamps.check_token

    def token_time(*given: Any) -> tuple[int, str]:
        seconds, root = true_time(*given)
        return seconds + int(moved.total_seconds()), root

    def check_token(*given: bytes) -> CheckedToken:
        token = true_token(*given)
        return replace(token, time=token.time + moved)

    monkeypatch.setattr(script, "token_time", token_time)
    monkeypatch.setattr(timestamps, "check_token", check_token)
    code, said = both(package, fingerprint(outside.home.ledger_key_text()))
    assert code == 6, said
    assert said.count(words) == 4  # two authorities, by both checkers
    assert said.endswith("CANNOT TELL: see the lines above; profile full; NOT TIMESTAMPED by any stamp that counts")


def _der(tag: int, data: bytes) -> bytes:
    size = bytes([len(data)]) if len(data) < 128 else bytes([0x82]) + len(data).to_bytes(2, "big")
    return bytes([tag]) + size + data


def _with_words(answer: bytes, words: str) -> bytes:
    """An answer of an authority with other words in its status, which stands before the token (RFC 3161 2.4.2)."""
    inside = answer[4:] if answer[1] == 0x82 else answer[3:]
    token = inside[2 + inside[1] :]
    return _der(0x30, _der(0x30, b"\x02\x01\x00" + _der(0x30, _der(0x0C, words.encode()))) + token)


def test_words_before_a_token_are_not_its_time(outside: Outsiders, tmp_path: Path) -> None:
    """The status of an answer is under no signature. Written there as openssl writes a time, another one would be read.

    The token is an authority's own, so a root that was named does not help.
    """
    outside.round(outside.serve("http"))
    package = exported(outside, tmp_path / "p")
    code, before = said(outside, package)
    times = re.findall(r"existed at (\S+);", before)
    for path in package.glob("proofs/timestamps/*/*.tsr"):
        earlier = datetime.fromisoformat(times[0]) - timedelta(seconds=20)
        words = f"x\nTime stamp: {earlier:%b %d %H:%M:%S %Y} GMT\nStatus: Granted."
        path.write_bytes(_with_words(path.read_bytes(), words))
    write_manifests(package)
    sign_package(package, ledger_signer(outside.home))
    assert (code, re.findall(r"existed at (\S+);", said(outside, package)[1])) == (0, times)


def test_a_renewal_that_came_too_late(
    outside: Outsiders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The later stamp states a time after the certificates of the first had ended: both checkers say so."""
    network = outside.serve("http")
    start = system_clock()
    first = outside.round(network).size
    outside.home.clock = lambda: start + LATER
    outside.round(network)
    package = exported(outside, tmp_path / "p")
    true_time, true_token = script.token_time, timestamps.check_token

    def late_time(folder: Path, names: set[str], stem: str, note: bytes) -> tuple[int, str]:
        seconds, root = true_time(folder, names, stem, note)
        return seconds + (0 if f"/{first}/" in stem else 40 * 86_400), root

    def late_token(message: bytes, *given: bytes) -> CheckedToken:
        token = true_token(message, *given)
        return token if f"\n{first}\n".encode() in message else replace(token, time=token.time + timedelta(days=40))

    monkeypatch.setattr(script, "token_time", late_time)
    monkeypatch.setattr(timestamps, "check_token", late_token)
    capsys.readouterr()
    later = start + timedelta(days=365)
    script.Check(str(package), None, None, later.timestamp(), later.timestamp(), []).run()
    report = check_ours(package, None, None, later)
    text = capsys.readouterr().out + "\n".join(map(in_columns, report.lines))
    assert (
        text.count("nothing here shows that it was renewed before") == 4
    )  # the first and the second of `short`, by both
    assert "renewed before, " not in text


def test_a_renewal_that_was_changed(outside: Outsiders, tmp_path: Path) -> None:
    network = outside.serve("http")
    start = system_clock()
    outside.round(network)
    outside.home.clock = lambda: start + LATER
    outside.round(network)
    package = exported(outside, tmp_path / "p")
    renewed = next(
        path
        for path in (package / "data" / "events").iterdir()
        if json.loads(path.read_bytes())["event"]["type"] == "renewed"
    )
    edit_json(renewed, lambda value: value["event"]["detail"]["tokens"][0]["token"].update(sha256="0" * 64))
    write_manifests(package)
    sign_package(package, ledger_signer(outside.home))
    assert said(outside, package, start + timedelta(days=365))[0] == 5


def test_a_proof_that_names_a_block(outside: Outsiders, tmp_path: Path) -> None:
    network = outside.serve("http")
    outside.round(network)
    assert "pending: proves nothing yet" in said(outside, exported(outside, tmp_path / "owed"))[1]
    outside.calendar.mine(920_000)
    outside.round(network)
    package = exported(outside, tmp_path / "done")
    code, text = said(outside, package)
    assert code == 0
    assert "OpenTimestamps, names Bitcoin block 920000" in text
    proof = next(package.glob("proofs/timestamps/*/opentimestamps.ots"))
    assert "BitcoinBlockHeaderAttestation(920000)" in said_by("ots", "info", proof)


def test_days_that_are_none(outside: Outsiders, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = exported(outside, tmp_path)
    assert main(["--home", str(outside.home.path), "check", str(package), "--on", "tomorrow"], None, {}) == 1
    assert "--on YYYY-MM-DD" in capsys.readouterr().err
    script = [Path(__file__).parents[2] / "archiver" / "export" / "check.py", package]
    for words in (["--on", "tomorrow"], ["--checkpoint", str(tmp_path / "none")], ["--what"]):
        done = subprocess.run(["python3", "-I", *script, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 6  # not 2: nothing is missing from the package
        assert "Traceback" not in done.stderr
