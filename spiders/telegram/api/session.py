"""What an account knows between two runs: its key, and which chats it may ask about. Held in memory only.

`archiver` keeps it encrypted. Names and phones of others are not part of it.
"""

from __future__ import annotations

import base64
from typing import Any

from telethon import types, utils
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession


class AccountSession(MemorySession):
    """Telethon's session in memory, read from a JSON value and written as one."""

    def __init__(self, value: dict[str, Any] | None = None) -> None:
        super().__init__()
        value = value or {}
        if value.get("key"):
            self._auth_key = AuthKey(base64.b64decode(value["key"]))
        if value.get("address"):
            self.set_dc_kept(int(value["dc"]), str(value["address"]), int(value["port"]))
        self._entities = {
            (int(number), int(access), name, None, None) for number, access, name in value.get("chats") or ()
        }

    def set_dc_kept(self, dc: int, address: str, port: int) -> None:
        """Set the data centre without forgetting the key."""
        self._dc_id, self._server_address, self._port = dc, address, port

    def value(self) -> dict[str, Any]:
        """Return everything that another run needs, as JSON. Secret."""
        chats = sorted([row[0], row[1], row[2] or ""] for row in self._entities if row[1] and row[0] < 0)
        return {
            "key": base64.b64encode(self._auth_key.key).decode() if self._auth_key and self._auth_key.key else None,
            "dc": self._dc_id, "address": self._server_address, "port": self._port, "chats": chats,
        }  # fmt: skip

    def known(self, handle: str) -> Any:
        """Return the input peer of a channel whose name was resolved before, or None."""
        for row in self._entities:
            if row[2] and row[2].lower() == handle.lower() and row[1]:
                number, kind = utils.resolve_id(row[0])
                return types.InputPeerChannel(number, row[1]) if kind is types.PeerChannel else None
        return None

    def forget(self, handle: str) -> None:
        """Forget a name that has come to mean something else."""
        self._entities = {row for row in self._entities if not row[2] or row[2].lower() != handle.lower()}

    def access_to(self, number: int) -> int | None:
        """Return the access hash of a chat that the account has met, or None."""
        return next((row[1] for row in self._entities if row[0] == number and row[1]), None)
