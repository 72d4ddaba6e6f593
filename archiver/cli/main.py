"""Arguments, messages, exit codes; nothing else. Imports happen inside the commands that need them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from archiver.cli.arguments_analysis import add_commands
from archiver.cli.arguments_copies import add_commands as add_copies
from archiver.cli.arguments_jobs import account_options, add_watches
from archiver.cli.arguments_jobs import add_commands as add_jobs
from archiver.cli.commands.annotate import _annotate
from archiver.cli.commands.catalog import _catalog
from archiver.cli.context import Context
from archiver.errors import ExitCode, ProgramFault, exit_code
from archiver.home.paths import given_folder, given_output, given_path
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.home.home import Home
    from archiver.recorder.network import TestNetwork

DESCRIPTION = "Captures posts, videos and pages as evidence: recorded as they crossed the wire, hashed, sealed, checkable by outsiders."
EPILOG = """\
examples:
  archiver capture https://t.me/durov/523            one post with its files
  archiver capture LINK LINK LINK --case almaty      several at once, into a case
  archiver capture --list links.xlsx --quick         a spreadsheet of links, with a result sheet
  archiver crawl https://t.me/s/durov --limit 200    a channel's public page, newest first
  archiver check                                     is everything still as it was sealed?
  archiver demo                                      see it work offline

exit codes:
  0 all captured, or intact · 1 usage or configuration · 2 something partial · 3 something unavailable or refused
  4 something blocked or failed · 5 a check failed · 6 cannot tell · 7 a fault of the program
