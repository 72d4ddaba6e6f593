"""The proofs of a package: that its captures are in the ledger, and that outsiders saw the ledger when.

proofs/vkey.txt                     the key that signs, in note form; its SHA-256 is the fingerprint
proofs/handovers/<n>.note           each earlier key's hand-over to the next, signed by both
proofs/checkpoint.txt               the checkpoint that the package is made of
proofs/leaves.bin                   the leaf hashes of the ledger up to it, 32 bytes each: they say nothing of what
                                    was recorded, and any earlier checkpoint can be held against them
proofs/items/<seq>.tlog-proof       full and partner: for each capture of the case and each event that is told, its leaf
                                    and the way to a checkpoint (C2SP)
proofs/timestamps/<size>/…          checkpoints that outsiders have stamped, with requests, answers, certificates
proofs/roots/<sha256>.pem           the roots that these lead to
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.errors import UsageError
from archiver.export.bag import Bag
from archiver.export.profiles import PackageView
from archiver.home.home import Home
from archiver.lookup.material import Material
from archiver.seal.kept_stamps import OTS, Stamp, stamps
from storage.ledger import Tiles
from storage.merkle import leaf_hash


@dataclass(frozen=True)
class Basis:
    """Basis of a package: the checkpoint that it is made from, and the stamps that count for it."""

    size: int
    note: bytes
    root: str
    stamps: tuple[Stamp, ...]
    renewals: tuple[dict[str, Any], ...] = ()
    """Events that renewed a stamp, as far as this checkpoint holds them."""

    def covering(self, seq: int) -> Stamp | None:
        """Return the stamp with the earliest time over a checkpoint that holds event `seq`, or None."""
        over = [stamp for stamp in self.stamps if stamp.time is not None and stamp.size > seq]
        return min(over, key=lambda stamp: (str(stamp.time), stamp.size), default=None)


def basis(home: Home, material: Material, wanted: int | None) -> Basis:
    """Choose the first stamped checkpoint over everything in the package, else the first published one.

    So the same selection has the same basis whatever was recorded since, until a stamp had to be renewed.
    Raises `UsageError`.
    """
    folder = home.path / "ledger" / "checkpoints"
    sizes = sorted(int(path.name) for path in folder.glob("[0-9]*"))
    enough = [size for size in sizes if size > material.last_seq]
    if wanted is not None:
        if wanted not in enough:
            raise UsageError(
                f"a checkpoint over the whole package, of {material.last_seq + 1} events or more",
                f"{wanted}",
                f"Leave --checkpoint out, or choose from: {', '.join(map(str, enough[:8]))}",
            )
        size = wanted
    else:
        stamped = {stamp.size for stamp in stamps(home) if stamp.time is not None}
        renewed = max((event["seq"] for event in material.renewals), default=-1)
        later = [size for size in enough if size > renewed] or enough
        size = next((size for size in later if size in stamped), later[0])
    note = (folder / str(size)).read_bytes()
    counting = tuple(stamp for stamp in stamps(home) if stamp.size <= size)
    renewals = tuple(event for event in material.renewals if event["seq"] < size)
    return Basis(size, note, base64.b64decode(note.split(b"\n")[2]).hex(), counting, renewals)


def write_proofs(home: Home, bag: Bag, shown: PackageView, base: Basis) -> None:
    """Write all of `proofs/`. Raises `LedgerError`, `DiskError`."""
    bag.write("proofs/checkpoint.txt", base.note)
    bag.write("proofs/vkey.txt", f"{home.ledger_key_text()}\n".encode())
    entries = list(_leaves(home, base.size))
    bag.write("proofs/leaves.bin", b"".join(leaf_hash(entry) for _, entry in entries))
    handovers = [event for event in shown.material.events if event["type"] == "key-handover"]
    for number, event in enumerate(handovers, 1):
        bag.write(f"proofs/handovers/{number:03d}.note", event["detail"]["note"].encode())
    told = {event["seq"] for event in shown.told_events} | {row["seq"] for row in shown.material.all_of_case}
    # A leaf tells when something was captured, by which other packages and the sites' own logs could be joined to it.
    for seq in sorted(told) if shown.profile != "public" else ():
        stamp = base.covering(seq)
        size = stamp.size if stamp else base.size
        bag.write(f"proofs/items/{seq}.tlog-proof", tlog_proof(home, seq, entries[seq][1], size))
    for name, content in _stamped(home, base):
        bag.write(name, content)


def _leaves(home: Home, size: int) -> Iterator[tuple[int, bytes]]:
    """Give (seq, entry) of every leaf of the ledger up to `size`."""
    tiles = Tiles(home.ledger.folder, size)
    for start in range(0, size, 256):
        yield from enumerate(tiles.entries(start // 256), start)


def tlog_proof(home: Home, seq: int, entry: bytes, size: int) -> bytes:
    """Write a C2SP tlog-proof of one event.

    The leaf is in its `extra` line, then the path to the checkpoint of `size`, and that checkpoint.
    """
    lines = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(entry).decode()}", f"index {seq}"]
    lines += [base64.b64encode(item).decode() for item in home.ledger.inclusion(seq, size)]
    note = (home.path / "ledger" / "checkpoints" / str(size)).read_bytes()
    return "\n".join([*lines, "", ""]).encode() + note


def _stamped(home: Home, base: Basis) -> Iterator[tuple[str, bytes]]:
    """Files of the stamped checkpoints up to the basis."""
    roots: dict[str, Path] = {}
    for size in sorted({stamp.size for stamp in base.stamps}):
        folder = home.path / "proofs" / str(size)
        yield f"proofs/timestamps/{size}/checkpoint.txt", (folder / "checkpoint.txt").read_bytes()
        for stamp in base.stamps:
            if stamp.size != size:
                continue
            if stamp.name == OTS:
                yield f"proofs/timestamps/{size}/{OTS}.ots", (folder / f"{OTS}.ots").read_bytes()
                continue
            root = _root_of(folder / f"{stamp.name}.json")
            roots[root] = home.path / "proofs" / "roots" / f"{root}.pem"
            yield f"proofs/timestamps/{size}/{stamp.name}.root", f"{root}\n".encode()
            for suffix in ("tsq", "tsr", "pem"):
                data = (folder / f"{stamp.name}.{suffix}").read_bytes()
                name = f"proofs/timestamps/{size}/{stamp.name}.{suffix}"
                yield name, _certificates(data) if suffix == "pem" else data
    for root, path in sorted(roots.items()):
        yield f"proofs/roots/{root}.pem", path.read_bytes()


def _certificates(pem: bytes) -> bytes:
    """Return the certificates of a file alone: what an authority publishes may have words around them."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", pem)
    return b"".join(block + b"\n" for block in blocks)


def _root_of(path: Path) -> str:
    facts: dict[str, Any] = json.loads(path.read_bytes())
    return str(facts["root"])
