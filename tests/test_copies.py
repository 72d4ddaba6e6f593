"""Copies of what was sealed: to folders and to S3, and an empty home out of them alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli import main
from archiver.home import Home
from storage.digest import sha256_hex
from tests.places import CREDENTIALS, FILM, WORDS, Kept, add_place, bytes_at, client, evidence, moto, new_bucket


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
    shutil.copytree(made.folder, tmp_path / "kept", symlinks=True)
    again = object.__new__(Kept)
    again.folder, again.home = tmp_path / "kept", tmp_path / "kept" / "home"
    return again


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
    shutil.copytree(kept.home, other)
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
    shutil.copytree(kept.home, old)
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