"""


class Parser(argparse.ArgumentParser):
    """A command of several actions that is given none shows its help."""

    def error(self, message: str) -> NoReturn:
        if message.endswith(": ACTION"):
            self.print_help()
            self.exit()
        super().error(message)


def build_parser() -> argparse.ArgumentParser:
    # Without defaults of their own, so that an option before the command is not undone by the command's parser.
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    home_help = "the home folder (default: $ARCHIVER_HOME or ~/archiver-home)"
    common.add_argument("--home", type=given_folder, metavar="DIR", help=home_help)
    common.add_argument("--json", action="store_true", help="print JSON lines instead of text")
    common.add_argument("--as", dest="person", metavar="NAME", help="sign as this person (archiver keys new NAME)")
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser("archiver", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw, parents=[common])
    parser.add_argument("--version", action="store_true", help="print the version")
    _answers(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, summary: str, example: str = "") -> argparse.ArgumentParser:
        epilog = f"example:\n  {example}" if example else None
        return commands.add_parser(
            name, help=summary, description=summary, epilog=epilog, formatter_class=raw, parents=[common]
        )

    capture = command(
        "capture",
        "capture posts or pages, each into a sealed folder",
        "archiver capture https://t.me/durov/523 --case almaty",
    )
    capture.add_argument("links", nargs="*", metavar="LINK")
    _capture_options(capture)
    capture.add_argument(
        "--list", metavar="FILE|-", help="take the links of a text, CSV or XLSX file, or of standard input"
    )
    capture.add_argument("--column", metavar="C", help="the list's column with the links: heading, letter or number")
    capture.add_argument(
        "--sheet",
        type=given_output,
        metavar="FILE",
        help="where the result sheet goes, .csv or .xlsx (default: both, in the home)",
    )
    capture.add_argument(
        "--quick",
        action="store_true",
        help="posts and media of everything first, what vanishes soonest first; the rest in a second pass",
    )
    capture.add_argument(
        "--restart", action="store_true", help="capture the whole list anew instead of going on with an unfinished run"
    )
    capture.add_argument("--comments", action="store_true", help="comments with their replies, and the live chat")
    capture.add_argument(
        "--follow-embeds", action="store_true", help="also capture posts and videos that a page embeds or links to"
    )
    capture.add_argument(
        "--screenshot",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the page as a browser shows it (default: where Chromium is installed; with --quick only its pictures)",
    )
    capture.add_argument(
        "--merge", action="store_true", help="put separate video and audio together (ffmpeg), beside them"
    )
    capture.add_argument(
        "--at-once",
        type=int,
        default=4,
        metavar="N",
        help="how many captures run at the same time (default 4)",
    )

    crawl = command(
        "crawl",
        "walk a channel, profile, playlist, thread or search, newest first, to its end",
        "archiver crawl https://t.me/s/durov --since 2022-01-02",
    )
    crawl.add_argument("links", nargs=1, metavar="TARGET")
    _capture_options(crawl)
    crawl.add_argument("--since", metavar="DATE", help="posts from this day or time on (UTC unless an offset is given)")
    crawl.add_argument("--until", metavar="DATE", help="posts before this day or time")
    crawl.add_argument("--limit", type=int, metavar="N", help="stop after N posts")
    crawl.add_argument(
        "--restart",
        action="store_true",
        help="begin at the newest post instead of going on where a broken walk stands",
    )
    crawl.add_argument(
        "--oldest-first", action="store_true", help="from the beginning of the history (Telegram with an account)"
    )
    crawl.add_argument("--comments", action="store_true", help="comments with their replies, where they are public")
    crawl.add_argument("--holes", action="store_true", help="ask for each id that a Telegram channel's pages leave out")
    crawl.add_argument("--merge", action="store_true", help="put separate video and audio together (ffmpeg)")
    crawl.add_argument("--at-once", type=int, default=2, metavar="N", help="how many of the videos found run at once")

    receive = command(
        "receive",
        "take in files that a person handed over",
        "archiver receive ./from-S-014 --from S-014 --via signal --consent hold,court --refused name",
    )
    receive.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER|WACZ|BAG")
    receive.add_argument(
        "--from", dest="source", required=True, metavar="SOURCE", help="a pseudonym, like S-014; never a name"
    )
    receive.add_argument("--via", required=True, metavar="CHANNEL", help="how it came: signal, usb, mail")
    receive.add_argument("--case", action="append", default=[], metavar="CASE")
    receive.add_argument(
        "--consent",
        action="append",
        default=[],
        metavar="WHAT",
        help="what the source agreed to: hold,court,publish,name",
    )
    receive.add_argument(
        "--refused", action="append", default=[], metavar="WHAT", help="what the source did not agree to"
    )

    record = command(
        "record",
        "record whatever another program fetches",
        "archiver record -- scrapy crawl page -a link=https://example.org",
    )
    record.add_argument("--case", action="append", default=[], metavar="CASE")
    record.add_argument("--about", metavar="LINK", help="what the capture is about (default: the command itself)")
    record.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND")

    for name, summary in (
        ("note", "attach a note"),
        ("tag", "attach a tag"),
        ("place", "say where it was"),
        ("quarantine", "keep from view"),
    ):
        extra = " --at 43.3412,52.8619" if name == "place" else ""
        words = {
            "note": "'school roof is visible'",
            "tag": "shooting",
            "place": "'Zhanaozen, square'",
            "quarantine": "'a child'",
        }[name]
        sub = command(
            name,
            f"{summary} (a signed event about a capture, post, file or part of it)",
            f"archiver {name} 9k2mv7qd {words}{extra}",
        )
        sub.add_argument("id", metavar="ID", help="capture id, or the start or end of one")
        sub.add_argument("words", nargs="+", metavar="TEXT")
        sub.add_argument("--post", help="a post in the capture")
        sub.add_argument("--attachment", type=int, metavar="N", help="its attachment, counted from 0")
        sub.add_argument("--from", dest="start", metavar="TIME", help="start of a segment, like 1:02.5")
        sub.add_argument("--to", dest="end", metavar="TIME")
        sub.add_argument("--region", metavar="X,Y,W,H", help="a region of the picture, in percent")
        if name == "place":
            sub.add_argument("--at", metavar="LAT,LON")
            sub.add_argument("--zone", metavar="ZONE", help="like Asia/Almaty: local times are shown then")
        if name == "note":
            sub.add_argument("--privileged", action="store_true", help="for counsel: in no package unless asked for")
    add_commands(command)
    add_copies(command, common)
    add_jobs(command, common, _capture_options)

    find = command("find", "search posts and notes, in any script and case", "archiver find жаңаөзен")
    find.add_argument("text", nargs="+", metavar="TEXT")
    find.add_argument("--limit", type=int, default=20, metavar="N")

    show = command("show", "show what a capture holds", "archiver show 9k2mv7qd --inventory")
    show.add_argument("id", metavar="ID")
    show.add_argument("--inventory", action="store_true", help="everything discovered, with its outcome")
    show.add_argument("--records", action="store_true", help="every WARC record")
    show.add_argument("--quarantined", action="store_true", help="also what is quarantined; the view is an event")
    show.add_argument("--why", metavar="TEXT", help="why it has to be looked at")

    case = command("case", "list, make or show cases", "archiver case new almaty --recipient age1…")
    cases = case.add_subparsers(dest="action", metavar="ACTION", required=True)
    cases.add_parser("list", help="list cases", parents=[common])
    new = cases.add_parser("new", help="make a case with its own key", parents=[common])
    new.add_argument("name")
    new.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="age1…",
        help="someone else who may open withheld values",
    )
    shown = cases.add_parser("show", help="captures of a case", parents=[common])
    shown.add_argument("name")
    add = cases.add_parser("add", help="put a capture into another case too", parents=[common])
    add.add_argument("name")
    add.add_argument("id")

    check = command("check", "is everything still as it was sealed?", "archiver check 9k2mv7qd")
    check.add_argument(
        "what",
        nargs="?",
        metavar="ID|CASE|PACKAGE",
        help="a capture, a case, or a package by its path (default: the whole home)",
    )
    check.add_argument("--quiet", action="store_true", help="print only what is not intact")
    check.add_argument(
        "--checkpoint", type=given_path, metavar="FILE", help="a checkpoint handed out earlier, to hold against"
    )

    check.add_argument("--fingerprint", metavar="HEX|WORDS", help="of a package's key, as you got it by another way")
    check.add_argument("--on", metavar="DAY", help="as of this day, 2046-01-31: which certificates will have ended")
    root_help = "of a package, count only stamps under this root certificate; repeatable"
    check.add_argument("--root", action="append", default=[], metavar="SHA256", help=root_help)
    check.add_argument(
        "--identity", type=given_path, metavar="FILE", help="an age identity that opens an encrypted package"
    )

    seal = command("seal", "have outsiders stamp what was sealed, complete and renew their proofs", "archiver seal")
    seal.add_argument("--case", action="append", default=[], metavar="CASE", help="go out by this case's way")
    seal.add_argument(
        "--write", type=given_output, metavar="FILE", help="write the latest checkpoint for counsel or a partner"
    )

    export = command(
        "export",
        "make a package of a case, for a court, a partner or the public",
        "archiver export almaty --to /media/usb --profile full --encrypt-to age1…",
    )
    export.add_argument("case", metavar="CASE")
    export.add_argument("--to", type=given_folder, required=True, metavar="DIR", help="where the package is written")
    export.add_argument("--profile", required=True, metavar="full|partner|public", help="for whom: what it shows")
    export.add_argument(
        "--encrypt-to", action="append", default=[], metavar="KEY", help="an age public key; repeatable"
    )
    export.add_argument("--no-encrypt", action="store_true", help="full: leave it open (default: the case's own keys)")
    export.add_argument("--only", action="append", default=[], metavar="ID", help="only this capture; repeatable")
    export.add_argument("--privileged", action="store_true", help="include notes marked as privileged")
    export.add_argument("--name", help="of the package (default: case, profile, checkpoint)")
    export.add_argument("--checkpoint", type=int, metavar="N", help="of which size of the ledger it is made")
    export.add_argument("--accept-leaks", action="store_true", help="full: go on though a secret stands in a recording")
    export.add_argument("--yes", action="store_true", help="the list of what becomes visible was read and agreed to")

    custody = command(
        "custody", "what was done with a capture or case, in order, by whom, with proofs", "archiver custody almaty"
    )
    custody.add_argument("what", metavar="ID|CASE")

    disclose = command(
        "disclose",
        "record that a package was given to somebody, on what basis, with a schedule of what it withholds",
        "archiver disclose ./almaty-full-24 --to 'defence counsel' --basis 'order of 3 May' --by telephone",
    )
    disclose.add_argument(
        "package", type=given_path, metavar="PACKAGE", help="the folder or .tar.age that was exported"
    )
    disclose.add_argument("--to", required=True, metavar="WHOM", help="a role or pseudonym; it stays in the ledger")
    disclose.add_argument("--basis", required=True, metavar="TEXT", help="a request, an order, an agreement")
    disclose.add_argument(
        "--by", required=True, metavar="HOW", help="how they were given the fingerprint: in person, by telephone"
    )
    disclose.add_argument(
        "--schedule", type=given_output, metavar="FILE", help="write what is withheld, and why, as CSV"
    )

    keys = command(
        "keys", "the keys that sign: fingerprints, people, passphrase, rotation", "archiver keys fingerprint --qr"
    )
    deeds = keys.add_subparsers(dest="action", metavar="ACTION", required=True)
    deeds.add_parser("list", help="every key, its fingerprint, and whether a passphrase opens it", parents=[common])
    shown = deeds.add_parser("fingerprint", help="of the ledger's key: for counsel to compare", parents=[common])
    shown.add_argument("--qr", action="store_true", help="also as a QR code")
    person = deeds.add_parser("new", help="a key for another person who works in this home", parents=[common])
    person.add_argument("name", metavar="NAME", help="a pseudonym")
    person.add_argument("--role", choices=("collector", "analyst", "reviewer"), required=True)
    person.add_argument("--passphrase", action="store_true", help="ask for a passphrase, so that no other can sign")
    deeds.add_parser("rotate", help="a new key for the ledger; the old one signs the hand-over", parents=[common])
    secret = deeds.add_parser(
        "passphrase", help="put a passphrase on a key, change it, or take it off", parents=[common]
    )
    secret.add_argument("name", nargs="?", metavar="NAME", help="a person's key (default: the ledger's and your own)")
    secret.add_argument("--none", action="store_true", help="take the passphrase off")

    assemble = command(
        "assemble",
        "put files together again from the pieces they arrived in",
        "archiver assemble 9k2mv7qd --to ./files",
    )
    assemble.add_argument("what", nargs="+", metavar="ID|WARC", help="a capture, WARC files, or a folder of them")
    assemble.add_argument("--to", type=given_folder, required=True, metavar="DIR", help="where the files are written")
    assemble.add_argument("--merge", action="store_true", help="also one file of video and audio, as a working copy")

    watch = command(
        "watch",
        "keep looking: what is new, changed or not there any more",
        "archiver watch add https://t.me/durov/523 --every 6h",
    )
    watched = watch.add_subparsers(dest="what", metavar="ACTION", required=True)
    add_watches(watched, common, _capture_options)
    live = watched.add_parser(
        "telegram", help="channels and groups, by an account", parents=[common], formatter_class=raw,
        epilog="example:\n  archiver watch telegram https://t.me/durov --case almaty",
    )  # fmt: skip
    live.add_argument("links", nargs="+", metavar="LINK")
    _capture_options(live)
    seconds = [
        ("--every", 30.0, "how often to ask what has changed, beside what is pushed"),
        ("--reread-every", 900.0, "how often to read the last messages again: not every removal is announced"),
        ("--seal-after", 60.0, "how long after its first observation a capture is sealed"),
    ]
    for flag, default, text in seconds:
        live.add_argument(flag, type=float, default=default, metavar="SECONDS", help=f"{text} (default {default:g})")
    live.add_argument(
        "--reread", type=int, default=200, metavar="N", help="how many messages are read again (default 200)"
    )
    live.add_argument("--for", dest="duration", type=float, metavar="SECONDS", help="end by itself after this long")

    history = command(
        "history", "every observation of a post: what was edited, what was removed, and what stood there before",
        "archiver history https://t.me/durov/523",
    )  # fmt: skip
    history.add_argument("post", metavar="LINK|POST")

    compared = command(
        "diff",
        "what two captures of the same thing say differently",
        "archiver diff 9k2mv7qd 6g7r3m4s --html diff.html",
    )
    compared.add_argument("a", metavar="A", help="a capture")
    compared.add_argument("b", metavar="B", help="another; the earlier one is shown first")
    compared.add_argument("--html", type=given_output, metavar="FILE", help="also write it as a page")

    telegram = command(
        "telegram", "accounts of Telegram: log in, look, log out", "archiver telegram login --account field-1"
    )
    deeds = telegram.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("login", "log an account in, by code or by QR; it is kept encrypted"),
        ("whoami", "who the accounts are, and whether they are still logged in"),
        ("logout", "end the session at Telegram and forget it here"),
        ("join", "join a channel or group by its link: the one thing that others see"),
    ):
        deed = deeds.add_parser(name, help=summary, description=summary, parents=[common], formatter_class=raw)
        deed.add_argument("--account", metavar="NAME", help="a name for it here, a pseudonym (default: default)")
        if name == "login":
            deed.add_argument("--qr", action="store_true", help="show a QR code for a phone that is logged in")
            deed.add_argument(
                "--passphrase", action="store_true", help="ask for a passphrase that will open the session"
            )
        if name == "join":
            deed.add_argument("link", metavar="LINK")

    doctor = command(
        "doctor", "what this machine has, and whether the platforms have changed", "archiver doctor --platforms"
    )
    doctor.add_argument(
        "--platforms", action="store_true", help="capture a live post of each platform and tell which layout was met"
    )

    catalog = command("catalog", "the searchable catalog", "archiver catalog rebuild")
    actions = catalog.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("rebuild", help="make it again from captures and events", parents=[common])

    parse = command(
        "parse",
        "read posts out of saved HTML, JSON, HAR or WARC, offline",
        "archiver parse page.html --url https://t.me/s/durov --json",
    )
    parse.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parse.add_argument("--url", help="the link that the file came from")

    demo = command(
        "demo",
        "see it work offline, against miniature platforms on this machine",
        "archiver demo --home ./demo-home",
    )
    demo.add_argument("--keep-serving", action="store_true", help=argparse.SUPPRESS)
    return parser


def _answers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("first run (asked on a terminal; these answer unattended)")
    group.add_argument("--pseudonym", help="the name that events are signed with")
    group.add_argument("--proxy", help="the way out, like socks5h://127.0.0.1:9050")
    group.add_argument("--user-agent", help="how sites see the program")
    group.add_argument("--second-copy", metavar="WHERE", help="a folder or s3://bucket for the second copy")
    group.add_argument("--timestamps", action=argparse.BooleanOptionalAction, help="let authorities stamp checkpoints")


def _capture_options(parser: argparse.ArgumentParser) -> None:
    account_options(parser)
    parser.add_argument(
        "--case", action="append", default=[], metavar="CASE", help="put it into this case (default: inbox)"
    )
    parser.add_argument(
        "--no-media", action="store_true", help="leave photos and videos out; they are listed as skipped"
    )


def main(
    argv: Sequence[str] | None = None,
    network: TestNetwork | None = None,
    environment: dict[str, str] | None = None,
) -> int:
    """Runs one command; returns its exit code. `network` is for the demo and the tests."""
    parser = build_parser()
    try:
        arguments = parser.parse_args(argv, argparse.Namespace(home=None, json=False, person=None))
    except SystemExit as stop:  # argparse has said what is wrong
        return ExitCode.OK if stop.code in (0, None) else ExitCode.USAGE
    except EvidenceError as error:  # a path that nothing can come of
        from archiver.cli.console import Console

        _tell(Console("--json" in (sys.argv if argv is None else argv)), error)
        return exit_code(error)
    if arguments.version:
        from archiver import __version__

        print(f"archiver {__version__}")
        return 0
    return _guarded(arguments, network, environment if environment is not None else dict(os.environ))


def _guarded(arguments: argparse.Namespace, network: TestNetwork | None, environment: dict[str, str]) -> int:
    from archiver.cli.console import Console

    console = Console(arguments.json)
    try:
        return _COMMANDS[arguments.command](Context(arguments, console, network, environment))
    except EvidenceError as error:
        _tell(console, error)
        return exit_code(error)
    except KeyboardInterrupt:
        console.warn("archiver: stopped. What was received is kept; the next command seals it.")
        return ExitCode.FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the one place that answers for what nobody foresaw
        _tell_fault(console, error)
        return ExitCode.FAULT


def _tell(console: Console, error: EvidenceError) -> None:
    console.warn(f"archiver: expected {error.expected}")
    console.warn(f"          found    {error.found}")
    console.warn(f"          next     {error.next_step}")
    console.data(
        {
            "error": type(error).__name__,
            "expected": error.expected,
            "found": error.found,
            "next": error.next_step,
        }
    )


def _tell_fault(console: Console, error: Exception) -> None:
    """Print the traceback of an exception that nobody foresaw, and below it what a person can do."""
    import traceback

    console.warn("".join(traceback.format_exception(error)).rstrip())
    _tell(console, ProgramFault(error))


def _first(context: Context) -> int:
    home = context.home()
    captures = len(home.catalog.captures())
    context.console.say(f"home {home.path} · {captures} captures · key {home.ledger_key_text().split('+')[1]}")
    context.console.say("Next: archiver capture LINK    (archiver --help lists all commands)")
    return 0


def _copied(context: Context, home: Home, code: int) -> int:
    """After captures: the other places get them too, where the settings say so. The result is the capture's."""
    if home.config.copies.destinations and home.config.copies.after_captures:
        from archiver.cli.commands.copies import after_captures

        after_captures(context, home)
    return code


