"""The ledger: its tree under a signed checkpoint, and which of its events the package is about."""

from __future__ import annotations

import base64

from archiver.checks.package.files import Absent, PackageFiles, Unknown
from archiver.checks.proofs import Bad, RunningTree, included, leaf, read_note, strict_json


def ledger(files: PackageFiles) -> str:
    """Rebuild the tree from its leaves, and compare its root with the checkpoint."""
    files.package = strict_json(files.read("data/package.json"))
    size, root = _checkpoint(files, files.read("proofs/checkpoint.txt"))
    data = files.read("proofs/leaves.bin")
    tree = RunningTree()
    files.roots[0] = tree.root()
    for at in range(0, len(data), 32):
        files.hashes.append(data[at : at + 32])
        tree.add(files.hashes[-1])
        files.roots[tree.size] = tree.root()
    if len(data) != 32 * size or tree.root() != root:
        raise Bad("proofs/leaves.bin does not give the root of the checkpoint")
    if files.package["checkpoint"] != {"size": size, "root": root.hex()} or files.package["key"] != files.keys[0]:
        raise Bad("data/package.json names another ledger")
    return f"{size} events under a signed checkpoint"


def prefix(files: PackageFiles, data: bytes, what: str, later: type[Exception] = Bad) -> tuple[int, bytes]:
    """Read an earlier checkpoint of this ledger; return (size, root).

    `later`: what is raised for a checkpoint of a later size.
    """
    size, root = _checkpoint(files, data)
    if size not in files.roots:
        raise later(f"{what} is of {size} events, the package is older: of {len(files.hashes)}")
    if files.roots[size] != root:
        raise Bad(f"{what} belongs to another history: the ledger was rewritten or replaced")
    return size, root


def history(files: PackageFiles) -> str:
    """Check that the ledger continues the checkpoint that was given."""
    size, _ = prefix(files, files.older or b"", "the checkpoint that was given", Unknown)
    return f"continues the checkpoint of {size} events"


def selection(files: PackageFiles) -> str:
    """Follow the proof of each event, and check that every capture of the case is named."""
    for name in sorted(name for name in files.names if name.startswith("proofs/items/")):
        head, _, checkpoint = files.read(name).decode().partition("\n\n")
        version, extra, index, *path = head.split("\n")
        seq = int(index.removeprefix("index "))
        entry = base64.b64decode(extra.removeprefix("extra "), validate=True)
        size, root = prefix(files, checkpoint.encode(), name)
        steps = [base64.b64decode(step, validate=True) for step in path]
        if version != "c2sp.org/tlog-proof@v1" or name != f"proofs/items/{seq}.tlog-proof":
            raise Bad(f"{name} is not the proof of event {seq}")
        if not included(leaf(entry), seq, size, steps, root) or files.hashes[seq] != leaf(entry):
            raise Bad(f"{name} does not lead to its checkpoint")
        said = strict_json(entry)
        if sorted(said) != ["salted_hash", "seq", "time", "type"] or said["seq"] != seq:
            raise Bad(f"{name} is not a leaf of event {seq}")
        files.leaves[seq] = said
    chosen = [item["event"] for item in files.package["captures"]]
    rest = files.package["not_in_package"]
    if len(set(chosen + rest)) != len(chosen) + len(rest):
        raise Bad("a capture that is named twice")
    for seq in chosen + rest:
        if seq not in files.leaves:
            raise Absent(f"the proof of event {seq} is not there")
        if files.leaves[seq]["type"] not in ("captured", "recovered"):
            raise Bad(f"event {seq} is not a capture")
    captured = {seq for seq, said in files.leaves.items() if said["type"] in ("captured", "recovered")}
    if silent := captured - set(chosen + rest):
        raise Bad(f"the capture of event {min(silent)} has a proof here but is not named anywhere")
    return f"{len(chosen)} of {len(chosen) + len(rest)} captures of the case; the others as commitments"


def _checkpoint(files: PackageFiles, data: bytes) -> tuple[int, bytes]:
    """Read a checkpoint that one of the keys signed: (size, root)."""
    errors: list[Bad] = []
    for key in files.keys:
        try:
            origin, size, root = read_note(data, key)
        except Bad as error:
            errors.append(error)
            continue
        if origin != key.partition("+")[0]:
            raise Bad("a checkpoint of another ledger")
        return size, root
    raise errors[-1]
