"""What the check of a package says: its lines, in five words, and the verdict that stands last."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from archiver.checks.lines import Finding, Line, worst
from archiver.errors import ExitCode

PROFILES = ("full", "partner", "public")
VERDICTS = {
    ExitCode.OK: "INTACT, and signed by the key that you named",
    ExitCode.PARTIAL: "INCOMPLETE: something is missing",
    ExitCode.CHECK_FAILED: "TAMPERED: do not rely on this package",
    ExitCode.CANNOT_TELL: "CANNOT TELL: see the lines above",
}
"""The words of the last line, by exit code: those of check.py, which people may have read before."""
_MARKS = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff"  # control characters, bytes of no text
    "\u2028\u2029"  # line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks that turn the direction
    "\u00ad\u180e\u200b-\u200d\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"  # what is not seen
)


@dataclass
class PackageReport:
    """Findings about one package, in the order of the checks."""

    lines: list[Line] = field(default_factory=list)
    profile: str | None = None
    """`full`, `partner` or `public`, once the package has said it; None before."""
    beside: list[str] = field(default_factory=list)
    """What the verdict has to say beside its own words, such as NOT TIMESTAMPED."""

    def say(self, finding: Finding, check: str, detail: str) -> None:
        """Add a line."""
        self.lines.append(Line(finding, "package", check, detail))

    def add(self, text: str) -> None:
        """Add something that the verdict has to say, once."""
        if text not in self.beside:
            self.beside.append(text)

    @property
    def code(self) -> ExitCode:
        """Exit code: that of the worst line."""
        return worst(self.lines)

    @property
    def verdict(self) -> str:
        """The last line: the verdict, which kind of package was checked, and what has to be known beside it."""
        about = [f"profile {self.profile}"] if self.profile else []
        return "; ".join([VERDICTS[self.code], *about, *self.beside])


def in_columns(line: Line) -> str:
    """Return a line about a package as check.py prints it."""
    return f"{line.finding:<11}  {shown(line.check):<28}  {shown(line.detail)}"


def shown(text: str) -> str:
    """Return words of strangers with control characters, line ends, and marks that turn the direction or are not seen, as codes."""
    return _MARKS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
