"""Sets of texts as automata: intersection, difference, emptiness and a shortest text of each.

An automaton is made here from the positions of an expression, so that the states can be counted
while they are found; the algebra is that of interegular. Whatever needs more than `MOST_STATES`
states, or signs, raises `TooLarge`: whoever asks says *unknown*.

A sign that no automaton names is one for all that are named by none; in a text that shows something
the first of `OTHERS` stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from compiler.requests.regex_parts import ALL, RegexParts, literal, read_regex
from fabric.values.interval_sets import Intervals, intersect, subtract

MOST_STATES = 1000
MOST_FOUND = 20_000
"""States of an automaton while it is made, before those that are alike are one."""
MOST_SIGNS = 2000
MOST_PRODUCT = 30_000
"""States of two automata, multiplied, before they are combined."""
OTHERS = "éüñçøżčαβγ漢字"
NICE = {sign: number for number, sign in enumerate("abcdefghijklmnopqrstuvwxyz0123456789/-_.")}


class TooLarge(Exception):  # noqa: N818
    """More states than are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A set of texts."""

    automaton: Any

    def __and__(self, other: Language) -> Language:
        self._refuse(other)
        return Language(minimal(self.automaton & other.automaton))

    def __sub__(self, other: Language) -> Language:
        self._refuse(other)
        return Language(minimal(self.automaton - other.automaton))

    def __or__(self, other: Language) -> Language:
        self._refuse(other)
        return Language(minimal(self.automaton | other.automaton))

    def __contains__(self, text: str) -> bool:
        return bool(self.automaton.accepts(text))

    def __bool__(self) -> bool:
        """Whether it holds any text."""
        return not self.automaton.empty()

    def _refuse(self, other: Language) -> None:
        sizes = len(self.automaton.states), len(other.automaton.states)
        if sizes[0] * sizes[1] > MOST_PRODUCT or max(sizes) > MOST_STATES:
            raise TooLarge(f"automata of {sizes[0]:,} and {sizes[1]:,} states")

    def shortest(self) -> str | None:
        """A shortest text, the same one each time; None where there is none."""
        machine, letters = self.automaton, _letters(self.automaton)
        seen = {machine.initial}
        level = [(machine.initial, "")]
        while level:
            for state, text in level:
                if state in machine.finals:
                    return text
            onward = []
            for state, text in level:
                ways = machine.map.get(state, {})
                for key, letter in letters:
                    to = ways.get(key)
                    if to is not None and to not in seen:
                        seen.add(to)
                        onward.append((to, text + letter))
            level = onward
        return None


def _letters(machine: Any) -> list[tuple[Any, str]]:
    """A sign for each class of signs of an automaton, plain ones first."""
    from interegular.fsm import anything_else

    found = []
    for key, signs in machine.alphabet.by_transition.items():
        named = [s for s in signs if s is not anything_else]
        best = min(named, key=_rank) if named else None
        if best is None or (_rank(best)[0] > 1 and anything_else in signs):
            best = next(s for s in chain(OTHERS, map(chr, range(0x4E00, 0x9FFF)))
                        if s not in machine.alphabet)  # fmt: skip
        found.append((key, best))
    return sorted(found, key=lambda item: _rank(item[1]))


def _rank(sign: str) -> tuple[int, int]:
    if sign in NICE:
        return 0, NICE[sign]
    return (1 if "!" <= sign <= "~" else 2), ord(sign)


@lru_cache(maxsize=512)
def of_regex(text: str) -> Language:
    """The language of an expression; raises `Unread` and `TooLarge`.

    >>> (of_regex("/a.*") - of_regex("/a(/.*)?")).shortest()
    '/aa'
    """
    return of_parts(read_regex(text))


@lru_cache(maxsize=512)
def of_text(text: str) -> Language:
    """The language of one text."""
    return of_parts(literal(text))


def of_parts(parts: RegexParts) -> Language:
    """The language of positions, by the construction of subsets."""
    from interegular.fsm import FSM, Alphabet, anything_else

    groups = alphabet_of(parts.chars)
    masks = [_mask(parts, group[0][0]) for group in groups]
    listed: list[list[Any]] = [
        [chr(code) for low, high in group for code in range(low, high + 1)] for group in groups[1:]
    ]
    if sum(map(len, listed)) > MOST_SIGNS:
        raise TooLarge(f"it names more than {MOST_SIGNS:,} signs")
    numbers: dict[int, int] = {-1: 0}
    order, ways, finals = [-1], dict[int, dict[int, int]](), set[int]()
    for number, at in enumerate(order):
        reach = parts.first if at < 0 else parts.after(at)
        if (at < 0 and parts.empty) or (at > 0 and at & parts.last):
            finals.add(number)
        ways[number] = {}
        for key, mask in enumerate(masks):
            to = reach & mask
            if not to:
                continue
            if to not in numbers:
                if len(order) >= MOST_FOUND:
                    raise TooLarge(f"more than {MOST_FOUND:,} states")
                numbers[to] = len(order)
                order.append(to)
            ways[number][key] = numbers[to]
    made: Any = Alphabet
    alphabet = made.from_groups([anything_else], *listed)
    return Language(minimal(FSM(alphabet, set(range(len(order))), 0, finals, ways)))


def minimal(machine: Any) -> Any:
    """The same texts with as few states as can be, by refining classes of states (Moore 1956):
    reversing twice, as the library does, may take more states than there are atoms."""
    from interegular.fsm import FSM

    live = _live(machine)
    if machine.initial not in live:
        return FSM(machine.alphabet, {0}, 0, set(), {0: {}})
    ways = {
        state: [(key, to) for key, to in machine.map.get(state, {}).items() if to in live]
        for state in live
    }
    cls = {state: int(state in machine.finals) for state in live}
    count = 0
    while len(set(cls.values())) > count:
        count = len(set(cls.values()))
        numbers: dict[Any, int] = {}
        signs = {
            state: (cls[state], frozenset((key, cls[to]) for key, to in ways[state]))
            for state in sorted(live)
        }
        cls = {state: numbers.setdefault(sign, len(numbers)) for state, sign in signs.items()}
    table = {cls[state]: {key: cls[to] for key, to in ways[state]} for state in live}
    finals = {cls[state] for state in live if state in machine.finals}
    return FSM(machine.alphabet, set(table), cls[machine.initial], finals, table)


def _live(machine: Any) -> set[Any]:
    """The states from which a text may still end well."""
    before: dict[Any, set[Any]] = {}
    for state, ways in machine.map.items():
        for to in ways.values():
            before.setdefault(to, set()).add(state)
    found, open_ = set(machine.finals), list(machine.finals)
    while open_:
        for state in before.get(open_.pop(), ()):
            if state not in found:
                found.add(state)
                open_.append(state)
    return found


def _mask(parts: RegexParts, code: int) -> int:
    everything = (1 << len(parts.chars)) - 1
    return parts.among(everything, code)


def alphabet_of(sets: Iterable[Intervals]) -> list[Intervals]:
    """Signs that no set tells apart, the largest class first: that is the one of all others.

    >>> alphabet_of([((97, 99),), ((99, 100),)])[1:]
    [((97, 98),), ((99, 99),), ((100, 100),)]
    """
    classes: list[Intervals] = [ALL]
    for chars in dict.fromkeys(sets):
        parts = ((intersect(one, chars), subtract(one, chars)) for one in classes)
        classes = [part for both in parts for part in both if part]
    classes.sort(key=lambda one: (-sum(high - low + 1 for low, high in one), one))
    return [classes[0], *sorted(classes[1:])]
