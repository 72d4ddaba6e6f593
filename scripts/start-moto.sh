#!/bin/sh
# moto's S3 on loopback: for tests, and to try copies out. Usage: scripts/start-moto.sh [PORT]; any credentials will do.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/moto_server ] || { echo "moto is not installed: scripts/setup.sh test" >&2; exit 1; }
echo "ready http://127.0.0.1:${1:-5000}"
exec .venv/bin/moto_server -H 127.0.0.1 -p "${1:-5000}"