def _capture(context: Context) -> int:
    from archiver.cli.commands.capture import capture_links

    home = context.recovered_home()
    return _copied(context, home, capture_links(context, home))


def _crawl(context: Context) -> int:
    from archiver.cli.commands.capture import crawl_link

    home = context.recovered_home()
    return _copied(context, home, crawl_link(context, home))


def _receive(context: Context) -> int:
    from archiver.cli.commands.receive import receive

    home = context.recovered_home()
    return _copied(context, home, receive(context, home))


def _record(context: Context) -> int:
    from archiver.cli.commands.record import record_program

    home = context.recovered_home()
    return _copied(context, home, record_program(context, home))


def _copies(context: Context) -> int:
    """sync, recovery, triage, lock, fixity, evict, dispose: all of them write to a home."""
    from archiver.cli.commands.copies import commands, mended_first

    if context.arguments.command == "fixity":
        context.mended = mended_first(context)
    return commands()[context.arguments.command](context, context.recovered_home())


def _jobs(context: Context) -> int:
    from archiver.cli.commands.jobs import jobs_command

    return jobs_command(context, context.home())


def _schedule(context: Context) -> int:
    from archiver.cli.commands.schedule import schedule_command

    return schedule_command(context, context.home())


def _status(context: Context) -> int:
    from archiver.cli.commands.status import status_command

    return status_command(context, context.home())


