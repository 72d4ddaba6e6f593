"""The check: one package, from the outside to the inside."""

from __future__ import annotations

import argparse
import calendar
import json
import os
import re
import sys
import time
from typing import Any

from .bag import bag_info, check_bag, check_left_behind, digest_of, line_ends_changed, manifest, names_in, read_small
from .canon import canonical, number
from .earlier import V1, check_index_v1, check_media_v1, check_posts_v1, check_wacz_list_v1
from .forms import KEYS, check_form
from .ledger import Ledger, check_items, handed_over, handover_seen, signer_of
from .notes import fingerprint_of, given_checkpoint, given_fingerprint, in_words, note_text, strangers
from .records import check_assemblies, check_records, read_assemblies
from .sealed import Capture, check_event
from .stamps import FOLDERS, Counted, Stamped, check_stamps, iso
from .tables import ENDINGS, Sealed, check_files, check_plain, check_tables
from .volumes import package_or_volumes, tell_volumes
from .wacz import check_description, check_index, check_wacz_list
from .words import (
    FORMAT,
    CannotTell,
    Missing,
    Report,
    Tampered,
    cannot_tell_if,
    first,
    shown,
    stop,
    tampered_if,
    verdict,
)
from .zipped import Zip

RELEASED: dict[str, str] = {}
"""{file: SHA-256} of what every package of this release holds unchanged. The build step fills it."""
STAMP = r"proofs/timestamps/(0|[1-9][0-9]*)/"
PROOFS = (
    r"proofs/(vkey\.txt|checkpoint\.txt|leaves\.bin)|proofs/handovers/[0-9]{3,}\.note|proofs/roots/[0-9a-f]{64}\.pem|"
    + STAMP + r"(checkpoint\.txt|opentimestamps\.ots|[A-Za-z0-9_][A-Za-z0-9._-]*\.(tsq|tsr|pem|root))"
)  # fmt: skip
ITEMS = r"proofs/items/(0|[1-9][0-9]*)\.tlog-proof"
DOCUMENTS = r"START-HERE\.html|README\.txt|check\.py|bagit-profile\.json"
WORDED = r"data/report\.(html|pdf)|data/tables\.xlsx|data/view/([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.(html|css|jpg|png)"
PLACES = {
    "full": rf"{ITEMS}|data/archive\.wacz|data/events/(0|[1-9][0-9]*)\.json|data/captures/[^/]+/[^/]+",
    "partner": rf"{ITEMS}|data/screens/[0-9]{{4,}}\.png",
    "public": r"(?!)",
}


