"""An engine with the drivers that there are, as `cli/runtime.py` composes it."""

from __future__ import annotations

from collections.abc import Callable

from archiver.capture.engine import CaptureEngine
from archiver.capture.result import Progress
from archiver.capture.scrapy_driver import ScrapyDriver
from archiver.home.home import Home
from archiver.recorder.proxy import Recorder
from archiver.signer.local import LocalSigner
from archiver.telegram.accounts import Telegrams
from archiver.telegram.driver import TelegramDriver


def capture_engine(
    home: Home, recorder: Recorder, report: Callable[[Progress], None] = lambda progress: None
) -> CaptureEngine:
    drivers = (TelegramDriver(Telegrams(home, recorder.network), recorder), ScrapyDriver())
    return CaptureEngine(home, recorder, LocalSigner(home), drivers, report)
