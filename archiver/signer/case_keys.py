"""The keys of cases: whoever holds one can open what captures of the case withhold.

keys/cases/NAME.age-key   an age identity
"""

from __future__ import annotations

from pathlib import Path

import pyrage

from archiver.errors import UsageError
from archiver.home.age import recipients_of
from archiver.home.cases import CASE_NAME
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.signer.age import identity_in
from storage.events import Event
from storage.files import write_synced


def new_case_key(home: Path, name: str) -> str:
    """Make the age identity of a case; return its public key. Raises `DiskError`."""
    identity = pyrage.x25519.Identity.generate()
    text = f"# case {name}\n# public key: {identity.to_public()}\n{identity}\n"
    write_synced(home / "keys" / "cases" / f"{name}.age-key", text.encode(), 0o600)
    return str(identity.to_public())


def new_case(home: Home, signer: Signer, name: str, recipients: list[str]) -> list[str]:
    """Make a case; return its recipients, its own key first. Raises `UsageError` on a bad or taken name or key."""
    if not CASE_NAME.fullmatch(name):
        raise UsageError("a case name of small letters, digits and dashes", repr(name), "Choose another.")
    if any(case["name"] == name for case in home.catalog.cases()):
        raise UsageError("a new case name", f"{name!r}, which exists", "Choose another, or use that case.")
    recipients_of(recipients)
    everyone = [new_case_key(home.path, name), *recipients]
    signer.append([Event("case", home.clock(), {"name": name, "recipients": everyone})])
    home.project()
    return everyone


def case_identities(home: Path) -> list[pyrage.x25519.Identity]:
    """Open the private keys of the cases that are here. Raises `ConfigError`."""
    return [one for path in sorted((home / "keys" / "cases").glob("*.age-key")) for one in identity_in(path)]
