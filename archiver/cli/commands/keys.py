"""`archiver keys`: fingerprints, people, passphrase, rotation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError
from archiver.home.people import fingerprint, key_words
from archiver.signer.keyring import PASSPHRASE

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
    summary = "Create a new key for the ledger; the old one signs the hand-over."
    parser.add_action("rotate", summary, "archiver keys rotate")
    summary = "Set, change or remove the passphrase of a key."
    passphrase = parser.add_action("passphrase", summary, "archiver keys passphrase R-2")
    name = "Person whose key to protect (default: yourself, and the key of the ledger)."
    passphrase.add_argument("name", nargs="?", metavar="NAME", help=name)
    passphrase.add_argument("--none", action="store_true", help="Remove the passphrase.")


def run(context: Context) -> int:
    """Carry out one action on the keys that sign. Raises `UsageError`, `NotFound`, `ConfigError`."""
    reads = context.arguments.action in ("list", "fingerprint")
    home = context.home_to_read() if reads else context.recovered_home()
    actions = {"list": _list, "fingerprint": _fingerprint, "new": _new, "rotate": _rotate, "passphrase": _passphrase}
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
