"""`archiver recovery`: the keys that open the copies after a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.copies.destinations import destinations, open_place
from archiver.copies.restore import homes_at, with_keyring
from archiver.errors import ExitCode
from archiver.home.paths import given_path
from archiver.home.people import recovery_keys
from archiver.signer.age import identity_in
from archiver.signer.copy_keys import add_recovery_key, drop_recovery_key, new_recovery_key

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver recovery new /media/usb"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver recovery` takes."""
    new = parser.add_action("new", "Create a recovery key on another disk.", EXAMPLE)
    new.add_argument(
        "where", type=given_path, metavar="FILE|DIR", help="File or folder for the key, not on this machine's disk."
    )
    add = parser.add_action(
        "add", "Add a recovery key kept by somebody else.", 'archiver recovery add "$(cat colleague.pub)"'
    )
    add.add_argument("key", metavar="age1…", help="Public half of the key.")
    drop = parser.add_action("drop", "Drop a lost recovery key.", 'archiver recovery drop "$(cat colleague.pub)"')
    drop.add_argument("key", metavar="age1…", help="Public half of the key.")
    parser.add_action("list", "List the public halves of the recovery keys.", "archiver recovery list")
    example = "archiver recovery check /media/usb/archiver-recovery.age-key"
    check = parser.add_action("check", "Check that a key opens the copies today.", example)
    check.add_argument("file", type=given_path, metavar="FILE", help="File with the recovery key.")


def run(context: Context) -> int:
    """Carry out one action on the recovery keys. Exit code 5 where a key opens nothing."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    if arguments.action == "new":
        public = new_recovery_key(home.path, arguments.where)
        console.say(f"recovery key written; its public half is {public}")
        console.say(
            "Keep it where neither this machine nor the copies are, and a second one elsewhere: one key, one place"
        )
        console.say("can be lost. Whoever has it and the copies can read everything. Now: archiver sync")
        console.data({"recovery": public})
        return 0
    if arguments.action == "check":
        return _recovery_check(context, home)
    if arguments.action == "add":
        add_recovery_key(home.path, arguments.key)
        console.say(f"{arguments.key} will open the copies from the next `archiver sync` on")
    elif arguments.action == "drop":
        drop_recovery_key(home.path, arguments.key)
        console.say(f"{arguments.key} does not open copies made from now on. It still opens earlier ones:")
        console.say("if it is in the wrong hands, use another destination, or dispose of the old keyrings there.")
    for key in recovery_keys(home.path):
        console.say(f"recovery key {key}")
        console.data({"recovery": key})
    if not recovery_keys(home.path):
        console.say(
            "no recovery key: if this machine is lost, encrypted copies cannot be opened. archiver recovery new DIR"
        )
    return 0


def _recovery_check(context: Context, home: Home) -> int:
    """Whether a recovery key that somebody holds would open the copies today."""
    keys = identity_in(context.arguments.file)
    code = ExitCode.OK
    for one in destinations(home, []):
        place = open_place(home, one)
        found, _ = homes_at(place.vault.store, keys)
        mine = [item for item in found if item.mark == place.vault.home]
        ring = bool(mine) and bool(with_keyring(mine[0], keys)[1])
        context.console.say(f"{one.name}: {'opens the copies' if ring else 'does NOT open the copies'}")
        context.console.data({"destination": one.name, "opens": ring})
        code = code if ring else ExitCode.CHECK_FAILED
    return code
