"""Other spellings of what requests ask for: what a server may take for the same.

A path is the same to servers that undo escapes (`%61` is `a`, `%C3%A9` is `é`), with a query behind
it, and with parameters behind it (`/a;x`), or behind any segment to those that strip them there.
Where nobody normalises paths before them, it is also the same behind segments that it goes up over,
to those that do so themselves. Hosts are the same in upper and lower case, with a dot behind them
and with a port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from compiler.requests.languages import Language, of_parts, of_regex
from compiler.requests.regex_parts import ALL, MOST, RegexParts, Unread, read_regex
from compiler.requests.seen_paths import normal_paths
from fabric.values.interval_sets import Intervals, intersect, subtract, union

ESCAPED: Intervals = ((33, 34), (36, 36), (38, 46), (48, 62), (64, 126))
"""Signs that may be escaped: visible ones but for # % / ?."""
SLASH: Intervals = ((47, 47),)
BEYOND: Intervals = ((128, ALL[-1][1]),)
MOST_BEYOND = 64
MORE = "%[89abAB][0-9a-fA-F]"
UTF8 = f"%[c-dC-D][0-9a-fA-F]{MORE}|%[eE][0-9a-fA-F]({MORE}){{2}}|%[fF][0-7]({MORE}){{3}}"
UP = r"(?:\.|%2[eE]){2}"
HERE = r"(?:\.|%2[eE])?"
SEGMENT = r"[^/?#;%\\]+"
SLASHES = r"(?:/|%2[fF]|\\|%5[cC])"
UPS = (1, 2, 3, 4)
"""How many segments a detour goes up over."""


@lru_cache(maxsize=256)
def path_spellings(text: str, stripped: bool = False) -> Language:
    """What may mean a path of an expression to a server that reads paths as rules see them, and,
    if `stripped`, strips parameters of every segment. Raises `Unread` and `TooLarge`."""
    return of_parts(_escaped(text, stripped))


@lru_cache(maxsize=256)
def host_spellings(text: str) -> Language:
    """What may mean a host of an expression. Raises `Unread` and `TooLarge`."""
    parts = put(read_regex(text), lambda chars: one_of(_both_cases(chars)))
    return of_parts(joined(parts, read_regex(r"\.?(:[0-9]{1,5})?")))


def detours(text: str) -> Iterator[Language]:
    """What a server that takes out dots and double slashes takes for a path of an expression, where
    that begins with segments and goes up over them. Raises `Unread` and `TooLarge`."""
    meant = _escaped(text)
    for before in (
        f"(?:/{HERE})+",
        *(f"(?:/{SEGMENT}){{{n}}}(?:{SLASHES}{UP}){{{n}}}" for n in UPS),
    ):
        yield of_parts(joined(read_regex(before), meant))


@lru_cache(maxsize=1)
def other_paths() -> Language:
    """Paths that a server may read otherwise than they are sent."""
    return of_regex(r"[/*].*") - normal_paths()


def _escaped(text: str, stripped: bool = False) -> RegexParts:
    parts = put(read_regex(text), _stripped if stripped else _escapes)
    return joined(parts, read_regex(r"(;[^/?]*)?(\?.*)?"))


def _stripped(chars: Intervals) -> RegexParts:
    """A sign of some, and of a slash what is the same where parameters are stripped."""
    slash = intersect(chars, SLASH)
    if not slash:
        return _escapes(chars)
    others = subtract(chars, SLASH)
    ways = read_regex(rf"(;[^/?]*)?/({HERE};[^/?]*/)*")
    return either([_escapes(others), ways]) if others else ways


def _escapes(chars: Intervals) -> RegexParts:
    """A sign of some, as it is or escaped."""
    return either([one_of(chars), *escapes_of(intersect(chars, ESCAPED)), *_beyond(chars)])


def escapes_of(plain: Intervals) -> list[RegexParts]:
    """The escapes of some ASCII signs, by their first digit."""
    lows = ((high, intersect(plain, ((16 * high, 16 * high + 15),))) for high in range(2, 8))
    return [_escape(high, low) for high, low in lows if low]


