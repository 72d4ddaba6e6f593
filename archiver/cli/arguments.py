"""Options that several commands share, each defined once."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would be a tenth of the start of the program
if TYPE_CHECKING:
    from argparse import ArgumentParser

MOST = 1_000_000_000
"""The highest count that is taken: far more than any home holds, and less than what a database can count."""


def count(text: str, least: int = 1, most: int = MOST) -> int:
    """Return a count that was given as text. Raises `ArgumentTypeError`."""
    from argparse import ArgumentTypeError

    digits = text.strip()
    number = int(digits) if digits.isdecimal() and len(digits) <= len(str(most)) else None
    if number is None or not least <= number <= most:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most:,}.")
    return number


def count_from_zero(text: str) -> int:
    """Return a count that may be none, or a place that is counted from 0. Raises `ArgumentTypeError`."""
    return count(text, 0)


def port_number(text: str) -> int:
    """Return the number of a port; 0 is any that is free. Raises `ArgumentTypeError`."""
    return count(text, 0, 65535)


def add_links(parser: ArgumentParser, metavar: str = "LINK", nargs: str = "+", what: str = "") -> None:
    """Add the links that a command takes, as `links`."""
    parser.add_argument("links", nargs=nargs, metavar=metavar, help=what or "Link of a post, video, channel or page.")


def add_case(parser: ArgumentParser, what: str = "Add it to this case; repeatable (default: inbox).") -> None:
    """Add `--case`, which may be given several times."""
    parser.add_argument("--case", action="append", default=[], metavar="CASE", help=what)


def add_account_name(parser: ArgumentParser) -> None:
    """Add `--account`: which account Telegram is asked by."""
    parser.add_argument("--account", metavar="NAME", help="Use this Telegram account (default: the one logged in).")


def add_account(parser: ArgumentParser) -> None:
    """Add `--account` and `--no-account`: how Telegram is asked."""
    add_account_name(parser)
    parser.add_argument(
        "--no-account", action="store_true", help="Use Telegram's public web pages, without an account."
    )


def add_media(parser: ArgumentParser) -> None:
    """Add `--no-media`."""
    what = "Leave photos and videos out; they are listed as skipped."
    parser.add_argument("--no-media", action="store_true", help=what)


def add_capture(parser: ArgumentParser) -> None:
    """Add what every command takes that captures: the account, the case, media or none."""
    add_account(parser)
    add_case(parser)
    add_media(parser)


def add_comments(parser: ArgumentParser, what: str = "Capture comments with their replies.") -> None:
    """Add `--comments`."""
    parser.add_argument("--comments", action="store_true", help=what)


def add_range(parser: ArgumentParser, posts: str = "posts") -> None:
    """Add `--since`, `--until` and `--limit`: which posts of a list are captured."""
    since = f"Capture {posts} from this day or time on (UTC unless an offset or zone is given)."
    parser.add_argument("--since", metavar="DATE", help=since)
    parser.add_argument("--until", metavar="DATE", help=f"Capture {posts} before this day or time.")
    add_post_limit(parser, posts)


def add_post_limit(parser: ArgumentParser, posts: str = "posts") -> None:
    """Add `--limit`: how many posts of a list are captured."""
    parser.add_argument("--limit", type=count, metavar="N", help=f"Stop after N {posts}.")


def add_shown(parser: ArgumentParser, default: int = 50) -> None:
    """Add `--limit`: how many lines are shown."""
    what = f"Show at most N (default {default})."
    parser.add_argument("--limit", type=count, default=default, metavar="N", help=what)


def add_at_once(parser: ArgumentParser, default: int, runs: str) -> None:
    """Add `--at-once`."""
    what = f"Maximum number of {runs} at the same time (default {default})."
    parser.add_argument("--at-once", type=count, default=default, metavar="N", help=what)


def add_merge(
    parser: ArgumentParser, what: str = "Also merge separate video and audio into one file (needs ffmpeg)."
) -> None:
    """Add `--merge`."""
    parser.add_argument("--merge", action="store_true", help=what)


def add_capture_id(parser: ArgumentParser, what: str = "Id of a capture, its beginning or end, or LAST.") -> None:
    """Add the capture that a command is about, as `id`."""
    parser.add_argument("id", metavar="ID", help=what)


def add_words(parser: ArgumentParser, metavar: str = "TEXT", what: str = "What is to be recorded.") -> None:
    """Add the words of a person, as `words`."""
    parser.add_argument("words", nargs="+", metavar=metavar, help=what)


def add_part(parser: ArgumentParser) -> None:
    """Add `--post` and `--attachment`: a part of a capture."""
    parser.add_argument("--post", metavar="POST", help="Id of the post in the capture.")
    parser.add_argument(
        "--attachment", type=count_from_zero, metavar="N", help="Attachment of the post, counted from 0."
    )


def add_period(parser: ArgumentParser, required: bool = False) -> None:
    """Add `--since` and `--until`: when something happened."""
    since = "Earliest moment (UTC unless an offset or zone is given)."
    parser.add_argument("--since", required=required, metavar="TIME", help=since)
    parser.add_argument("--until", metavar="TIME", help="Latest moment (default: same as --since).")


def add_zone(parser: ArgumentParser) -> None:
    """Add `--zone`."""
    parser.add_argument("--zone", metavar="ZONE", help="Time zone of the place, like Asia/Almaty, for local times.")


def add_position(parser: ArgumentParser) -> None:
    """Add `--at`."""
    parser.add_argument("--at", metavar="LAT,LON", help="Coordinates in degrees, like 43.3412,52.8619.")


def add_destination(parser: ArgumentParser) -> None:
    """Add `--to`, the destination of copies, which may be given several times."""
    parser.add_argument(
        "--to", action="append", default=[], metavar="NAME", help="Use only this destination; repeatable."
    )
