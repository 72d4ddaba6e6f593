"""What tests ask of captures on disk."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Protocol

from storage.lines import read_lines


class OnHome(Protocol):
    """What runs commands on a home: a test's shell, or one that a module shares."""

    home: Path


def folder_of(shell: OnHome, result: dict[str, Any]) -> Path:
    return shell.home / str(result["folder"])


def ended(shell: OnHome, result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    lines = read_lines(folder_of(shell, result) / "inventory.jsonl")
    return {str(line["key"]): line for line in lines if "outcome" in line}


def posts(shell: OnHome, result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(line["id"]): line for line in read_lines(folder_of(shell, result) / "posts.jsonl")}


def records(shell: OnHome, result: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read_lines(folder_of(shell, result) / "records.jsonl"))


def everything(folder: Path) -> bytes:
    """All bytes of a capture, WARC files inflated, without the private record."""
    parts = []
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".gz"):
            parts.append(gzip.decompress(path.read_bytes()))
        elif not path.name.startswith("private"):
            parts.append(path.read_bytes())
    return b"".join(parts)
