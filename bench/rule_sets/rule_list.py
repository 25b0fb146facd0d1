"""`RuleList`: a rule set under construction, rule by rule, with lists of addresses as arrays.

Addresses are [n, 2] words of 64 bits in either IP version; IPv4 lies in the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rule_sets.one_version import nothing4, nothing6

from sim.classify.ruleset import (
    ALL_DSCP,
    ALL_STATES,
    ANY,
    Prefixes,
    Prefixes6,
    RuleSet,
    protocols,
    ranges,
)

Words = NDArray[np.uint64]
Side = tuple[Words, NDArray[np.uint8]]
EVERY_PORT = ((0, 65535),)


class RuleList:
    """Rules of one IP version, first match first."""

    def __init__(self, version: int = 4) -> None:
        self.version = version
        self.vni: list[int] = []
        self.sides: tuple[list[Side], list[Side]] = ([], [])
        self.dport: list[Sequence[tuple[int, int]]] = []
        self.sport: list[Sequence[tuple[int, int]]] = []
        self.protocols: list[tuple[int, ...] | None] = []

    def add(
        self,
        vni: int,
        src: Side,
        dst: Side,
        dport: Sequence[tuple[int, int]] = EVERY_PORT,
        protocol: tuple[int, ...] | None = None,
        sport: Sequence[tuple[int, int]] = EVERY_PORT,
    ) -> None:
        """One more rule, after the others."""
        self.vni.append(vni)
        for side, prefixes in zip(self.sides, (src, dst), strict=True):
            side.append(prefixes)
        self.dport.append(dport)
        self.sport.append(sport)
        self.protocols.append(protocol)

    def rules(self) -> RuleSet:
        """The rules so far."""
        n = len(self.vni)
        lists: list[Any] = [_prefixes(side, self.version) for side in self.sides]
        nothing: Any = nothing6(n) if self.version == 4 else nothing4(n)
        four, six = (lists, [nothing] * 2) if self.version == 4 else ([nothing] * 2, lists)
        src4, dst4, src6, dst6 = *four, *six
        return RuleSet(
            np.array(self.vni, np.int64),
            np.full(n, ANY, np.int8),
            np.full(n, ANY, np.int64),
            src4,
            dst4,
            src6,
            dst6,
            ranges(self.sport),
            ranges(self.dport),
            protocols(self.protocols),
            np.full(n, ALL_STATES, np.uint8),
            np.full(n, ALL_DSCP, np.uint64),
        )


def everything() -> Side:
    """The prefix of length 0."""
    return np.zeros((1, 2), np.uint64), np.zeros(1, np.uint8)


def hosts(words: Words, version: int) -> Side:
    """Single addresses."""
    return words, np.full(len(words), 32 if version == 4 else 128, np.uint8)


def networks(words: Words, length: int) -> Side:
    """Prefixes of one length; host bits of `words` are cut."""
    high, low = min(length, 64), max(length - 64, 0)
    mask = np.array([_ones(high), _ones(low)], np.uint64)
    return words & mask, np.full(len(words), length, np.uint8)


def networks4(words: Words, length: Any) -> Side:
    """IPv4 prefixes, each of its own length."""
    kept = np.uint64(32) - length.astype(np.uint64)
    words = words.copy()
    words[:, 0] = words[:, 0] >> kept << kept
    return words, length.astype(np.uint8)


def addresses4(values: Any) -> Words:
    """IPv4 addresses as words."""
    words = np.zeros((len(values), 2), np.uint64)
    words[:, 0] = values
    return words


def joined(*sides: Side) -> Side:
    """One list of several."""
    return np.concatenate([side[0] for side in sides]), np.concatenate([side[1] for side in sides])


def _ones(length: int) -> int:
    return (1 << 64) - (1 << (64 - length))


def _prefixes(sides: list[Side], version: int) -> Prefixes | Prefixes6:
    off = np.cumsum([0] + [len(length) for _, length in sides]).astype(np.int64)
    words, length = joined(everything(), *sides)
    hi, lo, length = words[1:, 0].copy(), words[1:, 1].copy(), length[1:]
    if version == 4:
        return Prefixes(off, hi.astype(np.uint32), length)
    return Prefixes6(off, hi, lo, length)
