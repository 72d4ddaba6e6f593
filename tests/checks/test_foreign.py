"""WARC, ARC, WACZ and bags of others: intact where they are, and the right finding where they are not."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks.foreign import ForeignReport, check_warc
from archiver.checks.packages import check_path
from archiver.intake.read_posts import read_file
from storage.digest import sha256_hex
from tests.support.foreign import DAMAGED, INTACT

BROKEN_FORM = {
    "warcio/example-bad.warc.gz.bad": "the whole file is one gzip member",
    "jwat/invalid-warcfile-duplicate-fields.warc": "content-length more than once",
    "pywb/valid_example_1.wacz": "listed without a digest that is known",
    "warcio/example-digest.warc": "was used before",
}


def report_of(path: Path) -> ForeignReport:
    report = check_path(path)
    assert report is not None, path
    return report


def test_every_recorded_archive_has_its_finding(recordings: Path) -> None:
    folder = recordings / "warc"
    files = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".json", ".cdxj")
    }
    assert files == {*INTACT, *DAMAGED}, "each file is in one of the tables"
    for name in INTACT:
        report = report_of(folder / name)
        assert report.intact, f"{name}: {[str(finding) for finding in report.findings]}"
        assert report.facts["records"] > 0, name
    for name, said in DAMAGED.items():
        report = report_of(folder / name)
        assert not report.intact, name
        assert any(said in str(finding) for finding in report.findings if finding.kind != "form"), name
    for name, said in BROKEN_FORM.items():
        assert any(said in str(finding) for finding in report_of(folder / name).findings if finding.kind == "form"), (
            name
        )


def test_what_was_read_by_hand(recordings: Path) -> None:
    """The facts of the three `expected.json` beside the archives."""
    folder = recordings / "warc"
    clipped = report_of(folder / "chatnoir-resiliparse/clipped.warc.gz")
    assert clipped.facts["gzip_members"] == 0
    [first, *_] = list(read_file(folder / "chatnoir-resiliparse/clipped.warc.gz"))
    expected = json.loads((folder / "chatnoir-resiliparse/clipped.warc.gz.expected.json").read_text())
    assert first.url == expected["first_record"]["uri"]
    bad = report_of(folder / "warcio/example-bad.warc.gz.bad")
    assert (bad.facts["gzip_members"], bad.facts["records"]) == (1, 6)
    digest = report_of(folder / "warcio/example-digest.warc")
    assert digest.facts["types"] == {"request": 4}
    damaged = [finding.where for finding in digest.findings if finding.kind == "damage"]
    assert damaged == ["record 1 (http://example.com/)"], "base64 and base64url digests are valid"


def test_parse_opens_them_all_and_names_the_damage(recordings: Path) -> None:
    folder = recordings / "warc"
    for name in (*INTACT, *DAMAGED):
        readings = list(read_file(folder / name))
        said = [reading.parsed.reason or "" for reading in readings if reading.parsed.layout in ("warc", "arc", "wacz")]
        if name in DAMAGED:
            assert any(DAMAGED[name] in text for text in said), f"{name}: {said}"
        else:
            assert said == [], f"{name}: {said}"
    assert any(reading.parsed.posts for reading in read_file(folder / "warcio/example-bad.warc.gz.bad"))
    assert any(reading.parsed.posts for reading in read_file(folder / "browsertrix/example-2.wacz"))


# -- made here, one defect each ---------------------------------------------------------------------------------------


def record(body: bytes = b"hello", digest: str | None = None, **more: str) -> bytes:
    fields = {
        "WARC-Type": "resource", "WARC-Record-ID": "<urn:uuid:00000000-0000-0000-0000-000000000001>",
        "WARC-Date": "2022-01-05T12:00:00Z", "Content-Type": "text/plain",
        "WARC-Block-Digest": digest or f"sha256:{sha256_hex(body)}", "Content-Length": str(len(body)),
    }  # fmt: skip
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return b"WARC/1.1\r\n" + head.encode() + b"\r\n" + body + b"\r\n\r\n"


def found(data: bytes) -> list[str]:
    return [f"{finding.kind}: {finding.what}" for finding in check_warc(io.BytesIO(data)).findings]


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_a_record_that_holds(pack: Callable[[bytes], bytes]) -> None:
    assert found(pack(record())) == []
    raw = bytes.fromhex(sha256_hex(b"hello"))
    for text in (base64.b32encode(raw), base64.b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"=")):
        assert found(pack(record(digest=f"sha-256:{text.decode()}"))) == [], text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (record(digest="sha256:" + "0" * 64), "damage: the block is not what its digest says"),
        (record(digest="sha256:xyz"), "damage: the block digest cannot be true, it is none: 'xyz'"),
        (record(digest="crc:1234"), "form: a block digest by an algorithm that is not known: crc"),
        (record()[:-8], "damage: truncated: 4 bytes of it are missing"),
        (record()[:60], "damage: truncated in its header"),
        (record() + b"garbage that is no record\r\n\r\n", "damage: no WARC record where one should begin"),
        (record(Content_Length="x"), "damage: no length, so the next record cannot be found"),
        (record() + record(), "form: the record id <urn:uuid:00000000-0000-0000-0000-000000000001> was used before"),
        (gzip.compress(record())[:-12], "damage: truncated gzip stream"),
        (gzip.compress(record())[:30] + b"\xff" * 20 + gzip.compress(record())[50:], "damage: damaged gzip stream"),
        (gzip.compress(record() + record(WARC_Record_ID="<urn:uuid:2>")), "form: the whole file is one gzip member"),
        (b"", "damage: an empty file"),
    ],
)
def test_one_defect_each(data: bytes, said: str) -> None:
    assert any(text.startswith(said) for text in found(data)), found(data)


def test_payload_digests_over_framed_and_unframed_bodies_both_hold() -> None:
    head, body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"
    block = head + body
    for payload in (b"hello", body):
        data = record(
            block, f"sha256:{sha256_hex(block)}", WARC_Type="response", Content_Type="application/http;msgtype=response",
            WARC_Payload_Digest=f"sha256:{sha256_hex(payload)}",
        )  # fmt: skip
        assert found(data) == []


@given(st.binary(max_size=400), st.integers(0, 300))
def test_any_bytes(data: bytes, cut: int) -> None:
    for whole in (data, b"WARC/1.0\r\n" + data, record()[:cut] + data, gzip.compress(record())[:cut] + data):
        report = check_warc(io.BytesIO(whole))
        json.dumps(report.line())


def wacz(path: Path, change: Callable[[dict[str, bytes]], None] = lambda entries: None) -> Path:
    entries = {"archive/data.warc": record(), "pages/pages.jsonl": b'{"format":"json-pages-1.0"}\n'}
    resources = [
        {"name": name, "path": name, "hash": f"sha256:{sha256_hex(data)}", "bytes": len(data)}
        for name, data in entries.items()
    ]
    package = {"profile": "data-package", "wacz_version": "1.1.1", "resources": resources}
    entries["datapackage.json"] = json.dumps(package).encode()
    entries["datapackage-digest.json"] = json.dumps(
        {"path": "datapackage.json", "hash": f"sha256:{sha256_hex(entries['datapackage.json'])}"}
    ).encode()
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def put(name: str, data: bytes | None) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        if data is None:
            del entries[name]
        else:
            entries[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("archive/data.warc", record(b"other")), "not what its digest in datapackage.json says"),
        (put("archive/data.warc", None), "listed and missing"),
        (put("extra.txt", b"x"), "not listed in datapackage.json"),
        (put("datapackage.json", b"{"), "missing or no JSON object"),
        (put("datapackage.json", b"{}"), "lists no resources"),
        (put("datapackage-digest.json", b'{"hash":"sha256:00"}'), "not what datapackage-digest.json says"),
        (put("datapackage-digest.json", b"[]"), "no JSON object with a hash"),
        (put("../../evil.txt", b"x"), "a name that leaves the package"),
        (put("/etc/evil.txt", b"x"), "a name that leaves the package"),
    ],
)
def test_a_package_with_one_defect(tmp_path: Path, change: Callable[[dict[str, bytes]], None], said: str) -> None:
    assert report_of(wacz(tmp_path / "good.wacz")).intact
    report = report_of(wacz(tmp_path / "bad.wacz", change))
    assert not report.intact
    assert any(said in str(finding) for finding in report.findings), [str(finding) for finding in report.findings]


def test_a_signature_over_another_package(tmp_path: Path) -> None:
    signed = {"path": "datapackage.json", "hash": "sha256:00", "signedData": {"hash": "sha256:11"}}
    report = report_of(wacz(tmp_path / "a.wacz", put("datapackage-digest.json", json.dumps(signed).encode())))
    assert "the signature is over another package" in [finding.what for finding in report.findings]


def test_a_zip_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.wacz"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    assert "no readable ZIP" in str(report_of(path).findings[0])
    (tmp_path / "plain.zip").write_bytes(b"")
    assert check_path(tmp_path / "plain.zip") is None


def bag(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data/a%0Ab").write_bytes(b"film")
    (folder / "data/a\nb").write_bytes(b"film")
    (folder / "data/a%0Ab").unlink()
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (folder / "manifest-sha256.txt").write_text(f"{sha256_hex(b'film')}  data/a%0Ab\n")
    return folder


def test_bags(tmp_path: Path) -> None:
    good = bag(tmp_path / "bag")
    assert report_of(good).intact
    (good / "data/more").write_bytes(b"x")
    assert "not listed in manifest-sha256.txt" in str(report_of(good).findings[0])
    (good / "data/more").unlink()
    (good / "data/link").symlink_to("/etc/passwd")
    assert "a link or special file" in str(report_of(good).findings[0])
    (good / "data/link").unlink()
    (good / "manifest-sha256.txt").write_text(f"{sha256_hex(b'film')}  data/a%0Ab\n{'0' * 64}  ../../etc/passwd\n")
    assert "outside the bag" in str(report_of(good).findings[0])
    (good / "manifest-sha256.txt").unlink()
    assert "no payload manifest" in str(report_of(good).findings[0])


def test_a_bag_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "bag.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b/bagit.txt", "BagIt-Version: 1.0\n")
        archive.writestr("b/data/x", "film")
        archive.writestr("b/manifest-sha256.txt", f"{sha256_hex(b'film')}  data/x\n")
    report = report_of(path)
    assert (report.form, report.intact, report.facts["files"]) == ("bag", True, 1)
