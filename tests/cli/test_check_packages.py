"""`archiver check PACKAGE`: what a person demands is never passed over, and a packed package is opened with care."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from archiver.cli.main import main
from archiver.home.people import key_words
from tests.support.kept_homes import SECOND_KEY, unpack_package
from tests.support.packages import write_manifests

INTACT = (
    "INTACT, and signed by the key that you named; profile full; time by roots that came with the package; NOT EVIDENCE"
)
TAMPERED = "TAMPERED: do not rely on this package"
DEMANDS = (("--fingerprint", SECOND_KEY), ("--root", "ab" * 32), ("--checkpoint", "KEPT"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests that change nothing in it."""
    return unpack_package(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return unpack_package(tmp_path / "p")


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run `archiver check`, of somebody who has no home; return (exit code, what it printed)."""
    kept = tmp_path / "kept"
    kept.write_text("a file that is no checkpoint")

    def run(path: Path, *words: str) -> tuple[int, str]:
        capsys.readouterr()
        given = [str(kept) if word == "KEPT" else word for word in words]
        code = main(["--home", str(tmp_path / "none"), "check", str(path), *given], None, {})
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def last(out: str) -> str:
    return out.rstrip().rpartition("\n")[2]


def test_the_last_line_is_that_of_check_py(whole: Path, check: Callable[..., tuple[int, str]]) -> None:
    code, out = check(whole, "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (0, INTACT)
    code, out = check(whole)
    assert code == 6
    assert last(out).startswith("CANNOT TELL: see the lines above; profile full")
    code, out = check(whole, "--fingerprint", SECOND_KEY, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1] == {"verdict": INTACT, "profile": "full", "exit": 0}
    assert {line["finding"] for line in lines[:-1]} == {"intact", "note"}


# -- given means demanded ------------------------------------------------------------------------------------


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand[0])
@pytest.mark.parametrize("what", ["wacz", "warc", "bag"])
def test_what_is_no_package_of_ours_is_never_called_intact(
    whole: Path, check: Callable[..., tuple[int, str]], tmp_path: Path, what: str, demand: tuple[str, str]
) -> None:
    """Nothing in it is signed by a ledger's key, so that what was asked for cannot be told."""
    path = tmp_path / f"a.{what}"
    if what == "wacz":
        shutil.copy(whole / "data" / "archive.wacz", path)
    elif what == "warc":
        path = tmp_path / "a.warc.gz"
        with zipfile.ZipFile(whole / "data" / "archive.wacz") as archive:
            path.write_bytes(archive.read(next(name for name in archive.namelist() if name.endswith(".warc.gz"))))
    else:
        (path / "data").mkdir(parents=True)
        (path / "data" / "a.txt").write_bytes(b"a")
        (path / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        (path / "manifest-sha256.txt").write_text(f"{digest}  data/a.txt\n")
    code, out = check(path)
    assert code == 0, out
    code, out = check(path, *demand)
    assert code == 6, out
    assert f"{demand[0]}: no package of archiver" in out or "no fingerprint of a root" in out


STRIPPED: dict[str, tuple[str, ...]] = {
    "nothing else": (),
    "what names its rules": ("data/package.json",),
    "what describes it": ("bagit-profile.json",),
    "all but bag-info.txt": ("data/package.json", "bagit-profile.json", "README.txt", "START-HERE.html", "check.py"),
}


@pytest.mark.parametrize("more", list(STRIPPED))
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_package_whose_signature_was_taken_out(
    package: Path, check: Callable[..., tuple[int, str]], more: str, packed: bool
) -> None:
    """With its words changed and its lists made anew it is a bag without a fault, and still one of ours."""
    sheet = package / "data" / "tables" / "posts.csv"
    sheet.write_bytes(sheet.read_bytes() + b"more")
    for name in ("proofs", "signature"):
        shutil.rmtree(package / name)
    for name in STRIPPED[more]:
        (package / name).unlink()
    write_manifests(package)
    path = zipped(package) if packed else package
    for words in ((), ("--fingerprint", SECOND_KEY)):
        code, out = check(path, *words)
        assert code == 2, out
        assert last(out).startswith("INCOMPLETE: something is missing")


@pytest.mark.parametrize("root", ["sha256 Fingerprint=", "", "0x"])
def test_a_root_as_openssl_prints_it(whole: Path, check: Callable[..., tuple[int, str]], root: str) -> None:
    names = [path.read_text().strip() for path in sorted(whole.glob("proofs/timestamps/*/*.root"))]
    words = [word for name in names for word in ("--root", root + name.upper())]
    code, out = check(whole, "--fingerprint", SECOND_KEY, *words)
    assert (code, last(out)) == (0, INTACT.replace("time by roots that came with the package; ", ""))
    assert "2 of 2 captures are covered by a stamp under a root that you named" in out


def test_a_root_that_is_no_fingerprint(whole: Path, check: Callable[..., tuple[int, str]]) -> None:
    code, out = check(whole, "--fingerprint", SECOND_KEY, "--root", "DigiCert")
    assert code == 6
    assert "is no fingerprint of a root certificate" in out


# -- packed --------------------------------------------------------------------------------------------------


def zipped(package: Path, *, folder: str = "", more: dict[str, bytes] | None = None) -> Path:
    """A ZIP of a package, made as people do; `more`: entries that somebody added, `folder`: what it is called in it."""
    path = package.parent / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for one in sorted(package.rglob("*")):
            archive.write(one, f"{folder or package.name}/{one.relative_to(package).as_posix()}")
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return path


def tarred(package: Path, *more: tarfile.TarInfo) -> Path:
    """A tar of a package as `tar cf` makes it, with its folders."""
    path = package.parent / "package.tar"
    subprocess.run(["tar", "cf", path, package.name], cwd=package.parent, check=True)
    with tarfile.open(path, "a") as archive:
        for entry in more:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, to, 3 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_packed_package_is_checked_as_its_folder_is(
    package: Path, check: Callable[..., tuple[int, str]], pack: Callable[[Path], Path]
) -> None:
    code, out = check(pack(package), "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (0, INTACT)
    assert check(pack(package), "--fingerprint", "0" * 64)[0] == 5
    sheet = package / "data" / "tables" / "posts.csv"
    sheet.write_bytes(sheet.read_bytes() + b"more")
    code, out = check(pack(package), "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (5, TAMPERED)


@pytest.mark.parametrize(
    ("name", "kind", "to"),
    [
        ("READ-ME-FIRST.html", tarfile.REGTYPE, ""),
        ("other/x", tarfile.REGTYPE, ""),
        ("almaty-full/README.txt", tarfile.REGTYPE, ""),
        ("../evil", tarfile.REGTYPE, ""),
        ("/etc/evil", tarfile.REGTYPE, ""),
        ("almaty-full/README.txt/x", tarfile.REGTYPE, ""),
        ("almaty-full/data/photo-\udcff.jpg", tarfile.REGTYPE, ""),
        ("almaty-full/data/l", tarfile.SYMTYPE, "/etc/passwd"),
        ("almaty-full/data/l", tarfile.LNKTYPE, "almaty-full/README.txt"),
        ("almaty-full/data/p", tarfile.FIFOTYPE, ""),
    ],
)
def test_what_nobody_packs_with_a_package(
    package: Path, check: Callable[..., tuple[int, str]], name: str, kind: bytes, to: str
) -> None:
    code, out = check(tarred(package, entry(name, kind, to)), "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (5, TAMPERED), out
    assert not (package.parent.parent / "evil").exists()


@pytest.mark.parametrize("name", ["argparse.py", "other/x", "almaty-full/README.txt", "../evil", "C:\\evil"])
def test_what_nobody_zips_with_a_package(package: Path, check: Callable[..., tuple[int, str]], name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that stands twice
        path = zipped(package, more={name: b"x"})
    code, out = check(path, "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (5, TAMPERED), out


def test_a_link_in_a_zip(package: Path, check: Callable[..., tuple[int, str]]) -> None:
    path = zipped(package)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("almaty-full/data/l")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert check(path, "--fingerprint", SECOND_KEY)[0] == 5


def test_zipped_by_a_mac(package: Path, check: Callable[..., tuple[int, str]]) -> None:
    """It adds a folder of its own, which says nothing of the package."""
    path = zipped(package, more={"__MACOSX/almaty-full/._README.txt": b"\0\5\x16\7", "almaty-full/.DS_Store": b"x"})
    code, out = check(path, "--fingerprint", SECOND_KEY)
    assert code == 6, out
    assert "written by an operating system or another program: remove them and check again" in out
    assert out.count("TAMPERED") == 0


def test_packed_without_its_folder(package: Path, check: Callable[..., tuple[int, str]]) -> None:
    path = package.parent / "flat.tar"
    subprocess.run(["tar", "cf", path, "-C", package, "."], check=True)
    code, out = check(path, "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (0, INTACT)


def test_one_that_is_cut(package: Path, check: Callable[..., tuple[int, str]]) -> None:
    path = tarred(package)
    path.write_bytes(path.read_bytes()[:200_000])
    code, out = check(path, "--fingerprint", SECOND_KEY)
    assert (code, last(out)) == (2, "INCOMPLETE: something is missing")


def test_a_zip_that_would_fill_the_disk(
    package: Path, check: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.checks.packages.GROWN", 1 << 20)  # in use it is a gigabyte, which takes long to pack
    path = zipped(package, more={"almaty-full/data/large": bytes(4 << 20)})
    code, out = check(path, "--fingerprint", SECOND_KEY)
    assert code == 6
    assert "would grow" in out


@pytest.mark.parametrize("words", [(), ("--fingerprint", SECOND_KEY)])
@pytest.mark.parametrize("name", ["gone", "gone.tar.age"])
def test_a_path_at_which_nothing_is(
    tmp_path: Path, check: Callable[..., tuple[int, str]], name: str, words: tuple[str, ...]
) -> None:
    code, out = check(tmp_path / name, *words)
    assert code == 1
    assert f"a package at {tmp_path / name}" in out
    assert "case list" not in out


def test_a_letter_that_was_mistyped(whole: Path, check: Callable[..., tuple[int, str]]) -> None:
    words = key_words(SECOND_KEY)
    mistyped = [*words[:-1], words[-1][:-1] + ("b" if words[-1][-1] != "b" else "d")]
    code, out = check(whole, "--fingerprint", " ".join(mistyped))
    assert (code, last(out).partition(";")[0]) == (5, TAMPERED)
    assert f"in words: {' '.join(words)}. One wrong letter names another key" in out


def test_a_key_that_does_not_open_it(tmp_path: Path, check: Callable[..., tuple[int, str]]) -> None:
    theirs, ours = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    packed, file = tmp_path / "case.tar.age", tmp_path / "key.txt"
    packed.write_bytes(pyrage.encrypt(b"any", [theirs.to_public()]))
    file.write_text(f"{ours}\n")
    code, out = check(packed, "--identity", str(file))
    assert code == 6
    assert "only keys to which it was not encrypted" in out
    assert "--identity FILE" in out