def _notify(context: Context) -> int:
    from archiver.cli.commands.notify import notify_command

    return notify_command(context, context.home())


def _feed(context: Context) -> int:
    from archiver.cli.commands.feed import feed_command

    return feed_command(context, context.home())


def _serve(context: Context) -> int:
    from archiver.cli.commands.serve import serve_command

    return serve_command(context, context.home())


def _work(context: Context) -> int:
    from archiver.cli.commands.work import work_command

    home = context.recovered_home()
    return _copied(context, home, work_command(context, home))


def _restore(context: Context) -> int:
    from archiver.cli.commands.copies import restore_command

    return restore_command(context)


def _analysis(context: Context) -> int:
    from archiver.cli.commands.analysis import analysis

    return analysis(context, context.recovered_home())


def _redact(context: Context) -> int:
    from archiver.cli.commands.redact import redact

    return redact(context, context.recovered_home())


def _find(context: Context) -> int:
    from archiver.cli.commands.find import find

    return find(context, context.home())


def _show(context: Context) -> int:
    from archiver.cli.commands.show import show

    return show(context, context.recovered_home() if context.arguments.quarantined else context.home())


def _case(context: Context) -> int:
    from archiver.cli.commands.case import case

    return case(context, context.recovered_home())


def _check(context: Context) -> int:
    from archiver.cli.commands.check import check

    return check(context)


