"""Nothing that an extractor runs leaves this machine but through the recorder: by the kernel, and by Python's audit hook."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from archiver import fence
from archiver.children import python_environment
from archiver.tools import ytdlp_pool
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from archiver.tools.ytdlp_worker import Guard
from tests.conftest import CI
from tests.support.cheap_children import javascript_runtime
from tests.support.namespaces import wired

pytestmark = pytest.mark.usefixtures("real_children")
DENO = "/opt/deno"


# -- the audit hook ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("203.0.113.7", 443))), ("socket.connect", (None, ("127.0.0.1", 8081))),
        ("socket.connect", (None, "/run/docker.sock")), ("socket.connect", (None, b"\0abstract")),
        ("socket.sendto", (None, ("203.0.113.7", 53))), ("socket.sendmsg", (None, ("203.0.113.7", 53))),
        ("socket.getaddrinfo", ("secret.attacker.example", 80, 0, 0, 0)), ("socket.gethostbyname", ("a.example",)),
        ("subprocess.Popen", ("rtmpdump", ["rtmpdump", "-r", "rtmp://10.0.0.5"], None, None)),
        ("subprocess.Popen", ("/bin/sh", ["/bin/sh", "-c", "id"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "eval", "1"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "run", "-"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "run", "--no-prompt", "--allow-net", "-"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "run", "--no-prompt", "-A", "-"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "run", "--no-prompt", "-RN", "-"], None, None)),
        ("subprocess.Popen", (DENO, ["/bin/sh", "run", "--no-prompt", "-"], None, None)),
        ("os.system", (b"id",)), ("os.exec", ("/bin/sh", [], {})), ("os.posix_spawn", ("/bin/sh", [], {})), ("os.fork", ()),
    ],
)  # fmt: skip
def test_what_python_code_may_not_do(event: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(PermissionError):
        Guard(8080, DENO)(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 8080))), ("socket.getaddrinfo", ("127.0.0.1", 8080, 0, 0, 0)),
        ("open", ("/etc/passwd",)), ("subprocess.Popen", (DENO, [DENO, "--version"], None, None)),
        ("subprocess.Popen", (DENO, [DENO, "run", "--ext=js", "--no-prompt", "--no-remote", "-"], None, None)),
    ],
)  # fmt: skip
def test_what_python_code_may_do(event: str, arguments: tuple[Any, ...]) -> None:
    Guard(8080, DENO)(event, arguments)


# -- the kernel --------------------------------------------------------------------------------------------------------

TRIES = """
import json, socket, sys
from archiver import fence
listener = socket.create_server(("127.0.0.1", 0))
port, (kind, outside) = listener.getsockname()[1], sys.argv[1:]
if kind == "namespace":
    held = fence.enter_namespace()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
else:
    held = fence.restrict_tcp(port)
def tried(address):
    try:
        socket.create_connection(address, timeout=5).close()
        return "reached"
    except OSError as error:
        return type(error).__name__
print(json.dumps({"held": held, "own": tried(("127.0.0.1", port)), "here": tried(("127.0.0.1", int(outside)))}))
"""


@pytest.fixture
def outside() -> Iterator[socket.socket]:
    """Something on this machine that listens and must not be reached."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("kind", ["namespace", "landlock"])
def test_the_kernel_refuses_all_but_one_port(kind: str, outside: socket.socket) -> None:
    words = [sys.executable, "-c", TRIES, kind, str(outside.getsockname()[1])]
    done = subprocess.run(words, env=python_environment(), capture_output=True, check=False, timeout=60)
    said = json.loads(done.stdout)
    if not said["held"]:
        # Landlock is the kernel's to give; a namespace is given to the tests of several machines too.
        pytest.fail("not in force") if CI and kind == "namespace" else pytest.skip(f"this kernel gives no {kind}")
    assert (said["own"], said["here"]) in [("reached", "PermissionError"), ("reached", "ConnectionRefusedError")]


# -- the whole ---------------------------------------------------------------------------------------------------------

