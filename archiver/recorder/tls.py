"""TLS without a socket, by pyOpenSSL memory BIOs, on both legs.

Upstream: verification is on. A failed check is remembered rather than raised inside OpenSSL, so that the chain of
*that very connection* can be kept; nothing is sent on it afterwards. A body that ends without close_notify is seen.
Towards clients: certificates for any host name, signed by a throw-away authority that lives in memory.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address

from storage.digest import sha256_hex

_PROTOCOLS = {"TLSv1.2": "tls/1.2", "TLSv1.3": "tls/1.3"}
_IANA_12 = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "DHE-RSA-AES128-GCM-SHA256": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "DHE-RSA-AES256-GCM-SHA384": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "DHE-RSA-CHACHA20-POLY1305": "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
"""IANA names of the TLS 1.2 suites offered below, by OpenSSL's names. `WARC-Cipher-Suite` is to hold the IANA name."""


UNREADABLE: tuple[type[Exception], ...] = (ValueError, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What `cryptography` raises for a certificate that OpenSSL reads and it does not: of another version, or with odd names."""


@dataclass(frozen=True)
class Roots:
    """The trusted roots, loaded by name from one file, never from process-wide settings."""

    path: Path
    name: str

    def describe(self) -> dict[str, str]:
        """Return name and SHA-256 (hex) of the file of roots, for the WARC. Raises `OSError`."""
        return {"name": self.name, "sha256": sha256_hex(self.path.read_bytes())}


_VERIFY_ERRORS = {
    2: "unable to get issuer certificate",
    7: "certificate signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    23: "certificate revoked",
    24: "invalid CA certificate",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    66: "end-entity key too small",
    67: "CA key too small",
    68: "CA signature digest algorithm too weak",
}
"""X509_V_ERR_* of OpenSSL's x509_vfy.h, in its words."""
MISSING_ISSUER = frozenset({2, 20, 21})
"""Those of them that say no more than that a certificate above is missing."""


def client_context(roots: Roots, between: Iterable[x509.Certificate] = ()) -> SSL.Context:
    """Make the TLS settings towards servers: TLS 1.2 or newer, the ciphers of `_IANA_12`, HTTP/1.1 by ALPN.

    A failed check is noted and does not end the handshake: the chain is kept first, then `facts` tells of it.

    `between`: certificates that may stand between a server's and a root. None of them is trusted: OpenSSL finds issuers
    in its store, but a chain must still end there in what is self-signed, unless X509_V_FLAG_PARTIAL_CHAIN is set,
    which it is not. What is issued by its own name would be a root, and is left out.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.load_verify_locations(str(roots.path))
    if (store := context.get_cert_store()) is not None:
        for certificate in map(crypto.X509.from_cryptography, between):
            if (
                certificate.get_issuer() != certificate.get_subject()
            ):  # as OpenSSL compares: `Own` and `OWN` are one name
                store.add_cert(certificate)
    context.set_cipher_list(":".join(_IANA_12).encode())
    context.set_verify(SSL.VERIFY_PEER, _remember)
    context.set_alpn_protos([b"http/1.1"])
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    return context


def _remember(connection: SSL.Connection, _certificate: crypto.X509, error: int, depth: int, ok: int) -> bool:
    """Lets the handshake finish and notes the failure; `UpstreamTls.verify` then refuses the connection."""
    if not ok:
        failed: list[tuple[int, int]] = connection.get_app_data()
        failed.append((error, depth))
    return True


@dataclass(frozen=True)
class TlsFacts:
    """Facts that are kept of a connection: its chain as sent, and whether our check of it passed.

    `lacks_issuer`: nothing else is wrong with the chain than that it ends before a certificate that a root has issued.
    """

    protocol: str | None
    protocol_text: str
    cipher: str | None
    chain: list[str]
    problem: str | None
    lacks_issuer: bool = False


def client_connection(context: SSL.Context, host: str) -> SSL.Connection:
    """Make a client connection on memory BIOs, with SNI for `host` unless it is an IP address.

    The dot that may end a name is no part of SNI (RFC 6066, 3).
    """
    host = host.rstrip(".")
    connection = SSL.Connection(context, None)
    connection.set_app_data([])
    connection.set_connect_state()
    if not _is_address(host):
        connection.set_tlsext_host_name(host.encode("idna" if not host.isascii() else "ascii"))
    return connection


def facts(connection: SSL.Connection, host: str) -> TlsFacts:
    """Return the chain of a finished handshake and what our check found of it: trust, validity and name."""
    host = host.rstrip(".")  # certificates name hosts without the dot that may end a name
    failed: list[tuple[int, int]] = list(dict.fromkeys(connection.get_app_data()))
    problems = [
        f"{_VERIFY_ERRORS.get(error, f'verification error {error}')} (depth {depth})" for error, depth in failed
    ]
    chain = connection.get_peer_cert_chain() or []
    if not chain:
        problems.append("no certificate was presented")
    else:
        try:
            if _is_address(host):
                verify_ip_address(connection, host)
            else:
                verify_hostname(connection, host)
        except (VerificationError, CertificateError, *UNREADABLE) as error:  # ValueError: also a host such as 16843009
            problems.append(f"the certificate is not for {host} ({type(error).__name__})")
    version = connection.get_protocol_version_name()
    name = connection.get_cipher_name()
    pems = [crypto.dump_certificate(crypto.FILETYPE_PEM, item).decode() for item in chain]
    cipher = name if name and name.startswith("TLS_") else _IANA_12.get(name or "")
    lacks = bool(failed) and len(problems) == len(failed) and all(error in MISSING_ISSUER for error, _ in failed)
    return TlsFacts(_PROTOCOLS.get(version), version, cipher, pems, "; ".join(problems) or None, lacks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class ThrowAwayAuthority:
    """A certificate authority for our own clients. Its key never leaves this process's memory."""

    def __init__(self, now: datetime) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._start = now.astimezone(UTC) - timedelta(days=1)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archiver recorder, this process only")])
        self._name = name
        self.certificate = (
            self._builder(name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._contexts: dict[str, SSL.Context] = {}

    @property
    def pem(self) -> bytes:
        """The authority's certificate as PEM, for our clients to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._start)
            .not_valid_after(self._start + timedelta(days=30))
        )

    def server_connection(self, host: str) -> SSL.Connection:
        """Make the client-facing end of a CONNECT tunnel to `host`, with a certificate for it."""
        if host not in self._contexts:
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.set_min_proto_version(SSL.TLS1_2_VERSION)
            context.use_privatekey(crypto.PKey.from_cryptography_key(self._leaf_key))
            context.use_certificate(crypto.X509.from_cryptography(self._leaf(host)))
            # Chromium accepts a pinned authority only if it comes along in the chain.
            context.add_extra_chain_cert(crypto.X509.from_cryptography(self.certificate))
            context.set_alpn_select_callback(
                lambda _c, offered: b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS
            )
            self._contexts[host] = context
        connection = SSL.Connection(self._contexts[host], None)
        connection.set_accept_state()
        return connection

    def _leaf(self, host: str) -> x509.Certificate:
        general: list[x509.GeneralName]
        if _is_address(host):
            general = [x509.IPAddress(ipaddress.ip_address(host.strip("[]")))]
        else:  # some clients compare a name with the dot that ends it, and some without
            general = [x509.DNSName(name) for name in dict.fromkeys((host.rstrip("."), host))]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            self._builder(subject, self._leaf_key.public_key())
            .add_extension(x509.SubjectAlternativeName(general), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
