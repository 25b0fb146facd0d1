"""Access lists of NVUE: the policy of an endpoint and direction as one list for each family.

NVUE asks the lists of an interface as one, the first rule that matches ends it, and what nothing
matches passes; so each list ends with a deny. A rule names one network of each side and one port,
or in some dialects a range: what a list costs is counted first (`CapacityError` where it is more
than a device is said to hold).

Where a dialect knows connections, what belongs to one that was let through passes first, and
permits of TCP and UDP are asked for `new` and `established`, which is what makes the device track
what they let through. Lists are called after what they say, so that a name changes with it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network

from compiler.policy.ir import Direction
from compiler.program.at_home import at_home, held
from compiler.program.program import Intervals, Program
from compiler.targets.nvue.flat_policy import FlatList, FlatPolicies, Openings
from compiler.targets.nvue.nvue_dialects import Dialect
from compiler.targets.nvue.port_rules import L4Rule, RuleLimits, count, port_rules
from compiler.targets.nvue.prefix_cover import Cover, cover
from fabric.diagnostics import CapacityError
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY

BITS = {4: 32, 6: 128}
NAMED = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
TRACKED = ("tcp", "udp", "icmp")
NEWLINE = "\n"
OWN = "@own@"
"""Stands in the text of a list for what it says of the endpoint's own addresses."""
Bodies = tuple[tuple[str, ...], ...]
"""The texts of rules, which may be several for one."""
WAYS = {Direction.OUT: ("from_host", "inbound"), Direction.IN: ("to_host", "outbound")}


class NvueLists:
    """The lists of a program in a dialect, each text made once."""

    def __init__(self, program: Program, dialect: Dialect) -> None:
        self.program, self.dialect = program, dialect
        self.flat = program.once(FlatPolicies)
        self.limits = RuleLimits(dialect.ranges, dialect.sctp)
        self._texts: dict[tuple[int, int, Direction], str] = {}
        self._open: dict[tuple[int, int, Direction], bool] = {}
        self._bodies: dict[tuple[bool, Openings], Bodies] = {}

    def of(
        self, endpoint: Endpoint, vtep: int, home: Intervals, direction: Direction, version: int
    ) -> tuple[str, str]:
        """Name and text of the list of an endpoint that has these addresses at a VTEP."""
        flat = self.flat.of(endpoint, direction, vtep)
        key = id(flat), version, direction
        if key not in self._texts:
            self._texts[key] = NEWLINE.join(self._rules(endpoint, flat, direction, version))
            self._open[key] = "{permit: {}}" in self._texts[key].rpartition(NEWLINE)[2]
        own = only_network(home, version) if direction is Direction.OUT else ""
        text = self._texts[key].replace(OWN, f"source-ip: {quoted(own)}, " if own else "")
        if own and self._open[key]:
            text += f"\n          '{text.count(NEWLINE)}': {{action: {{deny: {{}}}}}}"
        digest = blake2b(text.encode(), digest_size=5).hexdigest()
        return f"{WAYS[direction][0]}_{digest}_ipv{version}", text

    def _rules(
        self, endpoint: Endpoint, flat: FlatList, direction: Direction, version: int
    ) -> Iterator[str]:
        """The lines of a list, a rule each."""
        openings = self.flat.openings
        prefixes = cover(flat.of(version), BITS[version])
        tracked = self.dialect.tracked and version == 4
        made = [self._of_openings(endpoint, openings[n], tracked) for _, _, n, _ in prefixes]
        bodies = [
            rules[:-1] if falls_through(openings, number, around) else rules
            for rules, (_, _, number, around) in zip(made, prefixes, strict=True)
        ]
        total = sum(len(body) for rules in bodies for body in rules)
        total += len(TRACKED) if tracked else 0
        if total > self.dialect.most_rules:
            raise too_long(self.dialect, endpoint, total)
        yield f"        type: ipv{version}"
        yield "        rule:"
        number = 0
        for protocol in TRACKED if tracked else ():
            number += 1
            match = f"{{conntrack: {{established: {{}}}}, ip: {{{OWN}protocol: {protocol}}}}}"
            yield f"          '{number}': {{action: {{permit: {{}}}}, match: {match}}}"
        side = "dest-ip" if direction is Direction.OUT else "source-ip"
        for body, remote in rules_of(prefixes, bodies, version):
            number += 1
            yield f"          '{number}': {body.replace('@remote@', f'{side}: {remote}')}"

    def _of_openings(self, endpoint: Endpoint, openings: Openings, tracked: bool) -> Bodies:
        """The rules of some openings without their numbers and networks; refused, before they are
        made, where they alone are too many."""
        key = tracked, openings
        if key not in self._bodies:
            if (total := count(openings, self.limits)) > self.dialect.most_rules:
                raise too_long(self.dialect, endpoint, total)
            rules = port_rules(openings, self.limits)
            self._bodies[key] = tuple(
                tuple(bodies_of(rule, self.dialect, tracked)) for rule in rules
            )
        return self._bodies[key]


