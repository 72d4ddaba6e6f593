"""Commands in homes of 1,000 and of 50,000 captures: what looks costs the same, what reads everything takes as much as there is."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence

from benchmarks.bench import Bench
from benchmarks.homes import LARGE, capture_id, large_homes, post_ids
from benchmarks.processes import ARCHIVER, ROOT, Words, measured
from benchmarks.registry import Part, Row, Series, at_most, measures

SCALE = Part(
    "scale",
    "Large homes",
    "Homes of 1,000 and of 50,000 captures of twenty posts each, the larger one with a million posts; a queue with a job for "
    "each capture, a watch for each tenth. Processor time of the whole command.",
    """Most of a look is the start of Python; of `status` and `jobs list` it is the import of DBOS and SQLAlchemy, and the
reading of one page of the queue.""",
)
LOOKS = {
    "status-large": ["status"],
    "find-large": ["find", "абв"],
    "show-large": ["show", capture_id(7)[-8:]],
    "case-list-large": ["case", "list"],
    "history-large": ["history", post_ids(7)[0]],
    "jobs-list-large": ["jobs", "list"],
}
"""What looks at a home, by the series of the larger one."""
LOOKED = (0, 2)  # 2: jobs wait, and nobody works
SAME = "A home must not become slower to work with by what is kept in it."
LINEAR = "Fifty times as much may take fifty times as long, and not more."
FLAT = "A home may be larger than memory."


def _small(series: str) -> str:
    return series.replace("-large", "-small")


def _look(series: str) -> Row:
    return Row(name=series.removesuffix("-large"), what=f"`archiver {' '.join(LOOKS[series])}`", unit="s", ours=series,
               peer=_small(series), against="1,000 captures", goal=at_most(1.5), reason=SAME)  # fmt: skip


def _cpu(words: Words, allowed: Sequence[int]) -> float:
    """Return the processor seconds of a command. Ends the trial where it ends otherwise than allowed."""
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) not in allowed:
        raise SystemExit(f"{' '.join(map(str, words))[:200]} ended with {code}")
    return used.ru_utime + used.ru_stime


@measures(SCALE, *map(_look, LOOKS))
def looks(bench: Bench) -> Iterator[Series]:
    """Run each command in both homes, in turn; a sample is the median of three."""
    homes = list(large_homes(bench).values())
    for home in homes:  # another version of the catalog, from an earlier run, is made anew now
        _cpu([*ARCHIVER, "case", "list", "--home", home], LOOKED)
    for _ in bench.rounds():
        seen = {}
        for large, words in LOOKS.items():
            for series, home in ((_small(large), homes[0]), (large, homes[-1])):
                command: Words = [*ARCHIVER, *words, "--home", home]
                seen[series] = statistics.median(_cpu(command, LOOKED) for _ in range(3))
        yield seen


@measures(
    SCALE,
    Row(name="check", what="`archiver check` of 50,000 captures, for each capture", unit="ms", ours="check-large",
        peer="check-small", against="1,000 captures", goal=at_most(1.3), reason=LINEAR),
    Row(name="check-memory", what="… peak memory", unit="MB", ours="check-memory-large", peer="check-memory-small",
        against="1,000 captures", goal=at_most(100, "value"), reason=FLAT),
    Row(name="rebuild", what="`archiver catalog rebuild` of 50,000 captures, for each capture", unit="ms",
        ours="rebuild-large", peer="rebuild-small", against="1,000 captures", goal=at_most(1.3), reason=LINEAR),
    Row(name="rebuild-memory", what="… peak memory", unit="MB", ours="rebuild-memory-large",
        peer="rebuild-memory-small", against="1,000 captures", goal=at_most(100, "value"), reason=FLAT),
)  # fmt: skip
def everything(bench: Bench) -> Iterator[Series]:
    """Check both homes, and make their catalogs again."""
    homes = list(large_homes(bench).items())
    for _ in bench.rounds(most=1):
        seen = {}
        for large, memory, words in (
            ("check-large", "check-memory-large", ["check", "--quiet"]),
            ("rebuild-large", "rebuild-memory-large", ["catalog", "rebuild"]),
        ):
            for named, (size, home) in ((_small, homes[0]), (str, homes[-1])):
                took, most = measured([*ARCHIVER, *words, "--home", home])
                seen[named(large)], seen[named(memory)] = took / size * 1000, most
        yield seen


@measures(
    SCALE,
    Row(name="export-memory", what="peak memory of the export of 20,000 posts for partners", unit="MB", ours="large",
        peer="small", against="1,000 posts", goal=at_most(1.3), reason="A package may be larger than memory."),
)  # fmt: skip
def exported(bench: Bench) -> Iterator[Series]:
    """Export a case of 50 captures and one of 1,000, of the smallest home."""
    home = large_homes(bench)[bench.size(LARGE[0])]
    for _ in bench.rounds(most=1):
        seen = {}
        for name, case in (("small", "case-00"), ("large", "exported")):
            to = bench.new_folder()
            words: Words = ["export", case, "--profile", "partner", "--yes", "--to", to, "--home", home]
            seen[name] = measured([*ARCHIVER, *words])[1]
            shutil.rmtree(to)
        yield seen
