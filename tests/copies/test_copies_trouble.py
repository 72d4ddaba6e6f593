"""Copies in trouble: every call fails in every way, servers that refuse or lie, and places that are not as they should be."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import storage.s3
from archiver.cli.main import main
from archiver.home.home import Home
from storage.objects import FolderStore
from tests.support.faults import FAULTS, Gateway
from tests.support.places import CREDENTIALS, Kept, add_place, bytes_at, evidence, moto, new_bucket
from tests.support.soak import SOAK


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(storage.s3.S3Store.__init__, "__defaults__", _without_pauses())


def _without_pauses() -> tuple[object, ...]:
    defaults = list(storage.s3.S3Store.__init__.__defaults__ or ())
    return tuple(
        (lambda seconds: None)
        if callable(one) and not hasattr(one, "conditions") and not hasattr(one, "fields")
        else one
        for one in defaults
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    made = Kept(tmp_path_factory.mktemp("kept"))
    made.recovery()
    return made


def again(made: Kept, folder: Path) -> Kept:
    return made.again(folder)


@pytest.fixture
def kept(made: Kept, tmp_path: Path) -> Kept:
    return again(made, tmp_path / "kept")


@pytest.fixture
def gateway(s3: str) -> Iterator[Gateway]:
    address = urlsplit(s3)
    running = Gateway(str(address.hostname), int(address.port or 0))
    yield running
    running.stop()


def kinds(objects: dict[str, bytes]) -> Counter[str]:
    return Counter(key.split("/")[1] for key in objects if not key.startswith("probe/"))


# -- each call, each way, each step ----------------------------------------------------------------------


def is_whole(kept: Kept, s3: str, bucket: str, expected: Counter[str], folder: Path) -> None:
    """The end is the one without faults: the same objects, all of them good, and a home comes out that equals ours."""
    assert kinds(bytes_at(s3, bucket)) == expected
    assert kept.run("fixity", "--remote") == 0
    words = [
        "restore",
        "--from",
        f"s3://{bucket}",
        "--endpoint",
        s3,
        "--recovery",
        str(kept.folder / "recovery.age-key"),
    ]
    assert kept.run("sync") == 0
    assert main(["--home", str(folder), *words], None, {}) == 0
    assert evidence(folder) == evidence(kept.home)


@pytest.fixture(scope="module")
def plain_round(made: Kept, s3: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Counter[str], int]:
    """What a round without faults leaves there, and how many calls it takes."""
    kept, bucket, address = made.again(tmp_path_factory.mktemp("plain") / "kept"), new_bucket(s3), urlsplit(s3)
    gateway = Gateway(str(address.hostname), int(address.port or 0))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        add_place(kept.home, "archive", f"s3://{bucket}", False, gateway.url)
        assert kept.run("sync") == 0
    gateway.stop()
    return kinds(bytes_at(s3, bucket)), len(gateway.asked)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "until the end"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.thorough("copies")
def test_each_call_of_a_round_fails(
    made: Kept,
    plain_round: tuple[Counter[str], int],
    s3: str,
    gateway: Gateway,
    tmp_path: Path,
    fault: str,
    lasting: bool,
) -> None:
    expected, calls = plain_round
    # In full in `make soak`; else one call for each way, spread over the round.
    one = (2 * FAULTS.index(fault) + lasting) * calls // (2 * len(FAULTS)) + 3
    for number in range(calls) if SOAK else [one]:
        kept = again(made, tmp_path / f"at-{number}")
        bucket = new_bucket(s3)
        add_place(kept.home, "archive", f"s3://{bucket}", False, gateway.url)
        gateway.asked.clear()
        gateway.trouble = lambda n, method, path, at=number: fault if (n >= at if lasting else n == at) else None
        first = kept.run("sync")
        gateway.trouble = lambda n, method, path: None
        assert first in ((0, 4) if lasting else (0,)), (number, first)
        assert kept.run("check") == 0
        assert kept.run("sync") == 0
        if lasting:  # what a broken round left lies there too: one more pack of events, its tiles and its checkpoint
            found = kinds(bytes_at(s3, bucket))
            assert {kind: found[kind] for kind in ("capture", "file", "key")} == {
                kind: expected[kind] for kind in ("capture", "file", "key")
            }
            expected_now = found
        else:
            expected_now = expected
        is_whole(kept, s3, bucket, expected_now, tmp_path / f"new-{number}")
        shutil.rmtree(tmp_path / f"new-{number}")
        shutil.rmtree(kept.folder)


@pytest.mark.parametrize("fault", ["answer-lost", "answer-torn", "error"])
def test_each_call_of_the_first_look_at_a_place_fails(made: Kept, s3: str, gateway: Gateway, fault: str) -> None:
    """A probe that was put, and whose answer was lost, is not somebody else's."""
    from storage.s3 import Abilities, Options, S3Store

    def look(at: int | None) -> tuple[Abilities, int]:
        gateway.asked.clear()
        gateway.trouble = lambda n, method, path: fault if n == at else None
        store = S3Store(new_bucket(s3), "", gateway.url, None, Abilities(False, False, False, False), options=Options())
        return store.probe(), len(gateway.asked)

    plain, calls = look(None)
    assert plain.conditions
    for number in range(calls):
        found, _ = look(number)
        assert found == plain, number


