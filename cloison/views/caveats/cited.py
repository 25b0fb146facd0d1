"""Where something stands and of which moment an answer is: what every text of an answer cites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloison.render.diagnostics import Excerpts
from cloison.render.formats import visible
from cloison.views.caveats.diagnosed import judged_at
from fabric.io.visible import lines as below
from sim.why.blame import Cause

if TYPE_CHECKING:
    from fabric.building.network import Network


def quoted(cause: Cause, lines: Excerpts) -> Iterator[tuple[str, str]]:
    """Where a cause stands, and its line as it is written there."""
    if cause.span is not None:
        line = lines.line(cause.span)
        excerpt = f"| {line.strip()}" if line and line.strip() else None
        yield "", below(str(cause.span), excerpt)


def otherwise(network: Network) -> Iterator[str]:
    """When the file was judged, and what is not as it has it: what is down, and what is drained."""
    yield from map(visible, judged_at(network))
    if down := network.fabric.down:
        yield visible(f"Down: {', '.join(down)}.")
    if drained := network.fabric.draining:
        yield visible(f"Drained: {', '.join(drained)}.")
