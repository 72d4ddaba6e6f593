#!/bin/sh
# Pins every dependency with its hashes, for all supported Pythons: requirements.lock (running) and requirements-dev.lock (tests).
# Run it after changing pyproject.toml; needs uv.
set -eu
cd "$(dirname "$0")/.."
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -o requirements-dev.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header scripts/replay.in -o requirements-replay.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header scripts/readers.in -o requirements-readers.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header scripts/docs.in -o requirements-docs.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header scripts/bench.in -o requirements-bench.lock "$@"
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header scripts/auto.in -o requirements-auto.lock "$@"
