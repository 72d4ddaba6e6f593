"""Making a package: which files go into the bag, in which order, for which profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from archiver.export.bag import FORMAT, Bag
from archiver.export.profiles import CardFile, PackageView
from archiver.export.proofs import Basis, write_proofs
from archiver.export.screens import screens
from archiver.export.tables import tables_of, write_tables
from archiver.export.templates import FIXED, fixed_text
from archiver.export.wacz import ReplayPage, WarcSource, pieces_of, wacz
from archiver.export.workbook import write_workbook
from archiver.home.home import Home
from archiver.home.ports import PackageSigner
from archiver.home.scratch import scratch
from archiver.lookup.material import Material, SealedCapture
from archiver.tools.reencode import reencode, suffix
from archiver.version import SOFTWARE
from storage import canonical
from storage.digest import file_sha256, sha256_hex
from storage.errors import FormatError
from storage.events import event_name

NOT_PACKED = "private.age"
"""How files of withheld values begin, which stay in the house; a court is shown single ones (docs/reference/formats.md)."""


@dataclass(frozen=True)
class PackagePlan:
    """Everything that decides the bytes of a package."""

    name: str
    shown: PackageView
    base: Basis
    privileged: bool
    secret: bytes = field(repr=False)
    """From which pseudonyms and record ids of this package are made."""
    accept_leaks: bool = False
    """Whether secrets in the recordings of a full package do not hinder it."""

    @property
    def made(self) -> str:
        """Time that the package states: that of its newest event, so that the same package has the same bytes."""
        material = self.shown.material
        times = [str(event["time"]) for event in material.events]
        return max(times + [str(capture.manifest["closed"]) for capture in material.captures])

    @property
    def stated(self) -> str:
        """What the package says of when it was made; in `public` a day, which joins it to nothing."""
        return self.made[:10] if self.shown.profile == "public" else self.made

    @property
    def moment(self) -> str:
        """The time that files of the package carry inside them, in UTC."""
        return f"{self.made[:10]}T00:00:00.000000Z" if self.shown.profile == "public" else self.made

    def key(self) -> str:
        """Return a digest of everything that decides the bytes, by which an interrupted export is continued."""
        material = self.shown.material
        facts = {
            "format": FORMAT, "name": self.name, "profile": self.shown.profile, "privileged": self.privileged, "accept_leaks": self.accept_leaks,
            "software": SOFTWARE, "checkpoint": self.base.note.decode(), "stamps": [str(s) for s in self.base.stamps],
            "captures": [capture.row["manifest_sha256"] for capture in material.captures],
            "events": [event["seq"] for event in material.events],
        }  # fmt: skip
        return sha256_hex(canonical.dumps(facts))


def fill(home: Home, signer: PackageSigner, bag: Bag, plan: PackagePlan) -> None:
    """Write everything except report, replay and signature. Raises `FormatError`, `DiskError`, `LedgerError`."""
    shown = plan.shown
    write_proofs(home, bag, shown, plan.base)
    if shown.profile == "full":
        _raw(home, signer, bag, plan)
    for card in shown.cards:
        for file in card.every_file:
            if file.name is not None and file.name not in bag.files:
                _media(home, bag, file)
    if shown.profile == "partner":
        for _, name, picture in screens(shown):
            if bag.has(name) is None:
                bag.write(name, picture())
    write_tables(bag, shown)
    write_workbook(home.path, bag, shown, plan.moment)
    bag.write("data/package.json", canonical.dumps(_about(home, plan)))


def _media(home: Home, bag: Bag, file: CardFile) -> None:
    """One media file: as it was kept or redacted, or made anew without metadata. Raises `FormatError`, `ConversionError`."""
    assert file.name is not None
    if file.made != "anew":
        one = bag.write(file.name, file.media.chunks())
        if one.sha256 != file.media.sha256:
            raise FormatError(
                f"{file.media.key} of {file.media.capture} with the digest that was sealed",
                "another",
                "Run `archiver check`; restore the capture from a copy.",
            )
        return
    if bag.has(file.name) is not None:
        return
    with scratch(home.path, "export") as folder:
        source, out = folder / "in", folder / f"out{suffix(file.media.kind)}"
        with open(source, "wb") as stream:
            for chunk in file.media.chunks():
                stream.write(chunk)
        reencode(source, file.media.kind, out)
        bag.write(file.name, pieces_of(out))


def _about(home: Home, plan: PackagePlan) -> dict[str, Any]:
    """What the package says of itself, for machines: the checkers begin here."""
    shown, material = plan.shown, plan.shown.material
    chosen = {capture.seq for capture in material.captures}
    rest = sorted(row["seq"] for row in material.all_of_case if row["seq"] not in chosen)
    public = shown.profile == "public"
    return {
        "format": FORMAT,
        "name": plan.name,
        "profile": shown.profile,
        "made": plan.stated,
        "software": SOFTWARE,
        "key": home.ledger_key_text(),
        "checkpoint": {"size": plan.base.size, "root": plan.base.root},
        "captures": len(chosen) if public else [{"event": one.seq, "id": one.id} for one in material.captures],
        "not_in_package": len(rest) if public else rest,
        "tables": [table.described() for table in tables_of(shown)],
        "test_routes": material.test_routes,
        "withheld": len(shown.withheld),
    }


def _raw(home: Home, signer: PackageSigner, bag: Bag, plan: PackagePlan) -> None:
    """`full`: the events, the capture folders but for the private record, and the WARC files in a WACZ."""
    material = plan.shown.material
    sources = []
    for event in plan.shown.told_events:
        path = home.path / "events" / event_name(event["seq"])
        bag.write(f"data/events/{event['seq']}.json", path.read_bytes())
    for capture in material.captures:
        bag.write(f"data/captures/{capture.id}/manifest.json", (capture.folder / "manifest.json").read_bytes())
        for entry in capture.manifest["files"]:
            path = capture.folder / entry["name"]
            if entry["name"].endswith(".warc.gz"):
                records = [line for line in capture.records if line["file"] == entry["name"]]
                sources.append(WarcSource(path, entry["sha256"], entry["size"], records))
            elif not entry["name"].startswith(NOT_PACKED):
                if file_sha256(path).hexdigest() != entry["sha256"]:
                    raise FormatError(
                        f"{path.name} of {capture.id} as it was sealed", "other bytes", "Restore it from a copy."
                    )
                bag.write(f"data/captures/{capture.id}/{entry['name']}", path.read_bytes())
    pages = list(replay_pages(material))
    if bag.has("data/archive.wacz") is None:
        pieces = wacz(sources, pages, plan.name, plan.made, SOFTWARE, signer.sign_wacz)
        bag.write("data/archive.wacz", pieces)


def replay_pages(material: Material) -> Iterator[ReplayPage]:
    """Yield each page of a package that can be opened in the replay."""
    return pages_of(material.captures)


def pages_of(captures: Iterable[SealedCapture]) -> Iterator[ReplayPage]:
    """Yield each page that can be opened in a replay: the HTML that a capture received, each link once."""
    seen = set()
    for capture in captures:
        for line in capture.records:
            html = str(line.get("content_type") or "").startswith("text/html")
            if line["type"] == "response" and html and line.get("status") == 200 and line["uri"] not in seen:
                seen.add(line["uri"])
                yield ReplayPage(line["uri"], line["date"], _title(capture, line))


def _title(capture: SealedCapture, line: dict[str, Any]) -> str:
    post = next((post for post in capture.posts if post.get("record") == line["id"]), {})
    words = " ".join(str(post.get("title") or post.get("text") or "").split())
    return words[:80] or line["uri"]


def bag_info(plan: PackagePlan) -> list[tuple[str, str]]:
    """Return the fields of bag-info.txt, in order (RFC 8493 section 2.2.2)."""
    return [
        ("Bagging-Date", plan.stated[:10]),
        ("External-Identifier", plan.name),
        ("External-Description", f"Package of social media evidence, profile {plan.shown.profile}. Read README.txt."),
        ("Bag-Software-Agent", SOFTWARE),
        ("BagIt-Profile-Identifier", "urn:archiver:bagit-profile:2"),
    ]


def add_documents(bag: Bag, profile: str) -> None:
    """Add how to begin, `check.py`, and what kind of bag this is (BagIt Profiles 1.4.0)."""
    here = resources.files("archiver.export")
    for name in ("check.py", "bagit-profile.json"):
        bag.write(name, (here / name).read_bytes())
    for name in FIXED:
        bag.write(name, fixed_text(name, profile))


def pseudonym_facts(material: Material, profile: str, base: Basis) -> bytes:
    """Return the bytes that this package's pseudonyms depend on.

    Another package has other pseudonyms, which cannot be linked to these.
    """
    return canonical.dumps([profile, base.size, [capture.id for capture in material.captures]])
