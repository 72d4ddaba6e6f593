"""Defects of form and size: what two readers would take for two things, and what would cost who checks time or memory."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from typing import Any

from storage.canonical import dumps
from storage.merkle import inclusion_proof, leaf_hash, subtree_of
from tests.support.tampering.ledger import leaves_of, write_ledger
from tests.support.tampering.outsider import signature_of
from tests.support.tampering.scene import INCOMPLETE, INTACT, Scene, inside, outside

# -- by somebody without the keys ----------------------------------------------------------------------------


@outside(words=".Trashes is a link or a special file")
def a_link_under_the_name_of_what_a_system_leaves(s: Scene) -> None:
    s.path(".Trashes").symlink_to("/etc")


@outside(words="has more folders inside each other than any package has")
def a_file_far_down(s: Scene) -> None:
    """Deep enough, a path is too long to be read: a walk that passes over what it cannot read would see nothing there."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(s.path("data"))
    try:
        for _ in range(24):
            os.mkdir("d" * 8)
            os.chdir("d" * 8)
        with open("THE-TRUTH.txt", "w") as stream:
            stream.write("x")
    finally:
        os.fchdir(before)
        os.close(before)


def _named(name: str) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        s.path(name).write_bytes(b"x")

    return defect


for _title, _name, _words in (
    ("a_name_with_the_mark_of_arabic", "data/x\u061cgpj.exe", "data/x\\x61cgpj.exe"),
    ("a_name_with_a_line_end_of_unicode", "data/x\u2028INTACT, and signed", "data/x\\x2028INTACT"),
    ("a_name_with_letters_that_are_not_seen", "data/x\U000e0041\u200b.txt", "data/x\\xe0041\\x200b.txt"),
):
    _defect = _named(_name)
    _defect.__name__ = _title
    outside(words=_words)(_defect)


@outside(words="a note with 5001 signatures")
def signatures_of_a_crowd(s: Scene) -> None:
    path, text, _ = signature_of(s)
    raw = base64.b64encode(b"\1\2\3\4" + bytes(64)).decode()
    path.write_text(text + "".join(f"\u2014 supreme-court.example/{n} {raw}\n" for n in range(5000)))


@outside(words="larger than allowed")
def a_signature_that_is_a_book(s: Scene) -> None:
    path, text, _ = signature_of(s)
    path.write_text(text + "x" * (1 << 20))


@outside(words="larger than allowed")
def a_package_json_that_takes_gigabytes_to_read(s: Scene) -> None:
    """It says by which rules to check, so it is read before anything is known to be signed."""
    s.replace("data/package.json", b'"withheld":0', b'"withheld":[' + b"[]," * (6 << 20) + b"[]]")


@outside()
def a_package_json_with_a_number_that_takes_hours_to_read(s: Scene) -> None:
    s.replace("data/package.json", b'"withheld":0', b'"withheld":' + b"9" * (1 << 20))


@outside(words="data/package.json is not that of a package")
def a_package_json_that_is_a_list(s: Scene) -> None:
    s.path("data/package.json").write_text('["archiver-package/2"]')


# -- what package.json says, each thing in its own form --------------------------------------------------------


def _said(key: str, value: Any) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        s.edit(lambda said: said.update({key: value}))

    return defect


def _unsaid(key: str) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        s.edit(lambda said: said.pop(key))

    return defect


_FORMS: dict[str, Any] = {
    "captures": {"2": "20261122T082528-05rkctn4"},
    "checkpoint": [15, "8756"],
    "key": 7,
    "made": "2026-02-30T08:25:28Z",
    "name": None,
    "not_in_package": "none",
    "software": "archiver",
    "tables": [["posts", "posts"]],
    "withheld": "He fired first",
}
for _key, _value in _FORMS.items():
    _defect = _said(_key, _value)
    _defect.__name__ = f"{_key}_in_another_form"
    inside(words=f"data/package.json states as {_key} what no archiver writes", profile="partner")(_defect)
    _defect = _unsaid(_key)
    _defect.__name__ = f"{_key}_not_said"
    inside(INCOMPLETE, words=f"data/package.json says nothing of {_key}", profile="partner")(_defect)


@inside(words="states as made what no archiver writes", profile="partner")
def a_time_of_making_in_a_minute_that_no_clock_has(s: Scene) -> None:
    s.edit(lambda said: said.update(made=f"{said['made'][:10]}T08:61:00Z"))


@inside(words="states as made what no archiver writes", profile="public")
def a_time_of_making_in_public(s: Scene) -> None:
    """A day is all that a public package says: a time to the second would join it to others."""
    s.edit(lambda said: said.update(made=f"{said['made'][:10]}T08:01:00Z"))


@inside(words="states as withheld what no archiver writes", profile="partner")
def a_number_withheld_that_is_a_yes(s: Scene) -> None:
    s.edit(lambda said: said.update(withheld=True))


