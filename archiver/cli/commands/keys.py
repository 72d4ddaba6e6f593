"""`archiver keys`: fingerprints, people, passphrase, rotation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import NotFound, UsageError
from archiver.home.paths import given_output
from archiver.home.people import fingerprint, key_words, new_token, people, set_locked, take_back_tokens
from archiver.signer.keyring import PASSPHRASE, require_name
from archiver.text.plain import many
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver keys fingerprint --qr"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver keys` takes."""
    summary = "List every key, its fingerprint, and whether it has a passphrase."
    parser.add_action("list", summary, "archiver keys list")
    shown = parser.add_action(
        "fingerprint", "Show the fingerprint of the ledger's key, for counsel to compare.", EXAMPLE
    )
    shown.add_argument("--qr", action="store_true", help="Also show it as a QR code.")
    summary = "Create a key for another person working in this home."
    person = parser.add_action("new", summary, "archiver keys new R-2 --role reviewer --passphrase")
    person.add_argument("name", metavar="NAME", help="Pseudonym of the person.")
    roles = ("collector", "analyst", "reviewer")
    person.add_argument("--role", choices=roles, required=True, help="Role of the person.")
    secret = "Ask for a passphrase, so that nobody else can sign."
    person.add_argument("--passphrase", action="store_true", help=secret)
    sheet = parser.add_action(
        "sheet",
        "Write a sheet of QR codes to print, which restores the keys.",
        "archiver keys sheet --to recovery.html",
    )
    sheet.add_argument("--to", type=given_output, required=True, metavar="FILE", help="HTML file to write and print.")
    sheet.add_argument("--plain", action="store_true", help="Without a passphrase: the paper alone opens everything.")
    _add_tokens(parser)
    summary = "Create a new key for the ledger; the old one signs the hand-over."
    parser.add_action("rotate", summary, "archiver keys rotate")
    summary = "Set, change or remove the passphrase of a key."
    passphrase = parser.add_action("passphrase", summary, "archiver keys passphrase R-2")
    name = "Person whose key to protect (default: yourself, and the key of the ledger)."
    passphrase.add_argument("name", nargs="?", metavar="NAME", help=name)
    passphrase.add_argument("--none", action="store_true", help="Remove the passphrase.")


def _sheet(context: Context, home: Home) -> int:
    from archiver.signer.sheet import write_sheet

    console, arguments = context.console, context.arguments
    secret = None if arguments.plain else context.signer(home).keyring.new_passphrase()
    count = write_sheet(home.path, arguments.to, secret, utc_text(home.clock()), home.ledger_key_text())
    console.say(f"{arguments.to}: {many(count, 'QR code')}. Print it, then delete the file.")
    opens = "Whoever has it" if secret is None else "Whoever has it and its passphrase"
    console.say(f"{opens} can open every copy of this home, and sign as you. Keep it away from machine and copies.")
    console.say("Try it: archiver --home NEW restore --from WHERE --sheet FILE")
    console.data({"sheet": str(arguments.to), "codes": count, "encrypted": secret is not None})
    return 0


def _add_tokens(parser: Parser) -> None:
    """Add what concerns the HTTP interface, and a person's access to it."""
    token = parser.add_action(
        "token", "Create a person's token for the HTTP API, or take theirs back.", "archiver keys token dana"
    )
    token.add_argument("name", metavar="NAME", help="Pseudonym; it is shown with each link that they queue.")
    token.add_argument("--take-back", action="store_true", help="Take back all of their tokens; they count no more.")
    lock = parser.add_action(
        "lock", "Lock a person out of the HTTP API, or let them in again.", "archiver keys lock dana"
    )
    lock.add_argument("name", metavar="NAME", help="Pseudonym of the person.")
    lock.add_argument("--unlock", action="store_true", help="Let them in again.")
    parser.add_action("people", "List people, their tokens, and who is locked.", "archiver keys people")


def run(context: Context) -> int:
    """Carry out one action on the keys that sign. Raises `UsageError`, `NotFound`, `ConfigError`."""
    reads = context.arguments.action in ("list", "fingerprint", "people")
    home = context.home_to_read() if reads else context.recovered_home()
    actions = {
        "list": _list, "fingerprint": _fingerprint, "new": _new, "rotate": _rotate, "passphrase": _passphrase,
        "token": _token, "lock": _lock, "people": _people, "sheet": _sheet,
    }  # fmt: skip
    return actions[context.arguments.action](context, home)


def _list(context: Context, home: Home) -> int:
    keys = context.signer(home).keyring
    rows: list[tuple[str, str, Path]] = [("ledger", "signs checkpoints and packages", keys.path("ledger"))]
    rows.append((home.config.pseudonym, f"you: {home.config.role}", keys.path("person")))
    rows += [(name, role, path) for name, (role, path) in keys.people().items()]
    for name, what, path in rows:
        locked = keys.has_passphrase(path)
        context.console.say(f"{name:<20} {what:<32} {'passphrase' if locked else 'no passphrase'}")
        context.console.data({"name": name, "what": what, "passphrase": locked})
    context.console.say(f"\nledger key  {home.ledger_key_text()}")
    return _fingerprint(context, home)


