"""What every package of this release holds unchanged: pages, the profile of the bag, check.py."""

from __future__ import annotations

from pathlib import Path

from archiver.export.profiles import PROFILES
from archiver.export.templates import FIXED, fixed_text
from storage.digest import sha256_hex

_HERE = Path(__file__).parent


def released_texts() -> dict[str, str]:
    """Return the SHA-256 of each text that says the same in every package: `NAME`, or `PROFILE NAME` where it differs by that."""
    fixed = {f"{profile} {name}": fixed_text(name, profile) for profile in PROFILES for name in FIXED}
    fixed["bagit-profile.json"] = (_HERE / "bagit-profile.json").read_bytes()
    return {name: sha256_hex(data) for name, data in fixed.items()}


def released() -> dict[str, str]:
    """Return the same with check.py, which itself holds the digests of the texts."""
    return {**released_texts(), "check.py": sha256_hex((_HERE / "check.py").read_bytes())}
