"""Patterns of names: globs in which brackets with numbers are ranges, as in Slurm and Ansible.

Rules that hold here:

1. `host[9-12]` is nine to twelve, `host[1,3,5-7]` a list of numbers and ranges; Ansible's
   `host[9:12]` is the same. A range stands for whole numbers, wherever it stands: `h[1-2]0` is
   `h10` and `h20`.
2. `[01-12]` is padded with zeros: it matches `01`, and `1` too, because names that cloison makes
   have no zeros in front.
3. Brackets that hold anything but digits, commas and dashes are what shells make of them, as long
   as they hold no digit: `[!1-4]` would mean single digits, which nobody who counts hosts wants.
   With letters (`[0-9a-f]`) they are characters, as in names that Kubernetes generates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from itertools import islice

from fabric.values.interval_sets import union

BRACKETS = re.compile(r"\[(!?[^]]*)]")
NUMBERS = re.compile(r"\d{1,9}([-:]\d{1,9})?(,\d{1,9}([-:]\d{1,9})?)*")
NUMBERED = re.compile(r"([^@]*?)(0|[1-9]\d{0,8})((?:@.*)?)")
ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
FEW = 4
HINT = "write host[9-12] or host[1,3,5-7]; * and ? stand for any text and any character"


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern matches a whole name; one that means nothing (`mistake`) matches nothing.

    >>> [fits(f"host{n}", "host[9-12]") for n in (1, 2, 8, 9, 10, 12, 13)]
    [False, False, False, True, True, True, False]
    >>> fits("host12", "host[1,3,5-7]"), fits("host6", "host[01-08]")
    (False, True)
    """
    if pattern == "*":
        return True
    if GLOB.isdisjoint(pattern):
        return name == pattern
    found = _compiled(pattern)
    return found is not None and found.match(name) is not None


GLOB = frozenset("*?[")


def any_fits(pattern: str, names: Iterable[str]) -> bool:
    """Whether a pattern matches one of the names: first those that a range spells out are looked
    up."""
    if "[" in pattern:
        every = tuple(names)
        known, names = _known(every)[0], every
        if any(name in known for name in islice(meant(pattern), len(known))):
            return True
    return any(fits(name, pattern) for name in names)


def among(names: Sequence[str], patterns: Iterable[str]) -> list[str]:
    """The names that any of the patterns matches, in their order. What a range spells out is looked
    up where that is less than trying every name.

    >>> among(["host1", "host2", "host10", "spine1"], ["host[2-10]", "sp*"])
    ['host2', 'host10', 'spine1']
    """
    return [*_among(tuple(names), tuple(patterns))]


