"""What `make soak` leaves out, and what it keeps."""

from __future__ import annotations

from pathlib import Path

from tests.support.soak import done, read_results

HERE = "a" * 40


def result(test: str, outcome: str, commit: str = HERE, seed: int = 0, ended: str = "2026-11-01") -> dict[str, object]:
    return {"test": test, "outcome": outcome, "commit": commit, "seed": seed, "ended": ended}


def test_what_passed_at_this_commit_with_this_seed_is_not_run_again() -> None:
    results = [
        result("passed", "passed"),
        result("failed", "failed"),
        result("mended", "failed"),
        result("mended", "passed"),
        result("broken", "passed"),
        result("broken", "failed"),
        result("elsewhere", "passed", commit="b" * 40),
        result("other seed", "passed", seed=1),
        result("of this run", "passed", ended="2026-12-01"),
    ]
    assert done(results, HERE, 0, before="2026-11-15") == {"passed", "mended"}


def test_nothing_counts_as_done_where_files_are_changed() -> None:
    assert done([result("passed", "passed", commit=f"{HERE}+")], f"{HERE}+", 0, before="2026-11-15") == set()


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    kept = tmp_path / "results.jsonl"
    assert read_results(kept) == []
    kept.write_text('{"test": "one"}\n{"test": "tw')
    assert read_results(kept) == [{"test": "one"}]
