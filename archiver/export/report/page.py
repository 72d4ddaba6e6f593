"""The report as one HTML page: its head, which forbids it every request, and its sections in order."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from importlib import resources

from archiver.export import declaration
from archiver.export.report.appendix import custody, not_kept, withheld
from archiver.export.report.contents import ReportContents
from archiver.export.report.exhibits import exhibits
from archiver.export.report.front import front
from archiver.export.report.incidents import chronology
from archiver.text.html import Markup, tag
from storage.digest import sha256


def html(contents: ReportContents) -> bytes:
    """Write the whole report."""
    style = resources.files("archiver.export").joinpath("report.css").read_text("utf-8")
    allowed = base64.b64encode(sha256(style.encode())).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{contents.plan.name}: report"),
        tag("style", Markup(style)),
    )
    body = tag("body", *_sections(contents))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n".encode()


def _sections(contents: ReportContents) -> Iterator[Markup]:
    yield tag("section", *front(contents), class_="first")
    yield tag("h2", "Chronology", id="chronology")
    yield from chronology(contents)
    yield tag("h2", "Exhibits", id="exhibits")
    yield from exhibits(contents)
    yield tag("h2", "Found and not kept", id="not-kept")
    yield from not_kept(contents)
    yield tag("h2", "Not in this package", id="withheld")
    yield from withheld(contents)
    yield tag("h2", "Who did what", id="custody")
    yield from custody(contents)
    yield tag("h2", "How this was recorded, and what the proofs prove", id="method")
    yield from declaration.validation(contents.shown, contents.plan, contents.figures)
    yield tag("h2", "Draft of a custodian's declaration", id="declaration")
    yield declaration.draft(contents.home, contents.shown, contents.plan, contents.figures)
    yield tag("h2", "Glossary", id="glossary")
    yield declaration.glossary()
