#!/bin/sh
# Runs the quick tests and the demo (a capture on each platform) on each supported Python that is installed. Usage: scripts/pythons.sh
set -eu
cd "$(dirname "$0")/.."
# pyenv puts python3.12 on the path only once it is told which of its versions are meant.
pyenv="${PYENV_ROOT:-$HOME/.pyenv}/bin/pyenv"
if [ -z "${PYENV_VERSION:-}" ] && [ -x "$pyenv" ]; then
  PYENV_VERSION="$("$pyenv" versions --bare | grep -E '^3\.1[123]\.[0-9]+$' | paste -sd: -)"
  export PYENV_VERSION
fi
ran=""
for version in 3.11 3.12 3.13; do
  "python$version" -c 'import ensurepip, venv' 2>/dev/null || { echo "Python $version is not installed: left out"; continue; }
  folder=".venv-$version"
  if ! cmp -s requirements-dev.lock "$folder/.lock"; then
    "python$version" -m venv "$folder"
    "$folder/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
    "$folder/bin/python" -m pip install -qq --disable-pip-version-check --no-deps -e .
    cp requirements-dev.lock "$folder/.lock"
  fi
  echo "Python $version: the quick tests"
  "$folder/bin/python" -m pytest -n 2 --dist worksteal -m "not (services or soak or thorough)"
  echo "Python $version: a capture on each platform"
  place="$(mktemp -d)"
  "$folder/bin/archiver" demo --home "$place/home" >"$place/demo.log" 2>&1 || { tail -30 "$place/demo.log"; exit 1; }
  rm -rf "$place"
  ran="$ran $version"
done
[ -n "$ran" ] || { echo "expected Python 3.11, 3.12 or 3.13; found none of them" >&2; exit 1; }
echo "passed on:$ran"
