"""Posts that carry no number, and albums without members: held by the answer that brought them, never a fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.telegram.posts import PostReading
from spiders.posts import Post
from spiders.telegram.api.account_api import KeptAnswer


def held(post: Post, kept: KeptAnswer) -> tuple[int, str | None, dict[str, Any]]:
    reading = PostReading.of(post, kept)
    return reading.number, reading.record, reading.facts


@pytest.mark.parametrize(
    "name", [None, "", "ozen_today/", "ozen_today/s/", "?comment=", "ozen_today/x", "ozen_today/²"]
)
@pytest.mark.parametrize("album", [(), ("",), ("x", "")])
def test_a_post_without_a_number_is_held_by_its_answer(name: str | None, album: tuple[str, ...]) -> None:
    post = Post(platform="telegram", id=name, album_ids=album)
    assert held(post, KeptAnswer("the answer", records={7: "another"})) == (0, "the answer", {})


@given(st.none() | st.text(), st.lists(st.text()), st.dictionaries(st.integers(0, 99), st.text()))
def test_any_post_is_held(name: str | None, album: list[str], records: dict[int, str]) -> None:
    number, record, more = held(
        Post(platform="telegram", id=name, album_ids=tuple(album)), KeptAnswer("answer", records=records)
    )
    assert number >= 0
    assert record in (None, "answer", *records.values())
    assert set(more) <= {"records"}


def test_an_album_names_the_records_of_its_members() -> None:
    post = Post(platform="telegram", id="ozen_today/4", album_ids=("4", "5", "6"))
    assert held(post, KeptAnswer("answer", records={4: "a", 6: "c"})) == (4, "a", {"records": ["a", "c"]})
