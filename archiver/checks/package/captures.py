"""The captures as they were sealed: events, manifests, lines, inventories."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archiver.checks.captures import LINES, OUTCOMES
from archiver.checks.package.files import NAME, PackagedCapture, PackageFiles, Row, SealedLines
from archiver.checks.proofs import Bad, RunningTree, canonical, leaf, strict_json
from storage.digest import sha256_hex

MANIFEST = "manifest.json"


def read_event(files: PackageFiles, seq: int) -> Row:
    """Read an event; check it against its leaf and the signature of the person that it names."""
    if seq in files.events:
        return files.events[seq]
    name = f"data/events/{seq}.json"
    if seq not in files.leaves:
        raise Bad(f"event {seq} has no proof in the package")
    value = strict_json(files.read(name))
    if set(value) != {"event", "salt"}:
        raise Bad(f"{name} holds something else than an event and its salt")
    body: Row = value["event"]
    said = files.leaves[seq]
    salted = sha256_hex(bytes.fromhex(value["salt"]), canonical(body))
    if salted != said["salted_hash"] or any(body[key] != said[key] for key in ("seq", "type", "time")):
        raise Bad(f"{name} does not match the ledger")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["agent"]["key"], validate=True))
    unsigned = {key: item for key, item in body.items() if key != "signature"}
    signature = base64.b64decode(body["signature"], validate=True)
    try:
        public.verify(signature, b"archiver-event/1\n" + canonical(unsigned))
    except InvalidSignature as error:
        raise Bad(f"{name} is not signed by the key that it names") from error
    files.events[seq] = body
    return body


def captures(files: PackageFiles) -> str:
    """Check each capture against its event, and that there is nothing beside them."""
    lines = SealedLines(files.folder)
    own: dict[str, set[str]] = {}
    for name in files.names:
        if name.startswith("data/captures/"):
            capture_id, _, rest = name.removeprefix("data/captures/").partition("/")
            own.setdefault(capture_id, set()).add(rest)
    for item in files.package["captures"]:
        capture = _captured(files, item, read_event(files, item["event"]), lines)
        inside = own.get(capture.id, set()) - {MANIFEST}
        if strange := sorted(inside - {entry["name"] for entry in capture.manifest["files"]}):
            raise Bad(f"data/captures/{capture.id}/{strange[0]} was not sealed with the capture")
        # What the manifest lists and the package does not hold here is compared with nothing here.
        if misplaced := sorted(name for name in inside if _lies_elsewhere(name)):
            raise Bad(f"data/captures/{capture.id}/{misplaced[0]} has no place there")
        files.captures.append(capture)
    known = {capture.id for capture in files.captures}
    if len(known) != len(files.captures):
        raise Bad("a capture that appears twice")
    parted = sorted(name.split("/") for name in files.names if name.startswith(("data/captures/", "data/events/")))
    held = {}
    for parts in parted:
        if parts[1] == "captures" and parts[2] not in known:
            raise Bad(f"{'/'.join(parts)} belongs to no capture of the package")
        if parts[1] == "events":
            seq = int(parts[2].removesuffix(".json"))
            held[seq] = read_event(files, seq)
    files.events = held
    return (
        f"{len(files.captures)} captures as they were sealed: events, manifests, lines, inventories; "
        f"{len(held)} events, each signed by the key that it names"
    )


def _is_warc(name: str) -> bool:
    return name.endswith(".warc.gz")


def _lies_elsewhere(name: str) -> bool:
    """Whether a file of a capture is not in its folder of a package: WARC files are in the WACZ, what is private in none."""
    return _is_warc(name) or name.startswith("private.age")


def _captured(files: PackageFiles, item: Row, event: Row, lines: SealedLines) -> PackagedCapture:
    """Read what was sealed of one capture, and hold it against its manifest and that against its event."""
    name = item["id"]
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z0-9_-]{1,64}", name):
        raise Bad(f"a capture's id that is none: {name!r}"[:120])
    where = f"data/captures/{name}"
    data = files.read(f"{where}/manifest.json")
    if event["detail"]["capture"] != name or sha256_hex(data) != event["detail"]["manifest_sha256"]:
        raise Bad(f"{where}/manifest.json differs from the sealed one")
    manifest = strict_json(data)
    found = PackagedCapture(name, item["event"], manifest, lines)
    listed = {"manifest.json"}
    for entry in manifest["files"]:
        file = entry["name"]
        if not NAME.fullmatch(file) or "/" in file or file in listed:
            raise Bad(f"{where} names what no archiver writes: {file!r}"[:160])
        listed.add(file)
        if _is_warc(file):
            found.warcs[file] = entry
        elif _lies_elsewhere(file):
            continue  # stays in the house
        elif sha256_hex(files.read(f"{where}/{file}")) != entry["sha256"]:
            raise Bad(f"{where}/{file} differs from what was sealed")
    for file in LINES:
        if file not in listed:
            raise Bad(f"{where}/{file} was not sealed with the capture")
        _check_lines(files, f"{where}/{file}", manifest["lines"][file])
    _inventory(found)
    ids = {line["id"] for line in found.records}
    if len(ids) != len(found.records):
        raise Bad(f"{name}: a record that is listed twice")
    if any(post.get("record") not in {None, *ids} for post in found.posts):
        raise Bad(f"{name}: a post read from a missing record")
    return found


def _check_lines(files: PackageFiles, name: str, stated: Row) -> None:
    """Check that lines give the root that the manifest states."""
    tree = RunningTree()
    for raw in io.BytesIO(files.read(name)):
        tree.add(leaf(raw.rstrip(b"\n")))
    if (stated["count"], stated["root"]) != (tree.size, tree.root().hex()):
        raise Bad(f"{name} does not give the root that the manifest states")


def _inventory(capture: PackagedCapture) -> None:
    """Check that whatever was discovered has one outcome, and that the sums are those of the manifest."""
    keys = Counter(line["key"] for line in capture.inventory if line.get("state") == "discovered")
    ended = {line["key"]: line for line in capture.inventory if "outcome" in line}
    if set(keys) != set(ended) or any(count > 1 for count in keys.values()):
        raise Bad(f"{capture.id}: discovered items and outcomes do not match")
    for key, line in ended.items():
        if line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")):
            raise Bad(f"{capture.id}: no outcome, or none with a reason: {key}")
    sums = Counter(line["outcome"] for line in capture.inventory if line.get("outcome"))
    if dict(sums) != capture.manifest["counts"]["inventory"]:
        raise Bad(f"{capture.id}: the inventory's totals differ from the sealed ones")
    disagree = [line for line in capture.inventory if line.get("kind") == "census" and not line["agrees"]]
    if disagree and capture.manifest["outcome"] == "captured":
        raise Bad(f"{capture.id}: counts differ, yet its outcome is captured")
    for line in capture.inventory:
        if "target_salt" in line:
            commitment = sha256_hex(bytes.fromhex(line["target_salt"]), line["url"].encode())
            if commitment != capture.manifest["target"]["commitment"]:
                raise Bad(f"{capture.id}: the link differs from the sealed one")
