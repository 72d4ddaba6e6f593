"""The captures (profile full): event → manifest → lines → records."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from .bag import digest_file, read_small
from .canon import canonical, canonical_bytes
from .ledger import leaf_hash, tree_root
from .notes import ed25519
from .words import NAME, first, missing_if, tampered_if

OUTCOMES = {"captured", "partial", "unavailable", "refused", "blocked", "failed", "skipped"}


@functools.lru_cache(4096)
def check_event(folder: str, seq: int, leaf_json: str) -> dict[str, Any]:
    """The event that a leaf commits to, signed by the person who did it."""
    name, leaf = f"data/events/{seq}.json", json.loads(leaf_json)
    value = canonical(read_small(folder, name))
    tampered_if(set(value) != {"event", "salt"}, f"{name} holds something else than an event and its salt")
    event: dict[str, Any] = value["event"]
    salted = hashlib.sha256(bytes.fromhex(value["salt"]) + canonical_bytes(event)).hexdigest()
    tampered_if(
        salted != leaf["salted_hash"]
        or (event["seq"], event["type"], event["time"]) != (seq, leaf["type"], leaf["time"]),
        f"{name} does not match the ledger",
    )
    unsigned = canonical_bytes({key: item for key, item in event.items() if key != "signature"})
    public, signature = (base64.b64decode(text, validate=True) for text in (event["agent"]["key"], event["signature"]))
    tampered_if(
        not ed25519(public, b"archiver-event/1\n" + unsigned, signature),
        f"{name} is not signed by the key that it names",
    )
    return event


def split_lines(data: bytes) -> list[bytes]:
    """Lines end with LF, and with nothing else."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def check_lines(folder: str, name: str, stated: dict[str, Any]) -> None:
    """The lines of a .jsonl must give the root that the manifest states."""
    leaves = [leaf_hash(raw) for raw in split_lines(read_small(folder, name))]
    tampered_if(
        (len(leaves), tree_root(leaves).hex()) != (stated["count"], stated["root"]),
        f"{name} does not give the root that the manifest states",
    )


@functools.lru_cache(48)
def lines_of(path: str) -> list[dict[str, Any]]:
    """The lines of a .jsonl, without their salts."""
    with open(path, "rb") as stream:
        values = [json.loads(raw) for raw in stream]
    tampered_if(
        not all(isinstance(value, dict) for value in values), f"{os.path.basename(path)} has a line that is none"
    )
    return [{key: item for key, item in value.items() if key != "salt"} for value in values]


