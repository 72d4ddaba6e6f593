"""`archiver doctor`: what this machine has, and with `--platforms` which layout each platform answers with today.

A platform changes its pages without a word. A live post for each is captured as any other is, into a case of its own;
what is told is the layout that was met, whether the parser read it, and where the capture lies.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigError, ExitCode, UsageError
from archiver.home.home import is_home
from archiver.home.variables import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.capture.result import CaptureResult
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home
    from spiders.targets import Target

CASE = "doctor"

EXAMPLE = "archiver doctor --platforms"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver doctor` takes."""
    platforms = "Capture a known post of each platform and report whether its page layout changed."
    parser.add_argument("--platforms", action="store_true", help=platforms)
    fix = "Say what is missing and which commands install it; run them after a yes."
    parser.add_argument("--fix", action="store_true", help=fix)
    parser.add_argument("--yes", action="store_true", help="With --fix: install without asking.")


def run(context: Context) -> int:
    """Check machine or platforms. Exit code 2 where something is missing or a platform has changed, 4 where one was not reached.

    While the settings are not understood nothing is written and no platform is asked: it might see this machine's address.
    """
    if context.arguments.yes and not context.arguments.fix:
        raise UsageError("--yes together with --fix", "--yes alone", "Add --fix, or leave it out.")
    if context.arguments.fix:
        from archiver.cli.fixing import fix

        return fix(context)
    if context.arguments.platforms:
        if context.settings_error is not None:
            raise context.settings_error
        return _platforms(context, context.recovered_home())
    if context.settings_error is not None:
        found = f"not understood: {context.settings_error.found}"
        keys = _keys(context.home_path) if is_home(context.home_path) else []
        return _machine(context, [*keys, ("settings", False, found)])
    if not is_home(context.home_path):
        return _machine(context, [("home", False, f"no home here, at {context.home_path}: archiver makes one")])
    return _machine(context, _home(context.home_to_read()))


# -- this machine ----------------------------------------------------------------------------------------------------


Lines = list[tuple[str, bool | None, str]]
"""What was looked at, whether it is as it should be (None: that cannot be told), and what is said of it."""


MARKS = {True: "✓", False: "–", None: "?"}


def _machine(context: Context, about_home: Lines) -> int:
    lines = [*_tools(), *about_home]
    width = max(len(name) for name, _, _ in lines)
    for name, good, said in lines:
        context.console.say(f"{MARKS[good]} {name:<{width}}  {said}")
        context.console.data({"what": name, "present": good, "said": said})
    _say_variables(context)
    return ExitCode.PARTIAL if any(good is False for _, good, _ in lines) else ExitCode.OK


def _say_variables(context: Context) -> None:
    """Print the table of variables, with those marked that are set; their values may be secrets."""
    width = max(len(variable.name) for variable in VARIABLES)
    context.console.say("\nvariables (• set here)")
    for variable in VARIABLES:
        given = variable.name in context.environment
        context.console.say(f"{'•' if given else ' '} {variable.name:<{width}}  {variable.means}")
    facts = {one.name: {"set": one.name in context.environment, "means": one.means} for one in VARIABLES}
    context.console.data(
        {"what": "variables", "present": True, "said": "those that archiver knows", "variables": facts}
    )


def _tools() -> Lines:
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    from archiver.children import program as path_of
    from archiver.tools.chromium import program
    from archiver.tools.ffmpeg import version as version_of
    from archiver.tools.installing import hint

    browser, playwright = program(), find_spec("playwright") is not None
    found = [
        (
            "rendered pages",
            browser is not None and playwright,
            f"{browser}, Playwright" if browser and playwright
            else "no Chromium" if browser is None else f"no Playwright: {hint('browser')}",
        )
    ]  # fmt: skip
    for name, use in (
        ("ffmpeg", "--merge"),
        ("ffprobe", "facts about videos"),
        ("exiftool", "metadata of files"),
        ("openssl", "timestamps, asked for or checked"),
    ):
        path = path_of(name)
        found.append(
            (name, path is not None, version_of(path) if path and name.startswith("ff") else path or f"none: no {use}")
        )
    for name, use in (
        ("cryptg", "Telegram files download a hundred times slower"),
        ("yt-dlp", "no YouTube media"),
        ("deno", f"fewer YouTube formats: {hint('media')}"),
        ("opencv-contrib-python-headless", f"no redact --follow: {hint('scenes')}"),
    ):
        try:
            said = version(name)
            found.append((name, True, _with_age(said) if name == "yt-dlp" else said))
        except PackageNotFoundError:
            found.append((name, False, f"none: {use}"))
    return [*found, *_fences()]


def _fences() -> Lines:
    """What would hold the programs that read strangers' bytes."""
    from archiver.children import fences, program
    from archiver.tools import chromium

    found: Lines = [_fence()]
    for name in ("ffmpeg", "ffprobe", "exiftool", "openssl"):
        if (path := program(name)) is not None:
            held = fences(path)
            found.append(
                (f"{name}'s fence", bool(held), ", ".join(held) or "none: this system gives no seccomp and no Landlock")
            )
    if chromium.program() is not None:
        held = chromium.fences()
        found.append(
            ("Chromium's fence", bool(held), ", ".join(held) or "none: start archiver as a user other than root")
        )
    return found


def _fence() -> tuple[str, bool, str]:
    """What would keep yt-dlp from the network: found out by a process of the kind that is kept."""
    from archiver.fence import HOOK
    from archiver.tools.ytdlp_pool import fences_here

    fences = fences_here()
    if fences[:1] == [HOOK]:
        return ("yt-dlp's fence", False, f"{HOOK} alone: this system gives no network namespace and no Landlock")
    return ("yt-dlp's fence", bool(fences), ", ".join(fences) or "none: its process does not start")


