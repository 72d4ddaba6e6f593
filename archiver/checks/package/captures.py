"""The captures as they were sealed: events, manifests, lines, inventories."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archiver.checks.captures import LINES, OUTCOMES
from archiver.checks.package.files import NAME, PackagedCapture, PackageFiles, SealedLines
from archiver.checks.proofs import Bad, RunningTree, canonical, leaf, strict_json
from storage.digest import sha256_hex


def read_event(files: PackageFiles, seq: int) -> dict[str, Any]:
    """Read an event; check it against its leaf and the signature of the person that it names."""
    value = strict_json(files.read(f"data/events/{seq}.json"))
    body: dict[str, Any] = value["event"]
    said = files.leaves[seq]
    if sha256_hex(bytes.fromhex(value["salt"]), canonical(body)) != said["salted_hash"]:
        raise Bad(f"event {seq} does not match the ledger")
    if any(body[key] != said[key] for key in ("seq", "type", "time")):
        raise Bad(f"event {seq} does not match its leaf")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["agent"]["key"], validate=True))
    unsigned = {key: item for key, item in body.items() if key != "signature"}
    signature = base64.b64decode(body["signature"], validate=True)
    try:
        public.verify(signature, b"archiver-event/1\n" + canonical(unsigned))
    except InvalidSignature as error:
        raise Bad(f"event {seq} is not signed by the person it names") from error
    return body


def captures(files: PackageFiles) -> str:
    """Check each capture against its event, and that there is nothing beside them."""
    known = set()
    lines = SealedLines(files.folder)
    own: dict[str, set[str]] = {}
    for name in files.names:
        if name.startswith("data/captures/"):
            capture, _, rest = name.removeprefix("data/captures/").partition("/")
            own.setdefault(capture, set()).add(rest)
    for item in files.package["captures"]:
        event = read_event(files, item["event"])
        where = f"data/captures/{item['id']}"
        data = files.read(f"{where}/manifest.json")
        if event["detail"]["capture"] != item["id"] or sha256_hex(data) != event["detail"]["manifest_sha256"]:
            raise Bad(f"the manifest of {item['id']} differs from the sealed one")
        known.add(where)
        files.captures.append(_captured(files, item["id"], strict_json(data), lines, own.get(item["id"], set())))
    if len(known) != len(files.package["captures"]):
        raise Bad("a capture that appears twice")
    for name in sorted(files.names):
        if name.startswith("data/captures/") and "/".join(name.split("/")[:3]) not in known:
            raise Bad(f"{name} belongs to no capture of the package")
        if match := re.fullmatch(r"data/events/(.+)\.json", name):
            read_event(files, int(match[1]))
    return f"{len(files.captures)} captures as they were sealed: events, manifests, lines, inventories"


def _captured(
    files: PackageFiles, name: str, manifest: dict[str, Any], lines: SealedLines, own: set[str]
) -> PackagedCapture:
    """Read what was sealed of one capture, and hold it against its manifest."""
    where = f"data/captures/{name}"
    listed = {entry["name"]: entry for entry in manifest["files"]}
    if odd := [file for file in listed if not NAME.fullmatch(file) or "/" in file or ".." in file]:
        raise Bad(f"{where}: names what no archiver writes: {odd[0]!r}"[:160])
    found = PackagedCapture(name, manifest, lines)
    for file, entry in listed.items():
        if file.endswith(".warc.gz"):
            found.warcs[file] = entry
        elif file.startswith("private.age"):
            continue  # stays in the house
        elif sha256_hex(files.read(f"{where}/{file}")) != entry["sha256"]:
            raise Bad(f"{where}/{file} differs from what was sealed")
    if strange := own - set(listed) - {"manifest.json"}:
        raise Bad(f"{where}/{sorted(strange)[0]} was not sealed with the capture")
    for file in LINES:
        if file not in listed:
            raise Bad(f"{where}/{file} was not sealed with the capture")
        tree = RunningTree()
        for raw in io.BytesIO(files.read(f"{where}/{file}")):
            tree.add(leaf(raw.rstrip(b"\n")))
        if manifest["lines"][file] != {"count": tree.size, "root": tree.root().hex()}:
            raise Bad(f"{where}/{file} does not give the root that the manifest states")
    ids = [line["id"] for line in found.records]
    if len(ids) != len(set(ids)) or any(post.get("record") not in {None, *ids} for post in found.posts):
        raise Bad(f"{name}: records and posts do not match")
    _inventory(found)
    return found


def _inventory(capture: PackagedCapture) -> None:
    """Check that whatever was discovered has one outcome, and that the sums are those of the manifest."""
    keys = Counter(line["key"] for line in capture.inventory if line.get("state") == "discovered")
    ended = {line["key"]: line for line in capture.inventory if "outcome" in line}
    if set(keys) != set(ended) or any(count > 1 for count in keys.values()):
        raise Bad(f"{capture.id}: discovered items and outcomes do not match")
    for line in ended.values():
        if line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")):
            raise Bad(f"{capture.id}: {line['key']} has no outcome, or none with a reason")
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
