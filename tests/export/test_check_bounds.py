"""What costs who checks time or memory, and what a machine cannot do: both checkers bound the one, and say the other."""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from archiver.checks.lines import Finding
from archiver.checks.package import captures, ledger, tables, volumes
from archiver.checks.package.bag import names as names_of
from archiver.checks.package.files import Absent, PackageFiles, Unknown
from archiver.checks.package.run import run
from archiver.checks.packages import unpackable
from archiver.checks.proofs import Bad, RunningTree, leaf
from archiver.checks.warcs import read_records
from archiver.errors import CannotTell as ArchiverCannotTell
from archiver.export import check as script
from archiver.export.unpack import Altered, opened
from archiver.text.cells import csv_cell

HEAD = b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 1\r\n\r\nx\r\n\r\n"


@pytest.fixture
def little_memory() -> Iterator[Callable[[], int]]:
    """The most bytes that were in use since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_zeros_behind_a_record_are_not_held(tmp_path: Path, little_memory: Callable[[], int]) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(HEAD + bytes(64 << 20), 1))
    tracemalloc.reset_peak()
    with open(path, "rb") as stream, pytest.raises(script.Tampered, match="does not end as its length says"):
        script.read_record(stream, 0, path.stat().st_size)
    with pytest.raises(Bad, match="more than one is in the member"):
        list(read_records(path))
    assert little_memory() < 24 << 20


@pytest.mark.parametrize("cell", [script.cell, tables.cell, csv_cell], ids=["check.py", "check", "export"])
def test_a_post_of_many_line_ends_takes_no_time(cell: Callable[[str], str]) -> None:
    """A stranger writes the words: looked at from each line end anew, 40,000 of them would take minutes."""
    began = process_time()
    text = "\n" * 40_000 + "x" + " \t" * 40_000 + "=1"
    assert cell(text) == f"{text[:-2]}'=1"
    assert process_time() - began < 2


def test_a_zip_of_many_entries_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.wacz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(8000):
            info = zipfile.ZipInfo(f"archive/{number}.warc.gz")
            info.create_system = 0
            archive.writestr(info, b"")
            info.external_attr = 0
    began = process_time()
    assert len(script.Zip(str(path)).entries) == 8000
    assert process_time() - began < 2


def test_lines_end_with_a_line_feed_and_nothing_else(tmp_path: Path) -> None:
    """JSON may have CR between its tokens; a line that holds one is one line, for both."""
    lines = [b'{"a":1,\r"b":2}', '{"a":"\u2028"}'.encode(), b"{}"]
    tree = RunningTree()
    for line in lines:
        tree.add(leaf(line))
    stated = {"count": 3, "root": tree.root().hex()}
    (tmp_path / "posts.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    script.check_lines(str(tmp_path), "posts.jsonl", stated)
    captures._check_lines(PackageFiles(tmp_path), "posts.jsonl", stated)


@pytest.mark.parametrize("error", [MemoryError(), PermissionError(13, "Permission denied", "/p/data/view")])
def test_what_a_machine_cannot_do_says_nothing_of_the_package(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*given: Any) -> str:
        raise error

    report, files = script.Report(), PackageFiles(tmp_path)
    assert not report.check("captures", fails)
    assert not run(files, "captures", fails)
    [line] = files.report.lines
    assert (report.exit_code(), files.report.code, line.finding) == (6, 6, Finding.UNKNOWN)
    assert line.detail in capsys.readouterr().out


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "hidden").mkdir(parents=True)
    true = os.scandir

    def scandir(path: Any = ".") -> Any:
        if str(path).endswith("hidden"):
            raise PermissionError(13, "Permission denied", str(path))
        return true(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError):
        script.names_in(str(tmp_path))
    with pytest.raises(PermissionError):
        names_of(PackageFiles(tmp_path))


# -- what a package came in ------------------------------------------------------------------------------------------


def tar_with(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for entry, data in entries:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_a_tar_whose_file_is_larger_than_any_disk(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("p/big")
    size = {"major": "1", "minor": "0", "name": "p/big", "realsize": str(1 << 42)}
    entry.pax_headers = {f"GNU.sparse.{key}": value for key, value in size.items()}
    packed = tar_with(tmp_path / "p.tar", (entry, b"0\n" + bytes(510)))
    with pytest.raises(ArchiverCannotTell, match="only parts are in it"), opened(packed, [], tmp_path):
        pass


def test_a_tar_of_one_file_under_many_names_takes_no_room(tmp_path: Path) -> None:
    first = (tarfile.TarInfo("p/bagit.txt"), bytes(1 << 20))
    links = [tarfile.TarInfo(f"p/{number}") for number in range(500)]
    for link in links:
        link.type, link.linkname = tarfile.LNKTYPE, "p/bagit.txt"
    packed = tar_with(tmp_path / "p.tar", first, *((link, b"") for link in links))
    with opened(packed, [], tmp_path) as folder:
        assert len({path.stat().st_ino for path in folder.iterdir()}) == 1
        assert len(list(folder.iterdir())) == 501


def test_a_tar_with_a_name_of_a_thousand_folders(tmp_path: Path) -> None:
    packed = tar_with(tmp_path / "p.tar", (tarfile.TarInfo("p/" + "d/" * 1000 + "x"), b"x"))
    with pytest.raises(Altered, match="plain names"), opened(packed, [], tmp_path):
        pass


def test_a_zip_whose_entries_share_their_bytes(tmp_path: Path) -> None:
    """Each is small by itself; together they would be larger than any disk, at a growth that looks honest."""
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("p/bagit.txt", bytes(100_000))
        [entry] = archive.infolist()
        for number in range(100):
            again = copy.copy(entry)
            again.filename = f"p/{number}"
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    with zipfile.ZipFile(path) as archive:
        assert unpackable(archive) == "entries that lie over each other: not unpacked"
        del archive.filelist[1:]
        assert unpackable(archive) is None


# -- volumes -----------------------------------------------------------------------------------------------------


def looked_at(folder: Path) -> list[str]:
    """What both say of the volumes in a folder."""
    said = []
    for look, errors in (
        (lambda: script.check_volumes(str(folder)), (script.Missing, script.CannotTell)),
        (lambda: volumes.look_at_volumes(volumes.volumes_in(folder)), (Absent, Unknown)),
    ):
        try:
            said.append(look())
        except errors as error:
            said.append(str(error))
    return said


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (f"{EMPTY}  p.tar.001\n", "1 volumes, each as volumes.txt lists it"),
        (f"{'0' * 64}  p.tar.001\n{EMPTY}  p.tar.001\n", "volumes.txt is not the list that was made"),
        (f"{EMPTY}  p.tar.001\x0b{EMPTY}  p.tar.002\n", "volumes.txt is not the list that was made"),
        (f"{EMPTY}  p.tar.001\u2028{EMPTY}  p.tar.002\n", "volumes.txt is not the list that was made"),
        (f"{EMPTY}  p.tar.001\n{EMPTY}  ../p.tar.002\n", "volumes.txt is not the list that was made"),
        (f"{EMPTY}  q.tar.001\n", "volumes are not there, first: q.tar.001"),
        ("", "volumes.txt is not the list that was made"),
    ],
)
def test_a_list_of_volumes_that_somebody_wrote(tmp_path: Path, listed: str, said: str) -> None:
    (tmp_path / "p.tar.001").write_bytes(b"")
    (tmp_path / "volumes.txt").write_text(listed)
    one, other = looked_at(tmp_path)
    assert one == other
    assert said in one


def test_volumes_in_capitals(tmp_path: Path) -> None:
    """As a disk that keeps no small letters gives them back."""
    (tmp_path / "P.TAR.001").write_bytes(b"")
    (tmp_path / "volumes.txt").write_text(f"{EMPTY}  p.tar.001\n")
    one, other = looked_at(tmp_path)
    assert one == other
    assert "1 of 1 volumes are not there, first: p.tar.001" in one


# -- what is said of a person or a time ----------------------------------------------------------------------------


def test_numbers_of_many_digits_are_refused_before_they_are_read() -> None:
    """A Python without a bound of its own would take hours."""
    with pytest.raises(script.Tampered, match="a number of 100000 digits"):
        script.canonical(b"9" * 100_000)


def test_leaves_that_two_readers_would_take_for_two_things() -> None:
    good = {"seq": 1, "type": "captured", "time": "2026-11-22T08:25:28.311178Z", "salted_hash": "0" * 64}
    for change, expected in (
        ({}, True), ({"time": "2026-11-22T08:25:28Z"}, True), ({"seq": True}, False), ({"time": "2026-11-22T24:00:00Z"}, False),
        ({"time": "2026-11-22T08:25:28.3111780Z"}, False), ({"time": "٢٠٢٦-11-22T08:25:28Z"}, False), ({"type": ""}, False),
        ({"time": "2026-11-22T08:60:28Z"}, False), ({"time": "0000-11-22T08:00:28Z"}, False), ({"salted_hash": "0" * 63}, False),
    ):  # fmt: skip
        value = json.loads(json.dumps({**good, **change}))
        assert script.is_leaf(value, 1) is expected, change
        assert ledger._is_leaf(value, 1) is expected, change
