"""Isolation of 1,000 tenants for all packets, after a change, and the change itself.

A change takes one rule out and puts a random other one of the same tenant in. It is measured from
the policy to the arrays that kernels read, in three steps (`compiler.edit`, `sim.blocks.update`,
`sim.pipeline.tables.follow`), and then proven again. The collector of garbage is told to leave
alone what was built before, as a long-lived service does.

    python bench/bench_proof.py [TENANTS RULES [APPS]]    one world instead of both
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
import numpy as np
from many_tenants import many_tenants, random_rule

from compiler.edit import Edit, Editor
from compiler.policy.ir import Policy
from sim.blocks.blocks import build_blocks
from sim.blocks.update import update
from sim.pipeline.tables import follow, tables
from sim.proof.isolation.vrf_pairs import isolation, recheck

T = TypeVar("T")
WORLDS = ((1000, 10_000, 8), (1000, 50_000, 8))
CHANGES = 200
PROOFS = 5


class Clock:
    """Wall and CPU milliseconds of named steps."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def __call__(self, name: str, work: Callable[..., T], *of: Any) -> T:
        """Do it, and remember how long it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        done = work(*of)
        self.wall.setdefault(name, []).append((time.perf_counter() - wall) * 1e3)
        self.cpu.setdefault(name, []).append((time.process_time() - cpu) * 1e3)
        return done

    def report(self, name: str, *parts: str) -> None:
        """One line about a step, or about several together."""
        lines = []
        for kind, taken in (("wall", self.wall), ("CPU", self.cpu)):
            each = np.sum([taken[part] for part in parts or (name,)], axis=0)
            middle, high = np.percentile(each, [50, 95])
            lines.append(f"p50 {middle:9.2f} p95 {high:9.2f} ms {kind}")
        click.echo(f"{name:28}{'  '.join(lines)}")


def measure(tenants: int, rules: int, apps: int) -> None:
    """One world."""
    clock = Clock()
    network, policy = many_tenants(tenants, rules, apps)
    editor = clock("compile", Editor, network, policy)
    blocks = clock("build blocks", build_blocks, editor.program)
    now = tables(blocks)
    click.secho(
        f"{tenants:,} tenants, {rules:,} rules of theirs: {len(network.endpoints):,} endpoints, "
        f"{editor.program.n_entries:,} entries, {len(blocks.block_vrf):,} blocks",
        bold=True,
    )
    gc.collect()
    gc.freeze()
    for _ in range(PROOFS):
        proof = clock("proof of isolation", isolation, blocks)
    chance = random.Random(2)
    mine = [rule for rule in policy.rules if rule.origin.kind.policy]
    for _ in range(CHANGES):
        at = chance.randrange(len(mine))
        old = mine[at]
        tenant = old.origin.name.partition("/")[0]
        mine[at] = random_rule(tenant, old.order - 1, apps, chance)
        edit = Edit(Policy((old,)), Policy((mine[at],)))
        new = clock("update", update, blocks, clock("edit", editor.apply, edit))
        now = clock("follow", follow, now, blocks, new)
        blocks = new
        proof = clock("proof again", recheck, proof, blocks)
    gc.unfreeze()
    for name in ("compile", "build blocks", "proof of isolation", "edit", "update", "follow"):
        clock.report(name)
    clock.report("change: the three together", "edit", "update", "follow")
    clock.report("proof again")
    click.echo(f"isolation {'holds' if proof.holds else 'FAILS'}; {len(proof.crossings)} crossings")


def main() -> None:
    """Measure the worlds asked for."""
    asked = tuple(int(text) for text in sys.argv[1:])
    for tenants, rules, apps in [(*asked, 8)[:3]] if asked else WORLDS:
        measure(tenants, rules, apps)


if __name__ == "__main__":
    main()
