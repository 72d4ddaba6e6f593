#!/usr/bin/env python3
"""Checks a package of social media evidence, with nothing but Python's standard library and the program `openssl`.

    python3 check.py                      checks the package that this file lies in
    python3 check.py FOLDER --fingerprint 64-HEX-DIGITS-OR-8-WORDS --checkpoint FILE

The fingerprint must come to you by another way than the package: from the people who made it, in person or by telephone.
Without it the check can only say that the package is consistent with itself, since a forger could have signed it too.

Exit code 0: intact, and signed by the key you named. 5: something was changed, added or exchanged. 2: something is missing.
6: cannot tell (no fingerprint was given, a program is missing). What a video shows is not what is checked here.

Nothing is executed, nothing is fetched, nothing outside the package is read but what you name. Read this file before you
trust it: from top to bottom it does what its headings say. Take it from where you took the fingerprint, if you can.
"""

import argparse
import base64
import calendar
import concurrent.futures
import csv
import functools
import gzip
import hashlib
import io
import json
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
import time
import zlib

READ = 1 << 20
SMALL = 256 << 20  # files that are read as a whole may not be larger
NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*"  # what every file of a package is called
SIGNATURE = "signature/tagmanifest-sha512.txt.note"
OUTSIDE = {SIGNATURE, "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}  # these cannot list themselves
BITCOIN = bytes.fromhex("0588960d73d71901")  # begins what names a block in such a proof
OTS = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108")  # a proof over a SHA-256 digest
TELLING = re.compile(rb"Exif\0\0|ns\.adobe\.com/xap|eXIf|[itz]TXt|\xa9xyz|udtaloci|GPSLatitude")  # beginnings of metadata in photos and videos
SEVERAL = concurrent.futures.ThreadPoolExecutor()  # digests of several files at once
OUTCOMES = {"captured", "partial", "unavailable", "refused", "blocked", "failed", "skipped"}

class Tampered(Exception):
    """Something is not what it was when the package was made. The text says what."""

class Missing(Exception):
    """Something that belongs to the package is not there."""

class CannotTell(Exception):
    """The check lacks what it would need."""

WORDS = {Tampered: "TAMPERED", Missing: "MISSING", CannotTell: "cannot tell"}

def tampered_if(wrong, text, kind=Tampered):
    if wrong:
        raise kind(text)

missing_if = functools.partial(tampered_if, kind=Missing)

class Report:
    """The lines of the result, each with one of five words in front."""

    def __init__(self):
        self.found = set()

    def say(self, word, about, text):
        self.found.add(word)
        print(f"{word:<11}  {shown(about):<28}  {shown(text)}")

    def check(self, about, function, *arguments):
        """Runs one check; its result is a line. Whatever goes wrong inside is a finding, never a crash."""
        try:
            text = function(*arguments)
        except (Tampered, Missing, CannotTell) as error:
            self.say(WORDS[type(error)], about, str(error))
        except FileNotFoundError as error:
            self.say("MISSING", about, f"{os.path.basename(str(error.filename))} is not there")
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, EOFError, struct.error, zlib.error, RecursionError) as error:
            self.say("TAMPERED", about, f"cannot be read in its expected format ({type(error).__name__}: {error})")
        else:
            if text:
                self.say("intact", about, text)
            return True
        return False

    def exit_code(self):
        return next((code for word, code in (("TAMPERED", 5), ("MISSING", 2), ("cannot tell", 6)) if word in self.found), 0)

def shown(text):
    """Words of strangers on a terminal: control characters as codes."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", lambda match: f"\\x{ord(match[0]):02x}", str(text))

# ---- 1. The bag: every file is listed, every listed file is there, every digest is true (RFC 8493) ----------------------

def names_in(folder):
    """Relative names of all files. Links and special files are refused, and names that other systems would confuse."""
    found, folded = [], {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            relative = os.path.relpath(path, folder).replace(os.sep, "/")
            mode = os.lstat(path).st_mode
            tampered_if(stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)), f"{relative} is a link or a special file")
            if stat.S_ISREG(mode):
                found.append(relative)
    for name in found:
        tampered_if(not re.fullmatch(NAME, name), f"an invalid file name: {name}")
        tampered_if(name.lower() in folded, f"two names that differ only in case: {folded.get(name.lower())}, {name}")
        folded[name.lower()] = name
    return set(found)

def manifest(folder, name):
    """{file: digest} of a manifest."""
    listed, width = {}, {"sha256": 64, "sha512": 128}[name.rpartition("-")[2].removesuffix(".txt")]
    for line in read_small(folder, name).decode("ascii").splitlines():
        match = re.fullmatch(r"([0-9a-f]+)  (\S+)", line)
        tampered_if(not match or len(match[1]) != width, f"{name} has a line that is none: {line[:60]}")
        tampered_if(match[2] in listed, f"{name} lists {match[2]} twice")
        tampered_if(not re.fullmatch(NAME, match[2]), f"{name} names something outside the package: {match[2]}")
        listed[match[2]] = match[1]
    return listed

def read_small(folder, name):
    path = os.path.join(folder, *name.split("/"))
    missing_if(not os.path.isfile(path), f"{name} is not there")
    tampered_if(not re.fullmatch(NAME, name) or os.path.getsize(path) > SMALL, f"{name} lies outside of the package, or is larger than allowed")
    with open(path, "rb") as stream:
        return stream.read()

def digest_file(path, algorithm):
    running = hashlib.new(algorithm)
    with open(path, "rb", buffering=0) as stream:
        while data := stream.read(READ):
            running.update(data)
    return running.hexdigest()

def check_bag(folder, names):
    """bagit.txt, and both manifests over the payload and over the rest. SHA-512 of the payload is left to bagit.py:
    SHA-256 of every file is computed, and the signature is over the SHA-512 of the list of lists."""
    tampered_if(read_small(folder, "bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "bagit.txt is not that of an archiver package")
    tampered_if("fetch.txt" in names, "fetch.txt: a package never fetches anything")
    absent = []
    for kind in ("sha256", "sha512"):
        payload, tags = manifest(folder, f"manifest-{kind}.txt"), manifest(folder, f"tagmanifest-{kind}.txt")
        listed = {**payload, **tags}
        absent += sorted(set(listed) - names)
        tampered_if(wrong := names - set(listed) - OUTSIDE, f"{min(wrong, default=0)} is listed in no {kind} manifest")
        wrong = [name for name in payload if not name.startswith("data/")]
        tampered_if(wrong, f"manifest-{kind}.txt lists {min(wrong, default=0)}, which is no payload")
        wrong = [name for name in tags if name.startswith("data/") or name in OUTSIDE]
        tampered_if(wrong, f"tagmanifest-{kind}.txt lists {min(wrong, default=0)}")
        left = sorted(name for name in listed if name in names and not (kind == "sha512" and name in payload))
        for name, digest in zip(left, SEVERAL.map(lambda name: digest_file(os.path.join(folder, *name.split("/")), kind), left)):
            tampered_if(digest != listed[name], f"{name} is not what manifest-{kind}.txt says")
    missing_if(absent, f"{len(set(absent))} files are not there, first: {next(iter(absent), None)}. Ask for the package again")
    said = dict(line.split(": ", 1) for line in read_small(folder, "bag-info.txt").decode().splitlines())
    size = sum(os.path.getsize(os.path.join(folder, *name.split("/"))) for name in payload)
    tampered_if(said.get("Payload-Oxum") != f"{size}.{len(payload)}", "bag-info.txt states another size")
    return f"{len(names)} files, each listed and with the digest that is listed"

# ---- 2. Signatures: Ed25519 (RFC 8032), notes (C2SP signed-note) --------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def _add(a, b):
    """Points of edwards25519 in extended coordinates (RFC 8032 5.1.4)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, h, g, f = f - e, f + e, d + c, d - c
    return (e * f % P, g * h % P, f * g % P, e * h % P)

