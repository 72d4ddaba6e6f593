"""The source of `check.py`, the stand-alone check that goes into packages.

`scripts/check_script.py` joins these modules, in the order in which MODULES names them, into the one file
`archiver/export/check.py`, which is committed. They use Python's standard library (3.9 and newer) and the program openssl,
and nothing of ours: an outsider reads the joined file from top to bottom. docs/reference/formats.md says what they hold a package to.
"""

MODULES = (
    "words", "bag", "volumes", "forms", "notes", "ledger", "canon", "stamps", "sealed", "zipped", "records", "tables", "wacz", "earlier", "driver",
)  # fmt: skip
"""In the order in which they are joined: each uses only those before it."""
