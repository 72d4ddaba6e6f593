"""The signature of a WACZ (wacz-auth 0.1.0): `datapackage-digest.json`, over the digest of `datapackage.json`.

What cannot be concluded without a network is said, not assumed.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from archiver.checks.foreign import ForeignReport, same
from archiver.checks.trees import UNREADABLE, Tree, hindered, load, shown
from storage.digest import Digests, algorithm_named

NAME = "datapackage-digest.json"


class _UnknownKey(Exception):
    """A kind of key or signature that is not verified here."""


def check_signature(tree: Tree, package: bytes, report: ForeignReport) -> None:
    """Check what signs a WACZ. `package`: the bytes of its datapackage.json."""
    report.facts["signed"] = None
    if NAME not in tree.names():
        return
    try:
        raw = load(tree, NAME)
    except UNREADABLE as error:
        hindered(report, NAME, error)
        return
    try:
        value = json.loads(raw)
        stated = value["hash"]
    except (ValueError, RecursionError, TypeError, KeyError):
        report.damage(NAME, "no JSON object with a hash")
        return
    _digest(stated, package, report)
    signed = value.get("signedData")
    if signed is None:
        return
    if not isinstance(signed, dict) or signed.get("hash") != stated:
        report.signature("the signature is over another package")
        return
    from cryptography.exceptions import InvalidSignature

    try:
        who = _verified(signed, stated)
    except _UnknownKey:
        report.unchecked("", "signed by a kind of key that is not known here: the signature was not verified")
    except InvalidSignature:
        report.signature("the signature does not fit the package")
    except (ValueError, TypeError) as error:
        report.signature(f"the signature cannot be read: {error}")
    else:
        report.facts["signed"] = who
        if "domain" in who:
            rest = "the chain of the signer's certificate, and the time stamp over the signature"
            report.facts["not_checked"] = rest
            report.unchecked("", f"signed as {shown(str(who['domain']))}; not checked here: {rest}")


def _digest(stated: Any, package: bytes, report: ForeignReport) -> None:
    name, _, value = stated.partition(":") if isinstance(stated, str) else ("", "", "")
    algorithm = algorithm_named(name)
    if algorithm is None and name and value:
        report.unchecked(NAME, f"a digest by an algorithm that is not known: {shown(name)[:20]}")
        return
    running = Digests(algorithm or "sha256")
    running.update(package)
    fits = same(algorithm, value, running.hexdigests()[algorithm]) if algorithm else False
    if fits is None:
        report.unchecked(NAME, "a digest of a length that is not computed")
    elif not fits:
        report.damage("datapackage.json", f"not what {NAME} says")


def _verified(signed: dict[str, Any], stated: Any) -> dict[str, Any]:
    """Verify the signature. Return who signed.

    Raises `InvalidSignature`, `_UnknownKey`, and `ValueError` or `TypeError` for what cannot be read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    try:
        key, who = _signer(signed)
        signature = base64.b64decode(str(signed.get("signature", "")), validate=False)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise _UnknownKey
        half = (key.curve.key_size + 7) // 8
        if len(signature) == 2 * half:
            numbers = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            signature = utils.encode_dss_signature(*numbers)
        key.verify(signature, str(stated).encode(), ec.ECDSA(hashes.SHA256()))
    except UnsupportedAlgorithm as error:
        raise _UnknownKey from error
    return who


def _signer(signed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(public key, who it says it is): a bare key, or a domain by its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if isinstance(signed.get("publicKey"), str):
        return load_der_public_key(base64.b64decode(signed["publicKey"])), {"key": signed["publicKey"][:200]}
    pem = signed.get("domainCert")
    if not isinstance(pem, str):
        raise ValueError("neither a key nor a certificate")
    leaf = x509.load_pem_x509_certificates(pem.encode())[0]
    try:
        named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError("the certificate names no domain") from error
    names = named.get_values_for_type(x509.DNSName)
    if signed.get("domain") not in names:
        raise ValueError("the certificate belongs to another domain")
    return leaf.public_key(), {"domain": signed["domain"], "created": str(signed.get("created"))[:40]}