def _times(number, point):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result

def _point(data):
    """A point from its 32 bytes, or None (RFC 8032 5.1.3)."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and data[31] >> 7):
        return None
    if x & 1 != data[31] >> 7:
        x = P - x
    return (x, y, 1, x * y % P)

BASE = _point(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))

def ed25519(public, message, signature):
    """Whether `signature` (64 bytes) is that of `message` by `public` (32 bytes). RFC 8032 5.1.7."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(h, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)

def key_bytes(vkey):
    """The 32 bytes of a key in note form, `name+id+base64`, whose id must be its own."""
    name, key_id, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    tampered_if(len(raw) != 33 or raw[0] != 1 or hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_id, f"a key that does not match its own id: {vkey[:60]}")
    return raw[1:]

def note_text(note, vkey):
    """The text of a note, if `vkey` signed it."""
    text, blank, signatures = note.decode("utf-8").rpartition("\n\n")
    tampered_if(not blank or re.search("[\x00-\x09\x0b-\x1f]", note.decode("utf-8")), "not a signed note")
    text += "\n"
    public, (name, key_id, _) = key_bytes(vkey), vkey.split("+", 2)
    good = False
    for line in signatures.splitlines():
        match = re.fullmatch("\u2014 (\\S+) ([A-Za-z0-9+/=]+)", line)
        tampered_if(not match, "a signature line that is none")
        raw = base64.b64decode(match[2], validate=True)
        if match[1] == name and raw[:4].hex() == key_id:
            tampered_if(not ed25519(public, text.encode(), raw[4:]), f"the signature of {name} does not fit")
            good = True
    tampered_if(not good, f"not signed by the key {name}+{key_id}")
    return text

def checkpoint(note, keys):
    """(size, root) of a checkpoint that one of `keys` signed."""
    text = None
    for vkey in keys:
        try:
            text = note_text(note, vkey)
            break
        except Tampered as error:
            last = error
    if text is None:
        raise last
    lines = text.split("\n")
    tampered_if(len(lines) != 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or lines[0] != keys[0].split("+")[0], "not a checkpoint of this ledger")
    root = base64.b64decode(lines[2], validate=True)
    tampered_if(len(root) != 32, "a checkpoint whose root is not 32 bytes")
    return int(lines[1]), root

def check_signature(folder, vkey):
    digest = hashlib.sha512(read_small(folder, "tagmanifest-sha512.txt")).hexdigest()
    tampered_if(note_text(read_small(folder, SIGNATURE), vkey) != f"archiver-package/1\nsha512 {digest}\n", "the signature belongs to another package")
    return "the key signed the list of all files"

def handed_over(folder, names, vkey):
    """The keys of the ledger, newest first, as far as hand-overs that both keys signed lead back."""
    keys = [vkey]
    for name in sorted((name for name in names if name.startswith("proofs/handovers/")), reverse=True):
        note = read_small(folder, name)
        lines = note.decode().split("\n")
        tampered_if(lines[0] != "archiver-key-handover/1" or lines[2] != keys[-1], f"{name} is no hand-over to the key that follows")
        text = f"archiver-key-handover/1\n{lines[1]}\n{lines[2]}\n"
        tampered_if(any(note_text(note, key) != text for key in lines[1:3]), f"{name} is not signed by both keys")
        keys.append(lines[1])
    return keys

def check_fingerprint(keys, wanted):
    """The one thing that the package cannot prove by itself: whose key it is."""
    prints = [hashlib.sha256(key.encode()).hexdigest() for key in keys]
    tampered_if(not wanted, f"signer unconfirmed. Compare through another channel: {prints[0]}, in words: {' '.join(in_words(prints[0]))}", CannotTell)
    given = re.sub(r"[\s:]", "", wanted).lower()
    spoken = wanted.lower().split()
    for number, one in enumerate(prints):
        if given == one or spoken == in_words(one):
            return "the key that you named" + (" handed over to the one that signed" if number else " signed")
    raise Tampered(f"signed by a key other than the one you gave: {prints[0]}")

def in_words(fingerprint):
    """The first 128 bits of a fingerprint as eight words that can be read out: proquints (arXiv:0901.4016)."""
    def word(number):
        return "".join("bdfghjklmnprstvz"[number >> shift & 15] if n % 2 == 0 else "aiou"[number >> shift & 3] for n, shift in enumerate((12, 10, 6, 4, 0)))
    return [word(int(fingerprint[at : at + 4], 16)) for at in range(0, 32, 4)]

# ---- 3. The ledger: a Merkle tree (RFC 6962) and its checkpoints --------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()

def tree_root(leaves):
    """MTH(D[n]) of RFC 6962 2.1, by joining neighbours: an odd one out is carried up as it is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:
        joined = [hashlib.sha256(b"\x01" + row[n] + row[n + 1]).digest() for n in range(0, len(row) - 1, 2)]
        row = joined + ([row[-1]] if len(row) % 2 else [])
    return row[0]

def included(leaf, index, size, path, root):
    """RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, value = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and value == root

