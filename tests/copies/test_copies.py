"""Copies of what was sealed: to folders and to S3, and an empty home out of them alone."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from archiver.home.log import HomeLog
from storage.digest import sha256_hex
from tests.support.copied import At, bodies, lines
from tests.support.places import FILM, WORDS, Kept, add_place, client, evidence, new_bucket

# -- the way there and back ------------------------------------------------------------------------------


def test_an_empty_home_out_of_the_copies_alone(
    kept: Kept, every: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    shutil.rmtree(kept.home)
    new = tmp_path / "new"
    words = [*every.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(new), *words], None, {}) == 0
    assert evidence(new) == before
    assert main(["--home", str(new), "check"], None, {}) == 0
    capsys.readouterr()
    assert main(["--home", str(new), "find", "note"], None, {}) == 0
    assert "a note about it" in capsys.readouterr().out
    # And it goes on: a new capture, and the next round.
    assert (
        main(["--home", str(new), "receive", str(kept.folder / "words.txt"), "--from", "S-2", "--via", "usb"], None, {})
        == 0
    )
    assert main(["--home", str(new), "sync"], None, {}) == 0
    assert main(["--home", str(new), "fixity"], None, {}) == 0


def test_the_backlog_is_derived(kept: Kept, at: At, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("--json", "sync", "--status") == 2
    assert lines(capsys)[-1]["waiting"] == 2
    assert kept.run("--json", "sync") == 0
    assert lines(capsys)[-1]["copied"] == 2
    there = at.objects()
    for name in ("state.sqlite", "catalog.sqlite"):
        (kept.home / name).unlink(missing_ok=True)
    shutil.rmtree(kept.home / "outgoing")
    assert kept.run("--json", "sync") == 0
    assert lines(capsys)[-1] == {
        **lines_of_nothing_new(at),
        "destination": "archive",
    }
    again = at.objects()
    assert {key: again[key] for key in there} == there
    assert kept.run("--json", "sync", "--status") == 0
    (event,) = bodies(kept.home, "replicated")
    assert [one["capture"] for one in event["detail"]["captures"]] == kept.captures


def lines_of_nothing_new(at: At) -> dict[str, Any]:
    weak = [] if at.url else ["knows no locks"]
    if at.url:
        weak = ["does not check SHA-256, so archiver reads everything back"]
    return {
        "copied": 0, "bytes": 0, "read_back": 0, "locked": 0, "waiting": 0, "quarantined": 0, "weak": weak,
        "encrypted": not at.own, "troubles": [],
    }  # fmt: skip


def test_a_provider_learns_nothing(kept: Kept, bucket: At) -> None:
    """No words, no ids, no digests, no names: not in keys, not in bytes, not in metadata."""
    assert kept.run("case", "new", "almaty") == 0
    assert kept.run("case", "add", "almaty", kept.captures[0]) == 0
    assert kept.run("sync") == 0
    manifests = [json.loads(path.read_bytes()) for path in (kept.home / "captures").rglob("manifest.json")]
    secrets = [
        WORDS.encode(),
        FILM[:64],
        b"almaty",
        b"tester",
        b"note about",
        b"WARC/1.1",
        b"manifest.json",
        b"captured",
    ]
    secrets += [capture.encode() for capture in kept.captures] + [Home(kept.home).ledger_key_text().encode()]
    for manifest in manifests:
        secrets += [entry["sha256"].encode() for entry in manifest["files"]]
        secrets += [bytes.fromhex(entry["sha256"]) for entry in manifest["files"]]
    for path in (kept.home / "captures").rglob("manifest.json"):
        secrets.append(sha256_hex(path.read_bytes()).encode())
    s3 = client(bucket.url)
    for key, data in bucket.objects().items():
        assert data.startswith(b"age-encryption.org/v1"), key
        said = json.dumps(s3.head_object(Bucket=bucket.bucket, Key=key), default=str).encode()
        for secret in secrets:
            assert secret not in data, key
            assert secret not in key.encode()
            assert secret not in said


def test_standard_tools_open_a_copy(kept: Kept, disk: At, tmp_path: Path) -> None:
    """`age -d` with the recovery key, then with what it brought, and `tar`: no program of ours."""
    import subprocess

    from tests.conftest import need

    age, tar = need("age"), need("tar")
    assert kept.run("sync") == 0
    (ring,) = (key for key in disk.objects() if "/keyring/" in key)
    keyring = tmp_path / "keyring.tar"
    recovery = str(kept.folder / "recovery.age-key")
    subprocess.run([age, "-d", "-i", recovery, "-o", str(keyring), str(Path(disk.where) / ring)], check=True)
    subprocess.run([tar, "xf", str(keyring), "-C", str(tmp_path)], check=True)
    own = tmp_path / "keys" / "copies.age-key"
    for key in disk.objects():
        if "/key/" in key:
            subprocess.run(
                [age, "-d", "-i", str(own), "-o", str(tmp_path / "capture.key"), str(Path(disk.where) / key)],
                check=True,
            )
            break
    opened = 0
    for key in disk.objects():
        if "/capture/" in key:
            command = [
                age,
                "-d",
                "-i",
                str(tmp_path / "capture.key"),
                "-o",
                str(tmp_path / "pack.tar"),
                str(Path(disk.where) / key),
            ]
            if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                listed = subprocess.run(
                    [tar, "tf", str(tmp_path / "pack.tar")], check=True, capture_output=True, text=True
                )
                assert listed.stdout.splitlines()[0] == "manifest.json"
                opened += 1
    assert opened == 1, "each capture has a key of its own"


def test_two_places_each_get_everything(kept: Kept, disk: At, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = new_bucket(s3)
    add_place(kept.home, "cloud", f"s3://{name}", False, s3)
    assert kept.run("--json", "sync") == 0
    assert [(one["destination"], one["copied"]) for one in lines(capsys)] == [("archive", 2), ("cloud", 2)]
    assert kept.run("show", kept.captures[0]) == 0
    assert "archive since" in (shown := capsys.readouterr().out)
    assert "cloud since" in shown


def test_copies_follow_captures_where_the_settings_say_so(
    kept: Kept, disk: At, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept.home / "archiver.toml"
    path.write_text(path.read_text("utf-8").replace("after_captures = false", "after_captures = true"), "utf-8")
    assert kept.run("receive", str(kept.folder / "words.txt"), "--from", "S-2", "--via", "usb") == 0
    assert "copied to archive: 3 captures" in capsys.readouterr().out
    shutil.rmtree(disk.where)
    assert kept.run("receive", str(kept.folder / "words.txt"), "--from", "S-2", "--via", "usb") == 0, (
        "the capture is kept"
    )
    assert "not copied to archive" in capsys.readouterr().err


# -- two histories ---------------------------------------------------------------------------------------


def test_a_fork_stops_the_sync(kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("sync") == 0
    other = tmp_path / "other"
    shutil.copytree(kept.home, other, ignore=shutil.ignore_patterns("*.sqlite*"))
    for name, home in (("a", kept.home), ("b", other)):
        assert main(["--home", str(home), "note", kept.captures[0], f"only in {name}"], None, {}) == 0
    assert kept.run("sync") == 0
    there = at.objects()
    assert main(["--home", str(other), "note", kept.captures[0], "one more"], None, {}) == 0
    assert main(["--home", str(other), "sync"], None, {}) == 5
    assert "second history" in capsys.readouterr().err
    assert at.objects() == there, "nothing was copied"


def test_a_rollback_stops_the_sync(kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old"
    shutil.copytree(kept.home, old, ignore=shutil.ignore_patterns("*.sqlite*"))
    assert kept.run("sync") == 0
    there = at.objects()
    assert main(["--home", str(old), "sync"], None, {}) == 5
    assert "rolled back" in capsys.readouterr().err
    assert at.objects() == there


def test_a_checkpoint_that_somebody_else_put_there_is_ignored_and_said(
    kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    newest = max(key for key in at.objects() if "/checkpoint/" in key)
    planted = newest.rsplit("/", 1)[0] + "/000000999999"
    at.spoil(
        planted, b"archiver.invalid/other\n999999\n" + b"A" * 43 + b"=\n\n\xe2\x80\x94 archiver.invalid/other AAAA\n"
    )
    assert kept.run("sync") == 0
    assert "not signed by this home" in capsys.readouterr().err
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new")["ledger/checkpoint"] == evidence(kept.home)["ledger/checkpoint"]


def test_a_copy_that_broke_off_is_the_copy_of_an_older_checkpoint(kept: Kept, at: At, tmp_path: Path) -> None:
    assert kept.run("sync") == 0
    keys = sorted(key for key in at.objects() if "/tile/entries/" in key)
    at.spoil(keys[-1], None)
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert len(evidence(tmp_path / "new")) > 10
    assert main(["--home", str(tmp_path / "new"), "check"], None, {}) == 0
    before, after = Home(kept.home).ledger.checkpoint(), Home(tmp_path / "new").ledger.checkpoint()
    assert 0 < after.size < before.size


# -- locks, triage, quarantine ---------------------------------------------------------------------------


def locks_of(kept: Kept, capture: str) -> set[tuple[str | None, str | None, bool]]:
    """What the newest event says of the locks of a capture's copies: (mode, day, hold)."""
    (copy,) = Home(kept.home).catalog.copies(capture=capture)
    found = [item.get("lock") or {} for item in copy["objects"]]
    return {(lock.get("mode"), (lock.get("until") or "")[:10] or None, bool(lock.get("hold"))) for lock in found}


