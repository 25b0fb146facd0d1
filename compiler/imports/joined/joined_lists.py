"""The access lists of all devices, about everybody who is behind an interface.

What passes between those who are behind one interface the device does not see, so its lists are not
asked about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from compiler.imports.joined.behind_port import BehindPort
from compiler.imports.joined.joining import Joining
from compiler.imports.sites.acl_rules import rules_about
from compiler.imports.sites.host_ends import HostEnd, as_prefixes, span_of
from compiler.imports.sites.site import EVERYWHERE
from compiler.policy.ir import Action, Cidr, Direction, Origin, Rule, Selection, Stage
from compiler.policy.origin_kinds import DEFAULT
from fabric.values.interval_sets import Intervals, touch, union
from fabric.values.inventory import Endpoint


def rules(
    site: Joining, ends: Iterable[Endpoint]
) -> tuple[tuple[Rule, ...], tuple[Selection, ...]]:
    """The lists of all devices, about everybody who is behind an interface (rule 3)."""
    behind: dict[tuple[int, str], set[str]] = defaultdict(set)
    for one in site.behind:
        behind[one.device, one.end.name + "@" + one.end.vrf].add(one.endpoint.name)
    known = {end.name for end in ends}
    out: list[Rule] = []
    selections: list[Selection] = []
    for number, at in enumerate(site.at):
        device = site.devices[number]
        for table, end in at:
            names = behind[number, f"{end.name}@{end.vrf}"]
            names |= {f"{end.vrf}/{device.name}/{end.name}"} & known
            if not names:
                continue
            port = f"{end.name} of {device.name}"
            local = (BehindPort(port, site.tables[table].name, frozenset(names)),)
            said = [*rules_about(device, end, local)]
            own = [e for _, e in at if e.interface == end.interface and e.vrf == end.vrf]
            out += among_themselves([r for r in said if isinstance(r, Rule)], own)
            selections += [s for s in said if isinstance(s, Selection)]
    return tuple(out), tuple(selections)


def among_themselves(said: list[Rule], own: list[HostEnd]) -> list[Rule]:
    """The rules of an end, behind one that passes what is for others behind the same interface,
    where some rule would deny or doubt that."""
    local = {4: union(i for end in own for i in end.v4), 6: union(i for end in own for i in end.v6)}
    out: list[Rule] = []
    for direction in Direction:
        mine = [rule for rule in said if rule.direction is direction]
        if any(decides(rule, local) for rule in mine):
            origin = Origin(DEFAULT, "behind one interface: the device does not see it")
            remote = tuple(Cidr(prefix) for v in (4, 6) for prefix in as_prefixes(local[v], v))
            first = Rule(
                Stage.ACCESS, direction, -1, mine[0].local, remote, (), Action.PERMIT, origin
            )
            out.append(first)
        out += mine
    return out


def decides(rule: Rule, local: Mapping[int, Intervals]) -> bool:
    """Whether a rule denies some of these addresses, or lets them pass under a condition."""
    if rule.action is not Action.DENY and not rule.conditions:
        return False
    for matcher in rule.remote:
        blocks = matcher.addresses()
        for prefix in () if blocks is None else blocks.prefixes or EVERYWHERE:
            if touch((span_of(prefix),), local[prefix.version]):
                return True
    return False
