"""Exceptions of address blocks without effect: whoever is left out gets in another way (C681)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from compiler.lints.asked import AskedPolicies, WrittenRule, warning
from compiler.lints.header_classes import CellTable
from compiler.policy.ir import Action, Cidr, Direction, Rule
from fabric.diagnostics import Diagnostic
from fabric.values.inventory import Prefix


class Hole(NamedTuple):
    """An exception of a block, and one of the same block that holds all of it, if one does."""

    written: WrittenRule
    rule: Rule
    prefix: Prefix
    around: Prefix | None


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """Every warning, in the order of the policy."""
    for written, rule, prefix, around in without_effect(asked):
        what = f"{written}: the exception {prefix} changes nothing"
        if around is not None:
            yield warning("C681", f"{what}: {around} is one too", rule.origin.span)
            continue
        side = "from" if rule.direction is Direction.IN else "to"
        hint = f"other rules of these pods decide about all packets {side} there"
        what += " for the pods that are here"
        yield warning("C681", what, rule.origin.span, hint)


def without_effect(asked: AskedPolicies) -> Iterator[Hole]:
    """Exceptions without which every packet fares as it does with them; each by itself."""
    for written, rules in asked.written.items():
        if not written.kind.items or written.tenant in asked.unread:
            continue
        if (written.kind, written.name) in asked.idle:
            continue
        for rule in rules:
            block = rule.remote[0].addresses()
            for number, prefix in enumerate(() if block is None else block.excepts):
                assert block is not None
                others = (*block.excepts[:number], *block.excepts[number + 1 :])
                around = next((o for o in others if _inside(prefix, o)), None)
                filled = replace(rule, remote=(Cidr(prefix, others, block.pods, written.tenant),))
                if around is not None or not _matters(asked, filled):
                    yield Hole(written, rule, prefix, around)


def _inside(one: Prefix, other: Prefix) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _matters(asked: AskedPolicies, filled: Rule) -> bool:
    """Whether a rule about what is left out would let anything more through anywhere."""
    parts = list(asked.meant(filled))
    if not parts:
        return True
    found = asked.where(filled, parts)
    return any(_more(place.table.with_lines(lines), place.layer) for place, lines in found)


def _more(cut: CellTable, layer: int) -> bool:
    if not cut.plain:
        return True
    held = cut.held(cut.extra) & cut.reached(layer)
    denied = cut.does(layer, cut.first(cut.of_layer(layer))) == Action.DENY
    return bool(np.any(held & denied))
