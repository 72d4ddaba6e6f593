"""A place that copies go to, and what tests read of it and of the home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.home.home import Home
from tests.support.places import bytes_at, client, new_bucket


class At:
    """A place: how it is named in settings and on the command line, and what lies there."""

    def __init__(self, kind: str, folder: Path, url: str) -> None:
        self.own, self.url, self.bucket = "own" in kind, url if "s3" in kind else "", ""
        if self.url:
            self.bucket = new_bucket(url)
            self.where = f"s3://{self.bucket}/team/a"
        else:
            self.where = str(folder / "disk")
            (folder / "disk").mkdir()

    def objects(self) -> dict[str, bytes]:
        if self.url:
            return bytes_at(self.url, self.bucket)
        top = Path(self.where)
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    def spoil(self, key: str, data: bytes | None) -> None:
        """Other bytes under a key, or none: what a raid or a rotten disk leaves."""
        if self.url:
            self._spoil_there(key, data)
        elif data is None:
            (Path(self.where) / key).unlink()
        else:
            (Path(self.where) / key).write_bytes(data)

    def _spoil_there(self, key: str, data: bytes | None) -> None:
        s3 = client(self.url)
        for one in s3.list_object_versions(Bucket=self.bucket, Prefix=key).get("Versions", []):
            s3.delete_object(Bucket=self.bucket, Key=key, VersionId=one["VersionId"], BypassGovernanceRetention=True)
        if data is not None:
            s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    @property
    def restore_words(self) -> list[str]:
        return ["restore", "--from", self.where, *(["--endpoint", self.url] if self.url else [])]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def bodies(home: Path, *types: str) -> list[dict[str, Any]]:
    opened = Home(home)
    opened.project()
    return opened.catalog.event_bodies(types)
