"""An expectation that was read, a pair for which it fails, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.requests.http_rules import HttpRequest, HttpRule
from fabric.diagnostics import Span
from fabric.values.ports import PortRange
from sim.proof.pairs.narrow import Limits, limits_of
from sim.proof.pairs.witness import Witness


@dataclass(frozen=True, slots=True)
class RequestShown:
    """A request that breaks an expectation, in the packet `witness`."""

    witness: Witness
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """One expectation, read. `number` counts the file's lines from 0; `ports` is never empty.
    `parts` has what a line about a Service comes to: claims about the endpoints `pods`, which are
    other ones in each, at their own ports."""

    number: int
    kind: str
    source: str
    target: str
    both_ways: bool
    ports: tuple[PortRange, ...]
    hold_under: tuple[str, ...] = ()
    span: Span | None = None
    text: str = ""
    pods: tuple[int, ...] | None = None
    parts: tuple[Claim, ...] = ()
    http: HttpRule | None = None

    def __str__(self) -> str:
        http = "" if self.http is None else f" (http {self.http})"
        return f"{self.kind}: {self.text}{http}"

    @property
    def each(self) -> tuple[Claim, ...]:
        """Claims with one set of ports, all of which it needs."""
        return self.parts or (self,)

    def at(self, endpoint: int) -> Claim:
        """What it says about packets to an endpoint."""
        return next(c for c in self.each if c.pods is None or endpoint in c.pods)

    @property
    def limits(self) -> Limits:
        """The addresses that it is about, where its ends are such."""
        return limits_of(self.source, self.target) or Limits()


@dataclass(frozen=True, slots=True)
class Breach:
    """A pair for which a claim fails. `reached`: a packet gets through that must not; otherwise one
    is stopped that must get through. `shown` is the request that does, where it is about some."""

    src: int
    dst: int
    version: int
    reached: bool
    shown: RequestShown | None = None

    @property
    def rank(self) -> tuple[int, int, int, bool]:
        """What breaches are sorted by."""
        return self.src, self.dst, self.version, self.reached


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a claim holds. `pairs` counts (source, destination, family), breaches are sorted, and
    each may stand for others that fare alike; `failing` counts all of these.
    `under` is the value of a world axis that it is about, `word` what stands before it;
    `undecided` why nobody knows whether more breaks it."""

    claim: Claim
    pairs: int
    breaches: tuple[Breach, ...]
    under: str | None = None
    word: str = "without"
    failing: int = 0
    undecided: str = ""

    @property
    def holds(self) -> bool:
        """No breach."""
        return not self.breaches

    def __bool__(self) -> bool:
        """Whether it holds."""
        return self.holds
