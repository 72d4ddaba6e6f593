"""Opening a file by the desktop's own program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archiver.tools.desktop import open_file


def test_what_opens_a_file_learns_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARCHIVER_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "planted")
    monkeypatch.setenv("DISPLAY", ":9")
    told = tmp_path / "told"
    code = "import os, sys; open(sys.argv[1], 'w').write(repr(dict(os.environ)))"
    assert open_file([sys.executable, "-c", code], told)
    assert "'DISPLAY': ':9'" in told.read_text()
    assert "planted" not in told.read_text()
