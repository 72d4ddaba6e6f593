"""Every command by name: what it does in a line, and the group it is listed under.

`archiver --help` needs this table and nothing else: no command is imported for it (as in pip's `commands_dict`).
A new command is a module in `commands/` with `add_arguments(parser)` and `run(context)`, and one line here.
"""

from __future__ import annotations


class Command:
    """One line of the table of commands.

    A plain class: a dataclass or a named tuple would cost more to make than all of the help.
    """

    __slots__ = ("group", "summary")

    def __init__(self, group: str, summary: str) -> None:
        self.group = group
        self.summary = summary


CAPTURE = "capture"
LOOK = "look"
WORDS = "cases and words"
PACKAGES = "packages"
COPIES = "copies and keys"
WORK = "work"
PROGRAM = "this program"

COMMANDS = {
    "capture": Command(CAPTURE, "Capture posts or pages, each into a sealed folder."),
    "crawl": Command(CAPTURE, "Capture a channel, profile, playlist, thread or search."),
    "receive": Command(CAPTURE, "Take in files handed over by a person."),
    "record": Command(CAPTURE, "Record the traffic of another program."),
    "parse": Command(CAPTURE, "Extract posts from saved HTML, JSON, HAR or WARC, offline."),
    "telegram": Command(CAPTURE, "Log Telegram accounts in and out, check them, join a channel."),
    "find": Command(LOOK, "Search posts and notes in any script; capitals do not matter."),
    "show": Command(LOOK, "Show what a capture holds."),
    "history": Command(LOOK, "Show the history of a post: observations, edits, removal."),
    "diff": Command(LOOK, "Compare two captures of the same thing."),
    "custody": Command(LOOK, "List every action on a capture or case, with signer and proofs."),
    "chronology": Command(LOOK, "List what happened when in a case, also as CSV."),
    "places": Command(LOOK, "List the places of a case, also as GeoJSON, KML or CSV."),
    "check": Command(LOOK, "Check that nothing has changed since it was sealed."),
    "reassess": Command(LOOK, "Judge sealed captures by today's rules; list what differs."),
    "case": Command(WORDS, "List, create or show cases."),
    "note": Command(WORDS, "Attach a note."),
    "tag": Command(WORDS, "Attach a tag."),
    "place": Command(WORDS, "Record where it happened."),
    "time": Command(WORDS, "Record when it happened, and how you know."),
    "translate": Command(WORDS, "Add a translation of a post."),
    "sensitivity": Command(WORDS, "Mark content as sensitive, graphic or identifying."),
    "quarantine": Command(WORDS, "Hide content from searches, copies and packages."),
    "author": Command(WORDS, "Mark an account: official, institutional, private, or source."),
    "incident": Command(WORDS, "List, show, create, change or retract incidents of a case."),
    "statement": Command(WORDS, "Tie a received text or file to an incident, as a witness's statement."),
    "conclude": Command(WORDS, "Record a conclusion about an incident, with its basis."),
    "review": Command(WORDS, "Approve for publication or withhold, as a second person."),
    "retract": Command(WORDS, "Retract a note, tag or any other annotation; both stay in the ledger."),
    "redact": Command(WORDS, "Make a copy with parts covered, muted or masked."),
    "export": Command(PACKAGES, "Create a package of a case for a court, a partner or the public."),
    "disclose": Command(PACKAGES, "Record the handover of a package."),
    "files": Command(PACKAGES, "Write the files of captures into a folder, whole, to look at."),
    "open": Command(PACKAGES, "Open a file of a capture on this machine."),
    "wacz": Command(PACKAGES, "Write captures as one WACZ file, for ReplayWeb.page."),
    "warcs": Command(PACKAGES, "Print where the WARC files of captures lie."),
    "assemble": Command(PACKAGES, "The earlier name of files."),
    "sync": Command(COPIES, "Copy sealed captures to the destinations, and lock them there."),
    "fixity": Command(COPIES, "Re-read every file, here and in the copies, and sign the result."),
    "restore": Command(COPIES, "Restore a lost home from its copies."),
    "recovery": Command(COPIES, "Create and check recovery keys for the copies."),
    "triage": Command(COPIES, "Mark captures as looked at, so that their copies may be locked."),
    "lock": Command(COPIES, "Set how copies of a case are locked."),
    "evict": Command(COPIES, "Free disk space: remove large files held by a checked copy."),
    "dispose": Command(COPIES, "Destroy content that must not be kept, here and in the copies."),
    "keys": Command(COPIES, "Manage signing keys: fingerprints, people, passphrases."),
    "seal": Command(COPIES, "Have outside authorities timestamp the ledger."),
    "catalog": Command(COPIES, "Query the search catalog in SQL, or rebuild it."),
    "jobs": Command(WORK, "Queue links, and follow their progress."),
    "work": Command(WORK, "Run queued jobs until stopped."),
    "team": Command(WORK, "List whose captures lie where, and fetch those of a case."),
    "schedule": Command(WORK, "Capture or crawl at regular times."),
    "watch": Command(WORK, "Check posts and channels regularly for changes and removals."),
    "feed": Command(WORK, "Queue links from a growing list."),
    "status": Command(WORK, "Show waiting jobs, workers, and the latest failures."),
    "notify": Command(WORK, "Send a test message with each notification rule."),
    "serve": Command(WORK, "Serve an HTTP API that accepts links, or show the recordings of a package."),
    "doctor": Command(PROGRAM, "Check this machine, and whether the platforms have changed."),
    "update-extractors": Command(PROGRAM, "Install a newer yt-dlp for this home, beside the pinned one."),
    "config": Command(PROGRAM, "Show the settings in force, and where each came from."),
    "demo": Command(PROGRAM, "Try archiver offline, on miniature platforms."),
    "completion": Command(PROGRAM, "Print the completion script of a shell."),
    "help": Command(PROGRAM, "Show the help of a command."),
    "version": Command(PROGRAM, "Print the version."),
}
"""In the order of `archiver --help`. The module of each bears its name, with underscores for dashes."""

HOMELESS = ("completion", "help", "version")
"""Commands that open no home."""

WITHOUT_SETTINGS = ("help", "version")
RUN_ANYWAY = ("config", "doctor", "check", "status", "find", "show", "history", "diff", "parse")
"""Commands that run although the settings are not understood, and say so first: they look, and connect nowhere."""

BEGIN_A_HOME = frozenset({"capture", "receive", "case new"})
"""Commands, with their action, that make a home where there is none: a person begins with them.

To every other one a mistyped `--home` is an error. `archiver` alone makes one too; `restore` and `demo` make one of their own.
"""

FIRST = "first_run"
"""The module that is run by `archiver` alone."""


def begins_a_home(command: str | None, action: str | None) -> bool:
    """Return whether a home is made for the command, and its action, where there is none."""
    return command is None or command in BEGIN_A_HOME or f"{command} {action}" in BEGIN_A_HOME


def groups() -> dict[str, dict[str, str]]:
    """Return the summaries of the commands by group and name, in their order."""
    found: dict[str, dict[str, str]] = {}
    for name, command in COMMANDS.items():
        found.setdefault(command.group, {})[name] = command.summary
    return found