class Ledger:
    """The leaf hashes of the package, under the checkpoint that it names."""

    def __init__(self, folder, keys):
        self.keys = keys
        self.size, self.root = checkpoint(read_small(folder, "proofs/checkpoint.txt"), keys[:1] + keys[1:])
        data = read_small(folder, "proofs/leaves.bin")
        self.leaves = [data[at : at + 32] for at in range(0, len(data), 32)]
        tampered_if(len(data) != 32 * self.size or tree_root(self.leaves) != self.root, "proofs/leaves.bin does not give the root of the checkpoint")

    def prefix(self, note, about, later=Tampered):
        """(size, root) of an earlier checkpoint, which must be a prefix of this ledger."""
        size, root = checkpoint(note, self.keys)
        if size > self.size:
            raise later(f"{about} is of {size} events, the package is older: of {self.size}")
        tampered_if(tree_root(self.leaves[:size]) != root, f"{about} belongs to another history: the ledger was rewritten or replaced")
        return size, root

def tlog_proof(data):
    """(entry, index, path, checkpoint) of a C2SP tlog-proof."""
    head, _, note = data.decode("utf-8").partition("\n\n")
    lines = head.split("\n")
    tampered_if(lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "), "not a tlog-proof")
    path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    return base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:]), path, note.encode()

def check_items(folder, names, ledger, package):
    """Each capture of the case, in the package or not, has a leaf that the ledger holds."""
    leaves = {}
    for name in sorted(name for name in names if name.startswith("proofs/items/")):
        entry, index, path, note = tlog_proof(read_small(folder, name))
        size, root = ledger.prefix(note, name)
        tampered_if(name != f"proofs/items/{index}.tlog-proof" or not included(leaf_hash(entry), index, size, path, root), f"{name} does not lead to its checkpoint")
        tampered_if(ledger.leaves[index] != leaf_hash(entry), f"{name} is of another leaf than the ledger has there")
        leaf = canonical(entry)
        tampered_if(set(leaf) != {"seq", "type", "time", "salted_hash"} or leaf["seq"] != index, f"{name} is not a leaf of event {index}")
        leaves[index] = leaf
    shown_seqs = [item["event"] for item in package["captures"]]
    for seq in shown_seqs + package["not_in_package"]:
        missing_if(seq not in leaves, f"the proof of event {seq} is not there")
        tampered_if(leaves[seq]["type"] not in ("captured", "recovered"), f"event {seq} is no capture, by its leaf")
    named = set(shown_seqs) | set(package["not_in_package"])
    silent = [seq for seq, leaf in leaves.items() if leaf["type"] in ("captured", "recovered") and seq not in named]
    tampered_if(silent, f"the capture of event {min(silent, default=0)} has a proof here and is not named anywhere")
    tampered_if(len(set(shown_seqs)) != len(shown_seqs) or set(shown_seqs) & set(package["not_in_package"]), "a capture that is named twice")
    return leaves

# ---- 4. Timestamps: RFC 3161 by `openssl`, OpenTimestamps ---------------------------------------------------------------

@functools.lru_cache(16)  # the tokens of an authority carry the same certificates
def openssl(command, **files):
    """Runs openssl; `{name}` in the command stands for a temporary file with those bytes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in files}
        for name, data in files.items():
            with open(paths[name], "wb") as stream:
                stream.write(data)
        try:
            return subprocess.run(["openssl"] + [word.format(**paths) for word in command.split()], capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        except OSError as error:
            raise CannotTell("openssl is not installed") from error

def moment(text):
    """Seconds since 1970 of `Nov 22 19:47:21 2026 GMT`."""
    return calendar.timegm(time.strptime(re.sub(r"\.\d+", "", text.strip()), "%b %d %H:%M:%S %Y GMT"))

def day(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d"))

def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

def token_time(folder, names, stem, note):
    """(seconds, root) of one token over `note`: request with nonce, imprint, signature, chain to the root in the package."""
    query, reply, chain = (read_small(folder, f"{stem}.{kind}") for kind in ("tsq", "tsr", "pem"))
    root_name = read_small(folder, f"{stem}.root").decode().strip()
    root = read_small(folder, f"proofs/roots/{root_name}.pem")
    found = openssl("x509 -in {c} -noout -fingerprint -sha256", c=root).stdout.partition("=")[2].strip().replace(":", "").lower()
    tampered_if(root.count(b"BEGIN CERTIFICATE") != 1 or found != root_name, f"{stem}: the root certificate is another one")
    asked = openssl("ts -query -in {q} -text", q=query).stdout
    imprint = re.sub(r"[ -]", "", "".join(re.findall(r"^    [0-9a-f]{4} - ([0-9a-f -]{47})", asked, re.MULTILINE)))
    tampered_if("Hash Algorithm: sha256" not in asked or imprint != hashlib.sha256(note).hexdigest(), f"{stem}: the request is over something else")
    tampered_if(not re.search(r"^Nonce: 0x[0-9A-Fa-f]{8,}", asked, re.MULTILINE), f"{stem}: the request has no nonce, an old answer could have been given")
    said = openssl("ts -reply -in {r} -text", r=reply).stdout
    stated = re.search(r"^Time stamp: (.+)$", said, re.MULTILINE)
    tampered_if(not re.search(r"^Status: Granted( with modifications)?\.$", said, re.MULTILINE) or not stated, f"{stem}: no granted token")
    seconds = moment(stated[1])
    # As of the time that it states: certificates end, and a token outlives them. Who checks later should see it renewed.
    command = f"ts -verify -queryfile {{q}} -in {{r}} -CAfile {{root}} -untrusted {{chain}} -attime {seconds}"
    done = openssl(command, q=query, r=reply, root=root, chain=chain or root)
    if done.returncode or "Verification: OK" not in done.stdout:
        reasons = re.findall(r"error:[^:]*:[^:]*:[^:]*:([^:\n]+)", done.stderr)
        raise Tampered(f"{stem}: {'; '.join(dict.fromkeys(reasons)) or 'the token is not accepted'}")
    return seconds, root_name

def first_end(pem):
    """When the first of these certificates ends, in seconds since 1970."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    return min(moment(openssl("x509 -in {c} -noout -enddate", c=block).stdout.partition("=")[2]) for block in blocks)

def renewals(folder, names, leaves):
    """{SHA-256 of a token: the event that renewed it}, by the events of the package."""
    seqs = [seq for seq, leaf in leaves.items() if leaf["type"] == "renewed" and f"data/events/{seq}.json" in names]
    return {item["token"]["sha256"]: seq for seq in seqs for item in check_event(folder, seq, leaves[seq])["detail"]["tokens"]}

