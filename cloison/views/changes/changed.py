"""Changes as sentences, and in groups by what was edited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fabric.building.cluster import is_cluster
from fabric.diagnostics import Span
from sim.diff.diff import Change, Diff
from sim.diff.edits import InputEdit
from sim.diff.merged import RowEnd
from sim.reach.outside_ranges import range_words

WORDS = {
    "gained": ("gains", "gain"),
    "lost": ("loses", "lose"),
    "unsteady": ("reaches only in part", "reach only in part"),
    "steady": ("reaches wholly, no longer in part", "reach wholly, no longer in part"),
}
HOSTS = {"same": " (its own node)", "other": " (not its own node)"}
FEW = 4
"""Ranges of addresses that a sentence names."""
MORE = "more ranges"
ALONE = re.compile(r"(?<![\w./-])cluster/(?!main(?![\w/-]))")


@dataclass(frozen=True, slots=True)
class EditGroup:
    """Changes behind which there is one edit; groups are numbered from 1."""

    number: int
    edit: InputEdit
    changes: tuple[Change, ...]


def grouped(found: Diff) -> list[EditGroup]:
    """Groups in the order of the first change of each."""
    by_edit: dict[InputEdit, list[Change]] = {}
    for change in found.changes:
        by_edit.setdefault(change.edit, []).append(change)
    return [EditGroup(n, edit, tuple(of)) for n, (edit, of) in enumerate(by_edit.items(), 1)]


def plain(found: Diff, text: str) -> str:
    """Names as `reach` writes them: a lone cluster goes without saying."""
    return ALONE.sub("", text) if is_cluster(found.sides.new.reach.network) else text


def line(span: Span | None) -> str | None:
    """A line as data."""
    return None if span is None else str(span)


def sentences(found: Diff, changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """(kind, sentence); changes that differ in the source alone, then in the target alone, share
    one. No change is left out; of many ranges of addresses the first are named, and where the rest
    differ between those who share a sentence it says so."""
    by_source: dict[tuple[str, str, str], list[tuple[RowEnd, RowEnd]]] = {}
    for change in changes:
        key = change.kind, addresses(found, change.row.target), _rest(found, change)
        by_source.setdefault(key, []).append((change.row.source, change.row.target))
    by_target: dict[tuple[str, tuple[str, ...], str], list[tuple[str, list[RowEnd]]]] = {}
    for (kind, _, rest), ends in by_source.items():
        texts = tuple(addresses(found, source) for source, _ in ends)
        (target,) = _worded(found, [[target] for _, target in ends])
        sources = [source for source, _ in ends]
        by_target.setdefault((kind, texts, rest), []).append((target, sources))
    for (kind, many, rest), targets in by_target.items():
        who = _worded(found, [sources for _, sources in targets])
        verb = WORDS[kind][len(many) > 1]
        yield kind, f"{', '.join(who)} {verb} {', '.join(to for to, _ in targets)} {rest}"


def _worded(found: Diff, alike: Sequence[list[RowEnd]]) -> list[str]:
    """Ends that have the same words, once; these say so where the ends are not the same."""
    more = MORE if all(ends == alike[0] for ends in alike) else "others for each"
    return [addresses(found, end, more) for end in alike[0]]


def _rest(found: Diff, change: Change) -> str:
    row = change.row
    families = "".join(f" (IPv{v} only)" for v in row.versions if row.partly)
    return f"on {found.ports(change)}{families}{HOSTS.get(row.hosts, '')}"


def addresses(found: Diff, end: RowEnd, more: str = MORE) -> str:
    """An end with what it is narrowed to; what ranges are called that it does not name."""
    name = plain(found, end.name)
    if end.members:
        return f"{name} ({', '.join(m.rpartition('/')[2] for m in end.members)})"
    if end.addresses and not end.whole:
        left = len(end.addresses) - FEW if len(end.addresses) > FEW + 1 else 0
        first = ranges(end.addresses[: len(end.addresses) - left])
        return f"{name} ({', '.join(first)}{f' and {left} {more}' if left else ''})"
    return name


def ranges(of: Sequence[tuple[int, int, int]]) -> list[str]:
    """Addresses (version, first, last) as prefixes, or as ranges that are none."""
    return [text for part in of for text in range_words(*part)]


def end_row(found: Diff, end: RowEnd) -> dict[str, Any]:
    """What of an end is concerned, as data."""
    return {
        "only": end.only or None,
        "members": [plain(found, name) for name in end.members] or None,
        "addresses": ranges(end.addresses) or None,
        "whole": end.whole and not end.members,
    }
