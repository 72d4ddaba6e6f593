"""Certificates that a server should have sent and did not: fetched from where the certificate below names its issuer.

Browsers do the same without saying so (RFC 5280, 4.2.2.1, `caIssuers`). Here it is a setting, and what is fetched is
recorded like any other answer. Nobody vouches for what comes by plain http, so it only ever helps to find a way: that
way must begin at the server's certificate and end at a root that was trusted before, by OpenSSL's own check, made once
here and again in the next handshake. What is self-signed is never taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL import SSL, crypto

from archiver.recorder.tls import MISSING_ISSUER, UNREADABLE, Roots, client_context
from archiver.recorder.url import WireLink, split_url
from spiders.links import LinkProblem

SETTING = "[recorder] fetch_missing_certificates"
LEVELS = 3
"""How many certificates are fetched on the way from a server's certificate to a root."""
LIMIT = 256 << 10
"""The longest answer that is read as certificates, bytes. One certificate has some 2 KiB; bundles of states have more."""
SECONDS = 15.0
"""How long such an answer may take."""
_LINKS = 2
"""How many of the links in one certificate are asked."""
_IN_ANSWER = 64
"""How many certificates of one answer are looked at."""
_PEM = b"-----BEGIN "
_NO_EXTENSION: tuple[type[Exception], ...] = (x509.ExtensionNotFound, x509.DuplicateExtension, *UNREADABLE)
_NO_CERTIFICATE: tuple[type[Exception], ...] = (UnsupportedAlgorithm, *UNREADABLE)

Place = tuple[str, int]
"""Host and port of a server."""


@dataclass(frozen=True)
class CertificateAnswer:
    """What a link to certificates answered. `problem`: why it is no whole answer, in words."""

    body: bytes = field(repr=False, default=b"")
    record: str | None = None
    problem: str | None = None


Ask = Callable[[WireLink, str, str | None], Awaitable[CertificateAnswer]]
"""Asks a link, for the server of that host, under that User-Agent, and records what comes."""


@dataclass(frozen=True)
class FetchedCertificate:
    """A certificate that was fetched. `record`: id of the record of the answer that it stood in."""

    certificate: x509.Certificate
    link: str
    record: str | None

    def line(self) -> dict[str, str | None]:
        """Return what the TLS record says of it: where it came from, and itself as PEM."""
        pem = self.certificate.public_bytes(Encoding.PEM).decode()
        return {"from": self.link, "record": self.record, "certificate": pem}


