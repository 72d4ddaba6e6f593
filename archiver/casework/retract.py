"""Retracting what was said: a new event, which the retracted one outlives; both stay in the ledger and in packages.

Words that protect somebody do not go as easily as they came: only a reviewer retracts them, and a quarantine never the
person who set it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.lookup.retracted import RETRACTION
from storage.events import Event
from storage.ledger import Sealed

PROTECTS = ("quarantine", "sensitivity", "author", "source", "consent", "review")


def retract(home: Home, signer: Signer, seqs: Sequence[int], words: str) -> list[Sealed]:
    """Retract annotations by their event numbers, all under one checkpoint. `words`: why.

    Raises `NotFound`, `UsageError`, `LedgerError`.
    """
    if not words.strip():
        raise UsageError("why it is retracted", "nothing", "Give the reason in words.")
    details = [_detail(home, signer, seq, words) for seq in dict.fromkeys(seqs)]
    sealed = signer.append([Event("annotated", home.clock(), detail) for detail in details])
    home.project()
    return sealed


def retractable(home: Home, seq: int) -> dict[str, Any]:
    """Return the body of an annotation that stands. Raises `NotFound`, `UsageError`."""
    event = home.ledger.read_event(seq) if seq < home.ledger.checkpoint().size else None
    if event is None or event["type"] != "annotated":
        raise NotFound("the event number of an annotation", str(seq), "Find its number with `archiver custody`.")
    if event["detail"]["kind"] == RETRACTION:
        raise UsageError(
            "an annotation other than a retraction", f"event {seq}, which retracts one", "Say again what holds."
        )
    gone = home.catalog.retraction_of(seq)
    if gone is not None:
        raise UsageError("an annotation that stands", f"event {seq}, retracted by event {gone}", "It is done already.")
    return event


def _detail(home: Home, signer: Signer, seq: int, words: str) -> dict[str, Any]:
    event = retractable(home, seq)
    said = event["detail"]
    kind, own = said["kind"], event["agent"]["key"] == signer.author.public_text
    if kind in PROTECTS and signer.author.role != "reviewer":
        raise UsageError(
            f"a reviewer, since {kind} protects somebody",
            f"{signer.author.pseudonym}, who is {signer.author.role}",
            "A second person retracts it: archiver --as NAME retract …",
        )
    if kind == "quarantine" and own:
        raise UsageError("another person's quarantine", "your own", "Let somebody else retract it.")
    detail = {"kind": RETRACTION, "about": {**said["about"], "event": seq}, "text": words, "retracts": kind}
    return {**detail, "privileged": True} if said.get("privileged") else detail
