"""How it is installed: what the container files, the release and the page about it say, held against each other.

Nobody has built the image here: there is no network for it. What is held is what can be read.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "Containerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
INSTALL = (ROOT / "docs" / "how-to" / "install.md").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    """(instruction, its words) of the Containerfile, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", CONTAINER, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines]


def test_the_container_file_is_sound() -> None:
    found = instructions()
    known = {"FROM", "ENV", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in found} <= known
    (base,) = [words for name, words in found if name == "FROM"]
    assert re.fullmatch(r"docker\.io/library/debian:\d+\.\d+-slim", base), "pinned, and with its registry"
    order = [name for name, _ in found]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name == "RUN")
    assert dict(found)["USER"] == "archiver"
    assert json.loads(dict(found)["ENTRYPOINT"])[-1] == "archiver"
    assert json.loads(dict(found)["CMD"])
    assert "CMD" in dict(found)["HEALTHCHECK"]
    runs = [words for name, words in found if name == "RUN"]
    for program in ("chromium", "ffmpeg", "libimage-exiftool-perl", "openssl", "python3-venv"):
        assert program in runs[0]
    assert "rm -rf /var/lib/apt/lists/*" in runs[0]
    assert "--no-install-recommends" in runs[0]
    assert not [words for _, words in found if "sudo" in words or "curl" in words or "chmod 777" in words]


@pytest.mark.parametrize(
    "words", [words for name, words in instructions() if name == "RUN"], ids=lambda words: words[:20]
)
def test_its_steps_are_shell_that_parses(words: str) -> None:
    assert subprocess.run(["sh", "-n", "-c", words], check=False).returncode == 0
    assert words.count("&&") == len(re.findall(r" && ", words)), "one failed step stops the build"
    assert ";" not in words


def test_the_container_has_what_the_lock_pins() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
    for name, version in re.findall(r"(playwright|deno)==(\S+)", CONTAINER):
        assert f"\n{name}=={version} " in lock


def test_the_compose_file_is_sound() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"archiver", "worker", "database"}
    assert services["worker"]["command"] == ["work"]
    assert services["archiver"]["build"]["dockerfile"] == "Containerfile"
    for name in ("archiver", "worker"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["volumes"] == ["home:/home/archiver/archiver-home"]
        assert "ports" not in services[name], "nothing is served to others"
    assert "ports" not in services["database"]
    assert re.fullmatch(r".+/postgres:\d+\.\d+-\w+", services["database"]["image"])
    assert "?" in services["database"]["environment"]["POSTGRES_PASSWORD"], "no password is made up"
    assert set(COMPOSE["volumes"]) == {"home", "database"}
    variables = set(re.findall(r"\$\{(ARCHIVER_\w+)", (ROOT / "compose.yaml").read_text("utf-8")))
    from archiver.home.variables import VARIABLES

    assert variables - {"ARCHIVER_DB_PASSWORD"} <= {one.name for one in VARIABLES}


def test_the_page_says_what_nobody_tried() -> None:
    said = " ".join(INSTALL.split())
    assert "Nobody has built this image yet" in said.replace("*", "")
    assert "does not run on Windows itself" in said
    assert "evidence-archiver" in said


def test_what_a_release_consists_of(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wheel = tmp_path / "evidence_archiver-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "Metadata-Version: 2.4\nName: evidence-archiver\nVersion: 0.1.0\n\n")
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    made = module.sbom(lock, wheel)
    assert json.dumps(made) == json.dumps(module.sbom(lock, wheel)), "the same inputs, the same bytes"
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    parts = made["components"]
    assert len(parts) == len(re.findall(r"^\S+==", lock, re.MULTILINE)) > 60
    assert sum(len(one["hashes"]) for one in parts) == lock.count("--hash=sha256:")
    assert all(one["hashes"] for one in parts)
    assert len({one["bom-ref"] for one in parts}) == len(parts)
    assert [one["properties"][0]["value"] for one in parts if one["name"] == "pydispatcher"] == [
        "platform_python_implementation == 'CPython'"
    ]
    assert made["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_page_names_what_a_release_consists_of() -> None:
    """With the two checks that whoever hands over a package gives along."""
    script = (ROOT / "scripts" / "release.sh").read_text("utf-8")
    (names,) = re.findall(r"sha256sum -- (.+) >SHA256SUMS", script)
    assert {"check.py", "check.html"} < set(names.split())
    for name in {*names.split(), "SHA256SUMS"} - {"*.whl"}:
        assert INSTALL.count(f"`{name}`") >= 2 or name == "requirements.lock", name


def test_the_scripts_are_shell_that_parses() -> None:
    for name in ("release.sh", "wheel.sh"):
        assert subprocess.run(["sh", "-n", str(ROOT / "scripts" / name)], check=False).returncode == 0
