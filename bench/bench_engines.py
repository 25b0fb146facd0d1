"""Every engine that fits, on many rule sets: what the planner's model says, and what is true.

The sets are firewall-like ones of three families and many sizes, such with few pairs of prefixes
and many rules for each, and prefixes crossed with ranges of ports; other seeds than anything that
engines were tuned on. Each engine that can be built within the budget is timed on packets drawn
from the rules and on random headers, in interleaved rounds of CPU time. Printed: nanoseconds per
engine, the engine that `sim.classify.choose` takes, and how many times as fast the best other one
is; then the coefficients of `sim.classify.engines.plan`, of those on a grid, by which choices are
beaten least."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import product
from statistics import median
from typing import Any, NamedTuple

import click
import numpy as np
from rule_sets.crossed_sets import crossed
from rule_sets.firewall_sets import firewall
from rule_sets.hostile_sets import ranges

from sim.classify.axes.cell_grid import merged_cells
from sim.classify.axes.classes import classes_of
from sim.classify.choose import matcher_of, unkeyed
from sim.classify.engines.cells import MAX_LISTED, CellTables, cell_tables, listed_bytes, records_of
from sim.classify.engines.dense import dense_room, dense_tables
from sim.classify.engines.lookup import headers
from sim.classify.engines.plan import BUDGET, DENSE_BYTES, FEW_RULES, NEVER, RULE_BYTES, access
from sim.classify.engines.tuples import tuple_tables
from sim.classify.engines.walked import walked
from sim.classify.ruleset import RuleSet
from sim.classify.traces import trace

PACKETS = 100_000
ROUNDS = 5
SIZES = (150, 300, 600, 1_000, 2_000, 4_000, 8_000)
SEEDS = (101, 102, 103)
MOST = 1.3
"""No choice may be beaten by more."""
GRID: dict[str, list[tuple[float, ...]]] = {
    "dense": [(5.0, 0.4), (5.0, 0.7)],
    "cells": list(product((6.0, 7.0, 8.0), (0.5, 0.9), (0.8, 1.2, 1.6, 2.0))),
    "ports": [(5.0, 0.6), (5.0, 1.0)],
    "hybrid": list(product((7.0, 8.0, 9.0, 10.0), (3.0, 4.0, 5.0))),
}
"""Work, caches, and rules met in lists."""


class Timed(NamedTuple):
    """One engine on one set: what the model counts, and median ns per packet by trace."""

    engine: str
    counted: tuple[float, ...]
    ns: dict[str, float]


def rule_sets() -> Iterator[tuple[str, Any]]:
    """Names and makers of all sets."""
    for family in ("acl", "fw", "ipc"):
        for n in SIZES:
            for seed in SEEDS:
                yield f"{family}-{n}-{seed}", partial(firewall, family, n, seed)
    for family in ("acl", "fw", "ipc", "wide"):
        for n in (200, 1_000, 3_000):
            for pairs in (12, 60, 0):
                yield f"{family}-{n}-{pairs}", partial(crossed, family, n, n + pairs, pairs)
    for n in (250, 500, 1_000):
        yield f"ranges-{n}", partial(ranges, n)


def engines(rules: RuleSet) -> Iterator[tuple[str, Any, tuple[float, ...]]]:
    """Every engine within the budget, with what the model counts of it."""
    ids, classes = np.arange(len(rules)), classes_of(rules)
    if classes is None:
        return
    limit = min(BUDGET, DENSE_BYTES, RULE_BYTES * max(len(rules), FEW_RULES))
    merged = merged_cells(*classes.axes, MAX_LISTED, records_of(rules))
    room = dense_room(classes, limit, NEVER)
    if merged is not None and classes.l4 is not None and merged.n_x <= room:
        made = dense_tables(merged, classes.l4, ids)
        yield "dense", made, (1.0, access(made.x.nbytes) + access(made.f.nbytes))
    if merged is not None:
        cells = cell_tables(classes, merged, ids, limit, NEVER)
        if cells is not None:
            caches = access(cells.x.nbytes) + access(listed_bytes(cells))
            if isinstance(cells, CellTables):
                yield "cells", cells, (1.0, caches, walked(rules, records_of(rules)))
            else:
                yield "ports", cells, (1.0, caches)
    hashed = tuple_tables(classes, ids, BUDGET)
    if hashed is not None:
        yield "hybrid", hashed, (1.0, 2 * access(48 * len(rules)))


def measured(rules: RuleSet) -> tuple[str, list[Timed]]:
    """The engine that is chosen, and all of them timed."""
    made = list(engines(rules))
    drawn = {name: trace(rules, name, PACKETS) for name in ("uniform", "random")}
    columns = {name: headers(c, c.src, c.dst) for name, c in drawn.items()}
    out = np.empty(PACKETS, np.int32)
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS + 1):
        for engine, tables, _ in made:
            matcher = matcher_of(tables)
            for name, row in columns.items():
                begin = time.thread_time()
                matcher.match(row, 0, PACKETS, out)
                seconds.setdefault((engine, name), []).append(time.thread_time() - begin)
    chosen = unkeyed(rules, np.arange(len(rules)), BUDGET, "rules")[1].engine
    found = [
        Timed(engine, counted, {
            name: median(seconds[engine, name][1:]) / PACKETS * 1e9 for name in columns
        })
        for engine, _, counted in made
    ]  # fmt: skip
    names = {one.engine for one in found}
    return ("ports" if chosen == "cells" and "cells" not in names else chosen), found


def main(every: int) -> None:
    """Print a line per set, and the fitted coefficients; of every so-manieth set."""
    sets: list[list[Timed]] = []
    worst: list[float] = []
    for name, make in list(rule_sets())[::every]:
        chosen, found = measured(make())
        sets.append(found)
        worst.append(beaten_by(found, chosen))
        shown = ", ".join(
            f"{one.engine} {one.ns['uniform']:.1f}/{one.ns['random']:.1f} ns "
            f"({' '.join(f'{x:.1f}' for x in one.counted[1:])})"
            for one in found
        )
        click.echo(f"{name:16}{chosen:8}{worst[-1]:5.2f}  {shown}")
    many = sum(ratio > MOST for ratio in worst)
    click.echo(f"{len(worst)} sets: {many} beaten by more than {MOST}, worst {max(worst):.2f}")
    cost, beaten = fitted(sets)
    click.echo(f"fitted: worst {beaten:.2f} with {cost}")


def fitted(sets: list[list[Timed]]) -> tuple[dict[str, tuple[float, ...]], float]:
    """The coefficients on a grid by whose choices the engines are beaten least."""
    best: tuple[float, dict[str, tuple[float, ...]]] = NEVER, {}
    for each in product(*GRID.values()):
        cost = dict(zip(GRID, each, strict=True))
        worst = max(beaten_by(found, cheapest(found, cost)) for found in sets)
        best = min(best, (worst, cost), key=lambda one: one[0])
    return best[1], best[0]


def cheapest(found: list[Timed], cost: dict[str, tuple[float, ...]]) -> str:
    """The engine that a model takes."""

    def ns(one: Timed) -> float:
        return sum(c * x for c, x in zip(cost[one.engine], one.counted, strict=True))

    return min(found, key=ns).engine


def beaten_by(found: list[Timed], chosen: str) -> float:
    """How many times as fast another engine is, over both traces."""
    mean = {one.engine: sum(one.ns.values()) for one in found}
    return mean[chosen] / min(mean.values())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
