"""A trial that fails is reported, and leaves nothing to the next."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import parts
from benchmarks import run as running
from benchmarks.bench import Bench
from benchmarks.registry import Part, Row, Trial, at_most
from benchmarks.results import Result, read

PART = Part("part", "Part")


def row_of(name: str, peer: str = "") -> Row:
    return Row(name=name, what=name, ours=name, unit="s", reason="Why.", peer=peer, against=peer,
               goal=at_most(9, "value"))  # fmt: skip


def trial_of(*rows: Row) -> Trial:
    def measure(bench: Bench) -> object: ...

    return Trial(PART, measure, rows)  # type: ignore[arg-type]


def ended(tmp_path: Path, code: str, *rows: Row) -> list[Result]:
    """What is known of rows whose trial is this program."""
    said = tmp_path / "said.jsonl"
    words = [sys.executable, "-c", f"import json, os, sys; said = open({str(said)!r}, 'a')\n{code}"]
    return [result for _, result in running.measured(trial_of(*rows), words, said)]


def test_the_rounds_of_a_trial_are_gathered(tmp_path: Path) -> None:
    lines = [{"series": {"a": 1, "p": 2}}, {"missing": "no aws"}, {"series": {"a": 3}}, {"missing": "no aws"}]
    code = "\n".join(f"print({json.dumps(line)!r}, file=said)" for line in lines)
    assert ended(tmp_path, code, row_of("a", "p"), row_of("b")) == [
        Result("part.a", [1, 3], [2], missing="no aws"),
        Result("part.b", missing="no aws"),
    ]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemExit('first\\nexpected a server, found none')", "expected a server, found none"),
        ("assert 1 == 2, 'they differ'", "AssertionError: they differ"),
        ("os.abort()", "ended with -6"),
    ],
)
def test_a_trial_that_fails_says_why(tmp_path: Path, code: str, why: str) -> None:
    (result,) = ended(tmp_path, code, row_of("a"))
    assert result.error == why


def test_what_a_trial_started_ends_with_it(tmp_path: Path) -> None:
    left = "import subprocess; child = subprocess.Popen(['sleep', '600'])\n"
    (result,) = ended(tmp_path, f"{left}print(json.dumps({{'series': {{'a': child.pid}}}}), file=said)", row_of("a"))
    until = time.monotonic() + 10
    while running_still(int(result.ours[0])) and time.monotonic() < until:
        time.sleep(0.02)
    assert not running_still(int(result.ours[0]))


def running_still(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_failed_row_does_not_stop_the_others_and_shows_in_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [trial_of(row_of(name)) for name in ("bad", "good")]
    answers = {"bad": Result("part.bad", error="it broke"), "good": Result("part.good", [1.0])}

    def measured(trial: Trial, words: list[str], said: Path) -> list[tuple[Row, Result]]:
        return [(row, answers[row.name]) for row in trial.rows]

    monkeypatch.setattr(running, "measured", measured)
    monkeypatch.setattr(parts, "all_trials", lambda: trials)
    monkeypatch.setattr(command, "all_trials", lambda: trials)
    kept = tmp_path / "kept.json"
    assert command.main(["part", "--json", str(kept)]) == 1
    said = capsys.readouterr()
    assert "failed: it broke" in said.out
    assert "part.good" in said.out
    assert "not whole: part.bad" in said.err
    assert {result.row for result in read(kept)[0].results} == {"part.bad", "part.good"}
    answers["bad"] = Result("part.bad", [1.0])
    assert command.main(["part", "--rounds", "2"]) == 0
    with pytest.raises(SystemExit, match="the same size"):
        command.main(["part", "--small", "--json", str(kept)])


def test_a_missing_peer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing: list[str] = []
    monkeypatch.setitem(__import__("benchmarks.bench").bench.PEERS, "aws", ".venv-none/bin/aws")
    bench = Bench(tmp_path, tmp_path, 5, True, missing.append)
    assert bench.peer("aws") is None
    assert missing == ["aws is not installed; scripts/setup.sh bench installs it"]
    with pytest.raises(SystemExit, match="nosuchprogram is not installed"):
        bench.need("nosuchprogram")


def test_rounds_and_sizes(tmp_path: Path) -> None:
    def ignore(what: str) -> None: ...

    assert list(Bench(tmp_path, tmp_path, 5, False, ignore).rounds(most=3)) == [0, 1, 2]
    assert [Bench(tmp_path, tmp_path, 5, small, ignore).size(250) for small in (False, True)] == [250, 2]
