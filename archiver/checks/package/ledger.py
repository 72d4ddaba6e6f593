"""The ledger: its tree under a signed checkpoint, and which of its events the package is about."""

from __future__ import annotations

import base64
import re

from archiver.checks.package.files import Absent, PackageFiles, Row, Unknown, is_moment
from archiver.checks.proofs import Bad, RunningTree, Unsigned, included, leaf, read_note, strict_json

_KIND, _SALTED = re.compile("[a-z][a-z-]*"), re.compile("[0-9a-f]{64}")
CAPTURED = ("captured", "recovered")
"""Types of events that are captures."""


def ledger(files: PackageFiles) -> str:
    """Rebuild the tree from its leaves, and compare its root with the checkpoint."""
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
    said = files.package["checkpoint"]
    if (said["size"], said["root"], files.package["key"]) != (size, root.hex(), files.keys[0]):
        raise Bad("data/package.json names another ledger")
    if not size:
        raise Bad("a ledger without events")
    return f"{size} events under a signed checkpoint"


def prefix(files: PackageFiles, data: bytes, what: str, later: type[Exception] = Bad) -> int:
    """Read an earlier checkpoint of this ledger; return its size.

    `later`: what is raised for a checkpoint of a later size.
    """
    size, root = _checkpoint(files, data)
    if size not in files.roots:
        raise later(f"{what} is of {size} events, the package is older: of {len(files.hashes)}")
    if files.roots[size] != root:
        raise Bad(f"{what} belongs to another history: the ledger was rewritten or replaced")
    return size


def history(files: PackageFiles) -> str:
    """Check that the ledger continues the checkpoint that was given.

    Raises `Unknown` for a file that mail or an editor has spoilt, and for the checkpoint of another ledger: neither says
    anything of the package.
    """
    data = files.older or b""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    form = "[^\n\r\ufeff]+\n[0-9]+\n[A-Za-z0-9+/=]+\n\n(\u2014 \\S+ [A-Za-z0-9+/=]+\n)+"
    if not re.fullmatch(form, text):
        raise Unknown(
            "the file that you gave is no checkpoint: three lines, an empty one, and signatures. "
            "Mail and editors spoil such files: take the original"
        )
    if text.partition("\n")[0] not in {key.partition("+")[0] for key in files.keys}:
        raise Unknown("the checkpoint that you gave is of another ledger")
    try:
        size = prefix(files, data, "the checkpoint that you named", Unknown)
    except Misfit as error:
        raise Unknown(
            f"in the checkpoint that you gave, {error}: it was changed since it was signed. Take the original"
        ) from error
    return f"continues the checkpoint of {size} events that you named"


def selection(files: PackageFiles) -> str:
    """Follow the proof of each event, and check that every capture of the case is named."""
    if files.profile == "public" and files.version > 1:
        return _counted(files)
    for name in sorted(name for name in files.names if name.startswith("proofs/items/")):
        _proved(files, name)
    chosen = [item["event"] for item in files.package["captures"]]
    rest = list(files.package["not_in_package"])
    for seq in chosen + rest:
        if type(seq) is not int:
            raise Bad(f"an event that is no number: {seq!r}"[:120])
        if seq not in files.leaves:
            raise Absent(f"the proof of event {seq} is not there")
        if files.leaves[seq]["type"] not in CAPTURED:
            raise Bad(f"event {seq} is no capture, by its leaf")
    if len(set(chosen + rest)) != len(chosen) + len(rest):
        raise Bad("a capture that is named twice")
    captured = {seq for seq, said in files.leaves.items() if said["type"] in CAPTURED}
    if silent := captured - set(chosen + rest):
        raise Bad(f"the capture of event {min(silent)} has a proof here and is not named anywhere")
    if chosen != sorted(chosen):
        raise Bad("captures that are not in the order of their events")
    if not chosen:
        raise Bad("a package without captures")
    told = f"; {len(rest)} are shown only as commitments" if rest else ""
    return (
        f"{len(chosen)} of the {len(chosen) + len(rest)} captures of this case that the signer lists{told}; "
        f"the ledger holds {len(files.hashes)} events"
    )


def _counted(files: PackageFiles) -> str:
    """Read what a public package says of its captures: how many, and no more."""
    count, rest = files.package["captures"], files.package["not_in_package"]
    if type(count) is not int or type(rest) is not int or count < 1 or rest < 0:
        raise Bad("a package without captures")
    return f"{count} of {count + rest} captures of this case, as the signer says: which they are is not shown"


def _proved(files: PackageFiles, name: str) -> None:
    """Read the proof of one event (C2SP tlog-proof), and note its leaf."""
    head, blank, note = files.read(name).decode().partition("\n\n")
    version, extra, index, *path = [*head.split("\n"), "", ""]
    path = path[:-2]
    match = re.fullmatch("index (0|[1-9][0-9]{0,17})", index)
    if version != "c2sp.org/tlog-proof@v1" or not blank or not extra.startswith("extra ") or match is None:
        raise Bad(f"{name} is not a tlog-proof")
    seq, entry = int(match[1]), base64.b64decode(extra.removeprefix("extra "), validate=True)
    size, root = _checkpoint(files, note.encode())
    if files.roots.get(size) != root:
        raise Bad(f"{name} belongs to another history: the ledger was rewritten or replaced")
    steps = [base64.b64decode(step, validate=True) for step in path]
    if name != f"proofs/items/{seq}.tlog-proof" or not included(leaf(entry), seq, size, steps, root):
        raise Bad(f"{name} does not lead to its checkpoint")
    if files.hashes[seq] != leaf(entry):
        raise Bad(f"{name} is of another leaf than the ledger has there")
    said: Row = strict_json(entry)
    if not _is_leaf(said, seq):
        raise Bad(f"{name} is not a leaf of event {seq}, as an archiver writes one")
    files.leaves[seq] = said


def _is_leaf(said: object, seq: int) -> bool:
    """Return whether a value is the leaf of an event in the one form that leaves have."""
    match said:
        case {"seq": int(number), "type": str(kind), "time": str(time), "salted_hash": str(salted), **rest}:
            whole = not rest and number == seq and not isinstance(number, bool)
            return whole and bool(_KIND.fullmatch(kind) and _SALTED.fullmatch(salted)) and is_moment(time)
    return False


class Misfit(Bad):
    """A note with a signature that says to be by a key of the ledger and does not fit."""


def _checkpoint(files: PackageFiles, data: bytes) -> tuple[int, bytes]:
    """Read a checkpoint that one of the keys signed: (size, root)."""
    unsigned: Unsigned | None = None
    for key in files.keys:
        try:
            origin, size, root = read_note(data, key)
        except Unsigned as error:
            unsigned = error
            continue
        except Bad as error:
            raise Misfit(str(error)) from error
        if origin != key.partition("+")[0]:
            raise Bad("a checkpoint of another ledger")
        return size, root
    raise unsigned or Bad("no key")
