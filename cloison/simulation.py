"""simulate: build, converge, compile, replay, prove, one stage after the other, each timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloison.world import World
from compiler import target as targets
from compiler.blocks import build_blocks
from compiler.target import Target, Usage
from sim.classifier import tables
from sim.datapath import Datapath
from sim.prove import Proof, prove
from sim.replay import ReplayReport, replay
from sim.traffic import all_pairs, n_pairs, random_flows

if TYPE_CHECKING:
    from cloison.table import Table

MOST_FLOWS = 10_000_000
PERMITTED = 0.25
"""The least share of permitted flows where not every pair can be replayed."""
Tell = Callable[..., None]
SILENT: Tell = lambda what, done=None, total=None: None  # noqa: E731


@dataclass(frozen=True, slots=True, repr=False)
class Simulation:
    """Everything that a run found. `seconds` maps each stage to its wall time, in order; `sampled`
    says that the replayed flows are random ones, because there are too many pairs."""

    world: World
    target: Target
    usage: tuple[Usage, ...]
    replay: ReplayReport
    sampled: bool
    proof: Proof
    seconds: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """Whether isolation and every expectation hold."""
        return self.proof.holds

    @property
    def matrix(self) -> Table:
        """The isolation matrix, one row per cell."""
        from cloison.isolation import matrix_table

        return matrix_table(self.proof)

    @property
    def findings(self) -> Table:
        """What is wrong, each with a packet and the line to look at."""
        from cloison.report import findings_table

        return findings_table(self.proof)

    def __repr__(self) -> str:
        found = "holds" if self.holds else f"{len(self.proof.findings)} findings"
        return f"{self.world.network.spec.name}: {found}"

    def _repr_html_(self) -> str:
        from cloison.report import tables

        parts = [table._repr_html_() for table in tables(self) if len(table)]
        return f"<h3>{self!r}</h3>" + "".join(parts)


class Stopwatch:
    """Times named stages and says which one runs."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block; a name may come twice and adds up."""
        self.tell(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def run(
    make: Callable[[], World], *, target: str = targets.DEFAULT, tell: Tell = SILENT
) -> Simulation:
    """The whole pipeline; `make` builds the world, `tell` hears what is being done."""
    profile = targets.load(target)
    clock = Stopwatch(tell)
    with clock.stage("build and converge"):
        world = make()
    with clock.stage("compile"):
        program = world.program
        blocks = build_blocks(program)
    with clock.stage("measure tables"):
        usage = targets.usage(program, profile)
    with clock.stage("load kernels"):
        datapath = Datapath(tables(blocks, world.network))
        datapath.warm()
    with clock.stage("replay"):
        sampled = n_pairs(blocks) > MOST_FLOWS
        flows = (
            random_flows(blocks, MOST_FLOWS, permitted=PERMITTED, datapath=datapath)
            if sampled
            else all_pairs(blocks)
        )
        report = replay(world.network, program, flows, blocks=blocks)
    with clock.stage("prove"):
        proof = prove(
            world.network, program, blocks=blocks, tell=lambda what: tell(f"prove: {what}")
        )
    return Simulation(world, profile, usage, report, sampled, proof, clock.seconds)
