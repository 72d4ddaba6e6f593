"""Send notifications through apprise: of what watches find, and of jobs that are given up.

A message passes servers of strangers and lies on telephones that are searched: unless a rule says otherwise it says only that
something happened, and the ids by which to look it up here. Each message is sent by a process of its own, which is ended where
the target hangs; nothing waits for it. Where captures go out by a proxy, messages do too, or not at all.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from time import sleep
from typing import TYPE_CHECKING, Any

from archiver.children import python_environment
from archiver.home.log import IN_LOG, begin_child_log, child_words
from archiver.home.notify_config import NotifyRule
from archiver.jobs.proxy_only import keep_to_proxy

if TYPE_CHECKING:  # the process that sends needs no home, and starts sooner without
    from archiver.home.home import Home

SEND_SECONDS = 20.0
TRIES = 3
PAUSE_SECONDS = 5.0
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
_DIRECT = ("no_proxy", "NO_PROXY")
_TRUSTED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DESKTOP = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
_PASSED = (*_PROXIES, *_DIRECT, *_TRUSTED, *_DESKTOP)
"""What a message may need of our environment: how to leave this machine, whom to trust, and the desktop that shows it."""
LEFT_SECONDS = 30.0
"""How long the end of a worker waits for messages that are still to be sent."""


def message(kind: str, detail: Mapping[str, Any], content: bool) -> tuple[str, str]:
    """Return title and text of a message.

    Without `content` it holds ids of this home and nothing of what it is about.
    """
    ids = [(name, detail[name]) for name in ("job", "capture", "event", "watch") if detail.get(name) is not None]
    lines = [f"{name} {value}" for name, value in ids]
    if content:
        lines += [str(detail[name]) for name in ("link", "said", "reason") if detail.get(name)]
        lines += [f"changed: {', '.join(one['field'] for one in detail['changes'])}"] if detail.get("changes") else []
    return f"archiver: {kind}", "\n".join(lines)


class Notifier:
    """Sends messages beside the work, in order, on a thread of its own."""

    def __init__(self, home: Home, tell: Callable[[str], None]) -> None:
        """`tell` is called with one line for the person where a message was not sent."""
        self._home, self._tell = home, tell
        self._waiting: queue.SimpleQueue[tuple[NotifyRule, str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self._thread.start()

    def notify(self, kind: str, detail: Mapping[str, Any], cases: Sequence[str]) -> None:
        """Send a message about an event by each rule that asks for its kind; secrets in it are masked."""
        from archiver.home.secret_values import mask_of  # late: the process that sends needs no settings

        masked = mask_of(self._home.config, self._home.environment).value(dict(detail))
        for rule in self._home.config.notify:
            if kind in rule.events and (rule.case is None or rule.case in cases):
                self._waiting.put((rule, *message(kind, masked, rule.content)))

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
        """Wait until what is queued was sent, for `LEFT_SECONDS` at most."""
        self._waiting.put(None)
        self._thread.join(LEFT_SECONDS)


def send(home: Home, rule: NotifyRule, title: str, text: str) -> str | None:
    """Send a message by a rule; return why it was not sent, or None.

    The reason never names the targets: they are secrets.
    """
    if not rule.targets:
        return "it has no target (target, or the variable that from_environment names)"
    proxy = home.config.proxy
    given = {name: value for name in _PASSED if (value := os.environ.get(name)) is not None}
    if proxy:
        given |= dict.fromkeys(_PROXIES, proxy) | dict.fromkeys(_DIRECT, "")
    order = json.dumps({"targets": rule.targets, "title": title, "text": text, "proxy": proxy})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "archiver.jobs.notify", *child_words()], input=order, env=python_environment(**given),
            text=True, timeout=SEND_SECONDS, capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no answer within {SEND_SECONDS:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    if done.returncode == 0:
        return None
    place = done.stderr.rstrip().rpartition("\n")[2]  # all else there may name the targets
    return place if place.startswith(IN_LOG) else done.stdout.strip() or "the target did not take it"


def _child() -> int:
    """Send, as a process of its own: targets and words on standard input, on standard output a reason without either."""
    begin_child_log(logging.getLogger("archiver.jobs.notify"), sys.argv[1:])
    import apprise

    order = json.load(sys.stdin)
    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    if not all(sender.add(target) for target in order["targets"]):
        sys.stdout.write("a target that apprise does not understand")
        return 1
    refused: list[str] = []
    try:
        if order["proxy"]:
            refused = keep_to_proxy(order["proxy"])
        sent = bool(sender.notify(title=order["title"], body=order["text"]))
    except OSError:
        sent = False
    if refused:
        sys.stdout.write("its kind of target connects past the proxy of [sites], which is never done")
    return 0 if sent else 1


if __name__ == "__main__":
    raise SystemExit(_child())
