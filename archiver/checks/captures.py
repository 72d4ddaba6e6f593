"""Checking one capture folder against its manifest, and its manifest against the ledger's event."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from archiver.checks.assemblies import check_assemblies
from archiver.checks.clocks import servers_apart
from archiver.checks.lines import Line, damaged, intact, note, unknown
from archiver.checks.proofs import Bad, RunningTree, leaf, strict_json
from archiver.checks.warcs import digest_of_file, problems_of, read_payload, read_records
from storage.digest import Sha256, sha256_hex

_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*")
_PLACE = re.compile(r"captures/\d{4}/\d\d/\d\d/(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*")
LINES = ("records.jsonl", "posts.jsonl", "inventory.jsonl")
OUTCOMES = {"captured", "partial", "unavailable", "refused", "blocked", "failed", "skipped"}
CLOCK_TOLERANCE_MS = 5000


UNCHECKED = "its timestamps were NOT CHECKED"
"""What is said of a capture where there are stamps, and no openssl that checks them."""


def check_capture(
    folder: Path, detail: dict[str, Any], stamped: datetime | None, *, hindered: bool = False
) -> list[Line]:
    """Return all lines about one capture. `detail` is that of its event in the ledger.

    `stamped`: the earliest time that an outsider states for a checkpoint that covers it. `hindered`: there are stamps
    that could not be checked.
    """
    name = str(detail.get("capture"))
    place = str(detail.get("folder"))
    if not _PLACE.fullmatch(place) or place.rpartition("/")[2] != name:
        return [damaged(name, "folder", f"its event names a place that no archiver gives it: {place[:80]!r}")]
    try:
        manifest_bytes = (folder / "manifest.json").read_bytes()
    except OSError as error:
        return [damaged(name, "manifest", f"cannot be read: {error.strerror}. Restore {folder.name} from a copy")]
    if sha256_hex(manifest_bytes) != detail.get("manifest_sha256"):
        return [damaged(name, "manifest", "differs from the sealed one")]
    try:
        manifest = strict_json(manifest_bytes)
    except Bad as error:
        return [damaged(name, "manifest", str(error))]
    if odd := _odd_names(manifest):
        return [damaged(name, "manifest", f"names what no archiver writes: {odd[:80]}. Do not use it")]
    lines = [intact(name, "manifest", "is the one that was sealed")]
    away, wrong = _evicted(name, folder, manifest)
    lines += wrong
    lines.append(_files(name, folder, manifest, away))
    texts: dict[str, list[dict[str, Any]]] = {}
    for file in LINES:
        line, texts[file] = _lines(name, folder, file, manifest)
        lines.append(line)
    lines.append(check_records(name, folder, texts["records.jsonl"], manifest["recovered"] is not None, away))
    lines += _originals(name, folder, texts["records.jsonl"])
    lines += check_assemblies(name, folder, texts["records.jsonl"]) if not away else []
    lines.append(_inventory(name, manifest, texts["inventory.jsonl"]))
    lines.append(_census(name, manifest, texts["inventory.jsonl"]))
    lines.append(_posts(name, manifest, texts["posts.jsonl"], texts["records.jsonl"]))
    lines.append(_private(name, folder))
    lines += _notes(name, manifest, stamped, hindered)
    return lines


def _odd_names(manifest: dict[str, Any]) -> str | None:
    """Return the first name of a file that could lie outside of the capture, or stand twice."""
    try:
        names = [entry["name"] for entry in manifest["files"]]
        twice = [name for name, count in Counter(names).items() if count > 1]
        return next((repr(name) for name in names if not _NAME.fullmatch(name)), None) or next(map(repr, twice), None)
    except (KeyError, TypeError):
        return "files without names"


def _evicted(name: str, folder: Path, manifest: dict[str, Any]) -> tuple[set[str], list[Line]]:
    """Files that were freed here: the stub must say what the manifest says. Whether the copies are intact is not seen here."""
    away, lines = set(), []
    for entry in manifest["files"]:
        stub = folder / f"{entry['name']}.evicted"
        if (folder / entry["name"]).exists() or not stub.exists():
            continue
        away.add(entry["name"])
        try:
            said = strict_json(stub.read_bytes())
            if (said["sha256"], said["size"], said["name"]) != (entry["sha256"], entry["size"], entry["name"]):
                lines.append(damaged(name, "evicted", f"{stub.name} does not say what the manifest says"))
        except (Bad, OSError, KeyError, TypeError) as error:
            lines.append(damaged(name, "evicted", f"{stub.name}: {error}"))
    if away and not lines:
        text = f"{len(away)} files are not here, they lie at the copies: `archiver fixity` reads them, `archiver evict --back` fetches them"
        lines.append(unknown(name, "evicted", text))
    return away, lines


def _files(name: str, folder: Path, manifest: dict[str, Any], away: set[str]) -> Line:
    listed = {entry["name"]: entry for entry in manifest["files"] if entry["name"] not in away}
    present = {path.name for path in folder.iterdir()} - {"manifest.json", ".lock"}
    present -= {f"{entry['name']}.evicted" for entry in manifest["files"]}
    if missing := sorted(set(listed) - present):
        return damaged(name, "files", f"missing: {', '.join(missing)}")
    if extra := sorted(present - set(listed)):
        return damaged(name, "files", f"not in the manifest: {', '.join(extra)}")
    for file, entry in listed.items():
        if (folder / file).is_symlink() or not (folder / file).is_file():
            return damaged(name, "files", f"{file} is a link or a special file")
        try:
            size, digest = digest_of_file(folder / file)
        except OSError as error:
            return damaged(name, "files", f"{file} cannot be read: {error.strerror}")
        if (size, digest) != (entry["size"], entry["sha256"]):
            return damaged(name, "files", f"{file} has changed ({size} bytes, {entry['size']} when sealed)")
    total = sum(entry["size"] for entry in listed.values())
    return intact(name, "files", f"{len(listed)} files, {total:,} bytes")


def _lines(name: str, folder: Path, file: str, manifest: dict[str, Any]) -> tuple[Line, list[dict[str, Any]]]:
    tree = RunningTree()
    values: list[dict[str, Any]] = []
    try:
        with open(folder / file, "rb") as stream:
            for raw in stream:
                tree.add(leaf(raw.rstrip(b"\n")))
                value = json.loads(raw)
                if len(str(value.get("salt", ""))) != 64:
                    return damaged(name, file, f"line {tree.size} has no salt"), values
                values.append(value)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        return damaged(name, file, f"line {tree.size + 1}: {error}"), values
    stated = manifest["lines"][file]
    if (stated["count"], stated["root"]) != (tree.size, tree.root().hex()):
        return damaged(name, file, f"{tree.size} lines do not give the manifest's root over {stated['count']}"), values
    return intact(name, file, f"{tree.size} lines give the manifest's root"), values


def check_records(
    name: str, folder: Path, listed: list[dict[str, Any]], recovered: bool, away: Collection[str] = ()
) -> Line:
    """Check every record's own digests, and that the files and records.jsonl name the same records.

    Where the process died, a request may name an answer of which nothing had been written.
    """
    expected = {(line["file"], line["offset"]): line for line in listed if line["file"] not in away}
    ids = Counter(line["id"] for line in listed)
    if doubled := [key for key, count in ids.items() if count > 1]:
        return damaged(name, "records", f"{doubled[0]} is listed twice")
    seen = 0
    for path in sorted(folder.glob("*.warc.gz")):
        first = True
        try:
            for found in read_records(path):
                where = f"{path.name} at {found.offset}"
                if problems := problems_of(found):
                    return damaged(name, "records", f"{where}: {'; '.join(problems)}")
                if first and found.get("WARC-Type") != "warcinfo":
                    return damaged(name, "records", f"{path.name} does not start with warcinfo")
                first = False
                line = expected.pop((path.name, found.offset), None)
                if line is None:
                    return damaged(name, "records", f"{where} is not listed in records.jsonl")
                if problem := _differs(line, found):
                    return damaged(name, "records", f"{where}: {problem}")
                for key, value in found.fields:
                    if key == "WARC-Concurrent-To" and value not in ids and not recovered:
                        return damaged(name, "records", f"{where} refers to a record that is not there")
                seen += 1
        except Bad as error:
            return damaged(name, "records", f"{path.name}: {error}")
        except OSError as error:
            return damaged(name, "records", f"{path.name} cannot be read: {error.strerror}")
    if expected:
        (file, offset), _ = next(iter(expected.items()))
        return damaged(name, "records", f"{len(expected)} listed but not there, first: {file} at {offset}")
    return intact(name, "records", f"{seen} records, every digest computed again")


def _originals(name: str, folder: Path, records: list[dict[str, Any]]) -> list[Line]:
    """Payloads that were the same as in an earlier capture: that one must hold them, whole."""
    lent = [line for line in records if line["type"] == "revisit"]
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for line in lent:
        try:
            capture, record = str(line["refers"]["capture"]), str(line["refers"]["record"])
        except (KeyError, TypeError):
            return [damaged(name, "originals", f"{line['id']} says that it was seen before, and not where")]
        other = folder.parents[3] / capture[:4] / capture[4:6] / capture[6:8] / capture
        if capture not in held:
            try:
                rows = (other / "records.jsonl").read_bytes().splitlines()
                held[capture] = {row["id"]: row for row in map(json.loads, rows)}
            except (OSError, ValueError, KeyError) as error:
                return [unknown(name, "originals", f"{capture}, which holds bytes of it, cannot be read: {error}")]
        original = held[capture].get(record)
        if original is None or original.get("payload_digest") != line.get("payload_digest"):
            return [damaged(name, "originals", f"{record} in {capture} does not hold what {line['id']} refers to")]
        path = other / original["file"]
        if not path.is_file():
            return [unknown(name, "originals", f"{path.name} of {capture}, which holds bytes of it, is not here")]
        whole = Sha256()
        try:
            read_payload(path, original["offset"], whole.update)
        except (Bad, OSError) as error:
            return [damaged(name, "originals", f"{record} in {capture} has changed: {error}")]
        if whole.label() != line.get("payload_digest"):
            return [damaged(name, "originals", f"{record} in {capture} has changed")]
    if not lent:
        return []
    return [intact(name, "originals", f"{len(lent)} payloads lie in earlier captures, with their digests")]


def _differs(line: dict[str, Any], found: Any) -> str | None:
    pairs = {
        "id": found.get("WARC-Record-ID"),
        "type": found.get("WARC-Type"),
        "uri": found.get("WARC-Target-URI"),
        "date": found.get("WARC-Date"),
        "length": found.length,
        "block_digest": found.block_digest,
    }
    for key, value in pairs.items():
        if line.get(key) != value:
            return f"records.jsonl says another {key}"
    payload = line.get("payload_digest")
    actual = found.decoded_digest or found.payload_digest
    if line["type"] == "revisit":  # the bytes lie elsewhere; `_originals` looks at them
        actual = found.get("WARC-Payload-Digest")
        if found.get("WARC-Refers-To") != (line.get("refers") or {}).get("record"):
            return "records.jsonl says that it refers to another record"
    if payload is not None and payload != actual:
        return "records.jsonl says another payload digest"
    if bool(line.get("truncated")) != (found.get("WARC-Truncated") is not None):
        return "records.jsonl and the record disagree on truncation"
    return None


def _inventory(name: str, manifest: dict[str, Any], lines: list[dict[str, Any]]) -> Line:
    discovered = [line["key"] for line in lines if line.get("state") == "discovered"]
    ended = {line["key"]: line for line in lines if "outcome" in line}
    if len(discovered) != len(set(discovered)):
        return damaged(name, "inventory", "a thing is discovered twice")
    if missing := set(discovered) - set(ended):
        return damaged(name, "inventory", f"{len(missing)} discovered without an outcome: {sorted(missing)[0]}")
    if invented := set(ended) - set(discovered):
        return damaged(name, "inventory", f"an outcome for what was never discovered: {sorted(invented)[0]}")
    if wrong := [line["outcome"] for line in ended.values() if line["outcome"] not in OUTCOMES]:
        return damaged(name, "inventory", f"no such outcome: {wrong[0]}")
    unreasoned = [key for key, line in ended.items() if line["outcome"] != "captured" and not line.get("reason")]
    if unreasoned:
        return damaged(name, "inventory", f"an outcome without a reason: {unreasoned[0]}")
    sums = dict(Counter(line["outcome"] for line in lines if line.get("outcome")))
    if sums != manifest["counts"]["inventory"]:
        return damaged(name, "inventory", f"sums {sums}, the manifest says {manifest['counts']['inventory']}")
    target = next((line for line in lines if line.get("kind") == "target" and "target_salt" in line), None)
    if target is None:
        if manifest["recovered"] is None:
            return damaged(name, "inventory", "the target is missing")
    elif sha256_hex(bytes.fromhex(target["target_salt"]), target["url"].encode()) != manifest["target"]["commitment"]:
        return damaged(name, "inventory", "the target is not the one that the manifest commits to")
    parts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(sums.items()))
    return intact(name, "inventory", f"{len(discovered)} discovered = {parts or '0'}")


def _census(name: str, manifest: dict[str, Any], lines: list[dict[str, Any]]) -> Line:
    """Raw marker counts against what was read; a capture cannot be `captured` where they disagree."""
    census = [line for line in lines if line.get("kind") == "census"]
    wrong = [line for line in census if line["agrees"] != (line["raw"] == line["parsed"])]
    if wrong:
        return damaged(
            name, "census", f"{wrong[0]['marker']}: says it agrees, {wrong[0]['raw']} ≠ {wrong[0]['parsed']}"
        )
    disagreeing = [line for line in census if not line["agrees"]]
    if disagreeing and manifest["outcome"] == "captured":
        return damaged(name, "census", f"{disagreeing[0]['marker']} disagree, and the capture says captured")
    if disagreeing:
        first = disagreeing[0]
        return note(
            name,
            "census",
            f"{len(disagreeing)} counts disagree: {first['raw']} {first['marker']}, {first['parsed']} read",
        )
    return intact(name, "census", f"{len(census)} counts agree" if census else "nothing was counted")


def _posts(name: str, manifest: dict[str, Any], posts: list[dict[str, Any]], records: list[dict[str, Any]]) -> Line:
    if len(posts) != manifest["counts"]["posts"]:
        return damaged(name, "posts", f"{len(posts)} posts, the manifest says {manifest['counts']['posts']}")
    known = {line["id"] for line in records}
    for number, post in enumerate(posts, 1):
        if post.get("record") is not None and post["record"] not in known:
            return damaged(name, "posts", f"post {number} was read from a record that is not there")
    return intact(name, "posts", f"{len(posts)} posts, each read from a record that is there")


def _private(name: str, folder: Path) -> Line:
    path = folder / "private.age"
    spilled = folder / "private.age-lines"
    if path.exists():
        with open(path, "rb") as stream:
            start = stream.read(21)
        if start != b"age-encryption.org/v1":
            return damaged(name, "private", "private.age is not an age file")
        return intact(name, "private", "withheld values are encrypted to the case's recipients")
    if spilled.exists():
        return note(name, "private", "interrupted: withheld values lie in private.age-lines, one age file a line")
    return note(name, "private", "interrupted before anything was withheld")


def _notes(name: str, manifest: dict[str, Any], stamped: datetime | None, hindered: bool) -> list[Line]:
    lines = []
    reason = f": {manifest['reason']}" if manifest["reason"] else ""
    lines.append(note(name, "outcome", f"{manifest['outcome']}{reason}"))
    if manifest["test_routes"]:
        lines.append(note(name, "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do"))
    if manifest["recovered"]:
        lines.append(note(name, "recovery", f"its process died; {json.dumps(manifest['recovered'], sort_keys=True)}"))
    clock = manifest["clock"]
    if clock["elapsed_ms"] is not None and abs(clock["wall_ms"] - clock["elapsed_ms"]) > CLOCK_TOLERANCE_MS:
        jump = (clock["wall_ms"] - clock["elapsed_ms"]) / 1000
        lines.append(note(name, "clock", f"the machine's clock jumped by {jump:+.1f} s during the capture"))
    if said := servers_apart(clock):
        lines.append(note(name, "clock", said))
    if stamped is None and hindered:
        lines.append(note(name, "time", f"{UNCHECKED}, so nothing is known here of any time: see the lines above"))
    elif stamped is None:
        lines.append(note(name, "time", "NOT TIMESTAMPED: no outsider has stamped a checkpoint that covers it"))
    else:
        lines.append(intact(name, "time", f"existed at {stamped:%Y-%m-%dT%H:%M:%SZ}, as an outsider states"))
    return lines
