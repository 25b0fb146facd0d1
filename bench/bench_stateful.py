"""Known flows beside the policy groups, the whole pipeline, counters, and two threads.

Rounds are interleaved; least and median times are printed, ratios of both, and each as a fraction
of twelve gathers per packet. What must be is the demo's: half as much on the large fabric.
"Stateful" packets belong to 100,000 live flows, in any order; "stateless" are the same packets
without a flow table. "Random" traffic is distinct flows, a quarter of them permitted. How much a
second core gives just then is measured too, on a loop that only gathers: two threads cannot do
better."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import click
import numpy as np
from bounds import bounds
from rule_sets.gates import worse
from rule_sets.ratios import Ratio, ratio

from cloison.views.world import World
from sim.blocks.blocks import build_blocks
from sim.classify.timing.rounds import Timing, measure
from sim.packets.headers import Packets
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Datapath, Verdicts
from sim.pipeline.replay import decide
from sim.pipeline.tables import tables
from sim.pipeline.traffic import random_flows, with_replies

PACKETS = 1 << 20
LIVE = 100_000
ROUNDS = 9
GATHERS = "12 gathers"
"""The bound: so many look-ups per packet, with nothing depending on anything."""
FREE = 1.8
"""Two threads that only gather are this much faster when both cores are free."""
GATES = {
    "stateful / stateless": (0.6, 0.7),
    "stateful / stateless, half of them replies": (0.6, 0.7),
    "whole pipeline, random, Mpps": (30.0, 60.0),
    "whole pipeline, delivered, Mpps": (30.0, 60.0),
    "two threads / one": (1.8, 1.8),
}


def live_flows(datapath: Datapath, drawn: Packets) -> tuple[Packets, Packets]:
    """Packets of `LIVE` permitted flows in any order: of those who opened them, and with replies
    for half."""
    rng = np.random.default_rng(1)
    permitted = drawn.take(datapath.decide(drawn).delivered)
    if len(permitted) < LIVE:
        raise click.ClickException(f"only {len(permitted):,} permitted flows, not {LIVE:,}")
    opening, answers = with_replies([permitted.take(np.arange(LIVE))], datapath)
    both = Packets.concat([opening, answers])
    row = rng.integers(0, LIVE, PACKETS)
    return opening.take(row), both.take(row + LIVE * rng.integers(0, 2, PACKETS))


def one_core(datapath: Datapath, drawn: Packets) -> dict[str, Timing]:
    """Seconds per contender."""
    asks, both = live_flows(datapath, drawn)
    flows = FlowTable()
    decide(datapath, asks, flows)
    work: dict[str, Callable[[], object]] = {
        "stateless": lambda: decide(datapath, asks),
        "stateful": lambda: decide(datapath, asks, flows),
        "stateless, replies": lambda: decide(datapath, both),
        "stateful, replies": lambda: decide(datapath, both, flows),
        "stateful, every flow new": lambda: decide(datapath, drawn, FlowTable()),
    }
    for name, packets in (("random", drawn), ("delivered", asks)):
        work |= pipeline(datapath, name, packets, datapath.decide(packets))
    return measure(work | {GATHERS: bounds(PACKETS)[GATHERS]}, ROUNDS)


def pipeline(
    datapath: Datapath, name: str, packets: Packets, verdicts: Verdicts
) -> dict[str, Callable[[], object]]:
    """The whole of it in one pass, and its parts in one pass each."""
    return {
        f"pipeline, {name}": lambda: datapath.decide_and_count(packets),
        f"- with verdicts, {name}": lambda: datapath.decide_and_count(packets, kept=True),
        f"- decisions, {name}": lambda: datapath.decide(packets),
        f"- counters, {name}": lambda: datapath.tally(packets, verdicts),
        f"- underlay, {name}": lambda: datapath.walk(packets, verdicts),
    }


def two_threads(datapath: Datapath, packets: Packets) -> tuple[Ratio, Ratio]:
    """How many times as fast two threads are: on the whole pipeline, and at only gathering."""
    pair = Datapath(datapath.tables, threads=2)
    whole, halves = bounds(PACKETS)["12 gathers"], [bounds(PACKETS // 2)["12 gathers"]] * 2
    work: tuple[Callable[[], object], ...] = (
        lambda: datapath.decide_and_count(packets),
        lambda: pair.decide_and_count(packets),
        lambda: [whole() for _ in range(8)],
        lambda: [list(pool.map(lambda half: half(), halves)) for _ in range(8)],
    )
    seconds: tuple[list[float], ...] = tuple([] for _ in work)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS + 1):
            for run, taken in zip(work, seconds, strict=True):
                begin = time.perf_counter()
                run()
                taken.append(time.perf_counter() - begin)
    one, two, bare, bare_two = (Timing(min(s[1:]), median(s[1:])) for s in seconds)
    return ratio(one, two), ratio(bare, bare_two)


def main(fabric: Path) -> None:
    """Print a line per contender and one per gate."""
    world = World.of(fabric)
    blocks = build_blocks(world.program)
    datapath = Datapath(tables(blocks), threads=1)
    drawn = Packets.concat(list(random_flows(blocks, PACKETS, permitted=0.25, datapath=datapath)))
    found = one_core(datapath, drawn)
    click.echo(f"{fabric}: {PACKETS:,} packets; least and median of {ROUNDS} rounds, 1 core")
    for name, timing in found.items():
        least, middle = (s / PACKETS * 1e9 for s in (timing.least, timing.median))
        rates = f"{1e3 / least:8.1f} {1e3 / middle:8.1f} Mpps"
        share = f"{found[GATHERS].least / timing.least:6.2f} of the bound"
        click.echo(f"{name:28}{least:8.2f} {middle:8.2f} ns {rates} {share}")
    threads, bare = two_threads(datapath, drawn)
    ratios = dict(
        zip(
            GATES,
            [
                ratio(found["stateless"], found["stateful"]),
                ratio(found["stateless, replies"], found["stateful, replies"]),
                *(speed(found[f"pipeline, {name}"]) for name in ("random", "delivered")),
                threads,
            ],
            strict=True,
        )
    )
    for name, one in ratios.items():
        must, push = GATES[name]
        click.echo(f"{name:44}{one.least:6.2f} {one.median:6.2f}  (must {must}, push {push})")
    click.echo(f"{'two threads / one, only gathering':44}{bare.least:6.2f} {bare.median:6.2f}")
    if worse(bare) < FREE:
        click.echo("the second core was not free: two threads / one says nothing here")


def speed(timing: Timing) -> Ratio:
    """Mpps."""
    return Ratio(PACKETS / timing.least / 1e6, PACKETS / timing.median / 1e6)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "topologies/demo.yaml"))
