"""Reads content credentials (C2PA) out of one file, in a process of its own: `python -m archiver.tools.c2pa_reader FILE`.

The library could fetch remote manifests and ask for revocation; both are switched off, and the parent starts this
process without a network where the system allows it.
"""

from __future__ import annotations

import json
import logging
import sys

from archiver.home.log import begin_child_log


def main(path: str, words: list[str]) -> int:
    """Write the file's content credentials as JSON to standard output, or an object with `error`; return 0.

    `words`: what `archiver.home.log.child_words` handed over.
    """
    begin_child_log(logging.getLogger("archiver.tools.c2pa_reader"), words)
    import c2pa

    c2pa.load_settings(json.dumps({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}))
    try:
        with c2pa.Reader(path) as reader:
            sys.stdout.write(reader.json())
    except c2pa.C2paError as error:
        sys.stdout.write(json.dumps({"error": str(error)[:300]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
