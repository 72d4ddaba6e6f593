"""Opening a destination: its store, what the store was seen to do, and this home's vault in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.copies.vault import Vault
from archiver.errors import ConfigError, NotFound
from archiver.home.copies_config import Destination, folder_of, refuse_to_show_our_address
from archiver.home.people import home_mark, recovery_keys
from archiver.signer.copy_keys import copies_identity, names_key
from storage.digest import keyed
from storage.files import write_synced
from storage.objects import FolderStore, ObjectStore
from storage.times import utc_parse, utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home

PROBE_AGAIN = timedelta(days=30)


@dataclass(frozen=True)
class Place:
    """A destination that answered. `weak`: what it does not do, in words."""

    destination: Destination
    vault: Vault
    locks: bool
    weak: tuple[str, ...] = ()


def destinations(home: Home, named: list[str]) -> list[Destination]:
    """Return the destinations that are named, or all where none is. Raises `ConfigError`, `NotFound`."""
    known = {one.name: one for one in home.config.copies.destinations}
    if not known:
        raise ConfigError(
            "a destination for copies in archiver.toml", "none", 'Set [copies] second = "/media/disk" or s3://bucket.'
        )
    for name in named:
        if name not in known:
            raise NotFound(f"a destination {name!r}", ", ".join(known), "Name one of these, or correct archiver.toml.")
    return [known[name] for name in (named or known)]


def open_place(home: Home, one: Destination, writing: bool = True) -> Place:
    """Open the store of a destination. Raises `ConfigError`, `NotFound`, `StoreError`, `DiskError`."""
    refuse_to_show_our_address(one, home.config.proxy)
    if writing and not one.own and not recovery_keys(home.path):
        raise ConfigError(
            f"a recovery key, needed to encrypt for {one.name}",
            "none",
            "Create one on another disk: archiver recovery new /media/usb",
        )
    origin = home.ledger_key.name
    if one.own:
        names, opens, mark = None, [], home_mark(origin)
    else:
        names, opens = names_key(home.path), [copies_identity(home.path)]
        mark = keyed(names, b"home").hex()[:16]
    found = store_of(one, home.path, home.config.copies.bandwidth)
    locks, weak = False, []
    if one.bucket:
        abilities = _abilities(home, one, found)
        locks = abilities["lock"] and abilities["versions"]
        if not abilities["conditions"]:
            weak.append("overwrites files, so archiver looks before each upload")
        if not abilities["checksums"]:
            weak.append("does not check SHA-256, so archiver reads everything back")
        if not abilities["versions"]:
            weak.append("keeps no versions")
    elif writing and not folder_of(one, home.path).is_dir():
        raise NotFound(
            f"the folder {folder_of(one, home.path)} of the destination {one.name}",
            "none",
            "Connect the disk; for a first copy, create the folder.",
        )
    if not locks:
        weak.append("knows no locks")
    outgoing = home.path / "outgoing" / one.name
    return Place(one, Vault(found, mark, names, opens, outgoing), locks, tuple(weak))


def store_of(one: Destination, base: Path, bandwidth: int | None = None) -> ObjectStore:
    """Make the store alone, without asking the server what it can do.

    boto3 is imported here: it takes its time.
    """
    if one.bucket is None:
        return FolderStore(folder_of(one, base))
    from storage.s3 import Abilities, Options, S3Store

    bucket, prefix = one.bucket
    options = Options(one.proxy, one.profile, one.sse, one.kms_key, bandwidth)
    nothing = Abilities(False, False, False, False)
    return S3Store(bucket, prefix, one.endpoint or None, one.region or None, nothing, options=options)


def _abilities(home: Home, one: Destination, store: Any) -> dict[str, bool]:
    """Return what the server was seen to do; it is probed again every month, and where the settings changed."""
    from storage.s3 import Abilities

    path = home.path / "outgoing" / f"{one.name}.json"
    settings = [one.where, one.endpoint, one.region, one.sse]
    try:
        value = json.loads(path.read_bytes())
        fresh = utc_parse(value["looked"]) + PROBE_AGAIN > home.clock()
        if fresh and value["settings"] == settings:
            store.abilities = Abilities(**value["abilities"])
            return dict(value["abilities"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not looked at yet
    found = asdict(store.probe())
    facts = {"looked": utc_text(home.clock()), "settings": settings, "abilities": found}
    write_synced(path, json.dumps(facts, indent=1).encode())
    return found


def at(place: Place, change: Callable[[ObjectStore], ObjectStore]) -> Place:
    """Return the same place with another store, for tests that put one in between."""
    vault = place.vault
    changed = Vault(change(vault.store), vault.home, vault.names, vault.opens, vault._outgoing)
    return replace(place, vault=changed)
