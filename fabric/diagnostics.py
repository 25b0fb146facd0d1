"""Errors that a user can act on: a place, a code, a message, a hint.

Rules that hold here:

1. A user's mistake is a `Diagnostic`, never a traceback. Stages collect as many as they can and
   raise one `InputError` that carries them all.
2. Codes are stable: `C` + three digits, grouped by hundreds (1xx reading, 2xx shape, 3xx names and
   references, 4xx addressing, 5xx control plane, 6xx manifests and policies, 7xx expectations,
   8xx targets, 9xx lab and captures). `docs/errors.md` lists them.
3. Lines and columns count from 1, as editors do.

    CloisonError                 anything we raise on purpose
    ├── InputError               the input is wrong                            exit 2
    │   └── UndecidedError       it is too much to decide                     exit 4
    ├── CapacityError            the target cannot hold the program            exit 3
    └── MachineError             a tool, a permission or a package is missing  exit 2
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; prints as `file:line:column`."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong (`severity="error"`), legal and not what is wanted (`"finding"`),
    doubtful (`"warning"`), or not evaluated and so makes verdicts `"unknown"`."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: str = "error"

    def __str__(self) -> str:
        where = f"{self.span}: " if self.span else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}{self.severity}[{self.code}]: {self.message}{hint}"


FINDING = "finding"


class CloisonError(Exception):
    """Root of everything that cloison raises on purpose."""


class InputError(CloisonError):
    """The input is wrong; `diagnostics` says where, all of it at once."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(map(str, diagnostics)))


class UndecidedError(InputError):
    """The input may be right; to decide about it takes more than a budget of cloison's."""


class CapacityError(CloisonError):
    """The program does not fit the target."""


class MachineError(CloisonError):
    """The machine lacks a tool, a permission or a kernel feature that was asked for."""


class Diagnostics:
    """A list under construction: `add` as you go, `check()` raises once when there is an error."""

    def __init__(self) -> None:
        self.items: list[Diagnostic] = []

    def error(
        self, code: str, message: str, span: Span | None = None, hint: str | None = None
    ) -> None:
        self.items.append(Diagnostic(code, message, span, hint))

    def warn(
        self, code: str, message: str, span: Span | None = None, hint: str | None = None
    ) -> None:
        self.items.append(Diagnostic(code, message, span, hint, "warning"))

    def finding(
        self, code: str, message: str, span: Span | None = None, hint: str | None = None
    ) -> None:
        self.items.append(Diagnostic(code, message, span, hint, FINDING))

    def check(self) -> None:
        """Raise `InputError` with every error so far, if there is one."""
        if self.errors:
            raise InputError(*self.errors)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """In the order of the files."""
        errors = [d for d in self.items if d.severity == "error"]
        return tuple(sorted(errors, key=lambda d: (d.span is None, d.span or 0, d.code)))

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.items if d.severity == FINDING)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.items if d.severity == "warning")


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint naming the closest candidate, or None.

    >>> did_you_mean("acne", ["acme", "globex"]), did_you_mean("tor-1", ["tor-2", "ToR-1"])
    ('did you mean "acme"?', 'did you mean "ToR-1"?')
    """
    known = list(candidates)
    alike = [other for other in known if other.lower() == name.lower()]
    close = alike or difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else None
