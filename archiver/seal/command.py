"""`archiver seal`, and the round of stamping that follows captures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archiver.errors import ConfigError
from archiver.home import Home
from archiver.recorder import TestNetwork
from archiver.seal.stamping import OTS, Report, Stamp, asker_for, covering, stamp_latest, stamps
from storage.files import write_synced
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli import Context
    from archiver.console import Console


def seal_command(context: Context, home: Home) -> int:
    """`archiver seal`: the latest checkpoint stamped, what is owed completed, what ends renewed."""
    arguments, console = context.arguments, context.console
    if arguments.write is not None:
        return _hand_out(context, home)
    if not home.config.timestamps.wanted:
        raise ConfigError(
            "timestamping to be allowed",
            "[timestamps] wanted = false: authorities were not allowed at set-up",
            f"Set wanted = true in {home.path / 'archiver.toml'}; they see a digest, the time and the exit's address.",
        )
    report = stamp_latest(home, asker_for(home, arguments.case, context.network))
    tell(console, report)
    kept = stamps(home)
    captures = home.catalog.captures()
    done = sum(covering(kept, row["seq"]) is not None for row in captures)
    owed = sorted({stamp.size for stamp in kept if stamp.owed})
    console.say(f"{done} of {len(captures)} captures are timestamped" + ("" if done == len(captures) else " · NOT ALL"))
    if owed:
        console.say(f"owed: OpenTimestamps, checkpoints: {len(owed)}; `archiver seal` again in some hours completes it")
    console.data(
        {
            "checkpoint": report.size, "captures": len(captures), "timestamped": done, "owed": owed,
            "renewed": report.renewed, "troubles": report.troubles, "notes": report.notes,
            "stamps": [shown(stamp) for stamp in report.new],
        }
    )  # fmt: skip
    return 4 if report.troubles else 0


def _hand_out(context: Context, home: Home) -> int:
    """The latest checkpoint as a file for counsel or a partner: whoever holds it binds all history up to it."""
    path = context.arguments.write.expanduser()
    checkpoint = home.ledger.checkpoint()
    write_synced(path, (home.path / "ledger" / "checkpoints" / str(checkpoint.size)).read_bytes())
    context.console.say(f"checkpoint of {checkpoint.size} events written to {path}")
    context.console.say(
        "Give it to somebody outside. Later: archiver check --checkpoint FILE, or check.py --checkpoint FILE"
    )
    context.console.data({"checkpoint": checkpoint.size, "file": str(path)})
    return 0


def shown(stamp: Stamp) -> dict[str, object]:
    return {
        "checkpoint": stamp.size,
        "by": stamp.name,
        "states": utc_text(stamp.time) if stamp.time else None,
        "pending": list(stamp.pending),
        "blocks": list(stamp.blocks),
    }


def tell(console: Console, report: Report) -> None:
    """A line for each proof that came, and for each that did not."""
    for stamp in report.new:
        if stamp.name != OTS:
            time = utc_text(stamp.time)[:19] + "Z" if stamp.time else "time unknown"
            console.say(f"  stamped   checkpoint {stamp.size} by {stamp.name}: {time}")
        elif stamp.blocks:
            console.say(
                f"  stamped   checkpoint {stamp.size} by Bitcoin block {stamp.blocks[0]}, as the calendar says; "
                "its header is not checked here"
            )
        else:
            console.say(
                f"  owed      checkpoint {stamp.size} by OpenTimestamps: pending at {len(stamp.pending)} calendars"
            )
    if report.renewed:
        console.say(f"  renewed   {report.renewed} tokens whose certificates will end")
    for name, why in report.troubles.items():
        console.warn(f"  ! {name}: {why}; `archiver seal` asks again")
    for text in report.notes:
        console.warn(f"  ! {text}")


def after_captures(home: Home, console: Console, cases: Iterable[str], network: TestNetwork | None) -> None:
    """The round that follows captures where set-up allowed it. A failure is told and takes nothing from the captures."""
    if not home.config.timestamps.wanted:
        return
    report = stamp_latest(home, asker_for(home, cases, network))
    tell(console, report)
    if report.new or report.troubles:
        console.data({"stamps": [shown(stamp) for stamp in report.new], "troubles": report.troubles})
