"""What the underlays of test networks have in common, which say `n`, `ecmp` and `reachable`."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np


class MadeUnderlay:
    """Answers about nodes as `fabric.control.underlay` gives them, from next hops of each pair."""

    speeds = None
    ends: Sequence[Any] = ()
    sessions: Sequence[Any] = ()
    n: int

    def ecmp(self, a: int, b: int) -> tuple[tuple[int, int], ...]:
        raise NotImplementedError

    def reachable(self, a: int, b: int) -> bool:
        raise NotImplementedError

    def lengths(self, a: Any, b: Any) -> Any:
        found = [
            [len(self.ecmp(x, y)) if x != y and self.reachable(x, y) else (x == y) - 1
             for y in range(self.n)]
            for x in range(self.n)
        ]  # fmt: skip
        return np.array(found, np.int16).reshape(self.n, self.n)[a, b]

    def all_lengths(self) -> Any:
        every = np.arange(self.n)
        return self.lengths(every[:, None], every)

    def reaching(self) -> Any:
        return self.all_lengths() > 0

    def next_hops(self, a: Any, b: Any) -> Any:
        rows = [self.ecmp(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        hops = np.array([hop for row in rows for hop in row], np.int32).reshape(-1, 2)
        return np.array([len(row) for row in rows], np.int64), hops[:, 0], hops[:, 1]

    def spread(self) -> Any:
        rows = [self.ecmp(a, b) for a in range(self.n) for b in range(self.n)]
        off = np.r_[0, np.cumsum([len(row) for row in rows])].astype(np.int32)
        hops = np.array([hop for row in rows for hop in row], np.int32).reshape(-1, 2)
        return SimpleNamespace(n=self.n, hops=(off, hops[:, 0], hops[:, 1]))

    def same_next_hops(self, other: Any) -> bool:
        return all(map(np.array_equal, self.spread().hops, other.spread().hops))