ROGUE = '''
import ctypes, os, socket, struct, subprocess
class YoutubeDL:
    """What hostile code in an extractor's process could try, by Python's means and past them."""
    def __init__(self, options): self._ies, self.options = {}, options
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def sanitize_info(self, info): return info
    def extract_info(self, url, download):
        _, host, port = url.split(":")
        target = (host, int(port))
        return {name: self.tried(way, target) for name, way in
                {"python": self.python, "c": self.c, "datagram": self.datagram, "name": self.name, "program": self.program, "own": self.own}.items()}
    def tried(self, way, target):
        try: return way(target)
        except Exception as error: return type(error).__name__
    def python(self, target):
        socket.create_connection(target, timeout=5).close()
        return "reached"
    def c(self, target):
        libc = ctypes.CDLL(None, use_errno=True)
        one = libc.socket(2, 1, 0)
        where = struct.pack("=HH4s8x", 2, socket.htons(target[1]), socket.inet_aton(target[0]))
        return "reached" if libc.connect(one, where, 16) == 0 else os.strerror(ctypes.get_errno())
    def datagram(self, target):
        libc = ctypes.CDLL(None, use_errno=True)
        where = struct.pack("=HH4s8x", 2, socket.htons(target[1]), socket.inet_aton(target[0]))
        return "sent" if libc.sendto(libc.socket(2, 2, 0), b"hello", 5, 0, where, 16) == 5 else os.strerror(ctypes.get_errno())
    def name(self, target): return str(socket.getaddrinfo("name.example", 80))
    def program(self, target): return subprocess.run(["/bin/sh", "-c", "echo reached"], capture_output=True).stdout.decode()
    def own(self, target):
        from urllib.parse import urlsplit
        there = urlsplit(self.options["proxy"])
        with socket.create_connection((there.hostname, there.port), timeout=5) as own:
            own.sendall(b"hello"); return own.recv(100).decode()
'''


class Rogue:
    """Stands in for a version of yt-dlp installed beside the pinned one."""

    version, sha256 = "1", "0"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = folder / "yt_dlp"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(ROGUE)
        (package / "version.py").write_text("__version__ = '1'\n")
        (package / "utils.py").write_text("class DownloadError(Exception): pass\n")


@contextmanager
def _recorder() -> Iterator[int]:
    """A stand-in for the recorder, which answers in its own words."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.sendall(b"the recorder, to " + client.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _tried(rogue: Rogue, host: str, port: int) -> tuple[dict[str, Any], list[str]]:
    """What hostile code did, and the fences that were in force."""

    async def run(recorder: int) -> tuple[dict[str, Any], list[str]]:
        pool = ExtractorPool(b"", 1, rogue)  # type: ignore[arg-type]
        job = {"do": "extract", "url": f"tcp:{host}:{port}", "proxy": f"http://a:b@127.0.0.1:{recorder}"}
        try:
            return (await pool.run(job, 60))["whole"], pool.fences
        finally:
            await pool.close()

    with _recorder() as recorder:
        return asyncio.run(run(recorder))


@pytest.mark.services
@pytest.mark.parametrize("without", [(), (fence.NAMESPACE,), (fence.NAMESPACE, fence.LANDLOCK)])
def test_hostile_code_in_the_extractor_reaches_the_recorder_alone(
    without: tuple[str, ...], tmp_path: Path, outside: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each fence in turn; the last one alone holds Python code only, and is said to be alone."""
    rogue = Rogue(tmp_path / "beside")
    lacking = {fence.NAMESPACE: "enter_namespace = lambda: False", fence.LANDLOCK: "restrict_tcp = lambda *_: False"}
    if without:  # a kernel that gives less
        lines = [f"fence.{lacking[name]}" for name in without]
        (rogue.folder / "sitecustomize.py").write_text("\n".join(["from archiver import fence", *lines]))

    did, fences = _tried(rogue, "127.0.0.1", outside.getsockname()[1])
    assert not set(without) & set(fences)
    assert fences[-1] == fence.HOOK
    assert did["own"] == "the recorder, to hello"
    assert (did["python"], did["name"], did["program"]) == ("PermissionError",) * 3
    if len(fences) > 1:
        assert did["c"] != "reached"
    outside.settimeout(0.1)
    with suppress(TimeoutError):
        outside.accept()
        assert fences == [fence.HOOK], "only where the kernel gives nothing does code of another kind leave"


LISTENS = """
import socket, sys, threading
tcp, udp = socket.create_server(("0.0.0.0", 8765)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 8765))
def heard():
    print("datagram", udp.recv(100), flush=True)
threading.Thread(target=heard, daemon=True).start()
print("ready", flush=True)
while True:
    print("connection", tcp.accept()[1], flush=True)
"""


