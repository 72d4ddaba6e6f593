"""What archiver.toml and the environment may say, and what is said of the rest."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import asdict

from archiver.errors import ConfigError
from archiver.home.config import Config, read_config
from archiver.home.config_file import MOST_FAULTS, SettingsRead, read_settings, schema_key
from archiver.home.config_in_force import in_force
from archiver.home.config_schema import SUCCESSORS, Accounts, Copies, Doctor, Timestamps, known_keys
from archiver.home.home import Home
from spiders.platforms import PLATFORMS

PROXY = "socks5h://user:s3cret@127.0.0.1:9050"
KNOWN = {key for key, _, _ in known_keys()}


def settings(folder: Path, text: str) -> Path:
    (folder / "archiver.toml").write_bytes(text.encode("utf-8"))
    return folder


def read(folder: Path, text: str, **environment: str) -> SettingsRead:
    return read_settings(settings(folder, text), environment)


def config(folder: Path, text: str, **environment: str) -> Config:
    return read_config(settings(folder, text), environment)


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found", "meant"),
    [
        (f'[sites]\nproxi = "{PROXY}"\n', "[sites] proxi", "[sites] proxy"),
        (f'[site]\nproxy = "{PROXY}"\n', "site", "sites"),
        (f'proxy = "{PROXY}"\n', "proxy", "[sites] proxy"),
        ("[limits]\ncapture_byte = 5\n", "[limits] capture_byte", "[limits] capture_bytes"),
        ("[media]\nrendered = true\n", "[media] rendered", "[pages] rendered"),
        ('[accounts]\nyoutub = "y.txt"\n', "[accounts] youtub", "[accounts] youtube"),
        ('[cases.almaty]\nproxi = ""\nproxy = ""\n', "[cases.almaty] proxi", "[cases.almaty] proxy"),
        ('[[notify]]\nname = "a"\ncontents = true\n', "[[notify]] contents (entry 1)", "[[notify]] content (entry 1)"),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(tmp_path: Path, text: str, found: str, meant: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config(tmp_path, text)
    assert str(tmp_path / "archiver.toml") in raised.value.expected
    assert raised.value.found == f"the unknown key {found}"
    assert f"Did you mean {meant}?" in raised.value.next_step
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        ('[media]\nprobe = "false"', "true or false for [media] probe", '"false"'),
        ("[pages]\nrendered = 0", "true or false for [pages] rendered", "0"),
        ("[x.features]\na = 1", "[x] features", "a table"),
        ('[sites]\ninterval = "often"', "a number from 0 to 3600 for [sites] interval", '"often"'),
        ("[sites]\nproxy = 9050", "a proxy like", "9050"),
        ("[sites]\nconcurrency = 4.5", "a whole number from 1 to 1000", "4.5"),
        ("[sites]\nconcurrency = true", "a whole number", "true"),
        ("sites = 1", "a table, [sites]", "1"),
        ("[notify]\nname = 'a'", "a list of tables, [[notify]]", "a table"),
        ("[copies]\ndestination = [1]", "a table", "1"),
        ("[timestamps]\ncalendars = ['ftp://x']", "a link with http", "a list"),
        ("role = 'boss'", 'one of "collector", "analyst", "reviewer"', '"boss"'),
        ("pseudonym = 2026-01-01", "a name", "date 2026-01-01"),
        ("[cases.almaty]\n", "[cases.almaty] proxy", "none"),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_the_file(tmp_path: Path, text: str, expected: str, found: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config(tmp_path, text)
    assert expected in raised.value.expected
    assert found in raised.value.found


NUMBERS = [
    ("sites", "interval", "0.5"), ("sites", "concurrency", "4"), ("sites", "retries", "2"),
    ("limits", "response_bytes", "1"), ("limits", "response_seconds", "1"), ("limits", "capture_bytes", "0"),
    ("limits", "capture_seconds", "0"), ("media", "extractors", "1"), ("media", "extract_seconds", "0.1"),
    ("media", "live_minutes", "0.01"), ("media", "reserve_bytes", "0"), ("telegram", "patience", "0"),
    ("telegram", "interval", "0"), ("telegram", "retries", "1"), ("copies", "bandwidth", "0"), ("copies", "lock_days", "1"),
]  # fmt: skip
NOT_ZERO = {"concurrency", "response_bytes", "response_seconds", "extractors", "extract_seconds", "live_minutes"}


@pytest.mark.parametrize(("table", "name", "good"), NUMBERS, ids=[f"{table}.{name}" for table, name, _ in NUMBERS])
def test_numbers_have_a_range(tmp_path: Path, table: str, name: str, good: str) -> None:
    assert config(tmp_path, f"[{table}]\n{name} = {good}")
    zero = ["0"] if name in NOT_ZERO else []
    for wrong in ("-1", "nan", "inf", "-inf", "1e30", "99999999999999999999", *zero):
        with pytest.raises(ConfigError, match=name):
            config(tmp_path, f"[{table}]\n{name} = {wrong}")


def test_every_number_is_tried_above() -> None:
    numbers = {
        key for key, _, default in known_keys() if isinstance(default, (int, float)) and not isinstance(default, bool)
    }
    assert numbers - {"format"} == {f"{table}.{name}" for table, name, _ in NUMBERS}


def test_all_faults_are_found_at_once(tmp_path: Path) -> None:
    found = read(tmp_path, '[sites]\nproxi = ""\n[media]\nprobe = "no"\n', ARCHIVER_PROXI=PROXY)
    assert [fault.key for fault in found.faults] == ["ARCHIVER_PROXI", "sites.proxi", "media.probe"]
    with pytest.raises(ConfigError, match="2 more"):
        found.understood()


def test_a_table_is_taken_by_itself_only_where_it_is_understood(tmp_path: Path) -> None:
    typo = read(tmp_path, '[sites]\nproxi = ""\n[timestamps]\nwanted = true\n')
    table = typo.understood_table("timestamps", Timestamps)
    assert table is not None
    assert table.wanted
    assert read(tmp_path, '[timestamps]\nwanted = "true"\n').understood_table("timestamps", Timestamps) is None
    assert read(tmp_path, "[timestamps\n").understood_table("timestamps", Timestamps) is None
    assert read(tmp_path, "format = 2\n").understood_table("timestamps", Timestamps) is None


def test_entries_of_a_list_have_names_of_their_own(tmp_path: Path) -> None:
    place = '[[copies.destination]]\nname = "a"\nwhere = "/one"\n'
    with pytest.raises(ConfigError, match='"a" twice'):
        config(tmp_path, place + place.replace("/one", "/two"))
    with pytest.raises(ConfigError, match='"/one" twice'):
        config(tmp_path, f'[copies]\nsecond = "/one"\n{place}')


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    assert config(tmp_path, f'\ufeff[sites]\r\nproxy = "{PROXY}"\r\n').proxy == PROXY


def test_a_later_form_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="format 2") as raised:
        config(tmp_path, 'format = 2\n[sites]\nfuture = "x"\n')
    assert "later" in raised.value.next_step


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[sites]\nproxy = ''\n[sites]\n", "twice"),
        (b"[sites\n", "line 1"),
        (b"pseudonym = '\xe9'\n", "not UTF-8"),
        (b"\0" * 99, "line 1"),
        (b"x" * 9_000_000, "after a key"),
        (b"a = " + b"[" * 99_999, "too deep"),
        (b"[sites]\nretries = " + b"9" * 5000, "thousands of digits"),
        (b"k" * 1_000_000 + b" = 1", "kkk…"),
        (b'[accounts]\ncookies = "a\\u0000b"', "u0000"),
        (b'[accounts]\nx = "~nobody-of-this-name/c.txt"', "~nobody"),
        (b'[copies]\nsecond = "~nobody-of-this-name/c"', "~nobody"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "archiver.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path))) as raised:
        read_config(tmp_path, {})
    assert said in raised.value.found


def test_a_file_of_junk_is_refused_at_once(tmp_path: Path) -> None:
    read = read_settings(settings(tmp_path, "".join(f"key{n} = 1\n" for n in range(5000))), {})
    assert len(read.faults) == MOST_FAULTS + 1
    assert read.understood_table("copies", Copies) is None, "what was not looked at is not taken"


def test_a_file_that_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    settings(tmp_path, "")
    monkeypatch.setattr(Path, "read_text", denied)  # the tests may run as root, who may read anything
    with pytest.raises(ConfigError, match="Permission denied"):
        read_config(tmp_path, {})


# -- the environment ---------------------------------------------------------------------------------------------------


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    file = f'pseudonym = "a"\n[sites]\nproxy = "{PROXY}"\nuser_agent = "b"\n[accounts]\ncookies = ""\n[jobs]\ndatabase = "postgres://h/d"'
    empty = dict.fromkeys(
        ("ARCHIVER_PROXY", "ARCHIVER_PSEUDONYM", "ARCHIVER_USER_AGENT", "ARCHIVER_JOBS", "ARCHIVER_COOKIES"), ""
    )
    assert config(tmp_path, file, **empty) == config(tmp_path, file)
    assert config(tmp_path, file, **empty).proxy == PROXY


def test_a_word_overrides_a_proxy(tmp_path: Path) -> None:
    file = f'[sites]\nproxy = "{PROXY}"\n[cases.almaty]\nproxy = "direct"\n'
    assert config(tmp_path, file, ARCHIVER_PROXY="direct").proxy is None
    assert config(tmp_path, file).proxy_for(["almaty"]) is None
    assert config(tmp_path, file).proxy_for(["other"]) == PROXY
    assert config(tmp_path, '[sites]\nproxy = "direct"').proxy is None
    with pytest.raises(ConfigError, match="second_proxy"):
        config(tmp_path, '[sites]\nsecond_proxy = "direct"')


def test_the_proxy_resolves_names_however_it_is_written(tmp_path: Path) -> None:
    """requests resolves names itself where a proxy begins with `socks5:`."""
    short = PROXY.replace("socks5h:", "socks5:")
    made = config(
        tmp_path, f'[sites]\nproxy = "{short}"\nsecond_proxy = "{short}"\n[cases.almaty]\nproxy = "{short}"\n'
    )
    assert {made.proxy, made.second_proxy, made.proxy_for(["almaty"])} == {PROXY}


@pytest.mark.parametrize("name", ["ARCHIVER_PROXY", "ARCHIVER_USER_AGENT"])
def test_a_variable_in_other_letters_is_not_passed_over(tmp_path: Path, name: str) -> None:
    for written in (
        f"ARCHIVER_{name[9:].lower()}",
        f"Archiver_{name[9:]}",
        name.lower(),
        f"{name[:-1]}{name[-1].lower()}",
    ):
        with pytest.raises(ConfigError, match=written) as raised:
            config(tmp_path, "", **{written: PROXY})
        assert f"Did you mean {name}?" in raised.value.next_step
        assert "s3cret" not in str(raised.value)
        config(tmp_path, "", **{written: ""})


@pytest.mark.parametrize("name", ["ARCHIVER_PROXI", "ARCHIVER_SITES_PROXY", "ARCHIVER_"])
def test_an_unknown_variable_is_an_unknown_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name) as raised:
        config(tmp_path, "", **{name: PROXY})
    assert "s3cret" not in str(raised.value)
    with pytest.raises(ConfigError, match=name):
        read_settings(None, {name: PROXY}).understood()  # before there is a home


def test_variables_that_the_settings_name_are_known(tmp_path: Path) -> None:
    file = (
        '[secrets]\nfrom_environment = "ARCHIVER_TOKENS"\n[[notify]]\nname = "a"\nfrom_environment = "ARCHIVER_TEAM"\n'
    )
    made = config(tmp_path, file, ARCHIVER_TOKENS="t0ken\n", ARCHIVER_TEAM="json://x", ARCHIVER_RECORDER="http://x:1")
    assert made.secret_values == (b"t0ken",)
    assert made.notify[0].targets == ("json://x",)
    with pytest.raises(ConfigError, match="ARCHIVER_TEAM"):
        config(tmp_path, "", ARCHIVER_TEAM="json://x")


@pytest.mark.parametrize("value", [" ", f" {PROXY}", f"{PROXY} ", "socks5h://a b:1", "off", "none"])
def test_a_proxy_with_spaces_or_another_word_is_no_proxy(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="ARCHIVER_PROXY") as raised:
        config(tmp_path, "", ARCHIVER_PROXY=value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("table", ["[secrets]", '[[notify]]\nname = "a"'])
def test_a_secret_in_the_place_of_its_variable_is_not_shown(tmp_path: Path, table: str) -> None:
    wrong = read(tmp_path, f'{table}\nfrom_environment = "tgram://123456789:s3cret/1"\n')
    assert [fault.found for fault in wrong.faults] == ["another form"]
    assert "s3cret" not in str([one.line() for one in in_force(wrong)])


def test_spaces_are_taken_as_they_are_where_they_may_stand(tmp_path: Path) -> None:
    assert config(tmp_path, "", ARCHIVER_PASSPHRASE=" two words ", ARCHIVER_HOME="/a b ").proxy is None
    with pytest.raises(ConfigError, match="ARCHIVER_PSEUDONYM"):
        config(tmp_path, "", ARCHIVER_PSEUDONYM=" R-1")


def test_a_choice_that_is_none_is_refused(tmp_path: Path) -> None:
    assert config(tmp_path, "", ARCHIVER_TIMESTAMPS="Yes")
    with pytest.raises(ConfigError, match="ARCHIVER_TIMESTAMPS"):
        config(tmp_path, "", ARCHIVER_TIMESTAMPS="on")


# -- the template and what is in force ---------------------------------------------------------------------------------


def test_every_key_of_the_template_is_known_or_has_a_successor(home: Home) -> None:
    text = (home.path / "archiver.toml").read_text()
    said = {"timestamps.authority.N.name", "timestamps.authority.N.url", "timestamps.authority.N.root"}
    table = ""
    for line in text.splitlines():
        line = re.sub(r"^#   ", "", line)  # what is shown as an example counts too
        if header := re.fullmatch(r"(\[\[?)([a-z.]+)\]\]?", line):
            table = f"{schema_key(header[2] + '.x')[:-2]}{'.N' if header[1] == '[[' else ''}."
        elif entry := re.match(r"([a-z_]+) = ", line):
            said.add(schema_key(f"{table}{entry[1]}"))
    assert len(said) > 45
    assert said <= KNOWN | set(SUCCESSORS)
    assert not read_settings(home.path, {}).faults
    assert {now for now in SUCCESSORS.values() if now} <= KNOWN


def test_the_template_is_a_file_of_its_own() -> None:
    assert "[sites]" in (files("archiver.home") / "archiver.toml.template").read_text("utf-8")


def test_platforms_in_the_settings_are_those_that_there_are() -> None:
    names = {platform.name for platform in PLATFORMS}
    assert set(asdict(Doctor())) == names
    assert set(asdict(Accounts())) == {"cookies", *names}


def test_each_value_says_where_it_came_from(tmp_path: Path) -> None:
    file = f'[sites]\nproxy = "{PROXY}"\n[[notify]]\nname = "team"\ntarget = "json://t0ken"\n'
    found = {one.key: one for one in in_force(read(tmp_path, file, ARCHIVER_JOBS="postgres://u:pw@h/d"))}
    assert (found["sites.proxy"].value, found["sites.proxy"].source) == (
        "socks5h://withheld@127.0.0.1:9050",
        "archiver.toml",
    )
    assert (found["sites.interval"].value, found["sites.interval"].source) == (0.5, "default")
    assert (found["jobs.database"].value, found["jobs.database"].source) == ("(hidden)", "$ARCHIVER_JOBS")
    assert found["notify.1.target"].value == "(hidden)"
    assert found["notify.1.content"].source == "default"


def test_no_secret_is_shown(tmp_path: Path) -> None:
    file = (
        f'[sites]\nproxy = "{PROXY}"\nsecond_proxy = "{PROXY}"\n[cases.a]\nproxy = "{PROXY}"\n'
        '[[notify]]\nname = "a"\ntarget = "json://s3cret"\n[telegram]\nmtproxy = "tg://proxy?secret=s3cret"\n'
        '[jobs]\ndatabase = "postgres://u:s3cret@h/d"\n[media.extractor_args.youtube]\npo_token = ["s3cret"]\n'
        '[[copies.destination]]\nname = "a"\nwhere = "s3://bucket"\nproxy = "http://u:s3cret@h:1"\n'
        'endpoint = "https://u:s3cret@h"\n'
    )
    good = read(tmp_path, file, ARCHIVER_SECRETS="s3cret")
    assert not good.faults
    assert "s3cret" not in str([one.line() for one in in_force(good)])
    assert "s3cret" not in repr(good) + repr(read_config(tmp_path, {"ARCHIVER_SECRETS": "s3cret"}))
    wrong = read(tmp_path, re.sub(r'"((?:socks5h|http|https|postgres|json|tg)://)', r'" \1', file))
    assert len(wrong.faults) == 6
    assert "s3cret" not in str([one.line() for one in in_force(wrong)]) + str(wrong.faults)
