"""Answer over HTTP: `archiver serve --api`, and the health address of a worker. On loopback unless asked for otherwise.

The interface takes links, shows jobs, and shows how things stand. It wants a token in the Authorization header, so that no page in
a browser on the same machine can use it, and a Host header of ours, so that nobody else's name leads here. Each person has a token
of their own (`archiver keys token NAME`), of which the home keeps the digest; the one in `keys/api-token` is the home's own
person's. A token never stands in a link. Every answer is JSON, errors too.

Its paths begin with /api/v1. Those without it are the earlier ones; they answer for one more release, and say so in a header.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import web

from archiver.capture.options import CaptureOptions
from archiver.errors import NotFound
from archiver.home.home import Home
from archiver.home.log import keep_fault, noted, withhold
from archiver.home.people import people, person_of
from archiver.home.secret_values import mask_of
from archiver.jobs.job import PRIORITIES, Job
from archiver.jobs.job_status import JobStatus
from archiver.jobs.new_job import new_job, refusal_of
from archiver.jobs.openapi import LINKS_LIMIT, STATES, openapi
from archiver.jobs.queue import ENDED, Queue
from archiver.jobs.status import health, status
from spiders.targets import NoTarget, parse_target
from storage.errors import EvidenceError, Unreachable
from storage.key_files import write_new_key

_log = logging.getLogger(__name__)
BODY_LIMIT = 1 << 20
QUIET_SECONDS = 15.0
"""How long a connection may wait for the rest of a request, or for the next one."""
_SURROGATE = re.compile("[\ud800-\udfff]")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""What the Host header may say where only this machine can ask."""
OPEN = ("/openapi.json", "/save", "/health")
"""Paths that are answered without a token: they tell nothing."""
V1 = "/api/v1"
PERSON = web.RequestKey("person", str)
"""Where a request keeps whose token it came with."""
EARLIER_HEADERS = {"Deprecation": "true", "Link": f'<{V1}/openapi.json>; rel="successor-version"'}
"""What an answer at an earlier path says (RFC 9745, RFC 5829)."""


def token_of(home: Path) -> str:
    """Return the token of a home, a secret; make it where there is none yet. Raises `DiskError`."""
    path = home / "keys" / "api-token"
    if not path.exists():
        with suppress(FileExistsError):  # another process was quicker
            write_new_key(home, path, secrets.token_urlsafe(32).encode())
    return path.read_text("ascii").strip()


def problem(status_: int, expected: str, found: str, next_step: str, **headers: str) -> web.Response:
    """Return an answer that says what was expected, what was found and what to do next."""
    return web.json_response({"expected": expected, "found": found, "next": next_step}, status=status_, headers=headers)


