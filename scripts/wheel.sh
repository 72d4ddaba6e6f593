#!/bin/sh
# Builds the wheel, installs it into a fresh environment, and runs it in a folder that is not the checkout. Usage: scripts/wheel.sh
# Needs the package index, as whoever installs it does: what it asks for is taken from requirements.lock.
set -eu
cd "$(dirname "$0")/.."
root="$PWD"
python="${PYTHON:-.venv/bin/python}"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
PYTHON="$python" scripts/release.sh "$place/dist"
(cd "$place/dist" && sha256sum --check --quiet SHA256SUMS)
"$python" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
"$place/venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps "$place"/dist/evidence_archiver-*.whl
problems="$("$place/venv/bin/python" -m pip check --disable-pip-version-check)" || { echo "$problems" >&2; exit 1; }
mkdir "$place/elsewhere"
cd "$place/elsewhere"
unset PYTHONPATH ARCHIVER_HOME || true
"$place/venv/bin/archiver" --version
"$place/venv/bin/archiver" demo --home "$place/home" >demo.log 2>&1 || { tail -30 demo.log >&2; exit 1; }
"$place/venv/bin/archiver" --home "$place/home" files inbox --to "$place/files" >files.log 2>&1 || [ $? = 2 ] || { tail -30 files.log >&2; exit 1; }
[ -s "$place/files/index.html" ] || { echo "no page was written beside the files" >&2; exit 1; }
case "$("$place/venv/bin/python" -c 'import archiver; print(archiver.__file__)')" in
  "$root"/*) echo "it ran the checkout, not the wheel" >&2; exit 1 ;;
esac
echo "the wheel installs into an empty environment, and its demo runs"
