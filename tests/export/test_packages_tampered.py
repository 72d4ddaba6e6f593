"""Tampered packages, one defect each. Both checkers must refuse all of them, with the right class, and agree.

`outside` defects are made by somebody without keys. `inside` ones are signed anew with the true key afterwards: what finds
them lies deeper than the bag.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any, cast

import pytest

from archiver.checks import stamps
from archiver.checks.package import PackageReport, check_ours, timestamps
from archiver.cli.main import main
from archiver.demo.server import Answer
from archiver.export import check as script
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.seal.sealing import seal
from archiver.signer.local import LocalSigner
from archiver.version import software
from storage.assembly import URI as ASSEMBLY
from storage.assembly import Assembly, Piece
from storage.capture import CaptureWriter, Identity
from storage.digest import sha256_hex
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, sign
from tests.conftest import Shell, World, plain_home
from tests.support.checking import without_prints
from tests.support.packages import PackagedCase, both, sign_package, write_manifests
from tests.support.signing import ledger_signer
from tests.support.tampering import INSIDE, OUTSIDE, tables
from tests.support.tampering.ledger import handed_to_a_thief, leaves_of, signer_of
from tests.support.tampering.outsider import forged
from tests.support.tampering.scene import CANNOT_TELL, TAMPERED, Entry, Scene, scene_of


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[PackagedCase]:
    made = PackagedCase(tmp_path_factory.mktemp("case"), world)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(case: PackagedCase) -> Path:
    with without_prints():
        return case.export("full", case.folder / "full")


@pytest.fixture(scope="module")
def partner(case: PackagedCase) -> Path:
    with without_prints():
        return case.export("partner", case.folder / "partner")


@pytest.fixture(scope="module")
def public(case: PackagedCase) -> Path:
    with without_prints():
        return case.export("public", case.folder / "public")


def test_the_honest_package_is_accepted(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    code, said = both(full, case.fingerprint)
    assert code == 0, said
    assert both(full, None)[0] == CANNOT_TELL
    given = tmp_path / "given"
    given.write_bytes(case.given)
    code, said = both(full, case.fingerprint, given)
    assert code == 0, said
    assert "continues the checkpoint" in said


def test_the_key_that_counsel_got_before_the_rotation_still_counts(case: PackagedCase, full: Path) -> None:
    from archiver.home.people import fingerprint, key_words

    old = fingerprint(case.old_key)
    code, said = both(full, old)
    assert code == 0, said
    assert "handed over" in said
    assert both(full, " ".join(key_words(old)))[0] == 0
    assert both(full, "0" * 64)[0] == TAMPERED


def test_openssl_is_asked_once_about_each_certificate(
    case: PackagedCase, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every token of an authority carries the same ones, and each question is a process."""
    asked: list[str] = []

    def counting(true_run: Callable[..., Any]) -> Callable[..., Any]:
        def run(command: list[str], **given: Any) -> Any:
            asked.append(command[1])
            return true_run(command, **given)

        return run

    monkeypatch.setattr(subprocess, "run", counting(subprocess.run))
    monkeypatch.setattr(stamps, "run", counting(stamps.run))
    for remembered in (stamps._end, script.openssl):
        remembered.cache_clear()
    assert check_ours(full, case.fingerprint, None).code == 0
    of_the_program = asked.count("x509")
    script.Check(str(full), case.fingerprint, None, 0, time.time(), []).run()
    tokens, authorities = len(list(full.glob("proofs/timestamps/*/*.tsr"))), 2
    assert tokens > authorities
    for count in (of_the_program, asked.count("x509") - of_the_program):
        assert count == authorities * 2, "the ends of the root and of what it signed"


