"""What policies and their tables are about: endpoints, the VRFs behind which they lie, and the
nodes that enforce.

A `Network` is such a domain, with wires and routes between its nodes. A decision table, or lists
of devices of which nobody gave the routes, has one as well, and no network: an `Unrouted`. Rules
are compiled, cut into blocks, looked up, dumped and compared in any domain; where packets travel is
asked of a network alone, and who asks it of another domain hears that nobody said it (`unread`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.values.inventory import Endpoint, Vrf
from fabric.values.memo import Memo
from fabric.values.one_line import OneLine
from fabric.wiring.topology import Node

T = TypeVar("T")


class Domain(Protocol):
    """See the module. Endpoints, VRFs and nodes are referred to by index."""

    @property
    def name(self) -> str:
        """What all of it is called."""

    @property
    def vrfs(self) -> tuple[Vrf, ...]:
        """Every VRF that an endpoint is in, or that rules name."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Whom rules select."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Where endpoints live, and who else enforces."""

    def entries(self, endpoint: Endpoint, /) -> tuple[int, ...]:
        """The nodes at which what an endpoint sends may come in."""

    def once(self, make: Callable[[Any], T], /) -> T:
        """What some module makes of this domain, made when it is first asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class Unrouted(OneLine):
    """A domain of which nothing says how packets get from one endpoint to another."""

    name: str
    vrfs: tuple[Vrf, ...]
    endpoints: tuple[Endpoint, ...]
    nodes: tuple[Node, ...] = ()
    _memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    def _said(self) -> str:
        return f"{len(self.vrfs)} VRFs, {len(self.endpoints)} endpoints, no routes"

    def entries(self, endpoint: Endpoint, /) -> tuple[int, ...]:
        """Wherever it lives."""
        return endpoint.vteps

    def once(self, make: Callable[[Unrouted], T], /) -> T:
        """What some module makes of this domain, made when it is first asked for."""
        return self._memo.of(self, make)


def unread(domain: Domain) -> UndecidedError:
    """What to raise where routes are asked of a domain that has none."""
    message = f"nothing says where packets of {domain.name} travel: its tables are of no network"
    return UndecidedError(Diagnostic("C859", message, None, None, "unknown"))
