"""Egress that forgets DNS: pods that may open connections, and ask nobody for a name (C682).

Rules that hold here:

1. It is told of a pod whose policies let it out to somebody, but at port 53, UDP and TCP, to
   nobody; nor to a port that a pod calls `dns`, whatever its number.
2. What policies say counts, not what fabrics do; where some are not evaluated, nothing is told.
3. A pod may always talk to its own node (Kubernetes documentation, Network Policies). Where pods on
   their hosts' network listen at port 53, names come from there, and nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.lints.asked import AskedPolicies, titled, warning
from compiler.lints.header_classes import CellTable, Layer
from compiler.passes.draft import Line
from compiler.policy.ir import Action, Direction, Origin
from compiler.policy.origin_kinds import DEFAULT
from compiler.program.ownership import regions_of
from compiler.program.program import L4Range, Region
from fabric.diagnostics import Diagnostic
from fabric.kubernetes.manifests import Manifests
from fabric.values.ports import PROTOCOLS

DNS = 53
ASKS = tuple(L4Range(PROTOCOLS[name], dport=(DNS, DNS)) for name in ("udp", "tcp"))
PREFIX = "dns"
"""What names of ports begin with that lead to DNS."""


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """One warning per policy that is the first to let such a pod out, in the order of tables."""
    told: set[str] = set()
    network = asked.network
    near = {tenant for tenant, manifests in network.manifests.items() if _at_nodes(manifests)}
    near |= asked.unread
    answering = list(_answering(asked))
    for table, (direction, ends) in asked.asking.items():
        layer = next((at for at in table.layers if _of_items(at)), None)
        if direction is not Direction.OUT or layer is None or layer.scope.default != Action.DENY:
            continue
        ends = [e for e in ends if network.endpoints[e].tenant not in near]
        lets = next((x.origin for x in layer.scope.lines if x.origin.kind.policy), None)
        if ends and lets is not None and lets.name not in told and _forgets(table, answering):
            told.add(lets.name)
            pod = network.endpoints[ends[0]].name.partition("/")[2]
            what = f"{titled(lets.kind, lets.name)} lets {pod} connect to some, and nothing lets it"
            hint = "let it reach port 53, UDP and TCP, of the cluster's DNS"
            yield warning("C682", f"{what} ask for a name", lets.span, hint)


def _of_items(layer: Layer) -> bool:
    """Whether policies decide there whose rules list peers."""
    return any(line.origin.kind.items for line in layer.scope.lines)


def _at_nodes(manifests: Manifests) -> bool:
    """Rule 3."""
    return any(p.host_network and any(q.number == DNS for q in p.ports) for p in manifests.pods)


def _answering(asked: AskedPolicies) -> Iterator[Line]:
    """Packets that ask for a name."""
    nobody = Origin(DEFAULT, "DNS")
    yield Line((Region(),), ASKS, Action.PERMIT, nobody)
    for pod in asked.network.endpoints:
        for port in pod.ports:
            if port.name.startswith(PREFIX):
                where = regions_of(asked.network, asked.resolver.owned, (pod.index,))
                at = L4Range(port.protocol, dport=(port.number, port.number))
                yield Line(where, (at,), Action.PERMIT, nobody)


def _forgets(table: CellTable, answering: Sequence[Line]) -> bool:
    """Rule 1."""
    cut = table.with_lines(answering)
    if not cut.plain:
        return False
    return bool(cut.permitted.any() and not (cut.permitted & cut.held(cut.extra)).any())