@lru_cache(2048)
def _among(names: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """As `among`: the hosts of a tenant are asked for again and again."""
    (known, padded, _), found = _known(names), set[str]()
    for pattern in patterns:
        if GLOB.isdisjoint(pattern):
            found |= known.keys() & {pattern}
            continue
        spelled = [*islice(meant(pattern), len(known))]
        if 0 < len(spelled) < len(known) and not padded:
            found |= known.keys() & set(spelled)
        else:
            found.update(name for name in known if fits(name, pattern))
    if len(known) == len(names):
        return tuple(sorted(found, key=known.__getitem__))
    return tuple(name for name in names if name in found)


@lru_cache(16)
def _known(names: tuple[str, ...]) -> tuple[dict[str, int], bool, dict[str, list[str]]]:
    """The places of names, whether any has zeros in front of a number, and those that do by what
    they are without them: many ask of the same ones."""
    zeros = [name for name in names if ZEROS.search(name)]
    plain: dict[str, list[str]] = {}
    for name in zeros:
        plain.setdefault(_plain(name), []).append(name)
    return {name: place for place, name in enumerate(names)}, bool(zeros), plain


def mistake(pattern: str, *, numbers_only: bool = False) -> str | None:
    """What is wrong with the brackets of a pattern; with `numbers_only` they hold numbers.

    >>> mistake("host[12-9]"), mistake("host[1-3]"), mistake("host[!1-4]") is None
    ('12-9 counts down', None, False)
    """
    for found in BRACKETS.finditer(pattern):
        inner = found[1]
        if NUMBERS.fullmatch(inner):
            for low, high in _ranges(inner):
                if int(low) > int(high):
                    return f"{low}-{high} counts down"
        elif numbers_only or not _characters(inner):
            return f"[{inner}] holds no numbers or ranges of numbers"
    if numbers_only and "[" in BRACKETS.sub("", pattern):
        return "a bracket is not closed"
    return None


def meant(pattern: str) -> Iterator[str]:
    """The names that a pattern of ranges spells out, without zeros in front; none with `*` or `?`.

    >>> list(meant("host[1-2,11]")), list(meant("host1")), list(meant("host*"))
    (['host1', 'host2', 'host11'], ['host1'], [])
    """
    parts = BRACKETS.split(pattern)
    if GLOB & set("".join(parts[::2])) or mistake(pattern, numbers_only=True):
        return
    yield from _spelled(parts)


def ranged(names: Iterable[str]) -> str:
    """One pattern for names that differ in a number alone; where they differ before it as well, it
    may match more.

    >>> ranged(["host2@main", "host10@main", "host1@main"]), ranged(["host7"])
    ('host[1-2,10]@main', 'host7')
    >>> ranged(["a-host1", "b-host2"]), ranged(["gate", "door"])
    ('*host[1-2]', '*')
    """
    every = sorted(set(names))
    if len(every) == 1:
        return every[0]
    parts = [NUMBERED.fullmatch(name) for name in every]
    found = [part.groups() for part in parts if part is not None]
    tails = {tail for *_, tail in found}
    if len(found) < len(every) or len(tails) > 1:
        return "*"
    stems = sorted({stem for stem, *_ in found})
    kinds = {stem.rpartition("-")[2] for stem in stems}
    start = stems[0] if len(stems) == 1 else f"*{kinds.pop() if len(kinds) == 1 else ''}"
    numbers = union((int(number), int(number)) for _, number, _ in found)
    listed = ",".join(f"{a}-{z}" if z > a else f"{a}" for a, z in numbers)
    return f"{start}[{listed}]{tails.pop()}"


def beyond(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The first few names that a pattern of ranges spells out and that are not among `names`.

    >>> beyond("host[2-9]", ["host1", "host2", "host03"]), beyond("t[02-03]", ["t02", "t03"])
    (('host3', 'host4', 'host5', 'host6'), ())
    """
    if "[" not in pattern:
        return ()
    known, _, plain = _known(tuple(names))

    def there(name: str) -> bool:
        without = _plain(name)
        alike = [*plain.get(without, ()), *([without] if without in known else [])]
        return any(fits(other, pattern) for other in alike)

    unknown = (name for name in meant(pattern) if name not in known and not there(name))
    return (*islice(unknown, FEW),)


def _plain(name: str) -> str:
    """A name without zeros in front of its numbers."""
    return ZEROS.sub("", name)


def _spelled(parts: list[str]) -> Iterator[str]:
    """One by one: a range may be long."""
    if len(parts) == 1:
        yield parts[0]
        return
    for low, high in _ranges(parts[1]):
        for number in range(int(low), int(high) + 1):
            yield from (f"{parts[0]}{number}{rest}" for rest in _spelled(parts[2:]))


def _characters(inner: str) -> bool:
    """Whether brackets mean characters (rule 3)."""
    return bool(inner) and (not re.search(r"\d", inner) or bool(re.search(r"[a-zA-Z]", inner)))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    if mistake(pattern) is not None:
        return None
    out, at = "", 0
    for found in BRACKETS.finditer(pattern):
        out += _shell(pattern[at : found.start()])
        numbers = NUMBERS.fullmatch(found[1])
        out += f"(?:{'|'.join(_numbers(found[1]))})" if numbers else _shell(found[0])
        at = found.end()
    return re.compile(rf"(?s:{out}{_shell(pattern[at:])})\Z")


def _shell(pattern: str) -> str:
    """A regular expression for a glob, without what anchors it."""
    text = translate(pattern)
    return text.removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")


def _ranges(inner: str) -> Iterator[tuple[str, str]]:
    for item in inner.split(","):
        low, _, high = item.replace(":", "-").partition("-")
        yield low, high or low


def _numbers(inner: str) -> Iterator[str]:
    """Alternatives that match exactly the numbers of a list, padded ones with and without zeros."""
    for low, high in _ranges(inner):
        width = len(low) if low[0] == "0" and len(low) > 1 else 0
        for digits, text in _between(int(low), int(high)):
            yield text
            if width > digits:
                yield "0" * (width - digits) + text


def _between(low: int, high: int) -> Iterator[tuple[int, str]]:
    """The numbers from `low` to `high` as regular expressions, each of one number of digits.

    >>> list(_between(9, 123))
    [(1, '[9-9]'), (2, '[1-9][0-9]'), (3, '1[0-1][0-9]'), (3, '12[0-3]')]
    """
    for digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (digits - 1) if digits > 1 else 0)
        last = min(high, 10**digits - 1)
        for text in _same_length(f"{first}", f"{last}"):
            yield digits, text


def _same_length(low: str, high: str) -> Iterator[str]:
    """As `_between`, for bounds with equally many digits."""
    if low[0] == high[0] and len(low) > 1:
        yield from (low[0] + rest for rest in _same_length(low[1:], high[1:]))
        return
    tail = len(low) - 1
    first, last = int(low[0]), int(high[0])
    if tail and low[1:] != "0" * tail:
        yield from (low[0] + rest for rest in _same_length(low[1:], "9" * tail))
        first += 1
    ends = bool(tail) and high[1:] != "9" * tail
    if first <= last - ends:
        yield f"[{first}-{last - ends}]" + "[0-9]" * tail
    if ends:
        yield from (high[0] + rest for rest in _same_length("0" * tail, high[1:]))
