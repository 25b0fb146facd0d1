"""Names that differ in one number alone, as one pattern with ranges."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

NUMBER = re.compile(r"[0-9]+")


def spelled(names: Iterable[str]) -> list[str]:
    """The names, those that differ in their first number alone together.

    >>> spelled(["a/c1/*", "a/c2/*", "a/c3/*", "a/c7/*", "b/x/*", "a/c07/*"])
    ['a/c07/*', 'a/c[1-3,7]/*', 'b/x/*']
    """
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    out: list[tuple[str, str]] = []
    for name in names:
        found = NUMBER.search(name)
        if found is None or (found[0][0] == "0" and len(found[0]) > 1) or "[" in name:
            out.append((name, name))
            continue
        numbers[name[: found.start()], name[found.end() :]].append(int(found[0]))
    for (before, after), some in numbers.items():
        text = ",".join(runs(sorted(set(some))))
        inner = f"[{text}]" if len(set(some)) > 1 else text
        out.append((f"{before}{some[0]}{after}", f"{before}{inner}{after}"))
    return [text for _, text in sorted(out)]


def runs(numbers: list[int]) -> Iterator[str]:
    """Numbers that follow each other as a range.

    >>> [*runs([1, 2, 3, 7])]
    ['1-3', '7']
    """
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            first, last = numbers[start], numbers[place - 1]
            yield str(first) if first == last else f"{first}-{last}"
            start = place
