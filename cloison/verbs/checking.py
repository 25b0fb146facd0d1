"""Everything that can be said about a fabric file without sending a packet.

A mistake in one tenant's manifests is told once, however many tenants share them. Nothing is
written: the lock file counts, and what it does not have yet is drawn and forgotten. What was found
before is kept (`cloison.loading.kept_worlds`), and costs no more than to see that nothing has
changed: what reads and builds is imported when it is needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading import kept_worlds
from cloison.loading.how import How

if TYPE_CHECKING:
    from compiler.policy.ir import Policy
    from fabric.building.network import Network
    from fabric.diagnostics import Diagnostic

DIAGNOSTICS = "diagnostics"


def check_file(path: Path | str, text: str, how: How) -> list[Diagnostic]:
    """Errors, findings and warnings about a fabric file, in the order of the file."""
    shelf = kept_worlds.found(kept_worlds.Request("fabric", (str(path),), how, text))
    if shelf is not None and (said := shelf.answer(DIAGNOSTICS)) is not None:
        return list(said)
    from cloison.loading.loader import read_fabric
    from cloison.views.diagnosed import in_order

    start = time.process_time()
    found = read_fabric(path, how, text)
    beyond = [*found.errors]
    if (network := found.network) is not None:
        beyond += [record.diagnostic() for record in network.not_evaluated]
        beyond += [*network.findings, *lints(network, found.policy, how)]
    out = in_order((*found.warnings, *beyond))
    if found.shelf is not None and time.process_time() - start >= kept_worlds.WORTH:
        found.shelf.keep(DIAGNOSTICS, out)
    return out


def lints(network: Network, policy: Policy | None, how: How) -> Iterator[Diagnostic]:
    """What is legal and doubtful."""
    from cloison.loading.loader import sources_of
    from compiler.lints import lints as doubts

    for source in sources_of(how):
        yield from source.lints(network, policy)
    if policy is not None:
        yield from doubts(network, policy)
