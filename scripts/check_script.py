"""Joins the modules of `archiver/export/standalone/` into `archiver/export/check.py`, and prints its digest.

Run it after each change there, or to the texts that every package holds; a test tells when it was forgotten.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from archiver.export.released import released_texts  # noqa: E402
from archiver.export.standalone import MODULES  # noqa: E402
from storage.digest import sha256_hex  # noqa: E402

SOURCE = ROOT / "archiver" / "export" / "standalone"
SCRIPT = ROOT / "archiver" / "export" / "check.py"
ALONE = """
if __name__ == "__main__" and not sys.flags.isolated:
    # Python looks for modules beside this file first, and a package could hold some: it is started again without that.
    del sys.path[0]
    import os

    command = [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(sys.executable, command)
    import subprocess

    sys.exit(subprocess.call(command))
"""


def joined() -> str:
    """Return the whole script."""
    imports: set[str] = set()
    parts = []
    for number, name in enumerate(MODULES, 1):
        heading, body = _module((SOURCE / f"{name}.py").read_text("utf-8"), imports)
        rule = f"# ---- {number}. {heading[0]} "
        told = "".join(f"# {line}".rstrip() + "\n" for line in heading[1:])
        parts.append(f"\n\n{rule.ljust(120, '-')}\n{told}\n{body.strip()}\n")
    about = (SOURCE / "about.txt").read_text("utf-8").rstrip()
    plain = sorted(line for line in imports if line.startswith("import ") and line != "import sys")
    others = sorted(line for line in imports if line.startswith("from "))
    head = f'#!/usr/bin/env python3\n"""{about}\n"""\n\nfrom __future__ import annotations\n\nimport sys\n{ALONE}\n'
    text = head + "\n".join([*plain, *others]) + "\n" + "".join(parts)
    released = "".join(f'    "{name}": "{digest}",\n' for name, digest in released_texts().items())
    text = text.replace("RELEASED: dict[str, str] = {}", f"RELEASED: dict[str, str] = {{\n{released}}}", 1)
    text = text.replace('ABOUT = ""\n', "ABOUT = __doc__\n", 1)
    return text + '\n\nif __name__ == "__main__":\n    sys.exit(main())\n'


def _module(source: str, imports: set[str]) -> tuple[list[str], str]:
    """Return (heading, body) of a module; what it imports from elsewhere goes into `imports`."""
    tree = ast.parse(source)
    heading = (ast.get_docstring(tree) or "").strip().splitlines()
    lines = source.splitlines(keepends=True)
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom):
            if isinstance(node, ast.Import):
                imports |= {f"import {alias.name}" for alias in node.names}
            elif not node.level and node.module != "__future__":
                imports |= {f"from {node.module} import {alias.name}" for alias in node.names}
        elif not (docstring and node is tree.body[0]):
            continue
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    return heading, "".join(lines)


if __name__ == "__main__":
    text = joined()
    SCRIPT.write_text(text, "utf-8")
    print(f"{SCRIPT.relative_to(ROOT)}: {len(text.splitlines())} lines, sha256 {sha256_hex(text.encode())}")
