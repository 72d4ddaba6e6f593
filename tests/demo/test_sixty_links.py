"""A night of sixty links as a new user pastes them, against the miniatures: each row of the result sheet is true.

What is expected beside a link is read off the miniatures: what is behind it, and what a person who looks there sees. It is
not what the program says.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from archiver.demo.x import Clip, Picture, Tweet
from tests.conftest import Shell, World

WHOLE, PART, SAME = "kept whole", "kept in part", "same as another row"
GONE, SHUT, STOPPED, FAILED = "not available", "not shown to us", "stopped by the site", "failed on our side"
LEFT_OUT, NO_LINK = "left out", "not a link"
EXIT = {WHOLE: 0, NO_LINK: 1, PART: 2, LEFT_OUT: 2, GONE: 3, SHUT: 3, STOPPED: 4, FAILED: 4}
"""With what a command ends that captures this link alone (docs/reference/commands.md)."""
WALLS = (GONE, SHUT, STOPPED, FAILED)
X, TELEGRAM = "https://x.com/ozen_today/status", "https://t.me/ozen_today"
NEWS, FORUM = "https://news.ozen.example", "https://forum.ozen.example"
FACEBOOK = "https://www.facebook.com"


@dataclass(frozen=True)
class Truth:
    """What is true of a link. `reason`: how it begins; `files`: how many files at least are kept with it; `missing`: how many are not."""

    link: str
    status: str
    reason: str = ""
    files: int = 0
    missing: int = 0


NIGHT = [
    # Telegram
    Truth(f"{TELEGRAM}/12", WHOLE, files=1),
    Truth("\u2068https://t.me/s/ozen_today/12\u200b\u2069", SAME, "the same post as row 2"),
    Truth("see hxxps://t[.]me/ozen_today/11)", WHOLE, files=1),
    Truth(f"{TELEGRAM}/14", GONE, "Telegram says: Post not found (19 other posts of the channel"),
    Truth(f"{TELEGRAM}/20", PART, "1 of 1 attachments not kept: too big for the web view", missing=1),
    Truth("tg://resolve?domain=ozen_today&post=21", PART, "1 of 1 attachments not kept: documents have no link", missing=1),
    Truth(f"{TELEGRAM}/12abc", NO_LINK, "not a post of Telegram: expected a number"),
    Truth("https://web.telegram.org/k/#@ozen_today", LEFT_OUT, "a whole channel"),
    Truth("https://web.telegram.org/a/#-1001500000001_12", SHUT, "a Telegram private post is not on the public web"),
    Truth("https://t.me/+OzenInvite42", SHUT, "a Telegram invite is not on the public web"),
    # X
    Truth(f"{X}/1478660000000000001?s=20", WHOLE, files=2),
    Truth("https://mobile.twitter.com/i/web/status/1478660000000000001", SAME, "the same post as row 12"),
    Truth(f"({X}/1478660000000000005?s=20&amp;t=AbC)", WHOLE, files=1),
    Truth("https://x.com/ozen_today/status/14786abc", NO_LINK, "not a post of X: expected a number"),
    Truth(f"{X}/1478660000000000008", GONE, "X's public syndication knows no such post"),
    Truth(f"{X}/1478660000000000009", GONE, "deleted by the author"),
    Truth(f"{X}/1478660000000000012", SHUT, "protected"),
    Truth(f"{X}/1478660000000000013", SHUT, "withheld"),
    Truth(f"{X}/1478660000000000014", PART, "1 of 1 attachments not kept: an HTML page came in place of the video", missing=1),
    Truth(f"{X}/1478660000000000015", PART, "1 of 1 attachments not kept: 0 bytes came in place of the photo", missing=1),
    Truth("https://x.com/ozen_today/article/1478660000000000016", PART, "kept as a page only: an article of X"),
    Truth("https://nitter.net/ozen_today/status/1478660000000000003#m", WHOLE),
    Truth("https://nitter.net/ozen_today/status/1478660000000000017", PART, "a mirror's copy, not the platform's"),
    # YouTube
    Truth("https://youtu.be/Zh5janSq001?si=abc", WHOLE, files=2),
    Truth("https://www.youtube.com/watch?v=Zh5janSq001&list=PLx", SAME, "the same video as row 25"),
    Truth("https://www.youtube.com/shorts/Sh0rtOzen01", WHOLE, files=2),
    Truth("https://m.youtube.com/watch?v=StreamOver1", WHOLE, files=1),
    Truth("https://youtu.be/Zh5janSq00", NO_LINK, "not a video of YouTube: expected an id of 11"),
    Truth("https://youtu.be/Pr1vateVid0", SHUT, "private"),
    Truth("https://youtu.be/AgeGateVid0", SHUT, "age-restricted"),
    Truth("https://youtu.be/GeoB1ockVd0", SHUT, "geo-blocked"),
    Truth("https://youtu.be/B0tWa11Vid0", STOPPED, "bot wall"),
    Truth("https://youtu.be/Rem0vedVid0", GONE, "unavailable"),
    Truth("https://www.youtube.com/clip/UgkxOzenC1ip001", WHOLE, files=2),
    Truth("https://www.youtube.com/post/UgkxOzenPost001", WHOLE, files=1),
    Truth("https://www.youtube.com/embed/videoseries?list=PLozenJanuary", LEFT_OUT, "a whole playlist"),
    # Facebook
    Truth(f"{FACEBOOK}/ozen.today/posts/10157000000000001", WHOLE, files=1),
    Truth("https://m.facebook.com/ozen.today/videos/10157000000000002/", WHOLE, files=1),
    Truth(f"{FACEBOOK}/ozen.today/posts/10157000000000004", GONE, "Facebook says: This content isn't available right now"),
    Truth(f"{FACEBOOK}/share/p/0zenPost1/", WHOLE, files=1),
    Truth(f"{FACEBOOK}/share/p/0zenWa11/", SHUT, "led to a login page"),
    Truth(f"{FACEBOOK}/groups/ozen.today/", SHUT, "login required"),
    # Links that lead on, and platforms without a reader
    Truth("https://t.co/0zenThread", WHOLE),
    Truth("https://bit.ly/ozen-loop", FAILED, "a loop of redirects"),
    Truth("https://clck.ru/ozen-gone", GONE, "removed"),
    Truth(f"{NEWS}/moved", WHOLE),
    Truth("https://www.tiktok.com/@ozen_today/video/7049900000000000001", PART, "layout of this platform is not read (TikTok)", missing=1),
    Truth("https://www.instagram.com/p/CYozenPost1/", SHUT, "login required"),
    Truth("https://www.instagram.com/ozen.closed/", SHUT, "private"),
    # Pages
    Truth(f"{NEWS}/2022/hospital", WHOLE, files=2),
    Truth(f"{NEWS}/2022/stream", WHOLE, files=1),
    Truth(f"{NEWS}/2022/player", PART, "1 of 1 attachments not kept: an HTML page came in place of the video", missing=1),
    Truth(f"{NEWS}/kk/gone", GONE, "removed"),
    Truth(f"{NEWS}/tr/gone", GONE, "removed"),
    Truth(f"{NEWS}/ar/gone", GONE, "removed"),
    Truth(f"{NEWS}/app", PART, "an empty shell of scripts"),
    Truth(f"{FORUM}/topic/1", GONE, "not found"),
    Truth(f"{FORUM}/topic/2", SHUT, "login required"),
    Truth("https://gate.ozen.example/photo/3", STOPPED, "bot wall"),
    Truth("https://shield.ozen.example/photo/4", STOPPED, "bot wall"),
]  # fmt: skip


@pytest.fixture(scope="module")
def night(world: World) -> World:
    """The miniatures, with posts of X whose files are not what they are said to be, and two that X does not show."""
    when = datetime(2022, 1, 5, 11, tzinfo=UTC)
    login = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in to watch</body></html>"
    limits = "You're unable to view this Post because this account owner limits who can view their Posts. Learn more"
    legal = "This Post from @ozen_today has been withheld in Kazakhstan in response to a legal demand. Learn more"
    tweets = [
        Tweet("1478660000000000012", when, "", gone=limits),
        Tweet("1478660000000000013", when, "", gone=legal),
        Tweet("1478660000000000014", when, "Видео с крыши.", [Clip("demo0014clip", login)]),
        Tweet("1478660000000000015", when, "Фото списка.", [Picture("demo0015photo", b"")]),
        Tweet("1478660000000000017", when, "", missing=True),
    ]
    world.x.tweets |= {tweet.id: tweet for tweet in tweets}
    return world


def spreadsheet(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["no", "link"])
    for number, row in enumerate(NIGHT, 1):
        sheet.append([number, row.link])
    book.save(path)
    return path


def untrue(row: dict[str, str], true: Truth) -> list[str]:
    """What a row says that is not so."""
    there = true.status in (WHOLE, PART)
    said = {
        "status": row["status"] == true.status,
        "reason": row["reason"].startswith(true.reason) and bool(row["reason"]) == (true.status != WHOLE),
        "posts": (row["posts"] not in ("", "0")) == there,
        "files kept": int(row["files kept"] or 0) >= true.files,
        "files missing": int(row["files missing"] or 0) == true.missing,
        "what to do next": bool(row["what to do next"]) == (true.status not in (WHOLE, SAME)),
        "capture": bool(row["capture"]) == (true.status not in (SAME, NO_LINK) and true.reason != "a whole channel"),
    }
    return [
        f"{row['row']} {true.link}: {name} {row[name]!r}; {row['status']}, {row['reason']}"
        for name in said
        if not said[name]
    ]


@pytest.mark.usefixtures("no_browser", "night")
def test_each_row_of_sixty_links_is_true(shell: Shell, tmp_path: Path) -> None:
    assert len(NIGHT) == 60
    sheet = tmp_path / "sheet.csv"
    listed = spreadsheet(tmp_path / "night.xlsx")
    code, out, _ = shell("capture", "--list", str(listed), "--sheet", str(sheet))
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    both = list(zip(rows, NIGHT, strict=True))
    wrong = [line for row, true in both for line in untrue(row, true)]
    assert not wrong, "\n".join(wrong)
    ticks = [true.link for row, true in both if row["status"] == WHOLE and true.status != WHOLE]
    walls = [true.link for row, true in both if row["status"] in WALLS and true.status in (WHOLE, PART)]
    assert (ticks, walls) == ([], []), "false ticks, false walls"
    assert code == max(EXIT[true.status] for true in NIGHT if true.status != SAME)
    counted = Counter(true.status for true in NIGHT)
    assert all(f"{count} {status}" in out for status, count in counted.items()), out


@pytest.mark.usefixtures("no_browser", "night")
@pytest.mark.parametrize("status", [WHOLE, PART, GONE, SHUT, STOPPED, FAILED, NO_LINK])
def test_a_link_alone_ends_with_its_exit_code(shell: Shell, status: str) -> None:
    true = [true for true in NIGHT if true.status == status][-1]
    assert shell("capture", "--", true.link)[0] == EXIT[status], true
