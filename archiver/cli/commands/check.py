"""`archiver check`: which lines a person asked for, printed, and the exit code."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.checks import Finding, Line
from archiver.checks.captures import UNCHECKED
from archiver.checks.home import home_lines
from archiver.checks.lines import worst_of
from archiver.cli.pager import paged
from archiver.errors import EXIT_BY_STATE, CannotTell, ExitCode, NotFound, UsageError
from archiver.home.paths import given_path
from archiver.text.meant import meant
from archiver.text.plain import many
from spiders.links import without_userinfo
from storage.times import system_clock, utc_parse

if TYPE_CHECKING:
    from archiver.checks.package import PackageReport
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = ("archiver check 9k2mv7qd", 'archiver check ./almaty-full-24 --fingerprint "eight words"')


def add_arguments(parser: Parser) -> None:
    """Add what `archiver check` takes."""
    what = "A capture, a case, or a package by its path (default: the whole home)."
    parser.add_argument("what", nargs="?", metavar="ID|CASE|PACKAGE", help=what)
    parser.add_argument("--quiet", action="store_true", help="Print only findings other than intact.")
    verbose = "Print a line for each check, not one for each capture."
    parser.add_argument("--verbose", action="store_true", help=verbose)
    checkpoint = "Compare with this checkpoint file, handed out earlier."
    parser.add_argument("--checkpoint", type=given_path, metavar="FILE", help=checkpoint)
    fingerprint = "Fingerprint of the signing key, obtained by another channel."
    parser.add_argument("--fingerprint", metavar="HEX|WORDS", help=fingerprint)
    on = "Check as of this date, like 2046-01-31; certificates that will have expired are reported."
    parser.add_argument("--on", metavar="DAY", help=on)
    root = "Accept only package timestamps that lead to this root certificate; repeatable."
    parser.add_argument("--root", action="append", default=[], metavar="SHA256", help=root)
    identity = "Age identity to open an encrypted package with."
    parser.add_argument("--identity", type=given_path, metavar="FILE", help=identity)


def run(context: Context) -> int:
    """Check a home or a package. Needs no key but the public one, writes nothing, and works on a damaged home."""
    arguments = context.arguments
    if arguments.what is not None and (path := _path(arguments.what)) is not None:
        return _check_path(context, path)
    with paged(context):
        return _check_home(context)


def _check_home(context: Context) -> int:
    arguments, console, home = context.arguments, context.console, context.home_path
    if arguments.what is not None and _is_written_as_path(arguments.what):
        raise NotFound(f"a package at {given_path(without_userinfo(arguments.what))}", "none", "Correct the path.")
    _refuse(arguments, ("fingerprint", "root", "identity"), "a home, a case or a capture")
    if not (home / "ledger").is_dir():
        raise NotFound(f"a home at {home}", "none", "Name it with --home.")
    named = 0
    what: str | None = _named(context, arguments.what)
    cases = {
        key.stem for key in (home / "keys" / "cases").glob("*.age-key")
    }  # names only: a home without a catalog has them

    def wanted(detail: dict[str, Any]) -> bool:
        nonlocal named
        capture = str(detail["capture"])
        cases.update(detail.get("cases", []))
        chosen = what is None or what in detail.get("cases", []) or capture.startswith(what) or capture.endswith(what)
        named += chosen
        return chosen

    found = home_lines(home, wanted, what is None, pinned_roots(home), _given(arguments.checkpoint), _on(arguments.on))
    seen: set[Finding] = set()
    stamped = unchecked = 0
    waiting: list[Line] = []
    for line in found:
        if waiting and line.subject != waiting[-1].subject and (what is None or named):
            _print_subject(context, waiting)  # nothing is printed where there turns out to be nothing of that name
            waiting.clear()
        waiting.append(line)
        seen.add(line.finding)
        stamped += line.check == "time" and line.finding is Finding.INTACT
        unchecked += line.check == "time" and line.detail.startswith(UNCHECKED)
    code = worst_of(seen)
    if what is not None and not named and code == 0:
        step = meant(what, cases).strip() or "List them with `archiver case list`."
        raise NotFound(f"a capture or case {what!r}", "none in the ledger", step)
    _print_subject(context, waiting)
    verdict = VERDICTS[code]
    times = (
        (f"{stamped} timestamped, the rest NOT CHECKED" if stamped else "timestamps NOT CHECKED")
        if unchecked
        else "NOT TIMESTAMPED"
        if not stamped
        else "all timestamped"
        if stamped == named
        else f"{stamped} timestamped, the rest NOT TIMESTAMPED"
    )
    console.say(f"\n{verdict} · {named} capture{'s' if named != 1 else ''} looked at · {times}")
    console.data({"verdict": verdict, "captures": named, "timestamped": stamped, "exit": code})
    return code


def _named(context: Context, what: str | None) -> str | None:
    """Return what is to be checked; for LAST the capture that it means."""
    from archiver.home.last import steps_back

    return what if what is None or steps_back(what) is None else context.home().resolve_capture(what)


def _refuse(arguments: Namespace, names: tuple[str, ...], checked: str) -> None:
    """Refuse options that would be passed over in silence. Raises `UsageError`."""
    given = [f"--{name}" for name in names if getattr(arguments, name)]
    if given:
        raise UsageError(
            f"options that apply to {checked}",
            f"{' and '.join(given)}, for packages made by archiver",
            "Leave out what does not apply, or name the package by its path.",
        )


def _print(context: Context, lines: list[Line], text: Callable[[Line], str] = Line.text) -> None:
    for line in lines:
        if not (context.arguments.quiet and line.finding in (Finding.INTACT, Finding.NOTE)):
            context.console.say(text(line))
        context.console.data(
            {"finding": str(line.finding), "subject": line.subject, "check": line.check, "detail": line.detail}
        )


def _print_subject(context: Context, lines: list[Line]) -> None:
    """Print what was found of one capture, or of several things in turn: a line each, with what is not intact in full."""
    if context.arguments.verbose or context.arguments.quiet or context.console.as_json:
        _print(context, lines)
        return
    for subject, group in groupby(lines, lambda line: line.subject):
        every = list(group)
        wrong = [line for line in every if line.finding not in (Finding.INTACT, Finding.NOTE)]
        for line in wrong:
            context.console.say(line.text())
        if not wrong:
            context.console.say(_in_short(subject, every))


def _in_short(subject: str, lines: list[Line]) -> str:
    """Say in one line that nothing is wrong with a capture, and what is worth knowing of it."""
    if len(lines) == 1:  # one that was disposed of, or the catalog
        return lines[0].text()
    passed = sum(line.finding is Finding.INTACT for line in lines)
    notes = list(dict.fromkeys(re.split("[:;]", line.detail)[0] for line in lines if line.finding is Finding.NOTE))
    finding = Finding.INTACT if passed else Finding.NOTE
    said = " · ".join([many(passed, "check"), *notes] if passed else notes)
    return f"{finding:<11}  {subject:<24}  {said}"


def _path(what: str) -> Path | None:
    """A package that is named by its path; a name without a separator is a capture or case where there is no such file."""
    path = given_path(what)
    return path if path.exists() and (path.is_file() or path.is_dir()) else None


def _is_written_as_path(what: str) -> bool:
    """Return whether a name can only be meant as a path: no case and no capture is called so."""
    return "/" in what or what.endswith((".tar", ".age", ".zip", ".wacz", ".warc", ".warc.gz"))


VERDICTS = {
    ExitCode.OK: "intact",
    ExitCode.PARTIAL: "INCOMPLETE: something is missing",
    ExitCode.CHECK_FAILED: "DAMAGED: see the lines above",
    ExitCode.CANNOT_TELL: "cannot tell: see the lines above",
}
FOREIGN_VERDICTS = {
    True: "intact as far as it states",
    False: "NOT what it states",
    None: "CANNOT TELL: not all that it states was checked; see the lines above",
}
DEMANDED = ("fingerprint", "root", "checkpoint")
"""Options that demand something of whoever made a package. Where it cannot be looked at, the answer is never 0."""


def _check_path(context: Context, path: Path) -> int:
    """A package: of ours, or one that others made (WACZ, WARC, bag)."""
    from archiver.checks.package import is_ours
    from archiver.checks.package.bag import renamed_mark
    from archiver.checks.package.volumes import is_volume, volumes_in
    from archiver.checks.trees import Folder
    from archiver.export.unpack import holds_package, package_below

    if path.is_file() and is_volume(path.name):
        path = path.parent  # one volume says nothing without the others
    if path.is_dir() and not is_ours(Folder(path)):
        if volumes_in(path):
            return _check_ours(context, path)
        path = package_below(path) or path
    packed = path.is_file() and (path.name.endswith((".tar", ".tar.age")) or holds_package(path))
    if packed or (path.is_dir() and (is_ours(Folder(path)) or renamed_mark(path))):
        return _check_ours(context, path)
    return _check_foreign(context, path)


def _check_ours(context: Context, path: Path) -> int:
    from archiver.checks.package import PackageReport, check_ours
    from archiver.checks.package.files import PackageFiles
    from archiver.checks.package.report import in_columns
    from archiver.checks.package.run import run as run_check
    from archiver.checks.package.volumes import look_at_volumes, volumes_in
    from archiver.export.released import released
    from archiver.export.unpack import Altered, Cut, opened
    from archiver.signer.age import identity_in
    from archiver.signer.case_keys import case_identities

    arguments = context.arguments
    roots, older, on = _roots(arguments.root), _given(arguments.checkpoint), _on(arguments.on)
    identities = identity_in(arguments.identity) if arguments.identity else []
    identities += case_identities(context.home_path)
    if volumes := volumes_in(path) if path.is_dir() else []:
        report = PackageReport()
        if not run_check(PackageFiles(path, report=report), "volumes", lambda files: look_at_volumes(volumes)):
            return _told(context, report)
        _print(context, report.lines, in_columns)
    try:
        with opened(path, identities, None) as folder:
            report = check_ours(folder, arguments.fingerprint, older, on, roots, released=released())
    except (Cut, Altered) as error:
        report = PackageReport()
        finding = Finding.TAMPERED if isinstance(error, Altered) else Finding.MISSING
        report.say(finding, "opening", f"{error.expected} was expected, found {error.found}. {error.next_step}")
    return _told(context, report)


def _told(context: Context, report: PackageReport) -> int:
    from archiver.checks.package.report import in_columns

    _print(context, report.lines, in_columns)
    context.console.say(f"\n{report.verdict}")
    context.console.data({"verdict": report.verdict, "profile": report.profile, "exit": report.code})
    return report.code


def _check_foreign(context: Context, path: Path) -> int:
    from archiver.checks.packages import check_path

    arguments, console = context.arguments, context.console
    report = check_path(path)
    if report is None:
        raise NotFound("a package, a WARC, a WACZ or a bag", f"{path}", "Name a capture, a case or a package.")
    _refuse(arguments, ("identity",), report.form)
    if demanded := [f"--{name}" for name in DEMANDED if getattr(arguments, name)]:
        told = f"{' and '.join(demanded)}: no package of archiver, so no key of a ledger signs it and no checkpoint covers it. "
        told += "Check the package that it came in"
        report.unchecked("", told)
    for finding in report.findings:
        console.say(f"{finding.word:<12} {finding}")
    stated = "; it states no digests" if report.intact and report.facts.get("digests") == 0 else ""
    console.say(f"{report.form}: {FOREIGN_VERDICTS[report.intact]}{stated}")
    console.data(report.line())
    return EXIT_BY_STATE[report.intact]


def _roots(given: list[str]) -> frozenset[str]:
    """Fingerprints of root certificates as a person wrote them. Raises `CannotTell`."""
    from archiver.checks.package.files import Unknown
    from archiver.checks.package.signer import plain_root

    try:
        return frozenset(plain_root(one) for one in given)
    except Unknown as error:
        step = "Compare it with what the authority publishes."
        raise CannotTell("the fingerprint of a root certificate after --root", str(error), step) from error


def pinned_roots(home: Path) -> frozenset[str]:
    """Fingerprints of the roots whose timestamps count: those of the settings, of keys/roots/, and the program's own."""
    from archiver.home.config_file import read_settings
    from archiver.home.config_schema import Timestamps

    # A damaged home is checked all the same, by the program's own roots; so is one whose table is not understood.
    named = read_settings(home, {}).understood_table("timestamps", Timestamps)
    tables = [Timestamps(), *([named] if named else [])]
    return frozenset(one.root.lower() for table in tables for one in table.authority)


def _on(day: str | None) -> datetime:
    """As of when certificates are looked at. Raises `UsageError`."""
    if day is None:
        return system_clock()
    try:
        return utc_parse(f"{day}T00:00:00.000000Z")
    except ValueError as error:
        raise UsageError("--on YYYY-MM-DD", repr(day), "For example 2046-01-31.") from error


def _given(path: Path | None) -> bytes | None:
    """The checkpoint that somebody outside kept. Raises `NotFound`."""
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(
            f"a checkpoint at {path}", error.strerror or "none", "Name the file that was handed out."
        ) from error
