"""Fabric files and manifests written on the spot, for tests of the control plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

POD = """\
apiVersion: v1
kind: Pod
metadata: {{ name: {name}, namespace: {namespace} }}
spec: {{ nodeName: {host}, containers: [{{ name: c, image: c }}] }}
{status}---
"""


def pods(*where: str) -> str:
    """Pods written as `namespace/name@host` or `namespace/name@host=address`."""
    out = []
    for text in where:
        name, _, place = text.partition("@")
        host, _, address = place.partition("=")
        namespace, _, pod = name.partition("/")
        status = f"status: {{ podIP: {address} }}\n" if address else ""
        out.append(POD.format(name=pod, namespace=namespace, host=host, status=status))
    return "".join(out)


def write_fabric(
    folder: Path, tenants: Mapping[str, Any], workloads: Mapping[str, Iterable[str]], **more: Any
) -> Path:
    """A fabric file with one manifest file per tenant; `tenants` maps to their settings."""
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 4, "borders": 2}
    document: dict[str, Any] = {"cloison": 1, "name": "test", "sites": {"s": site}, **more}
    document["tenants"] = {}
    for tenant, settings in tenants.items():
        (folder / f"{tenant}.yaml").write_text(pods(*workloads.get(tenant, ())))
        document["tenants"][tenant] = {"manifests": [f"{tenant}.yaml"], **settings}
    path = folder / "fabric.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def vrf(*prefixes: Any, **more: Any) -> dict[str, Any]:
    """A tenant with one VRF of these prefixes."""
    return {"vrfs": {"main": {"prefixes": list(prefixes), **more}}}


def network_of(
    path: Path, *, lock: bool = False, down: Iterable[str] = (), drained: Iterable[str] = ()
) -> Network:
    """The network of a fabric file."""
    return build(load_fabric(path), lock=lock, down=down, drained=drained)
