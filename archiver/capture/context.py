"""What the helpers of one capture share: all that they may see of it, and of each other nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from archiver.capture.blocked_hosts import BlockedHosts
from archiver.capture.dedup import SealedOriginals
from archiver.capture.exchanges import RecordedExchanges
from archiver.capture.file_tasks import FileTasks
from archiver.capture.inventory import Inventory
from archiver.capture.known_secrets import KnownSecrets
from archiver.capture.options import CaptureOptions
from archiver.capture.outcomes import STOPPED_BY_PERSON
from archiver.capture.result import Progress
from archiver.capture.support import kind_of, platform_of
from archiver.capture.walk_state import WalkState
from archiver.home.config import Config
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.recorder.dial import ProxyChoice
from archiver.recorder.exchange import ExchangeDone, Limits
from archiver.recorder.proxy import Port, Recorder
from archiver.tools.chromium import Browser
from archiver.tools.probe import MediaProbe
from archiver.tools.ytdlp_pool import ExtractorPool
from archiver.version import software
from spiders.link_forms import Form
from spiders.platform import Kind, Needed, Promise
from spiders.targets import Target
from storage.capture import CaptureWriter, Identity

FETCHES_AT_ONCE = 6


@dataclass(frozen=True)
class CaptureOrder:
    """Order for one capture. `walk`: the walk that it is a part of."""

    target: Target
    options: CaptureOptions
    run: str
    part: int = 1
    walk: WalkState | None = None
    capture_id: str | None = None
    """The id to give it, where that follows from a job; else a new one is made."""


@dataclass(frozen=True, kw_only=True)
class CaptureServices:
    """Services that all captures of one engine share. Each helper of a capture is given only those it needs."""

    home: Home
    recorder: Recorder
    signer: Signer
    browser: Browser
    extractors: ExtractorPool
    probe: MediaProbe
    blocked_hosts: BlockedHosts
    report: Callable[[Progress], None]
    """Is told how far each open capture has come."""


@dataclass(kw_only=True)
class CaptureContext:
    """One open capture, as its helpers see it."""

    home: Home
    order: CaptureOrder
    capture_id: str
    folder: Path
    """Relative to the home."""
    shown_target: Target
    """The target without secrets, as it is written down."""
    writer: CaptureWriter
    port: Port
    inventory: Inventory
    exchanges: RecordedExchanges
    tasks: FileTasks
    secrets: KnownSecrets
    originals: SealedOriginals
    test_routes: bool
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHES_AT_ONCE))
    """One for each file that is fetched at the same time."""
    interrupted: bool = False
    received_elsewhere: int = 0
    """Bytes that came by other ways than the recorder."""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def config(self) -> Config:
        """Settings of the home."""
        return self.home.config

    @property
    def target(self) -> Target:
        """Target of the capture."""
        return self.order.target

    @property
    def options(self) -> CaptureOptions:
        """Options that the person gave beside the link."""
        return self.order.options

    @property
    def walk(self) -> WalkState | None:
        """Walk that the capture is a part of, or None."""
        return self.order.walk

    @property
    def promise(self) -> Promise:
        """Promise of the platform: what `captured` means for this target."""
        return platform_of(self.target).promise

    @property
    def kind(self) -> Kind:
        """Kind of the target: the ways in which such targets can be captured."""
        return kind_of(self.target)

    @property
    def needs(self) -> tuple[Needed, ...]:
        """What the link promises: what must be there, so that the capture is whole."""
        return self.kind.promised(self.walk is not None)

    def go_on_with(self, target: Target) -> None:
        """Turn to another target, which a redirect led to or a mirror shows. What was asked for stays written down."""
        self.order = replace(self.order, target=target)
        self.shown_target = shown(target, self.secrets)

    def interrupt(self) -> None:
        """Stop: request nothing new."""
        self.interrupted = True
        self._stop.set()
        self.port.stop(STOPPED_BY_PERSON)

    async def stopped(self) -> None:
        """Wait until the person stops the capture."""
        await self._stop.wait()

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds, but no longer than until the person stops the capture."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def room_for(self, size: int | None) -> str | None:
        """Return why a file of that size, in bytes, should not be started, or None."""
        reserve = self.config.reserve_bytes
        free = shutil.disk_usage(self.home.path).free - reserve
        if size is not None and size > free:
            return (
                f"no room on the disk: the file has {size} bytes and {max(0, free)} are free; "
                "free some space and capture the link again"
            )
        return f"no room on the disk: fewer than {reserve} bytes are left" if free <= 0 else None


def open_context(
    services: CaptureServices,
    order: CaptureOrder,
    on_exchange: Callable[[ExchangeDone], None],
    on_task_end: Callable[[BaseException | None], None],
    on_fault: Callable[[BaseException], None],
) -> CaptureContext:
    """Open the capture's folder and its port, and enter the target in its inventory.

    `on_exchange` and `on_fault` are called on the recorder's thread, `on_task_end` on the running loop. Raises
    `StorageError`.
    """
    home, target, cases = services.home, order.target, order.options.cases
    secrets = KnownSecrets(home.config.secret_values)
    asked = shown(target, secrets)
    capture_id = order.capture_id or home.new_capture_id(home.clock())
    folder = home.capture_folder(capture_id)
    recipients = home.recipients(list(cases))
    salt = os.urandom(32)
    test_routes = services.recorder.network is not None
    identity = Identity(capture_id, order.run, order.part, asked.url, salt, software(), test_routes=test_routes)
    home.state.capture_opened(capture_id, str(folder), capture_id[:15], list(cases))
    writer = CaptureWriter(home.path / folder, identity, recipients, home.clock, time.monotonic)
    originals = SealedOriginals(home, tuple(cases))
    writer.original = originals.find
    port = _open_port(services, order.options, writer, on_exchange, on_fault)
    _enter_target(writer, asked, salt)
    return CaptureContext(
        home=home,
        order=order,
        capture_id=capture_id,
        folder=folder,
        shown_target=asked,
        writer=writer,
        port=port,
        inventory=Inventory(writer, secrets.clean),
        exchanges=RecordedExchanges(),
        tasks=FileTasks(on_task_end),
        secrets=secrets,
        originals=originals,
        test_routes=test_routes,
    )


def _open_port(
    services: CaptureServices,
    options: CaptureOptions,
    writer: CaptureWriter,
    on_exchange: Callable[[ExchangeDone], None],
    on_fault: Callable[[BaseException], None],
) -> Port:
    """A port with the settings' limits, by the proxy of the capture's cases."""
    config = services.home.config
    limits = Limits(
        response_bytes=config.response_bytes,
        response_seconds=config.response_seconds,
        capture_bytes=config.capture_bytes,
        capture_seconds=config.capture_seconds,
    )
    proxy = ProxyChoice(config.second_proxy if options.second_proxy else services.home.proxy_for(options.cases))
    return services.recorder.open(writer, limits, config.secret_values, on_exchange, proxy, on_fault)


def shown(target: Target, secrets: KnownSecrets) -> Target:
    """Return a target without secrets, as it is written down."""
    return replace(
        target,
        url=secrets.clean(target.url),
        id=secrets.clean(target.id),
        mirror=secrets.clean(target.mirror),
        given=secrets.clean(target.given),
    )


def _enter_target(writer: CaptureWriter, target: Target, salt: bytes) -> None:
    line = {
        "kind": "target",
        "url": target.url,
        "platform": target.platform,
        "target_kind": target.kind,
        "id": target.id,
        "target_salt": salt.hex(),
    }
    if target.form is not Form.KNOWN:
        line["form"] = str(target.form)
    if target.given is not None:
        line["given"] = target.given
    if target.mirror is not None:
        line["mirror"] = target.mirror
    writer.inventory(line)
