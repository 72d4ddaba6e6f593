"""Assemblies: written, read, refused where they are not what they say; damage is found by the check and by the command."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.checks.assemblies import check_assemblies
from archiver.checks.lines import Finding
from archiver.export.assemble import listed
from storage.assembly import Assembly, Piece, parse_assembly, safe_name
from storage.digest import sha256_hex
from storage.errors import FormatError
from storage.lines import read_lines
from tests.conftest import Shell
from tests.support.captures import folder_of

pieces = st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(1, 1 << 40)), min_size=1, max_size=6)


@given(pieces, st.text(max_size=40))
def test_round_trip(spans: list[tuple[int, int]], name: str) -> None:
    listed_ = tuple(
        Piece(f"<urn:uuid:{n}>", start, length, "c" if n % 2 else None) for n, (start, length) in enumerate(spans)
    )
    made = Assembly(safe_name(name), "video/mp4", sum(length for _, length in spans), "0" * 64, listed_, {"page": name})
    assert parse_assembly(made.block()) == made


@given(st.text(max_size=300))
def test_a_name_is_only_ever_a_file_in_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert "\\" not in safe
    assert not safe.startswith(".")
    assert len(safe.encode()) <= 150
    assert (Path("/x") / safe).parent == Path("/x")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "archiver-assembly/2"},
        {"size": 11},
        {"pieces": [{"record": "a", "offset": -1, "length": 10}]},
        {"pieces": [{"record": "a", "offset": 0, "length": 0}, {"record": "a", "offset": 0, "length": 10}]},
        {"pieces": "all"},
        {"sha256": None, "size": "ten"},
    ],
)
def test_what_is_no_assembly(change: dict[str, object]) -> None:
    from storage import canonical

    good = {
        "format": "archiver-assembly/1",
        "name": "a",
        "media_type": None,
        "size": 10,
        "sha256": "0" * 64,
        "about": {},
    }
    good["pieces"] = [{"record": "a", "offset": 0, "length": 10}]
    parse_assembly(canonical.dumps(good))
    with pytest.raises(FormatError):
        parse_assembly(canonical.dumps({**good, **change}))


def stream(shell: Shell) -> Path:
    _, [result] = shell.json("capture", "https://youtu.be/StreamOver1")
    return folder_of(shell, result)


def lines_about(folder: Path) -> list[tuple[Finding, str]]:
    records = list(read_lines(folder / "records.jsonl"))
    return [(line.finding, line.text()) for line in check_assemblies(folder.name, folder, records)]


def test_the_check_puts_files_together_again(shell: Shell) -> None:
    [(finding, text)] = lines_about(stream(shell))
    assert finding is Finding.INTACT
    assert "1 files put together from their pieces" in text
    assert "assemblies" in shell("check", "--verbose")[1]


@pytest.mark.parametrize(
    "damage", ["another order", "another digest", "a piece short", "a record that is not there", "no JSON"]
)
@pytest.mark.damages
def test_the_check_finds_a_wrong_assembly(shell: Shell, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was wrong before it was sealed: every digest of the capture is right, only the assembly lies."""
    original = Assembly.block

    def wrong(self: Assembly) -> bytes:
        value = json.loads(original(self))
        if damage == "another order":
            value["pieces"].reverse()
        elif damage == "another digest":
            value["sha256"] = sha256_hex(b"x")
        elif damage == "a piece short":
            value["pieces"][0]["length"] -= 1
        elif damage == "a record that is not there":
            value["pieces"][2]["record"] = "<urn:uuid:00000000-0000-4000-8000-000000000000>"
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()[: 20 if damage == "no JSON" else None]

    monkeypatch.setattr(Assembly, "block", wrong)
    folder = stream(shell)
    [(finding, _)] = lines_about(folder)
    assert finding is Finding.DAMAGED
    assert shell("check")[0] == 5


@pytest.mark.damages
def test_a_changed_byte_is_found_by_both(shell: Shell, tmp_path: Path) -> None:
    folder = stream(shell)
    [assembly] = listed(folder).assemblies.values()
    path, offset = listed(folder).places[assembly.pieces[1].record]
    data = bytearray(path.read_bytes())
    at = data.index(b"HTTP/1.1 200", offset) + 400
    data[at] ^= 1
    path.write_bytes(data)
    assert shell("check")[0] == 5
    code, out, err = shell("assemble", folder.name, "--to", str(tmp_path / "out"))
    assert code in (4, 5), "the digest is another, or the member's own CRC says so first"
    assert "intact" not in out + err
    assert not (tmp_path / "out" / assembly.name).exists(), "a damaged file never stands under its own name"


def test_pieces_in_a_capture_that_is_not_given(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Assembly.block
    elsewhere = "20200101T000000-elsewher"

    def wrong(self: Assembly) -> bytes:
        value = json.loads(original(self))
        value["pieces"][0] |= {"capture": elsewhere, "record": "<urn:uuid:00000000-0000-4000-8000-000000000001>"}
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    monkeypatch.setattr(Assembly, "block", wrong)
    folder = stream(shell)
    [(finding, text)] = lines_about(folder)
    assert finding is Finding.UNKNOWN
    assert elsewhere in text
    assert shell("check")[0] == 6
    code, _, err = shell("assemble", folder.name, "--to", str(tmp_path / "out"))
    assert code == 6
    assert elsewhere in err


def test_a_warc_of_others_has_no_assemblies(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "other.warc.gz"
    block = b"WARC/1.1\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    path.write_bytes(gzip.compress(block))
    code, _, err = shell("assemble", str(path), "--to", str(tmp_path / "out"))
    assert code == 1
    assert "an assembly" in err
    path.write_bytes(b"no gzip at all")
    assert shell("assemble", str(path), "--to", str(tmp_path / "out"))[0] == 4