def _seal(context: Context) -> int:
    from archiver.cli.commands.seal import seal_command

    return seal_command(context, context.recovered_home())


def _export(context: Context) -> int:
    from archiver.cli.commands.export import export

    return export(context, context.recovered_home())


def _custody(context: Context) -> int:
    from archiver.cli.commands.custody import custody

    return custody(context, context.recovered_home())


def _disclose(context: Context) -> int:
    from archiver.cli.commands.custody import disclose

    return disclose(context, context.recovered_home())


def _keys(context: Context) -> int:
    from archiver.cli.commands.keys import keys_command

    return keys_command(context, context.recovered_home())


def _assemble(context: Context) -> int:
    from archiver.cli.commands.assemble import assemble

    return assemble(context)


def _telegram(context: Context) -> int:
    from archiver.cli.commands.telegram import telegram

    return telegram(context, context.recovered_home())


def _watch(context: Context) -> int:
    if context.arguments.what != "telegram":
        from archiver.cli.commands.watch import watch_command

        return watch_command(context, context.home())
    from archiver.cli.commands.watch_telegram import watch

    return watch(context, context.recovered_home())


def _history(context: Context) -> int:
    from archiver.cli.commands.history import history

    return history(context, context.home())


def _diff(context: Context) -> int:
    from archiver.cli.commands.diff import diff_command

    return diff_command(context, context.home())


