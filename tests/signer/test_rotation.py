"""Rotation beside anything and through any kill, in orders that Hypothesis chooses: the key that signs is never lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from archiver.checks import Finding, check_home
from archiver.home.home import Home
from archiver.signer.keyring import Keyring
from archiver.signer.local import LocalSigner
from storage import canonical
from storage.errors import EvidenceError
from storage.events import Event
from storage.note import VerifierKey
from tests.conftest import plain_home
from tests.support.interleaved import interleaved
from tests.support.signing import ledger_signer
from tests.support.soak import SOAK, Tried

pytestmark = pytest.mark.thorough("rotation")

Deed = Callable[[], object]


def note(home: Path) -> Deed:
    """An event by a process that began before all others: its keys and its ledger are open."""
    opened = Home(home, environment={})
    signer = LocalSigner(opened)
    signer.recover()
    return lambda: signer.append([Event("checked", opened.clock(), {})])


def late_note(home: Path) -> Deed:
    """An event by a process that begins now: it finishes what was left first."""

    def append() -> object:
        opened = Home(home, environment={})
        return LocalSigner(opened).append([Event("checked", opened.clock(), {})])

    return append


def twice(home: Path) -> Deed:
    """What takes some time, such as a capture: events of one process with others between."""
    first = note(home)
    return lambda: (first(), first())


DEEDS: dict[str, Callable[[Path], Deed]] = {
    "rotate": lambda home: lambda: LocalSigner(Home(home, environment={})).rotate(),
    "rotate too": lambda home: lambda: LocalSigner(Home(home, environment={})).rotate(),
    "note": note,
    "late note": late_note,
    "capture": twice,
    "recover": lambda home: LocalSigner(Home(home, environment={})).recover,
    "new person": lambda home: lambda: Keyring(home, {}).new_person("bob", "analyst", None),
    "passphrase": lambda home: lambda: Keyring(home, {}).lock(home / "keys" / "ledger.key", None),
    "check": lambda home: lambda: check_home(home),
}
STEPS = 46
"""So many steps a rotation has, about; one that is to die after its last lives."""
EXAMPLES = 400 if SOAK else 20
MAY_BE_REFUSED = {"passphrase"}
"""May find a rotation that was left unfinished, and says so."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = plain_home(tmp_path_factory.mktemp("kept") / "home")
    LocalSigner(home).append([Event("checked", home.clock(), {})])
    return home.path


def signed_in(home: Path) -> str:
    """The public key that the ledger was last handed over to, by the events that are in its tree."""
    size = int((home / "ledger" / "checkpoint").read_text("utf-8").split("\n")[1])
    newest = (home / "keys" / "first.vkey").read_text("utf-8").strip()
    for path in sorted((home / "events").rglob("*.json")):
        event = canonical.loads(path.read_bytes())["event"]
        if event["type"] == "key-handover" and event["seq"] < size:
            newest = event["detail"]["new"]
    return str(newest)


def held(home: Path) -> set[bytes]:
    """The public halves of the keys that could sign for the ledger."""
    ring = Keyring(home, {})
    paths = [ring.path("ledger"), ring.path("ledger.next")]
    return {ring.open(path).public_key().public_bytes_raw() for path in paths if path.exists()}


def finished(home: Path, kept: Path, names: list[str], choices: list[int], kills: dict[str, int]) -> None:
    """Let it come to its end, and look at the home: at each step, and then."""
    shutil.copytree(kept, home)
    shutil.copyfile(home / "keys" / "ledger.vkey", home / "keys" / "first.vkey")
    deeds = {name: DEEDS[name](home) for name in ["rotate", *names]}

    def the_key_is_here() -> None:
        assert VerifierKey.parse(signed_in(home)).public in held(home), "the key that is signed in is gone"

    errors = interleaved(deeds, choices, kills, the_key_is_here)
    for name, error in errors.items():
        assert error is None or (name in MAY_BE_REFUSED and isinstance(error, EvidenceError)), (name, repr(error))
    again = Home(home, environment={})
    LocalSigner(again).append([Event("checked", again.clock(), {})])
    assert not (home / "keys" / "ledger.next.key").exists()
    assert str(ledger_signer(again).key) == again.ledger_key_text() == signed_in(home)
    assert not list((home / "keys").rglob(".*.new"))
    damaged = [line.text() for line in check_home(home) if line.finding is Finding.DAMAGED]
    assert not damaged
    handed_over = sum(b'"key-handover"' in path.read_bytes() for path in (home / "events").rglob("*.json"))
    assert handed_over >= len({"rotate", "rotate too"} & set(errors))
    shutil.rmtree(home.parent)


@settings(max_examples=EXAMPLES)
@given(
    names=some.lists(
        some.sampled_from([name for name in DEEDS if name != "rotate"]), min_size=1, max_size=3, unique=True
    ),
    choices=some.lists(some.integers(0, 3), max_size=60),
    kills=some.dictionaries(some.sampled_from(["rotate", "rotate", *DEEDS]), some.integers(1, 40), max_size=2),
)
def test_a_rotation_beside_anything_and_through_any_kill(
    kept: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tried: Tried,
    names: list[str],
    choices: list[int],
    kills: dict[str, int],
) -> None:
    tried("orders of a rotation and up to three other commands", 1)
    finished(tmp_path_factory.mktemp("rotation") / "home", kept, names, choices, kills)


@pytest.mark.parametrize("beside", ["note", "late note", "rotate too", "capture"])
def test_a_rotation_that_is_killed_at_any_step_beside_a_process_that_goes_on(
    kept: Path, tmp_path_factory: pytest.TempPathFactory, beside: str, tried: Tried
) -> None:
    """The process that was there before opened its keys before the hand-over, and signs after the kill."""
    for step in range(1, STEPS + 1, 1 if SOAK else 3):
        finished(tmp_path_factory.mktemp("rotation") / "home", kept, [beside], [], {"rotate": step})
        tried("kills of a rotation beside a process that goes on", 1)


def test_a_key_that_has_taken_over_stays_where_its_renaming_is_not_on_the_disk(kept: Path, tmp_path: Path) -> None:
    """After a power cut, on a file system that keeps no order: the public key and later events are there, the renaming is not."""
    home = tmp_path / "home"
    shutil.copytree(kept, home)
    old = (home / "keys" / "ledger.key").read_bytes()
    opened = Home(home, environment={})
    _, new = LocalSigner(opened).rotate()
    LocalSigner(opened).append([Event("checked", opened.clock(), {})])
    (home / "keys" / "ledger.key").rename(home / "keys" / "ledger.next.key")
    (home / "keys" / "ledger.key").write_bytes(old)
    LocalSigner(Home(home, environment={})).append([Event("checked", opened.clock(), {})])
    assert str(ledger_signer(opened).key) == new
    assert not [line.text() for line in check_home(home) if line.finding is Finding.DAMAGED]
