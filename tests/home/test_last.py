"""LAST, LAST~2 and short ids: which capture a person means who names none."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from archiver.errors import NotFound, UsageError
from archiver.home.last import counted_back, steps_back
from archiver.jobs.entries import Entries, SharedEntry, find_entry
from tests.conftest import Shell

FIRST, SECOND, THIRD = (f"https://t.me/ozen_today/{number}" for number in (11, 13, 21))


@pytest.mark.parametrize(
    ("text", "steps"),
    [("LAST", 0), ("LAST~0", 0), ("LAST~12", 12), ("last", None), ("LAST~", None), ("LAST~-1", None), ("LAST~٣", None),
     ("LAST2", None), ("20261122T052718-9k2mv7qd", None), ("LAST~1234567", None)],
)  # fmt: skip
def test_what_is_counted_back(text: str, steps: int | None) -> None:
    assert steps_back(text) == steps


def test_the_last_is_the_one_that_was_sealed_last() -> None:
    begun = [(5, "c"), (7, "b"), (3, "a")]
    assert [counted_back(begun, steps) for steps in range(4)] == ["b", "c", "a", None]


def test_last_is_what_this_persons_own_command_made(shell: Shell, tmp_path: Path) -> None:
    code, _, err = shell("show", "LAST")
    assert code == 1
    assert "a capture LAST: one that your own command made" in err
    made = [str(shell.json("capture", link, "--no-media")[1][-1]["capture"]) for link in (FIRST, SECOND)]
    (tmp_path / "statement.txt").write_text("a statement\n")
    assert shell("receive", str(tmp_path / "statement.txt"), "--from", "S-1", "--via", "usb")[0] == 0
    assert shell("jobs", "add", THIRD, "--no-media")[0] == 0
    assert shell("work", "--drain")[0] in (0, 2)
    assert shell.json("show", "LAST")[1][0]["id"] == made[1]
    assert shell.json("show", "LAST~1")[1][0]["id"] == made[0]
    assert shell("show", "LAST~2")[0] == 1
    for words in (["check", "LAST"], ["custody", "LAST"], ["fixity", "LAST", "--local"]):
        assert shell(*words)[0] == 0, words
    for words, meant in (
        (["note", "LAST", "words"], made[1]),
        (["incident", "new", "x", "LAST~1", "--case", "inbox"], made[0]),
    ):
        code, _, err = shell(*words)
        assert (code, f"Type the id that you mean, like {meant}" in err) == (1, True), (
            "a worker captured something since"
        )
        assert shell(*(meant if word.startswith("LAST") else word for word in words))[0] == 0
    assert shell("keys", "new", "bob", "--role", "analyst")[0] == 0
    assert shell("--as", "bob", "show", "LAST")[0] == 1, "of another person"
    assert shell("--as", "bob", "capture", THIRD, "--no-media")[0] in (0, 2)
    assert shell.json("show", "LAST")[1][0]["id"] == made[1]


def test_watches_are_named_by_a_part_of_their_id(shell: Shell) -> None:
    made = [str(shell.json("watch", "add", link)[1][0]["watch"]) for link in (FIRST, SECOND)]
    assert made[0] in shell("watch", "show", made[0][:6])[1]
    assert shell.json("watch", "remove", made[1][-6:])[1][0] == {"removed": made[1]}
    assert shell("watch", "remove", made[1])[0] == 1
    assert shell("watch", "remove", "")[0] == 1


def test_a_part_that_fits_several_names_none() -> None:
    kept = {name: SharedEntry(name, 0.0, {}) for name in ("abcdefgh", "abcxyzgh", "gh")}

    class Kept:
        def get(self, kind: str, name: str) -> SharedEntry | None:
            return kept.get(name)

        def all(self, kind: str) -> list[SharedEntry]:
            return list(kept.values())

    entries = cast(Entries, Kept())
    assert find_entry(entries, "feed", "gh").id == "gh", "a whole id wins"
    assert find_entry(entries, "feed", "abcd").id == "abcdefgh"
    with pytest.raises(UsageError, match="one feed"):
        find_entry(entries, "feed", "abc")
    with pytest.raises(NotFound):
        find_entry(entries, "feed", "bcd")