def heads(at: At, kept: Kept, capture: str) -> set[tuple[str | None, str | None]]:
    """What the server itself says of them: (mode, hold)."""
    s3, (copy,) = client(at.url), Home(kept.home).catalog.copies(capture=capture)
    answers = [
        s3.head_object(Bucket=at.bucket, Key=f"team/a/{item['key']}", VersionId=item["version"])
        for item in copy["objects"]
    ]
    return {(one.get("ObjectLockMode"), one.get("ObjectLockLegalHoldStatus")) for one in answers}


def test_nothing_is_locked_before_somebody_looked_at_it(kept: Kept, bucket: At) -> None:
    first, second = kept.captures
    assert kept.run("sync") == 0
    assert locks_of(kept, first) == {(None, None, False)}
    assert kept.run("triage", first, "seen, nothing unlawful") == 0
    assert kept.run("sync") == 0
    ((mode, day, hold),) = locks_of(kept, first)
    assert (mode, hold) == ("governance", False)
    assert day is not None
    assert int(day[:4]) >= 2036
    assert heads(bucket, kept, first) == {("GOVERNANCE", None)}
    assert locks_of(kept, second) == {(None, None, False)}


def test_a_capture_that_was_looked_at_is_locked_as_it_is_put(kept: Kept, bucket: At) -> None:
    first, _ = kept.captures
    assert kept.run("triage", "inbox") == 0
    assert kept.run("sync") == 0
    assert {mode for mode, _, _ in locks_of(kept, first)} == {"governance"}
    assert len(bodies(kept.home, "replicated")) == 1


