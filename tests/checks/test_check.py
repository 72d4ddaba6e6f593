"""`archiver check` finds each kind of damage, one defect each; and accepts what is intact."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.checks import Finding, check_home, worst
from archiver.cli.main import main
from archiver.home.home import Home
from archiver.signer.local import LocalSigner
from storage import canonical
from tests.conftest import World, plain_home


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """A home with captures, a case and annotations, to be copied and damaged."""
    home = plain_home(tmp_path_factory.mktemp("sealed") / "home")
    where = ["--home", str(home.path)]
    assert main(["capture", "https://t.me/ozen_today/16", *where], world.network, {}) == 0
    assert main(["capture", "https://blog.ozen.example/2011/12/17/square", *where], world.network, {}) == 0
    capture = Home(home.path).catalog.captures()[0]["id"]
    assert main(["note", capture, "two cameras", "--attachment", "1", *where], None, {}) == 0
    home.catalog.close()
    return home.path


@pytest.fixture
def home(sealed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(sealed, copy)
    return copy


def first(home: Path) -> Path:
    """The album's folder."""
    folders = sorted(path.parent for path in home.glob("captures/*/*/*/*/manifest.json"))
    return next(folder for folder in folders if b"album-16" in (folder / "records.jsonl").read_bytes())


def main_warc(home: Path) -> Path:
    return sorted(first(home).glob("*.warc.gz"))[0]


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at if at >= 0 else len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def members(path: Path) -> list[bytes]:
    from archiver.checks.warcs import read_records

    data = path.read_bytes()
    return [data[found.offset : found.offset + found.length] for found in read_records(path)]


def edit_lines(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))


