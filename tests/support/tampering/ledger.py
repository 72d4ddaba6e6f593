"""Defects by somebody who holds the keys: the ledger, its proofs, and its timestamps."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from datetime import timedelta

from archiver.demo.authorities import MiniAuthority
from storage.canonical import dumps
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, NoteSigner, sign
from storage.times import system_clock
from tests.support.packages import edit_json
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


# -- time ------------------------------------------------------------------------------------------------


def stamped(s: Scene, authority: MiniAuthority, query: bytes, root: bytes | None = None) -> None:
    """Puts another token in place of the first authority's, with a root file that fits its name."""
    stem = s.one("proofs/timestamps/*/one.tsr").with_suffix("")
    pem = root or authority.root
    stem.with_suffix(".tsq").write_bytes(query)
    stem.with_suffix(".tsr").write_bytes(authority.reply(query))
    stem.with_suffix(".pem").write_bytes((authority.folder / "signer.pem").read_bytes() + authority.root)
    name = authority.fingerprint
    stem.with_suffix(".root").write_text(f"{name}\n")
    s.path(f"proofs/roots/{name}.pem").write_bytes(pem)


def query(s: Scene, *words: str, data: bytes | None = None) -> bytes:
    message = s.scratch / "message"
    message.write_bytes(data if data is not None else s.one("proofs/timestamps/*/checkpoint.txt").read_bytes())
    out = s.scratch / "query"
    subprocess.run(
        ["openssl", "ts", "-query", "-data", message, "-sha256", "-cert", *words, "-out", out],
        check=True,
        capture_output=True,
    )
    return out.read_bytes()


@inside()
def a_timestamp_of_another_hash(s: Scene) -> None:
    stamped(s, s.case.outside.authorities[0][1], query(s, data=b"something else"))


@inside()
def a_timestamp_without_a_nonce(s: Scene) -> None:
    stamped(s, s.case.outside.authorities[0][1], query(s, "-no_nonce"))


@inside()
def an_answer_to_another_request(s: Scene) -> None:
    s.one("proofs/timestamps/*/one.tsq").write_bytes(query(s))


@inside()
def a_timestamp_under_another_root_than_it_names(s: Scene) -> None:
    other = MiniAuthority(s.scratch / "other")
    stem = s.one("proofs/timestamps/*/one.tsr").with_suffix("")
    asked = query(s)
    stem.with_suffix(".tsq").write_bytes(asked)
    stem.with_suffix(".tsr").write_bytes(other.reply(asked))


@inside()
def a_root_that_is_not_what_its_name_says(s: Scene) -> None:
    other = MiniAuthority(s.scratch / "other")
    authority = s.case.outside.authorities[0][1]
    stamped(s, authority, query(s), root=other.root)


@inside()
def a_timestamp_by_a_certificate_that_had_ended(s: Scene) -> None:
    ended = MiniAuthority(s.scratch / "ended", days=1, began=system_clock() - timedelta(days=9))
    stamped(s, ended, query(s))


@inside()
def a_timestamp_changed(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.tsr")
    alter(path, len(path.read_bytes()) - 20)


@inside()
def a_stamped_checkpoint_under_another_size(s: Scene) -> None:
    folder = s.one("proofs/timestamps/*/checkpoint.txt").parent
    folder.rename(folder.with_name("1"))


@inside()
def an_opentimestamps_proof_of_something_else(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/opentimestamps.ots")
    alter(path, 40)


@inside(INCOMPLETE)
def the_root_of_a_timestamp_missing(s: Scene) -> None:
    s.one("proofs/roots/*").unlink()
