"""The Unix socket by which a program behind the recorder hands over what its spiders read.

The folder of the socket is open to this user alone. What comes is bounded in the length of a message, in their number and
in how many connect; who sends anything else is cut off, and that is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from archiver.capture.item_messages import Message, NotUnderstood, read_message

MOST_BYTES = 1 << 20
"""The longest message, in bytes."""
MOST_MESSAGES = 200_000
"""Messages of one capture."""
MOST_CONNECTED = 64
LAST_SECONDS = 10.0
"""How long what is still under way may take, once the program has ended."""
_LONGEST_PATH = 100
"""Of a socket, in bytes: 104 on macOS, 108 on Linux (unix(7)), the last a zero."""


class ItemChannel:
    """The socket of one capture, open as a context.

    `take` is called on the loop for each message, with the number of its connection; `lost` where a connection ends
    otherwise than by the program closing it, with the reason.
    """

    def __init__(self, take: Callable[[int, Message], None], lost: Callable[[int, str], None]) -> None:
        self._take, self._lost = take, lost
        self._folder: str | None = None
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connected: dict[int, asyncio.Task[None]] = {}
        self._count = self._messages = 0

    async def __aenter__(self) -> Path:
        """Open the socket; return its path. Raises `OSError`."""
        self._folder = _short_folder()
        path = Path(self._folder) / "s"
        self._listening.setblocking(False)
        self._listening.bind(str(path))
        self._listening.listen(MOST_CONNECTED)
        asyncio.get_running_loop().add_reader(self._listening, self._accept)
        return path

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Read what was sent before the program ended, and close the socket."""
        assert self._folder is not None
        with self._listening:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._accept()  # who connected and ended before anybody looked
        if self._connected:
            await asyncio.wait(self._connected.values(), timeout=LAST_SECONDS if error is None else 0)
        left = dict(self._connected)
        for task in left.values():
            task.cancel()
        await asyncio.gather(*left.values(), return_exceptions=True)
        for number in left:
            self._lost(number, "it was still open after the program had ended")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        """Take every connection that waits. In one step: a task that is cancelled would lose the one it has just taken."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._begin(self._listening.accept()[0])

    def _begin(self, connection: socket.socket) -> None:
        self._count += 1
        if len(self._connected) >= MOST_CONNECTED:
            connection.close()
            self._lost(self._count, f"more than {MOST_CONNECTED} connections at once")
            return
        number = self._count
        task = self._connected[number] = asyncio.create_task(self._serve(number, connection))
        task.add_done_callback(lambda _: self._connected.pop(number, None))

    async def _serve(self, number: int, connection: socket.socket) -> None:
        connection.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MOST_BYTES + 1024)
        try:
            await self._read(number, reader)
        finally:
            writer.close()

    async def _read(self, number: int, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                if not line.endswith(b"\n"):
                    self._lost(number, "its last message was cut off")
                    return
                self._messages += 1
                if self._messages > MOST_MESSAGES:
                    self._lost(number, f"more than {MOST_MESSAGES:,} messages: no more are taken")
                    return
                self._take(number, read_message(line))
                await asyncio.sleep(0)  # what else runs on this loop has its turn
        except NotUnderstood as error:
            self._lost(number, f"a message that is not understood ({error})")
        except ValueError:  # asyncio's, for a line beyond its limit
            self._lost(number, f"a message of more than {MOST_BYTES >> 20} MiB")
        except ConnectionError as error:
            self._lost(number, str(error) or "the connection broke off")


def _short_folder() -> str:
    made = tempfile.mkdtemp(prefix="archiver-")
    if len(made.encode()) > _LONGEST_PATH - 2:
        shutil.rmtree(made)
        made = tempfile.mkdtemp(prefix="archiver-", dir="/tmp")
    return made
