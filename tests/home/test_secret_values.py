"""Which secrets are taken out of what is written beside the record."""

from __future__ import annotations

import pytest

from archiver.cli.main import main
from archiver.errors import ExitCode
from archiver.home.home import Home
from archiver.home.secret_values import secrets_of
from tests.conftest import set_in

LINK = "https://t.me/ozen_today/16"


def _raise(text: str) -> int:
    raise ValueError(text)


def _text(home: Home) -> str:
    return "".join(path.read_text() for path in (home.path / "log").glob("*.log"))


def test_with_debug_every_secret_of_the_settings_is_withheld(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the form too in which it goes out: apprise makes another link of a target, a client reads `%21` as `!`."""
    (home.path / "c.txt").write_text(".t.me\tTRUE\t/\tTRUE\t0\tsid\tvalueOfCookie\n")
    set_in(
        home, proxy='"socks5h://u:pr0xy%21pw@127.0.0.1:9"', mtproxy='"tg://proxy?server=h&port=443&secret=ee00112233"'
    )
    set_in(home, database='"postgresql://u@h/d?password=dbpw"', cookies='"c.txt"')
    with (home.path / "archiver.toml").open("a") as file:
        file.write(
            '[[notify]]\nname = "a"\ntarget = "tgram://123456789:AAbottoken/1"\n[cases.k]\nproxy = "http://u:casepw@h:1"\n'
            '[[copies.destination]]\nname = "x"\nwhere = "s3://buck"\nproxy = "http://u:copypw@h:1"\n'
            '[media.extractor_args]\nyoutube = { po_token = ["web.gvs+POTOKEN1"] }\n'
        )
    values = [
        "valueOfCookie",
        "pr0xy!pw",
        "ee00112233",
        "dbpw",
        "bot123456789:AAbottoken",
        "casepw",
        "copypw",
        "POTOKEN1",
    ]
    values += ["0123456789abcdef", "491701234567"]
    environment = {"ARCHIVER_TELEGRAM_API_HASH": values[-2], "ARCHIVER_TELEGRAM_PHONE": "+49 170 123-4567"}
    monkeypatch.setattr("archiver.cli.commands.find.run", lambda context: _raise(f"{LINK} {values}"))
    assert main(["--home", str(home.path), "--debug", "find", "x"], None, environment) == ExitCode.FAULT
    assert LINK in _text(home)
    assert [value for value in values if value.removeprefix("bot") in _text(home)] == []


def test_values_of_cookies_count_from_eight_characters_on(home: Home) -> None:
    lines = [f".t.me\tTRUE\t/\tTRUE\t0\t{name}\t{value}\n" for name, value in (("a", "7-chars"), ("b", "8-chars!"))]
    (home.path / "c.txt").write_text("".join(lines))
    set_in(home, cookies='"c.txt"')
    found = secrets_of(home.config, {})
    assert "8-chars!" in found
    assert "7-chars" not in found