@inside(words="things withheld, data/tables/withheld.jsonl has")
def another_number_withheld(s: Scene) -> None:
    s.edit(lambda said: said.update(withheld=said["withheld"] + 1))


@inside(words="states as tables what no archiver writes", profile="partner")
def a_rule_that_is_a_list(s: Scene) -> None:
    s.edit(lambda said: said["tables"][0].update(rule=["posts"]))


@inside(words="states as tables what no archiver writes", profile="partner")
def a_thousand_tables(s: Scene) -> None:
    s.edit(lambda said: said["tables"].extend({"name": f"t{n}", "rule": "events"} for n in range(1000)))


@inside(words="states as captures what no archiver writes", profile="partner")
def a_capture_without_an_event(s: Scene) -> None:
    s.edit(lambda said: said["captures"][0].pop("event"))


# -- leaves, which everything else leads to ----------------------------------------------------------------------


def _leaf(change: Callable[[dict[str, Any]], None]) -> Callable[[Scene], None]:
    def defect(s: Scene) -> None:
        """The first leaf that is shown says something else, and the ledger is made to fit; no outsider has seen that one."""
        paths = sorted(s.package.glob("proofs/items/*"), key=lambda path: int(path.name.split(".")[0]))
        seqs = [int(path.name.split(".")[0]) for path in paths]
        entries = [base64.b64decode(path.read_text().split("\n")[1][6:]) for path in paths]
        value = json.loads(entries[0])
        change(value)
        entries[0] = dumps(value)
        leaves = leaves_of(s)
        leaves[seqs[0]] = leaf_hash(entries[0])
        for folder in ("proofs/timestamps", "proofs/roots"):
            shutil.rmtree(s.path(folder))
        write_ledger(s, leaves)
        note = s.path("proofs/checkpoint.txt").read_text()
        subtree = subtree_of(leaves)
        for path, seq, entry in zip(paths, seqs, entries, strict=True):
            way = [base64.b64encode(one).decode() for one in inclusion_proof(seq, len(leaves), subtree)]
            head = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(entry).decode()}", f"index {seq}", *way]
            path.write_text("\n".join([*head, "", note]))

    return defect


_LEAVES: dict[str, Callable[[dict[str, Any]], None]] = {
    "a_leaf_with_the_time_of_almaty": lambda leaf: leaf.update(time="2026-11-22T14:25:28.311178+06:00"),
    "a_leaf_with_a_time_of_nowhere": lambda leaf: leaf.update(time="2026-11-22T08:25:28.311178"),
    "a_leaf_of_a_day_that_no_calendar_has": lambda leaf: leaf.update(time="2026-02-30T08:25:28.311178Z"),
    "a_leaf_with_a_leap_second": lambda leaf: leaf.update(time="2026-12-31T23:59:60.000000Z"),
    "a_leaf_whose_time_is_a_number": lambda leaf: leaf.update(time=1795335928),
    "a_leaf_whose_number_is_a_text": lambda leaf: leaf.update(seq=str(leaf["seq"])),
    "a_leaf_of_a_type_in_words": lambda leaf: leaf.update(type="Seen by the Supreme Court"),
    "a_leaf_with_words_in_place_of_a_digest": lambda leaf: leaf.update(salted_hash="genuine"),
    "a_leaf_that_says_more": lambda leaf: leaf.update(opinion="genuine"),
}
for _name, _change in _LEAVES.items():
    _defect = _leaf(_change)
    _defect.__name__ = _name
    inside(words="as an archiver writes one", profile="partner")(_defect)

_defect = _leaf(lambda leaf: None)
_defect.__name__ = "a_ledger_written_anew_that_no_outsider_has_seen"
inside(INTACT, words="NOT TIMESTAMPED: no authority vouches for any time", profile="partner")(_defect)
"""What nothing inside a package shows: a checkpoint that somebody kept does, and so does a stamp."""

# -- what lies beside a token ------------------------------------------------------------------------------------


@inside(words="one.pem holds something else than at most 16 certificates", profile="partner")
def words_around_a_chain(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.pem")
    path.write_bytes(b"Certified by the Supreme Court\n" + path.read_bytes())


@inside(words="one.pem holds something else than at most 16 certificates", profile="partner")
def a_key_beside_a_token(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.pem")
    path.write_bytes(path.read_bytes() + b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n")


@inside(words="one.pem holds something else than at most 16 certificates", profile="partner")
def a_chain_that_takes_hours_to_ask_about(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.pem")
    path.write_bytes(path.read_bytes() * 100)


@inside(words="larger than allowed", profile="partner")
def an_opentimestamps_proof_that_is_a_book(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/opentimestamps.ots")
    path.write_bytes(path.read_bytes() + bytes(1 << 20))
