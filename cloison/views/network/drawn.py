"""A network as a picture: the Clos by tier, who is served where, and a packet's path."""

from __future__ import annotations

from collections.abc import Sequence

from cloison.render.plot import Drawing, Stop, draw_fabric
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, did_you_mean


def drawn(
    network: Network,
    *,
    tenant: str | None = None,
    path: Sequence[str] = (),
    title: str = "",
    stop: Stop | None = None,
) -> Drawing:
    """The Clos; nodes coloured by the tenants whose endpoints they serve, or by one of them, and a
    path of node names up to where its packet stops. Raises `InputError` C338 where nobody has
    this name."""
    known = sorted({vrf.tenant for vrf in network.vrfs})
    if tenant is not None and tenant not in known:
        hint = did_you_mean(tenant, known) or f"there are: {', '.join(known)}"
        raise InputError(Diagnostic("C338", f'no tenant is called "{tenant}"', hint=hint))
    tenants: dict[str, set[str]] = {}
    for endpoint in network.endpoints:
        if tenant == endpoint.tenant or (tenant is None and endpoint.zone == 1):
            name = network.fabric.nodes[endpoint.vtep].name
            tenants.setdefault(name, set()).add(endpoint.tenant)
    title = title or network.spec.name + (f" · {tenant}" if tenant else "")
    return draw_fabric(network.fabric, title=title, tenants=tenants, path=path, stop=stop)