class Check:
    """One package, looked through from the outside to the inside. Each method is one line of the result."""

    def __init__(
        self, folder: str, fingerprint: str | None, older: bytes | None, on: float, today: float, roots: list[str]
    ) -> None:
        self.folder, self.fingerprint, self.older, self.roots = folder, fingerprint, older, roots
        self.on, self.today = on, today
        self.report = Report()
        self.names: set[str] = set()
        self.package: dict[str, Any] = {}
        self.leaves: dict[int, dict[str, Any]] = {}
        self.times: dict[int, tuple[int, str]] = {}
        self.stamps = Counted()
        self.captures: list[Capture] = []
        self.junk: list[str] = []
        self.bare: list[str] = []
        self.profile: str | None = None

    def run(self) -> None:
        report, folder = self.report, self.folder
        if not report.check("files", self.find_files):
            return
        report.check("files", check_left_behind, report, self.junk, self.bare)
        if not report.check("format", self.find_format):
            return
        kinds = ("sha256", "sha512") if self.v1 else ("sha256",)
        if not report.check("bag", check_bag, folder, self.names, kinds):
            return  # nothing in it is what was signed: no line below would mean anything
        if not (report.check("places", self.find_places) and report.check("key", self.find_key)):
            return
        if not report.check("signature", self.check_signature):
            return
        self.signed_by = report.check("signer", self.check_signer)
        if not (report.check("ledger", self.find_ledger) and report.check("selection", self.find_items)):
            return
        if self.older is not None:
            report.check("history", self.continues)
        report.check("timestamps", self.find_stamps)
        report.check("time", self.tell_time)
        if self.handovers:
            report.check("retired key", self.check_retired)
        full = self.profile == "full"
        whole = report.check("captures", self.find_captures) if full else True
        report.check("clock", self.tell_clock)
        if whole and (
            not full or (report.check("WACZ", self.find_archive) and report.check("records", self.find_records))
        ):
            if full:
                self.check_archive()
            self.check_tables()
        report.check("routes", self.tell_routes)
        self.tell_words()

    # -- what it is ------------------------------------------------------------------------------------------

    def find_files(self) -> None:
        self.names, self.junk, self.bare = names_in(self.folder)

    def find_format(self) -> None:
        """Which rules it is checked by. Everything else of package.json is read after the bag is known to be whole."""
        cannot_tell_if(
            line_ends_changed(self.folder),
            "line ends were changed on the way (by mail, FTP or git): copy the package again as binary files",
        )
        try:
            said = json.loads(read_small(self.folder, "data/package.json").decode("utf-8"), parse_int=number)["format"]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise Tampered(f"data/package.json is not that of a package: {error}"[:120]) from error
        release = re.fullmatch("archiver-package/([1-9][0-9]{0,5})", str(said))
        tampered_if(not release, f"data/package.json is not that of a package: {said!r}"[:120])
        assert release
        later = int(release[1]) > int(FORMAT.rpartition("/")[2])
        cannot_tell_if(later, f"made by a later version ({said}): take the check.py of the release that made it")
        self.v1 = said == V1

    def find_places(self) -> None:
        """Nothing lies in it but what an exporter writes."""
        self.package = canonical(read_small(self.folder, "data/package.json"))
        tampered_if(not isinstance(self.package, dict), "data/package.json is not that of a package")
        said = self.package.get("profile")
        tampered_if(str(said) not in PLACES, f"data/package.json names no profile: {said!r}"[:120])
        self.profile = str(said)
        if self.v1:
            held = sorted(name for name in self.names if re.match(r"data/(captures|events)/|data/archive\.wacz", name))
            tampered_if(
                held and self.profile != "full", f"{first(held)} has no place in a package of profile {self.profile}"
            )
            tampered_if(self.profile == "full" and not self.package["captures"], "a package without captures")
            return
        check_form(self.package, self.profile == "public")
        tables = "|".join(re.escape(str(one["name"])) for one in self.package["tables"])
        ending = "(mp4|png|m4a)" if self.profile == "public" else f"({ENDINGS})"
        allowed = (
            rf"{DOCUMENTS}|bagit\.txt|bag-info\.txt|(tag)?manifest-sha256\.txt|signature/tagmanifest-sha256\.txt\.note|{PROOFS}|"
            rf"{WORDED}|data/package\.json|data/tables/({tables})\.(jsonl|csv)|data/media/I[0-9]{{4,}}-[0-9]+(-[0-9]+)?\.{ending}|{PLACES[str(self.profile)]}"
        )
        strange = sorted(name for name in self.names if not re.fullmatch(allowed, name))
        tampered_if(strange, f"{first(strange)} has no place in a package of profile {self.profile}")
        tampered_if(
            read_small(self.folder, "bag-info.txt") != bag_info(self.folder, self.names, self.package),
            "bag-info.txt says something else than data/package.json",
        )

    def find_key(self) -> None:
        self.keys = handed_over(
            self.folder, self.names, read_small(self.folder, "proofs/vkey.txt").decode("ascii").strip()
        )

    def check_signature(self) -> str:
        kind = "sha512" if self.v1 else "sha256"
        note = read_small(self.folder, f"signature/tagmanifest-{kind}.txt.note")
        digest = digest_of(read_small(self.folder, f"tagmanifest-{kind}.txt"), kind)
        wanted = f"{V1 if self.v1 else FORMAT}\n{kind} {digest}\n"
        tampered_if(note_text(note, self.keys[0]) != wanted, "the signature belongs to another package")
        for name in strangers(note, self.keys[:1]):
            said = f"a line by {name}, a key that nothing here vouches for: it says nothing"
            self.report.say("note", "signature", said)
        return "the key signed the list of all files"

    handovers = 0

    def check_signer(self) -> str:
        """The one thing that the package cannot prove by itself: whose key it is."""
        own = fingerprint_of(self.keys[0])
        if not self.fingerprint:
            raise CannotTell(
                f"signer unconfirmed. Compare through another channel: {own}, in words: {' '.join(in_words(own))}"
            )
        try:
            self.handovers = signer_of(self.keys, given_fingerprint(self.fingerprint))
        except Tampered as error:
            raise Tampered(
                f"{error}: {own}, in words: {' '.join(in_words(own))}. One wrong letter names another key: "
                "look at what you typed"
            ) from error
        return "the key that you named" + (" handed over to the one that signed" if self.handovers else " signed")

    # -- the ledger and time -----------------------------------------------------------------------------------

    def find_ledger(self) -> str:
        self.ledger = Ledger(self.folder, self.keys)
        about = (self.package["checkpoint"]["size"], self.package["checkpoint"]["root"], self.package["key"])
        tampered_if(
            about != (self.ledger.size, self.ledger.root.hex(), self.keys[0]), "data/package.json names another ledger"
        )
        tampered_if(not self.ledger.size, "a ledger without events")
        return f"{self.ledger.size} events under a signed checkpoint"

    def find_items(self) -> str:
        if self.profile == "public" and not self.v1:
            count, rest = self.package["captures"], self.package["not_in_package"]
            tampered_if(
                type(count) is not int or type(rest) is not int or count < 1 or rest < 0, "a package without captures"
            )
            return f"{count} of {count + rest} captures of this case, as the signer says: which they are is not shown"
        self.leaves = check_items(self.folder, self.names, self.ledger, self.package, canonical)
        count, rest = len(self.package["captures"]), len(self.package["not_in_package"])
        tampered_if(not count, "a package without captures")
        told = f"; {rest} are shown only as commitments" if rest else ""
        return f"{count} of the {count + rest} captures of this case that the signer lists{told}; the ledger holds {self.ledger.size} events"

    def continues(self) -> str:
        size, root, _ = given_checkpoint(self.older or b"", self.keys)
        self.ledger.holds(size, root, "the checkpoint that you named", CannotTell)
        return f"continues the checkpoint of {size} events that you named"

    def event(self, seq: int) -> dict[str, Any]:
        tampered_if(seq not in self.leaves, f"event {seq} has no proof in the package")
        return check_event(self.folder, seq, json.dumps(self.leaves[seq]))

    def find_stamps(self) -> None:
        about = Stamped(self.folder, self.names, self.ledger, self.leaves, self.on, self.today, self.roots)
        check_stamps(about, self.report, self.event, self.times, self.stamps)
        none = self.roots and not self.stamps.named and not self.stamps.unchecked
        cannot_tell_if(none, "no stamp leads to a root that you named")

    def tell_time(self) -> None:
        if self.times and not self.roots:
            self.report.add("time by roots that came with the package")
        if self.profile == "public" and not self.v1:
            first = min(self.times.values(), default=None)
            text = (
                f"the ledger that it was made from existed at {iso(first[0])}; which captures that covers is not shown"
                if first
                else ""
            )
            seqs: list[int] = []
            covered = [0] if first else []
        else:
            seqs = [item["event"] for item in self.package["captures"]]
            covered = [seq for seq in seqs if any(size > seq for size in self.times)]
            text = f"{len(covered)} of {len(seqs)} captures are covered by a stamp" + (
                " under a root that you named"
                if self.roots
                else ", under roots that came with the package: give --root"
            )
        if not covered:
            text = self.not_stamped()
        elif len(covered) < len(seqs):
            lacking = f"{len(seqs) - len(covered)} of {len(seqs)} captures"
            self.report.add(f"{lacking} {'perhaps ' if self.stamps.unchecked else ''}NOT TIMESTAMPED")
        sure = covered and len(covered) >= len(seqs) and self.roots
        self.report.say("intact" if sure else "note", "time", text)

    def not_stamped(self) -> str:
        """Says why no time is shown, in the verdict too: what could not be checked is not said to be absent."""
        stamps = self.stamps
        if stamps.unchecked:
            self.report.add("its timestamps were NOT CHECKED")
            return "its timestamps were NOT CHECKED, so nothing is known here of any time: see the lines above"
        if stamps.held and not self.times:
            plain = "NOT TIMESTAMPED " + ("under a root that you named" if self.roots else "by any stamp that counts")
            self.report.add(plain)
            return f"{plain}: see the lines above"
        self.report.add("NOT TIMESTAMPED")
        if self.times:
            return "NOT TIMESTAMPED: its stamps are older than each of its captures"
        calendars = "; its OpenTimestamps proofs are not followed here" if stamps.calendars else ""
        return f"NOT TIMESTAMPED: no authority vouches for any time{calendars}"

    def check_retired(self) -> str:
        seq = handover_seen(self.handovers, self.leaves, self.times, self.stamps.unchecked)
        seconds = min(when for size, (when, _) in self.times.items() if size > seq)
        self.report.add(f"by way of a hand-over of keys that an outsider had seen by {iso(seconds)[:10]}")
        return f"its hand-over is event {seq}, and was there at {iso(seconds)}"

    def tell_clock(self) -> None:
        """Events are dated one after the other, unless a clock was set back between them."""
        times = [
            (seq, calendar.timegm(time.strptime(self.leaves[seq]["time"][:19], "%Y-%m-%dT%H:%M:%S")))
            for seq in sorted(self.leaves)
        ]
        back = [(a, b, one - two) for (a, one), (b, two) in zip(times, times[1:]) if one - two > 60]
        if back:
            self.report.say(
                "note",
                "clock",
                f"event {back[0][1]} is dated {back[0][2]} s before event {back[0][0]}: a clock was wrong before or set back",
            )
        for capture in self.captures:
            servers = capture.manifest["clock"].get("servers")
            if servers and abs(servers["median_ms"]) > 60000:
                self.report.say(
                    "note",
                    "clock",
                    f"{capture.id}: {servers['answers']} answers of servers put the time {servers['median_ms'] / 1000:+.0f} s from ours",
                )

    # -- what was sealed ---------------------------------------------------------------------------------------

    def find_captures(self) -> str:
        self.captures = [
            Capture(self.folder, self.names, item, self.event(item["event"])) for item in self.package["captures"]
        ]
        wanted = {f"data/captures/{capture.id}/" for capture in self.captures}
        tampered_if(len(wanted) != len(self.captures), "a capture that appears twice")
        self.events: dict[int, dict[str, Any]] = {}
        for name in sorted(self.names):
            stray = name.startswith("data/captures/") and name[: name.index("/", 14) + 1] not in wanted
            tampered_if(stray, f"{name} belongs to no capture of the package")
            if name.startswith("data/events/"):
                seq = int(name[len("data/events/") : -len(".json")])
                self.events[seq] = self.event(seq)
        told = f"{len(self.events)} events, each signed by the key that it names"
        return f"{len(self.captures)} captures as they were sealed: events, manifests, lines, inventories; {told}"

    def find_archive(self) -> str:
        self.archive = Zip(os.path.join(self.folder, "data", "archive.wacz"))
        return (check_wacz_list_v1 if self.v1 else check_wacz_list)(self.archive, self.captures)

    def find_records(self) -> str:
        text, self.members = check_records(self.archive, self.captures)
        self.assemblies, self.places = read_assemblies(self.archive, self.captures)
        return text

    def check_archive(self) -> None:
        report = self.report
        if self.v1:
            report.check("index", check_index_v1, self.archive, self.captures)
        else:
            report.check("index", check_index, self.archive, self.captures, self.members)
            report.check("description", check_description, self.archive, self.captures, self.package)
        report.check("assemblies", check_assemblies, self.archive, self.assemblies, self.places)

    def check_tables(self) -> None:
        report, full = self.report, self.profile == "full"
        if self.v1:
            report.check("media", check_media_v1, self.folder, self.names, self.captures, str(self.profile))
            report.check("posts", check_posts_v1, self.folder, self.captures, full)
            return
        sealed = Sealed(self.folder, self.captures, self.assemblies, self.places, self.events) if full else None
        report.check("tables", check_tables, self.folder, self.package, self.names, sealed)
        report.check("media", check_files, self.folder, self.names, manifest(self.folder, "manifest-sha256.txt"))
        if self.profile == "public":
            report.check("metadata", check_plain, self.folder, self.names)

    # -- what the verdict has to add ---------------------------------------------------------------------------

    def tell_routes(self) -> None:
        routes = [capture.manifest["test_routes"] for capture in self.captures]
        said = self.package.get("test_routes")
        tampered_if(
            type(said) is not bool or (routes and said != any(routes)),
            "data/package.json hides, or claims, that it was made with test routes",
        )
        if said:
            self.report.add("NOT EVIDENCE")
            self.report.say("note", "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")

    def tell_words(self) -> None:
        """Names what is not held against anything: people read it, and it says what the signer wanted it to say."""
        if self.v1:
            self.report.add("made by the rules of version 1, which hold less")
            self.report.say(
                "note",
                "signer's words",
                "everything in data/ that people read, but for posts.json and media: not held against the recordings",
            )
            return
        self.report.check("documents", self.tell_documents)
        found = sorted(name for name in self.names if re.fullmatch(WORDED, name))
        view = [name for name in found if name.startswith("data/view/")]
        others = [name for name in found if name not in view]
        if self.profile != "full":
            others = ["all of data/: what it was made from is not in the package"]
        listed = ", ".join(
            [
                *others,
                *([f"data/view/ ({len(view)} files)"] if view and self.profile == "full" else []),
                *(["data/tables/withheld", *self.further()] if self.profile == "full" else []),
            ]
        )
        self.report.say("note", "signer's words", f"{listed}: not held against the recordings")
        if self.profile != "full":
            self.report.add("its contents rest on the signer's word")

    def further(self) -> list[str]:
        """What package.json says beside what is known here: a later release may say more, and so may the signer."""
        package = self.package
        count = len(set(package) - KEYS) + len(set(package["checkpoint"]) - {"root", "size"})
        count += sum(bool(set(item) - {"event", "id"}) for item in package["captures"])
        return [f"data/package.json ({count} things that this check does not know)"] if count else []

    def tell_documents(self) -> None:
        for name in ("START-HERE.html", "README.txt", "bagit-profile.json", "check.py"):
            if name not in self.names:
                raise Missing(f"{name} is not there")
            digest = digest_of(read_small(self.folder, name))
            known = {RELEASED.get(name), RELEASED.get(f"{self.profile} {name}")}
            if name == "check.py":
                known = {_own_digest()}
            if digest not in known:
                what = (
                    "do not run it: take it from the makers, by another channel"
                    if name == "check.py"
                    else "the signer's words"
                )
                self.report.say(
                    "note", "documents", f"{name} is not the one of this release ({digest[:16]}\u2026): {what}"
                )


