"""Every command by name: its module, what it does in a line, and the group it is listed under.

`archiver --help` needs this table and nothing else: no command is imported for it (as in pip's `commands_dict`).
A new command is a module in `commands/` with `add_arguments(parser)` and `run(context)`, and one line here.
"""

from __future__ import annotations


class Command:
    """One line of the table. A plain class: a dataclass or a named tuple would cost more to make than all of the help."""

    __slots__ = ("group", "module", "summary")

    def __init__(self, group: str, summary: str, module: str) -> None:
        self.group = group
        self.summary = summary
        self.module = f"archiver.cli.commands.{module}"


GROUPS = {
    "capture": {
        "capture": "Capture posts or pages, each into a sealed folder.",
        "crawl": "Capture a channel, profile, playlist, thread or search.",
        "receive": "Take in files that a person handed over.",
        "record": "Record whatever another program fetches.",
        "parse": "Read posts out of saved HTML, JSON, HAR or WARC, offline.",
        "telegram": "Log Telegram accounts in and out, check them, join a channel.",
    },
    "look": {
        "find": "Search posts and notes, in any script and case.",
        "show": "Show what a capture holds.",
        "history": "Show how a post was seen over time: edits, removal.",
        "diff": "Compare two captures of the same thing.",
        "custody": "List what was done with a capture or case, by whom, with proofs.",
        "check": "Check that everything is still as it was sealed.",
    },
    "cases and words": {
        "case": "List, make or show cases.",
        "note": "Attach a note.",
        "tag": "Attach a tag.",
        "place": "Say where it was.",
        "time": "Say when it happened, and how you know.",
        "translate": "Add a translation of a post's words.",
        "sensitivity": "Say who may see it without a warning.",
        "quarantine": "Keep something from view.",
        "author": "Mark an account: official, institutional, private, protected.",
        "incident": "Make an incident of a case, or add to one.",
        "conclude": "Record a conclusion about an incident, and what it rests on.",
        "review": "Approve for publication or withhold, as a second person.",
        "redact": "Cover, mute or mask something in a new copy.",
    },
    "packages": {
        "export": "Make a package of a case for a court, a partner or the public.",
        "disclose": "Record that a package was given to somebody.",
        "assemble": "Put files together again from the pieces they arrived in.",
    },
    "copies and keys": {
        "sync": "Copy what was sealed to the other places, and lock it there.",
        "fixity": "Read everything back, here and at the copies; sign the result.",
        "restore": "Restore an empty home from the copies alone.",
        "recovery": "Make and check the keys that open the copies after a loss.",
        "triage": "Record that somebody looked at it; its copies may be locked.",
        "lock": "Set how copies of a case are locked.",
        "evict": "Free the disk of large files that lie safely elsewhere.",
        "dispose": "Destroy what must not be kept, here and at the copies.",
        "keys": "Manage the keys that sign: fingerprints, people, passphrases.",
        "seal": "Have outsiders timestamp what was sealed.",
        "catalog": "Rebuild the searchable catalog.",
    },
    "work": {
        "jobs": "Queue links, and see what became of them.",
        "work": "Do what waits in the queue, until stopped.",
        "schedule": "Capture or crawl at regular times.",
        "watch": "Look again and again for what is new, changed or gone.",
        "feed": "Queue the links of a list that grows.",
        "status": "Show what waits, who works, what failed last.",
        "notify": "Send a test message by the notification rules.",
        "serve": "Serve an HTTP interface that takes links.",
    },
    "this program": {
        "doctor": "Check this machine, and whether the platforms have changed.",
        "demo": "See it work offline, against miniature platforms.",
        "completion": "Print the completion script of a shell.",
        "help": "Show the help of a command.",
        "version": "Print the version.",
    },
}
"""The groups of `archiver --help`, in their order, and the commands of each."""

COMMANDS = {
    name: Command(group, summary, name) for group, members in GROUPS.items() for name, summary in members.items()
}
FIRST = Command("", "Make a home if there is none, and show it.", "first_run")
"""`archiver` alone."""
