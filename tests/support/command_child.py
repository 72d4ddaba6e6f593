"""Runs one command in a process of its own, against platforms that another process serves.

Arguments: the network as JSON {"routes", "roots"}, then the command's words.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from archiver.cli.main import main
from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    routes = {key: (value[0], value[1]) for key, value in given["routes"].items()}
    sys.exit(main(sys.argv[2:], TestNetwork(routes, Roots(Path(given["roots"]), "test")), {}))
