"""How pages of no platform say that they are not to be had: what is said on any site. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.walls.wordings import rows

WORDINGS = tuple(
    Wordings(
        place=f"{', '.join(row.places)} of a page without an article, as a whole ({row.language})",
        source=row.source,
        rows=tuple(Wording(words, row.outcome, row.kind) for words in dict.fromkeys(row.words)),
    )
    for row in rows()
)
