"""The ledger: a Merkle tree (RFC 6962), its checkpoints, the hand-overs of its key, the proofs of single events."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from .bag import read_small
from .notes import checkpoint, is_key, note_text
from .words import CannotTell, Tampered, cannot_tell_if, first, is_moment, missing_if, tampered_if


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 2.1, by joining neighbours: an odd one out is carried up as it is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:
        joined = [hashlib.sha256(b"\x01" + row[n] + row[n + 1]).digest() for n in range(0, len(row) - 1, 2)]
        row = joined + ([row[-1]] if len(row) % 2 else [])
    return row[0]


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, value = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and value == root


def handed_over(folder: str, names: set[str], vkey: str) -> list[str]:
    """The keys of the ledger, newest first, as far as hand-overs that both keys signed lead back."""
    keys = [vkey]
    count = sum(name.startswith("proofs/handovers/") for name in names)
    numbered = [f"proofs/handovers/{number:03d}.note" for number in range(count, 0, -1)]
    for name in numbered:
        tampered_if(name not in names, f"{name} is not there, though others are: they are numbered from 001")
    for name in numbered:
        note = read_small(folder, name)
        lines = note.decode().split("\n")
        tampered_if(
            lines[0] != "archiver-key-handover/1" or lines[2] != keys[-1],
            f"{name} is no hand-over to the key that follows",
        )
        text = f"archiver-key-handover/1\n{lines[1]}\n{lines[2]}\n"
        tampered_if(any(note_text(note, key) != text for key in lines[1:3]), f"{name} is not signed by both keys")
        keys.append(lines[1])
    return keys


class Ledger:
    """The leaf hashes of the package, under the checkpoint that it names."""

    def __init__(self, folder: str, keys: list[str]) -> None:
        self.keys = keys
        self.size, self.root, _ = checkpoint(read_small(folder, "proofs/checkpoint.txt"), keys)
        data = read_small(folder, "proofs/leaves.bin")
        self.leaves = [data[at : at + 32] for at in range(0, len(data), 32)]
        tampered_if(
            len(data) != 32 * self.size or tree_root(self.leaves) != self.root,
            "proofs/leaves.bin does not give the root of the checkpoint",
        )
        self.roots: dict[int, bytes] = {}

    def holds(self, size: int, root: bytes, about: str, later: type[Exception] = Tampered) -> None:
        """Raises unless this ledger began with the tree of that size and root."""
        if size > self.size:
            raise later(f"{about} is of {size} events, the package is older: of {self.size}")
        if size not in self.roots:
            self.roots[size] = tree_root(self.leaves[:size])
        tampered_if(
            self.roots[size] != root, f"{about} belongs to another history: the ledger was rewritten or replaced"
        )

    def prefix(self, note: bytes, about: str) -> int:
        """The size of an earlier checkpoint, which must be a prefix of this ledger."""
        size, root, _ = checkpoint(note, self.keys)
        self.holds(size, root, about)
        return size


def tlog_proof(data: bytes) -> tuple[bytes, int, list[bytes], bytes]:
    """(entry, index, path, checkpoint) of a C2SP tlog-proof."""
    head, _, note = data.decode("utf-8").partition("\n\n")
    lines = head.split("\n")
    good = (
        len(lines) > 2
        and lines[0] == "c2sp.org/tlog-proof@v1"
        and lines[1].startswith("extra ")
        and re.fullmatch("index (0|[1-9][0-9]*)", lines[2])
    )
    tampered_if(not good, "not a tlog-proof")
    path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    return base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:]), path, note.encode()


def is_leaf(leaf: Any, index: int) -> bool:
    """Whether a value is a leaf in the one form that leaves have: no reader can take it for something else."""
    if not isinstance(leaf, dict) or set(leaf) != {"seq", "type", "time", "salted_hash"}:
        return False
    texts = [leaf[key] for key in ("type", "time", "salted_hash")]
    if type(leaf["seq"]) is not int or leaf["seq"] != index or not all(isinstance(text, str) for text in texts):
        return False
    return bool(
        re.fullmatch("[a-z][a-z-]*", texts[0]) and is_moment(texts[1]) and re.fullmatch("[0-9a-f]{64}", texts[2])
    )


def check_items(
    folder: str, names: set[str], ledger: Ledger, package: dict[str, Any], canonical: Any
) -> dict[int, dict[str, Any]]:
    """Each capture of the case, in the package or not, has a leaf that the ledger holds."""
    leaves: dict[int, dict[str, Any]] = {}
    for name in sorted(name for name in names if name.startswith("proofs/items/")):
        entry, index, path, note = tlog_proof(read_small(folder, name))
        size, root, _ = checkpoint(note, ledger.keys)
        ledger.holds(size, root, name)
        tampered_if(
            name != f"proofs/items/{index}.tlog-proof" or not included(leaf_hash(entry), index, size, path, root),
            f"{name} does not lead to its checkpoint",
        )
        tampered_if(ledger.leaves[index] != leaf_hash(entry), f"{name} is of another leaf than the ledger has there")
        leaf = canonical(entry)
        tampered_if(not is_leaf(leaf, index), f"{name} is not a leaf of event {index}, as an archiver writes one")
        leaves[index] = leaf
    shown_seqs = [item["event"] for item in package["captures"]]
    for seq in shown_seqs + package["not_in_package"]:
        tampered_if(type(seq) is not int, f"an event that is no number: {seq!r}")
        missing_if(seq not in leaves, f"the proof of event {seq} is not there")
        tampered_if(leaves[seq]["type"] not in ("captured", "recovered"), f"event {seq} is no capture, by its leaf")
    named = set(shown_seqs) | set(package["not_in_package"])
    silent = sorted(
        seq for seq, leaf in leaves.items() if leaf["type"] in ("captured", "recovered") and seq not in named
    )
    tampered_if(silent, f"the capture of event {first(silent)} has a proof here and is not named anywhere")
    tampered_if(len(named) != len(shown_seqs) + len(package["not_in_package"]), "a capture that is named twice")
    tampered_if(shown_seqs != sorted(shown_seqs), "captures that are not in the order of their events")
    return leaves


def signer_of(keys: list[str], given: str) -> int:
    """How many hand-overs lie between the key that was named and the one that signed. Raises `Tampered`."""
    for number, key in enumerate(keys):
        if is_key(given, key):
            return number
    raise Tampered("signed by a key other than the one that you named")


def handover_seen(number: int, leaves: dict[int, dict[str, Any]], times: dict[int, Any], unchecked: int) -> int:
    """The event of the hand-over by which the key that was named ended, if an outsider saw it. Raises `CannotTell`.

    Whoever holds a retired key can sign a hand-over to a key of his own, today as well: a stamp shows when it was there.
    """
    handovers = sorted((seq for seq, leaf in leaves.items() if leaf["type"] == "key-handover"), reverse=True)
    seq = handovers[number - 1] if len(handovers) >= number else None
    if seq is None or not any(size > seq for size in times):
        cannot_tell_if(
            unchecked,
            "the key that you named was retired. Whether an outsider saw its hand-over to the key that signed was not checked: "
            "see the lines about timestamps",
        )
        raise CannotTell(
            "the key that you named was retired, and no outsider saw its hand-over to the key that signed: whoever holds it "
            "could have made that. Ask the makers for the fingerprint of their key of today"
        )
    return seq
