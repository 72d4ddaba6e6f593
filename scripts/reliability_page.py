"""Writes docs/reference/reliability.json and docs/reference/reliability.md: what the long campaigns tried, how often, and what came out.

`make soak` calls it at its end. The results of one machine are in `.soak/results.jsonl`; of each part, the newest run at one
commit with one seed goes into docs/reference/reliability.json, and the page is made of that. `--page` makes the page alone.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS, HELD, PAGE = (
    ROOT / ".soak" / "results.jsonl",
    ROOT / "docs" / "reference" / "reliability.json",
    ROOT / "docs" / "reference" / "reliability.md",
)

PARTS = {
    "commands": "kill -9 of every command that writes, at a chosen call (the tenth `rename`, the third `fsync`) or at a random moment. Then "
    "another command writes, everything is checked, and the command is given again. Among them: a rotation of keys, evicted files coming "
    "back, restoring, and bringing the catalog, the state and the queue of an earlier release up to date.",
    "faults": "A call that writes fails during a command: EIO, ENOSPC, EROFS, ENOLCK or EACCES from opening, writing, syncing, renaming, "
    "removing, locking or making folders, once or from then on, SQLite's calls among them. The command must say what to do; then as above.",
    "power": "Power cuts: an ext4 file system is copied as it lies on its device, in the middle of a command, right after it, or after a kill "
    "and a recovery; the copy is mounted and continued.",
    "rotation": "A rotation of keys beside notes, captures, recoveries, passphrases, checks and a second rotation, step by step in chosen "
    "orders, with up to two of them killed. After each step the private key that the ledger was handed over to is there.",
    "damage": "Damage to the folder of a capture that was still open: zeros, cuts, turned bits, other bytes, missing and strange files. "
    "What can still be read is kept; every other command works; the rest is listed as lost or set aside.",
    "kill": "kill -9 of captures, crawls and notes one after the other in the same home: each exchange that a client saw completed is kept.",
    "copies": "kill -9 of work with copies (receive, sync, evict, bring back, dispose, fixity, rebuild), and each call to a store failing in "
    "each way. At the end the home is restored from its copies alone.",
    "media": "kill -9 while large files are fetched and assembled.",
    "walks": "kill -9 during a crawl of 10,000 posts: each page is asked for once, each post is kept once.",
    "telegram": "kill -9 and cut connections during a history that is read with an account.",
    "machines": "2,000 jobs on three machines that are killed and cut off from each other.",
    "week": "2,000 posts watched for a simulated week.",
    "watched": "1,000 random changes to a watched channel; each is noticed.",
    "walls": "Pages of others, none of which is a login wall; none may be taken for one.",
    "secrets": "Some 280 secrets in 31 spellings, repeated by a server in each part of its answers, and searched for in all that is "
    "written and said.",
    "planted": "10,000 values planted wherever something can be withheld (accounts in danger, links, metadata, masked words, notes, reasons), "
    "and searched for in 31 spellings in every file of packages of each profile.",
    "joining": "200 posts, 50 of them without words, in two packages for the public and one for a partner; an attacker joins items by every "
    "field, order, size, length and count.",
    "mutations": "Recorded answers of platforms, changed at random: a parser gives posts or a reason, and invents nothing.",
    "parsers": "Generated input for parsers of links, lists and pages.",
    "browser": "A file of 6 GB in check.html, in Chromium: the digest that it computes is the one of openssl.",
    "formats": "Generated input for the ledger, WARC and canonical JSON.",
}
"""Every part of `make soak`: what it tries."""

WITHOUT_HARM = (
    "week",
    "watched",
    "walls",
    "secrets",
    "planted",
    "joining",
    "mutations",
    "parsers",
    "browser",
    "formats",
)
"""Parts in which nothing is killed or damaged."""

HEAD = """\
# Reliability: what was tried

For the technical colleagues of those who rely on this program. The campaigns below do harm on
purpose (some only give strange input), and then ask three questions. Is anything **lost** that was
sealed, or said to be? Is anything **stuck**: does the next command work, and the same command given
again? Does `archiver check` **find** damage? The right answer is 0, 0 and 0.

`make soak` runs the campaigns (`make soak PART=power` one of them, `SEED=1` with other random
choices) and writes this page from [reliability.json](reliability.json). A row states what was
really done, at which commit, with which seed, and when; of a campaign that was cut off, what it had
done by then. A campaign with no row has not been run since this page has been kept.

