"""`archiver restore`: an empty home out of the copies alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archiver.copies.destinations import store_of
from archiver.copies.restore import Restored, destination_of, restore
from archiver.copies.restore_keys import restore_keys
from archiver.errors import ExitCode, UsageError
from archiver.home.paths import given_path
from archiver.text.plain import many, size

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver restore --from s3://bucket/prefix --recovery /media/usb/archiver-recovery.age-key --home ./new"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver restore` takes."""
    where = "Folder or s3://bucket/prefix of the copies."
    parser.add_argument("--from", dest="source", metavar="WHERE", help=where)
    parser.add_argument("--recovery", type=given_path, metavar="FILE", help="File with the recovery key.")
    sheet = "File with the scanned codes of a recovery sheet; without --from, its keys return to the home at --home."
    parser.add_argument("--sheet", type=given_path, metavar="FILE", help=sheet)
    parser.add_argument("--endpoint", default="", metavar="URL", help="Endpoint of an S3 service other than Amazon's.")
    parser.add_argument("--region", default="", metavar="NAME", help="Region of the S3 bucket.")
    profile = "Profile in ~/.aws (default: credentials found by boto3)."
    parser.add_argument("--profile", default="", metavar="NAME", help=profile)
    parser.add_argument(
        "--which", metavar="MARK", help="Mark of the home to restore (sixteen letters), if several are there."
    )


def _keyring(context: Context) -> list[tuple[str, bytes]]:
    """Read the sheet that was scanned, by its passphrase where it has one. Raises `UsageError`, `CannotTell`."""
    from archiver.signer.keyring import PASSPHRASE, ask_secret
    from archiver.signer.sheet import files_on, is_encrypted

    try:
        text = context.arguments.sheet.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("a text file with the codes of the sheet", str(error), "Scan them again.") from error
    secret = context.environment.get(PASSPHRASE)
    if secret is None and is_encrypted(text) and sys.stdin.isatty():
        secret = ask_secret("Passphrase of the sheet: ")
    return files_on(text, secret)


def run(context: Context) -> int:
    """Fill an empty home from the copies. Exit code 2 where something did not come back."""
    arguments, console = context.arguments, context.console
    keyring = _keyring(context) if arguments.sheet is not None else None
    if arguments.source is None:
        if keyring is None:
            raise UsageError("--from WHERE or --sheet FILE", "neither", "Say where the copies are.")
        count = restore_keys(context.home_path, keyring)
        console.say(f"{many(count, 'file')} of the sheet written to {context.home_path}. Next: archiver check")
        console.data({"keys": True, "files": count})
        return ExitCode.OK
    source = arguments.source if "://" in arguments.source else str(given_path(arguments.source))
    place = destination_of(source, arguments.endpoint, arguments.region, arguments.profile)
    store = store_of(place, context.home_path.parent)

    def shown(done: Restored) -> None:
        console.progress_line(f"{many(done.captures, 'capture')}, {size(done.bytes)}")

    done = restore(context.home_path, store, arguments.recovery, arguments.which, shown, keyring)
    console.say(
        f"restored into {context.home_path}: {many(done.captures, 'capture')} ({size(done.bytes)}), {many(done.events, 'event')}"
    )
    console.say(f"the ledger ends at event {done.checkpoint}; all signatures and digests were checked")
    if done.withheld:
        console.say(f"{len(done.withheld)} events have no body there: they were disposed of, or no key here opens them")
    for capture, why in done.missing:
        console.warn(f"NOT RESTORED  {capture}: {why}")
    if done.keyring:
        from archiver.home.home import Home

        home = Home(context.home_path, environment=context.environment)
        home.rebuild_catalog()
        console.say("Next: archiver check. Accounts (Telegram, cookies) are not in the copies: log in again.")
    else:
        console.warn(
            "No keyring was opened: you can check and read this home, but not add to it. Give the recovery key: --recovery FILE."
        )
    console.data(
        {
            "captures": done.captures, "bytes": done.bytes, "events": done.events, "checkpoint": done.checkpoint,
            "missing": [{"capture": capture, "why": why} for capture, why in done.missing], "keys": done.keyring,
        }
    )  # fmt: skip
    return ExitCode.PARTIAL if done.missing or not done.keyring else ExitCode.OK
