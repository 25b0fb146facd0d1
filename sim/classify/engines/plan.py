"""Which engine a table gets: from the rules alone, with its memory known before it is allocated.

The model adds up what a packet costs in nanoseconds: the work of the kernel, for each table that is
read at random the price of the cache in which a table of that size lies, and the rules that it
meets in lists (`sim.classify.engines.walked`). The prices are those of a current server core; only
their order matters."""

from __future__ import annotations

from dataclasses import dataclass

BUDGET = 1 << 30
DENSE_BYTES = 64 << 20
"""Most that one dense grid may take: beyond it every look-up misses the last cache."""
RULE_BYTES = 2000
FEW_RULES = 20_000
"""No grid takes more than so many bytes per rule, small tables aside."""
NEVER = float("inf")
BLOCK_PLACES = 1 << 22
"""Most values of one block of a keyed table."""
LEVELS = ((256 << 10, 0.3), (1 << 20, 1.0), (32 << 20, 4.0))
DISTANT = 9.0
ANY_SIZE = 1 << 62
DENSE_WORK, DENSE_CACHES = 5.0, 0.4
PORT_WORK, PORT_CACHES = 5.0, 0.6
CELL_WORK, CELL_CACHES, CELL_RULE = 6.0, 0.5, 1.2
TUPLE_WORK, TUPLE_CACHES = 8.0, 4.0
"""Nanoseconds that an engine works, how many times it waits for a read at random, and for each rule
that a packet meets in a list: of those on a grid the ones by which no choice was beaten most, on
109 rule sets (`bench/bench_engines.py`)."""
TUPLE_BYTES = 48


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What was chosen for one table and why; `nbytes` of its tables, `seconds` to build them."""

    name: str
    engine: str
    reason: str
    nbytes: int
    seconds: float


def access(nbytes: int) -> float:
    """Nanoseconds of one random read in a table of this size, many of them under way at once."""
    return next((price for size, price in LEVELS if nbytes <= size), DISTANT)


def affordable(price: float) -> int:
    """The largest table of which a random read costs no more than `price` nanoseconds."""
    if price >= DISTANT:
        return ANY_SIZE
    return max((size for size, own in LEVELS if own <= price), default=0)


def dense_cost(cells: int, values: int) -> float:
    """Nanoseconds per packet of a dense table with cells and values of these sizes in bytes."""
    return DENSE_WORK + DENSE_CACHES * (access(cells) + access(values))


def port_cost(cells: int, intervals: int) -> float:
    """Nanoseconds per packet of cells with intervals of ports of these sizes in bytes."""
    return PORT_WORK + PORT_CACHES * (access(cells) + access(intervals))


def cell_cost(cells: int, lists: int, met: float = 0) -> float:
    """Nanoseconds per packet of cells with lists of these sizes in bytes, of which a packet meets
    so many rules."""
    return CELL_WORK + CELL_CACHES * (access(cells) + access(lists)) + CELL_RULE * met


def tuple_cost(n_rules: int) -> float:
    """Nanoseconds per packet of tuple-space search over so many rules."""
    return TUPLE_WORK + TUPLE_CACHES * 2 * access(n_rules * TUPLE_BYTES)


def values_for(most: float, cells: int) -> int:
    """How large the values of a dense table may be that costs `most` nanoseconds at most."""
    return affordable((most - DENSE_WORK) / DENSE_CACHES - access(cells))


def lists_for(most: float, cells: int) -> int:
    """How large the rules or ports of cells may be that cost `most` nanoseconds at most, with
    whichever of both is cheaper."""
    ports = affordable((most - PORT_WORK) / PORT_CACHES - access(cells))
    return max(ports, affordable((most - CELL_WORK) / CELL_CACHES - access(cells)))


def megabytes(n: int) -> str:
    """A size for people."""
    return f"{n / (1 << 20):,.1f} MiB"
