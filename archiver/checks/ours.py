from __future__ import annotations

from pathlib import Path

from archiver.checks.lines import Line


def check_ours(folder: Path, fingerprint: str | None, older: bytes | None) -> list[Line]:
    return []