def _with_age(version: str) -> str:
    """A version of yt-dlp is the day of its release; sites change faster than that of this program."""
    from archiver.tools.extractor_update import OLD_DAYS, age_days
    from storage.times import system_clock

    days = age_days(version, system_clock())
    if days is None:
        return version
    return f"{version}, {days} days old" + (
        "; archiver update-extractors installs a newer one" if days > OLD_DAYS else ""
    )


def _keys(path: Path) -> Lines:
    keys = [one for one in (path / "keys").rglob("*.key") if os.stat(one).st_mode & 0o077]
    return [("keys", not keys, f"{len(keys)} readable by others: chmod 600" if keys else "readable by you alone")]


def _strange_cases(home: Home) -> Lines:
    from archiver.home.config_file import printable
    from storage.errors import CatalogError

    try:
        strange = home.cases_only_in_settings()
    except CatalogError:  # `archiver check` says so
        return []
    return [(f"[cases.{printable(name)}]", False, "no case of this home") for name in strange]


def _home(home: Home) -> Lines:
    from archiver.home.config import cookies_in
    from archiver.home.disk_encryption import disk_encryption
    from archiver.telegram.accounts import Accounts
    from archiver.tools.extractor_update import in_force

    free = shutil.disk_usage(home.path).free
    found: Lines = [
        ("room on disk", free > home.config.reserve_bytes, f"{free / 1e9:.1f} GB free"),
        ("disk", *disk_encryption(home.path)),
        *_keys(home.path),
        ("settings", True, "understood; archiver config shows them"),
        ("connection", True, "through the proxy of [sites]" if home.config.proxy else "this machine's own address"),
    ]
    if (beside := in_force(home.path)) is not None:
        found.append(("extractors", True, f"yt-dlp {_with_age(beside.version)}, installed for this home; used instead"))
    found += _strange_cases(home)
    if names := Accounts(home).names():
        found.append(
            ("Telegram", True, f"by {', '.join(names)}; archiver telegram whoami asks whether they are logged in")
        )
    for name, path in sorted(home.config.cookies.items()):
        try:
            count = len(cookies_in(path))
            found.append((f"cookies {name or 'for all'}", count > 0, f"{count} in {path.name}"))
        except ConfigError as error:
            found.append((f"cookies {name or 'for all'}", False, error.found))
    return found


# -- the platforms -----------------------------------------------------------------------------------------------------


def _platforms(context: Context, home: Home) -> int:
    from archiver.capture.options import CaptureOptions
    from archiver.capture.services import open_recorder
    from archiver.cli.runtime import Interruptible, capture_engine
    from archiver.signer.case_keys import new_case
    from spiders.platforms import known_posts
    from spiders.targets import Target, parse_target

    links = {**known_posts(), **home.config.doctor}
    targets = {name: found for name, link in links.items() if link and isinstance(found := parse_target(link), Target)}
    wrong = sorted(name for name, link in links.items() if link and name not in targets)
    if wrong:
        raise ConfigError("links under [doctor]", f"none at {', '.join(wrong)}", "Correct archiver.toml.")
    if not any(case["name"] == CASE for case in home.catalog.cases()):
        new_case(home, context.signer(home), CASE, [])
    recorder = open_recorder(home, context.network)
    engine = capture_engine(context, home, recorder)
    run = home.new_capture_id(home.clock())
    codes: list[int] = []

    async def visit() -> None:
        options = CaptureOptions(cases=(CASE,), media=False, media_reason="not for a look at the layout", quick=True)
        for number, (name, target) in enumerate(targets.items(), 1):
            if engine.stopping:
                return
            result = await engine.capture(target, options, run, number)
            codes.append(_told(context, home, name, target, result))
            await asyncio.sleep(0)

    try:
        Interruptible(engine, context).run(visit())
    finally:
        recorder.close()
    return max(codes, default=0)


def _told(context: Context, home: Home, name: str, target: Target, result: CaptureResult) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from spiders.platforms import platform_named
    from spiders.posts import Outcome

    seen = layouts(home, result)
    known = [layout for layout in seen if layout in platform_named(name).promise.whole_layouts]
    drift = not known and result.outcome not in (Outcome.BLOCKED, Outcome.FAILED, Outcome.REFUSED, Outcome.UNAVAILABLE)
    if known and result.outcome in (Outcome.CAPTURED, Outcome.PARTIAL):
        said, code = f"read: {', '.join(known)}", ExitCode.OK
    elif drift:
        said, code = f"LAYOUT CHANGED: {', '.join(seen) or 'none'} · {result.reason}", ExitCode.PARTIAL
    else:
        said, code = f"{result.outcome}: {result.reason}", EXIT_BY_OUTCOME[result.outcome]
    mark = "✓" if code == 0 else "◐" if drift else "–"
    context.console.say(f"{mark} {name:<9} {said}\n  {target.url}  in {result.capture}")
    context.console.data(
        {"platform": name, "url": target.url, "layouts": seen, "read": bool(known), "drift": drift,
         "outcome": str(result.outcome), "reason": result.reason, "capture": result.capture}
    )  # fmt: skip
    return code


def layouts(home: Home, result: CaptureResult) -> list[str]:
    """Return the layouts that a capture met, in order, each once."""
    from storage.lines import read_lines

    lines: list[dict[str, Any]] = list(read_lines(home.path / result.folder / "inventory.jsonl"))
    return list(dict.fromkeys(str(line["layout"]) for line in lines if line.get("layout")))
