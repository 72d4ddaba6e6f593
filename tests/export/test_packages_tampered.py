"""Tampered packages, one defect each. Both checkers must refuse all of them, with the right class, and agree.

`outside` defects are made by somebody without keys. `inside` ones are signed anew with the true key afterwards: what finds
them lies deeper than the bag.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.cli.main import main
from archiver.demo.authorities import MiniAuthority
from archiver.home.people import fingerprint
from archiver.seal.sealing import seal
from archiver.signer.local import LocalSigner
from archiver.version import software
from storage.assembly import URI as ASSEMBLY
from storage.assembly import Assembly, Piece
from storage.canonical import dumps
from storage.capture import CaptureWriter, Identity
from storage.digest import sha256_hex
from storage.merkle import leaf_hash, root_of
from storage.note import Checkpoint, NoteSigner, sign
from storage.times import system_clock
from tests.conftest import World, plain_home
from tests.support.packages import (
    LINKS,
    PackagedCase,
    both,
    by_script,
    copy_of,
    edit_json,
    flipped,
    sign_package,
    write_manifests,
    write_zip,
)
from tests.support.signing import ledger_signer

TAMPERED, INCOMPLETE, CANNOT_TELL = 5, 2, 6


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[PackagedCase]:
    made = PackagedCase(tmp_path_factory.mktemp("case"), world)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(case: PackagedCase) -> Path:
    return case.export("full", case.folder / "full")


@dataclass
class Scene:
    """A copy of the package, and what a defect may use."""

    package: Path
    case: PackagedCase
    scratch: Path

    def path(self, name: str) -> Path:
        return self.package / name

    def one(self, pattern: str) -> Path:
        return sorted(self.package.glob(pattern))[0]

    def capture(self, link: str) -> Path:
        return self.package / "data" / "captures" / self.case.captures[link]


Defect = Callable[[Scene], None]
OUTSIDE: dict[str, tuple[Defect, int]] = {}
INSIDE: dict[str, tuple[Defect, int]] = {}


def outside(code: int = TAMPERED) -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        OUTSIDE[defect.__name__] = (defect, code)
        return defect

    return take


def inside(code: int = TAMPERED) -> Callable[[Defect], Defect]:
    def take(defect: Defect) -> Defect:
        INSIDE[defect.__name__] = (defect, code)
        return defect

    return take


def alter(path: Path, at: int = 100) -> None:
    data = path.read_bytes()
    path.write_bytes(flipped(data, min(at, len(data) - 1)))


# -- by somebody without the keys ------------------------------------------------------------------------


@outside()
def a_photo_changed(s: Scene) -> None:
    alter(s.one("data/media/*.jpg"))


@outside()
def the_report_changed(s: Scene) -> None:
    path = s.path("data/report.html")
    path.write_bytes(path.read_bytes() + b"<!-- -->")


@outside()
def a_cell_of_a_table_changed(s: Scene) -> None:
    path = s.path("data/posts.csv")
    path.write_bytes(path.read_bytes().replace(b"2022", b"2021", 1))


@outside(INCOMPLETE)
def a_media_file_missing(s: Scene) -> None:
    s.one("data/media/*.mp4").unlink()


@outside(INCOMPLETE)
def the_archive_missing(s: Scene) -> None:
    s.path("data/archive.wacz").unlink()


@outside(INCOMPLETE)
def the_list_of_files_missing(s: Scene) -> None:
    s.path("manifest-sha256.txt").unlink()


@outside(INCOMPLETE)
def the_signature_missing(s: Scene) -> None:
    s.one("signature/*").unlink()


@outside(INCOMPLETE)
def the_checkpoint_missing(s: Scene) -> None:
    s.path("proofs/checkpoint.txt").unlink()


@outside(INCOMPLETE)
def the_key_missing(s: Scene) -> None:
    s.path("proofs/vkey.txt").unlink()


@outside()
def the_archive_cut(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(path.read_bytes()[:-1000])


@outside()
def a_file_added_to_the_payload(s: Scene) -> None:
    s.path("data/extra.txt").write_text("x")


@outside()
def a_file_added_beside_the_payload(s: Scene) -> None:
    s.path("proofs/extra.txt").write_text("x")


@outside()
def a_file_added_beside_the_signature(s: Scene) -> None:
    s.path("signature/other.note").write_text("x")


@outside()
def a_hidden_file_added(s: Scene) -> None:
    s.path("data/.hidden").write_text("x")


@outside()
def a_link_in_place_of_a_file(s: Scene) -> None:
    path = s.one("data/media/*.jpg")
    shutil.move(path, s.scratch / "photo.jpg")
    path.symlink_to(s.scratch / "photo.jpg")


@outside()
def a_link_to_a_folder(s: Scene) -> None:
    s.path("data/home").symlink_to("/etc")


@outside()
def a_pipe(s: Scene) -> None:
    os.mkfifo(s.path("data/pipe"))


@outside()
def two_names_that_differ_in_case(s: Scene) -> None:
    path = s.one("data/media/*.jpg")
    path.with_name(path.name.upper()).write_bytes(path.read_bytes())


@outside()
def a_name_that_leaves_the_bag_in_a_list(s: Scene) -> None:
    path = s.path("manifest-sha256.txt")
    path.write_text(path.read_text() + f"{'0' * 64}  data/../../etc/passwd\n")


@outside()
def an_absolute_name_in_a_list(s: Scene) -> None:
    path = s.path("manifest-sha256.txt")
    path.write_text(path.read_text() + f"{'0' * 64}  /etc/passwd\n")


@outside()
def a_line_doubled_in_a_list(s: Scene) -> None:
    path = s.path("manifest-sha256.txt")
    text = path.read_text()
    path.write_text(text + text.splitlines()[0] + "\n")


@outside()
def the_two_lists_differ(s: Scene) -> None:
    path = s.path("manifest-sha512.txt")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


@outside()
def another_version_of_the_bag(s: Scene) -> None:
    s.path("bagit.txt").write_text("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")


@outside()
def a_list_of_files_to_fetch(s: Scene) -> None:
    s.path("fetch.txt").write_text("https://evil.example/x 10 data/x\n")


@outside()
def another_size_stated(s: Scene) -> None:
    path = s.path("bag-info.txt")
    path.write_text(re.sub(r"Oxum: \d+", "Oxum: 1", path.read_text()))


@outside()
def lists_made_anew_without_the_key(s: Scene) -> None:
    s.path("data/posts.csv").write_text("nothing\n")
    write_manifests(s.package)


@outside()
def the_signature_of_another_package(s: Scene) -> None:
    signer = ledger_signer(s.case.home)
    name = s.one("signature/*")
    name.write_text(sign(f"archiver-package/1\nsha512 {'0' * 128}\n", signer))


@outside()
def a_checkpoint_as_the_signature(s: Scene) -> None:
    shutil.copy(s.path("proofs/checkpoint.txt"), s.one("signature/*"))


def forged(s: Scene) -> None:
    """Everything that a key signs is made anew with another key."""
    name = s.case.home.ledger_key.name
    signer = NoteSigner(name, Ed25519PrivateKey.generate())
    s.path("proofs/vkey.txt").write_text(f"{signer.key}\n")
    shutil.rmtree(s.path("proofs/handovers"), ignore_errors=True)
    notes = [*s.package.glob("proofs/timestamps/*/checkpoint.txt"), s.path("proofs/checkpoint.txt")]
    for path in notes:
        path.write_text(sign(path.read_text().partition("\n\n")[0] + "\n", signer))
    shutil.rmtree(s.path("proofs/timestamps"))
    shutil.rmtree(s.path("proofs/roots"))
    for path in s.package.glob("proofs/items/*"):
        head, _, note = path.read_text().partition("\n\n")
        path.write_text(head + "\n\n" + sign(note.partition("\n\n")[0] + "\n", signer))
    edit_json(s.path("data/package.json"), lambda value: value.update(key=str(signer.key)))
    write_manifests(s.package)
    sign_package(s.package, signer)


@outside()
def wholly_signed_anew_by_a_forger(s: Scene) -> None:
    forged(s)


@outside()
def the_key_exchanged(s: Scene) -> None:
    signer = NoteSigner(s.case.home.ledger_key.name, Ed25519PrivateKey.generate())
    s.path("proofs/vkey.txt").write_text(f"{signer.key}\n")
    write_manifests(s.package)
    sign_package(s.package, signer)


# -- by somebody who holds the keys: the ledger ----------------------------------------------------------


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
    import base64

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
    import base64

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
    import subprocess

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


# -- captures --------------------------------------------------------------------------------------------


@inside()
def the_manifest_of_another_capture(s: Scene) -> None:
    shutil.copy(s.capture(LINKS[1]) / "manifest.json", s.capture(LINKS[0]) / "manifest.json")


@inside()
def a_manifest_changed(s: Scene) -> None:
    edit_json(s.capture(LINKS[3]) / "manifest.json", lambda value: value.update(outcome="captured", reason=None))


@inside()
def a_manifest_in_another_spelling(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))


@inside()
def an_event_exchanged(s: Scene) -> None:
    events = [item["event"] for item in json.loads(s.path("data/package.json").read_bytes())["captures"]]
    shutil.copy(s.path(f"data/events/{events[1]}.json"), s.path(f"data/events/{events[0]}.json"))


@inside()
def an_event_changed(s: Scene) -> None:
    event = json.loads(s.path("data/package.json").read_bytes())["captures"][0]["event"]
    edit_json(s.path(f"data/events/{event}.json"), lambda value: value["event"]["detail"].update(outcome="failed"))


@inside()
def a_note_changed(s: Scene) -> None:
    for path in s.package.glob("data/events/*.json"):
        if json.loads(path.read_bytes())["event"]["type"] == "annotated":
            edit_json(path, lambda value: value["event"]["detail"].update(text="from the south"))
            return


@inside(INCOMPLETE)
def an_event_missing(s: Scene) -> None:
    event = json.loads(s.path("data/package.json").read_bytes())["captures"][0]["event"]
    s.path(f"data/events/{event}.json").unlink()


@inside()
def a_line_of_the_inventory_removed(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "inventory.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@inside()
def lines_of_the_inventory_reordered(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "inventory.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))


@inside()
def a_post_changed(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "posts.jsonl"
    path.write_bytes(path.read_bytes().replace(b"2022", b"2021", 1))


@inside()
def a_record_unlisted(s: Scene) -> None:
    path = s.capture(LINKS[0]) / "records.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@inside()
def a_file_added_to_a_capture(s: Scene) -> None:
    (s.capture(LINKS[0]) / "extra.jsonl").write_text("{}\n")


@inside()
def a_capture_added(s: Scene) -> None:
    shutil.copytree(s.capture(LINKS[0]), s.path("data/captures/20261122T000000-aaaaaaaa"))


@inside(INCOMPLETE)
def a_file_of_a_capture_missing(s: Scene) -> None:
    (s.capture(LINKS[0]) / "posts.jsonl").unlink()


# -- the WACZ --------------------------------------------------------------------------------------------


def warc_name(s: Scene, link: str) -> str:
    manifest = json.loads((s.capture(link) / "manifest.json").read_bytes())
    return next(f"archive/{entry['name']}" for entry in manifest["files"] if entry["name"].endswith(".warc.gz"))


def record_bounds(s: Scene, link: str) -> list[tuple[int, int]]:
    name = warc_name(s, link).removeprefix("archive/")
    lines = [json.loads(line) for line in (s.capture(link) / "records.jsonl").read_bytes().splitlines()]
    return sorted((line["offset"], line["length"]) for line in lines if line["file"] == name)


def change_warc(s: Scene, link: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    name, bounds = warc_name(s, link), record_bounds(s, link)

    def inside_the_zip(entries: dict[str, bytes]) -> None:
        data = entries[name]
        entries[name] = b"".join(change([data[at : at + length] for at, length in bounds]))

    s.case.rewrite_wacz(s.package, inside_the_zip)


@inside()
def a_record_removed(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:4], *records[5:]])


@inside()
def a_record_added(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records, records[2]])


@inside()
def records_reordered(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:3], records[4], records[3], *records[5:]])


@inside()
def a_record_of_another_capture(s: Scene) -> None:
    name, bounds = warc_name(s, LINKS[1]), record_bounds(s, LINKS[1])
    with zipfile.ZipFile(s.path("data/archive.wacz")) as archive:
        data = archive.read(name)
    at, length = bounds[3]
    change_warc(s, LINKS[0], lambda records: [*records[:3], data[at : at + length], *records[4:]])


@inside()
def a_record_truncated(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:-1], records[-1][:-20]])


@inside()
def a_byte_of_a_record_changed(s: Scene) -> None:
    change_warc(s, LINKS[0], lambda records: [*records[:5], flipped(records[5], len(records[5]) // 2), *records[6:]])


@inside()
def a_record_with_other_content_and_true_digests(s: Scene) -> None:
    import gzip

    def change(records: list[bytes]) -> list[bytes]:
        plain = gzip.decompress(records[0]).replace(b"archiver", b"Archiver")
        return [gzip.compress(plain, mtime=0), *records[1:]]

    change_warc(s, LINKS[0], change)


@inside()
def two_records_in_one_member(s: Scene) -> None:
    import gzip

    change_warc(s, LINKS[0], lambda r: [gzip.compress(gzip.decompress(r[0]) + gzip.decompress(r[1]), mtime=0), *r[2:]])


@inside(INCOMPLETE)
def a_warc_missing(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.pop(warc_name(s, LINKS[0])) and None)


@inside()
def a_warc_of_no_capture(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda e: e.update({"archive/other.warc.gz": e[warc_name(s, LINKS[0])]}))


@inside()
def the_warcs_of_two_captures_exchanged(s: Scene) -> None:
    a, b = warc_name(s, LINKS[0]), warc_name(s, LINKS[1])
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({a: entries[b], b: entries[a]}))


def entries_of(s: Scene) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(s.path("data/archive.wacz")) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


@inside()
def a_deflated_warc(s: Scene) -> None:
    write_zip(s.path("data/archive.wacz"), entries_of(s), zipfile.ZIP_DEFLATED)


@inside()
def bytes_behind_the_zip(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(path.read_bytes() + b"behind")


@inside()
def bytes_before_the_zip(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(b"before" + path.read_bytes())


@inside()
def a_second_zip_behind_the_first(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    path.write_bytes(path.read_bytes() + path.read_bytes())


@inside()
def a_comment_in_the_zip(s: Scene) -> None:
    with zipfile.ZipFile(s.path("data/archive.wacz"), "a") as archive:
        archive.comment = b"comment"


@inside()
def bytes_between_the_entries(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    data = path.read_bytes()
    start = struct.unpack("<I", data[-6:-2])[0]
    end = data[-22:-6] + struct.pack("<I", start + 4) + data[-2:]
    path.write_bytes(data[:start] + b"gap!" + data[start:-22] + end)


@inside()
def an_entry_that_stands_twice(s: Scene) -> None:
    import warnings

    entries = entries_of(s)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_zip(s.path("data/archive.wacz"), [*entries, (entries[0][0], b"other")])


@inside()
def an_entry_that_leaves_the_zip(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.update({"../../evil": b"x"}))


@inside()
def an_entry_that_is_not_listed(s: Scene) -> None:
    write_zip(s.path("data/archive.wacz"), [*entries_of(s), ("archive/extra.txt", b"x")])


@inside()
def a_zip64_field_that_says_another_size(s: Scene) -> None:
    entries = entries_of(s)
    path = s.path("data/archive.wacz")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as out:
                out.write(data)
    data = path.read_bytes()
    at = 30 + struct.unpack("<H", data[26:28])[0] + 4
    path.write_bytes(data[:at] + struct.pack("<QQ", 5, 5) + data[at + 16 :])


@inside()
def a_size_in_the_entry_s_own_head_that_differs(s: Scene) -> None:
    path = s.path("data/archive.wacz")
    data = path.read_bytes()
    path.write_bytes(data[:22] + struct.pack("<I", 5) + data[26:])


@inside()
def the_digest_of_the_wacz_changed(s: Scene) -> None:
    entries = dict(entries_of(s))
    entries["datapackage.json"] = entries["datapackage.json"].replace(b"1.1.1", b"1.1.1", 1) + b"\n"
    write_zip(s.path("data/archive.wacz"), list(entries.items()))


@inside()
def the_signature_in_the_wacz_changed(s: Scene) -> None:
    import base64

    entries = dict(entries_of(s))
    value = json.loads(entries["datapackage-digest.json"])
    raw = base64.b64decode(value["signedData"]["signature"])
    value["signedData"]["signature"] = base64.b64encode(flipped(raw, 20)).decode()
    entries["datapackage-digest.json"] = json.dumps(value).encode()
    write_zip(s.path("data/archive.wacz"), list(entries.items()))


def change_index(s: Scene, change: Callable[[list[bytes]], list[bytes]]) -> None:
    import gzip

    def inside_the_zip(entries: dict[str, bytes]) -> None:
        lines = gzip.decompress(entries["indexes/index.cdx.gz"]).splitlines(keepends=True)
        entries["indexes/index.cdx.gz"] = gzip.compress(b"".join(change(lines)), mtime=0)

    s.case.rewrite_wacz(s.package, inside_the_zip)


@inside()
def a_line_of_the_index_removed(s: Scene) -> None:
    change_index(s, lambda lines: lines[1:])


@inside()
def a_line_of_the_index_that_leads_elsewhere(s: Scene) -> None:
    change_index(s, lambda lines: [re.sub(rb'"offset": "\d+"', b'"offset": "1"', lines[0]), *lines[1:]])


@inside()
def an_index_that_is_not_sorted(s: Scene) -> None:
    change_index(s, lambda lines: [lines[-1], *lines[:-1]])


@inside(INCOMPLETE)
def pages_missing(s: Scene) -> None:
    s.case.rewrite_wacz(s.package, lambda entries: entries.pop("pages/pages.jsonl") and None)


# -- what people read ------------------------------------------------------------------------------------


def edit_hashes(s: Scene, change: Callable[[str], str]) -> None:
    path = s.path("data/hashes.csv")
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))


@inside()
def a_photo_exchanged_with_its_digests(s: Scene) -> None:
    from tests.support.packages import digest

    path = s.one("data/media/*.jpg")
    old = digest(path, "sha256"), digest(path, "sha512")
    alter(path)
    new = digest(path, "sha256"), digest(path, "sha512")
    edit_hashes(s, lambda text: text.replace(old[0], new[0]).replace(old[1], new[1]))


@inside()
def a_line_of_the_digests_removed(s: Scene) -> None:
    edit_hashes(s, lambda text: "".join(text.splitlines(keepends=True)[:-1]))


@inside()
def a_media_file_under_another_record(s: Scene) -> None:
    edit_hashes(s, lambda text: re.sub(r"<urn:uuid:[^>]+>", "<urn:uuid:00000000-0000-0000-0000-000000000000>", text))


@inside()
def words_put_into_a_post(s: Scene) -> None:
    path = s.path("data/posts.json")
    cards = json.loads(path.read_bytes())
    card = next(card for card in cards if card.get("observations") and "text" in card["observations"][0]["post"])
    card["observations"][0]["post"]["text"] += " fired"
    path.write_text(json.dumps(cards, ensure_ascii=False))


@inside()
def an_observation_left_out(s: Scene) -> None:
    path = s.path("data/posts.json")
    cards = json.loads(path.read_bytes())
    next(card for card in cards if card.get("observations"))["observations"].pop()
    path.write_text(json.dumps(cards, ensure_ascii=False))


# -- the tests -------------------------------------------------------------------------------------------


def scene_of(full: Path, case: PackagedCase, tmp_path: Path) -> Scene:
    (tmp_path / "scratch").mkdir()
    return Scene(copy_of(full, tmp_path), case, tmp_path / "scratch")


def test_the_honest_package_is_accepted(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    code, said = both(full, case.fingerprint)
    assert code == 0, said
    assert both(full, None)[0] == CANNOT_TELL
    given = tmp_path / "given"
    given.write_bytes(case.given)
    code, said = both(full, case.fingerprint, given)
    assert code == 0, said
    assert "continues the checkpoint" in said


def test_the_key_that_counsel_got_before_the_rotation_still_counts(case: PackagedCase, full: Path) -> None:
    from archiver.home.people import fingerprint, key_words

    old = fingerprint(case.old_key)
    code, said = both(full, old)
    assert code == 0, said
    assert "handed over" in said
    assert both(full, " ".join(key_words(old)))[0] == 0
    assert both(full, "0" * 64)[0] == TAMPERED


def test_what_the_insider_s_tools_make_is_accepted_without_a_defect(
    case: PackagedCase, full: Path, tmp_path: Path
) -> None:
    """Else the tests below would find their tools, not the defects."""
    scene = scene_of(full, case, tmp_path)
    case.rewrite_wacz(scene.package, lambda entries: None)
    case.reseal(scene.package)
    code, said = both(scene.package, case.fingerprint)
    assert code == 0, said


@pytest.mark.parametrize("name", list(OUTSIDE))
def test_tampered_without_the_keys(name: str, case: PackagedCase, full: Path, tmp_path: Path) -> None:
    defect, expected = OUTSIDE[name]
    scene = scene_of(full, case, tmp_path)
    defect(scene)
    code, said = both(scene.package, case.fingerprint)
    assert code == expected, said
    assert not re.search(r"\(\w+Error", said), said  # found by a rule, not by stumbling


@pytest.mark.parametrize("name", list(INSIDE))
def test_tampered_and_signed_anew(name: str, case: PackagedCase, full: Path, tmp_path: Path) -> None:
    defect, expected = INSIDE[name]
    scene = scene_of(full, case, tmp_path)
    defect(scene)
    case.reseal(scene.package)
    code, said = both(scene.package, case.fingerprint)
    assert code == expected, said
    assert not re.search(r"\(\w+Error", said), said  # found by a rule, not by stumbling


def test_a_forger_s_package_is_never_called_intact(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    """Consistent with itself: only the fingerprint tells. So without one the answer is never 0."""
    scene = scene_of(full, case, tmp_path)
    forged(scene)
    code, said = both(scene.package, None)
    assert code == CANNOT_TELL, said
    assert "signer unconfirmed" in said


def test_a_fork_is_found_with_the_checkpoint_that_counsel_kept(case: PackagedCase, full: Path, tmp_path: Path) -> None:
    scene = scene_of(full, case, tmp_path)
    given = tmp_path / "given"
    signer = signer_of(scene)
    leaves = [leaf_hash(bytes([n])) for n in range(3)]
    given.write_text(sign(Checkpoint(signer.name, 3, root_of(leaves)).text(), signer))
    code, said = both(full, case.fingerprint, given)
    assert code == TAMPERED
    assert "another history" in said
    many = [*leaves_of(scene), leaf_hash(b"later")]
    given.write_text(sign(Checkpoint(signer.name, len(many), root_of(many)).text(), signer))
    assert both(full, case.fingerprint, given)[0] == CANNOT_TELL


# -- sealed as it should not be ---------------------------------------------------------------------------


def sealed_with(folder: Path, write: Callable[[CaptureWriter], None]) -> tuple[Path, str]:
    """A full package of a home whose one capture was written and sealed by a hand that holds all keys."""
    home = plain_home(folder / "home")
    moment = home.clock()
    capture_id = home.new_capture_id(moment)
    place, url = home.capture_folder(capture_id), "https://example.org/"
    home.state.capture_opened(capture_id, str(place), capture_id[:15], ["inbox"])
    identity = Identity(capture_id, capture_id, 1, url, bytes(32), software(), test_routes=True)
    writer = CaptureWriter(home.path / place, identity, home.recipients(["inbox"]), home.clock, monotonic)
    target = {"kind": "target", "url": url, "platform": "page", "target_kind": "page", "id": url}
    writer.inventory({**target, "target_salt": bytes(32).hex()})
    write(writer)
    writer.close("captured", None)
    seal(home, LocalSigner(home), place, ["inbox"])
    writer.release()
    with pytest.MonkeyPatch.context() as patch:  # such a hand has no use for the exporter's own check
        patch.setattr("archiver.export.report.contents.check_capture", lambda *given: [])
        patch.setattr("archiver.export.make.check_package", lambda *given: [])
        words = ["--profile", "full", "--no-encrypt", "--yes", "--to", str(folder), "--name", "p"]
        assert main(["--home", str(home.path), "export", "inbox", *words], None, {}) == 0
    return folder / "p", fingerprint(home.ledger_key_text())


def a_page(writer: CaptureWriter) -> None:
    writer.resource("https://example.org/", "text/html", b"<p>seen</p>")


def a_revisit_without_its_original(writer: CaptureWriter) -> None:
    refers = [("WARC-Refers-To", "<urn:uuid:00000000-0000-4000-8000-000000000000>")]
    profile = [("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest")]
    writer.resource("https://example.org/", "text/html", b"", record_type="revisit", fields=[*refers, *profile])


def an_assembly_that_does_not_assemble(writer: CaptureWriter) -> None:
    parts = [writer.resource(f"https://example.org/{n}", "video/mp4", bytes([n]) * 50) for n in range(2)]
    pieces = tuple(Piece(part.record_id, 0, 50) for part in parts)
    whole = Assembly("film.mp4", "video/mp4", 100, sha256_hex(b"another film"), pieces)
    writer.resource(f"{ASSEMBLY}{whole.sha256}", "application/json", whole.block(), record_type="metadata")


def an_answer_that_refers_to_nothing(writer: CaptureWriter) -> None:
    other = [("WARC-Concurrent-To", "<urn:uuid:00000000-0000-4000-8000-000000000000>")]
    writer.resource("https://example.org/", "text/html", b"<p>seen</p>", fields=other)


def an_outcome_of_nothing(writer: CaptureWriter) -> None:
    writer.inventory({"key": "post 7", "kind": "post", "outcome": "captured", "reason": None})


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (a_page, 0),
        (a_revisit_without_its_original, TAMPERED),
        (an_assembly_that_does_not_assemble, TAMPERED),
        (an_answer_that_refers_to_nothing, TAMPERED),
        (an_outcome_of_nothing, TAMPERED),
    ],
)
def test_sealed_as_it_should_not_be(write: Callable[[CaptureWriter], None], expected: int, tmp_path: Path) -> None:
    package, wanted = sealed_with(tmp_path, write)
    code, said = both(package, wanted)
    assert code == expected, said


def test_at_least_sixty() -> None:
    assert len(OUTSIDE) + len(INSIDE) >= 60


def test_the_script_says_so_where_openssl_is_missing(
    case: PackagedCase, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, said = by_script(full, "--fingerprint", case.fingerprint)
    assert code == CANNOT_TELL
    assert "openssl is not installed" in said


def test_the_script_is_short_and_stands_alone() -> None:
    path = Path(__file__).parents[2] / "archiver" / "export" / "check.py"
    text = path.read_text("utf-8")
    assert len(text.splitlines()) < 1000
    import ast
    import sys

    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert imported <= set(sys.stdlib_module_names)
    assert not imported & {"urllib", "socket", "http", "ctypes", "pickle", "importlib", "shutil"}
    assert not re.search(r"(?<!re\.)\b(eval|exec|__import__|compile)\(", text)
