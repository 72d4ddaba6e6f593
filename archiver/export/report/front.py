"""Page one: five questions, each answered in five lines."""

from __future__ import annotations

from markupsafe import Markup

from archiver.export.report.contents import ReportContents
from archiver.export.report.wording import by_outcome, plural, short
from archiver.text.pages import isolated
from archiver.text.plain import many


def shows(contents: ReportContents) -> list[str]:
    """Tell what the package shows."""
    f = contents.figures
    kinds = ", ".join(f"{count} {plural(kind, count)}" for kind, count in f.kinds.most_common(4)) or "no files"
    lines = [
        f"{many(f.items, 'item')}: posts, pages and files as a server sent them to our recorder, or as they were handed over.",
        f"With {kinds}.",
        f"{f.captures} of {f.of_case} captures of this case are what it was made from.",
    ]
    if contents.shown.profile != "public":
        lines[1] = f"Recorded between {short(f.first)} and {short(f.last)}; with {kinds}."
        lines.append(f"Items seen with changes: {f.edited}; later no longer there: {f.removed}.")
    if count := len(contents.incidents):
        lines.append(f"{count} {plural('incident', count)}, with what analysts conclude and what speaks against it.")
    return lines


SHOWS_NOT = (
    "That what a picture or a text says is true; that is for people to establish.",
    "Who filmed, or that an account belongs to a person.",
    "When something happened: the time of a post is what the platform states of the post.",
    "That a file was published there before anywhere else, or that nothing else was published.",
    "Why something is no longer there, unless the platform says so.",
)


def state(contents: ReportContents) -> list[str]:
    """Tell in which state the material is."""
    f = contents.figures
    reasons = [Markup("{} {}: {}").format(count, how, isolated(why)) for (how, why), count in f.not_kept.most_common(2)]
    if contents.shown.profile != "full":  # reasons hold links and names, of accounts that are not shown among them
        reasons = [Markup("{} {}").format(count, how) for how, count in by_outcome(f).items()][:2]
    named = Markup(", such as {}.").format(Markup("; ").join(reasons)) if reasons else Markup(".")
    lines = [
        f"Intact: {f.intact} of {f.captures} captures, every digest computed again for this package.",
        f"Timestamped by outsiders: {f.stamped} of {f.captures}. A timestamp says “existed then”, not “made then”.",
        Markup("Found and not kept: {}{}").format(many(sum(f.not_kept.values()), "thing"), named),
    ]
    if f.judged:
        lines.append(
            f"Judged otherwise by a later release: {f.judged} of {f.captures}, each beside the first judgement."
        )
    return lines


HOW = (
    "An expert runs check.py, taken from the makers and not from this package, with the fingerprint.",
    "Exit code 0: intact and signed by that key. 5: changed. 2: something is missing. 6: cannot tell.",
    "It needs Python and the program openssl, and no network. README.txt says how, for Windows and macOS too.",
    "README.txt names tools of others for parts of it: {tools}.",
)


def how(contents: ReportContents) -> list[str]:
    """Tell how to check it, naming the tools that README.txt names for a package of this profile."""
    tools = ("bagit.py", *(("wacz",) if contents.shown.profile == "full" else ()), "openssl ts", "ots")
    return [line.format(tools=", ".join(tools)) for line in HOW]


def warnings(contents: ReportContents) -> list[str]:
    """Tell what has to be known before anything else is read."""
    f, found = contents.figures, []
    if contents.shown.material.test_routes:
        found.append("NOT EVIDENCE: recorded from test servers, as the demo and the tests do.")
    if f.stamped < f.captures:
        said = "NOT TIMESTAMPED" if not f.stamped else "NOT TIMESTAMPED in part"
        found.append(f"{said}: for {many(f.captures - f.stamped, 'capture')} no outsider vouches for the time.")
    return found


def title(contents: ReportContents) -> str:
    """Name the package: its case, profile, checkpoint and day."""
    shown, plan = contents.shown, contents.plan
    said = f"profile {shown.profile} · made from checkpoint {plan.base.size} · {plan.made[:10]}"
    return said if shown.profile == "public" else f"case {shown.case} · {said}"
