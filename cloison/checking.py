"""Everything that can be said about a fabric file without sending a packet.

First the file on its own; then, if it holds no error, what needs the rest of the world: manifests,
the converged control plane (nothing is written), policies and expectations. A mistake in one
tenant's manifests is told once, however many tenants share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from compiler.frontends import isolation, network_policy, zones
from fabric.build import build
from fabric.diagnostics import Diagnostic, InputError
from fabric.load import load
from fabric.network import Network
from fabric.spec import FabricSpec
from sim.expect import read_claims

FINDING = "finding"
Tell = Callable[..., None]


def check_file(path: Path | str, text: str, tell: Tell) -> list[Diagnostic]:
    """Errors, findings and warnings about a fabric file, in the order of the file."""
    tell(f"reading {path}")
    try:
        spec, warnings = load(path, text)
    except InputError as error:
        return list(error.diagnostics)
    tell(f"building {path}")
    lines = {warning.span for warning in warnings}
    beyond = [d for d in dict.fromkeys(world(spec)) if d.span is None or d.span not in lines]
    return sorted([*warnings, *beyond], key=lambda d: (d.span is None, d.span or 0, d.code))


def world(spec: FabricSpec) -> Iterator[Diagnostic]:
    """What a dry run finds: nothing is written, no packet is sent."""
    try:
        network = build(spec, lock=False)
    except InputError as error:
        yield from error.diagnostics
        return
    for manifests in network.manifests.values():
        yield from manifests.warnings
    for record in network.not_evaluated:
        yield record.diagnostic()
    for finding in network.findings:
        yield replace(finding, severity=FINDING) if finding.severity == "error" else finding
    yield from complaints(lambda: network_policy.policy(network))
    yield from complaints(lambda: read_claims(spec, network))
    yield from lints(network)


def complaints(step: Callable[[], object]) -> tuple[Diagnostic, ...]:
    """What a step refuses."""
    try:
        step()
    except InputError as error:
        return error.diagnostics
    return ()


def lints(network: Network) -> Iterator[Diagnostic]:
    """What is legal and doubtful."""
    yield from zones.lints(network)
    yield from isolation.lints(network)