def check_stamps(folder, names, ledger, leaves, report, on, roots):
    """{size: (seconds, by)} of the earliest stamp of each checkpoint; a line for each proof, as of the day `on`."""
    times, tokens = {}, []
    for size in sorted({int(name.split("/")[2]) for name in names if re.match(r"proofs/timestamps/\d+/", name)}):
        where = f"proofs/timestamps/{size}"
        note = read_small(folder, f"{where}/checkpoint.txt")
        tampered_if(ledger.prefix(note, f"{where}/checkpoint.txt")[0] != size, f"{where} holds a checkpoint of another size")
        for name in sorted(name for name in names if name.startswith(f"{where}/") and name.endswith(".tsr")):
            stem = name.removesuffix(".tsr")
            def one(stem=stem, size=size, note=note):
                seconds, root = token_time(folder, names, stem, note)
                tampered_if(roots and root not in roots, f"leads to a root that you did not name: {root}", CannotTell)
                times[size] = min(times.get(size, (seconds, "")), (seconds, stem.rpartition("/")[2]))
                ends = first_end(read_small(folder, f"{stem}.pem") + read_small(folder, f"proofs/roots/{root}.pem"))
                tokens.append((f"{size} {stem.rpartition('/')[2]}", size, seconds, ends, digest_file(os.path.join(folder, f"{stem}.tsr"), "sha256")))
                return f"checkpoint {size} existed at {iso(seconds)}; root {root[:16]}…: compare it with the authority's own"
            report.check(f"timestamp {size} {stem.rpartition('/')[2]}", one)
        if f"{where}/opentimestamps.ots" in names:
            # The way to a Bitcoin block needs a copy of the chain: `ots verify` follows it. Here: that it begins at this checkpoint.
            proof = read_small(folder, f"{where}/opentimestamps.ots")
            tampered_if(not proof.startswith(OTS + hashlib.sha256(note).digest()), f"{where}/opentimestamps.ots is of something else")
            state = "names a Bitcoin block: follow it with `ots verify`" if BITCOIN in proof else "pending: proves nothing yet"
            report.say("note", f"timestamp {size} Bitcoin", f"OpenTimestamps, {state}")
    renewed = renewals(folder, names, leaves)
    for name, _, _, ends, digest in tokens:
        if ends < on:
            later = [other for other in tokens if digest in renewed and other[1] > renewed[digest] and other[2] <= ends]
            text = f"and was renewed before, by {later[0][0]}" if later else "and nothing here shows that it was renewed before"
            report.say("note", f"timestamp {name}", f"its certificates ended on {iso(ends)[:10]}, {text}")
    return times

# ---- 5. The captures (profile full): event → manifest → lines → records -------------------------------------------------

def canonical(data):
    """The value of canonical JSON: exactly one spelling is accepted."""
    def pairs(items):
        keys = [key for key, _ in items]
        tampered_if(keys != sorted(set(keys)), "JSON with keys that are doubled or not sorted")
        return dict(items)
    def no_float(text):
        raise Tampered(f"JSON with a float: {text}")
    value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_float=no_float, parse_constant=no_float)
    tampered_if(canonical_bytes(value) != data, "JSON in another spelling than its own")
    return value

