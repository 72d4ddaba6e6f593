"""A clock that was set back, or is far from the servers', is said at once, in `check`, and in packages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from archiver.checks.clocks import clock_behind, clock_set_back, servers_apart
from storage.times import system_clock, utc_text
from tests.conftest import Shell
from tests.support.checking import by_script_here

POST = "https://t.me/ozen_today/11"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [([0, 1, 2], None), ([0, -59], None), ([0, 90, 10], "event 2 is dated 80 s before event 1"), ([0, -86400, 5], "event 1")],
)  # fmt: skip
def test_an_event_older_than_the_one_before_it(seconds: list[int], said: str | None) -> None:
    start = system_clock()
    found = clock_set_back((seq, utc_text(start + timedelta(seconds=one))) for seq, one in enumerate(seconds))
    assert (found is None) == (said is None)
    assert said is None or said in str(found)


@pytest.mark.parametrize(
    ("offset", "said"), [(59_000, None), (-59_000, None), (7_200_000, "+7200 s"), (-61_000, "-61 s")]
)
def test_servers_with_another_time(offset: int, said: str | None) -> None:
    found = servers_apart({"servers": {"answers": 3, "median_ms": offset}})
    assert (found is None) == (said is None)
    assert said is None or said in str(found)


def test_a_time_that_is_none_hinders_nothing() -> None:
    assert clock_behind(system_clock(), "yesterday") is None
    assert servers_apart({"servers": None}) is None


def test_a_clock_that_is_set_back_between_two_captures(
    shell: Shell, tmp_path: Path, no_browser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first capture is made with a clock that is an hour fast."""
    fast = [timedelta(hours=1)]
    monkeypatch.setattr(
        "archiver.home.home.Home.clock",
        property(lambda home: lambda: system_clock() + fast[0], lambda home, value: None),
        raising=False,
    )
    _, _, err = shell("capture", POST)
    assert "behind the newest event" not in err
    fast[0] = timedelta()
    code, _, err = shell("capture", POST)
    assert code == 0
    assert "behind the newest event" in err
    checked = shell("check", "--verbose")[1]
    assert "clock" in checked
    assert "is dated 3" in checked
    words = ("--to", str(tmp_path / "out"), "--profile", "full", "--yes", "--no-encrypt", "--name", "pack")
    assert shell("export", "inbox", *words)[0] == 0
    package = tmp_path / "out" / "pack"
    assert "a clock was wrong before or set back" in str(shell("check", str(package)))
    assert "a clock was wrong before or set back" in by_script_here(package)[1]
