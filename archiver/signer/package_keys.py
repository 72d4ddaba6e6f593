"""The keys that packages need beside the ledger's.

keys/wacz.key         P-384, PKCS#8 PEM: signs WACZ files and names nobody
keys/pseudonyms.key   32 random bytes, from which each package's pseudonyms are derived

Each is made when it is first needed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from archiver.errors import ConfigError
from archiver.home.ports import WaczSignature
from storage.digest import keyed
from storage.key_files import write_new_key


def sign_wacz(keys: Path, text: bytes) -> WaczSignature:
    """Return the signature over `text` by the P-384 key in the folder `keys`; deterministic (RFC 6979).

    Raises `ConfigError`, `DiskError`.
    """
    key = _wacz_key(keys)
    der = key.sign(text, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(der)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return WaczSignature(r.to_bytes(48, "big") + s.to_bytes(48, "big"), public)


def _wacz_key(keys: Path) -> ec.EllipticCurvePrivateKey:
    path = keys / "wacz.key"
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP384R1())
        with suppress(FileExistsError):  # another process was quicker
            write_new_key(keys.parent, path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"the key {path}", str(error), "Restore keys/, or remove it to create a new one.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"a P-384 key in {path}", type(key).__name__, "Restore keys/ from your copy.")
    return key


def pseudonym_secret(keys: Path, facts: bytes) -> bytes:
    """Derive the secret of the package that `facts` describe. Raises `OSError`, `DiskError`."""
    path = keys / "pseudonyms.key"
    if not path.exists():
        with suppress(FileExistsError):  # another process was quicker
            write_new_key(keys.parent, path, os.urandom(32))
    return keyed(path.read_bytes(), facts)
