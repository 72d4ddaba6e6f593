"""Bags of others (RFC 8493 and its drafts): the valid accepted, the invalid refused, and what is odd in them named."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from archiver.checks.foreign import ForeignReport
from archiver.checks.packages import check_path
from storage.digest import Digests, sha256_hex

HEAD = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
OLD = HEAD.replace(b"1.0", b"0.97")
FILM = sha256_hex(b"film")
Files = dict[str, bytes | None]


def bag(folder: Path, files: Files | None = None) -> Path:
    """Make a bag of one file, with other or more files, or without some (None)."""
    made: Files = {"bagit.txt": HEAD, "data/a": b"film", "manifest-sha256.txt": f"{FILM}  data/a\n".encode()}
    for name, data in (made | (files or {})).items():
        if data is not None:
            path = os.fsencode(folder) + b"/" + os.fsencode(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(data)
    return folder


def report_of(path: Path) -> ForeignReport:
    report = check_path(path)
    assert report is not None, path
    return report


def listing(*paths: str, encoding: str = "utf-8", digest: str = FILM) -> bytes:
    return "".join(f"{digest}  {path}\n" for path in paths).encode(encoding, "surrogateescape")


def by(algorithm: str, data: bytes) -> bytes:
    running = Digests(algorithm)
    running.update(data)
    return f"{running.hexdigests()[algorithm]} data/a\n".encode()


def named(path: str, **more: bytes | None) -> Files:
    """A bag whose one file has another name, listed as it is unless told otherwise."""
    return {"data/a": None, path: b"film", "manifest-sha256.txt": listing(path), **more}


VALID: dict[str, Files] = {
    "plain": {},
    "no newline at the end": {"bagit.txt": HEAD.rstrip(b"\n")},
    "CRLF": {"bagit.txt": HEAD.replace(b"\n", b"\r\n"), "manifest-sha256.txt": listing("data/a").replace(b"\n", b"\r\n")},
    "CR": {"bagit.txt": HEAD.replace(b"\n", b"\r"), "manifest-sha256.txt": listing("data/a").replace(b"\n", b"\r")},
    "UTF-16": {
        "bagit.txt": HEAD.replace(b"UTF-8", b"UTF-16"),
        "manifest-sha256.txt": listing("data/a", encoding="utf-16"),
        "bag-info.txt": "Payload-Oxum: 4.1\n".encode("utf-16"),
    },
    "ISO-8859-1": named("data/\xe9", **{
        "bagit.txt": HEAD.replace(b"UTF-8", b"ISO-8859-1"), "manifest-sha256.txt": FILM.encode() + b" data/\xe9",
    }),
    "a name that is no text": named("data/\udcff"),
    "U+2028, U+0085, VT, FF, FS": named("data/a\u2028b\x85c\x0bd\x0ce\x1c"),
    "a blank at the end": named("data/a "),
    "encoded as RFC 8493 says": {"data/a": None, "data/1%0A\n\r": b"film", "manifest-sha256.txt": listing("data/1%250A%0a%0D")},
    "Payload-Oxum": {"bag-info.txt": b"Source: x\n y\nPayload-Oxum : 4.1\n"},
    "complete in spite of fetch.txt": {"fetch.txt": b"https://a.example/ 4 data/a\n"},
    "sha224": {"manifest-sha224.txt": by("sha224", b"film"), "manifest-sha256.txt": None},
    "sha3-512": {"manifest-sha3512.txt": by("sha3_512", b"film")},
    "BLAKE2b as bagit.py names it": {"manifest-blake2b.txt": by("blake2b", b"film")},
    "before 1.0 in one of two manifests": {
        "bagit.txt": OLD, "data/b": b"film", "manifest-md5.txt": by("md5", b"film").replace(b"data/a", b"data/b"),
    },
}  # fmt: skip
INVALID: dict[str, tuple[Files, str]] = {
    "tampered": ({"data/a": b"fIlm"}, "not what manifest-sha256.txt says"),
    "tampered under sha384": (
        {"manifest-sha384.txt": by("sha384", b"fIlm"), "manifest-sha256.txt": None},
        "not what manifest-sha384.txt says",
    ),
    "missing": ({"data/a": None, "data/b": b"film"}, "listed in manifest-sha256.txt and missing"),
    "not listed": ({"data/b": b"x"}, "data/b: not listed in manifest-sha256.txt"),
    "not listed in every manifest": ({"data/b": b"film", "manifest-md5.txt": by("md5", b"film")}, "not listed in"),
    "no manifest": ({"manifest-sha256.txt": None}, "no payload manifest"),
    "a tag file that was changed": ({"tagmanifest-sha256.txt": listing("bagit.txt")}, "not what tagmanifest-sha256.txt says"),
    "bytes of Payload-Oxum": ({"bag-info.txt": b"Payload-Oxum: 5.1\n"}, "its Payload-Oxum is 5.1, and the payload's is 4.1"),
    "files of Payload-Oxum": ({"bag-info.txt": b"payload-oxum: 4.2\n"}, "its Payload-Oxum is 4.2"),
    "a Payload-Oxum of digits that are none": ({"bag-info.txt": "Payload-Oxum: ٤.١\n".encode()}, "a Payload-Oxum that is none"),
    "a Payload-Oxum of 5,000 digits": ({"bag-info.txt": b"Payload-Oxum: " + b"4" * 5000 + b".1\n"}, "a Payload-Oxum that is none"),
    "no bagit.txt": ({"bagit.txt": None}, "bagit.txt: missing"),
    "a byte order mark": ({"bagit.txt": b"\xef\xbb\xbf" + HEAD}, "begins with a byte order mark"),
    "blanks in bagit.txt": ({"bagit.txt": HEAD.replace(b":", b" :")}, "not the two lines, blanks included"),
    "a third line in bagit.txt": ({"bagit.txt": HEAD + b"More: x\n"}, "not the two lines"),
    "no version": ({"bagit.txt": HEAD.replace(b"1.0", b".97")}, "no BagIt-Version"),
    "a version of digits that are none": ({"bagit.txt": HEAD.replace(b"1.0", "¹.0".encode())}, "no BagIt-Version"),
    "no encoding": ({"bagit.txt": HEAD.splitlines()[0]}, "no Tag-File-Character-Encoding"),
    "another encoding": ({"bagit.txt": HEAD.replace(b"UTF-8", b"UTF-16")}, "not in utf-16"),
    "listed twice": ({"manifest-sha256.txt": listing("data/a") * 2}, "listed twice in manifest-sha256.txt"),
    "listed twice, differently": (
        {"bagit.txt": OLD, "manifest-sha256.txt": listing("data/a") + listing("data/a", digest="0" * 64)},
        "with different digests",
    ),
    **{
        f"outside: {path}": (
            {"manifest-sha256.txt": listing("data/a", path)},
            "manifest-sha256.txt names something outside the bag",
        )
        for path in ("../a", "/etc/passwd", "~/a", "~root/a", "C:\\a", "data/../../a")
    },
    "fetched to the outside": ({"fetch.txt": b"https://a.example/ - ../a\n"}, "fetch.txt names something outside the bag"),
    "fetched and in no manifest": ({"fetch.txt": b"https://a.example/ - data/b\n"}, "named by fetch.txt and by no manifest"),
    "fetched with another length": ({"fetch.txt": b"https://a.example/ 5 data/a\n"}, "4 bytes where fetch.txt states 5"),
}  # fmt: skip
UNCHECKED: dict[str, tuple[Files, str]] = {
    "an unknown algorithm": ({"manifest-xxh3.txt": b"00 data/a\n"}, "manifest-xxh3.txt: digests by an algorithm that is not known"),
    "BLAKE2b of another length": ({"manifest-blake2b.txt": b"00" * 20 + b" data/a\n"}, "of a length that is not computed"),
    "lies elsewhere": (
        {"fetch.txt": b"https://a.example/ 4 data/b\n", "manifest-sha256.txt": listing("data/a", "data/b")},
        "data/b: lies elsewhere (fetch.txt), and nothing is fetched",
    ),
    "an unknown encoding": ({"bagit.txt": HEAD.replace(b"UTF-8", b"KOI9")}, "tag files in KOI9, an encoding that is not known here"),
    "an encoding of no texts": ({"bagit.txt": HEAD.replace(b"UTF-8", b"zlib")}, "tag files in zlib, an encoding"),
    "an unknown version": ({"bagit.txt": HEAD.replace(b"1.0", b"1.7")}, "BagIt 1.7 is not known here"),
}  # fmt: skip
ODD: dict[str, tuple[Files, str]] = {
    "blanks in an old bagit.txt": ({"bagit.txt": OLD.replace(b":", b" :")}, "not the two lines"),
    "by md5sum": ({"manifest-sha256.txt": f"{FILM} *data/a\n".encode()}, "an asterisk before data/a, as md5sum writes it"),
    "a relative path": ({"manifest-sha256.txt": listing("./data/a")}, "a path that begins with ./"),
    "listed twice in an old bag": ({"bagit.txt": OLD, "manifest-sha256.txt": listing("data/a") * 2}, "lists data/a twice"),
    "differ only in case": ({"data/A": b"film", "manifest-sha256.txt": listing("data/a", "data/A")}, "2 paths that differ only in case"),
    "made by a system": (
        {"data/.DS_Store": b"film", "manifest-sha256.txt": listing("data/a", "data/.DS_Store")},
        "a file that a system made by itself: data/.DS_Store",
    ),
    "another normal form": (
        named("data/\u0439", **{"manifest-sha256.txt": listing(unicodedata.normalize("NFD", "data/\u0439"))}),
        "lies here in another Unicode normal form",
    ),
    "% is not encoded": (named("data/100%25"), "data/100%25 is written without encoding its %"),
    "% is not encoded beside what it would mean": (
        {"data/a": None, "data/1%25": b"film", "data/1%": b"film", "manifest-sha256.txt": listing("data/1%25", "data/1%")},
        "data/1%25 is written without encoding its %",
    ),
    "the algorithm's name": (
        {"manifest-sha256.txt": None, "manifest-SHA-256.txt": listing("data/a")},
        "its name does not spell the algorithm as BagIt does",
    ),
    "a byte order mark in a manifest": ({"manifest-sha256.txt": b"\xef\xbb\xbf" + listing("data/a")}, "begins with a byte order mark"),
    "a line that is none": ({"manifest-sha256.txt": listing("data/a") + b"comment\n"}, "a line that is none: comment"),
}  # fmt: skip


@pytest.mark.parametrize("files", VALID.values(), ids=VALID)
def test_valid(tmp_path: Path, files: Files) -> None:
    report = report_of(bag(tmp_path / "bag", files))
    assert report.intact is True, [str(finding) for finding in report.findings]
    assert [finding for finding in report.findings if finding.kind != "form"] == []


@pytest.mark.parametrize(("files", "said"), INVALID.values(), ids=INVALID)
def test_invalid(tmp_path: Path, files: Files, said: str) -> None:
    report = report_of(bag(tmp_path / "bag", files))
    assert report.intact is False
    assert any(said in str(finding) for finding in report.findings if finding.kind == "damage"), report.findings


@pytest.mark.parametrize(("files", "said"), UNCHECKED.values(), ids=UNCHECKED)
def test_what_cannot_be_told(tmp_path: Path, files: Files, said: str) -> None:
    report = report_of(bag(tmp_path / "bag", files))
    assert report.intact is None, report.findings
    assert said in report.verdict


@pytest.mark.parametrize(("files", "said"), ODD.values(), ids=ODD)
def test_what_is_odd_is_named(tmp_path: Path, files: Files, said: str) -> None:
    report = report_of(bag(tmp_path / "bag", files))
    assert report.intact is True, report.findings
    assert any(said in str(finding) for finding in report.findings), report.findings


def test_a_link_in_a_bag(tmp_path: Path) -> None:
    (bag(tmp_path / "bag") / "data/link").symlink_to("/etc/passwd")
    assert "a link or special file" in report_of(tmp_path / "bag").verdict


def test_a_folder_that_only_has_data_in_it_is_no_bag(tmp_path: Path) -> None:
    bag(tmp_path / "bag", {"bagit.txt": None, "manifest-sha256.txt": None, "manifest-of-passengers.txt": b"x"})
    assert check_path(tmp_path / "bag") is None


def test_a_bag_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "bag.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b/bagit.txt", HEAD)
        archive.writestr("b/data/x", "film")
        archive.writestr("b/manifest-sha256.txt", listing("data/x"))
    report = report_of(path)
    assert (report.form, report.intact, report.facts["files"]) == ("bag", True, 1)
