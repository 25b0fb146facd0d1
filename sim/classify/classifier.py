"""`Classifier`: rules of both IP versions, ready for packets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import Diagnostic, InputError
from sim.classify.choose import KeyedTable, LinearTable, RuleTable, build_table
from sim.classify.columns import Columns
from sim.classify.engines.linear import looked_at, require, scan
from sim.classify.engines.lookup import headers
from sim.classify.engines.plan import BUDGET, TablePlan
from sim.classify.engines.swapped_blocks import updated
from sim.classify.refusals import check_build, check_out, check_update
from sim.classify.rename import AddressNames, Forest, rename
from sim.classify.ruleset import I64, RuleSet

SLICE = 1 << 18
U32 = NDArray[np.uint32]


class TableVersion(NamedTuple):
    """What `classify` reads: the optional columns that rules look at, a table per IP version."""

    looked_at: tuple[str, ...]
    tables: dict[int, RuleTable]


@dataclass(slots=True)
class Classifier:
    """Made by `build`. `plans` says for every table which engine holds it and why, `names` how IPv6
    addresses are renamed. An update replaces `version`, which nothing changes afterwards."""

    plans: tuple[TablePlan, ...]
    version: TableVersion
    names: tuple[AddressNames, AddressNames] | None
    forests: tuple[Forest, Forest] | None

    @property
    def tables(self) -> dict[int, RuleTable]:
        """The tables as they are now, by IP version."""
        return self.version.tables

    @property
    def nbytes(self) -> int:
        """Bytes of all tables."""
        return sum(plan.nbytes for plan in self.plans)

    def classify(
        self, columns: Columns, threads: int = 1, out: NDArray[np.int32] | None = None
    ) -> NDArray[np.int32]:
        """The id of each packet's first matching rule, -1 for none. `InputError` C740 when a
        column is missing that some rule looks at."""
        names, tables = self.version
        if not isinstance(threads, int) or threads < 1:
            raise InputError(Diagnostic("C746", f"{threads!r} threads"))
        require(names, columns)
        n = len(columns)
        found = np.empty(n, np.int32) if out is None else check_out(out, n)
        table = tables.get(columns.version)
        if table is None or n == 0:
            found[:] = -1
            return found
        if isinstance(table, LinearTable) and self.names is None and columns.version == 6:
            rows = scan(table.rules, columns)
            found[:] = np.where(rows < 0, -1, table.ids[rows])
            return found
        packets = headers(columns, *self._addresses(columns, threads))
        _slices(n, threads, lambda begin, end: table.match(packets, begin, end, found))
        return found

    def update(self, vni: int, rules: RuleSet, ids: I64) -> bool:
        """From now on `rules` are all rules that concern `vni`, in order, those for any VNI
        included; `ids` are their answers. Others' blocks stay where they are, and a thread that
        classifies meanwhile sees the old block or the new one. False, and nothing has changed, if
        the tables must be built anew: an unknown VNI or endpoint, a new IPv6 prefix, a table that
        is not keyed, or a block that needs another engine. `InputError` C746 for rules of another
        VNI and `ids` that do not fit."""
        check_update(vni, rules, ids)
        names, tables = self.version
        changed = dict(tables)
        for version in (4, 6):
            part = self._renamed(rules, version)
            table = tables.get(version)
            if part is None or (table is None and len(part[0])):
                return False
            if table is None:
                continue
            if not isinstance(table, KeyedTable):
                return False
            layout = updated(table.layout, vni, part[0], ids[part[1]])
            if layout is None:
                return False
            changed[version] = KeyedTable(layout, table.others)
        self.version = TableVersion(tuple(sorted({*names, *looked_at(rules)})), changed)
        return True

    def _renamed(self, rules: RuleSet, version: int) -> tuple[RuleSet, I64] | None:
        """The rules for one IP version, with addresses of 32 bits, and which they are; None if a
        prefix has no name."""
        src, dst = f"src{version}", f"dst{version}"
        which = np.flatnonzero(_usable(getattr(rules, src).off, getattr(rules, dst).off))
        part = rules.take(which)
        if version == 4 or not len(which):
            return part, which
        if self.forests is None:
            return None
        renamed = [
            forest.renamed(lists)
            for forest, lists in zip(self.forests, (part.src6, part.dst6), strict=True)
        ]
        if renamed[0] is None or renamed[1] is None:
            return None
        return replace(part, src4=renamed[0], dst4=renamed[1]), which

    def _addresses(self, columns: Columns, threads: int) -> tuple[U32, U32]:
        """Addresses of 32 bits: of IPv6 the names."""
        if columns.src_lo is None or columns.dst_lo is None or self.names is None:
            return columns.src, columns.dst  # type: ignore[return-value]
        out = []
        for names, hi, lo in zip(
            self.names, (columns.src, columns.dst), (columns.src_lo, columns.dst_lo), strict=True
        ):
            renamed = np.empty(len(columns), np.uint32)
            _slices(
                len(columns),
                threads,
                lambda begin, end, n=names, h=hi, w=lo, o=renamed: n.write(h, w, begin, end, o),
            )
            out.append(renamed)
        return out[0], out[1]


def build(rules: RuleSet, *, ids: I64 | None = None, budget: int = BUDGET) -> Classifier:
    """Tables for rules, within `budget` bytes; `ids[r]` is what `classify` answers for rule r, by
    default r itself. The engine is chosen from the rules alone."""
    numbers = np.arange(len(rules), dtype=np.int64) if ids is None else ids
    check_build(rules, numbers, budget)
    plans, tables = list[TablePlan](), dict[int, RuleTable]()
    names, forests = None, None
    used = _usable(rules.src4.off, rules.dst4.off)
    if used.any():
        which = np.flatnonzero(used)
        tables[4], made = build_table(rules.take(which), numbers[which], budget, "IPv4")
        plans += made
        budget -= sum(plan.nbytes for plan in made)
    used = _usable(rules.src6.off, rules.dst6.off)
    if used.any():
        which = np.flatnonzero(used)
        tables[6], made, names, forests = _build6(rules.take(which), numbers[which], budget)
        plans += made
    return Classifier(tuple(plans), TableVersion(looked_at(rules), tables), names, forests)


def _build6(
    rules: RuleSet, ids: I64, budget: int
) -> tuple[
    RuleTable,
    list[TablePlan],
    tuple[AddressNames, AddressNames] | None,
    tuple[Forest, Forest] | None,
]:
    src, dst = rename(rules.src6), rename(rules.dst6)
    if src is None or dst is None:
        plan = TablePlan(
            "IPv6", "linear", "prefixes nest too deeply to be renamed", rules.nbytes, 0.0
        )
        return LinearTable(rules, ids), [plan], None, None
    renamed = replace(rules, src4=src[0], dst4=dst[0])
    names = src[1], dst[1]
    table, plans = build_table(renamed, ids, budget, "IPv6")
    size = names[0].nbytes + names[1].nbytes
    plans[0] = replace(plans[0], nbytes=plans[0].nbytes + size)
    return table, plans, names, (src[2], dst[2])


def _usable(src: I64, dst: I64) -> NDArray[np.bool_]:
    """Rules that can match a packet of an IP version."""
    usable: NDArray[np.bool_] = (np.diff(src) > 0) & (np.diff(dst) > 0)
    return usable


def _slices(n: int, threads: int, work: object) -> None:
    jobs = [(at, min(at + SLICE, n)) for at in range(0, n, SLICE)]
    if threads == 1 or len(jobs) == 1:
        for job in jobs:
            work(*job)  # type: ignore[operator]
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda job: work(*job), jobs))  # type: ignore[operator]
