"""Endpoints of the zones: services and outside networks, each behind its border node."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from fabric.diagnostics import did_you_mean
from fabric.file.spec import Zone0, Zone2
from fabric.values.inventory import Endpoint
from fabric.wiring.topology import Role

if TYPE_CHECKING:
    from fabric.plan.endpoints import PlanInputs


def zone_endpoints(site: PlanInputs) -> Iterator[Endpoint]:
    """Endpoints of the zones, each behind its borders (rule 4)."""
    index = {vrf.name: vrf.index for vrf in site.vrfs}
    for number, zone in ((0, site.spec.zones.zone0), (2, site.spec.zones.zone2)):
        tenant = f"zone{number}"
        for name, settings in zone.endpoints.items():
            nodes = borders_of(site, tenant, zone, name)
            if nodes:
                second = nodes[len(nodes) - len(settings.backups) :]
                prefixes = tuple(ip_network(text, strict=False) for text in settings.addresses)
                yield Endpoint(
                    -1, f"{tenant}/{name}", "zone", tenant, index[f"{tenant}/main"], number,
                    nodes[0], None, tuple(sorted(prefixes, key=lambda p: (p.version, p))),
                    span=site.spec.at("zones", tenant, "endpoints", name),
                    assumed=frozenset({"state"} if len(nodes) > 1 else ()),
                    also_at=nodes[1:], backups=frozenset(second),
                )  # fmt: skip


def borders_of(site: PlanInputs, tenant: str, zone: Zone0 | Zone2, name: str) -> tuple[int, ...]:
    """The border nodes (indices) of a zone endpoint, backups last; none, with an error, when there
    is none."""
    settings = zone.endpoints[name]
    all_borders = [node.name for node in site.fabric.nodes if node.role is Role.BORDER]
    wanted = (
        settings.borders
        or tuple(b for b in zone.borders or all_borders if b not in settings.backups)[:1]
    )
    span = site.spec.at("zones", tenant, "endpoints", name)
    unknown = [border for border in (*wanted, *settings.backups) if border not in all_borders]
    if not wanted:
        message, hint = "needs a border node; there is none", "set `borders` of a site to 1 or more"
        site.problems.error("C411", f"{tenant}/{name} {message}", span, hint)
    elif unknown:
        message = f'{tenant}/{name}: no border is called "{unknown[0]}"'
        site.problems.error("C412", message, span, did_you_mean(unknown[0], all_borders))
    else:
        return tuple(site.fabric.node(border).index for border in (*wanted, *settings.backups))
    return ()
