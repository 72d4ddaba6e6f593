"""What commands ask of the catalog costs the same in a large home: each question is answered by an index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from archiver.lookup.capture_view import capture_view
from archiver.lookup.search import Wanted, search
from archiver.seal import kept_stamps
from storage.catalog import Catalog
from tests.support.kept_homes import unpack_home

ALBUM = "20261129T130358-wxe6z4t7"
COUNTED = ("SELECT COUNT(*)", 'SELECT "case", COUNT(*)')
"""Counts go over an index that holds all they need: a thousandth of a second for 50,000 captures."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that nothing is changed in."""
    home = Home(unpack_home(tmp_path_factory.mktemp("kept")), environment={})
    home.project()
    return home


LOOKS: dict[str, Callable[[Home], Any]] = {
    "status": lambda home: (
        home.catalog.count_captures(),
        home.catalog.count_not_copied("second"),
        kept_stamps.needed(home),
        kept_stamps.standing(home),
    ),
    "find": lambda home: search(home, Wanted(text="озен"), 20).hits,
    "show": lambda home: capture_view(home, ALBUM[-8:]),
    "case list": lambda home: (home.catalog.cases(), home.catalog.count_by_case()),
    "history": lambda home: [
        *home.catalog.observations("ozen_today/16"),
        *home.catalog.removals("ozen_today/16"),
        *home.catalog.events_about("ozen_today/16", ("changed", "unavailable")),
    ],
    "copies": lambda home: home.catalog.copies("second", ALBUM),
    "whether a payload is held": lambda home: [home.catalog.sealed_payload("sha256:00", ["inbox"])],
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_goes_through_no_table(home: Home, monkeypatch: pytest.MonkeyPatch, look: str) -> None:
    asked: list[tuple[str, Any]] = []
    query = Catalog._query

    def noted(catalog: Catalog, sql: str, parameters: Any = ()) -> Any:
        asked.append((sql, parameters))
        return query(catalog, sql, parameters)

    monkeypatch.setattr(Catalog, "_query", noted)
    assert LOOKS[look](home) is not None
    assert asked
    for sql, parameters in asked:
        if sql.startswith("PRAGMA"):
            continue
        plan = [row["detail"] for row in query(home.catalog, f"EXPLAIN QUERY PLAN {sql}", parameters)]
        scans = [step for step in plan if step.startswith("SCAN") and not _is_fine(sql, step)]
        assert not scans, f"{sql}\n{plan}"


def _is_fine(sql: str, step: str) -> bool:
    """The search index, what it found, the few cases, counts over an index alone; the newest event is looked for from the end."""
    counted = sql.startswith(COUNTED) and "COVERING INDEX" in step
    return counted or any(
        word in step for word in ("VIRTUAL TABLE", "SCAN f", "SCAN one", "SCAN (subquery", "SCAN cases")
    )


def test_an_id_is_found_by_its_beginning_and_its_end(home: Home) -> None:
    catalog = home.catalog
    for part in (ALBUM, ALBUM[:20], ALBUM[-3:], ALBUM[-8:], ALBUM[-12:], ALBUM[1:]):
        assert ALBUM in catalog.capture_ids(part), part
    assert catalog.capture_ids(ALBUM[3:10]) == []
    assert len(catalog.capture_ids("2026")) == catalog.count_captures()
    assert catalog.capture_ids("%") == catalog.capture_ids("_") == []


@pytest.mark.damages
def test_a_status_reads_one_proof_and_those_that_are_owed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(unpack_home(tmp_path), environment={})
    home.project()
    sizes = range(3, 15)
    facts = '{"gen_time": "2026-11-29T13:05:%02d.000000Z"}'
    with home.catalog.transaction() as connection:
        for size in sizes:
            path = home.path / "proofs" / str(size) / "outsider.json"
            path.parent.mkdir(parents=True)
            path.write_text(facts % size)
            row = (size, size, "outsider", f"2026-11-29T13:05:{size:02d}.000000Z")
            connection.execute("INSERT INTO timestamps VALUES (?,?,?,?)", row)
    (home.path / "proofs" / "9" / "opentimestamps.json").write_text('{"pending": ["a calendar"], "blocks": []}')
    read: list[Path] = []
    kept = kept_stamps._kept

    def counted(path: Path) -> Any:
        if path.exists():
            read.append(path)
        return kept(path)

    monkeypatch.setattr(kept_stamps, "_kept", counted)
    assert kept_stamps.standing(home) == kept_stamps.StampsStanding(14, 1)
    assert len(read) == 2
    read.clear()
    (over,) = kept_stamps.stamps_over(home, 7)
    assert (over.size, over.name, len(read)) == (8, "outsider", 1)
    assert over == kept_stamps.covering(kept_stamps.stamps(home), 7)
    # What the ledger names and is not kept any more does not count; what it does not name yet does.
    (home.path / "proofs" / "14" / "outsider.json").unlink()
    assert kept_stamps.standing(home).covered == 13
    (home.path / "proofs" / "20").mkdir()
    (home.path / "proofs" / "20" / "outsider.json").write_text(facts % 20)
    assert kept_stamps.standing(home).covered == 20
