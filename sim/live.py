"""A policy that is in force while it is edited: readers see one version or the next, never both.

A writer says what it shall `become`; what differs is compiled and laid out, and then the new
`Version` is put in the place of the old one, which is one assignment. A reader takes `now` once and
works with what it took for as long as it likes: nothing that a version reads is ever written again.
`World.edit` in `cloison.views.world`, and `cloison diff --watch` through it, are the writers.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np

from compiler.edit import Edit, Editor
from compiler.policy.ir import Policy
from compiler.program.program import Program
from fabric.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.update import update
from sim.pipeline.tables import Tables, follow, tables
from sim.proof.vrf_pairs import Isolation, isolation, recheck


@dataclass(frozen=True, slots=True)
class Version:
    """A policy as the program, its blocks, kernel arrays, and the proof about it."""

    program: Program
    blocks: Blocks
    tables: Tables
    proof: Isolation


class Live:
    """See the module. Writers wait for each other, readers for nobody."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self._editor = Editor(network, policy)
        self._lock = Lock()
        blocks = build_blocks(self._editor.program)
        arrays = tables(blocks)
        self.now = Version(self._editor.program, blocks, arrays, isolation(blocks))

    def become(self, policy: Policy) -> Version:
        """The version that says what `policy` says: what differs is the edit. When it cannot be
        compiled (`InputError`), the one of before stays in force and the edit is forgotten."""
        with self._lock:
            return self._applied(Edit.between(self.now.program.policy, policy))

    def _applied(self, edit: Edit) -> Version:
        old = self.now
        try:
            program = self._editor.apply(edit)
            blocks = update(old.blocks, program)
        except Exception:
            self._editor = Editor(old.program.network, old.program.policy)
            raise
        arrays = follow(old.tables, old.blocks, blocks)
        self.now = Version(program, blocks, arrays, recheck(old.proof, blocks))
        return self.now


def alike(a: Network, b: Network) -> bool:
    """Whether nothing differs between two networks that programs, blocks or proofs read: then a
    policy that was compiled for one holds in the other, whatever else their files say."""
    return (
        (a.vrfs, a.endpoints) == (b.vrfs, b.endpoints)
        and (a.fabric.nodes, a.fabric.links) == (b.fabric.nodes, b.fabric.links)
        and a.fabric.failed == b.fabric.failed
        and a.plan.loopback == b.plan.loopback
        and a.rewrites == b.rewrites
        and (a.fib.instances, a.fib.nexthop_sets) == (b.fib.instances, b.fib.nexthop_sets)
        and [r.prefixes for r in a.fib.vrf_routes] == [r.prefixes for r in b.fib.vrf_routes]
        and all(map(np.array_equal, a.fib.chosen, b.fib.chosen))
        and a.underlay.speeds == b.underlay.speeds
        and np.array_equal(a.underlay.hop_off, b.underlay.hop_off)
        and np.array_equal(a.underlay.hop_node, b.underlay.hop_node)
        and np.array_equal(a.underlay.hop_link, b.underlay.hop_link)
        and a.routes == b.routes
    )
