"""What the documents tell a person to type is typed here, and what they show is what the program writes."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.cli.main import main
from archiver.errors import EXIT_CODES
from archiver.home.home import Home, is_home
from archiver.jobs.queue import Queue, database
from storage import canonical
from storage.note import Checkpoint, VerifierKey, open_note
from storage.times import utc_parse, utc_text
from tests.conftest import NEW_HOME, World
from tests.support.pages import blocks, commands, missing, shown

ROOT = Path(__file__).parents[2]
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
CODE = [path for room in ("archiver", "spiders", "storage") for path in sorted((ROOT / room).rglob("*.py"))]
COLUMNS = 100


@pytest.mark.usefixtures("no_browser")
def test_the_tutorials_watched_channel_reports_a_removed_post(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert main(["--home", str(home), *NEW_HOME, "--pseudonym", "aru"], world.network, {}) == 0
    assert main(["--home", str(home), "case", "new", "zhanaozen"], world.network, {}) == 0
    channel = world.telegram.channels["ozen_today"]
    before = list(channel.posts)

    def typed(kind: str) -> str:
        said = ""
        for words, code in shown("tutorial/first-captures.md", kind):
            capsys.readouterr()
            found = main(["--home", str(home), *words], world.network, {})
            said = capsys.readouterr().out
            assert found == code, (words, said)
        return said

    try:
        typed(" watch")
        channel.posts[:] = [post for post in channel.posts if post.id != 12]
        assert "ozen_today/12  not shown in one look" in typed(" removed")
        queue = Queue(database(Home(home)))
        for entry in queue.shared.entries.all("watch"):  # an hour passes
            for one in entry.value["looks"]:
                one["at"] = utc_text(utc_parse(one["at"]) - timedelta(hours=1))
            queue.shared.entries.put("watch", entry)
        queue.close()
        said = typed(" later")
    finally:
        channel.posts[:] = before
    page = (ROOT / "docs" / "tutorial" / "first-captures.md").read_text()
    block = next(found for found in re.findall(r"```text later\n(.*?)```", page, re.DOTALL) if "UNAVAILABLE" in found)
    for line in block.splitlines():
        for part in re.split(r"\S*\d{4}-\d\d-\d\dT?\S*(?: \S+Z)?|\S*…\S*|event \d+|ozen_today/45|\(…\)", line):
            assert part.strip(" ,") in said, (part, said)


@pytest.mark.parametrize(
    "group",
    re.findall(
        r"Without\s+an\s+action,\s+`archiver (\w+)`\s+shows\s+its\s+help",
        (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8"),
    ),
)
def test_a_command_of_several_actions_alone_shows_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group], None, {}) == 0
    assert "positional arguments:" in capsys.readouterr().out


def test_the_tutorial(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    done = 0
    said = ""
    for block in blocks("tutorial/first-captures.md"):
        if block.language == "text" and not block.about:
            assert missing(block.text, said) == [], said[-2000:]
        for words, code in commands(block.text) if block.language == "console" and not block.about else ():
            done += 1
            with monkeypatch.context() as without:
                # One page is shown in a browser: it starts slowly.
                if "https://blog.ozen.example/2011/12/17/square" not in words:
                    without.setattr("archiver.tools.chromium.program", lambda: None)
                created = () if is_home(home) else ("--create", "--no-timestamps")  # the page uses the usual place
                found = main(["--home", str(home), *created, *words], world.network, {})
            said += capsys.readouterr().out
            assert found == code, (words, said[-2000:])
    assert done >= 14
    table = re.findall(r"^\|(.*)\|$", (ROOT / "docs" / "tutorial" / "first-captures.md").read_text(), re.MULTILINE)
    rows = [
        [cell.strip() for cell in row.split("|")] for row in table if row.startswith(" row ") and "| link" not in row
    ]
    with open(tmp_path / "results.csv", encoding="utf-8-sig", newline="") as stream:
        sheet = {row["row"]: row for row in csv.DictReader(stream)}
    assert len(rows) == len(sheet) == 7
    for where, link, status, reason, _ in rows:
        assert sheet[where]["link"].startswith(link)
        assert sheet[where]["status"] == status
        assert sheet[where]["reason"].startswith(reason.removesuffix("…").strip()), where
    written = {path.name for path in (tmp_path / "files").iterdir()}
    assert {f"2022-01-05T1200Z_ozen_today_Zh5janSq001_1.{ending}" for ending in ("mp4", "m4a", "vtt")} <= written
    assert {"index.html", "files.csv", "READ-FIRST.txt"} <= written


def test_the_tutorial_begins_with_installing() -> None:
    """What stands in its first section leads to the program; `make demo` itself is what `test_the_demo` runs."""
    script, printed = blocks("tutorial/first-captures.md")[:2]
    assert (script.language, printed.about) == ("sh", "install")
    first, *others = script.text.splitlines()
    assert first == "make demo"
    made = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ".venv/bin/archiver demo" in made
    ran = subprocess.run(["sh", "-euc", "\n".join(others)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == printed.text


def test_what_the_readme_shows_is_printed(
    home: Home, world: World, capsys: pytest.CaptureFixture[str], no_browser: None
) -> None:
    (block,) = re.findall(r"```\n(\$ archiver capture.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    codes = [0, 2, 0]
    for part, code in zip(re.split(r"^\$ archiver ", block, flags=re.MULTILINE)[1:], codes, strict=True):
        command, _, printed = part.partition("\n")
        assert main(["--home", str(home.path), *shlex.split(command)], world.network, {}) == code
        assert missing(printed, capsys.readouterr().out) == []


def run_shown(home: Home, world: World, kind: str, capsys: pytest.CaptureFixture[str]) -> int:
    done = shown("reference/platforms.md", kind)
    for words, code in done:
        assert main(["--home", str(home.path), *words], world.network, {}) == code, (words, capsys.readouterr())
    return len(done)


def test_the_commands_of_the_platforms_page(
    home: Home, tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handed-over").mkdir()
    (tmp_path / "handed-over" / "VID_0001.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(1000))
    (tmp_path / "damaged.warc").write_bytes(b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 50\r\n\r\ncut")
    assert run_shown(home, world, "", capsys) >= 20


def test_the_commands_of_the_platforms_page_that_need_a_login(
    home: Home, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        f".x.com\tTRUE\t/\tTRUE\t1893456000\t{name}\t{value}\n"
        for name, value in (("auth_token", world.x.cookie), ("ct0", "c" * 32))
    ]
    (home.path / "x.txt").write_text("".join(lines))
    path = home.path / "archiver.toml"
    path.write_text(path.read_text().replace('cookies = ""\n', 'cookies = ""\nx = "x.txt"\n'))
    assert run_shown(home, world, " login", capsys) == 3


def test_the_doctor_of_the_platforms_page(home: Home, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = home.path / "archiver.toml"
    live = (
        'telegram = "https://t.me/ozen_today/12"\nx = "https://x.com/i/status/1478660000000000001"\n'
        'youtube = "https://youtu.be/Zh5janSq001"\nfacebook = "https://www.facebook.com/a/posts/10157000000000001"\n'
    )
    path.write_text(path.read_text().replace("[doctor]\n", f"[doctor]\n{live}"))
    assert run_shown(home, world, " doctor", capsys) == 1


def test_commands_shown_in_the_readme_exist() -> None:
    from archiver.cli.parser import build_parser

    parser = build_parser()
    text = (ROOT / "README.md").read_text()
    for line in re.findall(r"^(?:\$ )?archiver (.+?)(?:  .*)?$", text, re.MULTILINE):
        words = shlex.split(line)
        if words and words[0] not in ("/",):
            parser.parse_args(words)


def test_examples_of_the_formats_are_well_formed() -> None:
    text = (ROOT / "docs" / "reference" / "formats.md").read_text()
    blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 7
    for block in blocks:
        for line in block.splitlines():
            json.loads(line)
    event = next(block for block in blocks if block.startswith('{"event"'))
    body = json.loads(event)["event"]
    assert canonical.dumps(json.loads(event)) == event.strip().encode()
    assert body["type"] == "captured"
    key = re.search(r"`(archiver\.invalid/\S+\+\S+)`", text)
    note = re.search(r"```\n(archiver\.invalid.*?)```", text, re.DOTALL)
    assert key
    assert note
    checkpoint = Checkpoint.parse(open_note(note[1], [VerifierKey.parse(key[1])]))
    assert checkpoint.size == 8, "the checkpoint in the document is a real one, signed by the key beside it"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_the_index_names_every_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    named = set(re.findall(r"\]\(([^)#]+\.md)\)", text))
    assert named == {page for page in pages if not page.startswith("adr/0")} - {"index.md"}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_documents_are_wrapped(path: Path) -> None:
    """Tables, code, and what cannot be broken (a link, a `span of code`) may be longer."""
    text = re.sub(r"^( *)```.*?^\1```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for line in text.splitlines():
        whole = re.sub(r"`[^`]+`|\]\(.*?\)", lambda found: "x" * len(found[0]), line)
        if not line.startswith(("|", "    ")):
            assert len(line) <= COLUMNS or len(whole.removeprefix("- ").split()) == 1, line


def test_entries_of_the_glossary_are_used_and_in_order() -> None:
    pages = [path for path in DOCS if path.name not in ("glossary.md", "CHANGELOG.md")]
    used = " ".join(" ".join(path.read_text("utf-8").split()) for path in [*pages, *CODE]).lower()
    for subject in (ROOT / "docs" / "reference" / "glossary.md").read_text("utf-8").split("\n## ")[1:]:
        entries = [entry.lower() for entry in re.findall(r"^- \*\*(.+?)\*\*:", subject, re.MULTILINE)]
        assert entries
        assert [entry for entry in entries if entry not in used] == []
        assert entries == sorted(entries) or subject.startswith("Outcomes")


def test_pages_that_the_code_names_exist() -> None:
    for path in CODE:
        for page in re.findall(r"\bdocs/[\w/-]+\.md|\bdocs/adr/\d{4}", path.read_text("utf-8")):
            assert list(ROOT.glob(page if page.endswith(".md") else f"{page}-*.md")), f"{path}: {page}"


@pytest.mark.usefixtures("no_browser")
def test_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--home", str(tmp_path / "demo")], None, {}) == 0
    out = capsys.readouterr().out
    for said in (
        "1 post, 2 videos, 2 photos",
        "too big for the web view",
        "Post not found",
        "Жаңаөзен",
        "not evidence",
        "NOT TIMESTAMPED",
        "intact",
    ):
        assert said in out
    assert main(["demo", "--home", str(tmp_path / "demo")], None, {}) == 1, "a home is not written over"


def test_every_exit_code_is_told_in_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], None, {}) == 0
    told = capsys.readouterr().out.partition("exit codes:")[2]
    for code in EXIT_CODES:
        assert f" {code} " in told


def test_the_drill_after_losing_the_laptop(
    home: Home, tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/how-to/storage.md, typed as it stands there, on a machine that has the copies and the recovery key and nothing else."""
    import shutil

    from tests.support.places import add_place, evidence

    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive").mkdir()
    (tmp_path / "usb").mkdir()
    add_place(home.path, "archive", str(tmp_path / "archive"))
    for words in (["capture", "https://t.me/ozen_today/16"], ["recovery", "new", "usb"], ["triage", "inbox"], ["sync"]):
        assert main(["--home", str(home.path), *words], world.network, {}) == 0
    before = evidence(home.path)
    shutil.rmtree(home.path)
    done = shown("how-to/storage.md")
    assert [words[0] for words, _ in done] == ["restore", "check", "fixity", "find", "note", "sync"]
    for words, code in done:
        if "ID" in words:
            assert {
                name: data for name, data in evidence(home.path).items() if name in before and "ledger" not in name
            } == {name: data for name, data in before.items() if "ledger" not in name}
            words = [Home(home.path).catalog.captures()[-1]["id"] if word == "ID" else word for word in words]
        assert main(["--home", str(home.path), *words], world.network, {}) == code, (words, capsys.readouterr())
