#!/bin/sh
# Makes .venv with everything pinned. Usage: scripts/setup.sh [run|test|docs|bench]
#   run     what `make demo` needs: nothing but Python 3.11+; says what it would use of the system and goes on without
#   test    also system packages for the tests (installed with apt where this is root), pywb in .venv-replay, and
#           Datasette, pandas, csvkit and sqlite-utils in .venv-readers, mkdocs-material in .venv-docs
#   docs    mkdocs-material in .venv-docs, and nothing else
#   bench   also warcprox in .venv-bench and auto-archiver in .venv-auto
set -eu
cd "$(dirname "$0")/.."
kind="${1:-run}"
python=""
for candidate in python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python="$candidate"; [ "$candidate" = python3 ] || "$candidate" -c 'import ensurepip, venv' 2>/dev/null || continue
    break
  fi
done
[ -n "$python" ] || { echo "archiver needs Python 3.11 or newer; found none. On Debian: apt-get install python3" >&2; exit 1; }

apt() { # install these packages if root can; else say what to do
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing with apt: $*"
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
  else
    echo "not root: cannot install $*. Ask for: apt-get install $*" >&2
    return 1
  fi
}

"$python" -c 'import ensurepip, venv' 2>/dev/null || apt python3-venv || exit 1

environment() { # folder, lock file, its Python where another is needed
  if [ ! -x "$1/bin/python" ] || ! cmp -s "$2" "$1/.lock" 2>/dev/null; then
    echo "setting up $1 (pinned by $2)"
    [ -x "$1/bin/python" ] || "${3:-$python}" -m venv "$1"
    # The lock is whole: nothing is left to resolve. pip before 23.3 would try, take the newest of what another package
    # wants with an extra (yt-dlp[default]>=...) instead of what is pinned, and refuse it, as it has no hash.
    "$1/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r "$2"
    problems="$("$1/bin/python" -m pip check --disable-pip-version-check)" || echo "$problems" >&2
    cp "$2" "$1/.lock"
  fi
}

if [ "$kind" = docs ]; then
  environment .venv-docs requirements-docs.lock
  exit 0
fi
if [ "$kind" = run ] && [ -f .venv/.lock ] && cmp -s .venv/.lock requirements-dev.lock; then :
elif [ "$kind" = run ]; then environment .venv requirements.lock
else environment .venv requirements-dev.lock; fi
if [ ! -x .venv/bin/archiver ]; then
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null ||
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps -e .
fi

missing=""
for pair in ffmpeg:ffmpeg; do command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"; done
if [ "$kind" = run ]; then
  [ -z "$missing" ] || echo "not installed, and not needed to go on:$missing (the demo's videos are then stand-ins)"
  exit 0
fi
for pair in openssl:openssl curl:curl jq:jq age:age chromium:chromium exiftool:libimage-exiftool-perl ip:iproute2 bash:bash zsh:zsh fish:fish groff:groff-base gcc:gcc; do command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"; done
[ "$kind" != bench ] || command -v nginx >/dev/null 2>&1 || missing="$missing nginx-light"
[ "$kind" != bench ] || command -v rclone >/dev/null 2>&1 || missing="$missing rclone"
# shellcheck disable=SC2086
[ -z "$missing" ] || apt $missing || echo "tests that need them will say so and be skipped" >&2
if ! command -v radosgw >/dev/null 2>&1 || ! command -v ceph-osd >/dev/null 2>&1 || ! command -v ceph-mgr >/dev/null 2>&1; then
  apt --no-install-recommends radosgw ceph-mon ceph-mgr ceph-osd || echo "tests of S3 locks will say so and be skipped" >&2
fi
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null 2>&1 ||
  apt --no-install-recommends postgresql || echo "tests of many machines will say so and be skipped" >&2
environment .venv-replay requirements-replay.lock
environment .venv-readers requirements-readers.lock
environment .venv-docs requirements-docs.lock
viewer=.venv/share/archiver/replaywebpage # for packages; pinned by digest in archiver/export/replay.py
axe=.venv/share/archiver/axe-core # for tests of pages; pinned by digest in tests/support/axe.py
if [ ! -f "$viewer/sw.js" ] || [ ! -f "$axe/axe.min.js" ]; then
  command -v npm >/dev/null 2>&1 || apt npm || true
  if command -v npm >/dev/null 2>&1; then
    echo "fetching ReplayWeb.page and axe-core"
    folder="$(mktemp -d)"
    (cd "$folder" && npm pack --silent replaywebpage@2.5.3 axe-core@4.14.1 >/dev/null &&
      for name in replaywebpage-2.5.3 axe-core-4.14.1; do mkdir "$name" && tar xzf "$name.tgz" -C "$name"; done)
    mkdir -p "$viewer" "$axe"
    cp "$folder/replaywebpage-2.5.3/package/ui.js" "$folder/replaywebpage-2.5.3/package/sw.js" "$viewer/"
    cp "$folder/axe-core-4.14.1/package/axe.min.js" "$axe/"
    rm -rf "$folder"
  else echo "npm is not installed: packages will have no viewer of their own, and tests of pages are skipped" >&2; fi
fi
[ "$kind" != bench ] || environment .venv-bench requirements-bench.lock
if [ "$kind" = bench ]; then # auto-archiver 1.2.9 asks for Python below 3.13
  for candidate in "$python" python3.12 python3.11; do
    "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info >= (3, 13))' 2>/dev/null || continue
    environment .venv-auto requirements-auto.lock "$candidate"
    break
  done
  [ -x .venv-auto/bin/python ] || echo "auto-archiver needs Python 3.11 or 3.12: its rows will say that it is missing" >&2
fi
