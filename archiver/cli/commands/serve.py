"""`archiver serve`: answer over HTTP, or show the recordings of a package."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_account, port_number
from archiver.cli.capture_options import chosen_account
from archiver.cli.signals import on_stop
from archiver.errors import UsageError
from archiver.home.paths import given_path

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.jobs.queue import Queue


def names_for(host: str, named: list[str]) -> tuple[str, ...]:
    """List what the Host header may say. Raises `UsageError` where others can reach it and no name was given."""
    from archiver.jobs.api import LOOPBACK

    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError("--host as an address, like 127.0.0.1", repr(host), "Give an address.") from error
    if not loopback and not named:
        raise UsageError(
            "--name, the host name that others use", "none",
            "This serves plain HTTP: put a server with TLS in front of it, and give that server's host name.",
        )  # fmt: skip
    return (*LOOPBACK, *named)


EXAMPLE = ("archiver serve ./almaty-full-24", "archiver serve --api --port 8686")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver serve` takes."""
    what = "A full package, unpacked, or a .wacz file: its recordings are shown in the browser, on this machine alone."
    parser.add_argument("package", nargs="?", type=given_path, metavar="PACKAGE", help=what)
    parser.add_argument("--api", action="store_true", help="Serve the API; /openapi.json describes it.")
    add_account(parser)
    parser.add_argument("--port", type=port_number, default=8686, metavar="N", help="Port (default 8686).")
    host = "Address to listen on (default 127.0.0.1: this machine only)."
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help=host)
    name = "Host name that others use for it; repeatable."
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help=name)


def run(context: Context) -> int:
    """Serve the API, or the recordings of a package, until Ctrl-C or SIGTERM.

    Raises `UsageError`, `NotFound`, `Unreachable`, `DiskError`.
    """
    if context.arguments.package is not None:
        return _show(context, context.arguments.package)
    from archiver.jobs.api import Api, listen, token_of
    from archiver.jobs.queue import opened

    arguments, console, home = context.arguments, context.console, context.home()
    if not arguments.api:
        raise UsageError(
            "what to serve: a package, or --api", "nothing", "For example: archiver serve ./almaty-full-24"
        )
    names = names_for(arguments.host, arguments.name)
    token, account = token_of(home.path), chosen_account(home, arguments)

    async def main(queue: Queue) -> None:
        stop = asyncio.Event()
        on_stop(lambda number: stop.set())
        api = Api(home, queue, token, names, account, console.warn)
        try:
            runner, port = await listen(api.application(), arguments.host, arguments.port)
        except OSError as error:
            raise UsageError(
                f"a free port {arguments.port} on {arguments.host}",
                error.strerror or str(error),
                "Choose another: --port",
            ) from error
        where = f"http://{arguments.host}:{port}"
        console.say(f"{where}  described at {where}/api/v1/openapi.json; bookmarklet at {where}/save")
        console.say(f"token       in {home.path / 'keys' / 'api-token'}, as `Authorization: Bearer …`")
        console.say("            For other people: archiver keys token NAME, so that each link shows who queued it")
        console.say("Ctrl-C stops it. Start a worker for queued links: archiver work")
        console.data({"serving": where, "token_file": str(home.path / "keys" / "api-token")})
        try:
            await stop.wait()
        finally:
            await runner.cleanup()

    with opened(home) as queue:
        asyncio.run(main(queue))
    return 0


def _show(context: Context, package: Path) -> int:
    """Show recordings by ReplayWeb.page. It shows; whether the package is intact, `archiver check` tells."""
    from archiver.export.replay import archive_in, installed, server

    arguments, console = context.arguments, context.console
    if arguments.api:
        raise UsageError("a package, or --api", "both", "Start one of them.")
    archive, viewer = archive_in(package), installed(context.environment)
    if viewer is None:
        raise UsageError(
            "ReplayWeb.page's own files on this machine", "none",
            "Open the .wacz file with its application (https://replayweb.page), or run scripts/setup.sh test.",
        )  # fmt: skip
    try:
        serving = server(archive, viewer, arguments.port)
    except OSError as error:
        raise UsageError(
            f"a free port {arguments.port} on 127.0.0.1", error.strerror or str(error), "Choose another: --port"
        ) from error
    where = f"http://127.0.0.1:{serving.server_port}/"
    console.say(f"{where}  shows the recordings of {package.name}; only this machine can reach it")
    console.say("It does not check them: archiver check does. Ctrl-C stops it.")
    console.data({"serving": where})
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        serving.server_close()
    return 0
