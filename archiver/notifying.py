"""Notifications by rule, through apprise: what watches find, and jobs that are given up. Ids only, unless a rule says otherwise.

A message leaves by servers of strangers and lies on telephones that are searched: the default says that something happened, and the
ids by which it is looked up here. Each is sent by a process of its own, which is ended where the target hangs; nothing waits for it.
Where captures go out by a proxy, messages do too.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING, Any

from archiver.errors import ConfigError, NotFound, UsageError

if TYPE_CHECKING:
    from archiver.cli import Context
    from archiver.home import Home

KINDS = ("unavailable", "changed", "seen-again", "dead")
SEND_SECONDS = 20.0
TRIES = 3
PAUSE_SECONDS = 5.0
LEFT_SECONDS = 30.0
"""How long the end of a worker waits for what is still to be sent."""


@dataclass(frozen=True)
class NotifyRule:
    """Who is told of what. `targets`: apprise's addresses; secrets."""

    name: str
    targets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...] = ("unavailable", "dead")
    case: str | None = None
    content: bool = False
    """Also the link and the platform's words."""


def rules(items: list[dict[str, Any]], environment: Mapping[str, str]) -> tuple[NotifyRule, ...]:
    """Of `[[notify]]` in archiver.toml. Raises `ConfigError`."""
    found = []
    for item in items:
        unknown = set(item) - {"name", "target", "from_environment", "events", "case", "content"}
        name = str(item.get("name", ""))
        events = tuple(str(one) for one in item.get("events", ("unavailable", "dead")))
        text = environment.get(str(item.get("from_environment", "")), "") or str(item.get("target", ""))
        if unknown or not re.fullmatch(r"[a-z0-9-]{1,40}", name) or set(events) - set(KINDS):
            raise ConfigError(
                f"[[notify]] with name, target or from_environment, events ({', '.join(KINDS)}), case, content",
                ", ".join(sorted(unknown)) or name or "no name", "Correct [[notify]] in archiver.toml.",
            )  # fmt: skip
        targets = tuple(line.strip() for line in text.splitlines() if line.strip())
        found.append(
            NotifyRule(
                name, targets, events, str(item["case"]) if item.get("case") else None, item.get("content") is True
            )
        )
    return tuple(found)


def message(kind: str, detail: Mapping[str, Any], content: bool) -> tuple[str, str]:
    """(title, text). Without `content` nothing that says what it is about: ids of this home only."""
    ids = [(name, detail[name]) for name in ("job", "capture", "event", "watch") if detail.get(name) is not None]
    lines = [f"{name} {value}" for name, value in ids]
    if content:
        lines += [str(detail[name]) for name in ("link", "said", "reason") if detail.get(name)]
        lines += [f"changed: {', '.join(one['field'] for one in detail['changes'])}"] if detail.get("changes") else []
    return f"archiver: {kind}", "\n".join(lines)


class Notices:
    """Sends beside the work, in order, on a thread of its own. `tell`: one line to the person where something was not sent."""

    def __init__(self, home: Home, tell: Callable[[str], None]) -> None:
        self._home, self._tell = home, tell
        self._waiting: queue.SimpleQueue[tuple[NotifyRule, str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self._thread.start()

    def heard(self, kind: str, detail: Mapping[str, Any], cases: tuple[str, ...]) -> None:
        for rule in self._home.config.notify:
            if kind in rule.events and (rule.case is None or rule.case in cases):
                self._waiting.put((rule, *message(kind, detail, rule.content)))

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            rule, title, text = item
            for attempt in range(1, TRIES + 1):
                trouble = send(self._home, rule, title, text)
                if trouble is None:
                    break
                if attempt == TRIES:
                    self._tell(f"notification {rule.name} was not sent: {trouble}")
                else:
                    sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """Waits for what is still to be sent, and not for ever."""
        self._waiting.put(None)
        self._thread.join(LEFT_SECONDS)


def send(home: Home, rule: NotifyRule, title: str, text: str) -> str | None:
    """Why it was not sent, or None. Names the rule's targets nowhere: they are secrets."""
    if not rule.targets:
        return "it has no target (target, or the variable that from_environment names)"
    proxy = home.config.proxy
    ways = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), proxy or ""
    )
    environment = {**os.environ, **ways, "no_proxy": "", "NO_PROXY": ""} if proxy else dict(os.environ)
    order = json.dumps({"targets": rule.targets, "title": title, "text": text})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "archiver.notifying"], input=order, env=environment, text=True, timeout=SEND_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no answer within {SEND_SECONDS:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    return None if done.returncode == 0 else done.stdout.strip() or "the target did not take it"


def notify_command(context: Context, home: Home) -> int:
    """Sends a test message by one rule or all. 4 where one was not sent. Raises `NotFound`, `UsageError`."""
    named, console = context.arguments.name, context.console
    chosen = [rule for rule in home.config.notify if named in (None, rule.name)]
    if not home.config.notify:
        raise UsageError("a [[notify]] rule in archiver.toml", "none", "See docs/commands.md, notifications.")
    if not chosen:
        raise NotFound(f"a rule {named!r}", ", ".join(rule.name for rule in home.config.notify), "Name one of those.")
    bad = 0
    for rule in chosen:
        trouble = send(home, rule, "archiver: a test", "Sent by: archiver notify")
        bad += trouble is not None
        console.say(
            f"{'✗' if trouble else '✓'} {rule.name}  {trouble or 'taken by its target'}  ({', '.join(rule.events)})"
        )
        console.data({"rule": rule.name, "sent": trouble is None, "reason": trouble})
    return 4 if bad else 0


def _child() -> int:
    """The process that sends: targets and words on standard input, on standard output a reason without either."""
    import apprise

    order = json.load(sys.stdin)
    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    if not all(sender.add(target) for target in order["targets"]):
        sys.stdout.write("a target that apprise does not understand")
        return 1
    return 0 if sender.notify(title=order["title"], body=order["text"]) else 1


if __name__ == "__main__":
    raise SystemExit(_child())