## What came out

"""
SHOWS = """
## What this shows, and what it does not

**It shows** how the program behaved in so many cases on Linux, on one machine, with its own
miniature platforms. Where nothing went wrong in *n* independent cases, the chance that one more
goes wrong is below about 3/*n* (with 95 % confidence): for 100 cases 3 %, for 1,000 cases 0.3 %.
That counts for the kinds of harm that are listed here, with the frequencies at which they were
chosen, and for nothing else.

**It does not show:**

- disks that lose what they said was written, and sectors torn in the middle: the power cuts are
  those of a disk that keeps its promises, under ext4. Other file systems keep other orders;
- by kills alone, that anything is on the disk: the kernel lives on, and writes what was never
  synced. Only the power cuts show what syncing is for;
- faults of memory and of processors, and damage that nobody has thought of;
- faults in two places at once, beyond those that are listed;
- Windows and macOS;
- that a platform answers tomorrow as it does today.

A campaign that finds something is not repeated until it passes: the fault is mended, a test of its
kind is added, the changelog says so, and the campaign is run again.

## What each campaign does

"""


def summary(results: list[dict[str, Any]], held: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be kept: of each part its newest run, one of `results` where there is one, else as `held`.

    A run is one commit with one seed. Results of files that differ from their commit count for nothing.
    """
    kept = dict(held)
    clean = [one for one in results if not one["commit"].endswith("+")]
    for part in PARTS:
        mine = [one for one in clean if part in one.get("parts", ())]
        if not mine:
            continue
        newest = max(mine, key=lambda one: one["ended"])
        run = [one for one in mine if (one["commit"], one["seed"]) == (newest["commit"], newest["seed"])]
        last = {one["test"]: one for one in run}
        tried = Counter[str]()
        for one in last.values():
            tried.update(one.get("tried", {}))
        outcomes = Counter(one["outcome"] for one in last.values())
        found = {
            "commit": newest["commit"], "seed": newest["seed"], "day": newest["ended"][:10],
            "tests": outcomes.total() - outcomes["skipped"], "passed": outcomes["passed"], "tried": dict(sorted(tried.items())),
            "ended": newest["ended"],
        }  # fmt: skip
        if found["tests"] and found["ended"] >= kept.get(part, {}).get("ended", ""):
            kept[part] = found
    return {part: kept[part] for part in PARTS if part in kept}


def page(held: dict[str, Any]) -> str:
    """Return the page for what is held."""
    rows = [
        "| campaign | what was done, and how often | came out | seed | commit | day |",
        "|---|---|---|---|---|---|",
        *(_row(part, run) for part, run in held.items()),
    ]
    missing = [f"`{part}`" for part in PARTS if part not in held]
    left = f"\nNot run since this page has been kept: {', '.join(missing)}.\n" if missing else ""
    told = "\n".join(
        textwrap.fill(f"- `{part}`: {text}", 100, subsequent_indent="  ", break_on_hyphens=False)
        for part, text in PARTS.items()
    )
    table = "\n".join(rows)
    return f"{HEAD}{table}\n{_wrapped(left)}{SHOWS}{told}\n"


def _wrapped(text: str) -> str:
    return f"\n{textwrap.fill(text.strip(), 100)}\n" if text else ""


def _row(part: str, run: dict[str, Any]) -> str:
    tried = ", ".join(f"{times:,} × {what}" for what, times in run["tried"].items()) or f"{run['tests']:,} tests"
    if len(run["tried"]) > 3:
        tried = f"{sum(run['tried'].values()):,} in all: {tried}"
    failed = run["tests"] - run["passed"]
    right = "nothing wrong" if part in WITHOUT_HARM else "0 lost, 0 stuck, 0 found"
    came = f"something was wrong in {failed} of {run['tests']} parts of it" if failed else right
    return f"| {part} | {tried} | {came} | {run['seed']} | {run['commit'][:10]} | {run['day']} |"


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read the results that a machine keeps; a line that a kill cut off is left out."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


if __name__ == "__main__":
    before = json.loads(HELD.read_text("utf-8")) if HELD.exists() else {}
    now = before if "--page" in sys.argv else summary(read_results(RESULTS), before)
    HELD.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(page(now), "utf-8")
    print(PAGE.relative_to(ROOT))
