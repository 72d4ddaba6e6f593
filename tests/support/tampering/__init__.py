"""Defects of packages, each a function that damages a copy of one in one way.

scene      the copy, the two tables of defects, and what enters a defect into them
outsider   by somebody without the keys
ledger     by somebody who holds the keys: ledger, keys and timestamps
captures   by somebody who holds the keys: captures, and the tables that people read
wacz       by somebody who holds the keys: the WACZ and what lies in it
"""

from tests.support.tampering import captures, ledger, outsider, wacz
from tests.support.tampering.scene import INSIDE, OUTSIDE

__all__ = ["INSIDE", "OUTSIDE", "captures", "ledger", "outsider", "wacz"]
