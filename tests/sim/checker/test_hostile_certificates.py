"""Certificates that were written to keep their reader busy: refused, and soon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from certificate_changes import resealed
from routed_demo import DEMO, DEMO_POLICY

from sim.checker.consistency import inconsistencies
from sim.checker.expected import expected
from sim.checker.validity import differences

SECONDS = 20.0
WANTED: Any = json.loads(json.dumps(expected(DEMO, (), DEMO_POLICY)[0]))


def tiles(written: Any) -> None:
    """TCP of one profile in 16,384 boxes."""
    for boxes in written["profiles"]:
        tcp = [box for box in boxes if box[:2] == [6, 6]]
        if len(tcp) == 1:
            at, outcome = boxes.index(tcp[0]), tcp[0][6]
            boxes[at : at + 1] = [
                [6, 6, d * 512, d * 512 + 511, s * 512, s * 512 + 511, outcome]
                for d in range(128)
                for s in range(128)
            ]
            return
    raise AssertionError("no such profile")


def groups(written: Any) -> None:
    """Thousands of groups, whose matrix would have millions of cells."""
    first = written["endpoints"][0]
    for number in range(3000):
        more = {"name": f"a/b/{number}", "group": f"g{number}", "v4": [], "v6": [], "prefixes": []}
        written["endpoints"].append(first | more)


def claims(written: Any) -> None:
    """As many questions as there is room for, each about everybody."""
    written["claims"] = [
        {"claim": f"only: * -> *:{n % 65536}/tcp", "hold_under": [], "holds": False, "pairs": 1,
         "fails_without": None}
        for n in range(20_000)
    ]  # fmt: skip


def stripes(written: Any) -> None:
    """One map of 100,000 ranges."""
    rows = written["maps"][0]
    last, other = rows[-1], next(row for row in rows if row[2:] != rows[-1][2:])
    start, end = last[0], last[1]
    assert end - start > 100_000
    striped = [[start + n, start + n, *(last, other)[n % 2][2:]] for n in range(100_000)]
    rows[-1:] = [*striped, [start + 100_000, end, *last[2:]]]


@pytest.mark.slices(2)
@pytest.mark.parametrize("change", [tiles, groups, claims, stripes])
def test_work_grows_with_size(change: Callable[[Any], None]) -> None:
    other = json.loads(json.dumps(WANTED))
    change(other)
    other = resealed(other)
    start = time.process_time()
    assert inconsistencies(other) or differences(other, WANTED)
    assert time.process_time() - start < SECONDS
