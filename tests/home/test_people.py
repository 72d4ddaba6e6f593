"""The table of people: tokens by digest, taken back, locked."""

from __future__ import annotations

import pytest

from archiver.errors import ConfigError, UsageError
from archiver.home.home import Home
from archiver.home.people import (
    PEOPLE,
    home_label,
    new_token,
    people,
    person_of,
    set_locked,
    take_back_tokens,
)
from tests.conftest import Shell

NOW, LATER = "2026-11-22T05:00:00Z", "2026-11-23T05:00:00Z"


def test_a_token_is_kept_by_its_digest_alone(home: Home) -> None:
    first, second = new_token(home.path, "dana", NOW), new_token(home.path, "aru", NOW)
    text = (home.path / "keys" / PEOPLE).read_text()
    assert first not in text
    assert second not in text
    table = people(home.path)
    assert [one.name for one in table] == ["aru", "dana"]
    found = person_of(table, first)
    assert found is not None
    assert found[0].name == "dana"
    assert person_of(table, first + "x") is None
    assert person_of(table, "") is None


def test_what_is_taken_back_counts_no_more_and_is_remembered(home: Home) -> None:
    token = new_token(home.path, "dana", NOW)
    assert take_back_tokens(home.path, "dana", LATER) == 1
    assert take_back_tokens(home.path, "dana", "2027-01-01T00:00:00Z") == 0
    newer = new_token(home.path, "dana", LATER)
    old, new = person_of(people(home.path), token), person_of(people(home.path), newer)
    assert old is not None
    assert new is not None
    assert (old[1].taken_back, new[1].taken_back) == (LATER, None)


def test_who_is_locked_gets_no_token(home: Home) -> None:
    new_token(home.path, "dana", NOW)
    set_locked(home.path, "dana", NOW)
    set_locked(home.path, "dana", LATER)
    assert people(home.path)[0].locked == NOW, "since the first time"
    with pytest.raises(UsageError, match="locked since"):
        new_token(home.path, "dana", LATER)
    set_locked(home.path, "dana", None)
    assert new_token(home.path, "dana", LATER)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "archiver-people/9", "people": []}', '{"format": 1}'])
def test_a_table_that_is_not_understood_stops_the_program(home: Home, text: str) -> None:
    (home.path / "keys" / PEOPLE).write_text(text)
    with pytest.raises(ConfigError):
        people(home.path)


def test_by_command(shell: Shell) -> None:
    code, [said] = shell.json("keys", "token", "dana")
    assert (code, said["person"]) == (0, "dana")
    assert shell("keys", "token", "a/b")[0] == 1
    assert shell("keys", "token", "nobody", "--take-back")[0] == 1
    assert shell("keys", "new", "bob", "--role", "analyst")[0] == 0
    assert shell("keys", "lock", "dana")[0] == 0
    code, lines = shell.json("keys", "people")
    assert [(one["person"], one["tokens"], one["locked"] is not None) for one in lines] == [
        ("bob", 0, False),
        ("dana", 1, True),
    ]
    assert len(lines[0]["key"]) == 64


def test_two_homes_of_one_name_are_told_apart(home: Home) -> None:
    assert home_label(home.path, "one") != home_label(home.path, "two")
    assert home_label(home.path, "one").startswith(home.path.name)
