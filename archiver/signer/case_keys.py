"""The keys of cases: whoever holds one can open what captures of the case withhold.

keys/cases/NAME.age-key   an age identity
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

import pyrage

from archiver.errors import UsageError
from archiver.home.age import recipients_of
from archiver.home.cases import CASE_NAME
from archiver.home.home import Home
from archiver.signer.age import identity_in
from archiver.signer.local import LocalSigner
from storage.errors import EvidenceError
from storage.events import Event
from storage.files import locked
from storage.key_files import write_new_key


def new_case_key(home: Path, name: str) -> str:
    """Make the age identity of a case; return its public key. Raises `UsageError` where there is one, `DiskError`."""
    identity = pyrage.x25519.Identity.generate()
    text = f"# case {name}\n# public key: {identity.to_public()}\n{identity}\n"
    path = case_key_path(home, name)
    try:
        write_new_key(home, path, text.encode())
    except FileExistsError as error:
        raise UsageError(
            f"no key of a case {name!r} yet",
            f"{path}",
            "A key is never replaced. Choose another name, or move this key away if nothing needs it.",
        ) from error
    return str(identity.to_public())


def case_key_path(home: Path, name: str) -> Path:
    """Return where the key of a case lies."""
    return home / "keys" / "cases" / f"{name}.age-key"


def new_case(home: Home, signer: LocalSigner, name: str, recipients: list[str]) -> list[str]:
    """Make a case; return its recipients, its own key first. Raises `UsageError` on a bad or taken name or key.

    Either the case has its event and its key, or neither. One process at a time makes a case.
    """
    if not CASE_NAME.fullmatch(name):
        raise UsageError("a case name of lowercase letters, digits and dashes", repr(name), "Choose another.")
    _require_free(home, name)
    recipients_of(recipients)
    signer.unlock()  # before anything is made, and before others must wait
    with locked(home.path / "keys" / ".making-a-case"):
        home.project()
        _require_free(home, name)
        everyone = [new_case_key(home.path, name), *recipients]
        with ExitStack() as undo:
            undo.callback(_drop_unrecorded, home, name, home.ledger.checkpoint().size, everyone[0])
            signer.append([Event("case", home.clock(), {"name": name, "recipients": everyone})])
            undo.pop_all()
    home.project()
    return everyone


def _require_free(home: Home, name: str) -> None:
    if any(case["name"] == name for case in home.catalog.cases()):
        raise UsageError("a new case name", f"{name!r}, which exists", "Choose another, or use that case.")


def _drop_unrecorded(home: Home, name: str, before: int, key: str) -> None:
    """Remove the key of a case that has no event; what may have one keeps it."""
    if not _may_be_recorded(home, before, key):
        case_key_path(home.path, name).unlink(missing_ok=True)


def _may_be_recorded(home: Home, before: int, key: str) -> bool:
    """Return whether an event from number `before` on names `key`, or may: it is adopted later, tree or no tree."""
    with suppress(EvidenceError):
        seq = before
        while (body := home.ledger.read_event(seq)) is not None:
            if key in body["detail"].get("recipients", ()):
                return True
            seq += 1
        return False
    return True


def case_identities(home: Path) -> list[pyrage.x25519.Identity]:
    """Open the private keys of the cases that are here. Raises `ConfigError`."""
    return [one for path in sorted((home / "keys" / "cases").glob("*.age-key")) for one in identity_in(path)]
