"""How a world is built, in one value: what every verb and `import cloison` hand to the loader.

`drawn` says what becomes of allocations that the lock file does not have yet: *kept* in it,
*forgotten* when the command ends, or *refused* (`--locked`). `ipblock` and `host_network` are for
manifests without a fabric file, which says the same itself. `accept` are kinds of objects that the
user lets pass although they are not evaluated
(`fabric.kubernetes.unmodelled.unevaluated.accepting`). `dual` assumes IPv6 addresses too in
manifests that do not speak of IPv6. `sources` are those that policy is read from, without them all
that there are (`compiler.sources`). `dialect` is the one in which all policies are read, whatever a
fabric file says; `names` is a file of domain names, for manifests. `on` has the values on world
axes by name of the axis (`sim.worlds.axes`): what is down, what is drained, when; a moment is
written out in UTC. `base` is the fabric file as it was before a change, whose expectations count
too (`fabric.file.kept_lines`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from compiler.policy.source import Source
    from fabric.values.dialects import Dialect

NOWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class How:
    """See the module's docstring; an axis without values is as the input has it."""

    on: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOWHERE)
    drawn: Literal["kept", "forgotten", "refused"] = "kept"
    ipblock: Literal["pods", "external"] = "pods"
    host_network: Literal["exempt", "ordinary"] = "exempt"
    accept: tuple[str, ...] = ()
    dual: bool = False
    sources: tuple[Source, ...] | None = None
    dialect: Dialect | None = None
    names: str | None = None
    base: Path | None = None

    @property
    def down(self) -> tuple[str, ...]:
        """Nodes, links, sessions and risk groups that have failed."""
        return self.on.get("down", ())

    @property
    def drained(self) -> tuple[str, ...]:
        """Nodes that are drained."""
        return self.on.get("drained", ())

    @property
    def at(self) -> str | None:
        """The moment at which a file with windows is judged."""
        moments = self.on.get("time", ())
        return moments[-1] if moments else None

    def put(self, **values: tuple[str, ...]) -> How:
        """The same with these values on axes, by name."""
        return replace(self, on={**self.on, **values})


AS_USUAL = How()
