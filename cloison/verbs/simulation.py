"""simulate: build, converge, compile, replay, prove, one stage after the other, each timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloison.views.reports.simulated import Simulated
from cloison.views.world import World
from compiler.targets import catalogue
from compiler.targets.usage import usage as measured
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.traffic import all_pairs, n_pairs, random_flows
from sim.proof.prove import prove
from sim.sweep.runner import SERIAL, Runner

MOST_FLOWS = 10_000_000
PERMITTED = 0.25
"""The least share of permitted flows where not every pair can be replayed."""
Tell = Callable[..., None]
SILENT: Tell = lambda what, done=None, total=None: None  # noqa: E731


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
    make: Callable[[], World],
    *,
    target: str = catalogue.DEFAULT,
    tell: Tell = SILENT,
    runner: Runner = SERIAL,
) -> Simulated:
    """The whole pipeline; `make` builds the world, `tell` hears what is being done, `runner` tries
    failures."""
    profile = catalogue.profile(target)
    clock = Stopwatch(tell)
    with clock.stage("build and converge"):
        world = make()
    with clock.stage("compile"):
        program = world.program
        blocks = world.blocks
    with clock.stage("measure tables"):
        usage = measured(program, profile)
    with clock.stage("load kernels"):
        datapath = Datapath.of(world)
        datapath.warm()
    with clock.stage("replay"):
        sampled = n_pairs(blocks) > MOST_FLOWS
        flows = (
            random_flows(blocks, MOST_FLOWS, permitted=PERMITTED, datapath=datapath)
            if sampled
            else all_pairs(blocks)
        )
        report = replay(world, flows)
    with clock.stage("prove"):
        proof = world.part(
            "proof", lambda: prove(world, tell=lambda what: tell(f"prove: {what}"), runner=runner)
        )
    return Simulated(world, profile, usage, report, sampled, proof, clock.seconds)
