"""Copies of what was sealed: to folders and to S3, and an empty home out of them alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.main import main
from archiver.home.home import Home
from storage.digest import sha256_hex
from tests.support.places import CREDENTIALS, FILM, WORDS, Kept, add_place, bytes_at, client, evidence, moto, new_bucket


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def kept(made: Kept, tmp_path: Path) -> Kept:
    """A copy of one home for each test."""
    return made.again(tmp_path / "kept")


class At:
    """A place: how it is named in settings and on the command line, and what lies there."""

    def __init__(self, kind: str, folder: Path, url: str) -> None:
        self.own, self.url, self.bucket = "own" in kind, url if "s3" in kind else "", ""
        if self.url:
            self.bucket = new_bucket(url)
            self.where = f"s3://{self.bucket}/team/a"
        else:
            self.where = str(folder / "disk")
            (folder / "disk").mkdir()

    def objects(self) -> dict[str, bytes]:
        if self.url:
            return bytes_at(self.url, self.bucket)
        top = Path(self.where)
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    def spoil(self, key: str, data: bytes | None) -> None:
        """Other bytes under a key, or none: what a raid or a rotten disk leaves."""
        if self.url:
            self._spoil_there(key, data)
        elif data is None:
            (Path(self.where) / key).unlink()
        else:
            (Path(self.where) / key).write_bytes(data)

    def _spoil_there(self, key: str, data: bytes | None) -> None:
        s3 = client(self.url)
        for one in s3.list_object_versions(Bucket=self.bucket, Prefix=key).get("Versions", []):
            s3.delete_object(Bucket=self.bucket, Key=key, VersionId=one["VersionId"], BypassGovernanceRetention=True)
        if data is not None:
            s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    @property
    def restore_words(self) -> list[str]:
        return ["restore", "--from", self.where, *(["--endpoint", self.url] if self.url else [])]


@pytest.fixture(params=["folder", "own folder", "s3", "own s3"])
def at(request: pytest.FixtureRequest, kept: Kept, s3: str) -> At:
    place = At(request.param, kept.folder, s3)
    add_place(kept.home, "archive", place.where, place.own, place.url)
    kept.recovery()
    return place


@pytest.fixture
def disk(kept: Kept) -> At:
    place = At("folder", kept.folder, "")
    add_place(kept.home, "archive", place.where)
    kept.recovery()
    return place


@pytest.fixture
def bucket(kept: Kept, s3: str) -> At:
    place = At("s3", kept.folder, s3)
    add_place(kept.home, "archive", place.where, False, place.url)
    kept.recovery()
    return place


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def bodies(home: Path, *types: str) -> list[dict[str, Any]]:
    opened = Home(home)
    opened.project()
    return opened.catalog.event_bodies(types)


# -- the way there and back ------------------------------------------------------------------------------


def test_an_empty_home_out_of_the_copies_alone(
    kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    shutil.rmtree(kept.home)
    new = tmp_path / "new"
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
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
        (kept.home / name).unlink()
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
        weak = ["does not check SHA-256, so everything is read back"]
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


# -- eviction --------------------------------------------------------------------------------------------


def test_large_files_are_freed_and_come_back_when_they_are_read(
    kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, (_, second) = kept.film, kept.captures
    before = film.read_bytes()
    assert kept.run("evict", "inbox") == 4, "no copy yet"
    assert film.exists()
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox") == 0
    stub = film.with_name(f"{film.name}.evicted")
    assert not film.exists()
    assert json.loads(stub.read_bytes())["places"] == ["archive"]
    capsys.readouterr()
    assert kept.run("check") == 6
    assert "lie at the copies" in capsys.readouterr().out
    assert kept.run("show", second) == 0
    assert "freed here: 1 file," in capsys.readouterr().out
    assert kept.run("catalog", "rebuild") == 0
    assert kept.run("fixity") == 0
    assert kept.run("export", "inbox", "--to", str(tmp_path), "--profile", "full", "--no-encrypt", "--yes") in (0, 6)
    assert film.read_bytes() == before
    assert not stub.exists()
    assert kept.run("check") == 0
    assert bodies(kept.home, "evicted")[0]["detail"]["files"][0]["name"] == film.name


def test_a_file_stays_where_its_copy_is_damaged(kept: Kept, at: At, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("sync") == 0
    (key,) = (key for key in at.objects() if "/file/" in key)
    data = bytearray(at.objects()[key])
    data[len(data) // 2] ^= 1
    at.spoil(key, bytes(data))
    assert kept.run("evict", "inbox") == 4
    assert kept.film.stat().st_size > len(FILM)
    assert not bodies(kept.home, "evicted")


def test_a_stub_without_a_copy_is_said(
    kept: Kept, disk: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox") == 0
    shutil.move(disk.where, tmp_path / "unplugged")
    assert kept.run("evict", "inbox", "--back") == 6
    assert "Connect the place" in capsys.readouterr().err
    shutil.move(tmp_path / "unplugged", disk.where)
    assert kept.run("evict", "inbox", "--back") == 0
    assert kept.run("check") == 0


def test_two_copies_may_be_asked_for(kept: Kept, disk: At, s3: str) -> None:
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox", "--copies", "2") == 4
    add_place(kept.home, "cloud", f"s3://{new_bucket(s3)}", False, s3)
    assert kept.run("sync") == 0
    assert kept.run("evict", "inbox", "--copies", "2") == 0


# -- fixity ----------------------------------------------------------------------------------------------


def every_kind_here(home: Path) -> list[str]:
    return sorted(
        {
            path.name if "archiver-" not in path.name else "warc"
            for path in (home / "captures").rglob("*")
            if path.is_file()
        }
    )


@pytest.mark.parametrize(
    "kind", ["inventory.jsonl", "manifest.json", "posts.jsonl", "private.age", "records.jsonl", "warc", "film"]
)
def test_a_flipped_bit_here_is_found_named_and_repaired(
    kept: Kept, at: At, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(every_kind_here(kept.home)) == {
        "inventory.jsonl",
        "manifest.json",
        "posts.jsonl",
        "private.age",
        "records.jsonl",
        "warc",
    }
    assert kept.run("sync") == 0
    folder = kept.folder_of(kept.captures[0])
    path = kept.film if kind == "film" else next(folder.glob("*.warc.gz")) if kind == "warc" else folder / kind
    before = path.read_bytes()
    data = bytearray(before or b"x")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert kept.run("--json", "fixity", "--local") == 5
    found = next(line["damaged"] for line in lines(capsys) if "damaged" in line)
    assert (found["where"], found["name"]) == ("home", path.name)
    assert path.read_bytes() == bytes(data), "never silently"
    assert kept.run("fixity", "--repair") == 0
    assert path.read_bytes() == before
    assert [one.read_bytes() for one in (kept.home / "damaged").rglob(f"{path.name}.*")] == [bytes(data)]
    (repaired,) = bodies(kept.home, "repaired")
    assert repaired["detail"]["from"] == "archive"
    assert kept.run("check") == 0
    assert kept.run("fixity") == 0


@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_a_damaged_event_here_is_found_and_repaired(kept: Kept, at: At, damage: str) -> None:
    assert kept.run("sync") == 0
    path = kept.home / "events" / "000000" / "0000000003.json"
    before = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(before.replace(b'"salt":"', b'"salt":"00', 1)[: len(before)])
    assert kept.run("fixity", "--local") == 5
    assert kept.run("fixity", "--repair") == 0
    assert path.read_bytes() == before
    assert kept.run("fixity") == 0
    assert kept.run("check") == 0


LEDGER = {
    "the checkpoint": "ledger/checkpoint",
    "an older checkpoint": "ledger/checkpoints/2",
    "a tile of hashes": "ledger/tile/0/000.p/*",
    "a tile of entries": "ledger/tile/entries/000.p/*",
    "what the key has signed": "keys/ledger.head",
}


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
@pytest.mark.parametrize("kind", LEDGER)
def test_a_damaged_ledger_here_is_found_named_and_repaired(
    kept: Kept, disk: At, kind: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    assert kept.run("note", kept.captures[0], "not copied yet") == 0
    path = max(kept.home.glob(LEDGER[kind]), key=lambda one: int(one.name) if one.name.isdigit() else 0)
    before = path.read_bytes()
    data = bytearray(before)
    data[len(data) // 3] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if damage == "flipped" else before[: len(before) // 2])
    name = path.relative_to(kept.home).as_posix()
    # Where the newest is gone, the next command publishes again what the key has signed, as after a crash.
    quiet = damage == "gone" and kind in ("the checkpoint", "an older checkpoint", "what the key has signed")
    assert kept.run("fixity", "--local") in ((0, 5) if quiet else (5,))
    assert not path.exists() if damage == "gone" and not quiet else True, "never silently"
    capsys.readouterr()
    assert kept.run("--json", "fixity", "--repair") == 0
    said = [line["damaged"] for line in lines(capsys) if isinstance(line.get("damaged"), dict)]
    # The signed result of the first look has rewritten the head already, from the checkpoint.
    assert [one["name"] for one in said] == [name] or quiet or path.name == "ledger.head", said
    assert kept.run("check") == 0
    assert kept.run("fixity") == 0
    if kind in (
        "a tile of hashes",
        "a tile of entries",
    ):  # it has grown meanwhile, by the event that tells of the repair
        assert before in max(path.parent.iterdir(), key=lambda one: int(one.name)).read_bytes()
    elif kind == "an older checkpoint":
        assert path.read_bytes() == before
    assert kept.run("sync") == 0


def test_events_and_the_tile_beside_them_lost_come_back_from_a_copy(kept: Kept, at: At) -> None:
    """Nothing here knows the entries any more."""
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    for path in [*(kept.home / "ledger").rglob("*"), *(kept.home / "events").rglob("*")]:
        if path.is_file():
            path.unlink()
    assert kept.run("note", kept.captures[0], "on nothing") == 5
    assert kept.run("fixity", "--repair") == 0
    after = evidence(kept.home)
    assert {name: data for name, data in before.items() if name.startswith("events/")}.items() <= after.items()
    assert kept.run("check") == 0
    assert kept.run("sync") == 0


def test_two_things_lost_that_no_copy_has_are_not_guessed(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    last = max((kept.home / "events").rglob("*.json"))
    last.write_bytes(last.read_bytes().replace(b'"salt":"', b'"salt":"0', 1))
    (tile,) = (kept.home / "ledger" / "tile" / "entries").rglob("[0-9]*.p/*")
    data = bytearray(tile.read_bytes())
    data[-5] ^= 1
    tile.write_bytes(data)
    before = evidence(kept.home)
    assert kept.run("fixity", "--repair") == 5
    assert "Nothing was changed" in capsys.readouterr().err
    assert evidence(kept.home) == before


def test_a_copy_ahead_of_the_key_is_no_repair(kept: Kept, disk: At, tmp_path: Path) -> None:
    """A home that was rolled back is not rolled forward by the way: that is for a person to decide."""
    twin = kept.again(tmp_path / "twin")
    assert kept.run("note", kept.captures[0], "only here") == 0
    assert kept.run("sync") == 0
    before = evidence(twin.home)
    (twin.home / "ledger" / "checkpoint").write_bytes(b"nothing")
    assert twin.run("fixity", "--repair") == 5
    (twin.home / "ledger" / "checkpoint").write_bytes(before["ledger/checkpoint"])
    assert evidence(twin.home) == before


KINDS = ["capture", "file", "key", "ledger", "tile", "checkpoint"]


@pytest.mark.parametrize("damage", ["flipped", "gone"])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_at_a_copy_is_found_named_and_repaired(
    kept: Kept, at: At, kind: str, damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    keys = sorted(key for key in at.objects() if f"/{kind}/" in key)
    if not keys:
        assert (kind, at.own) == ("key", True)
        return
    key = keys[-1]
    data = bytearray(at.objects()[key])
    data[-20] ^= 1
    at.spoil(key, bytes(data) if damage == "flipped" else None)
    capsys.readouterr()
    code = kept.run("--json", "fixity")
    said = [line["damaged"] for line in lines(capsys) if "damaged" in line and "where" in str(line["damaged"])]
    if (kind, damage) == ("checkpoint", "gone"):
        assert code == 0, "an older checkpoint is a whole copy too; the next round puts the newest again"
        return
    assert code == 5
    assert said
    assert (kind, damage) == ("ledger", "gone") or [item for item in said if key.endswith(item["name"])], said
    assert kept.run("fixity", "--repair") == 0
    assert kept.run("fixity") == 0
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert kept.run("sync") == 0
    before = evidence(kept.home)
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == before


def test_what_is_read_can_be_chosen(kept: Kept, at: At, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("sync") == 0
    for words, captures in ((["--sample", "1"], 1), (["--older-than", "1"], 1), ([kept.captures[0]], 1), ([], 2)):
        assert kept.run("--json", "fixity", *words) == 0
        assert lines(capsys)[-1]["captures"] == captures, words
    assert kept.run("--json", "fixity", "--older-than", "1") == 0
    assert lines(capsys)[-1]["captures"] == 0, "all of it was read just now"
    checked = bodies(kept.home, "checked")
    assert all(body["detail"]["kind"] == "fixity" and body["signature"] for body in checked)


def test_a_place_that_does_not_answer_cannot_be_told_of(
    kept: Kept, disk: At, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.run("sync") == 0
    add_place(kept.home, "cloud", "s3://nowhere-bucket", False, "http://127.0.0.1:9")
    assert kept.run("fixity") == 6
    assert "cloud did not answer" in capsys.readouterr().err


# -- disposal --------------------------------------------------------------------------------------------


def second_person(kept: Kept) -> None:
    assert kept.run("keys", "new", "R-2", "--role", "reviewer") == 0


def test_disposal_takes_two_people_and_leaves_a_tombstone(
    kept: Kept, at: At, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = kept.captures
    second_person(kept)
    assert kept.run("triage", "inbox") == 0
    assert kept.run("sync") == 0
    folder = kept.folder_of(first)
    assert kept.run("dispose", first) == 1, "a legal basis is needed"
    assert kept.run("dispose", first, "--confirm", "--yes") == 1, "nobody asked"
    assert kept.run("dispose", first, "--basis", "§ 184b", "--with-notes") == 0
    assert kept.run("dispose", first, "--confirm", "--yes") == 1, "the same person"
    assert kept.run("--as", "R-2", "dispose", first, "--confirm") == 1, "not read"
    assert folder.exists()
    there = at.objects()
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0
    assert not folder.exists()
    gone = set(there) - set(at.objects())
    assert any("/capture/" in key for key in gone)
    assert any("/key/" in key for key in gone) or at.own
    (tombstone,) = bodies(kept.home, "disposed")
    assert tombstone["detail"]["basis"] == "§ 184b"
    assert tombstone["detail"]["requested_by"] == "tester"
    assert tombstone["agent"]["id"] == "R-2"
    (erased,) = bodies(kept.home, "erased")
    assert (erased["detail"]["capture"], erased["detail"]["remains"]) == (first, [])
    capsys.readouterr()
    assert kept.run("check") == 0
    assert "disposed of by R-2" in capsys.readouterr().out
    assert kept.run("find", "note about") == 0
    assert "a note about it" not in capsys.readouterr().out
    rows = Home(kept.home).catalog
    before = {
        table: rows.rows(table) for table in ("captures", "events", "disposed", "annotations", "posts", "case_captures")
    }
    assert kept.run("catalog", "rebuild") == 0
    rows = Home(kept.home).catalog
    assert {table: rows.rows(table) for table in before} == before
    assert kept.run("sync") == 0
    assert b"a note about it" not in b"".join(at.objects().values())
    words = [*at.restore_words, "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == evidence(kept.home)
    assert main(["--home", str(tmp_path / "new"), "check"], None, {}) == 0
    assert [row["id"] for row in Home(tmp_path / "new").catalog.captures()] == [second]


def test_what_a_lock_keeps_is_said_and_unreadable(kept: Kept, bucket: At, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = kept.captures
    second_person(kept)
    assert kept.run("triage", "inbox") == 0
    assert kept.run("lock", "inbox", "compliance", "--because", "x", "--yes") == 0
    assert kept.run("sync") == 0
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    capsys.readouterr()
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 2
    err = capsys.readouterr().err
    assert "remains, locked until" in err
    assert "nobody can read it" in err
    (erased,) = bodies(kept.home, "erased")
    assert erased["detail"]["unreadable"]
    assert [item["lock"]["mode"] for item in erased["detail"]["remains"]] == ["compliance"]
    assert not [key for key in bucket.objects() if "/key/" in key and key.endswith(first)]
    assert kept.run("sync") == 0
    assert len(bodies(kept.home, "erased")) == 1, "nothing new to say"


@pytest.mark.parametrize("left", ["folder", "half", "manifest"])
def test_a_kill_in_the_middle_of_a_disposal_is_finished_by_the_next_command(
    kept: Kept, at: At, left: str, tmp_path: Path
) -> None:
    first, _ = kept.captures
    second_person(kept)
    assert kept.run("sync") == 0
    folder = kept.folder_of(first)
    saved = tmp_path / "saved"
    shutil.copytree(folder, saved)
    assert kept.run("dispose", first, "--basis", "§ 184b") == 0
    assert kept.run("--as", "R-2", "dispose", first, "--confirm", "--yes") == 0
    folder.mkdir(parents=True)
    for path in saved.iterdir():
        if left == "folder" or path.name == "manifest.json" or (left == "half" and path.suffix == ".gz"):
            shutil.copy(path, folder / path.name)
    assert kept.run("check") == 5
    assert kept.run("note", kept.captures[0], "any command that writes") == 0
    assert not folder.exists()
    assert kept.run("check") == 0


# -- a team ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["s3", "own s3", "folder"])
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
