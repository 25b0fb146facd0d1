"""What the classifier refuses at its door: rules, answers and arrays that cannot be (C740, C746).

Rules are columns that anyone may have made, and kernels read them without looking back: prefixes
with host bits or of too many bits, and lists that are no lists, would be read out of bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import Diagnostic, InputError
from sim.classify.ruleset import (
    ANY,
    BIT_SETS,
    I64,
    KEYS,
    Prefixes,
    Prefixes6,
    Ranges,
    RuleSet,
    bits_type,
)

COLUMNS = {"vni": "i8", "direction": "i1", "endpoint": "i8"}
COLUMNS |= {name: bits_type(name).str for name in BIT_SETS}
LISTS = ("src4", "dst4", "src6", "dst6", "sport", "dport")
LAST_ID = (1 << 31) - 1


def check_build(rules: RuleSet, ids: I64, budget: int) -> None:
    """Refuse what no table can be built from."""
    problems = [*rule_problems(rules), *_id_problems(ids, rules)]
    if not isinstance(budget, int) or budget < 0:
        problems.append(f"a budget of {budget!r} bytes")
    _refuse(problems)


def check_update(vni: int, rules: RuleSet, ids: I64) -> None:
    """Refuse what cannot be all rules of a VNI with an answer each."""
    if not isinstance(rules, RuleSet):
        _refuse([f"rules are {type(rules).__name__}, not a RuleSet"])
    problems = [*rule_problems(rules), *_id_problems(ids, rules)]
    if not problems:
        others = np.unique(rules.vni[(rules.vni != ANY) & (rules.vni != vni)])
        if len(others):
            problems.append(f"rules of VNI {int(others[0])} in an update of VNI {vni}")
    _refuse(problems)


def check_out(out: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """`out` itself, if the answers of `n` packets can be written to it."""
    good = isinstance(out, np.ndarray) and out.dtype == np.int32 and out.shape == (n,)
    if not (good and out.flags.c_contiguous and out.flags.writeable):
        raise InputError(Diagnostic("C740", f"out is not a writable row of {n:,} int32"))
    return out


def rule_problems(rules: RuleSet) -> Iterator[str]:
    """What columns hold that rules cannot."""
    n, broken = len(rules), False
    for name, kind in COLUMNS.items():
        if not _is_column(getattr(rules, name), kind, n):
            yield f"rules have a column {name} that is not {n:,} × {np.dtype(kind)}"
            broken = True
    if getattr(rules.protocol, "shape", None) != (n, 4) or rules.protocol.dtype != np.uint64:
        yield f"rules have a column protocol that is not {n:,} × 4 × uint64"
    for name, most in KEYS.items():
        column = getattr(rules, name)
        for value in () if broken else (column.min(initial=ANY), column.max(initial=ANY)):
            if not ANY <= value <= most:
                yield f"rules have {name} {int(value)}"
    for name in LISTS:
        problem = _list_problem(getattr(rules, name), n)
        if problem is not None:
            yield f"rules have {problem} in {name}"


def _list_problem(lists: Prefixes | Prefixes6 | Ranges, n: int) -> str | None:
    parts: dict[str, Any] = {
        Prefixes: {"first": "u4", "length": "u1"},
        Prefixes6: {"hi": "u8", "lo": "u8", "length": "u1"},
        Ranges: {"first": "u2", "last": "u2"},
    }[type(lists)]
    size = len(lists.first if not isinstance(lists, Prefixes6) else lists.hi)
    for name, kind in parts.items():
        if not _is_column(getattr(lists, name), kind, size):
            return f"a column {name} that is not {size:,} × {np.dtype(kind)}"
    off = lists.off
    if not _is_column(off, "i8", n + 1) or off[0] != 0 or off[-1] != size:
        return f"offsets that do not lead from 0 to {size:,} in {n:,} steps"
    if (np.diff(off) < 0).any():
        return "offsets that go back"
    if isinstance(lists, Ranges):
        return "a range that ends before it begins" if (lists.first > lists.last).any() else None
    return _prefix_problem(lists)


def _prefix_problem(lists: Prefixes | Prefixes6) -> str | None:
    width = 32 if isinstance(lists, Prefixes) else 128
    if lists.length.max(initial=0) > width:
        return f"a prefix of {int(lists.length.max())} bits"
    if isinstance(lists, Prefixes):
        words = [(lists.first.astype(np.uint64) << np.uint64(32), lists.length)]
    else:
        words = [
            (lists.hi, np.minimum(lists.length, 64)),
            (lists.lo, np.maximum(lists.length, 64) - np.uint8(64)),
        ]
    for word, length in words:
        rest = length < 64
        if (word[rest] << length[rest].astype(np.uint64)).any():
            return "a prefix with host bits"
    return None


def _is_column(value: Any, kind: str, n: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.dtype(kind) and value.shape == (n,)


def _id_problems(ids: I64, rules: RuleSet) -> Iterator[str]:
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu" or ids.ndim != 1:
        yield "ids are not a NumPy array of integers in one dimension"
    elif len(ids) != len(rules):
        yield f"{len(ids):,} ids for {len(rules):,} rules"
    elif len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) <= LAST_ID:
        yield f"ids are not from 0 to {LAST_ID}: -1 means no rule"


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InputError(*(Diagnostic("C746", problem) for problem in problems))
