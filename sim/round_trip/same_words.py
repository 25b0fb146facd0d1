"""What files tell a device, word for word, beside what would be written now.

Who is where, where routes lead and what lists decide is compared by what it means, however it is
written (`sim.round_trip.read_back`). `BY_MEANING` are the places of which readers make all that
they say into that; every other key and value has to stand at the same place of the same device as
it would be written. One that is otherwise may be as good: nothing here knows, so it is told, and
the answer unknown. So no word is taken for equal because nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from compiler.imports.config_folder import MOST_BYTES, by_device
from compiler.imports.nvue.nvue_tree import OFF, ON, SECRETS, said
from fabric.diagnostics import Diagnostics
from fabric.file.yaml.reader import documents
from fabric.io.decoded_text import read_text

ANY = "*"
BELOW = "**"
RULE = ("set", "acl", ANY, "rule", ANY)
BOUND = ("set", "interface", ANY, "acl", ANY)
STATIC = ("set", "vrf", ANY, "router", "static", ANY)
BGP = ("set", "vrf", ANY, "router", "bgp")
TARGET = ("evpn", "route-target", ANY)
BY_MEANING = (
    ("set", "acl", ANY, "type"), (*RULE, "action", "permit"), (*RULE, "action", "deny"),
    (*RULE, "match", BELOW), (*RULE, "remark"),
    (*BOUND, "inbound"), (*BOUND, "outbound"),
    (*STATIC, "address-family"), (*STATIC, "via", ANY, "type"),
    (*BGP, "address-family", ANY, "network", ANY),
    (*BGP, "route-export", f"to-{TARGET[0]}", *TARGET[1:]),
    (*BGP, "route-import", f"from-{TARGET[0]}", *TARGET[1:]),
)  # fmt: skip
"""Places of which all that is said is compared by meaning; remarks mean nothing."""

Steps = tuple[str, ...]
Words = dict[Steps, str]
"""What stands at the end of each path."""


def other_words(folder: Path, fresh: Path, names: Collection[str]) -> Iterator[str]:
    """What the files of some devices say that would not be written, and what they do not say."""
    read, wanted = (words_of(where, names) for where in (folder, fresh))
    for name in sorted(wanted.keys() & read.keys()):
        yield from (f"{one} would not be written" for one in more(name, read[name], wanted[name]))
        yield from (f"{one} is not there" for one in more(name, wanted[name], read[name]))


def more(name: str, words: Words, others: Words) -> Iterator[str]:
    """What stands in one place and not in the other."""
    for steps, value in sorted(words.items()):
        if others.get(steps) != value and not by_meaning(steps):
            shown = "…" if SECRETS & {*steps} else value
            yield f"`{' '.join((*steps[1:], shown)).strip()}` of {name}"


def by_meaning(steps: Steps) -> bool:
    """Whether what stands there is compared otherwise.

    >>> by_meaning(("set", "acl", "A", "rule", "1", "match", "ip", "source-ip"))
    True
    >>> by_meaning(("set", "vrf", "v", "router", "static", "10.0.0.2/32", "distance"))
    False
    """
    return any(fits(steps, pattern) for pattern in BY_MEANING)


def fits(steps: Steps, pattern: Steps) -> bool:
    """Whether a path is that of a pattern."""
    if pattern[-1] == BELOW:
        pattern = pattern[:-1]
        steps = steps[: len(pattern)]
    return len(steps) == len(pattern) and all(
        wanted in (ANY, step) for wanted, step in zip(pattern, steps, strict=True)
    )


def words_of(folder: Path, names: Collection[str]) -> Mapping[str, Words]:
    """The words of the devices of a folder, of all files of each."""
    found: dict[str, Words] = {}
    for name, paths in by_device(folder):
        if name in names:
            mine = found.setdefault(name, {})
            for path in paths:
                text, file = read_text(path, MOST_BYTES)
                for document in documents(text, file, Diagnostics()):
                    mine |= of_root(document.value)
    return found


def of_root(value: Any) -> Words:
    """A file is a list of `header` and `set`, or what stands below `set`."""
    parts = value if isinstance(value, list) else [value]
    if isinstance(value, dict) and not {"set", "header"} & value.keys():
        parts = [{"set": value}]
    return {steps: found for part in parts for steps, found in leaves(part)}


def leaves(value: Any) -> Iterator[tuple[Steps, str]]:
    """Every path to what has nothing below, and what stands there; a list is its scalars as
    keys."""
    waiting: list[tuple[Steps, Any]] = [((), value)]
    while waiting:
        steps, here = waiting.pop()
        if isinstance(here, dict) and here:
            waiting += [((*steps, said(key)), below) for key, below in here.items()]
        elif isinstance(here, list) and here:
            waiting += [((*steps, said(key)), None) for key in here]
        else:
            yield steps, "" if here is None or here in ({}, []) else usual(steps, said(here))


def usual(steps: Steps, value: str) -> str:
    """A value, spelt alike where releases spell one otherwise."""
    if steps and steps[-1] == "enable" and value.lower() in ON | OFF:
        return "on" if value.lower() in ON else "off"
    return value