def _fingerprint(context: Context, home: Home) -> int:
    console, whole = context.console, fingerprint(home.ledger_key_text())
    words = key_words(whole)
    console.say(f"fingerprint {' '.join(whole[at : at + 8] for at in range(0, 64, 8))}")
    console.say(f"in words    {' '.join(words)}")
    if getattr(context.arguments, "qr", False):
        console.art(_qr(whole))
    console.say(
        "Give it to counsel through another channel, in person or by telephone: packages are checked against it."
    )
    console.data({"key": home.ledger_key_text(), "fingerprint": whole, "words": words})
    return 0


def _qr(text: str) -> str:
    import segno

    drawn = io.StringIO()
    segno.make(text, micro=False).terminal(drawn, compact=True)
    return drawn.getvalue()


def _new(context: Context, home: Home) -> int:
    arguments = context.arguments
    keys = context.signer(home).keyring
    if arguments.name == home.config.pseudonym:
        raise UsageError("a new name", f"{arguments.name!r}, who signs with the home's own key", "Choose another.")
    secret = keys.new_passphrase() if arguments.passphrase else None
    path = keys.new_person(arguments.name, arguments.role, secret)
    context.console.say(
        f"{arguments.name} ({arguments.role}) signs with {path.relative_to(home.path)}: archiver --as {arguments.name} …"
    )
    if secret is None:
        context.console.say("Whoever can read keys/ can sign as them; --passphrase prevents that.")
    context.console.data({"person": arguments.name, "role": arguments.role, "file": str(path)})
    return 0


def _token(context: Context, home: Home) -> int:
    """Create a token, shown this once; or take back all that a person has."""
    console, name, now = context.console, context.arguments.name, utc_text(home.clock())
    require_name(name)
    if context.arguments.take_back:
        _known(home, name)
        count = take_back_tokens(home.path, name, now)
        console.say(f"{name}: {many(count, 'token')} taken back. What they queued stays.")
        console.data({"person": name, "taken_back": count})
        return 0
    token = new_token(home.path, name, now)
    console.say(token)
    console.say(f"This is the token of {name}. It is shown only now: the home keeps its digest, not the token.")
    console.say("They send it as `Authorization: Bearer …` to archiver serve --api.")
    console.data({"person": name, "token": token})
    return 0


def _lock(context: Context, home: Home) -> int:
    name, unlock = context.arguments.name, context.arguments.unlock
    _known(home, name)
    set_locked(home.path, name, None if unlock else utc_text(home.clock()))
    said = "may use the HTTP API again" if unlock else "is locked: none of their tokens counts"
    context.console.say(f"{name} {said}.")
    context.console.data({"person": name, "locked": not unlock})
    return 0


def _known(home: Home, name: str) -> None:
    names = [one.name for one in people(home.path)]
    if name not in names:
        raise NotFound(
            f"a person {name!r} with a token",
            f"people: {', '.join(names) or 'none'}",
            "List them: archiver keys people",
        )


def _people(context: Context, home: Home) -> int:
    console, found = context.console, people(home.path)
    for one in found:
        count = sum(token.taken_back is None for token in one.tokens)
        back = len(one.tokens) - count
        said = many(count, "token") + (f", {back} taken back" if back else "")
        console.say(f"{one.name:<20} {said}{f' · LOCKED since {one.locked[:19]}Z' if one.locked else ''}")
        console.data({"person": one.name, "key": one.key, "tokens": count, "taken_back": back, "locked": one.locked})
    if not found:
        console.say("nobody has a token of their own: archiver keys token NAME")
    return 0


def _rotate(context: Context, home: Home) -> int:
    old, new = context.signer(home).rotate()
    home.project()
    context.console.say("The ledger has a new key. Both keys signed the hand-over, recorded as an event.")
    context.console.say(f"old fingerprint  {fingerprint(old)}\nnew fingerprint  {fingerprint(new)}")
    context.console.say("Tell counsel the new one. Copy keys/ to a safe place again. The old key is in keys/retired/.")
    context.console.data({"old": old, "new": new, "fingerprint": fingerprint(new)})
    return 0


def _passphrase(context: Context, home: Home) -> int:
    arguments, keys = context.arguments, context.signer(home).keyring
    if arguments.name:
        people = keys.people()
        if arguments.name not in people:
            keys.person(arguments.name)  # says who there is
        paths = [people[arguments.name][1]]
    else:
        paths = [keys.path("ledger"), keys.path("person")]
    before: Any = {path: keys.open(path) for path in paths}  # asks for the old passphrase before the new one
    secret = None if arguments.none else keys.new_passphrase()
    for path in before:
        keys.lock(path, secret)
    names = ", ".join(path.name for path in paths)
    context.console.say(f"{names}: {'passphrase removed' if secret is None else 'passphrase set'}")
    context.console.say(f"Unattended runs read it from ${PASSPHRASE}.")
    context.console.data({"keys": [path.name for path in paths], "passphrase": secret is not None})
    return 0
