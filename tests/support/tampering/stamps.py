"""Defects by somebody who holds the keys: timestamps, their roots and their times."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta

from archiver.demo.authorities import MiniAuthority
from storage.note import sign
from storage.times import system_clock
from tests.support.tampering.ledger import signer_of
from tests.support.tampering.scene import CANNOT_TELL, INCOMPLETE, INTACT, Scene, alter, inside


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


@inside(CANNOT_TELL, words="give --root")
def a_root_of_the_makers_own_where_none_is_demanded(s: Scene) -> None:
    """Nobody can tell from inside; without a fingerprint it is not intact anyway."""
    s.wanted = ""
    stamped(s, MiniAuthority(s.scratch / "own"), query(s))


@inside(CANNOT_TELL, words="leads to a root that you did not name")
def a_root_of_the_makers_own(s: Scene) -> None:
    stamped(s, MiniAuthority(s.scratch / "own"), query(s))
    s.roots = [s.case.outside.authorities[0][1].fingerprint]


def _smuggled(s: Scene, title: bytes) -> None:
    """The file of an authority's root holds a root of the makers' own behind it, which openssl trusts as well."""
    authority, own = s.case.outside.authorities[0][1], MiniAuthority(s.scratch / "own")
    stamped(s, own, query(s))
    stem = s.one("proofs/timestamps/*/one.tsr").with_suffix("")
    stem.with_suffix(".root").write_text(f"{authority.fingerprint}\n")
    s.path(f"proofs/roots/{own.fingerprint}.pem").unlink()
    second = own.root.replace(b" CERTIFICATE", b" " + title)
    s.path(f"proofs/roots/{authority.fingerprint}.pem").write_bytes(authority.root + second)
    s.roots = [authority.fingerprint]


@inside(words="or not the only one in its file")
def a_second_root_in_the_file_of_one(s: Scene) -> None:
    _smuggled(s, b"CERTIFICATE")


@inside(words="or not the only one in its file")
def a_second_root_under_another_title(s: Scene) -> None:
    _smuggled(s, b"X509 CERTIFICATE")


@inside(words="or not the only one in its file")
def a_second_root_as_openssl_trusts_it(s: Scene) -> None:
    _smuggled(s, b"TRUSTED CERTIFICATE")


@inside(words="or not the only one in its file")
def words_around_a_root(s: Scene) -> None:
    path = s.one("proofs/roots/*.pem")
    path.write_bytes(b"Certified by the Supreme Court\n" + path.read_bytes())


@inside(words="is the root of no stamp")
def words_in_the_place_of_a_root(s: Scene) -> None:
    s.path(f"proofs/roots/{'a' * 64}.pem").write_text("Certified by the Supreme Court")


@inside(words="bytes stand behind it")
def bytes_behind_a_token(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.tsr")
    path.write_bytes(path.read_bytes() + b"hidden words")


@inside(words="bytes stand behind it")
def bytes_behind_a_request(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.tsq")
    path.write_bytes(path.read_bytes() + b"hidden words")


@inside()
def a_refused_answer(s: Scene) -> None:
    s.one("proofs/timestamps/*/one.tsr").write_bytes(bytes.fromhex("30053003020102"))


@inside()
def a_request_by_sha_1(s: Scene) -> None:
    s.one("proofs/timestamps/*/one.tsq").write_bytes(query(s, "-sha1"))


@inside(words="over something else")
def the_token_of_another_checkpoint(s: Scene) -> None:
    first, *_, last = sorted(s.package.glob("proofs/timestamps/*/one.tsr"), key=lambda path: int(path.parent.name))
    for kind in (".tsq", ".tsr"):
        shutil.copy(first.with_suffix(kind), last.with_suffix(kind))


def _renamed(s: Scene, name: str) -> None:
    for path in sorted(s.package.glob("proofs/timestamps/*/one.*")):
        path.rename(path.with_name(f"{name}{path.suffix}"))


@inside(INTACT, words="digi.cert")
def a_name_with_a_dot(s: Scene) -> None:
    _renamed(s, "digi.cert")


@inside()
def a_false_token_under_a_name_with_a_dot(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/one.tsr")
    for kind in (".tsq", ".pem", ".root"):
        shutil.copy(path.with_suffix(kind), path.with_name(f"digi.cert{kind}"))
    path.with_name("digi.cert.tsr").write_bytes(b"no token")


@inside(INCOMPLETE, words="one.tsr is not there")
def a_token_missing(s: Scene) -> None:
    s.one("proofs/timestamps/*/one.tsr").unlink()


@inside(words="has no place")
def a_size_with_a_zero_before_it(s: Scene) -> None:
    folder = s.one("proofs/timestamps/*/checkpoint.txt").parent
    folder.rename(folder.with_name(f"0{folder.name}"))


@inside(words="not a checkpoint")
def a_stamped_checkpoint_with_a_line_more(s: Scene) -> None:
    path = s.one("proofs/timestamps/*/checkpoint.txt")
    text = path.read_text().partition("\n\n")[0]
    path.write_text(sign(f"{text}\nextension: yes\n", signer_of(s)))


def _proof(s: Scene, change: bytes, keep: int | None = None) -> None:
    path = s.one("proofs/timestamps/*/opentimestamps.ots")
    path.write_bytes(path.read_bytes()[:keep] + change)


HEAD = 31 + 1 + 1 + 32
"""Bytes of a proof of OpenTimestamps before its first operation."""


@inside()
def bytes_behind_an_opentimestamps_proof(s: Scene) -> None:
    _proof(s, b"hidden")


@inside(words="OpenTimestamps does not have")
def rubbish_that_holds_the_mark_of_bitcoin(s: Scene) -> None:
    _proof(s, b"rubbish" + bytes.fromhex("0588960d73d71901") + b"\x01\x05", HEAD)


@inside()
def an_opentimestamps_proof_that_is_cut(s: Scene) -> None:
    _proof(s, b"", HEAD - 1)


@inside(INTACT, words="names Bitcoin block 800000")
def a_block_that_was_invented(s: Scene) -> None:
    """Nobody can tell without the chain; so it counts as no stamp."""
    _proof(s, b"\x08\x00" + bytes.fromhex("0588960d73d71901") + b"\x03\x80\xea\x30", HEAD)


@inside(INTACT, words="NOT TIMESTAMPED: no authority vouches for any time")
def no_stamps(s: Scene) -> None:
    for folder in ("proofs/timestamps", "proofs/roots"):
        shutil.rmtree(s.path(folder))


@inside(CANNOT_TELL, words="no stamp leads to a root that you named")
def no_stamps_where_some_are_demanded(s: Scene) -> None:
    no_stamps(s)
    s.roots = [s.case.outside.authorities[0][1].fingerprint]