def canonical_bytes(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")

def check_event(folder, seq, leaf):
    """The event that a leaf commits to, signed by the person who did it."""
    name = f"data/events/{seq}.json"
    value = canonical(read_small(folder, name))
    event = value["event"]
    salted = hashlib.sha256(bytes.fromhex(value["salt"]) + canonical_bytes(event)).hexdigest()
    tampered_if(salted != leaf["salted_hash"] or (event["seq"], event["type"], event["time"]) != (seq, leaf["type"], leaf["time"]), f"{name} does not match the ledger")
    unsigned = canonical_bytes({key: item for key, item in event.items() if key != "signature"})
    public, signature = (base64.b64decode(text, validate=True) for text in (event["agent"]["key"], event["signature"]))
    tampered_if(not ed25519(public, b"archiver-event/1\n" + unsigned, signature), f"{name} is not signed by the person it names")
    return event

def lines_of(folder, name, stated):
    """The lines of a .jsonl, which must give the root that the manifest states."""
    leaves, values = [], []
    for raw in read_small(folder, name).splitlines(keepends=True):
        leaves.append(leaf_hash(raw.rstrip(b"\n")))
        values.append(json.loads(raw))
    tampered_if((len(leaves), tree_root(leaves).hex()) != (stated["count"], stated["root"]), f"{name} does not give the root that the manifest states")
    return values

def check_inventory(capture, manifest_value, lines):
    """Whatever was discovered has an outcome and a reason, and the sums are those that were sealed."""
    discovered = [line["key"] for line in lines if line.get("state") == "discovered"]
    ended = {line["key"]: line for line in lines if "outcome" in line}
    tampered_if(len(discovered) != len(set(discovered)) or set(discovered) != set(ended), f"{capture}: discovered items and outcomes do not match")
    for key, line in ended.items():
        tampered_if(line["outcome"] not in OUTCOMES or (line["outcome"] != "captured" and not line.get("reason")), f"{capture}: no outcome, or none with a reason: {key}")
    outcomes = [line["outcome"] for line in lines if line.get("outcome")]
    sums = {kind: outcomes.count(kind) for kind in set(outcomes)}
    tampered_if(sums != manifest_value["counts"]["inventory"], f"{capture}: the inventory's totals differ from the sealed ones")
    tampered_if(manifest_value["outcome"] == "captured" and any(line.get("kind") == "census" and not line["agrees"] for line in lines), f"{capture}: counts differ, yet its outcome is captured")
    for line in lines:
        if "target_salt" in line:
            value = hashlib.sha256(bytes.fromhex(line["target_salt"]) + line["url"].encode()).hexdigest()
            tampered_if(value != manifest_value["target"]["commitment"], f"{capture}: the link differs from the sealed one")

class Capture:
    """One capture folder of the package, checked from its event down to its lines."""

    def __init__(self, folder, names, item, leaf):
        self.id = item["id"]
        event = check_event(folder, item["event"], leaf)
        where = f"data/captures/{self.id}"
        data = read_small(folder, f"{where}/manifest.json")
        tampered_if(event["detail"]["capture"] != self.id or hashlib.sha256(data).hexdigest() != event["detail"]["manifest_sha256"], f"{where}/manifest.json differs from the sealed one")
        self.manifest = canonical(data)
        self.warcs = {}
        listed = {"manifest.json"}
        for entry in self.manifest["files"]:
            listed.add(entry["name"])
            if entry["name"].endswith(".warc.gz"):
                self.warcs[entry["name"]] = entry
            elif entry["name"].startswith("private.age"):
                continue  # withheld values stay in the house; the manifest says that they exist
            elif hashlib.sha256(read_small(folder, f"{where}/{entry['name']}")).hexdigest() != entry["sha256"]:
                raise Tampered(f"{where}/{entry['name']} differs from what was sealed")
        strange = {name for name in names if name.startswith(f"{where}/")} - {f"{where}/{name}" for name in listed}
        tampered_if(strange, f"{min(strange, default=0)} was not sealed with the capture")
        roots = self.manifest["lines"]
        self.records, self.posts, self.inventory = (
            lines_of(folder, f"{where}/{name}", roots[name]) for name in ("records.jsonl", "posts.jsonl", "inventory.jsonl")
        )
        check_inventory(self.id, self.manifest, self.inventory)
        known = {line["id"] for line in self.records}
        tampered_if(len(known) != len(self.records), f"{self.id}: a record that is listed twice")
        tampered_if([post for post in self.posts if post.get("record") is not None and post["record"] not in known], f"{self.id}: a post read from a missing record")

# ---- 6. The WACZ: a ZIP that is exactly its entries (APPNOTE), its own list, index and signature ------------------------

class Zip:
    """Entries of a ZIP in which everything is stored, nothing overlaps, and nothing stands between, before or behind."""

    def __init__(self, path):
        self.path, self.stream = path, open(path, "rb")
        self.size = os.path.getsize(path)
        tail = self.at(max(0, self.size - 98), min(98, self.size))
        tampered_if(tail[-22:-18] != b"PK\x05\x06" or tail[-2:] != b"\0\0", "the ZIP does not end where it should: bytes behind it, or cut")
        _, disk, start_disk, here, count, length, start, _ = struct.unpack("<4sHHHHIIH", tail[-22:])
        end = self.size - 22
        if start == 0xFFFFFFFF or count == 0xFFFF:
            tampered_if(tail[-42:-38] != b"PK\x06\x07", "a ZIP64 without its locator")
            _, _, at64, disks = struct.unpack("<4sIQI", tail[-42:-22])
            record = self.at(at64, 56)
            magic, rest, _, _, disk, start_disk, here, count, length, start = struct.unpack("<4sQHHIIQQQQ", record)
            tampered_if(magic != b"PK\x06\x06" or rest != 44 or disks != 1 or at64 != end - 20 - 56, "a ZIP64 record that is not where it should be")
            end = at64
        tampered_if((disk, start_disk) != (0, 0) or here != count or start + length != end, "the ZIP's directory is not where it should be")
        self.entries = {}
        self._directory(self.at(start, length), count, start)

    def at(self, offset, length):
        self.stream.seek(offset)
        data = self.stream.read(length)
        tampered_if(len(data) != length, "a cut ZIP")
        return data

    def _directory(self, data, count, start):
        at, expected = 0, 0
        for _ in range(count):
            fields = struct.unpack("<4sHHHHHHIIIHHHHHII", data[at : at + 46])
            magic, _, _, flags, method, _, _, crc, packed, size, n, m, k, disk, _, _, offset = fields
            name, extra = data[at + 46 : at + 46 + n].decode("ascii"), data[at + 46 + n : at + 46 + n + m]
            at += 46 + n + m + k
            size, packed, offset = self._large(extra, size, packed, offset)
            tampered_if(magic != b"PK\x01\x02" or k or disk or flags or method or packed != size, f"{name} is not simply stored in the ZIP")
            tampered_if(name in self.entries or name.lower() in {other.lower() for other in self.entries}, f"{name} stands twice in the ZIP")
            tampered_if(not re.fullmatch(NAME, name), f"a name that leaves the ZIP: {name}")
            local = struct.unpack("<4sHHHHHIIIHH", self.at(offset, 30))
            behind = self.at(offset + 30, local[9] + local[10])
            large = self._large(behind[local[9] :], local[8], local[7], 0)
            tampered_if(offset != expected or local[0] != b"PK\x03\x04" or behind[: local[9]].decode("ascii") != name, f"{name} is not where the ZIP's directory says, or something stands between")
            tampered_if((local[2], local[3], local[6]) != (0, 0, crc) or large[:2] != (size, size), f"{name}: the ZIP says two different things of it")
            self.entries[name] = (offset + 30 + len(behind), size, crc)
            expected = offset + 30 + len(behind) + size
        tampered_if(at != len(data) or expected != start, "the ZIP holds something that its directory does not list")

    @staticmethod
    def _large(extra, size, packed, offset):
        """Sizes and offset, from the ZIP64 field where they need it."""
        if not extra:
            return size, packed, offset
        kind, length = struct.unpack("<HH", extra[:4])
        numbers = list(struct.unpack(f"<{length // 8}Q", extra[4:]))
        wanted = [value == 0xFFFFFFFF for value in (size, packed, offset)]
        tampered_if(kind != 1 or len(numbers) != sum(wanted), "a field in the ZIP that should not be there")
        return tuple(numbers.pop(0) if needs else value for needs, value in zip(wanted, (size, packed, offset)))

    def digests(self, name):
        """SHA-256 and CRC of an entry."""
        start, left, _ = self.entries[name]
        running, crc = hashlib.sha256(), 0
        with open(self.path, "rb", buffering=0) as stream:
            stream.seek(start)
            while data := stream.read(min(READ, left)):
                running.update(data)
                crc = zlib.crc32(data, crc)
                left -= len(data)
        return running.hexdigest(), crc

    def read(self, name):
        missing_if(name not in self.entries, f"{name} is not in the WACZ")
        tampered_if(self.entries[name][1] > SMALL, f"{name} is larger than allowed")
        return self.at(*self.entries[name][:2])

def check_wacz_list(archive):
    """datapackage.json lists each entry once with its true size and digest; the digest file and signature fit it."""
    data = archive.read("datapackage.json")
    package = json.loads(data)
    tampered_if((package["profile"], package["wacz_version"]) != ("data-package", "1.1.1"), "datapackage.json is not that of a WACZ 1.1.1")
    listed = {}
    for item in package["resources"]:
        tampered_if(item["path"] in listed, f"{item['path']} is listed twice in datapackage.json")
        listed[item["path"]] = item
    present = set(archive.entries) - {"datapackage.json", "datapackage-digest.json"}
    missing_if(absent := set(listed) - present, f"{min(absent, default=0)} is listed in datapackage.json and not in the WACZ")
    tampered_if(strange := present - set(listed), f"{min(strange, default=0)} is not listed in datapackage.json")
    missing_if({"pages/pages.jsonl", "indexes/index.cdx.gz", "indexes/index.idx"} - present, "the WACZ has no pages or no index")
    for name, (digest, crc) in zip(listed, SEVERAL.map(archive.digests, listed)):
        stated = (listed[name]["hash"], listed[name]["bytes"])
        tampered_if(stated != (f"sha256:{digest}", archive.entries[name][1]), f"{name} is not what datapackage.json says")
        tampered_if(crc != archive.entries[name][2], f"{name} has another CRC than the ZIP says")
    value = json.loads(archive.read("datapackage-digest.json"))
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    signed = value["signedData"]
    tampered_if(value["hash"] != digest or signed["hash"] != digest or value["path"] != "datapackage.json", "datapackage.json does not match datapackage-digest.json")
    raw = base64.b64decode(signed["signature"], validate=True)
    tampered_if(len(raw) != 96, "the signature in the WACZ is not 96 bytes")
    public = base64.b64decode(signed["publicKey"], validate=True)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public) + b"-----END PUBLIC KEY-----\n"
    done = openssl("dgst -sha256 -verify {key} -signature {sig} {text}", key=pem, sig=der_signature(raw), text=digest.encode())
    tampered_if(done.returncode or "Verified OK" not in done.stdout, "the signature in the WACZ does not fit")
    return f"{len(listed)} entries, stored as they are listed"

