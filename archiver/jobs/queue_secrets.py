"""Keep the secrets of links out of the queue's database, which others may read.

What waits in the queue is stored with its secrets masked, as it is shown, and beside that, encrypted for the keys of its cases,
each whole text that was masked. A worker whose home holds one of these keys reads it again; the others leave it to that one.
The whole link is encrypted, host and all, so nobody who can write to the database can have its secret sent elsewhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyrage

from archiver.errors import ConfigError
from archiver.home.age import recipients_of
from archiver.home.cases import DEFAULT_CASE
from archiver.home.secret_values import SecretMask, mask_of
from archiver.jobs.job import Job
from storage.errors import EvidenceError

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Decryptor

PRIVATE = "private"
"""Key of a stored value under which what was masked lies encrypted: base64 of age, inside of that JSON `[[path, text], …]`."""
MOST_KEPT = 10_000
Path = list[str | int]
"""Keys and indices that lead to a part of a JSON value."""


class Unopened(EvidenceError):
    """A link whose secret none of the keys here opens: another machine's work."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"a key here that opens the secret of {what}",
            "none: it was queued for keys of other machines",
            "Leave it to a worker there, or queue it again here; [jobs] recipients names the keys of several machines.",
        )


class QueueSecrets:
    """Masks and encrypts what is secret in stored values, and reads it again. Thread-safe."""

    def __init__(
        self,
        mask: SecretMask,
        recipients: Callable[[Sequence[str]], list[str]],
        decrypt: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        """`recipients`: names of cases → age public keys. `decrypt`: None where values are only listed and stored."""
        self.mask = mask
        self.reveals = decrypt is not None
        self._recipients, self._decrypt = recipients, decrypt
        self._kept: dict[tuple[str, tuple[str, ...]], str] = {}

    def hide(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value as it is stored: masked, with what was masked encrypted. One that is stored so stays as it is."""
        if PRIVATE in value:
            return dict(value)
        found: list[tuple[Path, Any]] = []
        masked: dict[str, Any] = self._masked(value, [], found)
        if not found:
            return dict(value)
        return {**masked, PRIVATE: self._encrypted(json.dumps(found), _cases_of(value))}

    def reveal(self, value: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return the value that `hide` was given. Raises `Unopened` where no key here opens it."""
        if PRIVATE not in value:
            return dict(value)
        whole = {key: item for key, item in value.items() if key != PRIVATE}
        try:
            secret = base64.b64decode(value[PRIVATE], validate=True)
            opened = self._decrypt(secret) if self._decrypt is not None else None
            if opened is None:
                raise Unopened(what)
            text = opened.decode()
            for path, item in json.loads(text):
                whole = _with(whole, path, item)
            if not isinstance(whole, dict):
                raise TypeError(type(whole).__name__)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:  # nothing that `hide` made
            raise Unopened(what) from error
        self._keep((text, _cases_of(whole)), value[PRIVATE])
        return whole

    def hide_job(self, job: Job) -> Job:
        """Return a job as it is stored and shown."""
        if job.private is not None:
            return job
        hidden = self.hide({"link": job.link, "options": {"cases": job.options.get("cases")}})
        return replace(job, link=hidden["link"], private=hidden.get(PRIVATE)) if PRIVATE in hidden else job

    def reveal_job(self, job: Job) -> Job:
        """Return the job with its true link. Raises `Unopened`."""
        if job.private is None:
            return job
        stored = {"link": job.link, "options": {"cases": job.options.get("cases")}, PRIVATE: job.private}
        link = self.reveal(stored, f"job {job.id}").get("link")
        if not isinstance(link, str):  # nothing that `hide_job` made
            raise Unopened(f"job {job.id}")
        return replace(job, link=link, private=None)

    def _masked(self, value: Any, path: Path, found: list[tuple[Path, Any]]) -> Any:
        """Mask a value; append to `found` each part that masking changes."""
        if isinstance(value, str):
            masked = self.mask.text(value)
            if masked != value:
                found.append((path, value))
            return masked
        if isinstance(value, Mapping):
            if any(self.mask.text(key) != key for key in value):
                found.append((path, value))
                return {}
            return {key: self._masked(item, [*path, key], found) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(item, [*path, at], found) for at, item in enumerate(value)]
        return value

    def _encrypted(self, text: str, cases: tuple[str, ...]) -> str:
        """What has not changed stays encrypted as it was, for the keys that whoever stored it first chose."""
        if (kept := self._kept.get((text, cases))) is not None:
            return kept
        made = base64.b64encode(pyrage.encrypt(text.encode(), recipients_of(self._recipients(cases)))).decode()
        self._keep((text, cases), made)
        return made

    def _keep(self, key: tuple[str, tuple[str, ...]], encrypted: str) -> None:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = encrypted


def queue_secrets(home: Home, decryptor: Decryptor | None = None) -> QueueSecrets:
    """Return what keeps secrets out of the queue of a home. `decryptor`: for a worker, who needs the true links."""

    def recipients(cases: Sequence[str]) -> list[str]:
        known = home.case_recipients()
        if any(
            name not in known for name in cases
        ):  # it may have been made since the catalog was last brought up to date
            home.project()
            known = home.case_recipients()
        keys = [key for name in cases for key in known.get(name, ())] or known.get(DEFAULT_CASE, [])
        if not keys:
            raise ConfigError("the case inbox with its key", "no case with a key", "Restore events/ and keys/.")
        return list(dict.fromkeys([*keys, *home.config.job_recipients]))

    mask = mask_of(home.config, home.environment)
    return QueueSecrets(mask, recipients, decryptor.decrypted if decryptor is not None else None)


def _cases_of(value: Mapping[str, Any]) -> tuple[str, ...]:
    options = value.get("options")
    named = value.get("cases") or (options.get("cases") if isinstance(options, Mapping) else None)
    return tuple(map(str, named)) if isinstance(named, list | tuple) and named else (DEFAULT_CASE,)


def _with(value: Any, path: Path, item: Any) -> Any:
    """Return a JSON value with `item` at the end of a path that is there."""
    if not path:
        return item
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], item)
    return copy
