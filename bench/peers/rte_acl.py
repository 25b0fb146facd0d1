"""`RteAcl`: a rule set as DPDK's rte_acl holds it, to measure against and to compare answers with.

Its answers are rule ids as ours are: rows carry their rule's id. Packets are turned into the
records that rte_acl reads, in network order, and pointers to them, before anything is timed; that
favours rte_acl, whose users have packets and not columns.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import CapacityError, MachineError
from peers import eal
from sim.classify.columns import Columns
from sim.classify.expand import ExpandedRows, expanded
from sim.classify.ruleset import ANY, Prefixes6, RuleSet

ALGORITHMS = {"scalar": 1, "sse": 2, "avx2": 3, "avx512x16": 6, "avx512x32": 7}
BURST = 256
MOST_ROWS = (1 << 29) - 1
BUILD_LIMIT = 8 << 30
"""Bytes that a build may take beyond what the process has: rte_acl knows no limit of its own."""

_names = itertools.count()


@dataclass(frozen=True, slots=True)
class Burst:
    """Packets as rte_acl reads them: records, pointers to each, and room for answers."""

    records: NDArray[Any]
    pointers: NDArray[np.uint64]
    found: NDArray[np.uint32]


class RteAcl:
    """A built context. `seconds` and `bytes` are what the build took and what the tables take;
    `huge` whether they lie in huge pages. `max_size` bounds the tables, in bytes: 0 makes many
    small tries, a large one few large ones, which are often faster. Close it, or use it in a
    `with` block."""

    def __init__(
        self, rules: RuleSet, version: int = 4, limit: int = BUILD_LIMIT, max_size: int = 0
    ) -> None:
        self.library, self.huge = eal.start()
        self.has_vni = bool((rules.vni != ANY).any())
        rows = expanded(rules, version)
        self.rows = len(rows)
        ids = rows.rule.astype(np.int32)
        values, masks = _fields(rows, self.has_vni)
        context, seconds, size = ctypes.c_void_p(), ctypes.c_double(), ctypes.c_uint64()
        with _limited(limit):
            failed = self.library.bench_build(
                f"cloison{next(_names)}".encode(),
                values.shape[1] - 3,
                ctypes.c_int64(len(rows)),
                *(_pointer(array) for array in (ids, values, masks)),
                ctypes.c_uint64(max_size),
                ctypes.byref(context),
                ctypes.byref(seconds),
                ctypes.byref(size),
            )
        if failed:
            raise CapacityError(
                f"rte_acl cannot build {len(rows):,} rows: {os.strerror(-failed)} "
                f"after {seconds.value:.1f} s"
            )
        self.context, self.seconds, self.bytes = context, seconds.value, size.value

    def __enter__(self) -> RteAcl:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the tables; twice is once."""
        if self.context:
            self.library.bench_free(self.context)
            self.context = ctypes.c_void_p()

    def algorithms(self) -> tuple[str, ...]:
        """Those that this host can run."""
        return tuple(name for name in ALGORITHMS if self._select(name))

    def prepare(self, columns: Columns) -> Burst:
        """The packets in rte_acl's form."""
        words = [columns.src[:, None], columns.dst[:, None]]
        if columns.version == 6:
            words = [
                address_words(columns.src, columns.src_lo),
                address_words(columns.dst, columns.dst_lo),
            ]
        if self.has_vni:
            assert columns.vni is not None
            words.insert(0, columns.vni[:, None])
        n, width = len(columns), sum(word.shape[1] for word in words)
        records = np.empty((n, width + 2), ">u4")
        records[:, 0] = columns.protocol.astype(np.uint32) << np.uint32(24)
        records[:, 1:-1] = np.concatenate(words, axis=1)
        records[:, -1] = columns.sport.astype(np.uint32) << np.uint32(16) | columns.dport
        stride = records.strides[0]
        pointers = records.ctypes.data + np.arange(n, dtype=np.uint64) * np.uint64(stride)
        return Burst(records, pointers.astype(np.uint64), np.empty(n, np.uint32))

    def classify(self, burst: Burst, algorithm: str) -> NDArray[np.int32]:
        """Rule ids, -1 for none."""
        if not self._select(algorithm):
            raise MachineError(f"rte_acl's {algorithm} does not run on this host")
        self.run(burst)
        ids: NDArray[np.int32] = burst.found.view(np.int32) - np.int32(1)
        return ids

    def select(self, algorithm: str) -> None:
        """Use this algorithm from now on; the host must be able to run it."""
        if not self._select(algorithm):
            raise MachineError(f"rte_acl's {algorithm} does not run on this host")

    def run(self, burst: Burst) -> None:
        """Classify with the selected algorithm; this alone is what is timed."""
        failed = self.library.bench_classify(
            self.context,
            ctypes.c_int64(len(burst.found)),
            _pointer(burst.pointers),
            _pointer(burst.found),
            BURST,
        )
        if failed:
            raise MachineError(f"rte_acl fails: {os.strerror(-failed)}")

    def _select(self, algorithm: str) -> bool:
        return bool(self.library.bench_algorithm(self.context, ALGORITHMS[algorithm]) == 0)


def _fields(rows: ExpandedRows, has_vni: bool) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Values and masks, [rows, fields], as `rte_acl.c` takes them."""
    values: list[Any] = [rows.protocol[:, :1]]
    masks: list[Any] = [rows.protocol[:, 1:]]
    if has_vni:
        vni = rows.rules.vni[rows.rule][:, None]
        values.append(np.where(vni == ANY, 0, vni))
        masks.append(np.where(vni == ANY, 0, 32))
    for side in ("src", "dst"):
        words, lengths = _prefix_words(rows, side)
        values.append(words)
        masks.append(lengths)
    for side in ("sport", "dport"):
        lists, at = getattr(rows.rules, side), getattr(rows, side)
        values.append(lists.first[at][:, None])
        masks.append(lists.last[at][:, None])
    return _joined(values), _joined(masks)


def _prefix_words(rows: ExpandedRows, side: str) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Values and prefix lengths of `side` ("src", "dst") as 32-bit words, [n, 1] or [n, 4]."""
    lists = getattr(rows.rules, f"{side}{rows.version}")
    at = getattr(rows, side)
    length = lists.length[at].astype(np.int64)
    if not isinstance(lists, Prefixes6):
        return lists.first[at][:, None], length[:, None].astype(np.uint32)
    words = address_words(lists.hi[at], lists.lo[at])
    return words, (length[:, None] - [0, 32, 64, 96]).clip(0, 32).astype(np.uint32)


def _joined(columns: list[Any]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(np.concatenate(columns, axis=1, dtype=np.uint32, casting="unsafe"))


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@contextmanager
def _limited(extra: int) -> Iterator[None]:
    """At most so many more bytes of address space, so that a build fails before the machine does;
    rte_acl answers that with an error code."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * resource.getpagesize() + extra
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def address_words(hi: Any, lo: Any) -> NDArray[np.uint32]:
    """Four 32-bit words of each 128-bit address."""
    return np.stack([hi >> np.uint64(32), hi, lo >> np.uint64(32), lo], 1).astype(np.uint32)
