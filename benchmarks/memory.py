"""Runs a command and writes the most memory that it, or one of its children, had at once, in MB."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    code = subprocess.run(sys.argv[2:], check=False).returncode
    Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024), "utf-8")
    raise SystemExit(code)
