"""What the benchmarks measure: rows with peer, ratio, goal and the reason of the goal, grouped into parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmarks.bench import Bench

Series = dict[str, float]
"""What one round measured, by name. A round may leave a name out, as where a peer is too slow for every round."""
Measure = Callable[["Bench"], Iterator[Series]]


@dataclass(frozen=True)
class Goal:
    """A limit on the median of the ratio to the peer, or of our own value."""

    sign: Literal["≤", "≥"]
    limit: float
    of: Literal["ratio", "value"]

    def reached(self, value: float) -> bool:
        """Return whether a value keeps to the limit."""
        return value <= self.limit if self.sign == "≤" else value >= self.limit


def at_most(limit: float, of: Literal["ratio", "value"] = "ratio") -> Goal:
    """Make a goal that is an upper limit."""
    return Goal("≤", limit, of)


def at_least(limit: float, of: Literal["ratio", "value"] = "ratio") -> Goal:
    """Make a goal that is a lower limit."""
    return Goal("≥", limit, of)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. `ours` and `peer` name series of its trial; `reason` says why the goal is what it is."""

    name: str
    what: str
    ours: str
    unit: str
    reason: str
    goal: Goal | None = None
    peer: str = ""
    against: str = ""
    """What the peer is, for people."""
    inverted: bool = False
    """Whether the ratio is peer / ours: how many times faster we are, where seconds were measured."""


@dataclass(frozen=True)
class Part:
    """What can be chosen by name on the command line. `time_goes` says in Markdown where the time goes."""

    name: str
    title: str
    about: str = ""
    time_goes: str = ""


@dataclass(frozen=True)
class Trial:
    """A function that measures, round by round, what its rows show. It runs in a process of its own."""

    part: Part
    measure: Measure
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Return its name, unique among all."""
        return f"{self.part.name}.{self.measure.__name__}"

    def id_of(self, row: Row) -> str:
        """Return a row's name, unique among all."""
        return f"{self.part.name}.{row.name}"


TRIALS: list[Trial] = []


def measures(part: Part, *rows: Row) -> Callable[[Measure], Measure]:
    """Register a function that yields the series of these rows."""

    def register(measure: Measure) -> Measure:
        TRIALS.append(Trial(part, measure, rows))
        return measure

    return register
