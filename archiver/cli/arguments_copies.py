"""Arguments of the commands about copies: sync, recovery, restore, fixity, evict, triage, lock, dispose."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from archiver.home.paths import given_path

Command = Callable[..., argparse.ArgumentParser]


def add_commands(command: Command, common: argparse.ArgumentParser) -> None:
    """`command`: makes a parser of a name, a summary and an example."""
    sync = command("sync", "copy what was sealed to the other places, and lock it there", "archiver sync")
    sync.add_argument("--to", action="append", default=[], metavar="NAME", help="only to this destination; repeatable")
    sync.add_argument("--status", action="store_true", help="how much is copied where; changes nothing")
    sync.add_argument(
        "--from",
        dest="source",
        metavar="NAME",
        help="bring what others of the team keep at this destination, of cases whose keys are here; read-only",
    )

    recovery = command("recovery", "the key that brings everything back", "archiver recovery new /media/usb")
    deeds = recovery.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = deeds.add_parser("new", help="make one, on another disk", parents=[common])
    new.add_argument("where", type=given_path, metavar="FILE|DIR")
    for name, text in (("add", "one that somebody else keeps"), ("drop", "one that was lost")):
        deed = deeds.add_parser(name, help=text, parents=[common])
        deed.add_argument("key", metavar="age1…")
    deeds.add_parser("list", help="the public keys", parents=[common])
    check = deeds.add_parser("check", help="does this key open the copies?", parents=[common])
    check.add_argument("file", type=given_path, metavar="FILE")

    restore = command(
        "restore",
        "an empty home out of the copies alone",
        "archiver restore --from s3://bucket/prefix --recovery /media/usb/archiver-recovery.age-key --home ./new",
    )
    restore.add_argument(
        "--from", dest="source", required=True, metavar="WHERE", help="a folder, or s3://bucket/prefix"
    )
    restore.add_argument("--recovery", type=given_path, metavar="FILE", help="the recovery key")
    restore.add_argument("--endpoint", default="", metavar="URL", help="of S3 that is not Amazon's")
    restore.add_argument("--region", default="")
    restore.add_argument("--profile", default="", help="of ~/.aws; else boto3's usual chain")
    restore.add_argument("--which", metavar="MARK", help="which home, where several lie there")

    fixity = command(
        "fixity",
        "read everything back, here and at the copies, and sign what was found",
        "archiver fixity --sample 100",
    )
    fixity.add_argument("what", nargs="?", metavar="ID|CASE", help="default: everything")
    fixity.add_argument("--older-than", type=float, metavar="DAYS", help="only what was not read for so many days")
    fixity.add_argument("--sample", type=int, metavar="N", help="only N captures, by chance")
    fixity.add_argument("--to", action="append", default=[], metavar="NAME", help="only this destination; repeatable")
    where = fixity.add_mutually_exclusive_group()
    where.add_argument("--local", action="store_true", help="only what is here")
    where.add_argument("--remote", action="store_true", help="only the copies")
    fixity.add_argument("--repair", action="store_true", help="bring back what is damaged from another copy")

    evict = command("evict", "free the disk of large files that lie safely elsewhere", "archiver evict almaty")
    evict.add_argument("what", nargs="+", metavar="ID|CASE")
    evict.add_argument("--back", action="store_true", help="fetch them back")
    evict.add_argument("--copies", type=int, default=1, metavar="N", help="how many places must hold it (default 1)")

    triage = command(
        "triage", "say that somebody looked at it, and that its copies may be locked", "archiver triage almaty"
    )
    triage.add_argument("what", metavar="ID|CASE")
    triage.add_argument("words", nargs="*", metavar="TEXT")

    lock = command(
        "lock", "how copies of a case are locked", "archiver lock almaty --hold --because 'proceedings opened'"
    )
    lock.add_argument("case", metavar="CASE")
    lock.add_argument("mode", nargs="?", metavar="governance|compliance")
    lock.add_argument(
        "--days", type=int, metavar="N", help="from the day of triage (default: lock_days of the settings)"
    )
    lock.add_argument("--hold", action=argparse.BooleanOptionalAction, help="a legal hold: until it is lifted")
    lock.add_argument("--because", required=True, metavar="TEXT")
    lock.add_argument("--yes", action="store_true", help="compliance is meant: nobody can undo it before its time")

    dispose = command(
        "dispose",
        "put away what must not be kept, here and at the copies; takes two people",
        "archiver dispose 9k2mv7qd --basis 'unlawful to hold: § 184b StGB'",
    )
    dispose.add_argument("id", nargs="?", metavar="ID")
    dispose.add_argument("--basis", metavar="TEXT", help="the legal basis; it stays in the ledger")
    dispose.add_argument(
        "--confirm", action="store_true", help="as the second person: archiver --as NAME dispose ID --confirm"
    )
    dispose.add_argument("--with-notes", action="store_true", help="also the words of annotations about it")
    dispose.add_argument("--yes", action="store_true", help="what will be destroyed was read and is meant")
