"""The question before anything of a protected source is written out of the home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archiver.errors import UsageError
from archiver.text.plain import harmless, many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.cli.console import Console


def ask_for_sources(console: Console, accounts: Sequence[str]) -> None:
    """Ask whether files of protected sources shall be written. Raises `UsageError` unless somebody says yes."""
    named = ", ".join(harmless(name) for name in accounts[:4])
    question = f"Files of {many(len(accounts), 'account')} marked as a source are among them: {named}."
    if not console.as_json and sys.stdin.isatty():
        console.say(question)
        try:
            if input("Write them too? yes/no [no] ").strip().lower() in ("y", "yes"):
                return
        except EOFError:
            pass
    raise UsageError("a yes on the terminal, or --yes", f"neither. {question}", "Nothing was written.")
