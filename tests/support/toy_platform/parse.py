"""What the toy's answers say: `{"notes": [{"id", "text", "picture", "riddle"}]}` or `{"notice": …}`. Total."""

from __future__ import annotations

from typing import Any

from spiders.availability import absence
from spiders.json_access import dicts, load, obj, text_of
from spiders.posts import Absence, Attachment, Availability, Outcome, Parsed, Post
from tests.support.toy_platform.absence import NOTICES

PARSER = "toy/1"


def is_toy(value: Any) -> bool:
    """Whether a JSON value is one of the toy's answers."""
    return isinstance(value, dict) and ("notes" in value or "notice" in value)


def parse(data: bytes, url: str | None = None) -> Parsed:
    """Notes of an answer, or a typed reason."""
    value = obj(load(data))
    if said := text_of(value.get("notice")):
        known = NOTICES.first_in(said)
        outcome, kind = (known.outcome, known.kind) if known else (Outcome.PARTIAL, None)
        return Parsed(
            platform="toy", layout="toy/notice", outcome=outcome, reason=f"the toy says: {said}", parser=PARSER,
            absence=absence(kind, said),
        )  # fmt: skip
    posts = tuple(_note(item) for item in dicts(value.get("notes")))
    if not posts:
        return Parsed(
            platform="toy", layout="unknown", outcome=Outcome.PARTIAL, reason="no note in the answer", parser=PARSER
        )
    return Parsed(platform="toy", layout="toy/notes", posts=posts, parser=PARSER, absence=Absence(Availability.PRESENT))


def _note(item: dict[str, Any]) -> Post:
    name = text_of(item.get("id"))
    attachments = []
    if picture := text_of(item.get("picture")):
        attachments.append(Attachment("photo", picture))
    if riddle := text_of(item.get("riddle")):
        attachments.append(Attachment("riddle", extra={"question": riddle}))
    return Post(
        platform="toy", id=name, url=f"https://toy.example/{name}" if name else None, text=text_of(item.get("text")),
        attachments=tuple(attachments),
    )  # fmt: skip
