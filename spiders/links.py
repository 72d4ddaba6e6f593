"""Links as strangers write them: join and split them without raising. Pure and total.

Python's own functions raise `ValueError` on what cannot be a link, such as an open bracket in its host. What a page
says wrongly is no fault of ours: it is listed like any other link, and never asked for.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_REMOVED = str.maketrans("", "", "\t\r\n")
_TRIMMED = "".join(map(chr, range(0x21)))
"""What the URL Standard (4.4, basic URL parser) takes off a link's ends: C0 controls and blanks."""


def safe_join(base: str, link: str) -> str | None:
    """Resolve a link against the page it stands on, as browsers read it. Return None where it cannot be read."""
    try:
        return urljoin(base, link.translate(_REMOVED).strip(_TRIMMED))
    except ValueError:
        return None


def safe_split(link: str) -> SplitResult:
    """Split a link into its parts; all of them are empty where it cannot be read."""
    try:
        return urlsplit(link)
    except ValueError:
        return SplitResult("", "", "", "", "")
