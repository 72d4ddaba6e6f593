"""`check.html` in a browser: it opens from the disk, asks nobody, and says of files and signature what check.py says of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.home.people import fingerprint as fingerprint_of
from archiver.home.people import key_words
from tests.support.packages import PackagedCase, copy_of, flipped, lacking
from tests.support.soak import Tried

PAGE = Path(__file__).parents[2] / "archiver" / "export" / "check.html"
FIT = "FILES AND SIGNATURE FIT: recordings and times were not looked at, run check.py"
Check = Callable[[Path, str], tuple[str, str]]


@pytest.fixture(scope="module")
def browser(full: Path) -> Iterator[Any]:
    """Started after the package was made: commands and Playwright each want the thread's loop for themselves."""
    from playwright import sync_api as playwright

    from archiver.tools.chromium import program

    if program() is None:
        lacking("Chromium is not installed")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def check(browser: Any) -> Check:
    """Check a folder with a fingerprint: (verdict, lines)."""

    def checked(package: Path, fingerprint: str) -> tuple[str, str]:
        asked: list[str] = []
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.goto(PAGE.as_uri())
        page.set_input_files("#folder", str(package))
        page.fill("#fingerprint", fingerprint)
        page.click("#start")
        page.wait_for_selector("#verdict:not([hidden])")
        said = page.inner_text("#verdict"), page.inner_text("#said")
        page.close()
        assert asked == [PAGE.as_uri()]
        return said

    return checked


def test_an_honest_package_fits_and_is_never_called_intact(check: Check, full: Path, case: PackagedCase) -> None:
    for fingerprint in (case.fingerprint, ", ".join(key_words(case.fingerprint))):
        verdict, lines = check(full, fingerprint)
        assert verdict == FIT, lines
    assert "intact" not in FIT.lower()


@pytest.mark.parametrize(
    ("fingerprint", "said"),
    [("", "signer unconfirmed"), ("tuhif komil", "no fingerprint"), ("0" * 64, "other than the one that you named")],
)
def test_a_fingerprint_that_is_none_or_another(check: Check, full: Path, fingerprint: str, said: str) -> None:
    verdict, lines = check(full, fingerprint)
    assert said in lines
    assert verdict.startswith("TAMPERED" if fingerprint.startswith("0") else "CANNOT TELL")


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("data/tables/posts.csv", "TAMPERED", "is not what its manifest says"),
        ("tagmanifest-sha256.txt", "TAMPERED", ""),
        ("signature/tagmanifest-sha256.txt.note", "TAMPERED", ""),
        ("-data/media", "INCOMPLETE", "are not there"),
        ("+data/opinion.pdf", "TAMPERED", "is listed in no manifest"),
        ("+data/.DS_Store", "CANNOT TELL", "was written by an operating system or another program"),
        ("+data/x\u2028INTACT\U000e0041.txt", "TAMPERED", "data/x\\x2028INTACT\\xe0041.txt"),
        ("0data/report.html", "INCOMPLETE", "data/report.html is empty, or holds zeros only"),
        ("\rREADME.txt", "CANNOT TELL", "line ends were changed on the way, in README.txt"),
        ("+fetch.txt", "TAMPERED", "fetch.txt"),
    ],
)
def test_what_it_looks_at_is_found(
    check: Check, full: Path, case: PackagedCase, tmp_path: Path, name: str, expected: str, said: str
) -> None:
    package = copy_of(full, tmp_path)
    path = package / name.lstrip("+-0\r")
    if name.startswith("-"):
        next(path.iterdir()).unlink()
    elif name.startswith("+"):
        path.write_bytes(b"x")
    elif name.startswith("0"):
        path.write_bytes(bytes(path.stat().st_size))
    elif name.startswith("\r"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    else:
        path.write_bytes(flipped(path.read_bytes(), 70))
    verdict, lines = check(package, case.fingerprint)
    assert verdict.startswith(expected), lines
    assert said in lines


def test_a_retired_key_is_not_called_another_s(check: Check, full: Path, case: PackagedCase) -> None:
    """It handed over; whether an outsider saw that is not looked at here, so nobody can tell."""
    verdict, lines = check(full, fingerprint_of(case.old_key))
    assert verdict.startswith("CANNOT TELL"), lines
    assert "was retired and handed over to the one that signed" in lines


def test_volumes_are_no_package_that_lacks_everything(check: Check, full: Path, tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    for name in ("p.tar.age.001", "README.txt", "volumes.txt"):
        (tmp_path / "v" / name).write_text("x")
    verdict, lines = check(tmp_path / "v", "")
    assert verdict.startswith("CANNOT TELL"), lines
    assert "p.tar.age.001 is a volume of a package" in lines


def test_its_digests_are_those_of_openssl(browser: Any, tmp_path: Path) -> None:
    """At the bounds of blocks and pieces; gigabytes of it by `make soak`."""
    page = browser.new_page()
    page.goto(PAGE.as_uri())
    for size in (0, 1, 55, 56, 63, 64, 119, 120, 4095, 1_000_003):
        path = tmp_path / str(size)
        path.write_bytes(bytes((7 * n + size) % 251 for n in range(size)))
        for algorithm, script in (("sha256", "sha256(data)"), ("sha512", "hex(sha512(data))")):
            if algorithm == "sha512" and size > 5000:
                continue
            code = f"size => {{ const data = Uint8Array.from({{length: size}}, (_, n) => (7 * n + size) % 251); return {script}; }}"
            theirs = subprocess.run(
                ["openssl", "dgst", f"-{algorithm}", "-r", path], capture_output=True, text=True, check=True
            )
            assert page.evaluate(code, size) == theirs.stdout.split()[0]
    page.close()


LARGE = 6 << 30
"""Bytes of a film that is larger than a browser may hold in memory, and than what counts in 32 bits."""


@pytest.mark.soak("browser")
def test_a_file_of_six_gigabytes_has_the_digest_that_openssl_computes(tmp_path: Path, tried: Tried) -> None:
    """Holes and random bytes at both sides of 2 and 4 GB and at the end; the memory of the page is bounded meanwhile."""
    from playwright import sync_api as playwright

    from archiver.tools.chromium import program

    if program() is None:
        lacking("Chromium is not installed")
    path = tmp_path / "film"
    with open(path, "wb") as stream:
        for at in (0, (1 << 31) - 9, (1 << 32) - 9, LARGE - 4097):
            stream.seek(at)
            stream.write(os.urandom(4097))
    assert path.stat().st_blocks * 512 < 1 << 20, "the disk keeps no holes"
    theirs = subprocess.run(["openssl", "dgst", "-sha256", "-r", path], capture_output=True, text=True, check=True)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(3_600_000)
        page.goto(PAGE.as_uri())
        page.evaluate("() => { $('folder').webkitdirectory = false; }")
        page.set_input_files("#folder", str(path))
        began = time.monotonic()
        ours, most = page.evaluate(
            """async () => {
              let most = 0;
              const told = () => { most = Math.max(most, performance.memory.usedJSHeapSize); };
              return [await digestOf($("folder").files[0], told), most];
            }"""
        )
        seconds = time.monotonic() - began
        browser.close()
    assert ours == theirs.stdout.split()[0]
    assert most < 1 << 30
    tried("megabytes read by check.html, whose digest openssl computes too", LARGE // 10**6)
    print(f"{LARGE / seconds / 1e6:.0f} MB/s in {seconds:.0f} s, heap at most {most / 1e6:.0f} MB")