def _beyond(chars: Intervals) -> list[RegexParts]:
    """The escapes of signs beyond ASCII, in UTF-8; raises `Unread` where these are many and yet not
    all."""
    beyond = intersect(chars, BEYOND)
    if not beyond:
        return []
    if beyond == BEYOND:
        return [read_regex(UTF8)]
    if sum(b - a + 1 for a, b in beyond) > MOST_BEYOND:
        raise Unread("it names many signs beyond ASCII, and not all")
    out = []
    for code in (code for a, b in beyond for code in range(a, b + 1)):
        digits = chr(code).encode("utf-8", "surrogatepass").hex(" ").split()
        out.append(
            read_regex("".join(f"%{_either_case(d[0])}{_either_case(d[1])}" for d in digits))
        )
    return out


def _either_case(digit: str) -> str:
    return f"[{digit}{digit.upper()}]"


def _escape(high: int, signs: Intervals) -> RegexParts:
    """The escapes of signs that begin with one digit."""
    digits = [f"{code % 16:x}" for a, b in signs for code in range(a, b + 1)]
    second = union(*(((ord(d), ord(d)), (ord(d.upper()), ord(d.upper()))) for d in digits))
    first = union(((ord(f"{high:x}"),) * 2,))
    return RegexParts((((37, 37),), first, second), 1, 4, (2, 4, 0), False)


def _both_cases(chars: Intervals) -> Intervals:
    upper, lower = intersect(chars, ((65, 90),)), intersect(chars, ((97, 122),))
    return union(chars, [(a + 32, b + 32) for a, b in upper], [(a - 32, b - 32) for a, b in lower])


def one_of(chars: Intervals) -> RegexParts:
    """One sign of some."""
    return RegexParts((chars,), 1, 1, (0,), False)


def either(parts: list[RegexParts]) -> RegexParts:
    """What any of some holds."""
    chars: list[Intervals] = []
    follow: list[int] = []
    first = last = 0
    for one in parts:
        at = len(chars)
        first |= one.first << at
        last |= one.last << at
        chars += one.chars
        follow += [bits << at for bits in one.follow]
    return RegexParts(tuple(chars), first, last, tuple(follow), any(p.empty for p in parts))


def joined(one: RegexParts, other: RegexParts) -> RegexParts:
    """What is of one and then of the other."""
    at = len(one.chars)
    begin = other.first << at
    follow = [b | (begin if one.last >> n & 1 else 0) for n, b in enumerate(one.follow)]
    follow += [bits << at for bits in other.follow]
    first = one.first | (begin if one.empty else 0)
    last = (other.last << at) | (one.last if other.empty else 0)
    return RegexParts(one.chars + other.chars, first, last, tuple(follow),
                      one.empty and other.empty)  # fmt: skip


def put(parts: RegexParts, make: Callable[[Intervals], RegexParts]) -> RegexParts:
    """The same with other parts, none of which holds the empty text, in the place of its signs."""
    made = [make(chars) for chars in parts.chars]
    starts = [0]
    for one in made:
        starts.append(starts[-1] + len(one.chars))
    if starts[-1] > MOST:
        raise Unread(f"its spellings have more than {MOST:,} positions")

    def firsts(bits: int) -> int:
        return sum(made[n].first << starts[n] for n in range(len(made)) if bits >> n & 1)

    follow: list[int] = []
    for number, one in enumerate(made):
        onward = firsts(parts.follow[number])
        follow += [
            (bits << starts[number]) | (onward if one.last >> n & 1 else 0)
            for n, bits in enumerate(one.follow)
        ]
    last = sum(made[n].last << starts[n] for n in range(len(made)) if parts.last >> n & 1)
    chars = tuple(chars for one in made for chars in one.chars)
    return RegexParts(chars, firsts(parts.first), last, tuple(follow), parts.empty)
