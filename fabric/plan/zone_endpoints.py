"""Endpoints of the zones: services and outside networks, each behind its border node."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from fabric.diagnostics import did_you_mean
from fabric.file.spec import Zone0, Zone2
from fabric.inventory import Endpoint
from fabric.topology import Role

if TYPE_CHECKING:
    from fabric.plan.endpoints import PlanInputs


def zone_endpoints(site: PlanInputs) -> Iterator[Endpoint]:
    """Endpoints of the zones, each behind its border (rule 4)."""
    index = {vrf.name: vrf.index for vrf in site.vrfs}
    for number, zone in ((0, site.spec.zones.zone0), (2, site.spec.zones.zone2)):
        tenant = f"zone{number}"
        for name, settings in zone.endpoints.items():
            border = border_of(site, tenant, zone, name)
            if border is not None:
                prefixes = tuple(ip_network(text, strict=False) for text in settings.addresses)
                yield Endpoint(
                    -1, f"{tenant}/{name}", "zone", tenant, index[f"{tenant}/main"], number,
                    border, None, tuple(sorted(prefixes, key=lambda p: (p.version, p))),
                    span=site.spec.at("zones", tenant, "endpoints", name),
                )  # fmt: skip


def border_of(site: PlanInputs, tenant: str, zone: Zone0 | Zone2, name: str) -> int | None:
    """The border node (index) of a zone endpoint; None, with an error, when there is none."""
    nodes = site.fabric.nodes
    all_borders = [node.name for node in nodes if node.role is Role.BORDER]
    wanted = zone.endpoints[name].border or next(iter(zone.borders or all_borders), None)
    span = site.spec.at("zones", tenant, "endpoints", name)
    if wanted is None:
        message, hint = "needs a border node; there is none", "set `borders` of a site to 1 or more"
        site.problems.error("C411", f"{tenant}/{name} {message}", span, hint)
    elif wanted not in all_borders:
        message = f'{tenant}/{name}: no border is called "{wanted}"'
        site.problems.error("C412", message, span, did_you_mean(wanted, all_borders))
    else:
        return site.fabric.node(wanted).index
    return None