class MissingCertificates:
    """The certificates that were fetched for the servers of one capture. Runs on the recorder's loop."""

    def __init__(self, roots: Roots, ask: Ask) -> None:
        self._roots, self._ask = roots, ask
        self._store: crypto.X509Store | None = None
        self._fetched: dict[Place, list[FetchedCertificate]] = {}
        self._contexts: dict[Place, SSL.Context] = {}
        self._refused: dict[tuple[Place, tuple[str, ...]], str] = {}
        self._locks: dict[Place, asyncio.Lock] = {}

    def context(self, place: Place) -> SSL.Context | None:
        """Return the TLS settings for a server whose chain was completed, or None."""
        return self._contexts.get(place)

    def used(self, place: Place, connection: SSL.Connection) -> list[FetchedCertificate]:
        """Return those of the fetched certificates by which the check of a connection passed."""
        way = {one.to_cryptography() for one in connection.get_verified_chain() or []}
        return [one for one in self._fetched.get(place, []) if one.certificate in way]

    async def complete(self, place: Place, chain: Sequence[str], agent: str | None) -> str | None:
        """Fetch what is missing above the certificates that a server sent. Return why that failed, or None.

        Afterwards `context` gives the settings with which to connect anew. Each chain is tried once in a capture.
        """
        async with self._locks.setdefault(place, asyncio.Lock()):
            key = (place, tuple(chain))
            if key not in self._refused:
                why = await self._find_way(place, chain, agent)
                if why is None:
                    return None
                self._refused[key] = why
            return self._refused[key]

    async def _find_way(self, place: Place, chain: Sequence[str], agent: str | None) -> str | None:
        try:
            sent = [x509.load_pem_x509_certificate(pem.encode()) for pem in chain]
        except UNREADABLE as error:
            return f"a certificate that it sends cannot be read ({error})"
        fetched = list(self._fetched.get(place, []))
        for level in range(LEVELS + 1):
            pool = [*sent[1:], *(one.certificate for one in fetched)]
            way = self._way(sent[0], pool)
            if not isinstance(way, str | None):
                self._keep(place, [one for one in fetched if one.certificate in way])
                return None
            if way is not None:
                return f"with what was fetched: {way}"
            if level == LEVELS:
                break
            more = await self._issuer_of(_highest(sent[0], pool), place[0], agent)
            if isinstance(more, str):
                return more
            fetched += more
        return f"no trusted root above {LEVELS} certificates that were fetched"

    def _way(self, leaf: x509.Certificate, pool: Sequence[x509.Certificate]) -> set[x509.Certificate] | str | None:
        """The certificates between a leaf and a trusted root; why there can be no way; None where one is still missing."""
        if self._store is None:
            self._store = crypto.X509Store()
            self._store.load_locations(str(self._roots.path))
        others = [crypto.X509.from_cryptography(one) for one in pool]
        context = crypto.X509StoreContext(self._store, crypto.X509.from_cryptography(leaf), others)
        try:
            return {one.to_cryptography() for one in context.get_verified_chain()}
        except crypto.X509StoreContextError as error:
            return None if error.errors[0] in MISSING_ISSUER else str(error)

    def _keep(self, place: Place, found: list[FetchedCertificate]) -> None:
        """Add what helped: one name may have servers with different certificates."""
        kept = {one.certificate: one for one in [*self._fetched.get(place, []), *found]}
        self._fetched[place] = list(kept.values())
        self._contexts[place] = client_context(self._roots, kept)

    async def _issuer_of(self, below: x509.Certificate, host: str, agent: str | None) -> list[FetchedCertificate] | str:
        """Fetch the issuer of a certificate, with what else stands in the answer; or say why there is none."""
        why = "the certificate names no http link to that of its issuer"
        for link in issuer_links(below)[:_LINKS]:
            answer = await self._ask(link, host, agent)
            if answer.problem is not None:
                why = f"{link.uri}: {answer.problem}"
                continue
            found = read_certificates(answer.body)
            if any(_issued(one, below) for one in found):
                return [FetchedCertificate(one, link.uri, answer.record) for one in found[:_IN_ANSWER]]
            why = f"what {link.uri} answers is not the certificate of its issuer"
        return why


def issuer_links(certificate: x509.Certificate) -> list[WireLink]:
    """Return the http links under which a certificate says that its issuer's can be had. Others are not asked."""
    return list(_issuer_links(certificate))


def issuer_host(chain: Sequence[str]) -> str | None:
    """Return the host from which the issuer of the last certificate of a chain (PEM, as sent) can be had, or None."""
    try:
        sent = [x509.load_pem_x509_certificate(pem.encode()) for pem in chain]
    except UNREADABLE:
        return None
    return next((link.host for link in issuer_links(_highest(sent[0], sent[1:]))), None) if sent else None


def _issuer_links(certificate: x509.Certificate) -> Iterator[WireLink]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except _NO_EXTENSION:
        return
    for item in access:
        if item.access_method != AuthorityInformationAccessOID.CA_ISSUERS:
            continue
        if isinstance(item.access_location, x509.UniformResourceIdentifier):
            link = split_url(item.access_location.value)
            if not isinstance(link, LinkProblem) and link.scheme == "http":
                yield link


def read_certificates(data: bytes) -> list[x509.Certificate]:
    """Return the certificates in an answer: DER or PEM, single or in PKCS #7 (RFC 5280, 4.2.2.1). None: an empty list."""
    from cryptography.hazmat.primitives.serialization import pkcs7  # slow to import, and seldom needed

    readers: list[Callable[[bytes], list[x509.Certificate]]] = [
        lambda der: [x509.load_der_x509_certificate(der)],
        pkcs7.load_der_pkcs7_certificates,
    ]
    if data.lstrip().startswith(_PEM):
        readers = [x509.load_pem_x509_certificates, pkcs7.load_pem_pkcs7_certificates]
    for read in readers:
        try:
            return read(data)
        except _NO_CERTIFICATE:
            continue
    return []


def _highest(leaf: x509.Certificate, pool: Sequence[x509.Certificate]) -> x509.Certificate:
    """The certificate to which issuers can be followed, from a leaf through a pool."""
    at, left = leaf, list(pool)
    while (above := next((one for one in left if _issued(one, at)), None)) is not None:
        at = above
        left.remove(above)
    return at


def _issued(issuer: x509.Certificate, below: x509.Certificate) -> bool:
    """Whether a certificate was signed by another one's key, under its name."""
    try:
        below.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
