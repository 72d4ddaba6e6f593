"""Incidents, fields, statements, places and retractions: what is signed, what is refused, and what then counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.casework.annotations import about_of, annotate
from archiver.casework.fields import Claim, Field, define_field, fields_of
from archiver.casework.incidents import IncidentFacts, add_to_incident, conclude, incident_names
from archiver.casework.positions import coordinates, swap_doubt, zone_name
from archiver.casework.retract import retract
from archiver.casework.statements import Statement
from archiver.errors import ExitCode, NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.home.visibility import is_hidden
from archiver.lookup.incident_view import incident_view
from archiver.lookup.places import as_geojson, as_kml, places_of
from archiver.lookup.search import Wanted, search
from archiver.signer.local import LocalSigner
from tests.support.commands import Commands
from tests.support.kept_homes import unpack_home

ALBUM, PAGE = "wxe6z4t7", "635s9qcz"
POST = "ozen_today/16"
CASE = ("--case", "almaty")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_home(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def home(path: Path) -> Home:
    return Home(path, environment={})


@pytest.fixture
def signer(home: Home) -> Signer:
    return LocalSigner(home)


@pytest.fixture
def shell(path: Path) -> Commands:
    return Commands(path, None)


def size(home: Home) -> int:
    return home.ledger.checkpoint().size


def test_looking_at_incidents_signs_nothing(home: Home, signer: Signer, shell: Commands) -> None:
    add_to_incident(home, signer, "almaty", "school", IncidentFacts(title="School", items=(f"{ALBUM}:16",)))
    before = size(home)
    for words in (("list",), ("list", *CASE), ("show", "school", *CASE), ("school", *CASE)):
        code, out, _ = shell("incident", *words)
        assert code == 0
        assert "School" in out
    code, _, err = shell("incident", "scool", *CASE)
    assert (code, "Did you mean school?" in err) == (1, True)
    assert size(home) == before
    assert shell("incident", "list", "--case", "none")[0] == ExitCode.USAGE


def test_items_are_added_by_list_tag_and_search_and_taken_out(
    home: Home, signer: Signer, shell: Commands, tmp_path: Path
) -> None:
    annotate(home, signer, "tag", about_of(home, ALBUM, "16"), "Bulk")
    target = str((home.catalog.capture(home.resolve_capture(PAGE)) or {})["target"])
    listed = tmp_path / "items.txt"
    listed.write_text(f"{ALBUM}\n{target}\n")
    assert shell("incident", "new", "bulk", *CASE, "--list", str(listed), "--tag", "bulk")[0] == 0
    of_album = home.resolve_capture(ALBUM)
    assert [item for item, _ in incident_view(home, "almaty", "bulk").items] == [
        {"capture": home.resolve_capture(PAGE)}, {"capture": of_album}, {"capture": of_album, "post": POST},
    ]  # fmt: skip
    before = size(home)
    words = str(home.catalog.posts(of_album)[0]["text"]).split()[0]
    code, _, err = shell("incident", "add", "bulk", *CASE, "--search", words)
    assert (code, POST in err, "--yes" in err) == (1, True, True)
    listed.write_text("https://t.me/none/1\n")
    assert shell("incident", "add", "bulk", *CASE, "--list", str(listed))[0] == 1
    assert shell("incident", "add", "bulk", *CASE, "--tag", "nobody gave it")[0] == 1
    assert shell("incident", "remove", "bulk", f"{ALBUM}:nothing", *CASE)[0] == 1
    assert size(home) == before
    assert shell("incident", "remove", "bulk", ALBUM, *CASE)[0] == 0
    assert [item for item, _ in incident_view(home, "almaty", "bulk").items] == [
        {"capture": home.resolve_capture(PAGE)}
    ]
    assert shell("incident", "new", "bulk", *CASE, "--title", "again")[0] == 1
    assert shell("incident", "add", "never-made", *CASE, "--title", "x")[0] == 1


def test_the_earlier_form_still_answers_and_says_the_new_one(shell: Commands) -> None:
    code, out, err = shell("incident", "gate", *CASE, "--title", "Gate", "--add", ALBUM)
    assert (code, "incident new gate" in err, "1 item added" in out) == (0, True, True)
    assert shell("incident", *CASE, "gate", "--add", ALBUM)[0] == 0, "its words in any order, as before"
    code, _, err = shell("incident", "gate", *CASE, "--add", PAGE)
    assert (code, "incident add gate" in err) == (0, True)


def test_fields_have_types_and_people_are_never_a_typed_number(home: Home, signer: Signer) -> None:
    kind = Field("vehicle", "choice", "kind of vehicle", ("truck", "bus"))
    define_field(home, signer, "almaty", kind)
    define_field(home, signer, "almaty", Field("shots", "number", "shots heard"))
    assert fields_of(home, "almaty")["vehicle"].choices == ("truck", "bus")
    good = {"weapon": "rifle", "vehicle": "bus", "shots": "12"}
    claim = Claim("killed", "14-20", "Ministry of the Interior, 7 January")
    add_to_incident(home, signer, "almaty", "fields", IncidentFacts(title="x", attributes=good, claim=claim))
    view = incident_view(home, "almaty", "fields")
    assert {key: said.value for key, said in view.attributes.items()} == good
    assert [said.value for said in view.claims] == [{"name": "killed", "number": "14-20", "source": claim.source}]
    for name, value in {"vehicle": "car", "shots": "many", "weapon": " ", "killed": "14"}.items():
        with pytest.raises(UsageError):
            add_to_incident(home, signer, "almaty", "fields", IncidentFacts(attributes={name: value}))
    with pytest.raises(NotFound, match="wepon"):
        add_to_incident(home, signer, "almaty", "fields", IncidentFacts(attributes={"wepon": "rifle"}))
    for bad in (
        Claim("killed", "many", "X"),
        Claim("killed", "20-14", "X"),
        Claim("killed", "14", " "),
        Claim("weapon", "1", "X"),
    ):
        with pytest.raises(UsageError):
            add_to_incident(home, signer, "almaty", "fields", IncidentFacts(claim=bad))
    for field in (
        Field("women-killed", "number", "x"),
        Field("kind", "choice", "x"),
        Field("killed", "text", "x"),
        Field("A", "text", "x"),
    ):
        with pytest.raises(UsageError):
            define_field(home, signer, "almaty", field)


@pytest.mark.parametrize("at", ["91,10", "143.2,35.1", "1,181", "one,two", "1;2"])
def test_a_position_out_of_range_is_refused(at: str) -> None:
    with pytest.raises(UsageError):
        coordinates(at)


def test_swapped_coordinates_are_asked_about(home: Home, shell: Commands) -> None:
    assert swap_doubt("43.34,52.86", "Asia/Aqtau") is None
    assert swap_doubt("-33.9,151.2", "Australia/Sydney") is None
    doubt = swap_doubt("52.86,43.34", "Asia/Aqtau")
    assert doubt is not None
    assert doubt.swapped == "43.34,52.86"
    assert swap_doubt("52.86,43.34", None) is None  # nothing to compare it with
    assert swap_doubt("52.86,43.34", None, [(43.3, 52.8)]) is not None
    with pytest.raises(UsageError):
        zone_name("Asia/Nowhere")
    before = size(home)
    swapped = ("place", ALBUM, "a square", "--at", "52.86,43.34", "--zone", "Asia/Aqtau")
    code, _, err = shell(*swapped)
    assert (code, "--at 43.34,52.86" in err, "--as-typed" in err) == (1, True, True)
    assert shell("place", ALBUM, "a square", "--zone", "Asia/Nowhere")[0] == 1
    assert size(home) == before
    assert shell(*swapped, "--as-typed")[0] == 0


def test_places_of_events_without_those_of_cameras(home: Home, shell: Commands, tmp_path: Path) -> None:
    assert shell("place", ALBUM, "=Square & <gate>", "--at", "43.34,52.86", "--whose", "event")[0] == 0
    assert shell("place", ALBUM, "a window", "--at", "43.35,52.87")[0] == 0
    target = tmp_path / "places.csv"
    code, _, err = shell("places", "almaty", "--csv", str(target))
    assert (code, "window" in target.read_text("utf-8-sig"), "filmed" in err) == (0, False, False)
    assert "'=Square" in target.read_text("utf-8-sig")
    code, out, err = shell("places", "almaty", "--cameras")
    assert (code, "a window" in out, "filmed" in err) == (0, True, True)
    events = places_of(home, "almaty", ["event"])
    collection = json.loads(as_geojson(events))
    assert [52.86, 43.34] in [one["geometry"]["coordinates"] for one in collection["features"]]
    assert "&lt;gate&gt;" in as_kml(events, "almaty")
    assert {one["whose"] for one in places_of(home, "almaty", ["camera"])} == {"camera"}, "old ones are of the camera"


def test_what_was_retracted_counts_no_more_and_stays(home: Home, signer: Signer, shell: Commands) -> None:
    sealed = annotate(home, signer, "note", about_of(home, ALBUM, "16"), "zebracrossing")
    found = Wanted(text="zebracrossing")
    assert search(home, found, 5).total == 1
    code, out, _ = shell("retract", str(sealed.seq), "the", "wrong", "street")
    assert (code, "zebracrossing" in out) == (0, True)
    assert search(home, found, 5).total == 0
    body = home.catalog.event_bodies(("annotated",))[-1]
    assert body["detail"]["about"] == {"capture": home.resolve_capture(ALBUM), "post": POST, "event": sealed.seq}
    assert f"RETRACTED by event {body['seq']}" in shell("custody", ALBUM)[1]
    assert f"RETRACTED by event {body['seq']}" in shell("show", ALBUM)[1]
    for bad in (sealed.seq, body["seq"], 0, 10**9):
        with pytest.raises((UsageError, NotFound)):
            retract(home, signer, [bad], "again")
    with pytest.raises(UsageError):
        retract(home, signer, [sealed.seq], " ")
    home.rebuild_catalog()
    assert home.catalog.retraction_of(sealed.seq) == body["seq"]


def test_what_protects_is_retracted_by_a_second_person_only(tmp_path: Path) -> None:
    home = Home(unpack_home(tmp_path), environment={})
    collector, reviewer = LocalSigner(home), LocalSigner(home, "reviewer1")
    mine = annotate(home, collector, "quarantine", about_of(home, ALBUM), "a child")
    theirs = annotate(home, reviewer, "quarantine", about_of(home, PAGE), "a child")
    for signer, seq in ((collector, mine.seq), (collector, theirs.seq), (reviewer, theirs.seq)):
        with pytest.raises(UsageError):
            retract(home, signer, [seq], "no")
    capture = home.resolve_capture(ALBUM)
    assert is_hidden(home, capture, POST)
    retract(home, reviewer, [mine.seq], "a doll")
    assert not is_hidden(home, capture, POST)
    assert home.catalog.quarantined_captures() == {home.resolve_capture(PAGE)}


def test_an_incident_is_retracted_once_nothing_rests_on_it(home: Home, signer: Signer, shell: Commands) -> None:
    add_to_incident(home, signer, "almaty", "twice", IncidentFacts(title="Twice", items=(ALBUM,)))
    finding = conclude(home, signer, "almaty", "twice", "They fired.", confidence="low", basis=(ALBUM,))
    code, _, err = shell("incident", "retract", "twice", "the same as gate", *CASE)
    assert (code, f"archiver retract {finding.seq}" in err) == (1, True)
    retract(home, signer, [finding.seq], "no")
    assert shell("incident", "retract", "twice", "the same as gate", *CASE)[0] == 0
    assert "twice" not in incident_names(home, "almaty")


def test_a_statement_is_of_a_received_file(home: Home, signer: Signer, shell: Commands, tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    told.write_text("I stood at the school.")
    assert shell("receive", str(told), "--from", "S-1", "--via", "usb", *CASE)[0] == 0
    received = home.catalog.captures("almaty")[-1]["id"]
    add_to_incident(home, signer, "almaty", "told", IncidentFacts(title="Told", items=(ALBUM,)))
    known = ("--incident", "told", "--witness", "W-3", *CASE)
    assert shell("statement", ALBUM, *known)[0] == 1
    assert shell("statement", received, "--incident", "none", "--witness", "W-3", *CASE)[0] == 1
    assert (
        shell("statement", received, *known, "--date", "2022-01-20", "--language", "kk", "--interviewer", "A-1")[0] == 0
    )
    (statement,) = incident_view(home, "almaty", "told").statements
    detail: dict[str, Any] = statement["detail"]
    assert (detail["witness"], detail["date"], detail["about"]["incident"]) == ("W-3", "2022-01-20", "told")
    assert "of W-3, 2022-01-20, kk, to A-1" in shell("incident", "show", "told", *CASE)[1]
    for given in ({"day": "20 January"}, {"day": "2022-1-2"}, {"language": "Kazakh!"}):
        with pytest.raises(UsageError):
            Statement("W-3", **given)


def test_a_person_sees_what_is_signed_for_and_is_asked_where_others_came_in(
    path: Path, shell: Commands, home: Home
) -> None:
    code, out, _ = shell("tag", ALBUM, "seen", "--post", "16")
    assert code == 0
    assert "https://t.me/ozen_today/16" in out
    first = str(home.catalog.posts(home.resolve_capture(ALBUM))[0]["text"]).split()[0]
    assert first in out
    home.state.own_capture_begun(home.resolve_capture(ALBUM), "")
    before = size(home)
    code, _, err = shell("tag", "LAST", "seen")
    assert (code, home.resolve_capture(PAGE) in err, f"like {home.resolve_capture(ALBUM)}" in err) == (1, True, True)
    assert size(home) == before
    for row in home.catalog.captures():
        home.state.own_capture_begun(row["id"], "")
    assert shell("tag", "LAST", "seen")[0] == 0, "nobody else captured anything since"
