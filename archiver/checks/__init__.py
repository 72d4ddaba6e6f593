"""Checking a home: its ledger, events, captures and catalog. Shares no code with what wrote them.

Everything is read again from the bytes by readers of this package: gzip members, WARC records, the Merkle tree,
signed notes. Only digests come from `storage.digest`, which calls OpenSSL.
"""

from __future__ import annotations

from archiver.checks.home import check_home
from archiver.checks.lines import Finding, Line, worst

__all__ = ["Finding", "Line", "check_home", "worst"]
