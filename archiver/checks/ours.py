"""Checking a package of ours: `archiver check PACKAGE` does what the package's own `check.py` does, by other code.

That one uses Python's standard library alone; this one `cryptography`, `zipfile` and the readers of `archiver.checks`.
The tests hold the two against each other on honest and on tampered packages.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from isal import isal_zlib

from archiver.checks.captures import OUTCOMES
from archiver.checks.lines import Line, damaged, intact, missing, note, unknown
from archiver.checks.ots import read_ots
from archiver.checks.proofs import Bad, RunningTree, canonical, included, leaf, note_text, read_note, strict_json
from archiver.checks.stamps import NoOpenssl, Token, check_token, fingerprint
from archiver.checks.warcs import Found, problems_of, read_payload, read_records
from storage.digest import Digests, Sha256, sha256, sha256_hex

SMALL = 256 << 20
READ = 1 << 20
SIGNATURE = "signature/tagmanifest-sha512.txt.note"
UNLISTED = {SIGNATURE, "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}
_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)


class Absent(Exception):
    """Something that belongs to the package is not there."""


class Unknown(Exception):
    """The check lacks what it would need."""


def check_ours(
    folder: Path,
    wanted: str | None,
    older: bytes | None,
    now: datetime | None = None,
    roots: frozenset[str] = frozenset(),
    bodies: bool = True,
) -> list[Line]:
    """Every line about a package. `wanted`: the fingerprint of its key, from elsewhere. `older`: an earlier checkpoint.

    `now`: as of when it is said which certificates have ended. `roots`: SHA-256 of the root certificates under which
    stamps count; empty: any, which the line names. `bodies`: whether the payload files and the records are
    read; who made the package has just done so.
    """
    package = _Package(folder, wanted, older, now, roots, bodies)
    package.check()
    return package.lines


def is_ours(folder: Path) -> bool:
    """Whether a folder is such a package, or what is left of one."""
    return (folder / "proofs" / "vkey.txt").is_file() or (folder / "signature").is_dir()


@dataclass
class _Captured:
    """What was sealed of one capture."""

    id: str
    manifest: dict[str, Any]
    records: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    inventory: list[dict[str, Any]]
    warcs: dict[str, dict[str, Any]] = field(default_factory=dict)


class _Package:
    def __init__(
        self,
        folder: Path,
        wanted: str | None,
        older: bytes | None,
        now: datetime | None,
        roots: frozenset[str],
        bodies: bool,
    ) -> None:
        self.folder, self._wanted, self._older, self._now = folder, wanted, older, now
        self._trusted, self._bodies = roots, bodies
        self.lines: list[Line] = []
        self._names: set[str] = set()
        self._keys: list[str] = []
        self._package: dict[str, Any] = {}
        self._hashes: list[bytes] = []
        self._roots: dict[int, bytes] = {}
        self._leaves: dict[int, dict[str, Any]] = {}
        self._captures: list[_Captured] = []
        self._times: dict[int, datetime] = {}
        self._entries: dict[str, tuple[int, int]] = {}

    def check(self) -> None:
        if not self._run("files", self._files):
            return
        self._run("bag", self._bag)
        if not self._run("key", self._key):
            return
        self._run("signature", self._signature)
        self._run("signer", self._signer)
        if not (self._run("ledger", self._ledger) and self._run("selection", self._items)):
            return
        if self._older is not None:
            self._run("history", self._given)
        self._run("timestamps", self._stamps)
        self._time()
        full = self._package["profile"] == "full"
        whole = not full or self._run("captures", self._folders)
        if full and self._run("wacz", self._wacz) and whole:
            read = not self._bodies or self._run("records", self._records)
            if read:
                self._run("index", self._index)
            if read and self._bodies:
                self._run("assemblies", self._assemblies)
        if whole:
            self._run("media", self._media)
            self._run("posts", self._posts)

    def _run(self, name: str, one: Callable[[], str]) -> bool:
        """One check as one line. Whatever stands in the files, it ends in a finding."""
        try:
            text = one()
        except Absent as error:
            self.lines.append(missing("package", name, str(error)))
        except (Unknown, NoOpenssl) as error:
            self.lines.append(unknown("package", name, str(error)))
        except Bad as error:
            self.lines.append(damaged("package", name, str(error)))
        except FileNotFoundError as error:
            self.lines.append(missing("package", name, f"{Path(error.filename or '').name} is not there"))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, RecursionError) as error:
            self.lines.append(damaged("package", name, f"is not what it should be ({type(error).__name__}: {error})"))
        except (InvalidSignature, zipfile.BadZipFile, zlib.error, struct.error) as error:
            self.lines.append(damaged("package", name, f"is not what it should be ({type(error).__name__})"))
        else:
            if text:
                self.lines.append(intact("package", name, text))
            return True
        return False

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        if not path.is_file():
            raise Absent(f"{name} is not there")
        if path.stat().st_size > SMALL:
            raise Bad(f"{name} is larger than such a file can be")
        return path.read_bytes()

    # -- the bag ---------------------------------------------------------------------------------------

    def _files(self) -> str:
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                self._names.add(name)
            elif not stat.S_ISDIR(mode):
                raise Bad(f"{name} is a link or a special file")
        if odd := [name for name in self._names if not _NAME.fullmatch(name)]:
            raise Bad(f"a name that no package has: {odd[0]}")
        if doubled := [name for name, count in Counter(name.lower() for name in self._names).items() if count > 1]:
            raise Bad(f"two names that differ only in case: {doubled[0]}")
        return ""

    def _manifest(self, name: str, width: int) -> dict[str, str]:
        listed: dict[str, str] = {}
        for line in self._read(name).decode("ascii").split("\n")[:-1]:
            digest, _, path = line.partition("  ")
            if not re.fullmatch(rf"[0-9a-f]{{{width}}}", digest) or not _NAME.fullmatch(path) or path in listed:
                raise Bad(f"{name}: a line that is none, leaves the package, or stands twice: {line[:80]}")
            listed[path] = digest
        return listed

    def _bag(self) -> str:
        if self._read("bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
            raise Bad("bagit.txt is not that of such a package")
        absent: set[str] = set()
        stated: dict[str, dict[str, str]] = {}
        for kind, width in (("sha256", 64), ("sha512", 128)):
            payload = self._manifest(f"manifest-{kind}.txt", width)
            tags = self._manifest(f"tagmanifest-{kind}.txt", width)
            if any(not name.startswith("data/") for name in payload) or any(
                name.startswith("data/") or name in UNLISTED for name in tags
            ):
                raise Bad(f"a {kind} manifest lists what belongs into the other")
            listed = payload | tags
            if extra := sorted(self._names - set(listed) - UNLISTED):
                raise Bad(f"{extra[0]} is listed in no {kind} manifest")
            absent |= set(listed) - self._names
            for name, digest in listed.items():
                stated.setdefault(name, {})[kind] = digest
        present = sorted(self._names & set(stated))
        with ThreadPoolExecutor() as several:
            for name, changed in zip(
                present, several.map(lambda name: self._changed(name, stated[name]), present), strict=True
            ):
                if changed:
                    raise Bad(f"{name} is not what its {changed} says")
        size = sum((self.folder / name).stat().st_size for name in present if name.startswith("data/"))
        if absent:
            raise Absent(f"{len(absent)} files are not there, first: {sorted(absent)[0]}")
        count = sum(name.startswith("data/") for name in self._names)
        if f"Payload-Oxum: {size}.{count}" not in self._read("bag-info.txt").decode().splitlines():
            raise Bad("bag-info.txt states another size")
        return f"{len(self._names)} files, {size:,} bytes of payload, each as it is listed"

    def _changed(self, name: str, stated: dict[str, str]) -> str | None:
        """Which digest a file does not have. SHA-512 of the payload is left to `bagit.py`: the signature names its SHA-256."""
        payload = name.startswith("data/")
        if payload and not self._bodies:
            return None
        running = Digests(*(("sha256",) if payload else ("sha256", "sha512")))
        with open(self.folder / name, "rb", buffering=0) as stream:
            while data := stream.read(READ):
                running.update(data)
        return next((kind for kind, digest in running.hexdigests().items() if stated.get(kind) != digest), None)

    # -- who signed ------------------------------------------------------------------------------------

    def _key(self) -> str:
        self._keys = [self._read("proofs/vkey.txt").decode("ascii").strip()]
        for name in sorted((name for name in self._names if name.startswith("proofs/handovers/")), reverse=True):
            data = self._read(name)
            _, old, new = data.decode().split("\n")[:3]
            text = f"archiver-key-handover/1\n{old}\n{new}\n"
            if new != self._keys[-1] or note_text(data, new) != text or note_text(data, old) != text:
                raise Bad(f"{name} is no hand-over to the key that follows, signed by both")
            self._keys.append(old)
        return ""

    def _signature(self) -> str:
        running = Digests("sha512")
        running.update(self._read("tagmanifest-sha512.txt"))
        text = f"archiver-package/1\nsha512 {running.hexdigests()['sha512']}\n"
        if note_text(self._read(SIGNATURE), self._keys[0]) != text:
            raise Bad("the signature is that of another package")
        return "by the key in the package, over the list of all its files"

    def _signer(self) -> str:
        own = [sha256_hex(key.encode()) for key in self._keys]
        if self._wanted is None:
            raise Unknown(f"signer unconfirmed: give the fingerprint you got by another way. The package's is {own[0]}")
        given = re.sub(r"[\s:]", "", self._wanted).lower()
        for number, one in enumerate(own):
            if given in (one, "".join(_words(one))):
                return "the key that was named" if not number else "a key that the one that was named handed over to"
        raise Bad(f"signed by another key than the one that was named: {own[0]}")

    # -- the ledger ------------------------------------------------------------------------------------

    def _checkpoint(self, data: bytes) -> tuple[int, bytes]:
        errors: list[Bad] = []
        for key in self._keys:
            try:
                origin, size, root = read_note(data, key)
            except Bad as error:
                errors.append(error)
                continue
            if origin != key.partition("+")[0]:
                raise Bad("a checkpoint of another ledger")
            return size, root
        raise errors[-1]

    def _ledger(self) -> str:
        self._package = strict_json(self._read("data/package.json"))
        size, root = self._checkpoint(self._read("proofs/checkpoint.txt"))
        data = self._read("proofs/leaves.bin")
        tree = RunningTree()
        self._roots[0] = tree.root()
        for at in range(0, len(data), 32):
            self._hashes.append(data[at : at + 32])
            tree.add(self._hashes[-1])
            self._roots[tree.size] = tree.root()
        if len(data) != 32 * size or tree.root() != root:
            raise Bad("proofs/leaves.bin does not give the root of the checkpoint")
        if self._package["checkpoint"] != {"size": size, "root": root.hex()} or self._package["key"] != self._keys[0]:
            raise Bad("data/package.json names another ledger")
        return f"{size} events under a signed checkpoint"

    def _prefix(self, data: bytes, what: str, later: type[Exception] = Bad) -> tuple[int, bytes]:
        """An earlier checkpoint of this ledger. `later`: what one of a later size is."""
        size, root = self._checkpoint(data)
        if size not in self._roots:
            raise later(f"{what} is of {size} events, the package is older: of {len(self._hashes)}")
        if self._roots[size] != root:
            raise Bad(f"{what} is of another history: the ledger was rewritten, or is another one")
        return size, root

    def _given(self) -> str:
        size, _ = self._prefix(self._older or b"", "the checkpoint that was given", Unknown)
        return f"continues the checkpoint of {size} events"

    def _items(self) -> str:
        for name in sorted(name for name in self._names if name.startswith("proofs/items/")):
            head, _, checkpoint = self._read(name).decode().partition("\n\n")
            version, extra, index, *path = head.split("\n")
            seq = int(index.removeprefix("index "))
            entry = base64.b64decode(extra.removeprefix("extra "), validate=True)
            size, root = self._prefix(checkpoint.encode(), name)
            steps = [base64.b64decode(step, validate=True) for step in path]
            if version != "c2sp.org/tlog-proof@v1" or name != f"proofs/items/{seq}.tlog-proof":
                raise Bad(f"{name} is no proof of event {seq}")
            if not included(leaf(entry), seq, size, steps, root) or self._hashes[seq] != leaf(entry):
                raise Bad(f"{name} does not lead to its checkpoint")
            said = strict_json(entry)
            if sorted(said) != ["salted_hash", "seq", "time", "type"] or said["seq"] != seq:
                raise Bad(f"{name} is no leaf of event {seq}")
            self._leaves[seq] = said
        chosen = [item["event"] for item in self._package["captures"]]
        rest = self._package["not_in_package"]
        if len(set(chosen + rest)) != len(chosen) + len(rest):
            raise Bad("a capture that is named twice")
        for seq in chosen + rest:
            if seq not in self._leaves:
                raise Absent(f"the proof of event {seq} is not there")
            if self._leaves[seq]["type"] not in ("captured", "recovered"):
                raise Bad(f"event {seq} is no capture")
        captured = {seq for seq, said in self._leaves.items() if said["type"] in ("captured", "recovered")}
        if silent := captured - set(chosen + rest):
            raise Bad(f"the capture of event {min(silent)} has a proof here and is named nowhere")
        return f"{len(chosen)} of {len(chosen) + len(rest)} captures of the case; the others as commitments"

    # -- time ------------------------------------------------------------------------------------------

    def _stamps(self) -> str:
        tokens: list[tuple[int, str, Token]] = []
        for name in sorted(self._names):
            match = re.fullmatch(r"proofs/timestamps/(\d+)/([\w-]+)\.(tsr|ots)", name)
            if match is None:
                continue
            size, by = int(match[1]), match[2]
            message = self._read(f"proofs/timestamps/{size}/checkpoint.txt")
            if self._prefix(message, f"the stamped checkpoint {size}")[0] != size:
                raise Bad(f"proofs/timestamps/{size} holds a checkpoint of another size")
            if match[3] == "ots":
                said = read_ots(self._read(name), sha256(message))
                blocks = sorted({item.where for item in said if item.kind == "bitcoin"})
                text = (
                    f"leads to Bitcoin block {blocks[0]}: follow it with `ots verify`"
                    if blocks
                    else "pending: proves nothing"
                )
                self.lines.append(note("package", f"stamp {size}", f"OpenTimestamps {text}"))
                continue
            stem = f"proofs/timestamps/{size}/{by}"
            root = self._read(f"{stem}.root").decode().strip()
            pem = self._read(f"proofs/roots/{root}.pem")
            if fingerprint(pem) != root:
                raise Bad(f"{stem}: the root certificate is another one")
            try:
                token = check_token(
                    message, self._read(f"{stem}.tsq"), self._read(name), self._read(f"{stem}.pem"), pem
                )
            except Bad as error:
                raise Bad(f"{by} over checkpoint {size}: {error}") from error
            if self._trusted and root not in self._trusted:
                text = f"{by}: leads to a root that was not named: {root}"
                self.lines.append(unknown("package", f"stamp {size}", text))
                continue
            self._times[size] = min(self._times.get(size, token.time), token.time)
            tokens.append((size, by, token))
            text = f"{by}: checkpoint {size} existed at {token.time:%Y-%m-%dT%H:%M:%SZ}; root {root[:16]}…"
            self.lines.append(intact("package", f"stamp {size}", text))
        self._ended(tokens)
        return ""

    def _ended(self, tokens: list[tuple[int, str, Token]]) -> None:
        """Of tokens whose certificates have ended: whether a later one vouches for them."""
        renewed: dict[str, int] = {}
        for seq, said in self._leaves.items():
            if said["type"] == "renewed" and f"data/events/{seq}.json" in self._names:
                renewed |= {item["token"]["sha256"]: seq for item in self._event(seq)["detail"]["tokens"]}
        for size, by, token in tokens:
            if self._now is None or token.expires >= self._now:
                continue
            after = renewed.get(token.sha256)
            later = [s for s, _, other in tokens if after is not None and s > after and other.time <= token.expires]
            text = (
                f"renewed before, at checkpoint {later[0]}"
                if later
                else "nothing here shows that it was renewed before"
            )
            ended = f"{by}: its certificates ended on {token.expires:%Y-%m-%d}; {text}"
            self.lines.append(note("package", f"stamp {size}", ended))

    def _time(self) -> None:
        seqs = [item["event"] for item in self._package["captures"]]
        covered = sum(any(size > seq for size in self._times) for seq in seqs)
        text = f"{covered} of {len(seqs)} captures are covered by an outsider's stamp"
        if covered == len(seqs) and seqs:
            self.lines.append(intact("package", "time", text))
        else:
            plain = "NOT TIMESTAMPED: no outsider vouches for any time"
            self.lines.append(note("package", "time", f"{text}, the rest NOT TIMESTAMPED" if covered else plain))
        if self._package.get("test_routes"):
            self.lines.append(
                note("package", "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")
            )

    # -- captures --------------------------------------------------------------------------------------

    def _event(self, seq: int) -> dict[str, Any]:
        value = strict_json(self._read(f"data/events/{seq}.json"))
        body: dict[str, Any] = value["event"]
        said = self._leaves[seq]
        if sha256_hex(bytes.fromhex(value["salt"]), canonical(body)) != said["salted_hash"]:
            raise Bad(f"event {seq} is not the one in the ledger")
        if any(body[key] != said[key] for key in ("seq", "type", "time")):
            raise Bad(f"event {seq} does not say what its leaf says")
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["agent"]["key"], validate=True))
        unsigned = {key: item for key, item in body.items() if key != "signature"}
        signature = base64.b64decode(body["signature"], validate=True)
        try:
            public.verify(signature, b"archiver-event/1\n" + canonical(unsigned))
        except InvalidSignature as error:
            raise Bad(f"event {seq} is not signed by the person that it names") from error
        return body

    def _folders(self) -> str:
        known = set()
        for item in self._package["captures"]:
            event = self._event(item["event"])
            where = f"data/captures/{item['id']}"
            data = self._read(f"{where}/manifest.json")
            if event["detail"]["capture"] != item["id"] or sha256_hex(data) != event["detail"]["manifest_sha256"]:
                raise Bad(f"the manifest of {item['id']} is not the one that was sealed")
            known.add(where)
            self._captures.append(self._captured(item["id"], strict_json(data)))
        if len(known) != len(self._package["captures"]):
            raise Bad("a capture that stands twice")
        for name in sorted(self._names):
            if name.startswith("data/captures/") and "/".join(name.split("/")[:3]) not in known:
                raise Bad(f"{name} belongs to no capture of the package")
            if match := re.fullmatch(r"data/events/(.+)\.json", name):
                self._event(int(match[1]))
        return f"{len(self._captures)} captures as they were sealed: events, manifests, lines, inventories"

    def _captured(self, name: str, manifest: dict[str, Any]) -> _Captured:
        where = f"data/captures/{name}"
        listed = {entry["name"]: entry for entry in manifest["files"]}
        found = _Captured(name, manifest, [], [], [])
        for file, entry in listed.items():
            if file.endswith(".warc.gz"):
                found.warcs[file] = entry
            elif (
                file not in ("private.age", "private.age-lines")
                and sha256_hex(self._read(f"{where}/{file}")) != (entry["sha256"])
            ):
                raise Bad(f"{where}/{file} is not what was sealed")
        own = {one.removeprefix(f"{where}/") for one in self._names if one.startswith(f"{where}/")}
        if strange := own - set(listed) - {"manifest.json"}:
            raise Bad(f"{where}/{sorted(strange)[0]} was not sealed with the capture")
        for file, into in (
            ("records.jsonl", found.records), ("posts.jsonl", found.posts), ("inventory.jsonl", found.inventory)
        ):  # fmt: skip
            tree = RunningTree()
            for raw in io.BytesIO(self._read(f"{where}/{file}")):
                tree.add(leaf(raw.rstrip(b"\n")))
                into.append(json.loads(raw))
            if manifest["lines"][file] != {"count": tree.size, "root": tree.root().hex()}:
                raise Bad(f"{where}/{file} does not give the root that the manifest states")
        ids = [line["id"] for line in found.records]
        if len(ids) != len(set(ids)) or any(post.get("record") not in {None, *ids} for post in found.posts):
            raise Bad(f"{name}: records and posts do not fit each other")
        self._inventory(found)
        return found

    def _inventory(self, capture: _Captured) -> None:
        keys = Counter(line["key"] for line in capture.inventory if line.get("state") == "discovered")
        ended = {line["key"]: line for line in capture.inventory if "outcome" in line}
        if set(keys) != set(ended) or any(count > 1 for count in keys.values()):
            raise Bad(f"{capture.id}: what was discovered is not what has an outcome")
        for line in ended.values():
            if line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")):
                raise Bad(f"{capture.id}: {line['key']} has no outcome, or none with a reason")
        sums = Counter(line["outcome"] for line in capture.inventory if line.get("outcome"))
        if dict(sums) != capture.manifest["counts"]["inventory"]:
            raise Bad(f"{capture.id}: the inventory has other sums than were sealed")
        disagree = [line for line in capture.inventory if line.get("kind") == "census" and not line["agrees"]]
        if disagree and capture.manifest["outcome"] == "captured":
            raise Bad(f"{capture.id}: counts disagree, and it says captured")
        for line in capture.inventory:
            if "target_salt" in line:
                commitment = sha256_hex(bytes.fromhex(line["target_salt"]), line["url"].encode())
                if commitment != capture.manifest["target"]["commitment"]:
                    raise Bad(f"{capture.id}: the link is not the one that was sealed")

    # -- the WACZ --------------------------------------------------------------------------------------

    def _wacz(self) -> str:
        path = self.folder / "data" / "archive.wacz"
        with zipfile.ZipFile(path) as archive:
            self._zip(path, archive)
            described = archive.read("datapackage.json")
            package = json.loads(described)
            if (package["profile"], package["wacz_version"]) != ("data-package", "1.1.1"):
                raise Bad("datapackage.json is not that of a WACZ 1.1.1")
            resources = {item["path"]: item for item in package["resources"]}
            present = set(archive.namelist()) - {"datapackage.json", "datapackage-digest.json"}
            if len(resources) != len(package["resources"]) or present - set(resources):
                raise Bad("an entry that datapackage.json lists twice, or not at all")
            if absent := set(resources) - present:
                raise Absent(f"{sorted(absent)[0]} is not in the WACZ")
            if not {"pages/pages.jsonl", "indexes/index.cdx.gz", "indexes/index.idx"} <= present:
                raise Absent("the WACZ has no pages or no index")
            bodies = [name for name in resources if self._bodies or not name.startswith("archive/")]
            crcs = {entry.filename: entry.CRC for entry in archive.infolist()}
            with ThreadPoolExecutor() as several:
                for name, found in zip(bodies, several.map(self._entry, bodies), strict=True):
                    item = resources[name]
                    if found != (item["hash"], item["bytes"], crcs[name]):
                        raise Bad(f"{name} is not what datapackage.json or the ZIP says")
            self._wacz_signature(described, json.loads(archive.read("datapackage-digest.json")))
        return f"{len(resources)} entries, stored as they are listed"

    def _entry(self, name: str) -> tuple[str, int, int]:
        """(digest, size, CRC) of an entry."""
        start, left = self._entries[name]
        running, crc = Sha256(), 0
        with open(self.folder / "data" / "archive.wacz", "rb", buffering=0) as stream:
            stream.seek(start)
            while left and (data := stream.read(min(READ, left))):
                running.update(data)
                crc = isal_zlib.crc32(data, crc)
                left -= len(data)
        return running.label(), running.size, crc

    def _zip(self, path: Path, archive: zipfile.ZipFile) -> None:
        """Entries one behind the other and nothing else: `zipfile` alone would pass over what lies between."""
        expected = 0
        names = [entry.filename for entry in archive.infolist()]
        if len({name.lower() for name in names}) != len(names) or any(not _NAME.fullmatch(name) for name in names):
            raise Bad("names in the ZIP that stand twice or leave it")
        with open(path, "rb") as stream:
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits or entry.comment:
                    raise Bad(f"{entry.filename} is not simply stored in the ZIP")
                stream.seek(entry.header_offset)
                head = stream.read(30)
                name_length, extra_length = struct.unpack("<HH", head[26:30])
                name, extra = stream.read(name_length), stream.read(extra_length)
                sizes = struct.unpack("<II", head[18:26])
                if extra:
                    kind, length, *large = struct.unpack("<HHQQ", extra)
                    sizes = (large[0], large[1]) if (kind, length) == (1, 16) else (-1, -1)
                good = head[:4] == b"PK\x03\x04" and name == entry.filename.encode() and head[6:10] == bytes(4)
                if not good or sizes != (entry.file_size, entry.file_size) or entry.header_offset != expected:
                    raise Bad(f"{entry.filename}: the ZIP says two different things, or something stands before it")
                if struct.unpack("<I", head[14:18])[0] != entry.CRC or entry.compress_size != entry.file_size:
                    raise Bad(f"{entry.filename}: the ZIP says two different things")
                start = entry.header_offset + 30 + name_length + extra_length
                self._entries[entry.filename] = (start, entry.file_size)
                expected = start + entry.file_size
            size = path.stat().st_size
            stream.seek(max(0, size - 22))
            end = stream.read(22)
        if end[:4] != b"PK\x05\x06" or end[20:] != bytes(2) or archive.start_dir != expected or archive.comment:
            raise Bad("bytes in the ZIP before, between or behind what it lists")
        length, start = struct.unpack("<II", end[12:20])
        large = start == 0xFFFFFFFF or struct.unpack("<H", end[10:12])[0] == 0xFFFF
        if expected + length + 22 + (76 if large else 0) != size:
            raise Bad("bytes behind the ZIP")

    def _wacz_signature(self, described: bytes, value: dict[str, Any]) -> None:
        digest = f"sha256:{sha256_hex(described)}"
        signed = value["signedData"]
        if {value["hash"], signed["hash"]} != {digest} or value["path"] != "datapackage.json":
            raise Bad("datapackage.json is not what datapackage-digest.json says")
        key = load_der_public_key(base64.b64decode(signed["publicKey"], validate=True))
        raw = base64.b64decode(signed["signature"], validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 96:
            raise Bad("the signature in the WACZ is of another kind")
        der = utils.encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
        try:
            key.verify(der, digest.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise Bad("the signature in the WACZ does not fit") from error

    def _records(self) -> str:
        ids = {line["id"]: line.get("payload_digest") for capture in self._captures for line in capture.records}
        path = self.folder / "data" / "archive.wacz"
        count = 0
        for capture in self._captures:
            for name, sealed in capture.warcs.items():
                if f"archive/{name}" not in self._entries:
                    raise Absent(f"archive/{name} is not in the WACZ")
                start, size = self._entries[f"archive/{name}"]
                expected = {line["offset"]: line for line in capture.records if line["file"] == name}
                for found in read_records(path, start, size):
                    line = expected.pop(found.offset, None)
                    if line is None:
                        raise Bad(f"{name} at {found.offset} holds a record that was not sealed")
                    if problem := _differs(line, found, ids, capture.manifest["recovered"] is not None):
                        raise Bad(f"{name} at {found.offset}: {problem}")
                    count += 1
                if expected or size != sealed["size"]:
                    raise Bad(f"{name}: {len(expected)} records that were sealed are not there")
        named = {f"archive/{name}" for capture in self._captures for name in capture.warcs}
        if strange := sorted(name for name in self._entries if name.startswith("archive/") and name not in named):
            raise Bad(f"{strange[0]} belongs to no capture of the package")
        return f"{count} records, every digest computed again"

    def _index(self) -> str:
        with zipfile.ZipFile(self.folder / "data" / "archive.wacz") as archive:
            data = archive.read("indexes/index.cdx.gz")
        text = b""
        while data:
            inflate = zlib.decompressobj(31)
            text += inflate.decompress(data, SMALL)
            if not inflate.eof:
                raise Bad("the index is cut")
            data = inflate.unused_data
        lines = text.splitlines()
        if lines != sorted(lines):
            raise Bad("the index is not sorted")
        said: Counter[tuple[str, int, int, str]] = Counter()
        for line in lines:
            facts = json.loads(line.split(b" ", 2)[2])
            said[facts["filename"], int(facts["offset"]), int(facts["length"]), facts["url"]] += 1
        there = Counter(
            (line["file"], line["offset"], line["length"], line["uri"])
            for capture in self._captures
            for line in capture.records
            if line.get("uri") and line["type"] not in ("request", "warcinfo")
        )
        if said != there:
            raise Bad("the index does not name the records that there are")
        return f"{len(lines)} lines lead to their records"

    def _assemblies(self) -> str:
        path = self.folder / "data" / "archive.wacz"
        places = {
            line["id"]: (self._entries[f"archive/{line['file']}"][0], line["offset"])
            for capture in self._captures
            for line in capture.records
        }
        count, elsewhere = 0, []
        for capture in self._captures:
            for line in capture.records:
                if not str(line.get("uri") or "").startswith("urn:archiver:assembly:"):
                    continue
                block = bytearray()
                start, offset = places[line["id"]]
                read_payload(path, offset, block.extend, start)
                assembly = strict_json(bytes(block))
                if any(piece["record"] not in places for piece in assembly["pieces"]):
                    elsewhere.append(assembly["name"])
                    continue
                whole = Sha256()
                for piece in assembly["pieces"]:
                    cut = _Cut(whole, piece["offset"], piece["length"])
                    start, offset = places[piece["record"]]
                    read_payload(path, offset, cut.take, start)
                if (whole.hexdigest(), whole.size) != (assembly["sha256"], assembly["size"]):
                    raise Bad(f"the pieces of {assembly['name']} do not give its digest")
                count += 1
        if elsewhere:
            raise Unknown(f"{len(elsewhere)} files have pieces in captures that are not in the package: {elsewhere[0]}")
        return f"{count} files that came in pieces give their digests"

    # -- what people read ------------------------------------------------------------------------------

    def _media(self) -> str:
        rows = list(csv.DictReader(io.StringIO(self._read("data/hashes.csv").decode("utf-8-sig"))))
        present = {name for name in self._names if name.startswith("data/media/")}
        listed = Counter(row["file"] for row in rows)
        if present - set(listed) or max(listed.values(), default=1) > 1:
            raise Bad("data/hashes.csv does not name the media files that there are")
        if absent := sorted(set(listed) - present):
            raise Absent(f"{absent[0]} is not there")
        digests = self._manifest("manifest-sha256.txt", 64), self._manifest("manifest-sha512.txt", 128)
        payloads = {line["id"]: line.get("payload_digest") for one in self._captures for line in one.records}
        wholes = {line.get("assembly") for one in self._captures for line in one.inventory}
        for row in rows:
            if (row["sha256"], row["sha512"]) != (digests[0][row["file"]], digests[1][row["file"]]):
                raise Bad(f"data/hashes.csv has another digest of {row['file']}")
            if self._package["profile"] == "public" and _tells(self.folder / row["file"]):
                raise Bad(f"{row['file']} still carries metadata: a place, a device or a name")
            kept = payloads.get(row["record"]) == f"sha256:{row['sha256']}" or row["sha256"] in wholes
            if self._package["profile"] == "full" and not kept:
                raise Bad(f"{row['file']} is not what the record it names holds")
        return f"{len(rows)} files with their digests"

    def _posts(self) -> str:
        cards = json.loads(self._read("data/posts.json"))
        if self._package["profile"] != "full":
            return f"{len(cards)} exhibits; what they were derived from is not in the package"
        sealed = {one.id: [line for line in one.posts if line.get("role") != "captions"] for one in self._captures}
        told = 0
        for card in cards:
            for one in card.get("observations", []):
                told += 1
                if not any(_says(line, one["post"]) for line in sealed[one["capture"]]):
                    raise Bad(f"{card['exhibit']}: data/posts.json says something else than was sealed")
        if told != sum(map(len, sealed.values())) and not any("not_shown" in card for card in cards):
            raise Bad("data/posts.json does not tell as many posts as were sealed")
        return f"{len(cards)} exhibits, {told} observations as they were sealed"


def _says(line: dict[str, Any], post: dict[str, Any]) -> bool:
    return all(key in line and line[key] == value for key, value in post.items())


_TELLING = (
    b"Exif\0\0",
    b"ns.adobe.com/xap",
    b"eXIf",
    b"iTXt",
    b"tEXt",
    b"zTXt",
    b"\xa9xyz",
    b"udtaloci",
    b"GPSLatitude",
)


def _tells(path: Path) -> bool:
    """Whether a photo or video begins or ends with metadata, as cameras and editors write them."""
    with open(path, "rb") as stream:
        data = stream.read(READ)
        stream.seek(max(0, path.stat().st_size - READ))
        data += stream.read(READ)
    return any(mark in data for mark in _TELLING)


class _Cut:
    """Takes `length` bytes from `offset` of what it is fed."""

    def __init__(self, into: Sha256, offset: int, length: int) -> None:
        self._into, self._skip, self._left = into, offset, length

    def take(self, data: memoryview) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        part = data[skipped : skipped + self._left]
        self._left -= len(part)
        self._into.update(part)


def _differs(line: dict[str, Any], found: Found, ids: dict[str, str | None], recovered: bool) -> str | None:
    if problems := problems_of(found):
        return "; ".join(problems)
    for key, value in (
        ("id", found.get("WARC-Record-ID")), ("type", found.get("WARC-Type")), ("uri", found.get("WARC-Target-URI")),
        ("date", found.get("WARC-Date")), ("length", found.length), ("block_digest", found.block_digest),
    ):  # fmt: skip
        if line.get(key) != value:
            return f"another {key} than was sealed"
    again = found.get("WARC-Type") == "revisit"
    actual = found.get("WARC-Payload-Digest") if again else found.decoded_digest or found.payload_digest
    if line.get("payload_digest") not in (None, actual):
        return "the payload is not what was sealed"
    if bool(line.get("truncated")) != (found.get("WARC-Truncated") is not None):
        return "cut, or not, against what was sealed"
    if again and found.get("WARC-Refers-To") not in ids:
        return "a revisit whose original is not in the package"
    if again and ids[str(found.get("WARC-Refers-To"))] != line.get("payload_digest"):
        return "a revisit whose original is another payload"
    for key, value in found.fields:
        if key == "WARC-Concurrent-To" and value not in ids and not recovered:
            return "refers to a record that is not there"
    return None


def _words(hexadecimal: str) -> list[str]:
    """Proquints of the first 128 bits (arXiv:0901.4016)."""
    out = []
    for at in range(0, 32, 4):
        bits = f"{int(hexadecimal[at : at + 4], 16):016b}"
        parts = (bits[:4], bits[4:6], bits[6:10], bits[10:12], bits[12:])
        out.append("".join(("bdfghjklmnprstvz" if len(part) == 4 else "aiou")[int(part, 2)] for part in parts))
    return out
