#!/bin/sh
# Makes dist/: the wheel, built twice and equal, what is in it (SBOM), check.py and check.html for whoever is given a package,
# and SHA256SUMS. Usage: scripts/release.sh [folder]
# The wheel's times are those of the commit (SOURCE_DATE_EPOCH), so that whoever builds the same commit gets the same bytes.
set -eu
cd "$(dirname "$0")/.."
to="${1:-dist}"
python="${PYTHON:-.venv/bin/python}"
SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH
[ -z "$(git status --porcelain)" ] || echo "the working tree has changes: this is no release of the commit $(git rev-parse --short HEAD)" >&2
once="$(mktemp -d)" again="$(mktemp -d)"
trap 'rm -rf "$once" "$again"' EXIT
for folder in "$once" "$again"; do
  "$python" -m pip wheel -q --disable-pip-version-check --no-deps --no-cache-dir -w "$folder" .
done
for wheel in "$once"/*.whl; do
  cmp "$wheel" "$again/$(basename "$wheel")" || { echo "two builds of the same commit differ: $(basename "$wheel")" >&2; exit 1; }
done
rm -rf "$to"
mkdir -p "$to"
cp "$once"/*.whl "$to/"
"$python" scripts/sbom.py requirements.lock "$to"/*.whl >"$to/sbom.cdx.json"
cp requirements.lock archiver/export/check.py archiver/export/check.html "$to/"
(cd "$to" && sha256sum -- *.whl sbom.cdx.json requirements.lock check.py check.html >SHA256SUMS)
echo "built twice, and equal:"
cat "$to/SHA256SUMS"
echo "to sign it: ssh-keygen -Y sign -f KEY -n file $to/SHA256SUMS   (docs/how-to/install.md)"
