"""Page one: five questions, each answered in five lines."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import by_outcome, plural, short
from archiver.home.people import fingerprint, key_words
from archiver.text.html import Markup, items, join, tag


def front(contents: ReportContents) -> Iterator[Markup]:
    """Write the title, the warnings, the five boxes, and the way to the sections."""
    shown, base = contents.shown, contents.plan.base
    yield tag("h1", f"Evidence package {contents.plan.name}")
    title = f"profile {shown.profile} · made from checkpoint {base.size} · {contents.plan.made[:10]}"
    yield tag("p", title if shown.profile == "public" else f"case {shown.case} · {title}", class_="quiet")
    if shown.material.test_routes:
        yield tag("p", "NOT EVIDENCE: recorded from test servers, as the demo and the tests do.", class_="warn")
    if contents.figures.stamped < contents.figures.captures:
        said = "NOT TIMESTAMPED" if not contents.figures.stamped else "NOT TIMESTAMPED in part"
        yield tag(
            "p",
            f"{said}: for {contents.figures.captures - contents.figures.stamped} captures no outsider vouches for the time.",
            class_="warn",
        )
    boxes = (
        ("What this shows", _shows(contents)),
        ("What it does not show", _shows_not()),
        ("State of the material", _state(contents)),
        ("Fingerprint of the key that signed", _key(contents)),
        ("How to check it", _how()),
    )
    yield tag("div", *(tag("div", tag("h3", name), said, class_="box") for name, said in boxes), class_="boxes")
    links = (
        ("chronology", "Chronology"), ("exhibits", "Exhibits"), ("not-kept", "Found and not kept"),
        ("withheld", "Not in this package"), ("custody", "Who did what"), ("method", "How this was recorded"),
        ("declaration", "Draft declaration"), ("glossary", "Glossary"),
    )  # fmt: skip
    yield tag("nav", tag("ul", *(tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in links)))


def _shows(contents: ReportContents) -> Markup:
    f = contents.figures
    kinds = ", ".join(f"{count} {plural(kind, count)}" for kind, count in f.kinds.most_common(4)) or "no files"
    lines = [
        f"{f.exhibits} exhibits: posts, pages and files as a server sent them to our recorder, or as they were handed over.",
        f"Recorded between {short(f.first)} and {short(f.last)}; with {kinds}.",
        f"{f.captures} of {f.of_case} captures of this case are in the package.",
        f"Exhibits seen with changes: {f.edited}; later no longer there: {f.removed}.",
    ]
    if contents.incidents:
        lines.append(
            f"{len(contents.incidents)} {plural('incident', len(contents.incidents))}, with what analysts conclude and what speaks against it."
        )
    return items(lines)


def _shows_not() -> Markup:
    return items(
        (
            "That what a picture or a text says is true; that is for people to establish.",
            "Who filmed, or that an account belongs to a person.",
            "When something happened: the time of a post is what the platform states of the post.",
            "That a file was published there before anywhere else, or that nothing else was published.",
            "Why something is no longer there, unless the platform says so.",
        )
    )


def _state(contents: ReportContents) -> Markup:
    f = contents.figures
    reasons = [f"{count} {how}: {why}" for (how, why), count in f.not_kept.most_common(2)]
    if contents.shown.profile == "public":
        reasons = [f"{count} {how}" for how, count in by_outcome(f).items()][:2]
    lines = [
        f"Intact: {f.intact} of {f.captures} captures, every digest computed again for this package.",
        f"Timestamped by outsiders: {f.stamped} of {f.captures}. A timestamp says “existed then”, not “made then”.",
        f"Found and not kept: {sum(f.not_kept.values())} things" + (", such as:" if reasons else "."),
        *reasons,
    ]
    if f.judged:
        lines.append(
            f"Judged otherwise by a later release: {f.judged} of {f.captures}, each beside the first judgement."
        )
    return items(lines)


def _key(contents: ReportContents) -> Markup:
    whole = fingerprint(contents.home.ledger_key_text())
    spaced = " ".join(whole[at : at + 8] for at in range(0, 64, 8))
    return join(
        (
            tag("p", " ".join(key_words(whole)), class_="key words"),
            tag("p", spaced, class_="key small"),
            tag(
                "p",
                "Compare it with the copy that counsel was given by another way. A forger's package shows the forger's.",
                class_="small",
            ),
        )
    )


def _how() -> Markup:
    return items(
        (
            join(("Run ", tag("span", "python3 check.py --fingerprint \"the eight words\"", class_="key"))),
            "Exit code 0: intact and signed by that key. 5: changed. 2: something is missing. 6: cannot tell.",
            "It needs Python and the program openssl, and no network.",
            "README.txt names tools of others for the same: bagit.py, wacz, openssl ts, ots.",
        )
    )  # fmt: skip
