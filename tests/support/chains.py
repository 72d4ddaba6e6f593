"""Authorities over authorities: certificates that name where their issuer's can be had, and servers that send too few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.support.rawserver import RawServer


@dataclass(frozen=True)
class Signed:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def signed(
    name: str,
    by: Signed | None = None,
    *,
    link: str | None = None,
    host: str | None = None,
    ca: bool = True,
    days: tuple[int, int] = (-2, 30),
    issuer: str | None = None,
    more: Sequence[x509.ExtensionType] = (),
) -> Signed:
    """Make a certificate, self-signed unless `by` signs it.

    `link`: where it says that its issuer's is to be had. `host`: for a server of that name. `days`: from when until when
    it is valid, counted from now. `issuer`: by which name it calls who signed it. `more`: further extensions.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    above = by.certificate.subject if by else subject
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above if issuer is None else _named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca and host is None, path_length=None), critical=True)
    )
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if link is not None:
        where = x509.UniformResourceIdentifier(link)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def present(server: RawServer, folder: Path, leaf: Signed, *above: Signed) -> None:
    """Let a server show this certificate, and of those above it only these."""
    assert server._context is not None
    path = folder / "shown.pem"
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(b"".join([key, leaf.pem, *(one.pem for one in above)]))
    server._context.load_cert_chain(path)
