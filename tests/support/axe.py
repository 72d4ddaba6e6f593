"""axe-core, which finds what keeps people from reading a page. A program of others (Deque, MPL-2.0); `scripts/setup.sh` fetches it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from storage.digest import file_sha256
from tests.support.packages import lacking

PROGRAM = Path(sys.prefix) / "share" / "archiver" / "axe-core" / "axe.min.js"
DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""SHA-256 of version 4.14.1."""


def violations(page: Any) -> list[str]:
    """What axe finds in a page that is open in a browser, with everything in it that can be unfolded.

    The page's context has to be made with `bypass_csp`: the pages allow no scripts, not even this one.
    """
    if not PROGRAM.exists():
        lacking("axe-core is not in .venv/share")
    assert file_sha256(PROGRAM).hexdigest() == DIGEST, "another axe-core than the one that is pinned"
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.add_script_tag(path=str(PROGRAM))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], "nothing was looked at"
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:120]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
