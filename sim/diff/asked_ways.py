"""What ways ask for besides what a header tells: what must hold at both ends together.

A packet gets through where all holds that permits on its way ask for (`sim.blocks.conditions`). It
does not matter at which end something is asked, unless proxies end TLS there or read paths in
several ways. A *case* says what holds, and that nothing else does; ways that ask for different
things pass in different cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import conditions_of
from compiler.requests.request_bounds import ended, looks
from sim.blocks.conditions import Conditions, conditional, demanded
from sim.blocks.numbering import distinct, same_rows
from sim.proof.pairs.reachability import L4Sets, Reach, decisions, pairs_of
from sim.proof.routes.paths import Column
from sim.worlds.world import World

Word = tuple[str, str]
"""Of which end (empty where that does not matter), and what must hold."""
Case = frozenset[Word]
Labels = NDArray[np.int64]


class Asking:
    """What ways of some worlds ask for, numbered as it is met."""

    def __init__(self, worlds: Sequence[World]) -> None:
        words, readings = set[str](), set[str]()
        for world in worlds:
            words |= {*conditions_of(world.program)}
            spec = world.network.spec
            readings |= {t.http_paths for t in spec.tenants.values()} if spec else {"normalised"}
        self.apart = looks(words) and len(readings) > 1
        blocks = tuple(world.blocks for world in worlds)
        self.conditions: list[Conditions] = [(), ("something",)]
        if all(conditions_of(world.program) for world in worlds):
            self.conditions, self.says = demanded(blocks)
        else:
            asks = [conditional(b).astype(np.int64) for b in blocks]
            self.says = [np.where(b.dec_permit, a, -1) for b, a in zip(blocks, asks, strict=True)]
        self.met: dict[Case, int] = {}

    def of(self, out: Conditions, into: Conditions) -> Case:
        """What a way asks for (see the module)."""
        if self.apart or ended((*out, *into)):
            return frozenset((*(("out", c) for c in out), *(("in", c) for c in into)))
        return frozenset(("", c) for c in (*out, *into))

    def ends(self, code: int) -> tuple[Conditions, Conditions]:
        """What both ends of a way ask for, of a number of both."""
        out, into = divmod(code, len(self.conditions))
        return self.conditions[out], self.conditions[into]

    def number(self, case: Case) -> int:
        """Of what a way asks for."""
        return self.met.setdefault(case, len(self.met))

    def cases(self) -> list[Case]:
        """Each that a way asks for which was met, and each where all holds but one thing."""
        every = frozenset[Word]().union(*self.met)
        return [*dict.fromkeys((*self.met, *(every - {word} for word in sorted(every))))]


def words_of(case: Case) -> str:
    """A case as people say it."""
    return " and ".join(sorted({str(word) for _, word in case})) or "nothing besides"


@dataclass(frozen=True, slots=True)
class WaysAsked:
    """What the paths of a world ask for: a row of `labels` (by L4 atom, -1 where one end denies)
    for each path."""

    reach: Reach
    labels: Labels
    row: Column

    @staticmethod
    def of(reach: Reach, asking: Asking, says: Labels) -> WaysAsked:
        """Those of everything that is reachable."""
        paths, space = reach.paths, reach.space
        alike = same_rows([paths.version, paths.out_key, paths.in_key])
        version, out, into = (
            column[alike.sample] for column in (paths.version, paths.out_key, paths.in_key)
        )
        width = len(asking.conditions)
        codes = np.full((len(version), space.size), -1, np.int64)
        for n in range(len(version)):
            a, b = says[decisions(reach.blocks, np.array([out[n], into[n]]))]
            both = np.where((a >= 0) & (b >= 0), a * width + b, -1)
            codes[n] = space.of_version(both[None], int(version[n]))[0]
        at, sample = distinct(codes.ravel())
        labels = [
            -1 if code < 0 else asking.number(asking.of(*asking.ends(code)))
            for code in codes.ravel()[sample].tolist()
        ]
        return WaysAsked(reach, np.array(labels, np.int64)[at].reshape(codes.shape), alike.of)

    def passing(self, asking: Asking, cases: list[Case]) -> Reach:
        """What passes in some cases, as sets of (case, atom)."""
        passes = np.zeros((len(asking.met) + 1, len(cases)), np.bool_)
        for label, number in asking.met.items():
            passes[number] = [label <= case for case in cases]
        wide = passes[self.labels].transpose(0, 2, 1).reshape(len(self.labels), -1)
        sets = L4Sets(len(cases) * self.reach.space.size)
        path_set = sets.intern(wide)[self.row] if len(wide) else self.row
        pairs, cells = pairs_of(self.reach.paths, path_set, path_set, sets, alike=False)
        return replace(self.reach, path_set=path_set, sets=sets.bits, pairs=pairs, cells=cells)
