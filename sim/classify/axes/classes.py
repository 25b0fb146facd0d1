"""What the engines for rules without keys look at, each found when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sim.classify.axes.address_axis import (
    ROOT_16,
    ROOT_16_CHUNKS,
    Axis,
    Nest,
    axis_of,
    chunks,
    nested,
)
from sim.classify.axes.l4_classes import L4Classes, Meta, l4_classes, meta_classes
from sim.classify.ruleset import RuleSet


@dataclass(frozen=True)
class Classes:
    """Of IPv4 rules: prefixes of either side, axes of their classes, and classes of the rest;
    `meta` are those of protocol, state and DSCP."""

    rules: RuleSet
    meta: Meta

    @cached_property
    def nests(self) -> tuple[Nest, Nest]:
        """Distinct prefixes of source and destination."""
        src, dst = self.rules.src4, self.rules.dst4
        return nested(src.first, src.length), nested(dst.first, dst.length)

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """Address classes of source and destination."""
        src, dst = self.nests
        return axis_of(src, self.rules.src4.off), axis_of(dst, self.rules.dst4.off)

    @cached_property
    def n_cells(self) -> int:
        """Pairs of address classes."""
        return self.axes[0].n * self.axes[1].n

    @cached_property
    def trie_bytes(self) -> int:
        """Bytes of a stride trie per axis."""
        return sum((ROOT_16_CHUNKS + chunks(cut, ROOT_16)) << 10 for cut in self.axes)

    @cached_property
    def l4_bytes(self) -> int:
        """Bytes of the tables of L4 classes."""
        return 0 if self.l4 is None else self.l4.nbytes

    @cached_property
    def l4(self) -> L4Classes | None:
        """L4 classes; None if they are too many."""
        return l4_classes(self.rules, self.meta)


def classes_of(rules: RuleSet) -> Classes | None:
    """The classes of rules; None if they tell too many protocols, states and DSCP values apart."""
    meta = meta_classes(rules)
    return None if meta is None else Classes(rules, meta)
