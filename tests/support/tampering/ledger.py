"""Defects by somebody who holds the keys: the ledger, its keys and its proofs."""

from __future__ import annotations

import base64
import json
import shutil

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.home.people import fingerprint
from storage.canonical import dumps
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, NoteSigner, sign
from tests.support.packages import edit_json, sign_package, write_manifests
from tests.support.signing import ledger_signer
from tests.support.tampering.scene import INCOMPLETE, Scene, alter, inside


def signer_of(s: Scene) -> NoteSigner:
    return ledger_signer(s.case.home)


def leaves_of(s: Scene) -> list[bytes]:
    data = s.path("proofs/leaves.bin").read_bytes()
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def write_ledger(s: Scene, leaves: list[bytes]) -> None:
    """Leaves and a checkpoint over them, signed with the true key."""
    root = root_of(leaves)
    signer = signer_of(s)
    s.path("proofs/leaves.bin").write_bytes(b"".join(leaves))
    s.path("proofs/checkpoint.txt").write_text(sign(Checkpoint(signer.name, len(leaves), root).text(), signer))
    edit_json(
        s.path("data/package.json"), lambda value: value.update(checkpoint={"size": len(leaves), "root": root.hex()})
    )


@inside()
def the_log_rewritten(s: Scene) -> None:
    leaves = leaves_of(s)
    leaves[1] = leaf_hash(b"another")
    write_ledger(s, leaves)


@inside()
def the_log_rolled_back(s: Scene) -> None:
    write_ledger(s, leaves_of(s)[:3])


@inside()
def leaves_that_do_not_give_the_root(s: Scene) -> None:
    alter(s.path("proofs/leaves.bin"), 33)


@inside()
def the_checkpoint_of_another_ledger(s: Scene) -> None:
    leaves = leaves_of(s)
    signer = NoteSigner("archiver.invalid/another", ledger_signer(s.case.home).private)
    text = Checkpoint(signer.name, len(leaves), root_of(leaves)).text()
    s.path("proofs/checkpoint.txt").write_text(sign(text, signer))


@inside()
def a_checkpoint_that_nobody_signed(s: Scene) -> None:
    path = s.path("proofs/checkpoint.txt")
    path.write_text(path.read_text().partition("\n\n")[0] + "\n\n")


@inside()
def the_package_names_another_checkpoint(s: Scene) -> None:
    edit_json(s.path("data/package.json"), lambda value: value["checkpoint"].update(size=1))


@inside()
def a_proof_of_another_event(s: Scene) -> None:
    paths = sorted(s.package.glob("proofs/items/*"))
    shutil.copy(paths[1], paths[0])


@inside()
def a_proof_whose_way_was_changed(s: Scene) -> None:
    path = max(s.package.glob("proofs/items/*"), key=lambda path: len(path.read_bytes()))
    lines = path.read_text().split("\n")
    lines[3] = "A" * 43 + "="
    path.write_text("\n".join(lines))


@inside()
def a_leaf_that_says_something_else(s: Scene) -> None:
    path = s.one("proofs/items/*")
    lines = path.read_text().split("\n")
    leaf = json.loads(base64.b64decode(lines[1][6:]))
    leaf["time"] = "2020-01-01T00:00:00.000000Z"
    lines[1] = f"extra {base64.b64encode(dumps(leaf)).decode()}"
    path.write_text("\n".join(lines))


@inside(INCOMPLETE)
def a_proof_missing(s: Scene) -> None:
    seq = json.loads(s.path("data/package.json").read_bytes())["captures"][0]["event"]
    s.path(f"proofs/items/{seq}.tlog-proof").unlink()


@inside()
def a_capture_that_is_named_nowhere(s: Scene) -> None:
    edit_json(s.path("data/package.json"), lambda value: value["captures"].pop())


@inside()
def a_capture_named_twice(s: Scene) -> None:
    edit_json(s.path("data/package.json"), lambda value: value["captures"].append(value["captures"][0]))


@inside()
def an_event_passed_off_as_a_capture(s: Scene) -> None:
    captures = {item["event"] for item in json.loads(s.path("data/package.json").read_bytes())["captures"]}
    other = next(
        int(path.name.split(".")[0])
        for path in s.package.glob("proofs/items/*")
        if int(path.name.split(".")[0]) not in captures
    )
    edit_json(s.path("data/package.json"), lambda value: value["not_in_package"].append(other))


@inside()
def a_hand_over_that_only_the_new_key_signed(s: Scene) -> None:
    path = s.one("proofs/handovers/*")
    text, _, lines = path.read_text().partition("\n\n")
    new = str(signer_of(s).key).split("+")[1]
    kept = [line for line in lines.splitlines() if _key_id(line) == new]
    path.write_text(text + "\n\n" + "\n".join(kept) + "\n")


def _key_id(line: str) -> str:
    return base64.b64decode(line.split(" ")[2])[:4].hex()


@inside(words="a ledger without events", profile="partner")
def a_ledger_of_nothing(s: Scene) -> None:
    for folder in ("proofs/items", "proofs/timestamps", "proofs/roots"):
        shutil.rmtree(s.path(folder))
    write_ledger(s, [])
    s.edit(lambda value: value.update(captures=[], not_in_package=[]))


@inside(words="a package without captures", profile="partner")
def a_package_without_captures(s: Scene) -> None:
    shutil.rmtree(s.path("proofs/items"))
    s.edit(lambda value: value.update(captures=[], not_in_package=[]))


@inside(words="does not give the root")
def a_leaf_more(s: Scene) -> None:
    path = s.path("proofs/leaves.bin")
    path.write_bytes(path.read_bytes() + bytes(32))


@inside(words="no hand-over to the key that follows")
def a_key_in_another_spelling(s: Scene) -> None:
    """The same 33 bytes, under an id that is not theirs."""
    path = s.path("proofs/vkey.txt")
    name, key_id, key = path.read_text().split("+", 2)
    path.write_text(f"{name}+{key_id[::-1]}+{key}")


@inside(words="not a tlog-proof")
def a_proof_with_more_digits(s: Scene) -> None:
    path = s.one("proofs/items/*")
    path.write_text(path.read_text().replace("index ", "index 0", 1))


def handed_to_a_thief(s: Scene) -> NoteSigner:
    """Whoever holds the retired key signs a hand-over to a key of their own, and everything else with that."""
    note = s.one("proofs/handovers/*")
    _, retired, _ = note.read_text().split("\n")[:3]
    old = NoteSigner(retired.split("+")[0], s.case.retired_key())
    assert str(old.key) == retired
    new = NoteSigner(old.name, Ed25519PrivateKey.generate())
    note.write_text(sign(f"archiver-key-handover/1\n{old.key}\n{new.key}\n", old, new))
    s.path("proofs/vkey.txt").write_text(f"{new.key}\n")
    for folder in ("proofs/timestamps", "proofs/roots"):
        shutil.rmtree(s.path(folder))
    path = s.path("proofs/checkpoint.txt")
    path.write_text(sign(path.read_text().partition("\n\n")[0] + "\n", new))
    for path in s.package.glob("proofs/items/*"):
        head, _, checkpoint = path.read_text().partition("\n\n")
        path.write_text(f"{head}\n\n{sign(checkpoint.partition(chr(10) * 2)[0] + chr(10), new)}")
    s.edit(lambda value: value.update(key=str(new.key)))
    write_manifests(s.package)
    sign_package(s.package, new)
    s.wanted = fingerprint(retired)
    return new
