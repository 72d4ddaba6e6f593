"""WARC, ARC and WACZ of others: intact where they are, and the right finding where they are not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks.foreign import ForeignReport, check_arc, check_warc
from archiver.checks.packages import check_path
from archiver.intake.read_posts import read_file
from storage.digest import Digests, sha256_hex
from tests.conftest import Shell
from tests.support import saved
from tests.support.foreign import DAMAGED, INTACT, UNCHECKED, read_short_pages_only

BROKEN_FORM = {
    "warcio/example-bad.warc.gz.bad": "the whole file is one gzip member",
    "jwat/invalid-warcfile-duplicate-fields.warc": "content-length more than once",
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
    assert files == {*INTACT, *UNCHECKED, *DAMAGED}, "each file is in one of the tables"
    for name in INTACT:
        report = report_of(folder / name)
        assert report.intact, f"{name}: {[str(finding) for finding in report.findings]}"
        assert report.facts["records"] > 0, name
    for name, said in UNCHECKED.items():
        report = report_of(folder / name)
        assert report.intact is None, name
        assert said in report.verdict, name
    for name, said in DAMAGED.items():
        report = report_of(folder / name)
        assert report.intact is False, name
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


def test_parse_opens_them_all_and_names_the_damage(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recordings / "warc"
    read_short_pages_only(monkeypatch)
    for name in (*INTACT, *UNCHECKED, *DAMAGED):
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


def tampered(algorithm: str) -> tuple[bytes, bytes]:
    """A record with a true digest by this algorithm, and one with another body."""
    running = Digests(algorithm)
    running.update(b"hello")
    label = f"{algorithm.replace('_', '-')}:{running.hexdigests()[algorithm]}"
    return record(digest=label), record(b"hullo", label)


@pytest.mark.parametrize("algorithm", sorted({*hashlib.algorithms_guaranteed, "sm3"}))
def test_every_algorithm_that_python_has_is_computed(algorithm: str) -> None:
    true, other = tampered(algorithm)
    assert (check_warc(io.BytesIO(true)).intact, found(true)) == (True, [])
    assert found(other) == ["damage: the block is not what its digest says"]
    running = Digests(algorithm)
    running.update(b"hello")
    theirs: Any = hashlib.new(algorithm, b"hello") if algorithm in hashlib.algorithms_available else None
    if theirs is not None:
        length = [running.size and 64] if algorithm.startswith("shake") else []
        assert running.hexdigests()[algorithm] == theirs.hexdigest(*length)


def test_a_thousand_breaches_of_form_do_not_hide_the_one_damage() -> None:
    odd = record(WARC_Date="x").replace(b"WARC-Date: x\r\n", b"")
    said = found(odd * 250 + record(digest="sha256:" + "0" * 64))
    assert said[-1] == "damage: the block is not what its digest says"


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
        (record(digest="crc:1234"), "unchecked: a block digest by an algorithm that is not known: crc"),
        (record(digest=sha256_hex(b"hello")), "unchecked: a block digest without an algorithm"),
        (record(digest="blake2b:" + "00" * 32), "unchecked: a block digest of a length that is not computed: blake2b"),
        (record(digest="sha256:"), "form: an empty block digest"),
        (record().replace(b"WARC/1.1", b"WARC/7.0"), "unchecked: WARC/7.0 is not known here: checked as 1.1"),
        (
            record().replace(b"Content-Type", b"WARC-Block-Digest: sha1:" + b"0" * 40 + b"\r\nContent-Type"),
            "damage: the block is",
        ),
        (
            record(WARC_Segment_Number="1", WARC_Payload_Digest="sha1:" + "0" * 40),
            "unchecked: a payload digest over several",
        ),
        (record()[:-8], "damage: truncated: 4 bytes of it are missing"),
        (record()[:60], "damage: truncated in its header"),
        (record() + b"garbage that is no record\r\n\r\n", "damage: no WARC record where one should begin"),
        *[
            (record(Content_Length=length), "damage: no length, so the next record cannot be found")
            for length in ("x", "²", "٣", "5_0", "-1", "+5", "9" * 5000, "9" * 19)
        ],
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


def arc(*lengths: str) -> bytes:
    head = b"filedesc://a.arc 0.0.0.0 20200101000000 text/plain 0\n\n"
    return head + b"".join(
        f"http://a/ 1.2.3.4 20200101000000 text/html {length}\nhello\n".encode() for length in lengths
    )


@pytest.mark.parametrize("length", ["x", "²", "٣", "9" * 5000])
def test_an_arc_with_a_length_that_is_none(length: str) -> None:
    assert check_arc(io.BytesIO(arc("5", "5"))).intact
    report = check_arc(io.BytesIO(arc("5", length)))
    assert report.intact is False
    assert "a length that is none" in report.verdict


def resource(**stated: Any) -> Callable[[dict[str, bytes]], None]:
    """State something else of the WARC in a package without digest of the list."""

    def change(entries: dict[str, bytes]) -> None:
        package = json.loads(entries["datapackage.json"])
        [item] = [item for item in package["resources"] if item["path"] == "archive/data.warc"]
        item |= stated
        for name in [name for name, value in item.items() if value is None]:
            del item[name]
        entries["datapackage.json"] = json.dumps(package).encode()
        del entries["datapackage-digest.json"]

    return change


WARC_SHA256 = sha256_hex(record())


@pytest.mark.parametrize(
    ("stated", "intact", "said"),
    [
        ({"hash": f"sha-256:{WARC_SHA256}"}, True, ""),
        ({"hash": "sha512:" + "0" * 128}, False, "not what its digest in datapackage.json says"),
        ({"hash": "xxh3:00"}, None, "by an algorithm that is not known: xxh3"),
        ({"hash": "0" * 40}, None, "by an algorithm that is not known: not named"),
        ({"hash": "0" * 32}, False, "not what its digest in datapackage.json says"),
        ({"hash": 5}, None, "by an algorithm that is not known"),
        ({"hash": None}, True, ""),
        ({"hash": None, "bytes": None, "stats": {"hash": WARC_SHA256}, "hashing": "sha256"}, True, ""),
        ({"hash": None, "bytes": None, "stats": {"hash": "0" * 64}, "hashing": "sha256"}, False, "not what its digest"),
        ({"hash": None, "bytes": None, "stats": {"hash": WARC_SHA256, "bytes": 3}, "hashing": "sha256"}, False, "3 are stated"),
    ],
)  # fmt: skip
def test_what_a_package_states_of_a_file(
    tmp_path: Path, stated: dict[str, Any], intact: bool | None, said: str
) -> None:
    report = report_of(wacz(tmp_path / "a.wacz", resource(**stated)))
    assert report.intact is intact, [str(finding) for finding in report.findings]
    assert said in report.verdict


def signed(key: Any, public: bytes | None = None, **more: str) -> Callable[[dict[str, bytes]], None]:
    """Sign a package as wacz-auth does, with an EC key, or say so of another kind of key. `public`: name that as its key."""

    def change(entries: dict[str, bytes]) -> None:
        value = json.loads(entries["datapackage-digest.json"])
        told = value["hash"].encode()
        raw = key.sign(told, ec.ECDSA(hashes.SHA256())) if isinstance(key, ec.EllipticCurvePrivateKey) else b"none"
        data = {"hash": value["hash"], "signature": base64.b64encode(raw).decode(), **more}
        if "domainCert" not in more:
            data["publicKey"] = base64.b64encode(public or der_of(key)).decode()
        entries["datapackage-digest.json"] = json.dumps(value | {"signedData": data}).encode()

    return change


def der_of(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def certificate(key: ec.EllipticCurvePrivateKey, domain: str | None) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made here")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, begin, begin + timedelta(days=90))
    if domain is not None:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_who_signed_a_package_is_said_only_as_far_as_it_was_checked(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def checked(name: str, by: Any, **more: str) -> ForeignReport:
        return report_of(wacz(tmp_path / f"{name}.wacz", signed(by, **more)))

    assert checked("bare", key).intact is True
    report = checked("domain", key, domain="a.example", domainCert=certificate(key, "a.example"))
    assert report.intact is None
    assert (
        "signed as a.example; not checked here: the chain of the signer's certificate, and the time stamp"
        in report.verdict
    )
    report = checked("nameless", key, domain="a.example", domainCert=certificate(key, None))
    assert (report.intact, "the certificate names no domain" in report.verdict) == (False, True)
    report = checked("other", key, domain="b.example", domainCert=certificate(key, "a.example"))
    assert (report.intact, "belongs to another domain" in report.verdict) == (False, True)
    for kind, other in (
        ("ed25519", ed25519.Ed25519PrivateKey.generate()),
        ("rsa", rsa.generate_private_key(65537, 1024)),
    ):
        report = checked(kind, other)
        assert (report.intact, "was not verified" in report.verdict) == (None, True), kind


def test_a_key_that_openssl_does_not_know(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    unknown = der_of(key).replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0205"))
    report = report_of(wacz(tmp_path / "a.wacz", signed(key, unknown)))
    assert (report.intact, "was not verified" in report.verdict) == (None, True)


def test_a_package_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    path = wacz(tmp_path / "a.wacz")
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1  # the first entry: said to be encrypted
    path.write_bytes(data)
    report = report_of(path)
    assert (report.intact, "encrypted" in report.verdict) == (None, True)


def test_a_package_behind_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.wacz"
    path.write_bytes(b"#!unpacker\n" + saved.wacz())
    report = report_of(path)
    assert (report.intact, [str(finding) for finding in report.findings]) == (True, ["11 bytes before the ZIP"])
    [reading] = list(read_file(path))
    assert reading.source == "a.wacz/archive/data.warc#0"
    (tmp_path / "none.wacz").write_bytes(b"nothing of the kind")
    assert "no readable ZIP" in report_of(tmp_path / "none.wacz").verdict


@pytest.mark.parametrize("name", ["a.warc.lz4", "a.arc.lz4", "a.warc.xz"])
def test_a_compression_that_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x04\x22\x4d\x18 and so on")
    report = report_of(tmp_path / name)
    kind = name.rpartition(".")[2]
    assert (report.intact, report.verdict) == (None, f"compressed by {kind}, which is not read: unpack it first")
    [reading] = list(read_file(tmp_path / name))
    assert (reading.outcome, reading.parsed.posts) == ("partial", ())
    assert "unpack it first" in str(reading.parsed.reason)


@pytest.mark.parametrize(
    ("digest", "code", "said"),
    [
        (None, 0, "warc: intact as far as it states\n"),
        ("sha384:" + "0" * 96, 5, "damage       record 1: the block is not what its digest says"),
        ("xxh3:00", 6, "cannot tell  record 1: a block digest by an algorithm that is not known: xxh3"),
        ("", 0, "warc: intact as far as it states; it states no digests"),
    ],
)
def test_the_command_says_what_was_not_computed(
    shell: Shell, tmp_path: Path, digest: str | None, code: int, said: str
) -> None:
    data = record(digest=digest)
    (tmp_path / "a.warc").write_bytes(data if digest != "" else re.sub(rb"WARC-Block-Digest: .*\r\n", b"", data))
    found_code, out, _ = shell("check", str(tmp_path / "a.warc"))
    assert (found_code, said in out) == (code, True), out
    assert ("CANNOT TELL" in out) == (code == 6)
    _, [report] = shell.json("check", str(tmp_path / "a.warc"))
    assert report["intact"] is {0: True, 5: False, 6: None}[code]
