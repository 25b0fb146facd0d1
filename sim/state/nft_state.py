"""What nft says: `nft -j list ruleset` of a node.

Rules that hold here:

1. A listing says all rules of a node: what it lacks is not there. A table that the model does not
   have is told where packets come to it; what others do with their own tables is not judged.
2. A rule set that names the device that a packet came in by as its VRF's (`sdifname`) is compared
   with the one that is written so.

Source: libnftables-json(5); nft 1.0.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from compiler.imports.nft.commands import Building
from compiler.imports.nft.nft_json import from_document
from compiler.imports.nft.nft_text import TextReading
from compiler.imports.nft.rule_drift import RuleDifference, differences
from compiler.imports.nft.rule_set import NftRuleSet
from compiler.program.program import Program
from compiler.targets.hosts import nftables
from fabric.diagnostics import Diagnostics, Span
from sim.state.facts import HeardNode

BELOW_VRFS = "sdifname"
INCOMING = {False: "iifname", True: f"meta {BELOW_VRFS}"}


def is_nft(document: Any) -> bool:
    """`nft -j list ruleset`."""
    return isinstance(document, dict) and isinstance(document.get("nftables"), list)


def read_nft(document: Any, path: Path, _: Mapping[str, str], into: HeardNode) -> str | None:
    """Read a listing; why it cannot be read."""
    into.said(("rules",), path)
    found = Diagnostics()
    building = Building(found)
    made = building.carry_out(from_document(document, Span(str(path), 1), found))
    if found.items:
        return found.items[0].message
    into.rules = made
    into.below_vrfs = f'"{BELOW_VRFS}"' in json.dumps(document)
    return None


class WantedRules:
    """The rule sets that enforcement points should have, read by the reader of those that they
    do have; the program is asked for when the first one is."""

    def __init__(self, program: Callable[[], Program]) -> None:
        self._ask = program
        self._nodes: frozenset[int] | None = None

    @property
    def nodes(self) -> frozenset[int]:
        """Who should have rules."""
        if self._nodes is None:
            self._nodes = frozenset(nftables.nodes(self._ask()))
        return self._nodes

    def at(self, node: int, below_vrfs: bool) -> NftRuleSet:
        """The rules of a node; none where it enforces nothing."""
        if node not in self.nodes:
            return NftRuleSet()
        found = Diagnostics()
        text = nftables.ruleset(self._ask(), node, incoming=INCOMING[below_vrfs])
        made = Building(found).carry_out(TextReading("wanted", text, found).commands())
        found.check()
        return made

    def lines(self) -> dict[str, Span | None]:
        """The line behind each comment; none where two lines would be told alike."""
        return self._ask().once(_lines)

    def compared(self, node: int, here: HeardNode) -> Iterator[tuple[RuleDifference, Span | None]]:
        """Where a node's rules differ, with the line that wants what it lacks."""
        assert here.rules is not None
        lines = self.lines()
        for one in differences(self.at(node, here.below_vrfs), here.rules):
            yield one, lines.get(one.rule.comment) if one.rule else None


def _lines(program: Program) -> dict[str, Span | None]:
    out: dict[str, Span | None] = {}
    for origin in program.origins:
        said = nftables.comment_of(origin)
        out[said] = origin.span if out.get(said, origin.span) == origin.span else None
    return out
