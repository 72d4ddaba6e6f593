"""The completion scripts of shells, which are made from the parser by scripts/shell_files.py and shipped."""

from __future__ import annotations

from pathlib import Path

FILES = {"bash": "archiver.bash", "zsh": "_archiver", "fish": "archiver.fish"}
"""The file of each shell in `completions/`; the wheel also installs them where the shells look."""


def script(shell: str) -> str:
    """Return the completion script of a shell."""
    return (Path(__file__).parent / "completions" / FILES[shell]).read_text("utf-8")
