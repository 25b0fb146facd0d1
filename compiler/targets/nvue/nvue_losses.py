"""What NVUE has no words for, as far as a program says it: a row for each kind, with what becomes
of it. Nothing here lets a first packet pass that the program denies, unless the row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compiler.policy.ir import Direction
from compiler.program.dpu import enforcement_points
from compiler.program.program import Program
from compiler.targets.nvue.flat_policy import EVERY_PORT, FlatPolicies
from compiler.targets.nvue.nvue_acls import only_network, own_addresses
from compiler.targets.nvue.nvue_dialects import Dialect
from compiler.targets.nvue.port_rules import SCTP

Loss = tuple[str, str]
"""What is lost, and what to do about it."""


def losses(program: Program, dialect: Dialect) -> Iterator[Loss]:
    """Those of a program in a dialect, in order of the table."""
    for row in LOSSES:
        if (found := row(program, dialect)) is not None:
            yield found


def replies(program: Program, dialect: Dialect) -> Loss | None:
    """State of connections."""
    versions = {p.version for end in program.network.endpoints for p in end.prefixes}
    kept = {4} if dialect.tracked else set()
    if not (lost := sorted(versions - kept)):
        return None
    which = " and ".join(f"IPv{version}" for version in lost)
    return (
        f"lists of {which} keep no state, so a reply is asked as a packet of its own",
        "permit replies, or enforce with another format",
    )


def other_replies(program: Program, dialect: Dialect) -> Loss | None:
    """State of other protocols."""
    if not dialect.tracked:
        return None
    return (
        "no state is kept of other protocols than TCP, UDP and ICMP, and errors about connections"
        " are asked as packets of their own",
        "permit their replies, or enforce with another format",
    )


def tunnels(program: Program, dialect: Dialect) -> Loss | None:
    """Which VTEP sent a packet."""
    return (
        "what comes out of a tunnel is judged by its inner source address, whichever VTEP sent it"
        " (pa_validation_drop), and goes on where routes lead on (hairpin_drop)",
        "admit tunnels of known VTEPs in the underlay",
    )


def spoofing(program: Program, dialect: Dialect) -> Loss | None:
    """Source addresses of endpoints with several networks."""
    found = []
    for node in enforcement_points(program):
        ends = program.ends_at(node)
        home = own_addresses(program, ends, node)
        found += [
            end.name
            for end in ends
            if any(mine and not only_network(mine, v) for v, mine in home[end.index].items())
        ]
    if not found:
        return None
    names = ", ".join(found[:4]) + (" …" if len(found) > 4 else "")
    return (
        f"a rule names one network, so what these send under addresses that are not theirs is not"
        f" dropped: {names}",
        "give each one network of each IP version",
    )


def sctp(program: Program, dialect: Dialect) -> Loss | None:
    """Ports of SCTP."""
    if dialect.sctp:
        return None
    flat = program.once(FlatPolicies)
    for end in program.network.endpoints:
        for vtep in end.vteps:
            for direction in Direction:
                flat.of(end, direction, vtep)
    for openings in flat.openings:
        if dict(openings.named).get(SCTP, ()) not in ((), EVERY_PORT):
            return (
                "rules have no ports of SCTP, so what is open on some is closed",
                "open all of it",
            )
    return None


def several(program: Program, dialect: Dialect) -> Loss | None:
    """Addresses behind several VRFs at once."""
    found = sum(len({hop.vrf for hop in hops}) > 1 for hops in program.network.fib.nexthop_sets)
    if not found:
        return None
    return (
        "lists do not tell VRFs apart, so addresses that lie behind several at once are closed",
        "announce a prefix in one VRF",
    )


def weights(program: Program, dialect: Dialect) -> Loss | None:
    """Speeds of uplinks."""
    if not program.network.underlay.speeds:
        return None
    return "flows are not spread by the speed of links", "weigh them on the leaves"


def drained(program: Program, dialect: Dialect) -> Loss | None:
    """Nodes that are drained."""
    nodes = program.network.fabric.drained
    if not nodes:
        return None
    return "nothing tells neighbours that a node is drained", "shut its sessions down"


def interface_names(program: Program, dialect: Dialect) -> Loss | None:
    """Which interface an endpoint has."""
    return (
        "which interface leads to whom is drawn here, in order of endpoints; comments say it",
        "give VFs to pods in that order, or rename",
    )


def origins(program: Program, dialect: Dialect) -> Loss | None:
    """Lines of policies."""
    return "rules do not say which line of a policy they come from", "the format `text` does"


LOSSES: tuple[Callable[[Program, Dialect], Loss | None], ...] = (
    replies, other_replies, tunnels, spoofing, sctp, several, weights, drained,
    interface_names, origins,
)  # fmt: skip
