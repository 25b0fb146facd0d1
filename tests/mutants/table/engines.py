"""Faults of `sim.classify`: tables of classifiers before any kernel reads them."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/classify/engines/walked.py",
        "met: NDArray[np.float64] = (listed & before) @ times.astype(float)",
        "met: NDArray[np.float64] = (held & before) @ times.astype(float)",
        "engines: a list costs as if only rules that hold were met",
        "tests/sim/classify/engines/test_walked.py",
    ),
    Fault(
        "sim/classify/engines/plan.py",
        "return CELL_WORK + CELL_CACHES * (access(cells) + access(lists)) + CELL_RULE * met",
        "return CELL_WORK + CELL_CACHES * (access(cells) + access(lists))",
        "engines: rules met in lists cost nothing",
        "tests/sim/classify/engines/test_walked.py",
    ),
    Fault(
        "sim/classify/axes/address_axis.py",
        "a, b = number[nest.item], nest.end[nest.item] + 1 - root",
        "a, b = number[nest.item], number[nest.item] + 1",
        "a rule does not hold what more specific prefixes hold",
    ),
    Fault(
        "sim/classify/axes/address_axis.py",
        "inside[1:] = (rule[1:] == rule[:-1]) & (b[1:] <= reach[:-1])",
        "inside[1:] = b[1:] <= reach[:-1]",
        "intervals of one rule are dropped for those of another",
    ),
    Fault(
        "sim/classify/engines/linear.py",
        "masks[:, 0], masks[:, 1] = _mask(length, 64), _mask(length - 64, 64)",
        "masks[:, 0], masks[:, 1] = _mask(length, 64), _mask(length, 64)",
        "scan: IPv6 prefixes longer than /64 are longer still",
    ),
    Fault(
        "sim/classify/engines/linear.py",
        "missing = [name for name in names if getattr(columns, name) is None]",
        "missing: list[str] = []",
        "packets without a column that rules look at are classified",
    ),
    Fault(
        "sim/classify/tuple_space/steps.py",
        'number: I64 = np.searchsorted(steps, length, "right") - 1',
        'number: I64 = np.searchsorted(steps, length, "left") - 1',
        "prefixes are hashed by fewer bits than their own length",
    ),
    Fault(
        "sim/kernels/match/l4.py",
        "for place, row in enumerate(rows):",
        "for place, row in enumerate(rows[:2]):",
        "classes of packets are those of connection state and DSCP, whatever else is classified",
        by="tests/plugins/test_a_header_field_of_packets.py::"
        "test_a_row_that_is_classified_is_looked_up_by_every_engine",
    ),
    Fault(
        "sim/kernels/match/linear.py",
        "for place in range(len(FURTHER)):",
        "for place in range(2):",
        "the scan looks at connection state and DSCP alone",
        by="tests/plugins/test_a_header_field_of_packets.py::"
        "test_a_row_that_is_classified_is_looked_up_by_every_engine",
    ),
    Fault(
        "sim/classify/axes/l4_classes.py",
        "meta if uses_meta or len(meta) == 256 else meta[::REST],",
        "meta if uses_meta or len(meta) == 256 else meta[::128],",
        "protocols have the classes of others",
    ),
)
