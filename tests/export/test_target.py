"""Where a package goes: what does not fit is said first, what was stopped is gone on with, and volumes are one package."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
import pytest

from archiver.cli.main import main
from archiver.cli.pace import Pace
from archiver.copies.evict import CopiesFetch
from archiver.errors import UsageError
from archiver.export import unpack
from archiver.export.encrypting import pack
from archiver.export.make import Package, PackageRequest, make_package
from archiver.export.progress import ExportProgress
from archiver.export.target import Needs, place_of, refuse_what_does_not_fit, target_error, volume_size
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.signer.local import LocalSigner
from archiver.signer.withheld import LocalDecryptor
from storage.errors import DiskError
from tests.support.checking import by_script_here, remembering, without_prints
from tests.support.kept_homes import unpack_home

FAT32 = (1 << 32) - 1


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(unpack_home(tmp_path_factory.mktemp("kept")), environment={})


@pytest.fixture(scope="module")
def counsel() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def make(
    home: Home, to: Path, progress: Callable[[ExportProgress], None] = lambda now: None, **more: Any
) -> Package | None:
    request = PackageRequest("almaty", to, more.pop("profile", "full"), **more)
    signer, decryptor = LocalSigner(home), LocalDecryptor(home.path)
    with without_prints(), remembering():
        return make_package(
            home, signer, request, lambda lines: True, fetch=CopiesFetch(home), decryptor=decryptor, progress=progress
        )


@contextmanager
def files_of_at_most(count: int) -> Iterator[None]:
    """As on a disk whose file system takes no larger ones."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# -- before it begins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"), [("4G", 4 * 10**9), ("650M", 650 * 10**6), ("1.5 GB", 1_500_000_000), ("2000000", 2_000_000)]
)
def test_sizes_as_people_write_them(text: str, count: int) -> None:
    assert volume_size(text) == count


