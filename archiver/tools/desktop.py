"""Handing a file to the program that a person's desktop opens it with; nothing where there is no desktop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from archiver.children import program

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DESKTOP_SESSION",
    "DBUS_SESSION_BUS_ADDRESS", "BROWSER", "WSL_DISTRO_NAME", "WSL_INTEROP", "WSLENV", "KDE_FULL_SESSION", "KDE_SESSION_VERSION",
)  # fmt: skip
"""What a desktop's program needs of the environment, beside `XDG_…` and `LC_…`: no passphrase, key or token is among it."""


def opener(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that opens a file as a double-click would; None where there is no desktop."""
    if sys.platform == "darwin":
        return ["/usr/bin/open"]
    if environment.get("WSL_DISTRO_NAME") and (found := program("wslview")) is not None:
        return [found]
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return None
    for name in ("xdg-open", "gio"):
        if (found := program(name)) is not None:
            return [found, "open"] if name == "gio" else [found]
    return None


def open_file(command: list[str], path: Path) -> bool:
    """Open a file by what `opener` returned, which must not outlive as our child. Return whether it took the file.

    It is the person's own program, chosen by their desktop: it gets no fence, and of the environment what `PASSED` names.
    """
    try:
        done = subprocess.run(
            [*command, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=30, check=False, env=_environment(os.environ),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name in PASSED or name.startswith(("XDG_", "LC_"))}
