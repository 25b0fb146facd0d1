"""Steps of a rule, from its statements as libnftables-json(5) has them.

Rules that hold here:

1. Statements are taken in order: a match that fails ends the rule, whatever stands behind it.
2. What counts, logs, comments or copies changes no verdict: its words are told as ignored.
3. What is not known to do nothing may do anything.

Source: libnftables-json(5), STATEMENTS; nft(8), STATEMENTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from compiler.imports.nft.expressions import NotModelledError, Subject, compared, shown, subject
from compiler.imports.nft.known_lines import KnownLines, KnownRule
from compiler.imports.nft.nft_values import UnknownWordError, one, ranged
from compiler.imports.nft.rule_set import (
    NAMES,
    Effect,
    Key,
    KeyTable,
    MarkSet,
    NftDecision,
    NftDecisionMap,
    NftMatch,
    NftSet,
    Opaque,
    Step,
)

HARMLESS = frozenset(
    ("counter", "log", "dup", "ct helper", "ct timeout", "ct expectation", "secmark", "last")
)
"""Statements that decide nothing about the packet."""
MATCH = frozenset(("op", "left", "right"))
PLAIN = ("accept", "drop", "return", "continue")
MAYBE = frozenset(("limit", "quota", "ct count", "connlimit"))
"""Statements that let a rule go on or not, by what was before."""
EFFECTS: Mapping[str, str] = {
    "snat": "rewritten", "dnat": "rewritten", "masquerade": "rewritten", "redirect": "rewritten",
    "notrack": "untracked", "flow": "offloaded", "queue": "outside", "fwd": "outside",
    "tproxy": "outside", "synproxy": "outside",
}  # fmt: skip
OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
}  # fmt: skip
NAMED = {"&": "and", "|": "or", "^": "xor"}
REWRITTEN = frozenset(("saddr", "daddr", "sport", "dport", "protocol", "nexthdr", "type"))


Understood = tuple[tuple[Step, ...], list[str], list[str]]
"""The steps of a rule, what of it changes nothing, what of it is not modelled."""


class RuleReading:
    """Statements of the rules of one table, whose named sets are `sets`. `ignored` collects what
    changes nothing, `unknown` what is not modelled."""

    def __init__(self, sets: Mapping[str, NftSet], known: KnownLines | None = None) -> None:
        self.sets, self.known = sets, known or KnownLines()
        self.ignored: list[str] = []
        self.unknown: list[str] = []
        self._lookups: dict[tuple[str, tuple[str, ...]], tuple[KeyTable, list[int]]] = {}

    def understood(self, statements: list[Any], known: KnownRule | None = None) -> Understood:
        """The steps of a rule, and what of it changes nothing or is not modelled. Raises ValueError
        for what is no statement, KeyError for a set that is not there."""
        if known is not None and known.understood is not None:
            return known.understood  # type: ignore[no-any-return]
        self.ignored, self.unknown = [], []
        steps = self.steps(statements)
        found = steps, self.ignored, self.unknown
        if known is not None:
            known.understood = found
            self.known.share(steps)
        return found

    def steps(self, statements: list[Any]) -> tuple[Step, ...]:
        """All statements of a rule. Raises ValueError for what is no statement."""
        return tuple(step for one_of in statements for step in self._statement(one_of))

    def _statement(self, statement: Any) -> Iterator[Step]:
        if statement is None or not isinstance(statement, dict) or len(statement) != 1:
            raise ValueError(f"{shown(statement) or 'nothing'} is no statement")
        (kind, body), *_ = statement.items()
        if kind == "match":
            yield from self._match(body)
        elif kind == "vmap":
            yield from self._verdict_map(body)
        elif kind in PLAIN or kind in ("jump", "goto"):
            yield decision(statement)
        elif kind == "reject":
            self.ignored.append(shown(statement))
            yield NftDecision("drop")
        elif kind == "mangle":
            yield from self._mangle(body)
        elif kind in HARMLESS:
            self.ignored.append(shown(statement) if isinstance(body, dict | str) else kind)
        elif kind == "set" and isinstance(body, dict):
            words = f"{body.get('op')} to {body.get('set')}: {shown(body.get('elem'))}"
            self.ignored.append(words)
        else:
            self.unknown.append(shown(statement) or kind)
            if kind in EFFECTS:
                yield Effect(EFFECTS[kind], shown(statement) or kind)
            else:
                yield Opaque(shown(statement) or kind)
                if kind not in MAYBE:
                    yield Effect("outside", shown(statement) or kind)

    def _match(self, body: Any) -> Iterator[Step]:
        if not isinstance(body, dict) or not {"left", "right"} <= body.keys() <= MATCH:
            raise ValueError(f"{shown(body)} is no match")
        operator = body.get("op", "==")
        try:
            asked = subject(body["left"])
            lookup, unsure = self._right(asked, operator, body["right"])
        except NotModelledError as error:
            yield from error.needs
            yield self._opaque(body)
            return
        except UnknownWordError:
            yield from asked.needs
            yield self._opaque(body)
            return
        yield from asked.needs
        if unsure:
            self.unknown.append(unsure)
            yield Opaque(unsure)
        else:
            yield NftMatch(lookup, operator == "!=", asked.masks)

    def _opaque(self, body: Any) -> Opaque:
        text = shown(body)
        self.unknown.append(text)
        return Opaque(text)

    def _right(self, asked: Subject, operator: str, right: Any) -> tuple[KeyTable, str]:
        """The keys that a match asks for, and why they may be others."""
        if operator not in ("==", "!=", "in", "<", ">", "<=", ">="):
            raise NotModelledError(operator, asked.needs)
        if operator in ("<", ">", "<=", ">="):
            if len(asked.axes) != 1 or asked.axes[0] in NAMES:
                raise NotModelledError(operator, asked.needs)
            span = compared(asked.axes[0], operator, right)
            return KeyTable(asked.axes, ((span,),) if span else ()), ""
        if isinstance(right, str) and right.startswith("@"):
            lookup, _, unsure = self.named(right[1:], asked.axes)
            return lookup, unsure
        if isinstance(right, dict) and [*right] == ["set"]:
            return inline(asked, right["set"])[0], ""
        if isinstance(right, list):
            return self._bits(asked, operator, right), ""
        return KeyTable(asked.axes, (key(asked, right),)), ""

    def _bits(self, asked: Subject, operator: str, right: list[Any]) -> KeyTable:
        """A list of flags, of which one must be set; only states of connections are followed."""
        if asked.axes != ("state",) or operator != "in":
            raise NotModelledError("flags", asked.needs)
        return KeyTable(asked.axes, tuple((ranged("state", one_of),) for one_of in right))

    def named(self, name: str, axes: tuple[str, ...]) -> tuple[KeyTable, list[int], str]:
        """The keys of a named set for these axes, where in the set each stands, and why they may
        be others."""
        found = self.sets.get(name)
        if found is None:
            raise KeyError(name)
        if (name, axes) not in self._lookups:
            keys = [k for k, _, _ in found.keys]
            self._lookups[name, axes] = looked_up(axes, keys, self.known)
        lookup, places = self._lookups[name, axes]
        return lookup, places, found.unsure and f"@{name}: {found.unsure}"

    def _verdict_map(self, body: Any) -> Iterator[Step]:
        if not isinstance(body, dict) or not {"key", "data"} <= body.keys():
            raise ValueError(f"{shown(body)} is no verdict map")
        try:
            asked = subject(body["key"])
            lookup, values, unsure = self._map(asked, body["data"])
        except NotModelledError as error:
            yield from error.needs
            yield self._opaque(body)
            yield Effect("outside", shown(body))
            return
        yield from asked.needs
        if any(mask is not None for mask in asked.masks):
            yield self._opaque(body)
            yield Effect("outside", shown(body))
            return
        if unsure:
            self.unknown.append(unsure)
        yield NftDecisionMap(lookup, tuple(map(decision, values)), unsure)

    def _map(self, asked: Subject, data: Any) -> tuple[KeyTable, list[Any], str]:
        """Keys of a map, the value of each, and why they may be others."""
        if isinstance(data, str) and data.startswith("@"):
            lookup, places, unsure = self.named(data[1:], asked.axes)
            held = self.sets[data[1:]].keys
            return lookup, [held[place][1] for place in places], unsure
        pairs = data.get("set") if isinstance(data, dict) else None
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2 for pair in pairs
        ):
            raise ValueError(f"{shown(data)} is no map")
        lookup, places = inline(asked, [pair[0] for pair in pairs])
        return lookup, [pairs[place][1] for place in places], ""

    def _mangle(self, body: Any) -> Iterator[Step]:
        if not isinstance(body, dict) or not {"key", "value"} <= body.keys():
            raise ValueError(f"{shown(body)} sets nothing")
        target = body["key"] if isinstance(body["key"], dict) else {}
        (kind, what), *_ = [*target.items(), ("", None)]
        name = what.get("key", what.get("field")) if isinstance(what, dict) else None
        if (kind, name) == ("meta", "mark"):
            yield from self._mark(body["value"])
        elif kind == "payload" and (name in REWRITTEN or name is None):
            self.unknown.append(shown(body))
            yield Effect("rewritten", shown(body))
        elif (kind, name) == ("ct", "zone"):
            self.unknown.append(shown(body))
            yield Effect("untracked", shown(body))
        else:
            self.ignored.append(f"sets {shown(target)}")

    def _mark(self, value: Any) -> Iterator[Step]:
        """What is written into the mark: a number, a map, or what operators make of the mark."""
        if isinstance(value, dict) and [*value] == ["map"] and isinstance(value["map"], dict):
            yield from self._mark_map(value["map"])
            return
        try:
            if not isinstance(value, dict):
                yield MarkSet("set", one("mark", value))
                return
            yield from _operations(value)
        except ValueError:
            self.unknown.append(f"meta mark set {shown(value)}")
            yield MarkSet("unknown")

    def _mark_map(self, body: Mapping[str, Any]) -> Iterator[Step]:
        try:
            asked = subject(body.get("key"))
            lookup, values, unsure = self._map(asked, body.get("data"))
            marks = tuple(one("mark", value) for value in values)
        except ValueError:
            marks, unsure = (), "map"
            lookup, asked = KeyTable((), ()), Subject((), (), ())
        if unsure or any(mask is not None for mask in asked.masks):
            self.unknown.append(f"meta mark set map {shown(body)}")
            yield Opaque(shown(body))
            yield MarkSet("unknown")
            return
        yield from asked.needs
        yield MarkSet("map", 0, lookup, marks)


def _operations(value: Mapping[str, Any]) -> Iterator[Step]:
    """`meta mark & 0xff | 0x100` as steps, inside first."""
    if value == {"meta": {"key": "mark"}}:
        return
    (operator, sides), *_ = value.items()
    if operator not in OPERATORS or not isinstance(sides, list) or len(sides) != 2:
        raise ValueError(f"{shown(value)} is not followed")
    if not isinstance(sides[0], dict):
        raise ValueError(f"{shown(value)} is not followed")
    yield from [*_operations(sides[0]), MarkSet(NAMED[operator], one("mark", sides[1]))]


def decision(expression: Any) -> NftDecision:
    """A verdict, also as the value of a map."""
    if isinstance(expression, dict) and len(expression) == 1:
        (kind, body), *_ = expression.items()
        if kind in PLAIN:
            return NftDecision(kind)
        target = body.get("target") if isinstance(body, dict) else None
        if kind in ("jump", "goto") and isinstance(target, str):
            return NftDecision(kind, target)
        if kind == "queue":
            return NftDecision("outside")
    raise ValueError(f"{shown(expression)} is no verdict")


def unwrapped(element: Any) -> tuple[Any, bool]:
    """An element without what belongs to it alone, and whether it ends by time."""
    if isinstance(element, dict) and [*element] == ["elem"] and isinstance(element["elem"], dict):
        inner = element["elem"]
        return inner.get("val"), "timeout" in inner or "expires" in inner
    return element, False


def key(asked: Subject, value: Any) -> Key:
    """One element for the axes that are asked."""
    value, _ = unwrapped(value)
    parts = [value]
    if isinstance(value, dict) and [*value] == ["concat"] and isinstance(value["concat"], list):
        parts = value["concat"]
    if len(parts) != len(asked.axes):
        raise ValueError(f"{shown(value)} has {len(parts)} parts, not {len(asked.axes)}")
    return tuple(ranged(axis, part) for axis, part in zip(asked.axes, parts, strict=True))


def inline(asked: Subject, values: Any) -> tuple[KeyTable, list[int]]:
    """Elements in braces, and the place of each key among them."""
    if not isinstance(values, list):
        values = [values]
    return looked_up(asked.axes, values)


def looked_up(
    axes: tuple[str, ...], values: list[Any], known: KnownLines | None = None
) -> tuple[KeyTable, list[int]]:
    """Keys of these elements for some axes, and the place of each among them."""
    asked = Subject(axes, (None,) * len(axes), ())
    keys: list[Key] = []
    places: list[int] = []
    other = None
    for place, value in enumerate(values):
        if unwrapped(value)[0] == "*":
            other = place
        else:
            keys.append(
                known.of(value, axes, partial(key, asked, value)) if known else key(asked, value)
            )
            places.append(place)
    if other is not None:
        places.append(other)
    return KeyTable(asked.axes, tuple(keys), None if other is None else len(keys)), places