def der_signature(raw):
    """r ‖ s as an ASN.1 SEQUENCE of two INTEGERs, which is what openssl reads."""
    out = b""
    for half in (raw[:48], raw[48:]):
        number = half.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        out += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(out)]) + out

def check_index(archive, captures):
    """Each line of the index leads to the record that it says, and each indexed record has its line."""
    text = gzip.GzipFile(fileobj=io.BytesIO(archive.read("indexes/index.cdx.gz"))).read(SMALL).decode()
    lines = text.splitlines()
    tampered_if(lines != sorted(lines, key=lambda line: line.encode()), "the index is not sorted")
    found = set()
    for line in lines:
        facts = json.loads(line.split(" ", 2)[2])
        found.add((facts["filename"], int(facts["offset"]), int(facts["length"]), facts["url"]))
    expected = {
        (line["file"], line["offset"], line["length"], line["uri"])
        for capture in captures
        for line in capture.records
        if line["type"] not in ("request", "warcinfo") and line.get("uri")
    }
    tampered_if(found != expected or len(lines) != len(expected), "the index does not list exactly the records present")
    return f"{len(lines)} lines lead to their records"

# ---- 7. WARC records (ISO 28500): every digest is computed again ---------------------------------------------------------

def in_chunks(head):
    """Whether the body after this head is in chunks (RFC 9112 6). Where two readers would see two bodies, what came is the payload."""
    lines = re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))
    fields = [(name.rstrip(b" \t").lower(), value) for name, _, value in (line.partition(b":") for line in lines[1:])]
    codings = [item.strip(b" \t").lower() for name, value in fields if name == b"transfer-encoding" for item in value.split(b",") if item.strip(b" \t")]
    last = codings[-1:] == [b"chunked"] and set(codings[:-1]) <= {b"gzip", b"deflate", b"compress", b"x-gzip", b"identity"}
    return last and b"content-length" not in dict(fields) and bool(re.match(rb"HTTP/1\.1 (?!1|204|304)[0-9]{3}", lines[0]))

