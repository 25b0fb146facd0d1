"""A file about devices that already run: it says what their configurations do not, and nothing
twice."""

from __future__ import annotations

from pathlib import Path

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.io.dependencies import exists
from fabric.values.wildcard import HINT, mistake

DRAWN = ("vtep", "pools", "pins", "peerings", "leaks", "zones")
OF_TENANTS = ("vrfs", "vrf_per")


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Nothing stands beside `devices:` that configurations say."""
    if spec.devices is None:
        return
    hint = "leave it out: it is what devices do that counts"
    said: list[tuple[str | int, ...]] = [(k,) for k in DRAWN if k in spec.model_fields_set]
    for tenant, settings in spec.tenants.items():
        said += [("tenants", tenant, k) for k in OF_TENANTS if k in settings.model_fields_set]
    for host, about in spec.hosts.items():
        said += [("hosts", host, "state")] if "state" in about.model_fields_set else []
    for path in said:
        what = f"{path[-1]}: is what configurations of devices say"
        found.error("C844", what, spec.at_key(*path), hint)
    folder = spec.path.parent if spec.path else Path()
    for number, text in enumerate(spec.devices.folders):
        if not exists(folder / text):
            span = spec.at("devices", "from", number)
            hint = "paths start at the fabric file's directory"
            found.error("C845", f"there is no {folder / text}", span, hint)
    for number, pattern in enumerate(spec.devices.transit):
        if (wrong := mistake(pattern)) is not None:
            span = spec.at("devices", "transit", number)
            found.error("C450", f'cannot read "{pattern}": {wrong}', span, HINT)
