"""Risk groups: members that exist and may fail, and somebody to fail where an expectation asks. And
keys of `links:` that fit a link, which shows where the wiring is made as well."""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.clos import build_fabric
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.spec import FabricSpec

WIRING = "C330"
"""What is wrong with the sites themselves is told there."""


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """`risk_groups:`, `links:`, and lines of `expect:` that ask for them."""
    racks = any(node.rack for site in spec.sites.values() for node in site.nodes.values())
    for i, line in enumerate(spec.expect):
        if "any-1-risk-group" in line.hold_under and not (spec.risk_groups or racks):
            place = line.hold_under.index("any-1-risk-group")
            what = "any-1-risk-group tries nothing: the file names no risk groups"
            hint = 'write risk_groups: { rack1: [leaf1, "host[1-4]"] }'
            found.error("C707", what, spec.at("expect", i, "hold_under", place), hint)
    if spec.risk_groups or spec.links:
        try:
            build_fabric(spec)
        except InputError as error:
            found.items += [d for d in error.diagnostics if d.code != WIRING]
