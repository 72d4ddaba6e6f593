"""Servers that omit a certificate: completed only by a setting, only up to a root that was trusted before, and recorded."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from OpenSSL import SSL, crypto

from archiver.capture.services import open_recorder
from archiver.home.home import Home
from archiver.recorder.dial import ProxyChoice
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.missing_certificates import LEVELS, LIMIT, SETTING, issuer_host, read_certificates
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from archiver.recorder.tls import Roots, client_connection, client_context, facts
from storage.capture import CaptureWriter
from storage.lines import read_lines
from storage.warc import read_warc
from tests.conftest import set_in
from tests.support.chains import Signed, present, signed
from tests.support.proxies import Proxy
from tests.support.rawserver import HOST, RawServer

ISSUERS = "issuers.example.org"
LINK = f"http://{ISSUERS}/issuer.crt"
KEY = SETTING.rpartition(" ")[2]
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Scene:
    """A server whose chain lacks something, the one that has it, and a recorder between."""

    folder: Path
    new_writer: Callable[..., CaptureWriter]
    open_recorder: Callable[..., Recorder]
    server: RawServer
    issuers: RawServer
    root: Signed = field(default_factory=lambda: signed("Root"))

    @property
    def network(self) -> TestNetwork:
        path = self.folder / "roots.pem"
        path.write_bytes(self.root.pem)
        routes = {f"{HOST}:443": ("127.0.0.1", self.server.port), f"{ISSUERS}:80": ("127.0.0.1", self.issuers.port)}
        return TestNetwork(routes, Roots(path, "test"))

    def shows(self, leaf: Signed, *above: Signed) -> None:
        present(self.server, self.folder, leaf, *above)

    def run(self, times: int = 1, **arguments: Any) -> tuple[list[ExchangeDone], CaptureWriter]:
        """Ask the server that many times in one capture, and close it."""
        writer = self.new_writer("missing")
        recorder = self.open_recorder(**{"network": self.network, "fetch_missing_certificates": True, **arguments})
        port = recorder.open(writer)
        asked = [port.fetch(f"{self.server.base}/a", [("User-Agent", "Seen/1")]).result(60) for _ in range(times)]
        port.close()
        writer.close("captured", None)
        return asked, writer


@pytest.fixture
def scene(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> Iterator[Scene]:
    server, issuers = RawServer(tmp_path / "server", True), RawServer(tmp_path / "issuers", False)
    server.answers["/a"] = PAGE
    yield Scene(tmp_path, new_writer, open_recorder, server, issuers)
    server.close()
    issuers.close()


def tls_records(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("*.warc.gz")):
        with open(path, "rb") as stream:
            for record in read_warc(stream):
                if (record.uri or "").startswith("urn:archiver:tls:"):
                    found.append(json.loads(record.stream.read()))
    return found


FORMS: dict[str, Callable[[Signed], bytes]] = {
    "DER": lambda one: one.der,
    "PEM": lambda one: one.pem,
    "PKCS #7": lambda one: pkcs7.serialize_certificates([one.certificate], Encoding.DER),
    "PKCS #7 as PEM": lambda one: pkcs7.serialize_certificates([one.certificate], Encoding.PEM),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_chain_is_completed_and_the_record_says_from_where(scene: Scene, form: str) -> None:
    between = signed("Between", scene.root)
    scene.shows(signed("leaf", between, link=LINK, host=HOST))
    scene.issuers.answers["/issuer.crt"] = answer(FORMS[form](between))
    asked, writer = scene.run(times=2)
    assert [done.complete for done in asked] == [True, True], asked[0].detail
    assert len(scene.issuers.received) == 1, "one chain is fetched once in a capture"
    assert b"\r\nUser-Agent: Seen/1\r\n" in scene.issuers.received[0], "seen as by the server itself"
    before, *after = tls_records(writer.folder)
    assert (before["intact"], "completed" in before) == (False, False)
    assert len(after) == 2
    lines = {line["id"]: line for line in read_lines(writer.folder / "records.jsonl")}
    for record in after:
        [completed] = record["completed"]
        assert record["intact"]
        assert len(record["chain"]) == 1, "the chain stands as the server sent it"
        assert completed["from"] == LINK
        assert completed["certificate"].encode() == between.pem
        kept = lines[completed["record"]]
        assert (kept["type"], kept["uri"], kept["tag"]) == ("response", LINK, f"missing certificate of {HOST}")
    manifest = json.loads((writer.folder / "manifest.json").read_bytes())
    assert manifest["hosts"] == sorted([HOST, ISSUERS])


def test_nothing_is_fetched_unless_the_setting_says_so_and_the_reason_names_it(scene: Scene) -> None:
    between = signed("Between", scene.root)
    scene.shows(signed("leaf", between, link=LINK, host=HOST))
    scene.issuers.answers["/issuer.crt"] = answer(between.der)
    [done], writer = scene.run(fetch_missing_certificates=False)
    assert done.problem == "tls failed"
    assert f"{SETTING} = true" in (done.detail or "")
    assert ISSUERS in (done.detail or "")
    assert scene.issuers.received == []
    assert writer.hosts == {HOST}


@pytest.mark.parametrize("missing", [LEVELS, LEVELS + 1])
def test_so_many_levels_are_fetched_and_no_more(scene: Scene, missing: int) -> None:
    above = scene.root
    for level in range(missing, 0, -1):
        link = None if above is scene.root else f"http://{ISSUERS}/{level + 1}"
        above = signed(f"Level {level}", above, link=link)
        scene.issuers.answers[f"/{level}"] = answer(above.der)
    scene.shows(signed("leaf", above, link=f"http://{ISSUERS}/1", host=HOST))
    [done], _ = scene.run()
    assert done.complete is (missing == LEVELS), done.detail
    assert len(scene.issuers.received) == LEVELS


@dataclass
class Attack:
    """What a server and its link show, and what is said of it."""

    leaf: Signed
    body: bytes
    said: str
    status: str = "200 OK"
    asked: int = 1


def forged(root: Signed) -> Attack:
    between = signed("Between", root)
    return Attack(signed("leaf", between, link=LINK, host=HOST), signed("Between", root).der, "not the certificate of")


def self_signed(root: Signed) -> Attack:
    own = signed("Own")
    return Attack(signed("leaf", own, link=LINK, host=HOST), own.der, "self-signed certificate")


def self_signed_by_the_root_s_name(root: Signed) -> Attack:
    own = signed("Root")
    return Attack(signed("leaf", own, link=LINK, host=HOST), own.der, "certificate signature failure", asked=0)


def of_unknown_root(root: Signed) -> Attack:
    between = signed("Between", signed("Unknown"))
    return Attack(signed("leaf", between, link=LINK, host=HOST), between.der, "names no http link")


def with_its_unknown_root(root: Signed) -> Attack:
    unknown = signed("Unknown")
    between = signed("Between", unknown)
    both = pkcs7.serialize_certificates([between.certificate, unknown.certificate], Encoding.DER)
    return Attack(signed("leaf", between, link=LINK, host=HOST), both, "self-signed certificate")


def expired(root: Signed) -> Attack:
    between = signed("Between", root, days=(-9, -1))
    return Attack(signed("leaf", between, link=LINK, host=HOST), between.der, "expired")


def no_authority(root: Signed) -> Attack:
    between = signed("Between", root, ca=False)
    return Attack(signed("leaf", between, link=LINK, host=HOST), between.der, "invalid CA certificate")


def garbage(root: Signed) -> Attack:
    return Attack(signed("leaf", signed("Between", root), link=LINK, host=HOST), b"\x30\x82", "not the certificate of")


def not_there(root: Signed) -> Attack:
    return Attack(signed("leaf", signed("Between", root), link=LINK, host=HOST), b"", "HTTP 404", "404 Not Found")


def without_end(root: Signed) -> Attack:
    between = signed("Between", root)
    body = between.pem + b"#" * LIMIT
    return Attack(signed("leaf", between, link=LINK, host=HOST), body, f"more than {LIMIT} bytes")


def by_https(root: Signed) -> Attack:
    between = signed("Between", root)
    leaf = signed("leaf", between, link=LINK.replace("http:", "https:"), host=HOST)
    return Attack(leaf, between.der, "names no http link", asked=0)


def private(root: Signed) -> Attack:
    leaf = signed("leaf", signed("Between", root), link="http://10.0.0.1/issuer.crt", host=HOST)
    return Attack(leaf, b"", "refused address", asked=0)


def other_name(root: Signed) -> Attack:
    between = signed("Between", root)
    return Attack(signed("leaf", between, link=LINK, host="elsewhere.example"), between.der, "not for raw", asked=0)


def leaf_expired(root: Signed) -> Attack:
    between = signed("Between", root)
    leaf = signed("leaf", between, link=LINK, host=HOST, days=(-9, -1))
    return Attack(leaf, between.der, "certificate has expired", asked=0)


@pytest.mark.parametrize(
    "attack",
    [
        forged, self_signed, self_signed_by_the_root_s_name, of_unknown_root, with_its_unknown_root, expired, no_authority,
        garbage, not_there, without_end, by_https, private, other_name, leaf_expired,
    ],
)  # fmt: skip
def test_what_leads_to_no_trusted_root_is_refused(scene: Scene, attack: Callable[[Signed], Attack]) -> None:
    made = attack(scene.root)
    scene.shows(made.leaf)
    scene.issuers.answers["/issuer.crt"] = answer(made.body, made.status)
    asked, writer = scene.run(times=2)
    for done in asked:
        assert done.problem == "tls failed"
        assert made.said in (done.detail or "")
    assert scene.server.received == [], "nothing is sent to a server that failed the check"
    assert len(scene.issuers.received) == made.asked, "asked once in a capture, also where it was of no use"
    assert all(not record["intact"] and "completed" not in record for record in tls_records(writer.folder))
    if attack is private:
        assert writer.refused_hosts == {"10.0.0.1"}


def test_certificates_come_by_the_proxy_of_the_capture(scene: Scene) -> None:
    between = signed("Between", scene.root)
    scene.shows(signed("leaf", between, link=LINK, host=HOST))
    scene.issuers.answers["/issuer.crt"] = answer(between.der)
    proxy = Proxy("socks5", {f"{HOST}:443": scene.server.port, f"{ISSUERS}:80": scene.issuers.port})
    [done], _ = scene.run(
        network=TestNetwork({}, scene.network.roots), proxy=ProxyChoice(f"socks5h://127.0.0.1:{proxy.port}")
    )
    proxy.close()
    assert done.complete, done.detail
    assert proxy.asked == [f"{HOST}:443", f"{ISSUERS}:80", f"{HOST}:443"]


def test_a_proxy_that_fails_for_a_certificate_stops_the_capture(scene: Scene) -> None:
    scene.shows(signed("leaf", signed("Between", scene.root), link=LINK, host=HOST))
    network = TestNetwork({f"{HOST}:443": ("127.0.0.1", scene.server.port)}, scene.network.roots)
    asked, _ = scene.run(times=2, network=network, proxy=ProxyChoice("socks5h://127.0.0.1:9"))
    assert [done.problem for done in asked] == ["proxy failed", "stopped"]


def handshake(leaf: Signed, folder: Path, roots: bytes, between: list[x509.Certificate]) -> str | None:
    """Shake hands with a server that sends its leaf alone; return what the check found."""
    (folder / "anchors.pem").write_bytes(roots)
    server_context = SSL.Context(SSL.TLS_SERVER_METHOD)
    server_context.use_certificate(crypto.X509.from_cryptography(leaf.certificate))
    server_context.use_privatekey(crypto.PKey.from_cryptography_key(leaf.key))
    server = SSL.Connection(server_context, None)
    server.set_accept_state()
    client = client_connection(client_context(Roots(folder / "anchors.pem", "test"), between), HOST)
    for _ in range(3):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(65536))
    return facts(client, HOST).problem


def test_a_certificate_in_between_is_no_root(tmp_path: Path) -> None:
    """Even given to OpenSSL beside the roots: no chain ends in it, be it issued by another or by itself."""
    root, other = signed("Root"), signed("Other")
    between, own = signed("Between", root), signed("Own")
    leaf, of_own = signed("leaf", between, host=HOST), signed("leaf", own, host=HOST)
    assert handshake(leaf, tmp_path, root.pem, [between.certificate]) is None
    assert "issuer" in (handshake(leaf, tmp_path, other.pem, [between.certificate]) or "")
    assert "issuer" in (handshake(of_own, tmp_path, other.pem, [own.certificate]) or "")
    spelled = signed("Own", issuer=" OWN")  # the same name to OpenSSL
    leaf = signed("leaf", spelled, host=HOST)
    assert "issuer" in (handshake(leaf, tmp_path, other.pem, [spelled.certificate]) or "")


ODD_NAME = bytes.fromhex("a3020500")
"""A GeneralName of the kind x400Address, which cryptography does not read (RFC 5280, 4.2.1.6)."""


def der(*parts: bytes) -> bytes:
    """A short SEQUENCE."""
    return b"\x30" + bytes([len(b"".join(parts))]) + b"".join(parts)


@pytest.mark.parametrize("fetch", [True, False])
@pytest.mark.parametrize("odd", ["1.3.6.1.5.5.7.1.1", "2.5.29.17", "2.5.29.18"])
def test_a_certificate_with_names_that_nobody_reads_is_a_failed_check(scene: Scene, odd: str, fetch: bool) -> None:
    """It is a stranger's: nothing in it may be taken for a fault of the program's own."""
    issuers = bytes.fromhex("06082b06010505073002")
    value = der(der(issuers, ODD_NAME)) if odd.endswith(".1.1") else der(ODD_NAME)
    more = [x509.UnrecognizedExtension(x509.ObjectIdentifier(odd), value)]
    host = None if odd.endswith(".17") else HOST
    scene.shows(signed("leaf", signed("Between", scene.root), host=host, more=more))
    [done], _ = scene.run(fetch_missing_certificates=fetch)
    assert done.problem == "tls failed", done.detail
    assert scene.server.received == []


def test_a_certificate_of_no_known_version_is_none() -> None:
    """OpenSSL reads it; what we look into certificates with does not."""
    good = signed("Between").der
    odd = good.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), 1)
    assert read_certificates(odd) == []
    assert issuer_host([ssl.DER_cert_to_PEM_cert(odd)]) is None


@pytest.mark.parametrize("fetched", [True, False])
def test_the_setting_of_the_home_decides(scene: Scene, home: Home, fetched: bool) -> None:
    between = signed("Between", scene.root)
    scene.shows(signed("leaf", between, link=LINK, host=HOST))
    scene.issuers.answers["/issuer.crt"] = answer(between.der)
    if fetched:
        set_in(home, **{KEY: "true"})
    recorder = open_recorder(home, scene.network)
    try:
        port = recorder.open(scene.new_writer("set"))
        assert port.fetch(f"{scene.server.base}/a", []).result(60).complete is fetched
        port.close()
    finally:
        recorder.close()
