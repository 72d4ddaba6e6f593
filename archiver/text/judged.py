"""A later judgement of a capture, in words: it stands beside what the capture was called when it was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(judged: Mapping[str, Any], *, with_reason: bool = True) -> str:
    """Return who judged how, by which versions: `judged refused: login required, on 2026-11-30 by archiver 0.1.0, …`.

    `judged`: a row of the catalog's `reassessments`, with the `time` of its event. `with_reason`: reasons can quote the
    page, which is not shown to everybody.
    """
    reason = f": {judged['reason']}" if with_reason and judged["reason"] else ""
    program = str(judged["software"]).replace("/", " ")
    parser = f", parser {judged['parser']}" if judged["parser"] else ""
    return f"judged {judged['outcome']}{reason}, on {judged['time'][:10]} by {program}{parser} (event {judged['seq']})"
