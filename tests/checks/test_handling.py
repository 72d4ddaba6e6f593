"""What happens to an honest package on its way is never called tampering, by either checker.

Intact where nothing of its content changed and nothing lies in it that does not belong; else a sentence says what to do.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.cli.main import main
from tests.support.checking import by_script_here, remembering
from tests.support.kept_homes import SECOND_KEY, unpack_package

INTACT, MISSING, CANNOT_TELL = 0, 2, 6
SCRIPT = Path(__file__).parents[2] / "archiver" / "export" / "check.py"
LEFT = "written by an operating system or another program: remove it and check again"
LINES = "copy the package again as binary files"
RENAMED = "names were changed on the way. Copy or unpack the package again"


@dataclass(frozen=True)
class Handling:
    """One kind of handling: what it makes of a package, and what both checkers say then."""

    name: str
    make: Callable[[Path], Path]
    """Given the folder of a package that may be changed; returns what is checked."""
    expected: int = INTACT
    words: str = ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_package(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def package(whole: Path, tmp_path: Path) -> Path:
    """Its files are the same as those of `whole`: one that is to be changed is written anew."""
    return Path(shutil.copytree(whole, tmp_path / "way" / whole.name, copy_function=os.link))


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    data = change(path.read_bytes())
    path.unlink()
    path.write_bytes(data)


def files_of(package: Path) -> list[Path]:
    return sorted(path for path in package.rglob("*") if path.is_file())


# -- folders -------------------------------------------------------------------------------------------------


def left(name: str) -> Handling:
    def make(package: Path) -> Path:
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")
        return package

    return Handling(f"left behind: {name!r}", make, CANNOT_TELL, LEFT)


LEFT_BEHIND = [
    ".DS_Store", "data/._report.html", "__MACOSX/._almaty-full", "Icon\r", ".Spotlight-V100/store.db", ".localized",
    "data/Thumbs.db", "data/THUMBS.DB", "desktop.ini", "Desktop.ini", "$RECYCLE.BIN/x", "System Volume Information/x",
    "FOUND.000/FILE0000.CHK", "data/report.html:Zone.Identifier", "data/~$tables.xlsx", "data/.~lock.tables.xlsx#",
    "data/.report.html.Ab3dE6", ".rsync-partial/x", "data/.fuse_hidden0000a1", "data/.nfs00000001", ".Trash-1000/x",
    "lost+found/x", ".directory", "@eaDir/x", ".stfolder", "data/.syncthing.report.html.tmp", ".dropbox.attr",
    "data/.goutputstream-1A2B3C",
]  # fmt: skip


def nothing(package: Path) -> Path:
    return package


def times_and_rights_lost(package: Path) -> Path:
    for path in [package, *package.rglob("*")]:
        if path.is_file():
            rewritten(path, bytes)
            os.utime(path, (315_532_800, 315_532_800))  # 1980, where FAT begins
        path.chmod(0o777)
    return package


def read_only(package: Path) -> Path:
    copied = Path(shutil.copytree(package, package.with_name("medium")))
    for path in [*copied.rglob("*"), copied]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return copied


def symlinked(package: Path) -> Path:
    link = package.with_name("link")
    link.symlink_to(package)
    return link


def deep(package: Path) -> Path:
    folder = package.parent
    for _ in range(16):
        folder = folder / ("long" * 50)
    folder.mkdir(parents=True)
    return package.rename(folder / package.name)


def renamed(package: Path) -> Path:
    return package.rename(package.with_name("Дело № 7 (копия)"))


def one_deeper(package: Path) -> Path:
    return package.parent


def three_deeper(package: Path) -> Path:
    around = package.parents[1] / "Мои документы" / "Case (final)"
    around.mkdir(parents=True)
    package.rename(around / package.name)
    (around / ".DS_Store").write_bytes(b"x")
    return around.parent


def copied(package: Path) -> Path:
    subprocess.run(["cp", "-r", package, package.with_name("copy")], check=True)
    return package.with_name("copy")


def in_lower_case(package: Path) -> Path:
    for path in sorted(package.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(path.name.lower()))
    return package


def in_upper_case(package: Path) -> Path:
    for path in sorted(package.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(path.name.upper()))
    return package


def one_in_upper_case(package: Path) -> Path:
    path = package / "data" / "report.html"
    path.rename(path.with_name("Report.HTML"))
    return package


def on_a_cd(package: Path) -> Path:
    """ISO 9660 without Joliet, as some systems show it."""
    for path in files_of(package):
        path.rename(path.with_name(f"{path.name.upper().replace('-', '_')};1"))
    return package


def on_old_fat(package: Path) -> Path:
    """Names of eight and three letters."""
    for number, path in enumerate(files_of(package)):
        stem, ending = path.stem.upper(), path.suffix.upper()[:4]
        path.rename(path.with_name(path.name.upper() if len(stem) <= 8 else f"{stem[:5]}~{number}{ending}"))
    return package


def other_line_ends(package: Path) -> Path:
    for path in files_of(package):
        if path.suffix in (".txt", ".csv", ".json", ".jsonl", ".html", ".py", ".note"):
            rewritten(path, lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return package


def other_line_ends_in_one(package: Path) -> Path:
    rewritten(package / "README.txt", lambda data: data.replace(b"\n", b"\r\n"))
    return package


def not_all_copied(package: Path) -> Path:
    (package / "data" / "archive.wacz").unlink()
    return package


def copied_without_bytes(package: Path) -> Path:
    rewritten(package / "data" / "archive.wacz", lambda data: b"")
    return package


def filled_with_zeros(package: Path) -> Path:
    """As journals of file systems leave a file of which only the size reached the disk."""
    rewritten(package / "data" / "archive.wacz", lambda data: bytes(len(data)))
    return package


FOLDERS = [
    Handling("nothing", nothing),
    Handling("times and rights lost", times_and_rights_lost),
    Handling("read-only medium", read_only),
    Handling("through a link", symlinked),
    Handling("a very long path", deep),
    Handling("another name", renamed),
    Handling("one folder deeper", one_deeper),
    Handling("three folders deeper", three_deeper),
    Handling("cp -r", copied),
    Handling("lower case", in_lower_case, CANNOT_TELL, RENAMED),
    Handling("upper case", in_upper_case, CANNOT_TELL, RENAMED),
    Handling("one name in upper case", one_in_upper_case, CANNOT_TELL, f"data/Report.HTML for data/report.html: {RENAMED}"),
    Handling("ISO 9660", on_a_cd, CANNOT_TELL, RENAMED),
    Handling("names of old FAT", on_old_fat, CANNOT_TELL, RENAMED),
    Handling("line ends", other_line_ends, CANNOT_TELL, LINES),
    Handling("line ends of one file", other_line_ends_in_one, CANNOT_TELL, LINES),
    Handling("not all copied", not_all_copied, MISSING, "Ask for the package again"),
    Handling("copied without bytes", copied_without_bytes, MISSING, "data/archive.wacz is empty"),
    Handling("zeros", filled_with_zeros, MISSING, "data/archive.wacz is empty"),
    *map(left, LEFT_BEHIND),
]  # fmt: skip


def checked(path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What `archiver check` of somebody without a home says."""
    capsys.readouterr()
    with remembering():
        code = main(["--home", str(home), "check", str(path), "--fingerprint", SECOND_KEY], None, {})
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("handling", FOLDERS, ids=lambda handling: handling.name)
def test_a_folder_on_its_way(
    handling: Handling, package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = handling.make(package)
    code, out = checked(path, tmp_path / "none", capsys)
    assert code == handling.expected, out
    assert handling.words in out
    by_script, said = by_script_here(path, "--fingerprint", SECOND_KEY)
    assert (by_script, said.splitlines()) == (code, out.splitlines())


# -- packed --------------------------------------------------------------------------------------------------


def zipped(package: Path, name: Callable[[str], str] = str, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = package.with_name("package.zip")
    with zipfile.ZipFile(path, "w", method) as archive:
        for one in files_of(package):
            info = zipfile.ZipInfo(f"{package.name}/{one.relative_to(package).as_posix()}")
            info.filename, info.compress_type, info.create_system = name(info.filename), method, 0
            archive.writestr(info, one.read_bytes())
    return path


def by_info_zip(package: Path) -> Path:
    subprocess.run(["zip", "-q", "-r", "package.zip", package.name], cwd=package.parent, check=True)
    return package.with_name("package.zip")


def by_powershell(package: Path) -> Path:
    return zipped(package, lambda name: name.replace("/", "\\"))


def by_7_zip(package: Path) -> Path:
    path = zipped(package, method=zipfile.ZIP_LZMA)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(f"{package.name}/data/")
        info.external_attr = 0x10
        archive.writestr(info, b"")
    return path


def by_a_mac(package: Path) -> Path:
    path = zipped(package)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._almaty-full", b"\0\5\x16\7")
    return path


def with_folders_around(package: Path) -> Path:
    return zipped(package, lambda name: f"Мои документы/Case (final)/{name}")


def by_deflate64(package: Path) -> Path:
    """The method that Windows packs large files by: nothing of Python's unpacks it."""
    path = zipped(package)
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = data.index(mark)
        data[start + at : start + at + 2] = (9).to_bytes(2, "little")
    path.write_bytes(data)
    return path


def tarred(*words: str) -> Callable[[Path], Path]:
    def make(package: Path) -> Path:
        path = package.with_name("package.tar")
        subprocess.run(
            ["tar", "-cf", path, *words, package.name], cwd=package.parent, check=True, stderr=subprocess.PIPE
        )
        return path

    return make


def tarred_by_absolute_names(package: Path) -> Path:
    path = package.with_name("package.tar")
    subprocess.run(["tar", "-cPf", path, package], check=True)
    return path


def tarred_by_a_mac(package: Path) -> Path:
    rewritten(package / "README.txt", bytes)
    (package / "._README.txt").write_bytes(b"\0\5\x16\7")
    return tarred("--format=pax")(package)


def mailed(package: Path) -> Path:
    path = tarred()(package)
    lines = base64.encodebytes(path.read_bytes()).replace(b"\n", b"\r\n")
    path.write_bytes(base64.decodebytes(lines))
    return path


def mailed_as_text(package: Path) -> Path:
    path = tarred()(package)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return path


def cut(package: Path) -> Path:
    path = tarred()(package)
    os.truncate(path, path.stat().st_size // 2)
    return path


PACKED = [
    Handling("Info-ZIP", by_info_zip),
    Handling("Explorer", zipped),
    Handling("PowerShell 5", by_powershell),
    Handling("7-Zip", by_7_zip),
    Handling("stored", lambda package: zipped(package, method=zipfile.ZIP_STORED)),
    Handling("macOS", by_a_mac, CANNOT_TELL, LEFT),
    Handling("folders around it", with_folders_around),
    Handling("Deflate64", by_deflate64, CANNOT_TELL, "Unpack it yourself"),
    *(Handling(f"tar {form}", tarred(f"--format={form}")) for form in ("ustar", "v7", "pax", "gnu", "oldgnu")),
    Handling("tar -S", tarred("-S")),
    Handling("tar -P", tarred_by_absolute_names),
    Handling("tar of a Mac", tarred_by_a_mac, CANNOT_TELL, LEFT),
    Handling("mail", mailed),
    Handling("mail as text", mailed_as_text, MISSING, "Ask for the package again"),
    Handling("cut", cut, MISSING, "Ask for the package again"),
]  # fmt: skip


@pytest.mark.parametrize("handling", PACKED, ids=lambda handling: handling.name)
def test_a_packed_one_on_its_way(
    handling: Handling, package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check.py` takes folders only: what came out of a ZIP or tar is a folder on its way, above."""
    code, out = checked(handling.make(package), tmp_path / "none", capsys)
    assert code == handling.expected, out
    assert handling.words in out


def test_a_second_name_of_a_file_in_a_tar(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As tar writes it where two equal files were made one to save room."""
    path = package.with_name("package.tar")
    with tarfile.open(path, "w") as archive:
        for one in files_of(package):
            archive.add(one, f"{package.name}/{one.relative_to(package).as_posix()}")
            if one.name == "check.py":
                again = tarfile.TarInfo(f"{package.name}/./.DS_Store")
                again.type, again.linkname = tarfile.LNKTYPE, f"{package.name}/check.py"
                archive.addfile(again)
    code, out = checked(path, tmp_path / "none", capsys)
    assert (code, "TAMPERED" in out) == (CANNOT_TELL, False), out
    assert LEFT in out


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["C", "C.UTF-8", "Turkish", "C without UTF-8"],
)  # fmt: skip
def test_in_other_locales(whole: Path, locale: dict[str, str]) -> None:
    words = [sys.executable, str(SCRIPT), str(whole), "--fingerprint", SECOND_KEY]
    done = subprocess.run(words, capture_output=True, check=False, env={"PATH": os.environ["PATH"], **locale})
    assert done.returncode == INTACT, done.stdout + done.stderr
