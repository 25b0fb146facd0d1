"""Two rule sets, chain by chain and rule by rule: what one of them lacks, has beside, or otherwise.

Counters, handles, comments and what stands under another number change nothing. Of a chain that is
there on both sides rules are told in their order; a table that only one side has is told by the
chains of it that packets come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from compiler.imports.nft.rule_set import NftChain, NftRule, NftRuleSet, NftTable
from compiler.imports.nft.said import elements_said, rule_said

MOST_ALIGNED = 4000
"""Rules of a chain up to which they are aligned; beyond, they are told as they are found."""
State = Literal["missing", "extra", "different"]


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """`kind` is chain, rule or element; `where` the chain or set, `what` the place in it. `rule` is
    the rule that is wanted, where one is."""

    kind: str
    where: str
    what: str
    state: State
    wanted: str
    found: str
    rule: NftRule | None = None


def differences(wanted: NftRuleSet, found: NftRuleSet) -> Iterator[RuleDifference]:
    """Everything, in order of the names of tables and chains."""
    for key in sorted(wanted.tables.keys() | found.tables.keys()):
        mine, theirs = wanted.tables.get(key), found.tables.get(key)
        if mine is None or theirs is None:
            yield from _whole_table(mine, theirs)
            continue
        if mine.dormant != theirs.dormant:
            where = " ".join(key)
            yield RuleDifference("chain", where, "", "different", _dormant(mine), _dormant(theirs))
        for name in sorted(mine.chains.keys() | theirs.chains.keys()):
            yield from _chain(name, mine.chains.get(name), theirs.chains.get(name))
        for name in sorted(mine.sets.keys() | theirs.sets.keys()):
            sides = [table.sets.get(name) for table in (mine, theirs)]
            unsure = next((side.unsure for side in sides if side and side.unsure), "")
            a, b = (elements_said(side) if side else {} for side in sides)
            yield from _elements(f"@{name}", a, b, unsure)


def _dormant(table: NftTable) -> str:
    return {True: "dormant", False: "awake", None: "perhaps dormant"}[table.dormant]


def _whole_table(mine: NftTable | None, theirs: NftTable | None) -> Iterator[RuleDifference]:
    table = mine or theirs
    assert table is not None
    for chain in table.chains.values():
        if chain.hook:
            state: State = "missing" if mine else "extra"
            said = f"{len(chain.rules):,} rules, {_head(chain)}"
            sides = (said, "") if mine else ("", said)
            where = f"{table.family} {table.name} {chain.name}"
            yield RuleDifference("chain", where, "", state, *sides)


def _head(chain: NftChain) -> str:
    """How a chain is hooked."""
    if not chain.hook:
        return "called by others"
    devices = "" if not chain.devices else f" of {', '.join(chain.devices)}"
    kind = f"{chain.kind} {chain.hook}{devices} priority {chain.priority}"
    return f"{kind} policy {chain.policy}"


def _chain(name: str, mine: NftChain | None, theirs: NftChain | None) -> Iterator[RuleDifference]:
    if mine is None or theirs is None:
        only = mine or theirs
        assert only is not None
        said = f"{len(only.rules):,} rules, {_head(only)}"
        sides = (said, "") if mine else ("", said)
        first = mine.rules[0] if mine and mine.rules else None
        yield RuleDifference("chain", name, "", "missing" if mine else "extra", *sides, first)
        return
    if _head(mine) != _head(theirs):
        yield RuleDifference("chain", name, "", "different", _head(mine), _head(theirs))
    a, b = ([rule_said(rule) for rule in chain.rules] for chain in (mine, theirs))
    if a != b:
        yield from _rules(name, mine.rules, a, b)


def _rules(
    name: str, rules: list[NftRule], mine: list[str], theirs: list[str]
) -> Iterator[RuleDifference]:
    if max(len(mine), len(theirs)) > MOST_ALIGNED:
        for n, text in enumerate(mine):
            if n >= len(theirs) or theirs[n] != text:
                there = theirs[n] if n < len(theirs) else ""
                state: State = "different" if there else "missing"
                yield RuleDifference("rule", name, f"{n + 1}", state, text, there, rules[n])
        for n in range(len(mine), len(theirs)):
            yield RuleDifference("rule", name, f"{n + 1}", "extra", "", theirs[n])
        return
    for what, low, high, first, last in SequenceMatcher(None, mine, theirs, False).get_opcodes():
        if what == "equal":
            continue
        both = min(high - low, last - first)
        for n in range(both):
            yield RuleDifference(
                "rule", name, f"{low + n + 1}", "different", mine[low + n], theirs[first + n],
                rules[low + n],
            )  # fmt: skip
        for n in range(low + both, high):
            yield RuleDifference("rule", name, f"{n + 1}", "missing", mine[n], "", rules[n])
        for n in range(first + both, last):
            yield RuleDifference("rule", name, f"{n + 1}", "extra", "", theirs[n])


def _elements(
    name: str, mine: Mapping[str, str], theirs: Mapping[str, str], unsure: str
) -> Iterator[RuleDifference]:
    for key in sorted(mine.keys() | theirs.keys()):
        a, b = mine.get(key), theirs.get(key)
        if a != b:
            state: State = "missing" if b is None else "extra" if a is None else "different"
            ours, has = ("" if side is None else side or "there" for side in (a, b))
            yield RuleDifference("element", name, key, state, ours, has)
    if unsure:
        yield RuleDifference("element", name, "", "different", "fixed", unsure)