class Api:
    """The interface of one home and its queue."""

    def __init__(
        self,
        home: Home,
        queue: Queue,
        token: str,
        names: tuple[str, ...],
        account: str | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Serve a home. `names` is what the Host header may say, without the port; by `account` Telegram is asked.

        `tell` is called with one line for the person where the program broke.
        """
        self._home, self._queue, self._token, self._names = home, queue, token, names
        self._account, self._tell = account, tell
        self._mask = mask_of(home.config, home.environment)
        withhold(token)

    def application(self) -> web.Application:
        """Make the application that `listen` serves."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard])
        for version in (V1, ""):
            app.router.add_post(f"{version}/jobs", self._add)
            app.router.add_get(f"{version}/jobs", self._list, allow_head=False)
            app.router.add_get(f"{version}/jobs/{{id}}", self._show, allow_head=False)
            app.router.add_post(f"{version}/jobs/{{id}}/cancel", self._cancel)
            app.router.add_get(f"{version}/status", self._status, allow_head=False)
            app.router.add_get(f"{version}/health", self._health, allow_head=False)
            app.router.add_get(f"{version}/openapi.json", self._described, allow_head=False)
        app.router.add_get("/save", self._save, allow_head=False)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await self._guarded(request, handler)
        if not request.path.startswith((f"{V1}/", "/save")):
            answer.headers.update(EARLIER_HEADERS)
        return answer

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Find out whose token was sent, and keep their name with the request; return why it does not count."""
        given = request.headers.get("Authorization", "")
        kind, _, token = given.partition(" ")
        wanted, found, then = (
            "a token, as `Authorization: Bearer …`",
            "none, or another",
            "Ask for one: archiver keys token NAME",
        )
        if kind == "Bearer" and hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            request[PERSON] = self._home.config.pseudonym
            return None
        known = person_of(people(self._home.path), token) if kind == "Bearer" else None
        if known is not None:
            person, one = known
            if one.taken_back is None and person.locked is None:
                request[PERSON] = person.name
                return None
            since = str(person.locked if one.taken_back is None else one.taken_back)[:19]
            found = (
                f"one that was taken back at {since}Z"
                if one.taken_back
                else f"one of a person who is locked since {since}Z"
            )
        return problem(401, wanted, found, then, **{"WWW-Authenticate": "Bearer"})

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.host.rpartition(":")[0] not in self._names and request.host not in self._names:
                return problem(
                    421,
                    f"one of our Host names: {', '.join(self._names)}",
                    "another",
                    "Use the address as printed by archiver serve.",
                )
            if request.path.removeprefix(V1) not in OPEN and (refusal := self._refusal(request)) is not None:
                return refusal
            # A task keeps whatever breaks it: each request is answered, and in JSON.
            [answer] = await asyncio.gather(handler(request), return_exceptions=True)
            if isinstance(answer, Exception) and not isinstance(answer, web.HTTPException | EvidenceError):
                return self._broken(answer)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        except web.HTTPException as error:
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return problem(
                error.status,
                "a request as /api/v1/openapi.json describes",
                error.reason,
                "See /api/v1/openapi.json.",
                **headers,
            )
        except EvidenceError as error:
            status_ = 503 if isinstance(error, Unreachable) else 404 if isinstance(error, NotFound) else 400
            return problem(status_, *map(self._mask.text, (error.expected, error.found, error.next_step)))

    def _broken(self, error: Exception) -> web.Response:
        """Answer for a fault of the program; the next request is answered as ever."""
        place = keep_fault(_log, error, "a fault ended the answer to a request")
        fault = noted(f"a fault of the program: {type(error).__name__}", place)
        self._tell(f"archiver: {fault}. Serving goes on.")
        return problem(
            500, "an answer without a fault of the program", fault, "Report it with what the log says there."
        )

    async def _add(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                text = await request.text()
            value = json.loads(text)
        except TimeoutError:
            return problem(408, f"the whole request within {QUIET_SECONDS:.0f} s", "a part of it", "Send it again.")
        except RecursionError:
            return problem(400, "a JSON object", "brackets nested too deep", "See /api/v1/openapi.json.")
        except (ValueError, LookupError) as error:  # no JSON, no UTF-8, a charset that nobody knows
            return problem(400, "a JSON object", ascii(str(error))[1:-1][:100], "See /api/v1/openapi.json.")
        wrong = _wrong(value)
        if wrong is not None:
            return problem(400, wrong, "another form", "See /api/v1/openapi.json.")
        options = CaptureOptions(
            cases=(value.get("case", "inbox"),), media=value.get("media", True), account=self._account
        )
        await asyncio.to_thread(self._home.project)
        self._home.recipients(list(options.cases))
        jobs, refused = self._jobs(value["links"], options, request[PERSON])
        await asyncio.to_thread(self._queue.add, jobs, PRIORITIES[value.get("priority", "normal")])
        said = [{"job": job.id, "kind": job.kind, "link": job.link} for job in jobs]
        return web.json_response(self._mask.value({"queued": said, "refused": refused}), status=202)

    def _jobs(self, links: list[str], options: CaptureOptions, person: str) -> tuple[list[Job], list[dict[str, str]]]:
        """Make a job for each thing that the links mean, and say of the other links why not."""
        jobs: dict[str, Job] = {}
        refused = []
        for link in links:
            target = parse_target(link)
            if isinstance(target, NoTarget):
                refused.append({"link": link, "reason": target.reason, "next": target.next_step})
            elif (refusal := refusal_of(target, options.account is not None)) is not None:
                refused.append({"link": link, "reason": refusal, "next": "Leave it out."})
            elif target.key not in jobs:
                name = self._home.new_capture_id(self._home.clock())
                jobs[target.key] = new_job(name, target, options, {"from": "api", "by": person})
        return list(jobs.values()), refused

    async def _list(self, request: web.Request) -> web.Response:
        state, limit = request.query.get("state"), request.query.get("limit", "50")
        if state is not None and state not in STATES:
            return problem(400, f"a state: {', '.join(STATES)}", "another", "See /api/v1/openapi.json.")
        if not (limit.isascii() and limit.isdigit() and 1 <= len(limit) <= 4 and 1 <= int(limit) <= 1000):
            return problem(400, "a limit from 1 to 1000", "another", "See /api/v1/openapi.json.")
        found = await asyncio.to_thread(self._queue.jobs, state, int(limit))
        foreign = await asyncio.to_thread(self._queue.foreign)
        lines = [one.line() for one in found]
        return web.json_response({"jobs": lines, "refused": [one.line() for one in foreign]})

    async def _show(self, request: web.Request) -> web.Response:
        attempts = await self._attempts(request)
        if not attempts:
            return problem(404, "a job of that id", "none", "List them: GET /api/v1/jobs")
        return web.json_response({"attempts": [one.line() for one in attempts]})

    async def _attempts(self, request: web.Request) -> list[JobStatus]:
        name = request.match_info["id"]
        if len(name) != 24 or not name.isascii() or not name.isprintable():
            return []
        return await asyncio.to_thread(self._queue.attempts, name)

    async def _cancel(self, request: web.Request) -> web.Response:
        attempts = await self._attempts(request)
        if not attempts:
            return problem(404, "a job of that id", "none", "List them: GET /api/v1/jobs")
        if attempts[-1].state in ENDED:
            return problem(
                409, "a job that is not finished", f"one that is {attempts[-1].state}", "There is nothing to cancel."
            )
        await asyncio.to_thread(self._queue.cancel, attempts[-1])
        return web.json_response({"job": attempts[-1].job.id, "state": "cancelled"})

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(status, self._home, self._queue))

    async def _health(self, request: web.Request) -> web.Response:
        good, value = await asyncio.to_thread(health, self._queue)
        return web.json_response(value, status=200 if good else 503)

    async def _described(self, request: web.Request) -> web.Response:
        return web.json_response(openapi())

    async def _save(self, request: web.Request) -> web.Response:
        """Send the page that the bookmarklet opens. It holds the token in the browser, for this address only."""
        nonce = secrets.token_urlsafe(16)
        template = resources.files("archiver.jobs").joinpath("save_page.html").read_text("utf-8")
        page = template.replace("NONCE", nonce).replace(
            "ORIGIN", escape(f"{request.scheme}://{request.host}", quote=True)
        )
        rules = f"default-src 'none'; connect-src 'self'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; frame-ancestors 'none'"
        headers = {
            "Content-Security-Policy": rules,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=page, content_type="text/html", headers=headers)


def _wrong(value: Any) -> str | None:
    """Return what a body should have been, or None where it is right."""
    if not isinstance(value, dict) or set(value) - {"links", "case", "media", "priority"}:
        return "an object with links, and perhaps case, media, priority"
    links = value.get("links")
    if not isinstance(links, list) or not 1 <= len(links) <= LINKS_LIMIT:
        return f"links: 1 to {LINKS_LIMIT} of them"
    if not all(isinstance(link, str) and 1 <= len(link) <= 4096 for link in links):
        return "links as texts of at most 4096 letters"
    if any("\0" in text or _SURROGATE.search(text) for text in (*links, str(value.get("case", "")))):
        return "texts without NUL and without halves of characters"
    if not isinstance(value.get("case", ""), str) or not isinstance(value.get("media", True), bool):
        return "case as a text, media as true or false"
    if value.get("priority", "normal") not in PRIORITIES if isinstance(value.get("priority", ""), str) else True:
        return f"priority: {', '.join(PRIORITIES)}"
    return None


class _Quiet:
    """Closes connections that ask for nothing: whoever holds many half-sent requests would keep everybody else out."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._busy: set[object] = set()
        self._since: dict[object, float] = {}

    @web.middleware
    async def mark(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note that a whole head has come, and when its answer was made."""
        self._busy.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._busy.discard(request.protocol)
            self._since[request.protocol] = asyncio.get_running_loop().time()

    async def watched(self, _app: web.Application) -> AsyncIterator[None]:
        """Look at all connections, as long as the application is served."""
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(QUIET_SECONDS / 4)
            now = asyncio.get_running_loop().time()
            there = list(self._runner.server.connections) if self._runner.server else []
            self._since = {one: self._since.get(one, now) for one in there}
            for one in there:
                if one not in self._busy and now - self._since[one] > QUIET_SECONDS:
                    one.force_close()


async def listen(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve until the returned runner is cleaned up; return it and the port. Raises `OSError`."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=QUIET_SECONDS)
    quiet = _Quiet(runner)
    app.middlewares.insert(0, quiet.mark)
    app.cleanup_ctx.append(quiet.watched)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    addresses = runner.addresses
    return runner, int(addresses[0][1])
