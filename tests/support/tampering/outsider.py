"""Defects by somebody without the keys."""

from __future__ import annotations

import base64
import os
import re
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from storage.note import NoteSigner, sign
from tests.support.packages import edit_json, sign_package, write_manifests
from tests.support.signing import ledger_signer
from tests.support.tampering.scene import INCOMPLETE, INTACT, Scene, alter, outside


@outside()
def a_photo_changed(s: Scene) -> None:
    alter(s.one("data/media/*.png"))


@outside()
def the_report_changed(s: Scene) -> None:
    path = s.path("data/report.html")
    path.write_bytes(path.read_bytes() + b"<!-- -->")


@outside()
def a_cell_of_a_table_changed(s: Scene) -> None:
    path = s.path("data/tables/posts.csv")
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
    path = s.one("data/media/*.png")
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
    path = s.one("data/media/*.png")
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
    s.path("data/tables/posts.csv").write_text("nothing\n")
    write_manifests(s.package)


@outside()
def the_signature_of_another_package(s: Scene) -> None:
    signer = ledger_signer(s.case.home)
    s.one("signature/*").write_text(sign(f"archiver-package/2\nsha256 {'0' * 64}\n", signer))


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


@outside(INCOMPLETE, words="proofs/vkey.txt is not there")
def proofs_and_signature_taken_out(s: Scene) -> None:
    s.replace("data/tables/posts.csv", b"2022", b"2019")
    shutil.rmtree(s.path("proofs"))
    shutil.rmtree(s.path("signature"))
    write_manifests(s.package)


@outside(words="not what manifest")
def a_report_of_another_profile(s: Scene) -> None:
    s.path("data/report.html").write_text("<p>another</p>")


@outside(words="is listed in no")
def a_package_inside_a_package(s: Scene) -> None:
    shutil.copytree(s.path("proofs"), s.path("data/inner/proofs"))


@outside(words="not what manifest")
def two_captures_exchange_their_posts(s: Scene) -> None:
    one, other = sorted(s.package.glob("data/captures/*/posts.jsonl"))[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@outside(words="not what manifest")
def the_retired_key_in_place_of_the_new_one(s: Scene) -> None:
    s.path("proofs/vkey.txt").write_text(s.one("proofs/handovers/*").read_text().split("\n")[1] + "\n")


@outside(words="is listed in no")
def a_module_that_python_would_import(s: Scene) -> None:
    s.path("argparse.py").write_text("raise SystemExit(0)\n")


# -- the signature -------------------------------------------------------------------------------------------


def signature_of(s: Scene) -> tuple[Path, str, list[str]]:
    """The file of the signature, its text, and the parts of its last line: dash, name, key id and signature."""
    path = s.one("signature/*")
    text = path.read_text()
    return path, text, text.splitlines()[-1].split(" ")


@outside(words="signature")
def words_under_the_signature(s: Scene) -> None:
    path, text, _ = signature_of(s)
    path.write_text(f"{text}Verified by the Supreme Court.\n")


@outside(words="signature")
def words_before_the_signature(s: Scene) -> None:
    path, text, _ = signature_of(s)
    path.write_text(text.replace("\n\n", "\n\nThis package was withdrawn by its maker.\n\n", 1))


@outside(INTACT, words="supreme-court.example/evidence, a key that nothing here vouches for")
def a_signature_of_a_stranger(s: Scene) -> None:
    path, text, _ = signature_of(s)
    raw = base64.b64encode(b"\1\2\3\4" + bytes(64)).decode()
    path.write_text(f"{text}\u2014 supreme-court.example/evidence {raw}\n")


@outside(words="does not fit")
def a_second_signature_of_ours_that_does_not_fit(s: Scene) -> None:
    path, text, (_, name, raw) = signature_of(s)
    false = base64.b64encode(base64.b64decode(raw)[:4] + bytes(64)).decode()
    path.write_text(f"{text}\u2014 {name} {false}\n")


@outside(words="does not fit")
def a_signature_that_is_larger_by_the_order_of_the_group(s: Scene) -> None:
    """RFC 8032 5.1.7 refuses S of more than the order: the same signature would have many spellings."""
    path, text, (_, _, raw) = signature_of(s)
    data = base64.b64decode(raw)
    order = 2**252 + 27742317777372353535851937790883648493
    larger = (int.from_bytes(data[36:], "little") + order).to_bytes(32, "little")
    path.write_text(text.replace(raw, base64.b64encode(data[:36] + larger).decode()))


@outside(words="not a signed note")
def a_signature_with_other_line_ends(s: Scene) -> None:
    path, text, _ = signature_of(s)
    path.write_bytes(text.replace("\n", "\r\n").encode())


@outside()
def wholly_signed_anew_by_a_forger(s: Scene) -> None:
    forged(s)


@outside()
def the_key_exchanged(s: Scene) -> None:
    signer = NoteSigner(s.case.home.ledger_key.name, Ed25519PrivateKey.generate())
    s.path("proofs/vkey.txt").write_text(f"{signer.key}\n")
    write_manifests(s.package)
    sign_package(s.package, signer)