# -- places that are not as they should be ---------------------------------------------------------------

REFUSALS = {
    "wrong credentials": ("code:403:InvalidAccessKeyId", "Look at the credentials"),
    "wrong secret": ("code:403:SignatureDoesNotMatch", "this machine's clock"),
    "a wrong clock": ("code:403:RequestTimeTooSkewed", "clock is wrong"),
    "a policy that forbids everything": ("code:403:AccessDenied", "The policy forbids it"),
    "a full account": ("code:403:QuotaExceeded", "Look at the bucket"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_server_that_refuses(
    kept: Kept, s3: str, gateway: Gateway, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, advice = REFUSALS[name]
    add_place(kept.home, "archive", f"s3://{new_bucket(s3)}", False, gateway.url)
    gateway.trouble = lambda n, method, path: fault
    before = evidence(kept.home)
    assert kept.run("sync") == 4
    assert advice in capsys.readouterr().err
    assert evidence(kept.home) == before


def test_a_policy_that_forbids_reading_back(
    kept: Kept, s3: str, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be looked at again is not called a copy."""
    add_place(kept.home, "archive", f"s3://{new_bucket(s3)}", False, gateway.url)
    assert kept.run("sync", "--status") == 2
    gateway.trouble = lambda n, method, path: (
        "code:403:AccessDenied" if method in ("HEAD", "GET") and ("/key/" in path or "/capture/" in path) else None
    )
    assert kept.run("sync") == 4
    assert "NO COPY there yet" in capsys.readouterr().err
    assert not Home(kept.home).catalog.copies()
    gateway.trouble = lambda n, method, path: None
    assert kept.run("sync") == 0


def test_no_bucket(kept: Kept, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    add_place(kept.home, "archive", "s3://nobody-made-this", False, s3)
    assert kept.run("sync") == 4
    assert "Make the bucket" in capsys.readouterr().err


def test_a_bucket_without_locks_is_used_and_said(kept: Kept, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    add_place(kept.home, "archive", f"s3://{new_bucket(s3, lock=False)}", False, s3)
    assert kept.run("triage", "inbox") == 0
    assert kept.run("sync") == 0
    assert "knows no locks" in capsys.readouterr().out
    assert not [item for copy in Home(kept.home).catalog.copies() for item in copy["objects"] if item.get("lock")]


def test_a_bucket_that_everybody_reads(kept: Kept, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.places import client

    bucket = new_bucket(s3)
    client(s3).put_bucket_acl(Bucket=bucket, ACL="public-read")
    add_place(kept.home, "archive", f"s3://{bucket}", True, s3)
    assert kept.run("sync") == 4
    assert "AllUsers" in capsys.readouterr().err
    assert not bytes_at(s3, bucket)


def test_other_content_under_our_key(kept: Kept, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody was there first. It is neither overwritten nor taken for a copy."""
    from tests.support.places import client

    first, second = again(kept, kept.folder / "twin"), kept
    bucket = new_bucket(s3)
    for one in (first, second):
        add_place(one.home, "archive", f"s3://{bucket}", True, s3)
    assert first.run("sync") == 0
    key = next(key for key in bytes_at(s3, bucket) if "/capture/" in key)
    client(s3).put_object(Bucket=bucket, Key=key, Body=b"something else")
    shutil.rmtree(first.home)
    assert second.run("sync") == 5, "a ledger with this key is ahead of us: the twin"
    for path in list(bytes_at(s3, bucket)):
        if "/capture/" not in path:
            for version in client(s3).list_object_versions(Bucket=bucket, Prefix=path).get("Versions", []):
                client(s3).delete_object(
                    Bucket=bucket, Key=path, VersionId=version["VersionId"], BypassGovernanceRetention=True
                )
    assert second.run("sync") == 4
    assert "Somebody else writes there" in capsys.readouterr().err
    assert bytes_at(s3, bucket)[key] == b"something else"
    assert len(Home(second.home).catalog.copies()) == 1


def test_a_listing_that_lies(
    kept: Kept, s3: str, gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = new_bucket(s3)
    add_place(kept.home, "archive", f"s3://{bucket}", False, gateway.url)
    assert kept.run("sync") == 0
    there = bytes_at(s3, bucket)
    # One object too many, which is not there.
    entry = b"<Contents><Key>HOME/checkpoint/000000000999</Key><Size>5</Size></Contents>"
    home = next(iter(there)).split("/")[0].encode()
    gateway.changed = lambda method, path, answer: (
        answer.replace(b"<Contents>", entry.replace(b"HOME", home) + b"<Contents>", 1)
        if "checkpoint" in path
        else answer
    )
    capsys.readouterr()
    assert kept.run("sync") == 0
    assert "listed, and not there" in capsys.readouterr().err
    # Nothing at all, though everything is there.
    gateway.changed = lambda method, path, answer: (
        answer.replace(b"<Contents>", b"<Other>").replace(b"</Contents>", b"</Other>")
        if "list-type=2" in path
        else answer
    )
    assert kept.run("note", kept.captures[0], "something new") == 0
    assert kept.run("sync") == 0
    gateway.changed = lambda method, path, answer: answer
    assert kept.run("fixity") == 0
    words = [
        "restore",
        "--from",
        f"s3://{bucket}",
        "--endpoint",
        s3,
        "--recovery",
        str(kept.folder / "recovery.age-key"),
    ]
    assert kept.run("sync") == 0
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == evidence(kept.home)


def test_a_disk_that_fills_up(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import errno

    from storage.errors import disk_error

    place = tmp_path / "disk"
    place.mkdir()
    add_place(kept.home, "archive", str(place))
    real = FolderStore.put

    def full(self: FolderStore, key: str, *rest: object) -> object:
        if "/file/" in key:
            raise disk_error(OSError(errno.ENOSPC, "No space left on device"), f"putting {key}")
        return real(self, key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FolderStore, "put", full)
    assert kept.run("sync") == 4
    assert "No space left" in capsys.readouterr().err
    assert len(Home(kept.home).catalog.copies()) == 1, "what fitted is a copy"
    monkeypatch.undo()
    assert kept.run("sync") == 0
    assert len(Home(kept.home).catalog.copies()) == 2


@pytest.mark.damages
def test_what_is_damaged_here_is_not_copied(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    add_place(kept.home, "archive", str(place))
    data = bytearray(kept.film.read_bytes())
    data[1000] ^= 1
    kept.film.write_bytes(data)
    assert kept.run("sync") == 4
    assert "damaged here" in capsys.readouterr().err
    assert len(Home(kept.home).catalog.copies()) == 1


def test_our_name_over_other_content_that_our_key_opens(tmp_path: Path) -> None:
    """What lies there is ours only if the same is inside, whoever encrypted it."""
    import pyrage

    from archiver.copies.vault import Vault
    from storage.errors import OtherContent
    from storage.objects import Content, MemoryStore

    own = pyrage.x25519.Identity.generate()
    vault = Vault(MemoryStore(), "home", bytes(32), [own])
    first = vault.keep("home/k", Content.of(b"seen"), None, [own.to_public()])
    again = vault.keep("home/k", Content.of(b"seen"), None, [own.to_public()])
    assert (again.sha256, again.stored_sha256, again.how) == (first.sha256, first.stored_sha256, "read back")
    with pytest.raises(OtherContent):
        vault.keep("home/k", Content.of(b"else"), None, [own.to_public()])


def test_a_pack_with_another_file_in_it_is_not_restored(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a place of one's own somebody can write a whole pack: each file is held against the manifest."""
    from storage.packs import pack, unpack

    place = tmp_path / "disk"
    place.mkdir()
    add_place(kept.home, "archive", str(place), own=True)
    assert kept.run("sync") == 0
    path = sorted(place.glob("*/capture/*/*"))[0]
    files = [(name, data + b" " if name == "inventory.jsonl" else data) for name, data in unpack(path.read_bytes())]
    path.write_bytes(pack(files))
    words = ["restore", "--from", str(place), "--recovery", str(kept.folder / "recovery.age-key")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 2
    assert "NOT RESTORED" in capsys.readouterr().err
    assert kept.run("fixity", "--remote") == 5


# -- keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(kept: Kept) -> Path:
    place = kept.folder / "disk"
    place.mkdir()
    add_place(kept.home, "archive", str(place))
    assert kept.run("sync") == 0
    return place


def test_a_lost_recovery_key_is_replaced_while_the_home_lives(
    kept: Kept, disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = kept.folder / "recovery.age-key"
    public = old.read_text().split("public key: ")[1].split()[0]
    old.rename(tmp_path / "lost")
    assert kept.run("recovery", "drop", public) == 0
    assert kept.run("recovery", "new", str(tmp_path / "second")) == 0
    assert kept.run("recovery", "check", str(tmp_path / "second")) == 5, "not yet"
    assert kept.run("sync") == 0
    assert kept.run("recovery", "check", str(tmp_path / "second")) == 0
    words = ["restore", "--from", str(disk), "--recovery", str(tmp_path / "second")]
    assert main(["--home", str(tmp_path / "new"), *words], None, {}) == 0
    assert evidence(tmp_path / "new") == evidence(kept.home)


def test_without_a_recovery_key_nobody_opens_the_copies(
    kept: Kept, disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyrage

    wrong = tmp_path / "wrong"
    wrong.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    for words in ([], ["--recovery", str(wrong)]):
        assert main(["--home", str(tmp_path / "new"), "restore", "--from", str(disk), *words], None, {}) == 6
        assert "nobody can open them" in capsys.readouterr().err
    assert not (tmp_path / "new" / "archiver.toml").exists()


@pytest.mark.parametrize("where", ["home/inside.key", "recovery.age-key"])
def test_a_recovery_key_lies_elsewhere_and_overwrites_nothing(kept: Kept, where: str) -> None:
    before = (kept.folder / "recovery.age-key").read_bytes()
    assert kept.run("recovery", "new", str(kept.folder / where)) == 1
    assert (kept.folder / "recovery.age-key").read_bytes() == before


def test_a_home_is_not_restored_over_another(kept: Kept, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = evidence(kept.home)
    assert kept.run("restore", "--from", str(disk), "--recovery", str(kept.folder / "recovery.age-key")) == 1
    assert evidence(kept.home) == before


def test_an_encrypted_place_waits_for_a_recovery_key(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept.home / "keys" / "recovery.txt").unlink()
    (tmp_path / "disk").mkdir()
    add_place(kept.home, "archive", str(tmp_path / "disk"))
    assert kept.run("sync") == 1
    assert "archiver recovery new" in capsys.readouterr().err
    assert not list((tmp_path / "disk").iterdir())


SETTINGS = {
    "no name": ({"name": "A B"}, "a short name"),
    "no place": ({"where": ""}, "a folder, or s3://"),
    "a bucket's name": ({"where": "s3://UPPER"}, "a folder, or s3://"),
    "an open endpoint": ({"endpoint": "http://s3.example.org"}, "https"),
    "encryption of the server": ({"sse": "rot13"}, "AES256"),
    "a proxy": ({"proxy": "socks5://127.0.0.1:9050"}, "http proxy"),
    "something else": ({"colour": "blue"}, "the unknown key [[copies.destination]] colour (entry 1)"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be(kept: Kept, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, said = SETTINGS[name]
    table = {"name": "archive", "where": "s3://bucket"} | wrong
    lines = "".join(f'{key} = "{value}"\n' for key, value in table.items())
    path = kept.home / "archiver.toml"
    path.write_text(
        path.read_text("utf-8").replace("[timestamps]\n", f"[[copies.destination]]\n{lines}\n[timestamps]\n", 1),
        "utf-8",
    )
    assert kept.run("sync") == 1
    assert said in capsys.readouterr().err


def test_copies_do_not_go_past_the_way_out(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """Captures go out by Tor: a provider of copies would see this machine's own address."""
    path = kept.home / "archiver.toml"
    path.write_text(path.read_text("utf-8").replace('proxy = ""', 'proxy = "socks5h://127.0.0.1:9050"', 1), "utf-8")
    add_place(kept.home, "archive", "s3://bucket")
    assert kept.run("sync") == 1
    assert "sees this machine's address" in capsys.readouterr().err