def test_compliance_needs_an_explicit_word(kept: Kept, bucket: At, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = kept.captures
    assert kept.run("triage", "inbox") == 0
    assert kept.run("lock", "inbox", "compliance", "--days", "400", "--because", "proceedings") == 1
    assert "Nobody can remove" in capsys.readouterr().err
    assert kept.run("lock", "inbox", "compliance", "--days", "400", "--because", "proceedings", "--yes") == 0
    assert kept.run("sync") == 0
    assert {mode for mode, _, _ in locks_of(kept, first)} == {"compliance", "governance"}, (
        "the capture's key can be destroyed"
    )
    assert {mode for mode, _ in heads(bucket, kept, first)} == {"COMPLIANCE", "GOVERNANCE"}


def test_a_legal_hold_comes_and_goes(kept: Kept, bucket: At) -> None:
    first, _ = kept.captures
    assert kept.run("sync") == 0
    assert kept.run("lock", "inbox", "--hold", "--because", "court order") == 0
    assert kept.run("sync") == 0
    assert locks_of(kept, first) == {(None, None, True)}
    assert {hold for _, hold in heads(bucket, kept, first)} == {"ON"}
    assert kept.run("dispose", first, "--basis", "x") == 1, "what is held is not disposed of"
    assert kept.run("lock", "inbox", "--no-hold", "--because", "order lifted") == 0
    assert kept.run("sync") == 0
    assert {hold for _, hold in heads(bucket, kept, first)} <= {"OFF", None}


@pytest.mark.parametrize(
    "words",
    [["lock", "nowhere", "--hold"], ["lock", "inbox"], ["lock", "inbox", "forever"], ["lock", "inbox", "--days", "0"]],
)
def test_words_of_locks_that_mean_nothing(kept: Kept, words: list[str]) -> None:
    assert kept.run(*words, "--because", "x") == 1
    assert not bodies(kept.home, "lock-policy")


def test_what_is_quarantined_leaves_the_house_by_no_way(
    kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = kept.captures
    assert kept.run("quarantine", first, "unlawful") == 0
    assert "inhope.org" in capsys.readouterr().out
    assert kept.run("--json", "sync") == 0
    said = lines(capsys)[-1]
    assert (said["copied"], said["quarantined"], said["waiting"]) == (1, 1, 0)
    assert [copy["capture"] for copy in Home(kept.home).catalog.copies()] == [second]
    assert kept.run("triage", "inbox") == 0
    assert first not in bodies(kept.home, "triaged")[0]["detail"]["captures"]
    assert (
        kept.run(
            "export", "inbox", "--to", str(tmp_path), "--profile", "full", "--no-encrypt", "--yes", "--only", first
        )
        == 1
    )
    assert kept.run("assemble", first, "--to", str(tmp_path)) == 1


def test_every_view_of_what_is_quarantined_is_an_event(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = kept.captures
    assert kept.run("quarantine", first, "unlawful") == 0
    assert kept.run("show", first) == 0
    assert kept.run("show", first, "--quarantined") == 1
    assert not bodies(kept.home, "viewed")
    assert kept.run("show", first, "--quarantined", "--why", "for the police report") == 0
    (view,) = bodies(kept.home, "viewed")
    assert view["detail"] == {"capture": first, "why": "for the police report"}


# -- a team ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["own s3", "folder"])
def test_two_people_at_one_place(
    made: Kept, tmp_path: Path, s3: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with a ledger and keys of their own; they share the case `almaty` and nothing else."""
    one = made.again(tmp_path / "one")
    (tmp_path / "two").mkdir()
    two = Kept(tmp_path / "two")
    place = At(kind, tmp_path, s3)
    assert two.run("case", "new", "almaty") == 0
    shared = two.home / "keys" / "cases" / "almaty.age-key"
    public = shared.read_text().split("public key: ")[1].split()[0]
    assert one.run("case", "new", "almaty", "--recipient", public) == 0
    assert one.run("receive", str(one.folder / "film.bin"), "--from", "S-7", "--via", "usb", "--case", "almaty") == 0
    third = one.captures[-1]
    assert one.run("note", third, "shared by one") == 0
    for kept in (one, two):
        add_place(kept.home, "team", place.where, place.own, place.url)
        kept.recovery()
        assert kept.run("sync") == 0
    capsys.readouterr()
    assert two.run("--json", "sync", "--from", "team") == 0
    (said,) = lines(capsys)
    assert (said["cases"], said["captures"]) == (["almaty"], 1)
    theirs = two.home / "others" / said["home"]
    assert [path.name for path in (theirs / "captures").glob("*/*/*/*")] == [third]
    assert not list((theirs / "keys").rglob("*.key"))
    assert b"a note about it" not in b"".join(path.read_bytes() for path in (theirs / "events").rglob("*.json"))
    assert main(["--home", str(theirs), "check"], None, {}) == 0
    capsys.readouterr()
    assert two.run("find", "shared by one") == 0
    assert f"others/{said['home']}" in capsys.readouterr().out
    assert main(["--home", str(theirs), "note", third, "not mine to write"], None, {}) == 1
    # It goes on; and what was seen of their ledger once, they cannot take back.
    assert one.run("note", third, "and more") == 0
    assert one.run("sync") == 0
    assert two.run("sync", "--from", "team") == 0
    assert two.run("find", "and more") == 0
    newest = max(key for key in place.objects() if f"{said['home']}/checkpoint/" in key)
    place.spoil(newest, None)
    assert two.run("sync", "--from", "team") == 5
    assert one.run("--json", "sync", "--from", "team") == 0
    assert not [line for line in lines(capsys) if line["cases"]], (
        "two's case almaty is for a key that one does not hold"
    )


def test_the_captures_of_one_case_are_brought_by_one_command(
    made: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made.again(tmp_path / "one")
    (tmp_path / "two").mkdir()
    two = Kept(tmp_path / "two")
    for case in ("almaty", "aktobe"):
        assert two.run("case", "new", case) == 0
        public = (two.home / "keys" / "cases" / f"{case}.age-key").read_text().split("public key: ")[1].split()[0]
        assert one.run("case", "new", case, "--recipient", public) == 0
        assert one.run("receive", str(one.folder / "words.txt"), "--from", "S-7", "--via", "usb", "--case", case) == 0
    for kept in (one, two):
        add_place(kept.home, "team", str(tmp_path / "disk"), own=True)
        (tmp_path / "disk").mkdir(exist_ok=True)
        assert kept.run("sync") == 0

    def brought() -> dict[str, int]:
        capsys.readouterr()
        assert two.run("--json", "team", "list") == 0
        return {line["case"]: line["captures"] for line in lines(capsys) if line["where"] not in ("here", "queue")}

    assert brought() == {}
    assert two.run("team", "bring", "almaty") == 0
    assert brought() == {"almaty": 1}
    assert two.run("team", "bring", "aktobe") == 0
    assert brought() == {"almaty": 1, "aktobe": 1}, "what was brought before stays"
    assert two.run("team", "bring", "nowhere") == 3


def test_an_empty_home_out_of_the_copies_and_a_sheet_of_paper(kept: Kept, disk: At, tmp_path: Path) -> None:
    assert kept.run("sync") == 0
    assert kept.run("keys", "sheet", "--plain", "--to", str(tmp_path / "sheet.html")) == 0
    before, settings = evidence(kept.home), Home(kept.home).config
    shutil.rmtree(kept.home)
    new = tmp_path / "new"
    words = ["restore", "--from", disk.where, "--sheet", str(tmp_path / "sheet.html")]
    assert main(["--home", str(new), *words], None, {}) == 0
    written = ("archiver.toml", "keys/sheet.json")  # without its comments; and what says which keys are on paper
    after = evidence(new)
    assert {name: after[name] for name in before if name not in written} == {
        name: data for name, data in before.items() if name not in written
    }
    assert Home(new).config == settings
    assert main(["--home", str(new), "check"], None, {}) == 0
    assert main(["--home", str(new), "note", kept_capture(new), "goes on"], None, {}) == 0


def kept_capture(home: Path) -> str:
    opened = Home(home)
    opened.project()
    return str(opened.catalog.captures()[0]["id"])


def test_the_log_of_a_home_stays_in_it(kept: Kept, disk: At, tmp_path: Path) -> None:
    with HomeLog(kept.home, [].append, lambda: str):
        logging.getLogger("archiver.tests").warning("the diary of an investigation")
    [file] = (kept.home / "log").glob("*.log")
    assert kept.run("sync") == 0
    to = tmp_path / "packages"
    to.mkdir()
    assert kept.run("export", "inbox", "--to", str(to), "--profile", "full", "--no-encrypt", "--yes") in (0, 6)
    assert kept.run("check") == 0
    assert kept.run("fixity") == 0
    assert "diary" in file.read_text()
    found = [*disk.objects().values(), *(path.read_bytes() for path in to.rglob("*") if path.is_file())]
    assert len(found) > 10
    assert not any(b"diary" in data or file.name.encode() in data for data in found)