def edit_json(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(canonical.dumps(value))


def run_sql(home: Path, sql: str) -> None:
    connection = sqlite3.connect(home / "catalog.sqlite")
    connection.execute(sql)
    connection.commit()
    connection.close()


def newest_event(home: Path) -> Path:
    return sorted(home.glob("events/*/*.json"))[-1]


def rewrite_event(home: Path) -> None:
    edit_json(newest_event(home), lambda value: value["event"]["detail"].update(text="no cameras"))  # type: ignore[index]


def roll_back(home: Path) -> None:
    """The ledger as it was one checkpoint ago, as if restored from a backup."""
    sizes = sorted(int(path.name) for path in (home / "ledger" / "checkpoints").iterdir())
    (home / "ledger" / "checkpoint").write_bytes((home / "ledger" / "checkpoints" / str(sizes[-2])).read_bytes())


def reseal_by_forger(home: Path) -> None:
    """Another key signs the same text."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from storage.note import NoteSigner, sign

    note = (home / "ledger" / "checkpoint").read_text()
    name = (home / "keys" / "origin").read_text().strip()
    text = note.partition("\n\n")[0] + "\n"
    (home / "ledger" / "checkpoint").write_text(sign(text, NoteSigner(name, Ed25519PrivateKey.generate())))


def garbage_catalog(home: Path) -> None:
    for path in home.glob("catalog.sqlite-*"):
        path.unlink()
    (home / "catalog.sqlite").write_bytes(b"not a database" * 500)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "warc byte flipped": (lambda home: flip(main_warc(home)), "files"),
    "warc cut by one byte": (lambda home: main_warc(home).write_bytes(main_warc(home).read_bytes()[:-1]), "files"),
    "warc byte appended": (lambda home: main_warc(home).write_bytes(main_warc(home).read_bytes() + b"\0"), "files"),
    "warc record removed": (lambda home: main_warc(home).write_bytes(b"".join(members(main_warc(home))[:-1])), "files"),
    "warc file removed": (lambda home: main_warc(home).unlink(), "files"),
    "file added": (lambda home: (first(home) / "extra.txt").write_text("x"), "files"),
    "private record removed": (lambda home: (first(home) / "private.age").unlink(), "files"),
    "private record swapped": (lambda home: (first(home) / "private.age").write_text("plain"), "files"),
    "inventory line removed": (lambda home: edit_lines(first(home) / "inventory.jsonl", lambda lines: lines[:-1]), "files"),
    "post text changed": (lambda home: edit_lines(first(home) / "posts.jsonl", lambda lines: [lines[0].replace(b"Four", b"Five")]), "files"),
    "records swapped": (lambda home: edit_lines(first(home) / "records.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]]), "files"),
    "manifest changed": (lambda home: edit_json(first(home) / "manifest.json", lambda value: value.update(outcome="partial")), "manifest"),
    "manifest of another capture": (
        lambda home: (first(home) / "manifest.json").write_bytes(
            next(p for p in home.glob("captures/*/*/*/*/manifest.json") if p.parent != first(home)).read_bytes()
        ),
        "manifest",
    ),
    "manifest removed": (lambda home: (first(home) / "manifest.json").unlink(), "manifest"),
    "capture folder removed": (lambda home: shutil.rmtree(first(home)), "manifest"),
    "checkpoint flipped": (lambda home: flip(home / "ledger" / "checkpoint", 30), "checkpoint"),
    "checkpoint removed": (lambda home: (home / "ledger" / "checkpoint").unlink(), "checkpoint"),
    "checkpoint signed by a forger": (reseal_by_forger, "checkpoint"),
    "ledger rolled back": (roll_back, "rollback"),
    "hash tile flipped": (lambda home: flip(next((home / "ledger" / "tile" / "0").rglob("[0-9]*/[0-9]*"))), "tiles"),
    "entry tile flipped": (lambda home: flip(next((home / "ledger" / "tile" / "entries").rglob("[0-9]*/[0-9]*"))), "tiles"),
    "earlier checkpoint rewritten": (
        lambda home: (home / "ledger" / "checkpoints" / "2").write_bytes((home / "ledger" / "checkpoint").read_bytes()), "history",
    ),
    "event rewritten": (rewrite_event, "event"),
    "event removed": (lambda home: newest_event(home).unlink(), "event"),
    "event swapped": (lambda home: newest_event(home).write_bytes(sorted(home.glob("events/*/*.json"))[1].read_bytes()), "event"),
    "event not canonical": (lambda home: newest_event(home).write_bytes(newest_event(home).read_bytes() + b"\n"), "event"),
    "catalog post changed": (lambda home: run_sql(home, "UPDATE posts SET line=replace(line, 'Four', 'Five')"), "catalog"),
    "catalog event changed": (lambda home: run_sql(home, "UPDATE events SET body=replace(body, 'cameras', 'lenses')"), "catalog"),
    "catalog record offset changed": (lambda home: run_sql(home, 'UPDATE records SET "offset"="offset"+1 WHERE n=1'), "catalog"),
    "catalog inventory removed": (lambda home: run_sql(home, "DELETE FROM inventory WHERE n=2"), "catalog"),
    "catalog not a database": (garbage_catalog, "catalog"),
    "capture left open": (
        lambda home: ((home / "captures/2026/01/01/20260101T000000-zzzzzzzz").mkdir(parents=True),
                      (home / "captures/2026/01/01/20260101T000000-zzzzzzzz/open.json").write_text("{}"))[0], "open",
    ),
}  # fmt: skip


def test_an_intact_home_is_intact(home: Path) -> None:
    lines = check_home(home)
    assert worst(lines) == 0, [line.text() for line in lines]
    assert not [line for line in lines if line.finding in (Finding.DAMAGED, Finding.UNKNOWN)]
    assert any("NOT TIMESTAMPED" in line.detail for line in lines)
    assert any("NOT EVIDENCE" in line.detail for line in lines)


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.damages
def test_damage_is_found_and_named(home: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    damage, where = DAMAGE[name]
    damage(home)
    code = main(["check", "--home", str(home), "--quiet"], None, {})
    out = capsys.readouterr().out
    assert code == 5, out
    assert any(line.startswith("DAMAGED") and where in line for line in out.splitlines()), out
    assert "Traceback" not in out


def test_no_public_key_means_cannot_tell(home: Path) -> None:
    (home / "keys" / "ledger.vkey").unlink()
    assert worst(check_home(home)) == 6
    assert main(["check", "--home", str(home)], None, {}) == 6


def test_no_head_means_rollback_cannot_be_told(home: Path) -> None:
    (home / "keys" / "ledger.head").unlink()
    assert worst(check_home(home)) == 6


def resealed(home: Path, change: Callable[[Path], None]) -> Path:
    """A forger with the keys: changes a capture, writes a fitting manifest, and seals it as a new event."""
    from archiver.seal.sealing import captured_event
    from storage.capture import finish_folder

    folder = first(home)
    manifest = canonical.loads((folder / "manifest.json").read_bytes())
    (folder / "open.json").write_bytes(
        canonical.dumps(
            {
                **{k: manifest[k] for k in ("capture", "run", "part", "opened", "software", "test_routes")},
                "target": manifest["target"]["commitment"],
            }
        )
    )
    change(folder)
    (folder / "manifest.json").unlink()
    facts = {
        key: manifest[key]
        for key in ("closed", "clock", "outcome", "reason", "withheld", "hosts", "refused_hosts", "recovered")
    }
    finish_folder(folder, facts, None, {})
    opened = Home(home)
    LocalSigner(opened).append([captured_event(opened, folder.relative_to(home), ["inbox"])])
    return folder


def drop_last_member(folder: Path) -> None:
    path = sorted(folder.glob("*.warc.gz"))[0]
    path.write_bytes(b"".join(members(path)[:-1]))


def rewrite(folder: Path, plain: list[bytes]) -> None:
    """Writes the main file anew and lists each record where it now lies."""
    path = sorted(folder.glob("*.warc.gz"))[0]
    packed = [gzip.compress(one, mtime=0) for one in plain]
    path.write_bytes(b"".join(packed))
    places = iter([(sum(map(len, packed[:n])), len(one)) for n, one in enumerate(packed)])

    def placed(line: bytes) -> bytes:
        value = json.loads(line)
        if value["file"] == path.name and (place := next(places, None)):
            value["offset"], value["length"] = place
        return json.dumps(value, ensure_ascii=False).encode()

    edit_lines(folder / "records.jsonl", lambda lines: [placed(line) for line in lines])


def without_digest(folder: Path) -> None:
    path = sorted(folder.glob("*.warc.gz"))[0]
    plain = [gzip.decompress(one) for one in members(path)]
    lines = [line for line in plain[1].split(b"\r\n") if not line.startswith(b"WARC-Block-Digest")]
    plain[1] = b"\r\n".join(lines)
    rewrite(folder, plain)


def two_in_one_member(folder: Path) -> None:
    path = sorted(folder.glob("*.warc.gz"))[0]
    plain = [gzip.decompress(one) for one in members(path)]
    rewrite(folder, [plain[0], plain[1] + plain[2], *plain[3:]])


def changed_body(folder: Path) -> None:
    path = sorted(folder.glob("*.warc.gz"))[0]
    plain = [gzip.decompress(one) for one in members(path)]
    plain = [one.replace("сурет".encode(), "сурeт".encode()) for one in plain]
    rewrite(folder, plain)


def forgotten_outcome(folder: Path) -> None:
    edit_lines(
        folder / "inventory.jsonl",
        lambda lines: [line for line in lines if not (b'"post ozen_today/16 #2"' in line and b'"outcome"' in line)],
    )


def lying_census(folder: Path) -> None:
    edit_lines(
        folder / "inventory.jsonl",
        lambda lines: [line.replace(b'"marker":"videos","raw":2', b'"marker":"videos","raw":3') for line in lines],
    )


def hidden_disagreement(folder: Path) -> None:
    lying_census(folder)
    edit_lines(
        folder / "inventory.jsonl",
        lambda lines: [
            line.replace(b'"raw":3,"parsed":2,"agrees":true', b'"raw":3,"parsed":2,"agrees":false') for line in lines
        ],
    )


def other_target(folder: Path) -> None:
    edit_lines(
        folder / "inventory.jsonl",
        lambda lines: [
            line.replace(b"https://t.me/ozen_today/16", b"https://t.me/ozen_today/99")
            if b'"kind":"target"' in line
            else line
            for line in lines
        ],
    )


def unsalted(folder: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        return [
            json.dumps({key: value for key, value in json.loads(line).items() if key != "salt"}).encode()
            for line in lines
        ]

    edit_lines(folder / "posts.jsonl", change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_last_member, "listed but not there"),
        (without_digest, "no block digest"),
        (two_in_one_member, "more than one is in the member"),
        (changed_body, "the block is not what its digest says"),
        (forgotten_outcome, "without an outcome"),
        (lying_census, "says it agrees"),
        (hidden_disagreement, "the capture says captured"),
        (other_target, "not the one that the manifest commits to"),
        (unsalted, "has no salt"),
    ],
)
@pytest.mark.damages
def test_a_fitting_manifest_does_not_hide_it(home: Path, change: Callable[[Path], None], said: str) -> None:
    """Every digest above is right; only looking at the content finds it. `warcio check` passes the first three."""
    resealed(home, change)
    details = [line.detail for line in check_home(home) if line.finding is Finding.DAMAGED]
    assert any(said in detail for detail in details), details


def test_check_reads_and_changes_nothing(home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "catalog" not in path.name}
    main(["check", "--home", str(home)], None, {})
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "catalog" not in path.name}
    assert before == after


def test_a_missing_catalog_is_no_damage_and_can_be_made_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from storage.catalog_schema import TABLES

    before = Home(home).catalog
    rows = {table: before.rows(table) for table in TABLES}
    before.close()
    for path in home.glob("catalog.sqlite*"):
        path.unlink()
    assert worst(check_home(home)) == 0
    assert main(["catalog", "rebuild", "--home", str(home)], None, {}) == 0
    after = Home(home).catalog
    assert {table: after.rows(table) for table in TABLES} == rows


def test_one_capture_or_case_can_be_checked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = first(home).name
    assert main(["check", name[-8:], "--home", str(home)], None, {}) == 0
    assert "1 capture looked at" in capsys.readouterr().out
    assert main(["check", "inbox", "--home", str(home)], None, {}) == 0
    assert "2 captures looked at" in capsys.readouterr().out
    assert main(["check", "nosuch", "--home", str(home)], None, {}) == 1


def test_a_clock_that_jumped_is_noted(home: Path) -> None:
    def jump(folder: Path) -> None:
        return

    folder = first(home)
    value = canonical.loads((folder / "manifest.json").read_bytes())
    value["clock"]["wall_ms"] = value["clock"]["elapsed_ms"] - 3_600_000
    (folder / "manifest.json").write_bytes(canonical.dumps(value))
    resealed(home, jump)
    assert any("jumped by -3600.0 s" in line.detail for line in check_home(home))
