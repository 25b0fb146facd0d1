"""A policy that is in force while it is edited: readers see one version or the next, never both.

A writer says what it shall `become`; what differs is compiled and laid out, and then the new
`Version` is put in the place of the old one, which is one assignment. A reader takes `now` once and
works with what it took for as long as it likes: nothing that a version reads is ever written again.
`World.edit` in `cloison.views.world`, and `cloison diff --watch` through it, are the writers.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from compiler.edit import Edit, Editor
from compiler.policy.ir import Policy
from compiler.program.program import Program
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.update import update
from sim.pipeline.tables import Tables, follow, tables
from sim.proof.isolation.vrf_pairs import Isolation, isolation, recheck


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