@pytest.mark.services
def test_a_machine_beside_this_one_hears_nothing(tmp_path: Path) -> None:
    """A network namespace that listens, one wire away."""
    with wired(1) as ([wire], *_):
        command = [*wire.words, sys.executable, "-c", LISTENS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listening:
            assert listening.stdout is not None
            assert listening.stdout.readline() == "ready\n"
            try:
                did, fences = _tried(Rogue(tmp_path / "beside"), wire.address, 8765)
                if fences[0] == fence.NAMESPACE:
                    assert did["datagram"] != "sent"
                assert (did["python"], did["own"]) == ("PermissionError", "the recorder, to hello")
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:  # what does leave is heard
                    ours.sendto(b"ours", (wire.address, 8765))
                assert listening.stdout.readline() == "datagram b'ours'\n"
            finally:
                listening.kill()


@pytest.mark.services
def test_the_extractor_says_what_holds_it_and_works_behind_it() -> None:
    async def run() -> None:
        pool = ExtractorPool(b"", 1)
        try:
            job = {"do": "extract", "url": "https://www.youtube.com/watch?v=aaaaaaaaaaa", "proxy": "http://127.0.0.1:9"}
            answer = await pool.run(job, 60)
            assert "error" in answer, "nobody answers at that port"
            assert pool.fences[-1] == fence.HOOK
        finally:
            await pool.close()

    asyncio.run(run())


# -- the JavaScript runtime --------------------------------------------------------------------------------------------

TELLING = """#!{python}
import json, os, sys
if sys.argv[1:] == ["--version"]: print("deno 2.9.8")
else: open({out!r}, "a").write(json.dumps({{"words": sys.argv[1:], "path": os.environ["PATH"]}}) + "\\n")
"""


@pytest.mark.services
def test_a_runtime_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deno = tmp_path / "deno"
    deno.write_text(TELLING.format(python=sys.executable, out=str(tmp_path / "told")))
    deno.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert ytdlp_pool.runtime() == str(deno)

    async def run() -> str | None:
        pool = ExtractorPool(b"", 1)
        try:
            await pool.claims("https://example.org/", 60)
            return pool.runtime
        finally:
            await pool.close()

    assert asyncio.run(run()) == "deno 2.9.8"


@pytest.mark.services
def test_deno_itself_runs_a_script_without_permissions() -> None:
    """With yt-dlp's own words, behind our hook: the script computes, and is let into nothing."""
    deno = javascript_runtime()
    script = """
    const tried = async (what) => { try { await what(); return "did"; } catch (error) { return error.name; } };
    console.log(JSON.stringify({sum: 40 + 2,
      net: await tried(() => Deno.connect({hostname: "127.0.0.1", port: 9})), read: await tried(() => Deno.readTextFile("/etc/passwd")),
      write: await tried(() => Deno.writeTextFile("/tmp/written-by-deno", "")), run: await tried(() => new Deno.Command("/bin/true").output()),
      env: await tried(() => Deno.env.toObject())}));
    """
    code = (
        "import subprocess, sys\n"
        "from archiver.tools.ytdlp_worker import Guard, options, Log\n"
        "import yt_dlp\n"
        "from yt_dlp.extractor.youtube.jsc._builtin.deno import DenoJCP\n"
        "sys.addaudithook(Guard(None, sys.argv[1]))\n"
        "words = [sys.argv[1], 'run', *DenoJCP._DENO_BASE_OPTIONS, '--no-npm', '--cached-only', '-']\n"
        "done = subprocess.run(words, stdin=sys.stdin, capture_output=True, check=False)\n"
        "sys.stdout.buffer.write(done.stdout); sys.stderr.buffer.write(done.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, deno], input=script.encode(), env=python_environment(HOME="/nonexistent"),
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    said = json.loads(done.stdout or b"null")
    assert said == {"sum": 42, **dict.fromkeys(("net", "read", "write", "run", "env"), "NotCapable")}, done.stderr


@pytest.mark.services
def test_a_program_that_yt_dlp_would_start_for_a_protocol_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """yt-dlp starts `rtmpdump` by its name; here it lies on our own path."""
    program = tmp_path / "rtmpdump"
    program.write_text(f"#!/bin/sh\necho started >> {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    code = (
        "import sys, yt_dlp\n"
        "from archiver.tools.ytdlp_worker import Guard, Log, options\n"
        "sys.addaudithook(Guard(None))\n"
        "with yt_dlp.YoutubeDL(options({'do': 'download', 'proxy': 'http://127.0.0.1:9', 'folder': sys.argv[1]}, Log())) as ydl:\n"
        "    ydl.process_ie_result({'id': 'a', 'title': 'a', 'extractor': 'a', 'extractor_key': 'A', 'webpage_url': 'http://a.example/',\n"
        "        'formats': [{'format_id': '0', 'url': 'rtmp://10.0.0.5/live', 'protocol': 'rtmp', 'ext': 'flv'}]}, download=True)\n"
    )
    for given in (python_environment(), {**python_environment(), "PATH": os.environ["PATH"]}):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "out")],
            env=given,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert b"rtmpdump" in done.stderr, done.stderr
        assert not (tmp_path / "started").exists()


def test_a_worker_that_ends_at_once_is_said_to_have_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    async def run() -> None:
        pool = ExtractorPool(b"", 1)
        with pytest.raises(ExtractorDied):
            await pool.run({"do": "claims", "url": "https://example.org/"}, 60)
        await pool.close()

    asyncio.run(run())
