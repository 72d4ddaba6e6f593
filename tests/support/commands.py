"""Commands on a home that the tests of a module share, where pytest's capture of one test cannot be used."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from archiver.cli.main import main
from archiver.recorder.network import TestNetwork


class Commands:
    """Runs commands on one home and keeps what they printed."""

    def __init__(self, home: Path, network: TestNetwork | None, **environment: str) -> None:
        self.home, self._network, self._environment = home, network, environment

    def __call__(self, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["--home", str(self.home), *words], self._network, self._environment)
        return code, out.getvalue(), err.getvalue()

    def json(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, _ = self("--json", *words)
        return code, [json.loads(line) for line in out.splitlines()]
