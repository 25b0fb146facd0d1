"""Risk groups: members that exist and may fail, and somebody to fail where an expectation asks. And
keys of `links:` that fit a link, which shows where the wiring is made as well."""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.spec import FabricSpec
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Fabric, Role

WIRING = "C330"
"""What is wrong with the sites themselves is told there."""


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """`risk_groups:`, racks, `links:`, and lines of `expect:` that ask for them."""
    racks = any(node.rack for site in spec.sites.values() for node in site.nodes.values())
    groups = bool(spec.risk_groups)
    if groups or racks or spec.links:
        try:
            fabric = build_fabric(spec)
            groups = bool(fabric.risk_groups)
            apart(spec, fabric, found)
        except InputError as error:
            groups = groups or racks
            told = {(d.code, d.message, d.span) for d in found.items}
            found.items += [
                d
                for d in error.diagnostics
                if d.code != WIRING and (d.code, d.message, d.span) not in told
            ]
    for i, line in enumerate(spec.expect):
        if "any-1-risk-group" in line.hold_under and not groups:
            place = line.hold_under.index("any-1-risk-group")
            what = "any-1-risk-group tries nothing: the file names no risk groups"
            hint = 'write risk_groups: { rack1: [leaf1, "host[1-4]"] }'
            found.error("C707", what, spec.at("expect", i, "hold_under", place), hint)


def apart(spec: FabricSpec, fabric: Fabric, found: Diagnostics) -> None:
    """C353: hosts in a rack, behind leaves that encapsulate and stand elsewhere."""
    if fabric.vtep_role is not Role.LEAF:
        return
    for host in map(fabric.node, fabric.hosts):
        leaf = fabric.vtep_of(host.name)
        if host.rack and (host.site, host.rack) != (leaf.site, leaf.rack):
            what = f"{host.name} is in rack {host.rack}, and {leaf.name} in front of it is not"
            span = spec.at("sites", host.site, "nodes", host.name, "rack")
            found.warn("C353", what, span, "that it fails with its rack is not looked at")
