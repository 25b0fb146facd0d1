"""Paths that may be sent and that rules may see as one of some others, sign by sign.

What Envoy's releases escape, or undo, on the way to rules: more is held here than any of them does,
since each sign is taken for itself. Segments of dots are not looked at
(`compiler.requests.seen_paths.possible_paths`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.requests.languages import Language, TooLarge, of_parts
from compiler.requests.regex_parts import ALL, MOST, RegexParts
from compiler.requests.seen_paths import PLAIN
from compiler.requests.spellings import BEYOND, either, escapes_of, one_of, put
from fabric.values.interval_sets import Intervals, intersect, subtract, union

ENCODED = '"<>^`{|}'
PLAINLY = union(*(((ord(sign), ord(sign)),) for sign in PLAIN))
HIGH, LOW = "89ABCDEF", "0123456789ABCDEF"


def sent_as(seen: Language) -> Language:
    """Texts that may be seen as one of a language, and that language. Raises `Unread` and
    `TooLarge`.

    >>> from compiler.requests.languages import of_regex
    >>> [text in sent_as(of_regex("/a%7B")) for text in ("/%61{", "/a%7B", "/a", "/b{")]
    [True, True, False, False]
    """
    edges = _edges(seen.automaton)
    onward: dict[Any, list[tuple[Any, Intervals]]] = {}
    for (source, to), chars in edges.items():
        onward.setdefault(source, []).append((to, chars))
    for state in onward:
        for sign in ENCODED:
            for to in _after(onward, {state}, f"%{ord(sign):02X}"):
                edges[state, to] = union(edges.get((state, to), ()), ((ord(sign),) * 2,))
        at = {state}
        for count in range(4):
            at = _after(onward, at, ("%", HIGH, LOW))
            for to in at if count else ():
                edges[state, to] = union(edges.get((state, to), ()), BEYOND)
    parts = _parts(edges, seen.automaton)

    def undone(chars: Intervals) -> RegexParts:
        return either([one_of(chars), *escapes_of(intersect(chars, PLAINLY))])

    return of_parts(put(parts, undone)) | seen


def _edges(machine: Any) -> dict[tuple[Any, Any], Intervals]:
    """The signs that lead from one state to another."""
    from interegular.fsm import anything_else

    classes: dict[Any, Intervals] = {}
    named: list[Intervals] = []
    others: Any = None
    for key, signs in machine.alphabet.by_transition.items():
        given = [((ord(sign),) * 2,) for sign in signs if sign is not anything_else]
        classes[key] = union(*given)
        named += given
        others = key if anything_else in signs else others
    if others is not None:
        classes[others] = union(classes[others], subtract(ALL, union(*named)))
    found: dict[tuple[Any, Any], Intervals] = {}
    for state, ways in machine.map.items():
        for key, to in ways.items():
            found[state, to] = union(found.get((state, to), ()), classes[key])
    return found


def _after(
    onward: dict[Any, list[tuple[Any, Intervals]]], at: set[Any], texts: Sequence[str]
) -> set[Any]:
    """The states behind one sign of each of some texts."""
    for signs in texts:
        codes = [ord(sign) for sign in signs]
        at = {
            to
            for source in at
            for to, chars in onward.get(source, ())
            if any(a <= code <= b for a, b in chars for code in codes)
        }
    return at


def _parts(edges: dict[tuple[Any, Any], Intervals], machine: Any) -> RegexParts:
    """An automaton as positions: one for each of its edges."""
    if len(edges) > MOST:
        raise TooLarge(f"more than {MOST:,} edges")
    begin: dict[Any, int] = {}
    last = 0
    for number, (source, to) in enumerate(edges):
        begin[source] = begin.get(source, 0) | 1 << number
        last |= (1 << number) if to in machine.finals else 0
    follow = tuple(begin.get(to, 0) for _, to in edges)
    first = begin.get(machine.initial, 0)
    return RegexParts(tuple(edges.values()), first, last, follow, machine.initial in machine.finals)
