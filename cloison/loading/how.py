"""How a world is built, in one value: what every verb and `import cloison` hand to the loader.

`drawn` says what becomes of allocations that the lock file does not have yet: *kept* in it,
*forgotten* when the command ends, or *refused* (`--locked`). `ipblock` and `host_network` are for
manifests without a fabric file, which says the same itself. `accept` are kinds of objects that the
user lets pass although they are not evaluated (`fabric.kubernetes.unevaluated.accepting`). `dual`
assumes IPv6 addresses too in manifests that do not speak of IPv6. `sources` are those that policy
is read from, without them all that there are (`compiler.sources`). `dialect` is the one in which
all policies are read, whatever a fabric file says; `names` is a file of domain names, for
manifests. `at` is the moment at which a file with windows is judged, written out in UTC. `base` is
the fabric file as it was before a change, whose expectations count too (`fabric.file.kept_lines`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from compiler.policy.source import Source


@dataclass(frozen=True, slots=True)
class How:
    """See the module's docstring; `down` names nodes, links, sessions and risk groups that have
    failed, `drained` nodes that are drained."""

    down: tuple[str, ...] = ()
    drawn: Literal["kept", "forgotten", "refused"] = "kept"
    ipblock: Literal["pods", "external"] = "pods"
    host_network: Literal["exempt", "ordinary"] = "exempt"
    accept: tuple[str, ...] = ()
    dual: bool = False
    sources: tuple[Source, ...] | None = None
    drained: tuple[str, ...] = ()
    dialect: Literal["kubernetes", "cilium-1.20"] | None = None
    names: str | None = None
    at: str | None = None
    base: Path | None = None


AS_USUAL = How()
