"""Everything that can be said about a fabric file without sending a packet.

A mistake in one tenant's manifests is told once, however many tenants share them. Nothing is
written: the lock file counts, and what it does not have yet is drawn and forgotten. What was found
before is kept (`cloison.loading.kept_worlds`), and costs no more than to see that nothing has
changed: what reads and builds is imported when it is needed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading import kept_worlds
from cloison.loading.how import How
from fabric.io.uncollected import uncollected

if TYPE_CHECKING:
    from cloison.loading.loader import Read
    from cloison.verbs.over_time import SameRules
    from compiler.policy.ir import Policy
    from fabric.building.network import Network
    from fabric.diagnostics import Diagnostic
    from fabric.file.spec import FabricSpec
    from sim.worlds.world import World

DIAGNOSTICS = "diagnostics"


def check_file(path: Path | str, text: str, how: How) -> list[Diagnostic]:
    """Errors, findings and warnings about a fabric file, in the order of the file."""
    shelf = kept_worlds.found(kept_worlds.Request("fabric", (str(path),), how, text))
    if shelf is not None and (said := shelf.answer(DIAGNOSTICS)) is not None:
        return list(said)
    from cloison.loading.loader import read_fabric
    from cloison.verbs.over_time import same_rules
    from cloison.views.caveats.diagnosed import in_order

    start = time.process_time()
    found = read_fabric(path, how, text)
    if how.at is None and (spec := timed(path, text, found)) is not None:
        return at_all_times(path, text, same_rules(how, spec))
    beyond = [*found.errors]
    if (network := found.network) is not None:
        beyond += [record.diagnostic() for record in network.not_evaluated]
        beyond += [*network.findings, *lints(network, found.policy, how, found.asked)]
        beyond += bucket_policies(network.spec)
    out = in_order((*found.warnings, *beyond))
    if (
        found.shelf is not None
        and not has_buckets(found)
        and time.process_time() - start >= kept_worlds.WORTH
    ):
        found.shelf.keep(DIAGNOSTICS, out)
    return out


def bucket_policies(spec: FabricSpec) -> list[Diagnostic]:
    """What is wrong or doubtful in policies of buckets."""
    if not spec.storage.buckets:
        return []
    from compiler.decisions.storage.buckets_of_fabric import storage_of
    from fabric.diagnostics import Diagnostics

    noted = Diagnostics()
    storage_of(spec, noted)
    return noted.items


def has_buckets(found: Read) -> bool:
    """Whether files are read that a kept world does not know of: then nothing is kept."""
    return found.network is not None and bool(found.network.spec.storage.buckets)


def timed(path: Path | str, text: str, found: Read) -> FabricSpec | None:
    """The whole file, where windows decide what it is."""
    from fabric.building.load import load
    from fabric.file.in_force import UNTIMED, whole_of

    if found.network is not None:
        spec = found.network.spec
        return None if spec.judged_at is None else whole_of(spec)
    return load(path, text)[0] if {d.code for d in found.errors} == {UNTIMED} else None


def at_all_times(path: Path | str, text: str, every: Sequence[SameRules]) -> list[Diagnostic]:
    """What is to be said at all times, and what at some with when it is so."""
    from cloison.views.caveats.diagnosed import in_order

    said: dict[Diagnostic, list[SameRules]] = {}
    for part in every:
        for found in check_file(path, text, part.how):
            if found.code != "C217":
                said.setdefault(found, []).append(part)
    return in_order(
        found
        if len(parts) == len(every)
        else replace(found, message=f"{found.message} ({', '.join(p.times for p in parts)})")
        for found, parts in said.items()
    )


@uncollected()
def lints(
    network: Network, policy: Policy | None, how: How, asked: World | None = None
) -> list[Diagnostic]:
    """What is legal and doubtful; `asked` is a world of the same that was compiled already."""
    from cloison.loading.loader import sources_of
    from compiler.lints import lints as doubts
    from compiler.passes.resolve import resolver_of

    found = [d for source in sources_of(how) for d in source.lints(network, policy)]
    if policy is not None:
        known = resolver_of(asked.network, policy.stages) if asked is not None else None
        found += doubts(network, policy, known)
    return found