def ended_in(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ended in a capture: the last line with an outcome of each thing that was discovered."""
    last: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.get("outcome") is not None:
            last[line["key"]] = line
    return list(last.values())


def check_inventory(capture: str, manifest_value: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Whatever was discovered has an outcome and a reason, and the sums are those that were sealed."""
    discovered = [line["key"] for line in lines if line.get("state") == "discovered"]
    ended = {line["key"]: line for line in lines if "outcome" in line}
    tampered_if(
        len(discovered) != len(set(discovered)) or set(discovered) != set(ended),
        f"{capture}: discovered items and outcomes do not match",
    )
    for key, line in ended.items():
        tampered_if(
            line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")),
            f"{capture}: no outcome, or none with a reason: {key}",
        )
    outcomes = [line["outcome"] for line in lines if line.get("outcome")]
    sums = {kind: outcomes.count(kind) for kind in set(outcomes)}
    tampered_if(
        sums != manifest_value["counts"]["inventory"], f"{capture}: the inventory's totals differ from the sealed ones"
    )
    tampered_if(
        manifest_value["outcome"] == "captured"
        and any(line.get("kind") == "census" and not line["agrees"] for line in lines),
        f"{capture}: counts differ, yet its outcome is captured",
    )
    for line in lines:
        if "target_salt" in line:
            value = hashlib.sha256(bytes.fromhex(line["target_salt"]) + line["url"].encode()).hexdigest()
            tampered_if(
                value != manifest_value["target"]["commitment"], f"{capture}: the link differs from the sealed one"
            )


class Capture:
    """One capture folder of the package, checked from its event down to its lines."""

    def __init__(self, folder: str, names: set[str], item: dict[str, Any], event: dict[str, Any]) -> None:
        self.id, self.seq = item["id"], item["event"]
        tampered_if(
            not isinstance(self.id, str) or not re.fullmatch("[A-Za-z0-9_-]{1,64}", self.id),
            f"a capture's id that is none: {self.id!r}"[:120],
        )
        where = f"data/captures/{self.id}"
        self.folder = os.path.join(folder, *where.split("/"))
        missing_if(f"{where}/manifest.json" not in names, f"{where}/manifest.json is not there")
        data = read_small(folder, f"{where}/manifest.json")
        tampered_if(
            event["detail"]["capture"] != self.id
            or hashlib.sha256(data).hexdigest() != event["detail"]["manifest_sha256"],
            f"{where}/manifest.json differs from the sealed one",
        )
        self.manifest: dict[str, Any] = canonical(data)
        self.warcs: dict[str, dict[str, Any]] = {}
        listed = {"manifest.json"}
        for entry in self.manifest["files"]:
            tampered_if(
                not re.fullmatch(NAME, entry["name"]) or "/" in entry["name"] or entry["name"] in listed,
                f"{where} names what no archiver writes: {entry['name']!r}"[:160],
            )
            listed.add(entry["name"])
            if entry["name"].endswith(".warc.gz"):
                self.warcs[entry["name"]] = entry
            elif entry["name"].startswith("private.age"):
                continue  # withheld values stay in the house; the manifest says that they exist
            else:
                missing_if(f"{where}/{entry['name']}" not in names, f"{where}/{entry['name']} is not there")
                found = digest_file(os.path.join(self.folder, entry["name"]), "sha256")
                tampered_if(found != entry["sha256"], f"{where}/{entry['name']} differs from what was sealed")
        strange = sorted(
            {name for name in names if name.startswith(f"{where}/")} - {f"{where}/{name}" for name in listed}
        )
        tampered_if(strange, f"{first(strange)} was not sealed with the capture")
        # WARC files are in the WACZ, and what is private in no package: here they would be compared with nothing.
        misplaced = sorted(
            f"{where}/{name}"
            for name in listed
            if f"{where}/{name}" in names and (name.endswith(".warc.gz") or name.startswith("private.age"))
        )
        tampered_if(misplaced, f"{first(misplaced)} has no place there")
        for name in ("records.jsonl", "posts.jsonl", "inventory.jsonl"):
            check_lines(folder, f"{where}/{name}", self.manifest["lines"][name])
        check_inventory(
            self.id,
            self.manifest,
            [self._whole(raw) for raw in split_lines(read_small(folder, f"{where}/inventory.jsonl"))],
        )
        known = {line["id"] for line in self.records}
        tampered_if(len(known) != len(self.records), f"{self.id}: a record that is listed twice")
        strays = [post for post in self.posts if post.get("record") is not None and post["record"] not in known]
        tampered_if(strays, f"{self.id}: a post read from a missing record")

    @staticmethod
    def _whole(raw: bytes) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(raw)
        return value

    @property
    def records(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "records.jsonl"))

    @property
    def posts(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "posts.jsonl"))

    @property
    def inventory(self) -> list[dict[str, Any]]:
        return lines_of(os.path.join(self.folder, "inventory.jsonl"))

    @property
    def received(self) -> bool:
        """Whether its files were handed over by a person."""
        return any("target_salt" in line and line.get("platform") == "received" for line in self.inventory)


def record_ids(captures: list[Capture]) -> Iterator[tuple[str, Any]]:
    for capture in captures:
        for line in capture.records:
            yield line["id"], line.get("payload_digest")
