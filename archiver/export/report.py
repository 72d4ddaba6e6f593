"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

from archiver.export.bag import Bag
from archiver.export.packing import Plan
from archiver.home import Home


def write_report(home: Home, bag: Bag, plan: Plan) -> None:
    bag.write("data/report.html", b"<!doctype html><title>report</title>")
