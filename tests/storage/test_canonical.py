"""Canonical JSON and digests."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks.proofs import Bad, strict_json
from storage import canonical
from storage.digest import Digests, Sha256, digest_chunks, sha256, sha256_label
from storage.errors import FormatError
from storage.times import utc_parse, utc_text

pytestmark = pytest.mark.thorough("formats")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(JSON)
def test_round_trip(value: object) -> None:
    data = canonical.dumps(value)  # type: ignore[arg-type]
    assert canonical.loads(data) == value
    assert strict_json(data) == value, "the checker's reader agrees"


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{ "a":1}',
        b'{"a":1.0}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b"[1e3]",
        b'"\\u0041"',
        b"NaN",
        b"",
        b"\xff",
        b"[" * 100000,
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        canonical.loads(data)
    with pytest.raises(Bad):
        strict_json(data)


def test_floats_are_refused_everywhere() -> None:
    with pytest.raises(FormatError):
        canonical.dumps({"a": [1, {"b": 0.5}]})


@given(st.lists(st.binary(max_size=500)))
def test_digests_agree_with_the_standard_library(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert sha256(*pieces) == hashlib.sha256(whole).digest()
    running = digest_chunks(pieces)
    assert (running.hexdigest(), running.size) == (hashlib.sha256(whole).hexdigest(), len(whole))
    several = Digests("sha256", "sha512", "sha1", "md5")
    for piece in pieces:
        several.update(piece)
    assert several.hexdigests() == {
        name: hashlib.new(name, whole).hexdigest() for name in ("sha256", "sha512", "sha1", "md5")
    }


def test_a_running_digest_can_be_read_on_the_way() -> None:
    running = Sha256()
    running.update(b"a")
    assert running.label() == sha256_label(b"a")
    running.update(b"b")
    assert running.label() == sha256_label(b"ab")


def test_times_are_converted_not_relabelled() -> None:
    from datetime import datetime, timedelta, timezone

    almaty = timezone(timedelta(hours=6))
    assert utc_text(datetime(2022, 1, 5, 12, 0, tzinfo=almaty)) == "2022-01-05T06:00:00.000000Z"
    assert utc_parse("2022-01-05T06:00:00.000000Z") == datetime(2022, 1, 5, 12, 0, tzinfo=almaty)
    with pytest.raises(ValueError, match="zone"):
        utc_text(datetime(2022, 1, 5))
