"""Write what a release consists of as CycloneDX 1.6 (ECMA-424): the wheel, and each package of the lock with its digests.

Usage: python scripts/sbom.py LOCK WHEEL. The same inputs give the same bytes: no time and no random serial number.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from storage.digest import file_sha256

PACKAGE = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")


def packages(lock: str) -> list[dict[str, Any]]:
    """Return a component for each package of a lock file, in its order."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if match := PACKAGE.match(line):
            name, version = match[1].lower().replace("_", "-"), match[2]
            found.append({"type": "library", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version})
            found[-1] |= {"purl": f"pkg:pypi/{name}@{version}", "scope": "required", "hashes": []}
            if marker := re.search(r";\s*(.+?)\s*\\?$", line):
                found[-1]["properties"] = [{"name": "python:marker", "value": marker[1]}]
        for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", line):
            found[-1]["hashes"].append({"alg": "SHA-256", "content": digest})
    return found


def sbom(lock: str, wheel: Path) -> dict[str, Any]:
    """Return the whole document. The hashes of a package are those of all its files that the lock accepts."""
    with zipfile.ZipFile(wheel) as archive:
        (place,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        about = HeaderParser().parsestr(archive.read(place).decode())
    ref = f"pkg:pypi/{about['Name']}@{about['Version']}"
    digest = file_sha256(wheel).hexdigest()
    made = packages(lock)
    whole = {"type": "application", "bom-ref": ref, "name": about["Name"], "version": about["Version"], "purl": ref}
    whole |= {"hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
        "metadata": {"component": whole}, "components": made,
        "dependencies": [{"ref": ref, "dependsOn": sorted(one["bom-ref"] for one in made)}],
    }  # fmt: skip


if __name__ == "__main__":
    document = sbom(Path(sys.argv[1]).read_text("utf-8"), Path(sys.argv[2]))
    print(json.dumps(document, indent=1, ensure_ascii=False))