def _doctor(context: Context) -> int:
    from archiver.cli.commands.doctor import doctor

    return doctor(context, context.recovered_home())


def _parse(context: Context) -> int:
    from archiver.cli.commands.parse import parse

    return parse(context)


def _demo(context: Context) -> int:
    from archiver.demo.run import demo

    return demo(main, context.console, context.arguments.home)


_COMMANDS: dict[str | None, Callable[[Context], int]] = {
    None: _first,
    "capture": _capture,
    "crawl": _crawl,
    "receive": _receive,
    "record": _record,
    "note": _annotate,
    "tag": _annotate,
    "place": _annotate,
    "quarantine": _annotate,
    **dict.fromkeys(("time", "translate", "sensitivity", "review", "author", "incident", "conclude"), _analysis),
    "redact": _redact,
    **dict.fromkeys(("sync", "recovery", "triage", "lock", "fixity", "evict", "dispose"), _copies),
    "restore": _restore,
    "jobs": _jobs,
    "work": _work,
    "schedule": _schedule,
    "status": _status,
    "serve": _serve,
    "feed": _feed,
    "notify": _notify,
    "find": _find,
    "show": _show,
    "case": _case,
    "check": _check,
    "seal": _seal,
    "keys": _keys,
    "custody": _custody,
    "disclose": _disclose,
    "export": _export,
    "assemble": _assemble,
    "catalog": _catalog,
    "doctor": _doctor,
    "telegram": _telegram,
    "watch": _watch,
    "history": _history,
    "diff": _diff,
    "parse": _parse,
    "demo": _demo,
}
