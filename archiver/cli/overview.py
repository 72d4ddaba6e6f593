"""What `archiver --help` says, written from tables: neither a command nor argparse is imported for it."""

from __future__ import annotations

import sys

from archiver.cli import streams, terminal
from archiver.cli.registry import groups
from archiver.errors import EXIT_CODES

USAGE = "archiver [OPTIONS] COMMAND …"
DESCRIPTION = """\
Capture posts, videos and pages as evidence: recorded as they crossed the wire, hashed, sealed, and checkable by
outsiders."""

EVERY_COMMAND = "options of every command"
EVERY_COMMAND_OPTIONS = {
    "-h, --help": "Show this help.",
    "--home DIR": "Folder of the home (default: $ARCHIVER_HOME or ~/archiver-home).",
    "--json": "Print JSON lines instead of text.",
    "--as NAME": "Sign as this person (archiver keys new NAME).",
    "--debug": "Write links, handles and names into the log too.",
    "--version": "Print the version.",
}
FIRST_RUN = "first run (these options answer its questions)"
FIRST_RUN_OPTIONS = {
    "--pseudonym NAME": "Name to sign events with.",
    "--proxy URL": "Connect through this proxy, like socks5h://127.0.0.1:9050.",
    "--direct": "Connect without a proxy: sites learn the IP address of this machine.",
    "--user-agent TEXT": "User-Agent sent to sites.",
    "--second-copy WHERE": "Folder or s3://bucket for the second copy.",
    "--timestamps, --no-timestamps": "Let outside authorities timestamp your work (default: yes).",
    "--create": "Make the home that --home names, where there is none.",
}
VALUED = tuple(
    words.split()[0] for words in (*EVERY_COMMAND_OPTIONS, *FIRST_RUN_OPTIONS) if words.split()[-1].isupper()
)
"""The options before a command that take the next word."""

EXAMPLES = """\
examples:
  archiver capture https://t.me/durov/523           one post with its files
  archiver capture LINK LINK LINK --case almaty     several, into a case
  archiver capture --list links.xlsx --quick        a spreadsheet of links
  archiver crawl https://t.me/s/durov --limit 200   a channel, newest first
  archiver check                                    has anything changed since sealing?
  archiver demo                                     try it offline
"""
HELP = "Help of one command: archiver help COMMAND\n"


def overview(width: int) -> str:
    """Return the help of `archiver`: its commands in groups, its options, examples and exit codes."""
    parts = [f"usage: {USAGE}", terminal.wrapped(" ".join(DESCRIPTION.split()), width)]
    parts += [_table(group, members, max(13, 2 + max(map(len, members))), width) for group, members in groups().items()]
    parts.append(_table(EVERY_COMMAND, EVERY_COMMAND_OPTIONS, 22, width))
    parts.append(_table(FIRST_RUN, FIRST_RUN_OPTIONS, 22, width))
    codes = {str(int(code)): meaning for code, meaning in EXIT_CODES.items()}
    return "\n\n".join([*parts, EXAMPLES.rstrip(), _table("exit codes", codes, 4, width), HELP])


def print_overview() -> OSError | None:
    """Print the help of `archiver`, with its headings in bold on a terminal. Return why it could not be written."""
    text = overview(terminal.columns(sys.stdout) - 1)
    return streams.write(sys.stdout, terminal.painted_headings(text) if terminal.is_colourful(sys.stdout) else text)


def _table(heading: str, lines: dict[str, str], column: int, width: int) -> str:
    """Return names and what they mean, side by side; a name that is too long has a line of its own."""
    shown = [f"{heading}:"]
    for name, meaning in lines.items():
        if len(name) > column - 2:
            shown.append(f"  {name}")
            name = ""
        shown.append(terminal.wrapped(f"  {name:<{column}}{meaning}", width, column + 2))
    return "\n".join(shown)
