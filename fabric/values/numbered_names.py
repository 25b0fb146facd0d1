"""Names that differ in one number alone, as one pattern with ranges."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

NUMBER = re.compile(r"[0-9]+")


def spelled(names: Iterable[str]) -> list[str]:
    """The names, those that differ in their first number alone together; with zeros in front, those
    whose numbers are of one length and no others differ so.

    >>> spelled(["a/c1/*", "a/c2/*", "a/c3/*", "a/c7/*", "b/x/*"])
    ['a/c[1-3,7]/*', 'b/x/*']
    >>> spelled(["gpu-009", "gpu-010", "gpu-012", "c7", "c07", "c08"])
    ['c07', 'c08', 'c7', 'gpu-[009-010,012]']
    """
    return [*spelling(names)]


def spelling(names: Iterable[str]) -> dict[str, list[str]]:
    """The same with the names that each pattern is for.

    >>> spelling(["a/x2/*", "b/x/*", "a/x1/*"])
    {'a/x[1-2]/*': ['a/x2/*', 'a/x1/*'], 'b/x/*': ['b/x/*']}
    """
    alike: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    out: list[tuple[str, str, list[str]]] = []
    for name in names:
        found = NUMBER.search(name)
        if found is None or "[" in name:
            out.append((name, name, [name]))
        else:
            alike[name[: found.start()], name[found.end() :]][found[0]] = name
    for (before, after), some in alike.items():
        padded = {len(n): n for n in some if n[0] == "0" and len(n) > 1}
        width = max(padded, default=0)
        together = not padded or {*map(len, some)} == {width}
        for numbers in [list(some)] if together else [[n] for n in some]:
            text = ",".join(runs(sorted(map(int, numbers)), width))
            inner = f"[{text}]" if len(numbers) > 1 else numbers[0]
            mine = [some[n] for n in numbers]
            out.append((mine[0], f"{before}{inner}{after}", mine))
    return {text: mine for _, text, mine in sorted(out)}


def runs(numbers: list[int], width: int = 0) -> Iterator[str]:
    """Numbers that follow each other as a range, with zeros in front up to a width.

    >>> [*runs([1, 2, 3, 7])], [*runs([1, 2, 12], 2)]
    (['1-3', '7'], ['01-02', '12'])
    """
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            first, last = (f"{n:0{width}d}" for n in (numbers[start], numbers[place - 1]))
            yield first if first == last else f"{first}-{last}"
            start = place
