"""What was retracted, in packages: told beside its retraction, counted nowhere, and the same to both checkers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from archiver.casework.analysis import mark_author
from archiver.casework.annotations import About, about_of, annotate
from archiver.casework.incidents import IncidentFacts, add_to_incident
from archiver.casework.retract import retract
from archiver.copies.evict import CopiesFetch
from archiver.export.make import PackageRequest, make_package
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.signer.local import LocalSigner
from archiver.signer.withheld import LocalDecryptor
from tests.support.checking import without_prints
from tests.support.kept_homes import unpack_home
from tests.support.packages import both, sign_package, write_manifests
from tests.support.signing import ledger_signer

pytestmark = pytest.mark.usefixtures("no_browser")
ALBUM = "wxe6z4t7"
GONE, WHY, STANDS = "the north gate, retracted words", "it was the south gate", "a roof that stands"


class Retracted:
    """A home in which a note, a mark of an account and an item of an incident were taken back; and its packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        home = self.home = Home(unpack_home(folder), environment={})
        collector, reviewer = LocalSigner(home), LocalSigner(home, "reviewer1")
        about: About = about_of(home, ALBUM, "16")
        annotate(home, collector, "note", about, STANDS)
        self.note = annotate(home, collector, "note", about, GONE).seq
        marked = mark_author(home, collector, "telegram", "ozen_today", "source", "in danger", case="almaty").seq
        facts = IncidentFacts(title="Square", items=(f"{ALBUM}:16",), attributes={"weapon": "rifle"})
        add_to_incident(home, collector, "almaty", "square", facts)
        add_to_incident(home, collector, "almaty", "square", IncidentFacts(removed=(ALBUM,)))
        (self.retraction,) = (sealed.seq for sealed in retract(home, collector, [self.note], WHY))
        retract(home, reviewer, [marked], "they are known")

    def package(self, profile: str) -> Path:
        """Make a package, once."""
        path = self.folder / "out" / profile
        if not path.exists():
            request = PackageRequest("almaty", path.parent, profile, name=profile, plain=profile == "full")
            decryptor = LocalDecryptor(self.home.path)
            with without_prints():
                made = make_package(
                    self.home,
                    LocalSigner(self.home),
                    request,
                    lambda _: True,
                    fetch=CopiesFetch(self.home),
                    decryptor=decryptor,
                )
            assert made is not None
        return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Retracted:
    return Retracted(tmp_path_factory.mktemp("retracted"))


def lines(package: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (package / f"data/tables/{table}.jsonl").read_bytes().splitlines()]


def test_a_full_package_holds_both_and_both_checkers_agree(made: Retracted) -> None:
    package = made.package("full")
    code, said = both(package, fingerprint(made.home.ledger_key_text()))
    assert code in (0, 6), said  # a home that nobody stamped
    assert "TAMPERED" not in said
    rows = {row["event"]: row for row in lines(package, "annotations")}
    assert rows[made.note]["detail"]["text"] == GONE
    assert rows[made.retraction]["detail"]["about"]["event"] == made.note
    assert next(row["event"] for row in lines(package, "retracted")) == made.retraction
    sheet = (package / "data/tables/retracted.csv").read_text("utf-8-sig").splitlines()
    assert '"detail.about.event","detail.text"' in sheet[0]
    assert f'"{made.note}","{WHY}"' in sheet[1]


def test_the_report_tells_it_as_retracted_and_counts_it_nowhere(made: Retracted) -> None:
    report = (made.package("full") / "data/report.html").read_text()
    assert "RETRACTED. note" in report
    assert WHY in report
    assert f"retraction of event {made.note}" in report
    assert f"note, retracted by event {made.retraction}" in report
    assert "rifle" in report


def test_others_are_told_of_no_person_and_of_no_words_taken_back(made: Retracted) -> None:
    partner = made.package("partner")
    kinds = [(row["detail"]["kind"], row["detail"].get("retracts")) for row in lines(partner, "annotations")]
    assert ("retraction", "note") in kinds
    assert ("retraction", "author") not in kinds
    assert "author" not in [kind for kind, _ in kinds]
    assert "ozen_today" in (partner / "data/tables/posts.jsonl").read_text(), "the mark counts no more"
    assert both(partner, None)[0] in (0, 6)
    public = made.package("public")
    text = "".join(path.read_text() for path in sorted((public / "data").rglob("*.jsonl")))
    assert GONE not in text
    assert WHY not in text
    assert not (public / "data/tables/retracted.jsonl").exists()


@pytest.mark.parametrize("column", [True, False])
def test_a_table_of_retractions_that_names_another_event_is_found_out(
    made: Retracted, tmp_path: Path, column: bool
) -> None:
    package = tmp_path / "full"
    shutil.copytree(made.package("full"), package)
    path = package / "data/tables/retracted.csv"
    data = path.read_bytes()
    altered = data.replace(b'"detail.about.event",', b"") if column else data.replace(f'"{made.note}"'.encode(), b'"1"')
    assert altered != data
    path.write_bytes(altered)
    write_manifests(package)
    sign_package(package, ledger_signer(made.home))
    code, said = both(package, fingerprint(made.home.ledger_key_text()))
    assert code == 5, said
    assert "data/tables/retracted.csv" in said
