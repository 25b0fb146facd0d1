"""`scan`: the first matching rule of each packet by trying every rule. The definition that every
other engine must agree with, usable on samples: 100,000 rules cost about 0.3 ms per packet."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import classified
from fabric.diagnostics import Diagnostic, InputError
from sim.classify.columns import DTYPES, Columns
from sim.classify.ruleset import (
    ANY,
    BIT_SETS,
    KEYS,
    Prefixes,
    Prefixes6,
    Ranges,
    RuleSet,
)
from sim.packets.headers import Row, row_type

WIDE = {n: np.int64 if n in KEYS else np.uint64 for n in DTYPES if n not in classified()}
Headers128 = row_type("Headers128", DTYPES, __name__)
"""Columns of packets; those that no rule looks at are zeros. Keys and addresses are as wide as in
rules, of whichever IP version."""


def scan(rules: RuleSet, columns: Columns) -> NDArray[np.int32]:
    """Rule ids, -1 where none matches. `InputError` C740 when rules look at an absent column.

    >>> from sim.classify.ruleset import Rule
    >>> ports = np.array([80, 443], np.uint16)
    >>> packets = Columns(*np.zeros((2, 2), np.uint32), ports, ports, np.full(2, 6, np.uint8))
    >>> scan(RuleSet.of([Rule(dport=((443, 443),), protocols=(6, 17))]), packets).tolist()
    [-1, 0]
    """
    from sim.kernels.match.linear import scan as kernel

    require(looked_at(rules), columns)
    out = np.empty(len(columns), np.int32)
    kernel(_rules(rules, columns.version), _headers(columns), out)
    return out


def looked_at(rules: RuleSet) -> tuple[str, ...]:
    """The optional columns that some rule looks at."""
    keys = [name for name in KEYS if (getattr(rules, name) != ANY).any()]
    bits = [name for name, all_of in BIT_SETS.items() if (getattr(rules, name) != all_of).any()]
    return (*keys, *bits)


def require(names: tuple[str, ...], columns: Columns) -> None:
    """Refuse packets that lack one of these columns."""
    missing = [name for name in names if getattr(columns, name) is None]
    if missing:
        raise InputError(
            *(Diagnostic("C740", f"column {name} is missing: rules look at it") for name in missing)
        )


def _headers(columns: Columns) -> Row:
    found = ((getattr(columns, name), WIDE.get(name, kind)) for name, kind in DTYPES.items())
    n = len(columns)
    made: Row = Headers128(
        *(np.zeros(n, kind) if c is None else c.astype(kind, copy=False) for c, kind in found)
    )
    return made


def _rules(rules: RuleSet, version: int) -> Any:
    from sim.kernels.match.linear import Rules

    src, dst = (rules.src4, rules.dst4) if version == 4 else (rules.src6, rules.dst6)
    return Rules(
        rules.vni,
        rules.direction,
        rules.endpoint,
        rules.protocol,
        *_prefixes(src),
        *_prefixes(dst),
        *_ranges(rules.sport),
        *_ranges(rules.dport),
        *(getattr(rules, name) for name in BIT_SETS),
    )


def _prefixes(lists: Prefixes | Prefixes6) -> tuple[Any, Any, Any]:
    """Offsets, words [n, 2] and their masks [n, 2]; IPv4 in the first word."""
    n = len(lists.length)
    words, masks = np.zeros((n, 2), np.uint64), np.zeros((n, 2), np.uint64)
    length = lists.length.astype(np.int64)
    if isinstance(lists, Prefixes):
        words[:, 0] = lists.first
        masks[:, 0] = _mask(length, 32)
    else:
        words[:, 0], words[:, 1] = lists.hi, lists.lo
        masks[:, 0], masks[:, 1] = _mask(length, 64), _mask(length - 64, 64)
    return lists.off, words, masks


def _mask(length: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """`length` leading ones of `width` bits, clipped to either end."""
    table = [(1 << width) - (1 << (width - n)) for n in range(width + 1)]
    masks: NDArray[np.uint64] = np.array(table, np.uint64)[length.clip(0, width)]
    return masks


def _ranges(lists: Ranges) -> tuple[Any, Any, Any]:
    return lists.off, lists.first, lists.last
