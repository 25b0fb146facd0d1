"""A finding of a review: what is wrong, where, with which packet, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fabric.diagnostics import Span

Severity = Literal["finding", "doubt", "note"]
SEVERITIES: tuple[Severity, ...] = ("finding", "doubt", "note")


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """`kind` names the check. A *finding* is wrong as it stands; a *doubt* is wrong unless
    something that is not given says otherwise; a *note* explains others. `lines` are the first that
    matter of `many`; `packet` shows it; `rests_on` says what is taken for granted."""

    kind: str
    severity: Severity
    device: str
    what: str
    lines: tuple[Span, ...]
    rests_on: str
    packet: str = ""
    many: int = 1

    def row(self) -> dict[str, Any]:
        """The finding as data."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "device": self.device,
            "what": self.what,
            "lines": [str(line) for line in self.lines],
            "packet": self.packet or None,
            "rests_on": self.rests_on,
            "entries": self.many,
        }

    @property
    def rank(self) -> tuple[int, str, str, str]:
        """What findings are sorted by."""
        where = str(self.lines[0]) if self.lines else ""
        return SEVERITIES.index(self.severity), self.device, self.kind, where
