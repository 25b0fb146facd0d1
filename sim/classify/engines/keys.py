"""Keys of a table: which block of rules a (VNI, direction, endpoint) has.

Values that rules name are numbered from 1 on each axis; 0 stands for every other value, known to
nobody. A combination's block holds the rules that name it and those for any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.ruleset import ANY, I64, RuleSet

MAX_COMBINATIONS = 1 << 20
MAX_ENDPOINT = (1 << 24) - 1
MAX_COPIES = 1 << 18
"""Rules for any key lie in every block; more copies of them take longer than anybody waits."""
DIRECTIONS = 3


@dataclass(frozen=True, slots=True)
class Keys:
    """`vni`, `endpoint`: named values, sorted; `block` per combination; `rules` of each block."""

    vni: I64
    endpoint: I64
    uses_vni: bool
    uses_direction: bool
    uses_endpoint: bool
    block: NDArray[np.uint32]
    rules: tuple[I64, ...]


def keys(rules: RuleSet) -> Keys | None:
    """Blocks of a rule set; None if there are too many combinations, or numbers too high to
    tabulate."""
    vni, endpoint = (np.unique(c[c != ANY]) for c in (rules.vni, rules.endpoint))
    uses_direction = bool((rules.direction != ANY).any())
    sizes = (
        len(vni) + 1,
        DIRECTIONS if uses_direction else 1,
        len(endpoint) + 1 if len(endpoint) else 1,
    )
    if int(np.prod(sizes)) > MAX_COMBINATIONS or endpoint.max(initial=0) > MAX_ENDPOINT:
        return None
    number = [
        np.where(rules.vni == ANY, -1, np.searchsorted(vni, rules.vni) + 1),
        rules.direction.astype(np.int64),
        np.where(rules.endpoint == ANY, -1, np.searchsorted(endpoint, rules.endpoint) + 1),
    ]
    groups = _groups(number)
    wildcards = [sorted({key[axis] == -1 for key in groups}) for axis in range(3)]
    block, known, out = np.zeros(sizes, np.uint32), dict[tuple[int, ...], int](), list[I64]()
    by_key = {key: index for index, key in enumerate(groups)}
    parts = list(groups.values())
    for combination in product(*(range(size) for size in sizes)):
        options = [
            [-1 if wild else value for wild in wild_values]
            for value, wild_values in zip(combination, wildcards, strict=True)
        ]
        holds = tuple(sorted(by_key[key] for key in product(*options) if key in by_key))
        if holds not in known:
            known[holds] = len(out)
            empty = np.zeros(0, np.int64)
            out.append(np.sort(np.concatenate([empty, *(parts[i] for i in holds)])))
        block[combination] = known[holds]
    if sum(map(len, out)) - len(rules) > MAX_COPIES:
        return None
    return Keys(
        vni, endpoint, bool(len(vni)), uses_direction, bool(len(endpoint)),
        block.reshape(-1), tuple(out),
    )  # fmt: skip


def combinations(by_key: Keys, vni: int) -> slice:
    """The combinations of one named VNI in `by_key.block`. Raises `KeyError`."""
    at = int(np.searchsorted(by_key.vni, vni))
    if at == len(by_key.vni) or by_key.vni[at] != vni:
        raise KeyError(vni)
    size = len(by_key.block) // (len(by_key.vni) + 1)
    return slice((at + 1) * size, (at + 2) * size)


def _groups(number: list[I64]) -> dict[tuple[int, int, int], I64]:
    """Rules by exact key, -1 for any."""
    spans = [int(column.max(initial=0)) + 2 for column in number]
    flat = ((number[0] + 1) * spans[1] + number[1] + 1) * spans[2] + number[2] + 1
    order = np.argsort(flat, kind="stable")
    cuts = np.flatnonzero(np.diff(flat[order])) + 1
    out = {}
    for part in np.split(order, cuts):
        if len(part):
            a, b, c = (int(column[part[0]]) for column in number)
            out[a, b, c] = part
    return out


class Numbers(NamedTuple):
    """Numbers of named values, 0 for others: `page[root[v >> 8] << 8 | v & 255]` if `paged`, else
    `page[v]`; `v` is the value less `first` (as an unsigned word), at most `last`."""

    first: int
    last: int
    paged: bool
    root: NDArray[np.uint32]
    page: NDArray[np.uint32]


def numbers(values: I64, paged: bool) -> Numbers:
    """Values, sorted, numbered from 1."""
    first = int(values[0]) if len(values) and not paged else 0
    within = values - first
    last = int(within.max(initial=-1)) + 1
    number = np.arange(1, len(values) + 1)
    if not paged:
        page = np.zeros(last + 1, np.uint32)
        page[within] = number
        return Numbers(first, last, False, np.zeros(1, np.uint32), page)
    last = (last | 255) + 1
    high = np.unique(within >> 8)
    root = np.zeros((last >> 8) + 1, np.uint32)
    root[high] = np.arange(1, len(high) + 1)
    page = np.zeros((len(high) + 1) << 8, np.uint32)
    page[root[within >> 8].astype(np.int64) << 8 | (within & 255)] = number
    return Numbers(first, last, True, root, page)
