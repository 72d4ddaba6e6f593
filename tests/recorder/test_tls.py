"""TLS upstream: verification is on, its failure is typed, and the chain of that very connection is kept."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from OpenSSL import SSL

from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from archiver.recorder.tls import Roots, ThrowAwayAuthority
from storage.capture import CaptureWriter
from storage.warc import read_warc
from tests.support.rawserver import HOST, RawServer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert(HOST, not_after=datetime.now(UTC) - timedelta(days=1))


def other_name(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("elsewhere.example.org")


def foreign(authority: trustme.CA) -> trustme.LeafCert:
    return trustme.CA().issue_cert(HOST)


def tls_records(folder: Path) -> list[dict[str, object]]:
    found = []
    for path in folder.glob("*.warc.gz"):
        with open(path, "rb") as stream:
            for record in read_warc(stream):
                if (record.uri or "").startswith("urn:archiver:tls:"):
                    found.append(json.loads(record.stream.read()))
    return found


@pytest.mark.parametrize(
    ("certificate", "said"),
    [(expired, "certificate has expired"), (other_name, "not for raw.example.org"), (foreign, "issuer")],
)
def test_a_failed_certificate_is_refused_and_its_chain_kept(
    tmp_path: Path,
    new_writer: Callable[..., CaptureWriter],
    open_recorder: Callable[..., Recorder],
    certificate: Callable[[trustme.CA], trustme.LeafCert],
    said: str,
) -> None:
    server = RawServer(tmp_path / "server", True, certificate)
    server.answers["/a"] = ANSWER
    recorder, writer = open_recorder(network=server.network), new_writer("tls")
    port = recorder.open(writer)
    done = port.fetch(f"{server.base}/a", [("Cookie", "must-not-be-sent")]).result(30)
    port.close()
    server.close()
    writer.close("failed", "test")
    assert done.problem == "tls failed"
    assert said in (done.detail or "")
    assert server.received == [], "nothing may be sent over a connection that failed the check"
    [record] = tls_records(writer.folder)
    assert record["intact"] is False
    assert said in str(record["problem"])
    assert str(record["chain"]).count("BEGIN CERTIFICATE") >= 1


def test_a_dot_behind_the_name_is_in_neither_sni_nor_certificate(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    server = RawServer(tmp_path / "server", True)
    server.answers["/a"] = ANSWER
    named: list[str | None] = []
    assert server._context is not None
    server._context.sni_callback = lambda _socket, name, _context: named.append(name)
    network = TestNetwork({f"{HOST}.:443": ("127.0.0.1", server.port)}, server.network.roots)
    port = open_recorder(network=network).open(new_writer("dot"))
    done = port.fetch(f"https://{HOST}./a", []).result(30)
    port.close()
    server.close()
    assert done.complete, (done.problem, done.detail)
    assert named == [HOST]
    assert b"Host: raw.example.org.\r\n" in server.received[0], "the request names the host as the link does"


@pytest.mark.parametrize("host", [HOST, f"{HOST}."])
def test_our_own_clients_may_ask_with_or_without_the_dot(host: str) -> None:
    authority = ThrowAwayAuthority(datetime.now(UTC))
    settings = ssl.create_default_context(cadata=authority.pem.decode())
    to_us, to_them = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = settings.wrap_bio(to_them, to_us, server_hostname=host), authority.server_connection(f"{HOST}.")
    for _ in range(3):
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        if to_us.pending:
            server.bio_write(to_us.read())
        with contextlib.suppress(SSL.WantReadError):
            server.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            to_them.write(server.bio_read(65536))
    client.do_handshake()


def test_both_records_point_to_the_chain(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    server = RawServer(tmp_path / "server", True)
    server.answers["/a"] = ANSWER
    recorder, writer = open_recorder(network=server.network), new_writer("tls")
    port = recorder.open(writer)
    assert port.fetch(f"{server.base}/a", []).result(30).complete
    port.close()
    server.close()
    writer.close("captured", None)
    ids, concurrent, protocols = [], [], []
    for path in writer.folder.glob("*.warc.gz"):
        with open(path, "rb") as stream:
            for record in read_warc(stream):
                if (record.uri or "").startswith("urn:archiver:tls:"):
                    ids.append(record.get("WARC-Record-ID"))
                if record.type in ("request", "response"):
                    concurrent.append({value for name, value in record.fields if name == "WARC-Concurrent-To"})
                    protocols.append([value for name, value in record.fields if name == "WARC-Protocol"])
                    assert (record.get("WARC-Cipher-Suite") or "").startswith("TLS_")
    assert len(ids) == 1
    assert len(concurrent) == 2
    assert all(ids[0] in pair for pair in concurrent)
    assert protocols == [["http/1.1", "tls/1.3"]] * 2


def test_tls_1_2_suites_have_their_iana_names(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    import ssl

    server = RawServer(tmp_path / "server", True)
    assert server._context is not None
    server._context.maximum_version = ssl.TLSVersion.TLSv1_2
    server.answers["/a"] = ANSWER
    recorder, writer = open_recorder(network=server.network), new_writer("tls12")
    port = recorder.open(writer)
    assert port.fetch(f"{server.base}/a", []).result(30).complete
    port.close()
    server.close()
    [record] = [json.loads(json.dumps(item)) for item in _after(writer)]
    assert record["protocol"] == "TLSv1.2"
    assert str(record["cipher"]).startswith("TLS_ECDHE_")


def _after(writer: CaptureWriter) -> list[dict[str, object]]:
    writer.close("captured", None)
    return tls_records(writer.folder)


def test_a_host_that_is_a_number_has_no_certificate(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    """`https://16843009/` is 1.1.1.1 to a resolver, and no name that a certificate could be for."""
    server = RawServer(tmp_path / "server", True)
    network = TestNetwork({"16843009:443": ("127.0.0.1", server.port)}, server.network.roots)
    port = open_recorder(network=network).open(new_writer("number"))
    assert port.fetch("https://16843009/", []).result(30).problem == "tls failed"
    server.close()


def test_public_roots_are_the_default_and_reject_a_private_authority(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    from archiver.recorder.network import default_roots

    server = RawServer(tmp_path / "server", True)
    server.answers["/a"] = ANSWER
    roots = default_roots()
    assert roots.name.startswith("certifi")
    network = TestNetwork(server.network.routes, Roots(roots.path, roots.name))
    port = open_recorder(network=network).open(new_writer("default"))
    assert port.fetch(f"{server.base}/a", []).result(30).problem == "tls failed"
    server.close()


def test_environment_cannot_change_the_roots(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_writer: Callable[..., CaptureWriter],
    open_recorder: Callable[..., Recorder],
) -> None:
    server = RawServer(tmp_path / "server", True)
    server.answers["/a"] = ANSWER
    assert server.network.roots is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(server.network.roots.path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.network.roots.path))
    network = TestNetwork(server.network.routes, None)
    port = open_recorder(network=network).open(new_writer("environment"))
    assert port.fetch(f"{server.base}/a", []).result(30).problem == "tls failed"
    server.close()