def falls_through(openings: Sequence[Openings], number: int, around: int | None) -> bool:
    """Whether the last rule of some addresses says what the network around them says of all."""
    if around is None:
        return False
    others, named = openings[around]
    return not named and others is openings[number].others


def rules_of(prefixes: Cover, bodies: Sequence[Bodies], version: int) -> Iterator[tuple[str, str]]:
    """Each rule's body and remote network, the longest networks first."""
    for (low, bits, _, _), rules in zip(prefixes, bodies, strict=True):
        remote = quoted(network_text(version, low, BITS[version] - bits))
        yield from ((body, remote) for rule in rules for body in rule)


def bodies_of(rule: L4Rule, dialect: Dialect, tracked: bool) -> Iterator[str]:
    """A rule of ports as NVUE has it: one, but for a permit of all protocols where connections are
    tracked, which is three."""
    if not rule.permit:
        yield f"{{action: {{deny: {{}}}}, match: {{ip: {{{matched(rule, dialect)}}}}}}}"
        return
    kinds = [rule]
    if tracked and rule.protocol == ANY:
        kinds = [rule._replace(protocol=6), rule._replace(protocol=17), rule]
    for kind in kinds:
        state = (
            "conntrack: {new: {}, established: {}}, "
            if tracked and kind.protocol in (6, 17)
            else ""
        )
        yield (
            f"{{action: {{permit: {{}}}}, match: {{{state}ip: {{{OWN}{matched(kind, dialect)}}}}}}}"
        )


def matched(rule: L4Rule, dialect: Dialect) -> str:
    """What a rule asks of a packet, but for its state and the endpoint's own address."""
    words = ["@remote@"]
    if rule.protocol != ANY:
        words.append(f"protocol: {NAMED.get(rule.protocol, rule.protocol)}")
    sides = (("dest-port", rule.dport), ("source-port", rule.sport))
    ports = [f"{key}: {{{port_text(port)}: {{}}}}" for key, port in sides if port is not None]
    if ports and dialect.ranges:
        ports = [f"{NAMED[rule.protocol]}: {{{', '.join(ports)}}}"]
    return ", ".join((*words, *ports))


def port_text(port: tuple[int, int]) -> str:
    """A port, or a range of them."""
    return f"'{port[0]}'" if port[0] == port[1] else f"'{port[0]}:{port[1]}'"


@lru_cache(2**17)
def network_text(version: int, low: int, length: int) -> str:
    """A network by its first address."""
    kind = IPv4Network if version == 4 else IPv6Network
    return str(kind((low, length)))


def quoted(network: str) -> str:
    """A network in YAML: `::/0` would begin like something else."""
    return f"'{network}'" if ":" in network else network


def only_network(addresses: Intervals, version: int) -> str:
    """The network that these addresses are; empty where they are none or several."""
    if len(addresses) != 1:
        return ""
    ((low, high),) = addresses
    size = high - low + 1
    if size & size - 1 or low % size:
        return ""
    return network_text(version, low, BITS[version] - (size.bit_length() - 1))


def too_long(dialect: Dialect, endpoint: Endpoint, total: int) -> CapacityError:
    """What becomes of a list that no device holds."""
    return CapacityError(
        f"{dialect.title} cannot hold the list of {endpoint.name}: it has {total:,} rules, and "
        f"{dialect.most_rules:,} fit ({dialect.source}); every single port is a rule"
    )


def own_addresses(
    program: Program, ends: Sequence[Endpoint], node: int
) -> dict[int, dict[int, Intervals]]:
    """What each endpoint of a VTEP sends from, by its index and family."""
    has = held(program.network, ends)
    return {end: dict(mine) for end, mine in at_home(program.network, ends, has, node).items()}
