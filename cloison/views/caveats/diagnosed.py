"""Diagnostics as data: what is wrong with a world, or doubtful, beside whatever was asked about it.

`diagnostics[]` stands in every JSON document (`docs/formats.md`): findings that need no packet, and
warnings, all of them, as `cloison check` lists them. On stderr stands the first of each code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cloison.render.table import Table
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic


def diagnostic_rows(found: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """As data, in the order given."""
    return [
        {
            "code": d.code,
            "severity": d.severity,
            "file": d.span and d.span.file,
            "line": d.span and d.span.line,
            "column": d.span and d.span.column,
            "message": d.message,
            "hint": d.hint,
        }
        for d in found
    ]


def diagnosed(*networks: Network, more: Iterable[Diagnostic] = ()) -> list[dict[str, Any]]:
    """What is to be said about networks, and `more` about one of them, in the order of the files;
    what is so in two of them stands once."""
    found = [d for network in networks for d in (*network.findings, *network.warnings)]
    return diagnostic_rows(in_order((*found, *more)))


def judged_at(network: Network) -> Iterator[str]:
    """A sentence about the moment at which a file with windows was judged."""
    for warning in network.warnings:
        if warning.code == "C217":
            yield f"{warning.message[:1].upper()}{warning.message[1:]}."


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each once, in the order of the files."""
    return sorted(dict.fromkeys(found), key=lambda d: (d.span is None, d.span or 0, d.code))


def warnings_table(network: Network) -> Table:
    """What is doubtful about a network, a row each."""
    rows = tuple(diagnostic_rows(in_order(network.warnings)))
    return Table(rows, "Warnings", ("code", "file", "line", "message", "hint"))


def doubtful(network: Network) -> str:
    """The end of a repr: how many warnings there are; nothing when there are none."""
    count = len(dict.fromkeys(network.warnings))
    return f"; {count:,} warning{'s' * (count != 1)}" if count else ""
