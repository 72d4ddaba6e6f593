"""Timestamps: real `openssl ts` behind HTTP, a calendar of ours, and what is refused."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from archiver.checks import Line, check_home, worst
from archiver.cli.commands.check import pinned_roots
from archiver.demo.authorities import MiniAuthority
from archiver.demo.server import Answer, Asked
from archiver.errors import ConfigError
from archiver.export import check as script
from archiver.home.config import Authority, authorities_of
from archiver.home.config_schema import Timestamps
from archiver.home.home import Home
from archiver.recorder.client import NoAnswer, ServiceClient
from archiver.seal.kept_stamps import OTS, Stamp, covering, needed, stamps
from archiver.seal.moments import EARLIEST, LATEST, draw, is_due, next_moment
from archiver.seal.opentimestamps import submit
from archiver.seal.rfc3161 import InvalidProof, examine, find_root
from archiver.seal.timestamps import due
from archiver.signer.local import LocalSigner
from storage.digest import sha256, sha256_hex
from storage.events import Event
from storage.times import system_clock, utc_parse
from tests.conftest import Shell, World
from tests.support.outsiders import Outsiders
from tests.support.rawserver import RawServer


@pytest.fixture
def outside(tmp_path: Path, home: Home) -> Iterator[Outsiders]:
    made = Outsiders(tmp_path / "outside", home)
    yield made
    made.stop()


def lines_of(home: Home, **more: object) -> list[Line]:
    return check_home(home.path, pinned=pinned_roots(home.path), **more)  # type: ignore[arg-type]


def test_two_authorities_and_a_calendar(outside: Outsiders, home: Home) -> None:
    outside.add("one", MiniAuthority(outside.folder / "one"))
    outside.add("two", MiniAuthority(outside.folder / "two", with_root=True))  # a set that is not in DER order
    network = outside.serve()
    report = outside.round(network)
    assert report.troubles == {}
    assert sorted(stamp.name for stamp in report.new) == ["one", OTS, "two"]
    size = report.size
    folder = home.path / "proofs" / str(size)
    for name, authority in outside.authorities:
        for what in (["-data", str(folder / "checkpoint.txt")], ["-queryfile", str(folder / f"{name}.tsq")]):
            done = subprocess.run(
                ["openssl", "ts", "-verify", *what, "-in", folder / f"{name}.tsr", "-CAfile", authority.folder / "root.pem"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert "Verification: OK" in done.stdout, done.stderr
    assert (folder / "checkpoint.txt").read_bytes() == (home.path / "ledger" / "checkpoints" / str(size)).read_bytes()
    bodies = home.catalog.event_bodies(("timestamped",))
    assert {body["detail"]["by"] for body in bodies} == {"one", "two"}  # the calendar's promise proves nothing yet
    assert bodies[0]["detail"]["token"]["sha256"] == sha256_hex(
        (folder / f"{bodies[0]['detail']['by']}.tsr").read_bytes()
    )
    stamp = covering(stamps(home), 0)
    assert stamp is not None
    assert stamp.time is not None
    assert abs(stamp.time - system_clock()) < timedelta(seconds=30)
    lines = lines_of(home)
    assert worst(lines) == 0, [line.text() for line in lines if line.finding == "DAMAGED"]
    assert sum(line.subject == "proofs" and line.finding == "intact" for line in lines) == 2
    assert any("pending" in line.detail for line in lines)


def test_a_second_round_asks_nobody_and_an_event_about_a_stamp_needs_none(outside: Outsiders, home: Home) -> None:
    one = outside.add("one", MiniAuthority(outside.folder / "one"))
    network = outside.serve()
    outside.round(network)
    size = home.ledger.checkpoint().size
    report = outside.round(network)
    assert (one.asked, report.new, home.ledger.checkpoint().size) == (1, [], size)
    assert needed(home) == 1
    LocalSigner(home).append([Event("checked", home.clock(), {})])
    report = outside.round(network)
    assert one.asked == 2
    assert {stamp.name for stamp in report.new} == {"one", OTS}


def test_the_calendar_completes_later(outside: Outsiders, home: Home) -> None:
    network = outside.serve()
    outside.round(network)
    assert [stamp.owed for stamp in stamps(home)] == [True]
    assert outside.round(network).new == []
    outside.calendar.mine(717001)
    report = outside.round(network)
    assert [(stamp.name, stamp.blocks, stamp.owed) for stamp in report.new] == [(OTS, (717001,), False)]
    assert home.catalog.event_bodies(("timestamped",))[0]["detail"]["blocks"] == [717001]
    lines = lines_of(home)
    assert worst(lines) == 0
    assert any("Bitcoin block 717001" in line.detail and line.finding == "note" for line in lines)
    # What the calendar saw is salted: it never learns the checkpoint's digest.
    note = (home.path / "proofs" / str(report.new[0].size) / "checkpoint.txt").read_bytes()
    assert sha256_hex(note).encode() not in b"".join(digest.hex().encode() for digest in outside.calendar.promised)


def another(authority: MiniAuthority) -> Callable[[Asked], Answer]:
    """Answers every request with the token of an earlier one."""
    first: list[bytes] = []

    def site(asked: Asked) -> Answer:
        first.append(authority.reply(asked.body))
        return Answer(body=first[0])

    return site


def queried(authority: MiniAuthority, *words: str) -> Callable[[Asked], Answer]:
    """Stamps a query of its own making in place of ours."""

    def site(asked: Asked) -> Answer:
        query = authority.folder / "own.tsq"
        subprocess.run(["openssl", "ts", "-query", *words, "-out", query], check=True, capture_output=True)
        return Answer(body=authority.reply(query.read_bytes()))

    return site


def test_authorities_that_fail_or_lie(outside: Outsiders, home: Home, tmp_path: Path) -> None:
    folder = outside.folder
    good = outside.add("good", MiniAuthority(folder / "good"))
    old = MiniAuthority(folder / "old")
    outside.add("old", old, another(old))
    other = MiniAuthority(folder / "other")
    outside.add("other", other, queried(other, "-digest", "aa" * 32, "-sha256", "-cert"))
    outside.add("down", MiniAuthority(folder / "down"), lambda asked: Answer(status=503))
    outside.add("noise", MiniAuthority(folder / "noise"), lambda asked: Answer(body=b"<html>sign in</html>"))
    outside.add(
        "cut",
        MiniAuthority(folder / "cut"),
        lambda asked: Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
    )
    outside.add("large", MiniAuthority(folder / "large"), lambda asked: Answer(body=bytes(3 << 20)))
    expired = MiniAuthority(folder / "expired", days=1, began=system_clock() - timedelta(days=9))
    outside.add("expired", expired)
    uses = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)
    several = MiniAuthority(folder / "several", uses=uses)
    outside.add("several", several)
    stranger = MiniAuthority(folder / "stranger")
    outside.add("unpinned", MiniAuthority(folder / "unpinned"), stranger.site)
    network = outside.serve()
    outside.round(network)  # so that `old` has a first token to give again
    LocalSigner(home).append([Event("checked", home.clock(), {})])
    report = outside.round(network)
    assert good.asked == 2
    assert set(report.troubles) == {
        "old", "other", "down", "noise", "cut", "large", "expired", "several", "unpinned"
    }  # fmt: skip
    assert "nonce" in report.troubles["old"]
    assert "503" in report.troubles["down"]
    assert "expired" in report.troubles["expired"]
    kept = {path.stem for path in (home.path / "proofs" / str(report.size)).glob("*.ts?")}
    assert kept == {"good"}
    assert worst(lines_of(home)) == 0


def with_status(authority: MiniAuthority, status: int) -> Callable[[Asked], Answer]:
    """Answer with another PKIStatus (RFC 3161 2.4.2), which no signature covers."""

    def site(asked: Asked) -> Answer:
        granted, other = b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01" + bytes([status])
        return Answer(body=authority.reply(asked.body).replace(granted, other, 1))

    return site


def test_a_grant_with_modifications_is_a_grant(outside: Outsiders, home: Home, tmp_path: Path) -> None:
    for name, status in (("granted", 0), ("modified", 1), ("rejected", 2)):
        authority = MiniAuthority(outside.folder / name)
        outside.add(name, authority, with_status(authority, status))
    report = outside.round(outside.serve())
    assert list(report.troubles) == ["rejected"], report.troubles
    lines = lines_of(home)
    assert worst(lines) == 0
    assert sum(line.subject == "proofs" and line.finding == "intact" for line in lines) == 2
    # The script in a package says so too.
    given, (_, authority) = home.path / "proofs" / str(report.size), outside.authorities[1]
    for kind in ("tsq", "tsr", "pem"):
        (tmp_path / f"stamp.{kind}").write_bytes((given / f"modified.{kind}").read_bytes())
    (tmp_path / "stamp.root").write_text(authority.fingerprint)
    (tmp_path / "proofs/roots").mkdir(parents=True)
    (tmp_path / f"proofs/roots/{authority.fingerprint}.pem").write_bytes(authority.root)
    note = (given / "checkpoint.txt").read_bytes()
    assert script.token_time(tmp_path, set(), "stamp", note)[1] == authority.fingerprint


def test_a_nonce_is_asked_for_and_must_come_back(outside: Outsiders, tmp_path: Path) -> None:
    authority = MiniAuthority(outside.folder / "one")
    message = tmp_path / "m"
    message.write_bytes(b"checkpoint")
    queries = {}
    for name, words in {"with": [], "without": ["-no_nonce"]}.items():
        path = tmp_path / name
        subprocess.run(
            ["openssl", "ts", "-query", "-data", message, "-sha256", "-cert", *words, "-out", path],
            check=True, capture_output=True,
        )  # fmt: skip
        queries[name] = path.read_bytes()
    root = x509.load_pem_x509_certificate(authority.root)
    examine(queries["with"], authority.reply(queries["with"]), b"checkpoint", root, b"")
    with pytest.raises(InvalidProof, match="nonce"):
        examine(queries["with"], authority.reply(queries["without"]), b"checkpoint", root, b"")
    with pytest.raises(InvalidProof):
        examine(queries["with"], authority.reply(queries["with"]), b"another", root, b"")


def test_tokens_are_renewed_before_their_certificates_end(outside: Outsiders, home: Home) -> None:
    outside.add("short", MiniAuthority(outside.folder / "short", days=30))
    outside.add("long", MiniAuthority(outside.folder / "long"))
    network = outside.serve()
    start = system_clock()
    first = outside.round(network).size
    assert outside.round(network).renewed == 0
    home.clock = lambda: start + timedelta(days=25)
    report = outside.round(network)
    assert (report.renewed, report.size) == (1, first + 4 - 1)
    tokens = home.catalog.event_bodies(("renewed",))[0]["detail"]["tokens"]
    assert tokens[0]["by"] == "short"
    assert (len(tokens[0]["token"]["sha256"]), len(tokens[0]["token"]["sha512"])) == (64, 128)
    outside.round(network)  # the authority's own clock has not moved: its new token is due as well, the old one is done
    named = [
        item["token"]["sha256"] for body in home.catalog.event_bodies(("renewed",)) for item in body["detail"]["tokens"]
    ]
    assert len(named) == len(set(named))
    late = {"now": start + timedelta(days=40)}
    lines = lines_of(home, **late)
    assert worst(lines) == 0
    assert any("renewed before" in line.detail and line.finding == "intact" for line in lines)
    # Without the renewal nobody outside vouches for the first token any more, and the check says so.
    for path in home.path.glob("proofs/*/*.tsr"):
        if int(path.parent.name) > first:
            path.unlink()
    assert any("was not renewed in time" in line.detail for line in lines_of(home, **late))


@pytest.mark.parametrize(("years", "side"), [(-3, "after"), (3, "before")])
def test_a_clock_that_is_wrong_is_said_and_hinders_nothing(
    outside: Outsiders, home: Home, years: int, side: str
) -> None:
    outside.add("one", MiniAuthority(outside.folder / "one"))
    start = system_clock()
    home.clock = lambda: start + timedelta(days=365 * years)
    report = outside.round(outside.serve())
    assert len(report.new) == 2
    assert [note for note in report.notes if f"s {side} this machine's clock: one of the two is wrong" in note]
    stamp = covering(stamps(home), 0)
    assert stamp is not None
    assert stamp.time is not None
    assert abs(stamp.time - start) < timedelta(seconds=30)  # the authority's word, not ours
    assert worst(lines_of(home)) == 0


def test_when_a_token_is_due() -> None:
    start = system_clock()
    month, decade = (Stamp(1, "x", start, start + timedelta(days=days)) for days in (30, 3650))
    assert [due(month, start + timedelta(days=days)) for days in (19, 21)] == [False, True]
    assert [due(decade, start + timedelta(days=days)) for days in (3284, 3286)] == [False, True]
    assert not due(Stamp(1, OTS, None), start)


def test_a_proof_that_was_changed_is_found(outside: Outsiders, home: Home) -> None:
    outside.add("one", MiniAuthority(outside.folder / "one"))
    outside.round(outside.serve())
    folder = next((home.path / "proofs").glob("[0-9]*"))
    for name in ("one.tsr", "one.tsq", "checkpoint.txt", f"{OTS}.ots"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        assert worst(lines_of(home)) == 5, name
        (folder / name).write_bytes(whole)
    assert worst(lines_of(home)) == 0


def test_a_crash_between_token_and_event_is_made_good(
    outside: Outsiders, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.add("one", MiniAuthority(outside.folder / "one"))
    network = outside.serve()
    with monkeypatch.context() as patch:
        patch.setattr("archiver.seal.timestamps._tell_ledger", lambda home, signer: None)
        outside.round(network)
    assert home.catalog.event_bodies(("timestamped",)) == []
    outside.round(network)
    assert len(home.catalog.event_bodies(("timestamped",))) == 1


def test_the_round_goes_out_by_the_exit_of_the_case(home: Home) -> None:
    with pytest.raises(NoAnswer, match="proxy failed"):
        ServiceClient("socks5h://127.0.0.1:9", None).ask("https://one.example/tsr", b"x")
    with pytest.raises(NoAnswer, match="loopback"):
        ServiceClient(None, None).ask("http://127.0.0.1:80/")


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "http://[x/", "http://one.example:abc/", "http://one.example/\r\nHost: x", "http://a..b/"]
)
def test_a_service_that_is_no_link_gives_no_answer(url: str) -> None:
    with pytest.raises(NoAnswer, match="not a link to a service"):
        ServiceClient(None, None).ask(url)
    with pytest.raises(NoAnswer, match="control character"):
        ServiceClient(None, None).ask("http://one.example/", headers={"X": "a\r\nb"})


def test_a_service_is_asked_by_one_line(tmp_path: Path) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers["/my%20tsr?q=1"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert ServiceClient(None, server.network).ask(f"{server.base}/my tsr?q=1") == (200, b"ok")
    server.close()


def _stamping(outside: Outsiders, world: World, shell: Shell) -> Path:
    """Let an authority answer; return the file that keeps the moment at which it is asked next."""
    outside.add("one", MiniAuthority(outside.folder / "one"))
    network = outside.serve("http")  # as most authorities are asked; the token is what is signed
    shell.network = replace(world.network, routes={**world.network.routes, **network.routes})
    return shell.home / "proofs" / ".next"


def _passed(moment: Path) -> None:
    moment.write_text("2022-01-05T05:00:00.000000Z\n")


def test_a_capture_is_never_stamped_because_it_began_or_ended(outside: Outsiders, world: World, shell: Shell) -> None:
    moment = _stamping(outside, world, shell)
    for before in ("no moment yet", "one that passed unused"):
        if before == "one that passed unused":
            _passed(moment)
        code, out, err = shell("capture", "https://t.me/ozen_today/12")
        assert (code, err) == (0, ""), before
        assert "stamped" not in out.replace("NOT TIMESTAMPED", "").replace("timestamped", ""), before
        assert not list((shell.home / "proofs").glob("*/*.tsr")), before
        assert utc_parse(moment.read_text().strip()) > system_clock(), "another was drawn"
    assert "archiver seal at once" in shell("status")[1]


def test_it_is_stamped_by_the_next_command_after_the_moment(outside: Outsiders, world: World, shell: Shell) -> None:
    moment = _stamping(outside, world, shell)
    code, out, _ = shell("capture", "https://t.me/ozen_today/12")
    assert code == 0
    capture = out.split("captures/")[1].split("\n")[0].rsplit("/", 1)[1]
    assert shell("work", "--drain")[0] == 0
    assert not list((shell.home / "proofs").glob("*/*.tsr")), "the moment has not come"
    _passed(moment)
    code, out, err = shell("work", "--drain")
    assert (code, err) == (0, "")
    assert "stamped   checkpoint 2 by one" in out
    assert utc_parse(moment.read_text().strip()) > system_clock(), "a moment is used once"
    shown = shell("show", capture)[1]
    assert "timestamped 20" in shown
    assert "by one" in shown
    assert "all timestamped" in shell("check")[1]
    assert shell.json("seal")[1][-1]["timestamped"] == 1


def test_moments_are_drawn_anew_and_lie_within_their_bounds(home: Home) -> None:
    now = home.clock()
    drawn = [draw(home) for _ in range(40)]
    assert len(set(drawn)) == 40
    later = home.clock()
    assert all(now + EARLIEST <= one <= later + LATEST for one in drawn)
    assert max(drawn) - min(drawn) > (LATEST - EARLIEST) / 4
    assert next_moment(home) == drawn[-1]
    for text in ("", "words", "2999-01-01T00:00:00.000000Z"):  # damaged; or the clock was set back
        (home.path / "proofs" / ".next").write_text(text)
        assert next_moment(home) <= home.clock() + LATEST, text
    assert not is_due(home)


def test_seal_says_what_set_up_did_not_allow(shell: Shell, home: Home, tmp_path: Path) -> None:
    code, _, err = shell("seal")
    assert code == 1
    assert "wanted = true" in err
    given = tmp_path / "checkpoint"
    assert shell("seal", "--write", str(given))[0] == 0
    LocalSigner(home).append([Event("checked", home.clock(), {})])
    home.project()
    assert shell("check", "--checkpoint", str(given))[0] == 0
    text = given.read_text().splitlines()
    given.write_text("\n".join([text[0], "2", *text[2:]]) + "\n")
    assert shell("check", "--checkpoint", str(given))[0] == 5


@pytest.mark.parametrize(
    "line", ['name = "Bad Name"', 'name = "opentimestamps"', 'url = "ftp://x"', 'root = "12"', 'name = "dfn"']
)
def test_settings_that_are_wrong(home: Home, line: str) -> None:
    name, _, value = line.partition(" = ")
    path = home.path / "archiver.toml"
    before, table, rest = path.read_text().partition("[[timestamps.authority]]")
    path.write_text(before + table + re.sub(rf"(?m)^{name} = .*$", lambda _: f"{name} = {value}", rest, count=1))
    home.__dict__.pop("config", None)
    with pytest.raises(ConfigError):
        _ = home.config


def test_a_root_that_nobody_has(home: Home) -> None:
    with pytest.raises(ConfigError, match="root certificate"):
        find_root(Authority("x", "http://x", "0" * 64), home.path / "keys" / "roots")
    for authority in home.config.timestamps.authorities:  # the defaults are among Mozilla's
        assert find_root(authority, home.path / "keys" / "roots")


def test_a_calendar_sees_a_digest_with_a_salt() -> None:
    """Another one each time, and never that of the checkpoint: it cannot tell later which checkpoint it was."""
    seen: list[bytes] = []

    class Calendar:
        def ask(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            seen.append(body)
            return 500, b""

    for _ in range(2):
        submit(b"a checkpoint", ("https://calendar.example",), Calendar())  # type: ignore[arg-type]
    assert len({*seen, sha256(b"a checkpoint")}) == 3


def test_two_operators_in_two_countries_are_asked_by_default() -> None:
    """DigiCert in the United States, and the DFN in Germany."""
    asked = {authority.name: urlsplit(authority.url).hostname for authority in authorities_of(Timestamps())}
    assert asked == {"digicert": "timestamp.digicert.com", "dfn": "zeitstempel.dfn.de"}
