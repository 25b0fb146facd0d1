"""A fabric file about devices that already run (`devices:`), with its tables and clusters, as a
network and its policy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.how import How
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics

if TYPE_CHECKING:
    from compiler.imports.config_folder import Imported
    from compiler.policy.ir import Policy
    from compiler.policy.source import Source
    from fabric.building.network import Network
    from fabric.file.spec import FabricSpec

CONFLICT = "C352"
"""Two sources of wiring say different things: here a finding, as it is of other sources."""
Told = tuple[Diagnostic, ...]


def conflicts_among(warnings: Told) -> tuple[Told, Told]:
    """The conflicts among warnings about a file, as findings, and the other warnings."""
    found = tuple(replace(w, severity=FINDING) for w in warnings if w.code == CONFLICT)
    return found, tuple(w for w in warnings if w.code != CONFLICT)


def joined_world(spec: FabricSpec, how: How, sources: Sequence[Source]) -> tuple[Network, Policy]:
    """The network and the policy. What a fabric file would want (zones, isolation) nobody wants
    here. Raises `InputError` with everything that is wrong."""
    from compiler.imports.joined.joined_site import joined
    from compiler.policy.source import together, with_unclaimed
    from compiler.sources import isolation, zones
    from fabric.building.build import rebuild
    from fabric.plan.placement import load_workloads
    from fabric.wiring.clos import build_fabric, refuse_idle

    manifests = load_workloads(spec)

    def failed(network: Network) -> Network:
        found = rebuild(network, down=how.down, drained=how.drained)
        refuse_idle(found.fabric, how.down)
        return found

    failing = failed if how.down or how.drained else None
    made = joined(spec, build_fabric(spec), configurations(spec), manifests, failing)
    network = made.network
    wanted = [source for source in sources if source not in (zones.SOURCE, isolation.SOURCE)]
    policy = made.policy + together(network, wanted)
    return with_unclaimed(network, wanted), policy


def configurations(spec: FabricSpec) -> Imported:
    """The devices of all files and folders that a file names."""
    from compiler.imports.config_folder import together_of

    found = Diagnostics()
    for number, path in enumerate(folders(spec)):
        refused = spec._trees and spec._trees.refusal(path, spec.at("devices", "from", number))
        if refused:
            found.items.append(refused)
    found.check()
    return together_of([*folders(spec)])


def folders(spec: FabricSpec) -> Iterator[Path]:
    """Where the configurations lie; paths start at the fabric file's directory."""
    base = spec.path.parent if spec.path else Path()
    for text in spec.devices.folders if spec.devices else ():
        yield Path(os.path.normpath(base / text))
