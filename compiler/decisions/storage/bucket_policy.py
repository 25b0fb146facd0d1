"""Policies of buckets, as they are read: statements whose every element has its line.

A statement applies to a request if each of its elements does. Which principals it means is said by
`principals`: forms that this dialect does not have are kept as `unread`, and whoever decides treats
them as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from compiler.decisions.storage.condition_operators import AskedOperator
from fabric.diagnostics import Span

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """Patterns of actions or resources, each with its line; `other` where all else is meant
    (NotAction, NotResource)."""

    patterns: tuple[tuple[str, Span], ...]
    other: bool = False


@dataclass(frozen=True, slots=True)
class NamedPrincipal:
    """A principal that a statement names. `everybody` is the wildcard; `org` an account, of which
    `key` is one user (None: all of them). `unread`: of a form that is not evaluated."""

    text: str
    span: Span
    everybody: bool = False
    org: str | None = None
    key: str | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """One key under one operator of a condition."""

    op: AskedOperator
    key: str
    values: tuple[str, ...]
    span: Span

    @property
    def text(self) -> str:
        """As people read it."""
        shown = ", ".join(self.values[:4]) + (", …" if len(self.values) > 4 else "")
        return f"{self.op.text} {self.key}: {shown}"


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """What a statement says. `principals` is None where it names none (policies of an
    organisation): it is about whoever the policy is given to. `others` (NotPrincipal): everybody
    but those."""

    effect: Effect
    principals: tuple[NamedPrincipal, ...] | None
    actions: NamePatterns
    resources: NamePatterns
    clauses: tuple[Clause, ...]
    span: Span
    others: bool = False
    sid: str | None = None

    @property
    def name(self) -> str:
        """What an answer calls it."""
        return f'"{self.sid}"' if self.sid else f"of line {self.span.line}"


@dataclass(frozen=True, slots=True)
class StoragePolicy:
    """All statements, in order, which decides nothing."""

    statements: tuple[PolicyStatement, ...]
    span: Span
    id: str | None = field(default=None)
