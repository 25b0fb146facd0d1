"""Support access: its end is in zone 0, its tenants exist and can answer."""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """`access`, where there is one."""
    if spec.access is None:
        return
    known = [name for name in names.zone_endpoints if name.startswith("zone0/")]
    if spec.access.from_ not in known:
        hint = did_you_mean(spec.access.from_, known) or f"there are {', '.join(known) or 'none'}"
        what = f'no endpoint of zone 0 is called "{spec.access.from_}"'
        found.error("C307", what, spec.at("access", "from"), hint)
    for tenant, approvers in spec.access.approvers.items():
        at = ("access", "approvers", tenant)
        if tenant not in names.tenants:
            near = did_you_mean(tenant, names.tenants)
            found.error("C311", f'no tenant is called "{tenant}"', spec.at_key(*at), near)
        if not approvers or "" in approvers:
            what = f'"{tenant}" names nobody who may approve, so that no request can be answered'
            found.error("C360", what, spec.at(*at), "name somebody, better several")