def test_a_home_whose_timestamps_nobody_could_check(
    case: PackagedCase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are there: to say that there are none would be more than is known."""

    def absent() -> str:
        raise stamps.NoOpenssl("openssl is not installed")

    monkeypatch.setattr(stamps, "_program", absent)
    capsys.readouterr()
    assert case.run("check") == CANNOT_TELL
    out = capsys.readouterr().out
    assert out.rstrip().endswith("timestamps NOT CHECKED")
    assert "its timestamps were NOT CHECKED" in out
    assert "NOT TIMESTAMPED" not in out


def test_a_retired_key_where_no_stamp_could_be_checked(
    case: PackagedCase, partner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise stamps.NoOpenssl("openssl is not installed")

    def none() -> None:
        raise script.CannotTell("openssl is not installed")

    monkeypatch.setattr(timestamps, "usable_openssl", absent)
    monkeypatch.setattr(script, "usable_openssl", none)
    code, said = both(partner, fingerprint(case.old_key))
    assert code == CANNOT_TELL, said
    assert said.count("Whether an outsider saw its hand-over to the key that signed was not checked") == 2
    assert said.count("its timestamps were NOT CHECKED") == 4
    assert "no outsider saw" not in said


def test_what_the_insider_s_tools_make_is_accepted_without_a_defect(
    case: PackagedCase, full: Path, tmp_path: Path
) -> None:
    """Else the tests below would find their tools, not the defects."""
    scene = scene_of(full, case, tmp_path)
    case.rewrite_wacz(scene.package, lambda entries: None)
    for name in ("posts", "files", "not-kept", "custody", "annotations", "withheld"):
        tables.rewritten(scene, name, lambda lines: None)
    case.reseal(scene.package)
    code, said = both(scene.package, case.fingerprint)
    assert code == 0, said


def found(entry: Entry, scene: Scene) -> None:
    code, said = both(scene.package, scene.wanted or None, scene.older, *scene.roots)
    assert code == entry.code, said
    assert said.count(entry.words) >= 2, f"both say {entry.words!r}:\n{said}"
    assert not re.search(r"\(\w+Error", said), said  # found by a rule, not by stumbling


@pytest.mark.parametrize("name", list(OUTSIDE))
def test_tampered_without_the_keys(
    name: str, case: PackagedCase, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    entry = OUTSIDE[name]
    scene = scene_of(request.getfixturevalue(entry.profile), case, tmp_path)
    entry.defect(scene)
    found(entry, scene)


@pytest.mark.parametrize("name", list(INSIDE))
def test_tampered_and_signed_anew(
    name: str, case: PackagedCase, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    entry = INSIDE[name]
    scene = scene_of(request.getfixturevalue(entry.profile), case, tmp_path)
    entry.defect(scene)
    case.reseal(scene.package)
    found(entry, scene)


def test_a_thief_of_a_retired_key_hands_it_over(case: PackagedCase, partner: Path, tmp_path: Path) -> None:
    """The old fingerprint still counts only where an outsider saw the hand-over: a thief can make one today."""
    scene = scene_of(partner, case, tmp_path)
    handed_to_a_thief(scene)
    code, said = both(scene.package, scene.wanted)
    assert code == CANNOT_TELL, said
    assert said.count("no outsider saw its hand-over") == 2


def test_a_forger_s_package_is_never_called_intact(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    """Consistent with itself: only the fingerprint tells. So without one the answer is never 0."""
    scene = scene_of(full, case, tmp_path)
    forged(scene)
    code, said = both(scene.package, None)
    assert code == CANNOT_TELL, said
    assert "signer unconfirmed" in said


def test_a_fork_is_found_with_the_checkpoint_that_counsel_kept(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    scene = scene_of(full, case, tmp_path)
    given = tmp_path / "given"
    signer = signer_of(scene)
    leaves = [leaf_hash(bytes([n])) for n in range(3)]
    given.write_text(sign(Checkpoint(signer.name, 3, root_of(leaves)).text(), signer))
    code, said = both(full, case.fingerprint, given)
    assert code == TAMPERED
    assert "another history" in said
    many = [*leaves_of(scene), leaf_hash(b"later")]
    given.write_text(sign(Checkpoint(signer.name, len(many), root_of(many)).text(), signer))
    assert both(full, case.fingerprint, given)[0] == CANNOT_TELL


# -- sealed as it should not be ---------------------------------------------------------------------------


def sealed_with(folder: Path, write: Callable[[CaptureWriter], None]) -> tuple[Path, str]:
    """A full package of a home whose one capture was written and sealed by a hand that holds all keys."""
    home = plain_home(folder / "home")
    moment = home.clock()
    capture_id = home.new_capture_id(moment)
    place, url = home.capture_folder(capture_id), "https://example.org/"
    home.state.capture_opened(capture_id, str(place), capture_id[:15], ["inbox"])
    identity = Identity(capture_id, capture_id, 1, url, bytes(32), software(), test_routes=True)
    writer = CaptureWriter(home.path / place, identity, home.recipients(["inbox"]), home.clock, monotonic)
    target = {"kind": "target", "url": url, "platform": "page", "target_kind": "page", "id": url}
    writer.inventory({**target, "target_salt": bytes(32).hex()})
    write(writer)
    writer.close("captured", None)
    seal(home, LocalSigner(home), place, ["inbox"])
    writer.release()
    with without_prints(), pytest.MonkeyPatch.context() as patch:  # such a hand has no use for the exporter's own check
        patch.setattr("archiver.export.report.contents.check_capture", lambda *given: [])
        patch.setattr("archiver.export.make.check_package", lambda *given: PackageReport())
        words = ["--profile", "full", "--no-encrypt", "--yes", "--to", str(folder), "--name", "p"]
        assert main(["--home", str(home.path), "export", "inbox", *words], None, {}) == 0
    return folder / "p", fingerprint(home.ledger_key_text())


def a_page(writer: CaptureWriter) -> None:
    writer.resource("https://example.org/", "text/html", b"<p>seen</p>")


def a_revisit_without_its_original(writer: CaptureWriter) -> None:
    refers = [("WARC-Refers-To", "<urn:uuid:00000000-0000-4000-8000-000000000000>")]
    profile = [("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest")]
    writer.resource("https://example.org/", "text/html", b"", record_type="revisit", fields=[*refers, *profile])


def an_assembly_that_does_not_assemble(writer: CaptureWriter) -> None:
    parts = [writer.resource(f"https://example.org/{n}", "video/mp4", bytes([n]) * 50) for n in range(2)]
    pieces = tuple(Piece(part.record_id, 0, 50) for part in parts)
    whole = Assembly("film.mp4", "video/mp4", 100, sha256_hex(b"another film"), pieces)
    writer.resource(f"{ASSEMBLY}{whole.sha256}", "application/json", whole.block(), record_type="metadata")


def an_answer_that_refers_to_nothing(writer: CaptureWriter) -> None:
    other = [("WARC-Concurrent-To", "<urn:uuid:00000000-0000-4000-8000-000000000000>")]
    writer.resource("https://example.org/", "text/html", b"<p>seen</p>", fields=other)


def an_outcome_of_nothing(writer: CaptureWriter) -> None:
    writer.inventory({"key": "post 7", "kind": "post", "outcome": "captured", "reason": None})


def a_file_under_a_second_target_that_was_received(writer: CaptureWriter) -> None:
    """No archiver writes two; both checkers take it as docs/reference/formats.md says, and agree."""
    whole = {"kind": "target", "url": "https://example.org/", "platform": "received", "target_kind": "page", "id": "x"}
    writer.inventory({**whole, "target_salt": bytes(32).hex()})
    record = writer.resource("https://example.org/file", "text/plain", b"seen")
    writer.inventory({"state": "discovered", "key": "file 1", "kind": "file"})
    ended = {"key": "file 1", "kind": "file", "outcome": "captured", "reason": None}
    writer.inventory({**ended, "record": record.record_id})


@pytest.mark.damages
@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (a_page, 0),
        (a_file_under_a_second_target_that_was_received, TAMPERED),
        (a_revisit_without_its_original, TAMPERED),
        (an_assembly_that_does_not_assemble, TAMPERED),
        (an_answer_that_refers_to_nothing, TAMPERED),
        (an_outcome_of_nothing, TAMPERED),
    ],
)
def test_sealed_as_it_should_not_be(write: Callable[[CaptureWriter], None], expected: int, tmp_path: Path) -> None:
    package, wanted = sealed_with(tmp_path, write)
    code, said = both(package, wanted)
    assert code == expected, said


def test_a_guess_stays_one(shell: Shell, world: World, tmp_path: Path) -> None:
    """What the program guessed is in the table as a guess, and told as a statement it is found."""
    words = "<p>" + "Witnesses said that people ran from the square towards the school. " * 8 + "</p>"
    world.news.trouble["/guess"] = Answer(
        body=f"<html><title>A report</title><body><div>{words}</div></body></html>".encode()
    )
    shell("case", "new", "almaty")
    shell("capture", "https://blog.ozen.example/guess", "--no-screenshot", "--case", "almaty")
    with without_prints():
        assert shell("export", "almaty", "--to", str(tmp_path), "--profile", "full", "--no-encrypt", "--yes")[0] == 0
    [package] = [path for path in tmp_path.iterdir() if (path / "bag-info.txt").exists()]
    assert both(package, None)[0] == CANNOT_TELL
    scene = Scene(package, cast("PackagedCase", None), tmp_path)

    def change(lines: list[Any]) -> None:
        [line] = lines
        assert not line["post"].get("text")
        assert "Witnesses" in line["post"]["guessed"]["text"]
        line["post"]["text"] = line["post"]["guessed"].pop("text")

    tables.rewritten(scene, "posts", change)
    write_manifests(package)
    sign_package(package, ledger_signer(Home(shell.home, environment={})))
    code, said = both(package, None)
    assert code == TAMPERED, said
    assert said.count("data/tables/posts.jsonl line 1 says something else than was sealed") == 2


def test_at_least_three_hundred() -> None:
    assert len(OUTSIDE) + len(INSIDE) >= 300
