"""Files that are handed over, by the library alone: who gives them is a pseudonym, whoever calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.intake.hand_over import HandOver, consent_of
from archiver.intake.receive import receive
from archiver.signer.local import LocalSigner


class NoInspector:
    """Stands in for the tools that read a file's facts, where none is installed."""

    def available(self) -> bool:
        return False

    def facts(self, path: Path, c2pa_marked: bool) -> dict[str, Any]:
        raise AssertionError("asked though nothing is there")

    def close(self) -> None:
        return


CONSENT = consent_of(["hold,court"], ["name"])


def test_files_are_received_by_values(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    for name in ("one.txt", "two.txt"):
        (folder / name).write_text(name)
    made = receive(home, LocalSigner(home), NoInspector(), [folder], HandOver("S-014", "usb", CONSENT))
    assert (made.result.outcome, made.result.kept, made.intact) == ("captured", {"document": 2}, True)
    kinds = {row["kind"]: row["text"] for row in home.catalog.annotations(made.result.capture)}
    assert kinds == {"source": "S-014 via usb", "consent": "hold: yes, court: yes, name: no"}
    assert home.catalog.cases_of(made.result.capture) == ["inbox"]


@pytest.mark.parametrize(
    "source",
    ["", "Aigerim Bekova", "+77011234567", "87011234567", "a@b.example", "S-014\n", "-S", "x" * 33],
    ids=["nothing", "a name", "a number", "digits of a number", "an address", "a line feed", "a dash first", "long"],
)
def test_a_source_that_is_no_pseudonym_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="pseudonym") as refused:
        HandOver(source, "usb", CONSENT)
    assert not source or source not in str(refused.value), "what may be a name is not repeated"


@pytest.mark.parametrize("via", ["", "by a friend; see her notes", "x" * 41, "a\tb/c"])
def test_the_way_it_came_is_a_word_or_two(via: str) -> None:
    with pytest.raises(UsageError, match="how it arrived"):
        HandOver("S-014", via, CONSENT)


def test_nothing_is_opened_for_nothing(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for given, error in (([tmp_path / "empty"], UsageError), ([tmp_path / "none"], NotFound)):
        with pytest.raises(error):
            receive(home, LocalSigner(home), NoInspector(), given, HandOver("S-014", "usb", CONSENT))
    with pytest.raises(NotFound):
        receive(home, LocalSigner(home), NoInspector(), [tmp_path], HandOver("S-014", "usb", CONSENT, ("nowhere",)))
    assert home.catalog.captures() == []
    assert not any((home.path / "captures").iterdir())
