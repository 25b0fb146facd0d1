"""Which engine a table gets: from the rules alone, with its memory known before it is allocated.

The model adds up what a packet costs in nanoseconds: the work of the kernel, and for each table
that is read at random the price of the cache in which a table of that size lies. The prices are
those of a current server core; only their order matters.
"""

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
DENSE_WORK = 9.0
CELL_WORK = 14.0
TUPLE_WORK = 20.0
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
    return DENSE_WORK + access(cells) + access(values)


def cell_cost(cells: int, lists: int) -> float:
    """Nanoseconds per packet of cells with lists of these sizes in bytes."""
    return CELL_WORK + access(cells) + access(lists)


def tuple_cost(n_rules: int) -> float:
    """Nanoseconds per packet of tuple-space search over so many rules."""
    return TUPLE_WORK + 2 * access(n_rules * TUPLE_BYTES)


def megabytes(n: int) -> str:
    """A size for people."""
    return f"{n / (1 << 20):,.1f} MiB"
