"""The parsers of the analysts' commands; cheap, since every start of the program makes them."""

from __future__ import annotations

import argparse
from collections.abc import Callable

LEVELS = ("none", "sensitive", "graphic", "identifies")
MARKS = ("official", "institutional", "private", "source")
CONFIDENCE = ("low", "moderate", "high")
DECISIONS = ("publish", "withhold")
PLATFORMS = ("telegram", "x", "youtube", "facebook", "page")

Command = Callable[..., argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """The parsers; cheap, since every start of the program makes them."""
    time = command(
        "time",
        "say when it happened, and why you think so",
        "archiver time 9k2mv7qd --since '2022-01-05T10:30 Asia/Aqtau' 'by the shadows'",
    )
    _about(time)
    time.add_argument(
        "--since", required=True, metavar="TIME", help="the earliest moment; UTC, with an offset, or with a zone"
    )
    time.add_argument("--until", metavar="TIME", help="the latest moment (default: the same)")
    translate = command(
        "translate",
        "add a translation of a post's words",
        "archiver translate 9k2mv7qd --to en --by 'A. N.' --how human 'The soldiers left.'",
    )
    _about(translate)
    translate.add_argument(
        "--language", "--to-language", dest="language", required=True, metavar="CODE", help="like en"
    )
    translate.add_argument("--by", required=True, metavar="WHO", help="the translator, a pseudonym or a program")
    translate.add_argument("--how", required=True, choices=("human", "machine"))
    translate.add_argument("--date", metavar="DATE", help="when it was translated (default: today)")
    sensitivity = command(
        "sensitivity",
        "say whether it may be seen by everybody",
        "archiver sensitivity 9k2mv7qd graphic 'a dead person'",
    )
    sensitivity.add_argument("level_id", metavar="ID")
    sensitivity.add_argument("level", choices=LEVELS)
    sensitivity.add_argument("words", nargs="+", metavar="REASON")
    _part(sensitivity)
    review = command(
        "review",
        "approve for publication or withhold; a second person's word",
        "archiver --as R-2 review 9k2mv7qd publish 'faces are covered'",
    )
    review.add_argument("level_id", metavar="ID|EVENT", help="a capture, or the number of an annotation's event")
    review.add_argument("decision", choices=DECISIONS)
    review.add_argument("words", nargs="+", metavar="REASON")
    _part(review)
    author = command(
        "author",
        "mark an account: official, institutional, private, or a source to protect",
        "archiver author qr_mvd official 'the ministry' --platform telegram",
    )
    author.add_argument("handle", metavar="HANDLE")
    author.add_argument("mark", choices=MARKS)
    author.add_argument("words", nargs="+", metavar="REASON")
    author.add_argument("--platform", required=True, choices=PLATFORMS)
    author.add_argument("--case", metavar="CASE", help="only for this case")
    redact = command(
        "redact",
        "cover, silence or mask something in a new copy; what was recorded stays",
        "archiver redact 9k2mv7qd 'a face' --attachment 0 --box 0:00=10,20,15,30 0:02=40,20,15,30 --mute 0:01-0:03",
    )
    _about(redact)
    box_help = "a thing to cover, in percent; several with times along its way, like 0:02=40,20,15,30; repeatable"
    redact.add_argument("--box", action="append", nargs="+", default=[], metavar="X,Y,W,H", help=box_help)
    follow_help = "the boxes follow what they cover (OpenCV); where it is lost, the whole picture is covered"
    redact.add_argument("--follow", action="store_true", help=follow_help)
    anew_help = "begin with what was recorded; else what was covered before stays covered"
    redact.add_argument("--anew", action="store_true", help=anew_help)
    redact.add_argument("--mute", action="append", default=[], metavar="FROM-TO", help="silence; repeatable")
    redact.add_argument("--tone", action="append", default=[], metavar="FROM-TO", help="a tone in place of the sound")
    redact.add_argument("--mask", action="append", default=[], metavar="WORDS", help="words of the post; repeatable")
    incident = command(
        "incident",
        "make or add to an incident of a case: when, where, which exhibits",
        "archiver incident square --case almaty --at 43.34,52.86 --zone Asia/Aqtau --add 9k2mv7qd",
    )
    incident.add_argument("incident", metavar="NAME", help="small letters, digits and dashes")
    incident.add_argument("--title", metavar="TEXT")
    incident.add_argument("--case", required=True, metavar="CASE")
    incident.add_argument("--place", metavar="TEXT")
    incident.add_argument("--at", metavar="LAT,LON")
    incident.add_argument("--zone", metavar="ZONE", help="of the place, like Asia/Almaty: local times are shown then")
    incident.add_argument("--since", metavar="TIME")
    incident.add_argument("--until", metavar="TIME")
    incident.add_argument("--add", action="append", default=[], metavar="ID[:POST]", help="an exhibit; repeatable")
    conclude = command(
        "conclude",
        "say what you conclude of an incident, how surely, from what",
        "archiver conclude square --case almaty --confidence moderate --basis 9k2mv7qd@0:12-0:30 'Soldiers fired.'",
    )
    conclude.add_argument("incident", metavar="NAME")
    conclude.add_argument("words", nargs="+", metavar="CONCLUSION")
    conclude.add_argument("--case", required=True, metavar="CASE")
    conclude.add_argument("--confidence", required=True, choices=CONFIDENCE)
    conclude.add_argument("--basis", action="append", required=True, metavar="ID[:POST][@FROM-TO]", help="repeatable")
    conclude.add_argument("--against", action="append", default=[], metavar="TEXT", help="what speaks against it")


def _about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("level_id", metavar="ID")
    parser.add_argument("words", nargs="+", metavar="TEXT")
    _part(parser)


def _part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--post", help="a post in the capture")
    parser.add_argument("--attachment", type=int, metavar="N", help="its attachment, counted from 0")