def _own_digest() -> str:
    """Of the file that is running, where it is one file."""
    try:
        with open(os.path.abspath(__file__), "rb") as stream:
            return digest_of(stream.read())
    except OSError:
        return ""


def plain_root(text: str) -> str:
    """A root's fingerprint as openssl, browsers and people write it."""
    plain = re.sub(r"(?i)^.*fingerprint\s*=|^sha-?256[:=\s]+|^0x|[\s:-]", "", text.strip()).lower()
    if not re.fullmatch("[0-9a-f]{64}", plain):
        stop(
            f"{text[:80]!r} is no fingerprint of a root certificate: 64 hex digits (openssl x509 -noout -fingerprint -sha256)"
        )
    return plain


def day(text: str) -> float:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2046-01-31") from error


def main() -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name of any script must not end the check
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    today = time.time()
    parser.error = stop  # type: ignore[assignment,method-assign]  # 2 would say that something is missing
    parser.add_argument("folder", nargs="?", help="the folder of the package, unpacked (default: the one of this file)")
    parser.add_argument(
        "--fingerprint", help="fingerprint of the key, as you were given it: 64 hex digits, or 8 words in quotes"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint that you were given earlier")
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="SHA256",
        help="count only stamps under this root certificate; repeatable",
    )
    parser.add_argument(
        "--on",
        metavar="DAY",
        type=day,
        default=today,
        help="check as of this day, like 2046-01-31: certificates may have expired by then",
    )
    arguments = parser.parse_args()
    older = None
    if arguments.checkpoint:
        try:
            with open(arguments.checkpoint, "rb") as given:
                older = given.read(1 << 20)
        except OSError as error:
            stop(f"the checkpoint {arguments.checkpoint} cannot be read: {error.strerror}")
    if not arguments.folder:
        arguments.folder = os.path.dirname(os.path.abspath(__file__))
        if not os.path.lexists(os.path.join(arguments.folder, "bagit.txt")):
            stop("name the folder of the package, unpacked: python3 -I check.py FOLDER --fingerprint …")
    if not os.path.isdir(arguments.folder):
        stop(f"{arguments.folder} is no folder: unpack the package first, and name its folder")
    arguments.folder, volumes = package_or_volumes(arguments.folder)
    if volumes:
        return tell_volumes(arguments.folder)
    FOLDERS[:] = [arguments.folder]
    roots = [plain_root(root) for root in arguments.root]
    one = Check(arguments.folder, arguments.fingerprint, older, arguments.on, today, roots)
    one.run()
    code = one.report.exit_code()
    print("\n" + shown(verdict(code, one.profile, one.report.plain)))
    return code


ABOUT = ""