@pytest.mark.parametrize("text", ["", "0", "-4G", "4X", "100k", "four", "1e9", "999999"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--volumes"):
        volume_size(text)


def test_what_a_disk_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(tmp_path / "not" / "there").there == tmp_path
    assert place_of(tmp_path).largest is None
    with files_of_at_most(7 << 20):
        assert place_of(tmp_path).largest == 7 << 20
    true = os.lseek

    def fat(number: int, position: int, how: int) -> int:
        """Linux refuses a place behind the largest file of a file system (`generic_file_llseek`)."""
        if position > FAT32:
            raise OSError(errno.EINVAL, "Invalid argument")
        return true(number, position, how)

    monkeypatch.setattr("archiver.export.target.os.lseek", fat)
    assert place_of(tmp_path).largest == FAT32
    large = Needs(30 * 10**9, 28 * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))  # type: ignore[attr-defined]
    for one_file in (False, True):
        with pytest.raises(DiskError, match=r"at most 4\.3 GB.*--volumes 4G"):
            refuse_what_does_not_fit(large, tmp_path, tmp_path, volume=None, one_file=one_file, done=0)
    refuse_what_does_not_fit(large, tmp_path, tmp_path, volume=volume_size("4G"), one_file=True, done=0)
    assert not list(tmp_path.iterdir()), "looking leaves nothing"


def test_room_is_counted_where_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice on one disk where it is packed, and not again where it lies already."""
    needs = Needs(30 * 10**9, 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 40 * 10**9))  # type: ignore[attr-defined]
    refuse_what_does_not_fit(needs, tmp_path, tmp_path, volume=None, one_file=False, done=0)
    with pytest.raises(DiskError, match=r"60\.1 GB free.*the copy that it is packed from"):
        refuse_what_does_not_fit(needs, tmp_path, tmp_path, volume=None, one_file=True, done=0)
    refuse_what_does_not_fit(needs, tmp_path, tmp_path, volume=None, one_file=True, done=29 * 10**9)
    with pytest.raises(UsageError, match="at most 999 volumes"):
        refuse_what_does_not_fit(needs, tmp_path, tmp_path, volume=10**6, one_file=True, done=0)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.ENOENT, errno.EIO, errno.ENODEV, errno.EPERM]
)
def test_what_a_disk_refuses_later(number: int) -> None:
    said = target_error(OSError(number, os.strerror(number)), "writing it")
    assert "sealed as partial" not in said.next_step, "that is said of captures"
    assert said.next_step


def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    (folder := tmp_path / "p").mkdir()
    (folder / "film").write_bytes(os.urandom(3_000_000))
    (to := tmp_path / "usb").mkdir()
    with files_of_at_most(2_000_000):
        with pytest.raises(DiskError, match="--volumes 4G"):
            pack(folder, to / "p.tar", [])
        assert not list(to.iterdir())
        pack(folder, to / "p.tar.volumes", [], 1_500_000)
    names = sorted(path.name for path in (to / "p.tar.volumes").iterdir())
    assert names == ["README.txt", "p.tar.001", "p.tar.002", "p.tar.003", "volumes.txt"]


def test_what_stops_the_reading_or_writing_of_age_is_told_as_it_is(
    tmp_path: Path, counsel: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """age itself says only that something failed: a full disk, or Ctrl-C in a check, would be a package that was cut."""
    (folder := tmp_path / "p").mkdir()
    (folder / "film").write_bytes(os.urandom(3_000_000))
    with files_of_at_most(2_000_000), pytest.raises(DiskError, match="--volumes 4G"):
        pack(folder, tmp_path / "p.tar.age", [counsel.to_public()])
    pack(folder, tmp_path / "p.tar.age", [counsel.to_public()])

    def stopped(*given: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(unpack._Joined, "read", stopped)
    with pytest.raises(KeyboardInterrupt), unpack.opened(tmp_path / "p.tar.age", [counsel], tmp_path):
        pass


# -- stopped, and gone on with ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["writing", "searching for secrets", "encrypting"])
def test_what_was_stopped_is_gone_on_with(
    home: Home, counsel: pyrage.x25519.Identity, tmp_path: Path, step: str
) -> None:
    """And no plain file ever lies where an encrypted package goes."""
    seen: list[str] = []

    def stop(now: ExportProgress) -> None:
        assert not any(path.is_dir() for path in tmp_path.iterdir())
        seen.append(now.step)
        if now.step == step and seen.count(step) > 1:
            raise KeyboardInterrupt

    wanted: dict[str, Any] = {"encrypt_to": (str(counsel.to_public()),), "name": f"stopped-{len(step)}"}
    events = len(home.catalog.all_bodies())
    with pytest.raises(KeyboardInterrupt):
        make(home, tmp_path, stop, **wanted)
    assert not list(tmp_path.iterdir())
    assert len(home.catalog.all_bodies()) == events
    made = make(home, tmp_path, **wanted)
    assert made is not None
    assert made.resumed > 0
    assert [path.name for path in tmp_path.iterdir()] == [made.path.name]
    assert not list((home.path / "exports").iterdir())


def test_a_target_that_vanishes(home: Home, tmp_path: Path) -> None:
    """The stick was pulled: what is said does not speak of captures, and the same call works once it is there again."""
    to, told = tmp_path / "usb", []

    def pull(now: ExportProgress) -> None:
        told.append(now)
        if len(told) == 2:
            shutil.rmtree(to)

    with pytest.raises(DiskError, match="no longer connected"):
        make(home, to, pull, profile="full", plain=True, name="pulled")
    assert not to.exists(), "nothing is written where the stick was"
    made = make(home, to, plain=True, name="pulled")
    assert made is not None
    assert made.path.is_dir()


def test_a_command_that_was_stopped_says_what_is_kept(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[ExportProgress] = []

    def stopped(*given: object, progress: Callable[[ExportProgress], None], **more: object) -> None:
        for now in begun:
            progress(now)
        raise KeyboardInterrupt

    monkeypatch.setattr("archiver.export.make.make_package", stopped)
    words = ["--home", str(home.path), "export", "almaty", "--to", str(tmp_path), "--profile", "full", "--yes"]
    for told, said in (
        ([], "Nothing was written."),
        ([ExportProgress("writing", 1, 10)], "the same command goes on from there"),
    ):
        begun[:] = told
        assert main(words, None, {}) == 4
        assert said in capsys.readouterr().err


def test_the_pace_is_told_once_it_is_known() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert not pace.begun
    assert pace.text("writing", 10**6, 10**9) == "writing: 1.0 MB of about 1.0 GB"
    now = 10.0
    assert pace.text("writing", 5 * 10**8, 10**9) == "writing: 500.0 MB of about 1.0 GB · 50.0 MB/s · about 10 s left"
    assert pace.text("writing", 2 * 10**9, 10**9) == "writing: 2.0 GB · 200.0 MB/s", "what was estimated was wrong"
    assert pace.text("encrypting", 0, None) == "encrypting: 0 bytes", "each step has its own pace"
    now = 10_010.0
    assert pace.text("encrypting", 10**6, 10**9).endswith("about 2775.0 h left")


# -- volumes ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cut_up(home: Home, counsel: pyrage.x25519.Identity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("volumes")
    made = make(home, to, encrypt_to=(str(counsel.to_public()),), name="cut-up", volume=1_000_000)
    assert made is not None
    assert made.path == to / "cut-up.tar.age.volumes"
    return made.path


@pytest.fixture
def volumes(cut_up: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cut_up, tmp_path / "cut-up", copy_function=os.link))


@pytest.fixture
def check(
    home: Home, counsel: pyrage.x25519.Identity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path], tuple[int, str]]:
    """What both say of a folder of volumes: `archiver check` opens it where `check.py` says how to."""
    identity = tmp_path / "identity.txt"
    identity.write_text(f"{counsel}\n")
    words = ["--identity", str(identity), "--fingerprint", fingerprint(home.ledger_key_text())]

    def checked(path: Path) -> tuple[int, str]:
        capsys.readouterr()
        with remembering():
            code = main(["--home", str(tmp_path / "none"), "check", str(path), *words], None, {})
        out = capsys.readouterr().out
        folder = path if path.is_dir() else path.parent
        by_script, said = by_script_here(folder)
        assert said.splitlines()[0] == out.splitlines()[0]
        assert by_script == (code or 6), said
        return code, out

    return checked


def test_volumes_are_one_package(cut_up: Path, check: Callable[[Path], tuple[int, str]]) -> None:
    sizes = [path.stat().st_size for path in sorted(cut_up.glob("*.age.[0-9]*"))]
    assert len(sizes) > 1
    assert set(sizes[:-1]) == {1_000_000}
    code, out = check(cut_up)
    assert code == 0, out
    assert f"{len(sizes)} volumes, each as volumes.txt lists it" in out
    assert check(cut_up / "cut-up.tar.age.001")[0] == 0, "one names them all"


def test_volumes_are_joined_without_our_program(
    cut_up: Path, home: Home, counsel: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    """By the commands of the README that lies beside them."""
    subprocess.run(["sha256sum", "--quiet", "-c", "volumes.txt"], cwd=cut_up, check=True)
    told = (cut_up / "README.txt").read_text()
    join = next(line.strip() for line in told.splitlines() if line.strip().startswith("cat "))
    joined = join.split()[-1]
    subprocess.run(f"{join.rpartition('>')[0]} > {tmp_path / joined}", shell=True, cwd=cut_up, check=True)
    windows = next(line for line in told.splitlines() if "copy /b" in line)
    assert windows.count(" + ") == len(list(cut_up.glob("*.age.[0-9]*"))) - 1
    plain = pyrage.decrypt((tmp_path / joined).read_bytes(), [counsel])
    subprocess.run(["tar", "x", "-C", tmp_path], input=plain, check=True)
    with remembering():
        code, said = by_script_here(tmp_path / "cut-up", "--fingerprint", fingerprint(home.ledger_key_text()))
    assert code == 0, said


@pytest.mark.parametrize("without_list", [False, True])
@pytest.mark.parametrize("lost", ["001", "002", "last"])
def test_a_volume_that_lacks_is_named(
    volumes: Path, check: Callable[[Path], tuple[int, str]], lost: str, without_list: bool
) -> None:
    names = sorted(path.name for path in volumes.glob("*.age.[0-9]*"))
    name = names[-1] if lost == "last" else f"cut-up.tar.age.{lost}"
    (volumes / name).unlink()
    if without_list:
        (volumes / "volumes.txt").unlink()
    code, out = check(volumes)
    if without_list and name == names[-1]:
        assert (code, "nobody can tell whether these are all" in out) == (6, True), out
    else:
        assert (code, name in out) == (2, True), out


def test_volumes_that_were_changed_or_do_not_belong(volumes: Path, check: Callable[[Path], tuple[int, str]]) -> None:
    first = volumes / "cut-up.tar.age.001"
    listed = (volumes / "volumes.txt").read_bytes()
    (volumes / "volumes.txt").unlink()
    (volumes / "volumes.txt").write_bytes(listed.replace(b"\n", b"\r\n"))  # by mail: it lists the same
    assert check(volumes)[0] == 0
    (volumes / "cut-up.tar.age.900").write_bytes(b"x")
    assert check(volumes)[0] == 6
    (volumes / "cut-up.tar.age.900").rename(volumes / "another.tar.001")
    code, out = check(volumes)
    assert (code, "keep them in folders of their own" in out) == (6, True)
    (volumes / "another.tar.001").unlink()
    data = first.read_bytes()
    first.unlink()
    first.write_bytes(data[:-1])
    code, out = check(volumes)
    assert (code, "cut-up.tar.age.001 was cut or changed on the way" in out) == (2, True)
    (volumes / "volumes.txt").write_text("nothing of it\n")
    assert check(volumes)[0] == 6