class Body:
    """Takes a record's block in pieces: its digest, and that of its payload without HTTP head and chunk framing."""

    def __init__(self, http, take):
        self.block, self.payload, self.decoded, self.take = hashlib.sha256(), hashlib.sha256(), None, take or (lambda piece: None)
        self.head = b"" if http else None
        self.state, self.left, self.buffer = "size", 0, b""

    def feed(self, data):
        self.block.update(data)
        if self.head is not None:
            self.head += data
            match = re.search(rb"\r?\n\r?\n", self.head)
            if not match and len(self.head) < READ:
                return
            end = match.end() if match else len(self.head)
            head, data, self.head = self.head[:end], self.head[end:], None
            self.decoded = hashlib.sha256() if in_chunks(head) else None
        self.payload.update(data)
        self.take(data) if self.decoded is None else self.unchunk(bytes(data))

    def unchunk(self, data):
        data = self.buffer + data
        while data and self.state != "done":
            if self.state == "data":
                piece, data = data[: self.left], data[self.left :]
                self.decoded.update(piece)
                self.take(piece)
                self.left -= len(piece)
                self.state = "data" if self.left else "line end"
            elif self.state == "line end":
                if len(data) < 2:
                    break
                self.state, data = ("size" if data[:2] == b"\r\n" else "done"), data[2:]
            else:
                line, end, rest = data.partition(b"\r\n")
                if not end and len(line) < 16383:
                    break
                match = len(line) < 16383 and re.fullmatch(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?", line)
                self.left, data = (int(match[1], 16) if match else 0), rest
                self.state = "data" if self.left else "done"
        self.buffer = data

def read_record(stream, start, length, take=None):
    """(header fields, body) of the one record in the gzip member at `start`. `take` gets the payload in pieces."""
    stream.seek(start)
    inflate, left = zlib.decompressobj(31), length
    head, body, need, tail, fields, pending = b"", None, 0, b"", [], b""
    while not inflate.eof:
        if not pending:
            pending = stream.read(min(READ, left))
            left -= len(pending)
            tampered_if(not pending, "a record that is cut")
        data = inflate.decompress(pending, READ)
        pending = inflate.unconsumed_tail
        if body is None:
            head += data
            end = head.find(b"\r\n\r\n")
            if end < 0:
                tampered_if(len(head) > READ, "a record without a header")
                continue
            tampered_if(not head.startswith(b"WARC/1.1\r\n"), "not a WARC/1.1 record")
            fields = [tuple(line.decode("utf-8", "surrogateescape").split(": ", 1)) for line in head[:end].split(b"\r\n")[1:]]
            named = {name.lower(): value for name, value in fields}
            http = "application/http" in named.get("content-type", "") and named.get("warc-type") in ("request", "response", "revisit")
            need, body, data = int(named["content-length"]), Body(http, take), head[end + 4 :]
        view = memoryview(data)
        inside = min(need, len(view))
        if inside:
            body.feed(bytes(view[:inside]) if body.head is not None else view[:inside])
            need -= inside
        tail += bytes(view[inside:])
    tampered_if(inflate.unused_data or left, "a member that holds more than its record")
    tampered_if(need or tail != b"\r\n\r\n", "a record that does not end as its length says")
    return fields, body

def check_records(archive, captures):
    """Every record of every WARC file against its own digests and against what was sealed of it."""
    ids = {line["id"]: line.get("payload_digest") for capture in captures for line in capture.records}
    files = [(archive, capture, name, ids) for capture in captures for name in sorted(capture.warcs)]
    count = sum(SEVERAL.map(check_warc, *zip(*files))) if files else 0
    strange = {name for name in archive.entries if name.startswith("archive/")} - {f"archive/{name}" for _, _, name, _ in files}
    tampered_if(strange, f"{min(strange, default=0)} belongs to no capture of the package")
    return f"{count} records, every digest computed again"

def check_warc(archive, capture, name, ids):
    """How many records the WARC file holds, all of which are as they were sealed."""
    missing_if(f"archive/{name}" not in archive.entries, f"archive/{name} is not in the WACZ")
    start, size, _ = archive.entries[f"archive/{name}"]
    lines, at = sorted((line for line in capture.records if line["file"] == name), key=lambda line: line["offset"]), 0
    with open(archive.path, "rb") as stream:
        for line in lines:
            tampered_if(line["offset"] != at, f"{name}: something stands at {at} that was not sealed, or a record is missing")
            try:
                fields, body = read_record(stream, start + at, line["length"])
                one_record(fields, body, line, ids, capture.manifest["recovered"] is not None)
            except (Tampered, zlib.error) as error:
                raise Tampered(f"{name} at {at}: {error}") from error
            at += line["length"]
    tampered_if(at != size or size != capture.warcs[name]["size"], f"{name}: bytes behind the last record")
    return len(lines)

def one_record(fields, body, line, ids, recovered):
    named, again = {}, line["type"] == "revisit"
    for name, value in fields:
        named.setdefault(name.lower(), value)
    block = f"sha256:{body.block.hexdigest()}"
    for key, field in (("id", "warc-record-id"), ("type", "warc-type"), ("uri", "warc-target-uri"), ("date", "warc-date")):
        tampered_if(line.get(key) != named.get(field), f"another {field} than was sealed")
    tampered_if(block != named.get("warc-block-digest") or block != line["block_digest"], "the block is not what its digest says")
    payload = named.get("warc-payload-digest") if again else f"sha256:{(body.decoded or body.payload).hexdigest()}"
    tampered_if(not again and named.get("warc-payload-digest") not in (None, f"sha256:{body.payload.hexdigest()}"), "the payload is not what its digest says")
    tampered_if(line.get("payload_digest") not in (None, payload), "the payload differs from what was sealed")
    tampered_if(bool(line.get("truncated")) != ("warc-truncated" in named), "it is cut, or not, against what was sealed")
    tampered_if(again and (named.get("warc-refers-to") not in ids or ids[named["warc-refers-to"]] != line.get("payload_digest")), "a revisit whose original is not in the package")
    for name, value in fields:
        tampered_if(name == "WARC-Concurrent-To" and value not in ids and not recovered, "it refers to a record that is not there")

# ---- 8. Files: assemblies assemble, the tables say what is there ---------------------------------------------------------

def check_assemblies(archive, captures):
    """A file that arrived in pieces gives the digest that its assembly states."""
    places = {line["id"]: (archive.entries[f"archive/{line['file']}"][0] + line["offset"], line["length"]) for capture in captures for line in capture.records}
    count, absent = 0, []
    for capture in captures:
        for line in capture.records:
            if not str(line.get("uri") or "").startswith("urn:archiver:assembly:"):
                continue
            block = []
            read_record(archive.stream, *places[line["id"]], lambda data: block.append(bytes(data)))
            assembly = canonical(b"".join(block))
            whole, size = hashlib.sha256(), 0
            if [piece for piece in assembly["pieces"] if piece["record"] not in places]:
                absent.append(assembly["name"])
                continue
            for piece in assembly["pieces"]:
                at, end = 0, piece["offset"] + piece["length"]
                def take(data, piece=piece, end=end):
                    nonlocal at, size
                    part = data[max(0, piece["offset"] - at) : max(0, end - at)]
                    whole.update(part)
                    size += len(part)
                    at += len(data)
                read_record(archive.stream, *places[piece["record"]], take)
            tampered_if((whole.hexdigest(), size) != (assembly["sha256"], assembly["size"]), f"the pieces of {assembly['name']} do not give its digest")
            count += 1
    tampered_if(absent, f"{len(absent)} files have pieces in captures outside the package, first: {min(absent, default=0)}", CannotTell)
    return f"{count} files that came in pieces give their digests"

def check_media(folder, names, captures, profile):
    """hashes.csv names each media file once, with its digest; `full` has the payload of the record it names, `public` no metadata."""
    rows = list(csv.DictReader(io.StringIO(read_small(folder, "data/hashes.csv").decode("utf-8-sig"))))
    listed = [row["file"] for row in rows]
    present = {name for name in names if name.startswith("data/media/")}
    tampered_if(len(listed) != len(set(listed)) or present - set(listed), "data/hashes.csv does not list exactly the media files present")
    missing_if(absent := set(listed) - present, f"{min(absent, default=0)} is not there")
    known = manifest(folder, "manifest-sha256.txt"), manifest(folder, "manifest-sha512.txt")
    sealed = {line["id"]: line for capture in captures for line in capture.records}
    wholes = {line["assembly"] for capture in captures for line in capture.inventory if line.get("assembly")}
    for row in rows:
        tampered_if((row["sha256"], row["sha512"]) != (known[0][row["file"]], known[1][row["file"]]), f"data/hashes.csv has another digest of {row['file']}")
        if profile == "public":
            data = read_small(folder, row["file"])
            tampered_if(TELLING.search(data[:READ] + data[-READ:]), f"{row['file']} still carries metadata: a place, a device or a name")
        if profile == "full":
            record = sealed.get(row["record"], {})
            tampered_if(record.get("payload_digest") != f"sha256:{row['sha256']}" and row["sha256"] not in wholes, f"{row['file']} differs from the record it names")
    return f"{len(rows)} files with their digests"

def sealed_value(line, key):
    """What a sealed line holds under a name of posts.json, where guesses stand beside the fields as guessed_..."""
    name = key.removeprefix("guessed_")
    earlier = line.get(name) if name == "published" and (line.get(name) or {}).get("source") == "trafilatura" else None
    value = line.get(key) if name == key else (line.get("guessed") or {}).get(name, earlier)
    return value.get("literal") if name != key and isinstance(value, dict) else value

def check_posts(folder, captures, full):
    """posts.json says of each observation what was sealed."""
    cards = json.loads(read_small(folder, "data/posts.json"))
    if not full:
        return f"{len(cards)} exhibits (derived: what they were made from is not in this package)"
    sealed = {capture.id: capture.posts for capture in captures}
    told = 0
    for card in cards:
        for one in card.get("observations", []):
            tampered_if(not any(all(sealed_value(line, key) == value for key, value in one["post"].items()) for line in sealed.get(one["capture"], [])), f"{card['exhibit']}: data/posts.json differs from what was sealed")
            told += 1
    posts = sum(line.get("role") != "captions" for lines in sealed.values() for line in lines)
    hidden = sum("not_shown" in card for card in cards)
    tampered_if(told != posts and not hidden, f"data/posts.json tells {told} observations of posts, {posts} were sealed")
    return f"{len(cards)} exhibits, {told} observations as they were sealed"

# ---- 9. The check ---------------------------------------------------------------------------------------------------------

class Check:
    """One package, looked through from the outside to the inside. Each method is one line of the result."""
    def __init__(self, folder, fingerprint, older, on, roots):
        self.folder, self.fingerprint, self.older, self.on, self.roots = folder, fingerprint, older, on, roots
        self.report, self.names, self.leaves, self.times, self.captures = Report(), set(), {}, {}, []

    def run(self):
        report, folder = self.report, self.folder
        if not report.check("files", self.find_files):
            return
        report.check("bag", check_bag, folder, self.names)
        if not report.check("key", self.find_key):
            return
        report.check("signature", check_signature, folder, self.keys[0])
        report.check("signer", check_fingerprint, self.keys, self.fingerprint)
        if not (report.check("ledger", self.find_ledger) and report.check("selection", self.find_items)):
            return
        if self.older is not None:
            report.check("history", self.continues)
        report.check("timestamps", self.find_stamps)
        self.tell_time()
        full = self.package["profile"] == "full"
        whole = report.check("captures", self.find_captures) if full else True
        report.check("clock", self.tell_clock)
        if full and report.check("WACZ", self.find_archive) and whole and report.check("records", check_records, self.archive, self.captures):
            report.check("index", check_index, self.archive, self.captures)
            report.check("assemblies", check_assemblies, self.archive, self.captures)
        if whole:
            report.check("media", check_media, folder, self.names, self.captures, self.package["profile"])
            report.check("posts", check_posts, folder, self.captures, full)

    def find_files(self):
        self.names = names_in(self.folder)

    def find_key(self):
        self.keys = handed_over(self.folder, self.names, read_small(self.folder, "proofs/vkey.txt").decode("ascii").strip())

    def find_ledger(self):
        self.package = canonical(read_small(self.folder, "data/package.json"))
        self.ledger = Ledger(self.folder, self.keys)
        about = (self.package["checkpoint"]["size"], self.package["checkpoint"]["root"], self.package["key"])
        tampered_if(about != (self.ledger.size, self.ledger.root.hex(), self.keys[0]), "data/package.json names another ledger")
        return f"{self.ledger.size} events under a signed checkpoint"

    def find_items(self):
        self.leaves = check_items(self.folder, self.names, self.ledger, self.package)
        count, rest = len(self.package["captures"]), len(self.package["not_in_package"])
        return f"{count} of {count + rest} captures of this case" + (f"; {rest} are shown only as commitments" if rest else "")

    def continues(self):
        return f"continues the checkpoint of {self.ledger.prefix(self.older, 'the checkpoint that you named', CannotTell)[0]} events that you named"

    def find_stamps(self):
        self.times = check_stamps(self.folder, self.names, self.ledger, self.leaves, self.report, self.on, self.roots)

    def tell_time(self):
        seqs = [item["event"] for item in self.package["captures"]]
        covered = [seq for seq in seqs if any(size > seq for size in self.times)]
        text = f"{len(covered)} of {len(seqs)} captures are covered by an outsider's stamp"
        word = "intact" if len(covered) == len(seqs) else "note"
        self.report.say(word, "time", text if covered else "NOT TIMESTAMPED: no outsider vouches for any time")
        if self.package.get("test_routes"):
            self.report.say("note", "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")

    def tell_clock(self):
        """Events are dated one after the other, unless a clock was set back between them."""
        times = [(seq, calendar.timegm(time.strptime(self.leaves[seq]["time"][:19], "%Y-%m-%dT%H:%M:%S"))) for seq in sorted(self.leaves)]
        back = [(a, b, one - two) for (a, one), (b, two) in zip(times, times[1:]) if one - two > 60]
        if back:
            self.report.say("note", "clock", f"event {back[0][1]} is dated {back[0][2]} s before event {back[0][0]}: a clock was wrong before or set back")
        for capture in self.captures:
            servers = capture.manifest["clock"].get("servers")
            if servers and abs(servers["median_ms"]) > 60000:
                self.report.say("note", "clock", f"{capture.id}: {servers['answers']} answers of servers put the time {servers['median_ms'] / 1000:+.0f} s from ours")

    def find_captures(self):
        self.captures = [Capture(self.folder, self.names, item, self.leaves[item["event"]]) for item in self.package["captures"]]
        wanted = {f"data/captures/{capture.id}/" for capture in self.captures}
        tampered_if(len(wanted) != len(self.captures), "a capture that appears twice")
        for name in sorted(self.names):
            stray = name.startswith("data/captures/") and name[: name.index("/", 14) + 1] not in wanted
            tampered_if(stray, f"{name} belongs to no capture of the package")
            if name.startswith("data/events/"):
                check_event(self.folder, int(name[12:-5]), self.leaves[int(name[12:-5])])
        return f"{len(self.captures)} captures as they were sealed: events, manifests, lines, inventories"

    def find_archive(self):
        self.archive = Zip(os.path.join(self.folder, "data", "archive.wacz"))
        return check_wacz_list(self.archive)

VERDICTS = {
    0: "INTACT, and signed by the key that you named", 2: "INCOMPLETE: something is missing",
    5: "TAMPERED: do not rely on this package", 6: "CANNOT TELL: consistent with itself; see the lines above",
}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: parser.exit(6, f"cannot tell: {message}\n")  # 2 would say that something is missing
    parser.add_argument("folder", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--fingerprint", help="fingerprint of the key, as you were given it: 64 hex digits, or 8 words in quotes")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint that you were given earlier")
    parser.add_argument("--root", action="append", default=[], metavar="SHA256", help="count only stamps under this root certificate; repeatable")
    parser.add_argument("--on", metavar="DAY", type=day, default=time.time(), help="check as of this day, like 2046-01-31: certificates may have expired by then")
    arguments = parser.parse_args()
    if arguments.checkpoint and not os.path.isfile(arguments.checkpoint):
        parser.error(f"there is no checkpoint at {arguments.checkpoint}")
    older = None
    if arguments.checkpoint:
        with open(arguments.checkpoint, "rb") as stream:
            older = stream.read()
    one = Check(arguments.folder, arguments.fingerprint, older, arguments.on, [root.lower() for root in arguments.root])
    one.run()
    code = one.report.exit_code()
    print("\n" + VERDICTS[code])
    if code == 6 and not arguments.fingerprint:
        print("Everything checked is intact; without the fingerprint, the signer is unconfirmed.")
    return code

if __name__ == "__main__":
    sys.exit(main())
