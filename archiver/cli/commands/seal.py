"""`archiver seal`: a round of timestamping, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli.arguments import add_case
from archiver.errors import ConfigError, ExitCode
from archiver.home.home import Home
from archiver.home.paths import given_output
from archiver.seal.kept_stamps import stamps
from storage.files import write_synced

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = ("archiver seal", "archiver seal --write checkpoint.txt")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver seal` takes."""
    add_case(parser, "Connect through the proxy of this case; repeatable.")
    write = "Write the latest checkpoint to this file, for counsel or a partner."
    parser.add_argument("--write", type=given_output, metavar="FILE", help=write)


def run(context: Context) -> int:
    """Have the latest checkpoint timestamped, complete what is owed, renew what will expire."""
    from archiver.cli.runtime import shown, tell
    from archiver.seal.timestamps import service_client, stamp_latest

    arguments, console, home = context.arguments, context.console, context.recovered_home()
    if arguments.write is not None:
        return _hand_out(context, home)
    if not home.config.timestamps.wanted:
        raise ConfigError(
            "timestamping to be allowed",
            "[timestamps] wanted = false: authorities were not allowed at set-up",
            f"Set wanted = true in {home.path / 'archiver.toml'}; they see a digest, the time and your IP address (or the proxy's).",
        )
    report = stamp_latest(home, context.signer(home), service_client(home, arguments.case, context.network))
    tell(console, report)
    kept = stamps(home)
    count = home.catalog.count_captures()
    done = home.catalog.count_captures(max((stamp.size for stamp in kept if stamp.time is not None), default=0))
    owed = sorted({stamp.size for stamp in kept if stamp.owed})
    console.say(f"{done} of {count} captures are timestamped" + ("" if done == count else " · NOT ALL"))
    if owed:
        console.say(f"pending: OpenTimestamps, checkpoints: {len(owed)}; run `archiver seal` again in a few hours")
    console.data(
        {
            "checkpoint": report.size, "captures": count, "timestamped": done, "owed": owed,
            "renewed": report.renewed, "troubles": report.troubles, "notes": report.notes,
            "stamps": [shown(stamp) for stamp in report.new],
        }
    )  # fmt: skip
    return ExitCode.FAILED if report.troubles else ExitCode.OK


def _hand_out(context: Context, home: Home) -> int:
    """The latest checkpoint as a file for counsel or a partner: whoever holds it binds all history up to it."""
    path = context.arguments.write
    checkpoint = home.ledger.checkpoint()
    write_synced(path, (home.path / "ledger" / "checkpoints" / str(checkpoint.size)).read_bytes())
    context.console.say(f"checkpoint of {checkpoint.size} events written to {path}")
    context.console.say(
        "Give it to somebody outside. Later: archiver check --checkpoint FILE, or check.py --checkpoint FILE"
    )
    context.console.data({"checkpoint": checkpoint.size, "file": str(path)})
    return 0
