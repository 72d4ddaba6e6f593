"""What the sections of the report are made of."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from archiver.checks.captures import check_capture
from archiver.checks.lines import Finding, Line
from archiver.export.bag import Bag
from archiver.export.dossier import Figures, Incident, figures, incidents
from archiver.export.packing import PackagePlan
from archiver.export.profiles import PackageView
from archiver.home.home import Home
from archiver.lookup.material import SealedCapture
from storage.errors import FormatError


@dataclass(frozen=True)
class ReportContents:
    """Contents of a report. Its sections are functions of this value."""

    home: Home
    bag: Bag
    plan: PackagePlan
    incidents: list[Incident]
    figures: Figures

    @property
    def shown(self) -> PackageView:
        """Everything that the package shows."""
        return self.plan.shown


def contents_of(home: Home, bag: Bag, plan: PackagePlan) -> ReportContents:
    """Gather what the report tells, and check the captures again. Raises `FormatError` for one that is damaged."""
    shown = plan.shown
    told = figures(shown, _intact(shown), _stamped(plan), len(bag.files))
    return ReportContents(home, bag, plan, incidents(shown), told)


def _intact(shown: PackageView) -> int:
    """Count the captures that were checked again for this package, every digest of them. Raises `FormatError` for one that is not.

    What was damaged is not handed out as if it were evidence; what is whole can be exported without it.
    """
    events = {
        event["detail"].get("capture"): event["detail"]
        for event in shown.material.events
        if event["type"] in ("captured", "recovered")
    }

    def damage_in(capture: SealedCapture) -> Line | None:
        lines = check_capture(capture.folder, events[capture.id], None)
        return next((line for line in lines if line.finding is Finding.DAMAGED), None)

    captures = shown.material.captures
    with ThreadPoolExecutor(os.cpu_count()) as several:  # digests release the interpreter's lock
        damaged = [line for line in several.map(damage_in, captures) if line is not None]
    if damaged:
        one = damaged[0]
        next_step = "Run `archiver check`; restore it from a copy, or export the others with --only."
        raise FormatError(f"{one.subject} as it was sealed", f"{one.check}: {one.detail}", next_step)
    return len(captures)


def _stamped(plan: PackagePlan) -> int:
    """Count the captures for which an outsider vouches."""
    return sum(plan.base.covering(capture.seq) is not None for capture in plan.shown.material.captures)
