"""Who handed material over, in what way, and what its source agreed to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.errors import UsageError
from archiver.home.cases import DEFAULT_CASE

CONSENT = ("hold", "court", "publish", "name")
"""What a source can agree to: that we hold it, show it to a court, publish it, name the source."""
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_CHANNEL = re.compile(r"[\w .-]{1,40}")


@dataclass(frozen=True)
class HandOver:
    """Hand-over of material: by whom, in what way, with whose consent, and for which cases.

    `source` is a pseudonym. Raises `UsageError` where it is none, or where the way it came is not said in a word or
    two.
    """

    source: str
    via: str
    consent: Mapping[str, bool | None]
    """What the source agreed to; None where nobody asked."""
    cases: tuple[str, ...] = (DEFAULT_CASE,)

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source) or len(re.findall(r"\d", self.source)) > 6:
            raise UsageError(
                "a pseudonym for the source, like S-014", "another form",
                "Use letters, digits and dashes. Keep the list of who is who outside this program.",
            )  # fmt: skip
        if not _CHANNEL.fullmatch(self.via):
            raise UsageError("how it arrived, like signal or usb", repr(self.via), "Name it in a word or two.")

    def details(self, capture: str) -> list[dict[str, Any]]:
        """Return the annotations of the capture: the source, and the consent."""
        about = {"capture": capture}
        agreed = {name: value for name, value in self.consent.items() if value is not None}
        words = ", ".join(f"{name}: {'yes' if value else 'no'}" for name, value in agreed.items()) or "not asked"
        return [
            {
                "kind": "source",
                "about": about,
                "text": f"{self.source} via {self.via}",
                "source": self.source,
                "via": self.via,
            },
            {"kind": "consent", "about": about, "text": words, "consent": dict(self.consent)},
        ]


def consent_of(given: list[str], refused: list[str]) -> dict[str, bool | None]:
    """Read what the source agreed to; None where nobody asked. Raises `UsageError`."""
    said: dict[str, bool | None] = dict.fromkeys(CONSENT)
    for words, value in ((given, True), (refused, False)):
        for name in (part.strip() for text in words for part in text.split(",") if part.strip()):
            if name not in CONSENT:
                raise UsageError(f"consent to any of {', '.join(CONSENT)}", repr(name), "Choose from these.")
            if said[name] is not None and said[name] is not value:
                raise UsageError(f"consent to {name!r} given or refused", "both", "Say one of the two.")
            said[name] = value
    return said
