"""How the toy says that a note is not to be had. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.posts import Outcome

NOTICES = Wordings(
    place="`notice` in place of a note",
    source="this test",
    rows=(
        Wording("erased by its writer", Outcome.UNAVAILABLE, "deleted by the author"),
        Wording("members", Outcome.REFUSED, "members only"),
        Wording("slow down", Outcome.BLOCKED, "rate limit"),
    ),
)
WORDINGS = (NOTICES,)
