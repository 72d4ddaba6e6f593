"""Every command that writes, killed at any of its calls or met by a fault of the disk: 0 lost, 0 stuck, 0 found.

`kill -9` comes at one certain call that writes (the tenth `rename`, say) or at a random moment. A fault is EIO, ENOSPC,
EROFS, ENOLCK or EACCES from one certain call on, once or for good.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.parser import build_parser
from tests.conftest import World
from tests.support.afterwards import events_of, sealed_files, wrong_with
from tests.support.commands import Commands
from tests.support.disk_faults import ALWAYS, ERRORS, KILL, Fault, FaultyDisk, Met, faulty_disk
from tests.support.every_command import DEEDS, LEFT_OUT, Deed, Worlds, made_worlds
from tests.support.forked import Command
from tests.support.jobs import HURRIED
from tests.support.soak import RESULTS, Tried, seeded

SEED = seeded(20261201)
KILL_PARTS, FAULT_PARTS = 40, 20
KILLS = int(os.environ.get("EVIDENCE_KILLS", "1000"))
FAULTS = int(os.environ.get("EVIDENCE_FAULTS", "300"))
UNFORESEEN = ("Traceback (most recent call last)", "a fault of the program", "Exception ignored")


def test_every_command_is_in_the_campaign_or_left_out_for_a_reason() -> None:
    """A new command that writes is killed too, unless somebody says why not."""
    commands = set()
    for name, parser in build_parser().subparsers().items():
        commands |= {f"{name} {action}" for action in parser.subparsers()} or {name}
    named = {name for name in DEEDS if name}
    assert named | set(LEFT_OUT) == commands
    assert not named & set(LEFT_OUT)


class Campaign:
    """Deeds on homes that are laid out anew for each case."""

    def __init__(self, worlds: Worlds, disk: FaultyDisk, scratch: Path) -> None:
        self.worlds, self._disk, self._scratch = worlds, disk, scratch
        self._clean: dict[tuple[str, str], tuple[Met, int]] = {}

    def command(self, deed: Deed) -> Command:
        words = ["--home", str(self.worlds.home), *deed.given(self.worlds.names)]
        constants = {**HURRIED, **deed.constants}
        return Command(words, self.worlds.network, self._scratch / "log", constants=constants)

    def clean(self, deed: Deed) -> tuple[Met, int]:
        """What a deed does where nothing befalls it, and how many events there are then; once for each."""
        key = (str(deed.words), deed.world)
        if key not in self._clean:
            self.worlds.lay_out(deed.world)
            met = self._disk.run(self.command(deed))
            assert met.code in deed.ends, (deed.words, met.code, met.said)
            self._clean[key] = (met, events_of(self.worlds.home))
        return self._clean[key]

    def killed(self, deed: Deed, chance: random.Random) -> tuple[str, Met, list[str]]:
        """Kill a deed, at a call or a moment; return which, how it ended, and what is wrong afterwards."""
        if chance.random() < 0.25:
            after = chance.uniform(0.0, deed.seconds)
            self.worlds.lay_out(deed.world)
            before = sealed_files(self.worlds.home)
            process = self._disk.start(self.command(deed))
            time.sleep(after)  # the moment is what is random here
            process.kill()
            met, how = self._disk.met(self.command(deed), process.wait()), f"kill after {after:.3f} s"
        else:
            fault = self._some_kill(deed, chance)
            self.worlds.lay_out(deed.world)
            before = sealed_files(self.worlds.home)
            met, how = self._disk.run(self.command(deed), fault), str(fault)
        return how, met, list(self._afterwards(deed, before, met))

    def faulted(self, deed: Deed, chance: random.Random) -> tuple[Fault, Met, list[str]]:
        """Let a deed meet a fault of the disk; return which, how it ended, and what is wrong afterwards."""
        clean, events = self.clean(deed)
        call = chance.choice([call for call, many in clean.calls.items() if many])
        first = chance.randint(1, clean.calls[call])
        fault = Fault(call, chance.choice(ERRORS[call]), first, chance.choice((1, 1, ALWAYS)))
        self.worlds.lay_out(deed.world)
        before = sealed_files(self.worlds.home)
        met = self._disk.run(self.command(deed), fault)
        wrong = [f"said: {word}: {met.said[-1500:]}" for word in UNFORESEEN if word in met.said]
        if not met.ended and (met.code < 0 or not deed.waits):
            wrong.append(f"stuck: it does not end: {met.said[-600:]}")
        elif met.code not in (*deed.ends, 1, 2, 3, 4, 5, 6):
            wrong.append(f"ended with {met.code}: {met.said[-1500:]}")
        if met.code not in deed.ends and not met.said.strip():
            wrong.append(f"ended with {met.code} and said nothing")
        if met.code == 0 and deed.steady and events_of(self.worlds.home) < events:
            wrong.append(f"lost: it ended with 0, and {events - events_of(self.worlds.home)} events are not there")
        return fault, met, [*wrong, *self._afterwards(deed, before, met)]

    def _some_kill(self, deed: Deed, chance: random.Random) -> Fault:
        """One of all calls of a deed that write, each as likely as its kind is rare: few are renames, and they decide."""
        calls = self.clean(deed)[0].calls
        call = chance.choice([call for call, many in calls.items() if many])
        return Fault(call, KILL, chance.randint(1, calls[call]))

    def _afterwards(self, deed: Deed, before: dict[str, str], met: Met) -> Iterator[str]:
        """The next command writes; what is sealed is looked at; then the deed is done again, and all looked at once more."""
        home, run = self.worlds.home, Commands(self.worlds.home, self.worlds.network)
        if deed.world not in ("none", "old settings"):  # these are made by the deed itself
            yield from wrong_with(home, run, before, met.said, look=False)
        yield from self._again(deed)
        yield from wrong_with(home, run, before, met.said)

    def _again(self, deed: Deed) -> Iterator[str]:
        met = self._disk.run(self.command(deed))
        if not met.ended:
            yield "stuck: given again, it does not end"
            return
        if met.code not in (*deed.ends, *deed.again):
            yield f"stuck: given again, it ends with {met.code}: {met.said[-600:]}"
        yield from (f"said again: {word}: {met.said[-1500:]}" for word in UNFORESEEN if word in met.said)


@pytest.fixture(scope="module")
def campaign(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    scratch = tmp_path_factory.mktemp("scratch")
    worlds = made_worlds(tmp_path_factory.mktemp("worlds"), world.network)
    with faulty_disk(worlds.work, scratch) as disk:
        yield Campaign(worlds, disk, scratch)


def turns(number: int, seed: int) -> Iterator[tuple[str, Deed, random.Random]]:
    """`number` deeds in random order, each of all as often as the others."""
    chance = random.Random(seed)
    every = [(name, deed) for name, deeds in DEEDS.items() for deed in deeds]
    order: list[tuple[str, Deed]] = []
    for _ in range(number):
        order = order or chance.sample(every, len(every))
        yield *order.pop(), chance


def told_at_once(**wrong: Any) -> dict[str, Any]:
    """Write down what is wrong, for whoever watches a long campaign: pytest-xdist shows nothing before the end. Return it."""
    line = json.dumps(wrong, ensure_ascii=False)
    print(line, flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    with open(RESULTS.with_name("found.jsonl"), "a", encoding="utf-8") as found:
        found.write(f"{line}\n")
    return wrong


def told(wrong: list[dict[str, Any]]) -> str:
    return json.dumps(wrong, indent=1, ensure_ascii=False)


def kill_campaign(campaign: Campaign, kills: int, seed: int, tried: Tried) -> None:
    wrong, done = [], Counter[str]()
    for name, deed, chance in turns(kills, seed):
        how, met, found = campaign.killed(deed, chance)
        done[name] += 1
        tried("kills of a command" if met.code == -signal.SIGKILL else "commands that ended before the kill", 1)
        wrong += [told_at_once(command=deed.words, world=deed.world, how=how, wrong=one) for one in found]
    print(f"\n{done.total()} kills of {len(done)} commands, {len(wrong)} things wrong")
    assert not wrong, told(wrong)


def fault_campaign(campaign: Campaign, faults: int, seed: int, tried: Tried) -> None:
    wrong, done, ends = [], Counter[str](), Counter[int]()
    for _, deed, chance in turns(faults, seed):
        fault, met, found = campaign.faulted(deed, chance)
        done[str(fault).partition(" at ")[0]] += bool(met.faults)
        tried(f"{errno.errorcode[fault.error]} at {fault.call.name.lower()}", int(met.faults > 0))
        ends[met.code] += 1
        said = {"command": deed.words, "world": deed.world, "fault": str(fault), "code": met.code}
        wrong += [told_at_once(**said, wrong=one) for one in found]
    print(f"\n{done.total()} faults of the disk ({dict(done)}), exit codes {dict(ends)}, {len(wrong)} things wrong")
    assert not wrong, told(wrong)


SAMPLE = ("keys rotate", "evict freed --back", "note {post} words", "status")


def test_a_few_kills_and_faults(campaign: Campaign, tried: Tried) -> None:
    """The sample of every run: a rotation, files coming back, an event, a migration of the catalog and of the state."""
    chance, wrong = random.Random(SEED), []
    deeds = {str(deed.words): deed for deeds in DEEDS.values() for deed in deeds}
    for words in SAMPLE:
        how, _, found = campaign.killed(deeds[words], chance)
        wrong += [(words, how, found)]
        fault, _, found = campaign.faulted(deeds[words], chance)
        wrong += [(words, str(fault), found)]
    assert not [one for one in wrong if one[2]], wrong


@pytest.mark.soak("commands")
@pytest.mark.parametrize("part", range(1, KILL_PARTS + 1))
def test_a_thousand_kills_of_every_command(campaign: Campaign, part: int, tried: Tried) -> None:
    kill_campaign(campaign, KILLS // KILL_PARTS, SEED + part, tried)


@pytest.mark.soak("faults")
@pytest.mark.parametrize("part", range(1, FAULT_PARTS + 1))
def test_three_hundred_faults_of_the_disk(campaign: Campaign, part: int, tried: Tried) -> None:
    fault_campaign(campaign, FAULTS // FAULT_PARTS, SEED + 100 + part, tried)
