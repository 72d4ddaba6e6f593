"""Who signed: the key in the package, its hand-overs, and the fingerprint that came by another way."""

from __future__ import annotations

import re

from archiver.checks.package.files import PackageFiles, Unknown
from archiver.checks.proofs import Bad, note_text
from storage.digest import Digests, sha256_hex

SIGNATURE = "signature/tagmanifest-sha512.txt.note"


def key(files: PackageFiles) -> str:
    """Read the key, and follow its hand-overs back."""
    files.keys = [files.read("proofs/vkey.txt").decode("ascii").strip()]
    for name in sorted((name for name in files.names if name.startswith("proofs/handovers/")), reverse=True):
        data = files.read(name)
        _, old, new = data.decode().split("\n")[:3]
        text = f"archiver-key-handover/1\n{old}\n{new}\n"
        if new != files.keys[-1] or note_text(data, new) != text or note_text(data, old) != text:
            raise Bad(f"{name} is no hand-over to the key that follows, signed by both")
        files.keys.append(old)
    return ""


def signature(files: PackageFiles) -> str:
    """Check that the key signed the list of all files."""
    running = Digests("sha512")
    running.update(files.read("tagmanifest-sha512.txt"))
    text = f"archiver-package/1\nsha512 {running.hexdigests()['sha512']}\n"
    if note_text(files.read(SIGNATURE), files.keys[0]) != text:
        raise Bad("the signature belongs to another package")
    return "by the key in the package, over the list of all its files"


def signer(files: PackageFiles) -> str:
    """Compare the key with the fingerprint that was given."""
    own = [sha256_hex(key.encode()) for key in files.keys]
    if files.wanted is None:
        raise Unknown(
            f"signer unconfirmed: give the fingerprint you got through another channel. The package's is {own[0]}"
        )
    given = re.sub(r"[\s:]", "", files.wanted).lower()
    for number, one in enumerate(own):
        if given in (one, "".join(_words(one))):
            return "the key that was named" if not number else "a key that the one that was named handed over to"
    raise Bad(f"signed by a key other than the one given: {own[0]}")


def _words(hexadecimal: str) -> list[str]:
    """Proquints of the first 128 bits (arXiv:0901.4016)."""
    out = []
    for at in range(0, 32, 4):
        bits = f"{int(hexadecimal[at : at + 4], 16):016b}"
        parts = (bits[:4], bits[4:6], bits[6:10], bits[10:12], bits[12:])
        out.append("".join(("bdfghjklmnprstvz" if len(part) == 4 else "aiou")[int(part, 2)] for part in parts))
    return out
