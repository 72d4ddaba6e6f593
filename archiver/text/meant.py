"""What a misspelt word probably meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` for the known word that is nearest to a misspelt one, or nothing."""
    from difflib import get_close_matches

    names = list(known)
    alike = [name for name in names if name.casefold() == word.casefold()]
    found = alike or get_close_matches(word, names, n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""
