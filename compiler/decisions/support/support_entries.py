"""Entries of Zone 0 that approved requests make, each with a window: an edit of a fabric file.

Whoever is approved may open connections from where support staff come to the API server of the
cluster, or to the server's own address at its port for SSH, while his window lasts. Entries stand
behind all others of the zone: what a rule denies stays denied. Ends of Zone 0 reach each other
unless a rule says otherwise, so that a last entry closes the API servers of those who take part to
whoever comes from there without an approval; servers are closed anyhow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from compiler.decisions.support.support_requests import SupportRequest
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import FabricSpec
from fabric.values.instants import told

API_PORT, SSH = "6443/tcp", "22/tcp"


def entries(spec: FabricSpec, requests: Iterable[SupportRequest]) -> Iterator[dict[str, Any]]:
    """An entry for each request that was approved, and the one that closes; raises `InputError`
    where the file does not say where it leads."""
    assert spec.access is not None
    servers = (spec.tenants[tenant].api_server for tenant in spec.access.approvers)
    closed = dict.fromkeys(server.partition(":")[0] for server in servers if server)
    for request in requests:
        if request.window is None:
            continue
        first, last = request.window
        to, port = _target(spec, request)
        yield {
            "name": f"support-{request.number}",
            "from": spec.access.from_,
            "to": to,
            "ports": [port],
            "window": {"from": told(first), "until": told(last)},
        }
    if closed:
        yield {
            "name": "support-closed",
            "action": "deny",
            "from": spec.access.from_,
            "to": [*closed],
        }


def _target(spec: FabricSpec, request: SupportRequest) -> tuple[str, str]:
    if request.host:
        return f"{request.tenant}/@node/{request.host}", SSH
    server = spec.tenants[request.tenant].api_server
    if server is None:
        span = spec.at_key("tenants", request.tenant)
        what = f"the file does not say where the API server of {request.tenant} is"
        hint = "write api_server: zone0/kube-apiserver:6443/tcp"
        raise InputError(Diagnostic("C660", what, span, hint))
    endpoint, colon, port = server.partition(":")
    return endpoint, port if colon else API_PORT
