"""Defects of packages, each a function that damages a copy of one in one way.

scene      the copy, the two tables of defects, and what enters a defect into them
outsider   by somebody without the keys
names      by somebody without the keys: names, lists and what is left behind on the way
ledger     by somebody who holds the keys: ledger and keys
stamps     by somebody who holds the keys: timestamps
captures   by somebody who holds the keys: captures, and what the package says of itself
tables     by somebody who holds the keys: what people read
forms      of form and size, by both
wacz       by somebody who holds the keys: the WACZ and what lies in it
"""

from tests.support.tampering import captures, forms, ledger, names, outsider, stamps, tables, wacz
from tests.support.tampering.scene import INSIDE, OUTSIDE

__all__ = ["INSIDE", "OUTSIDE", "captures", "forms", "ledger", "names", "outsider", "stamps", "tables", "wacz"]
