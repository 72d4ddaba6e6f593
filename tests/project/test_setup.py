"""`scripts/setup.sh` installs what a lock file pins, by whatever pip the machine has."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wheel(folder: Path, name: str, version: str, *asks: str) -> str:
    """Write a wheel that holds nothing but what it is called and asks for; return its line in a lock file."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    wants = "".join(f"Requires-Dist: {one}\n" for one in asks)
    with zipfile.ZipFile(path, "w") as out:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: x\n{wants}"
        out.writestr(f"{info}/METADATA", about)
        out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{info}/RECORD", "")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_a_release_newer_than_the_pinned_one_is_not_taken_for_an_extra(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    # The order of a lock file: what asks for the extra stands before what is asked for.
    lock = wheel(wheels, "asking", "1", "wanted[x]>=1") + wheel(wheels, "wanted", "1")
    wheel(wheels, "wanted", "2")
    (tmp_path / "some.lock").write_text(lock)
    (tmp_path / "pip.conf").write_text(f"[install]\nno-index = true\nfind-links = {wheels}\n")
    script = (ROOT / "scripts" / "setup.sh").read_text()
    found = re.search(r"^environment\(\) \{.*?^\}\n", script, re.DOTALL | re.MULTILINE)
    assert found
    subprocess.run(
        ["sh", "-euc", f"{found[0]}\npython={sys.base_prefix}/bin/python3\nenvironment made some.lock"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path)},
        check=True,
    )
    assert (tmp_path / "made" / ".lock").read_text() == lock
    assert {path.name for path in (tmp_path / "made").glob("lib/*/site-packages/wanted-*")} == {"wanted-1.dist-info"}
