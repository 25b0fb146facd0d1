"""The Adj-RIB-In: what a node hears of a loopback on each session, and what becomes of it.

A path is used, or the first of these says why not (RFC 4271 §9.1.2, `fabric.control.underlay`):

    down             the session is not established
    not_announced    the neighbour has no path; a DPU announces its own loopback and nothing else
    through_itself   the neighbour's best path leads through this very node
    as_loop          the path holds this node's AS number, which others have as well
    drained          it holds a drained node, and the best path here holds none
    longer           its AS path is longer than the best
    width            equal to the best, and `ECMP_WIDTH` others come first

`missed` are paths as short as the best (all, where there is none): they would carry traffic but for
what is said of them. The neighbour's best path alone is announced; of others nobody hears here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.control.bgp_sessions import Session
from fabric.control.path_tables import ECMP_WIDTH
from fabric.control.underlay import Underlay
from fabric.wiring.topology import Fabric, Role

FATES = (
    "used", "down", "not_announced", "through_itself", "as_loop", "drained", "longer", "width",
)  # fmt: skip
USED, DOWN, SILENT, THROUGH, LOOP, DRAINED, LONGER, WIDTH = range(len(FATES))
UNLUCKY = (LOOP, DRAINED, WIDTH)
"""What keeps a path from use that is as short as the best."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a session brings: the node path from the neighbour to the target (none where nothing is
    announced), what becomes of it (`FATES`), in words, and whether it is `missed`."""

    session: Session
    nodes: tuple[int, ...]
    fate: str
    why: str
    missed: bool


@dataclass(frozen=True, slots=True)
class AdjRibIn:
    """Of one node: `fate[s, b]` of session s and target b, `missed[s, b]`."""

    fabric: Fabric
    underlay: Underlay
    node: int
    sessions: tuple[Session, ...]
    fate: NDArray[np.int8]
    missed: NDArray[np.bool_]

    @staticmethod
    def of(fabric: Fabric, underlay: Underlay, node: int) -> AdjRibIn:
        """Everything that a node hears."""
        sessions = tuple(underlay.ends.at(node))
        fate = np.full((len(sessions), underlay.n), DOWN, np.int8)
        missed = np.zeros(fate.shape, np.bool_)
        used = _used(underlay, node, sessions)
        for number, session in enumerate(sessions):
            if session.up:
                found = _fates(fabric, underlay, session)
                fate[number], missed[number] = found[0], found[1] & np.isin(found[0], UNLUCKY)
        fate[used] = USED
        missed[used] = False
        missed[:, node] = False
        return AdjRibIn(fabric, underlay, node, sessions, fate, missed)

    def about(self, target: int) -> Iterator[Heard]:
        """What is heard of a target, by session."""
        for number, session in enumerate(self.sessions):
            code = int(self.fate[number, target])
            heard = code not in (DOWN, SILENT)
            nodes = tuple(_walk(self.underlay, session.peer, target)) if heard else ()
            why = self._why(code, session, nodes, target)
            yield Heard(session, nodes, FATES[code], why, bool(self.missed[number, target]))

    def lost(self, target: int) -> dict[str, int]:
        """How many paths to a target are missed, by what is said of them."""
        codes = self.fate[:, target][self.missed[:, target]].tolist()
        return {FATES[code]: codes.count(code) for code in UNLUCKY if code in codes}

    def _why(self, code: int, session: Session, nodes: tuple[int, ...], target: int) -> str:
        names, asn = self.fabric.nodes, self.underlay.asn
        own = asn[self.node]
        match code:
            case n if n == DOWN:
                return session.reason
            case n if n == SILENT:
                alone = names[session.peer].role is Role.DPU and session.peer != target
                only = "announces its own loopback alone" if alone else "has no path"
                return f"{names[session.peer].name} {only}"
            case n if n == THROUGH:
                return "leads through this node"
            case n if n == LOOP:
                alike = dict.fromkeys(names[v].name for v in nodes if asn[v] == own)
                return f"AS loop: {own} is this node's own, and that of {', '.join(alike)}"
            case n if n == DRAINED:
                drained = [names[v].name for v in nodes if v in self.fabric.drained]
                return f"drained: {', '.join(drained)}"
            case n if n == LONGER:
                best = len(self.underlay.as_path(self.node, target))
                return f"longer: {len(nodes)} ASNs, the best has {best}"
            case n if n == WIDTH:
                return f"equal, and {ECMP_WIDTH} others come first"
        return ""


def _used(
    underlay: Underlay, node: int, sessions: tuple[Session, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(session, target) of every next hop."""
    number = {s.link: i for i, s in enumerate(sessions)}
    targets = np.arange(underlay.n)
    count, _, links = underlay.next_hops(np.full(underlay.n, node), targets)
    rows = np.array([number[link] for link in links.tolist()], np.int64)
    return rows, np.repeat(targets, count)


def _fates(
    fabric: Fabric, underlay: Underlay, session: Session
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """By target: what becomes of the path of an established session, taken for unused; and whether
    it is as short as the best."""
    node, peer, n = session.node, session.peer, underlay.n
    asn, targets = np.array(underlay.asn), np.arange(n)
    length = underlay.lengths(np.array(peer), targets).astype(np.int64)
    announced = length >= 0
    if fabric.nodes[peer].role is Role.DPU:
        announced &= targets == peer
    here, left = np.full(n, peer), np.where(announced, length, 0)
    through, loop = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    while (left > 0).any():
        here = np.where(left > 0, underlay.parents(here, targets), here)
        left = left - 1
        through |= here == node
        loop |= asn[here] == asn[node]
    mine = underlay.lengths(np.array(node), targets).astype(np.int64)
    short = announced & ((mine < 0) | (length + 1 <= mine))
    # a drained node tags what it hears, so that nothing of it comes before anything else
    tagged = np.zeros(n, np.bool_)
    of_peer, own = (underlay.tags(np.array(v), targets) for v in (peer, node))
    if of_peer is not None and own is not None and node not in fabric.drained:
        tagged = of_peer & ~own
    fate = np.full(n, WIDTH, np.int8)
    fate[length + 1 > mine] = LONGER
    fate[tagged] = DRAINED
    fate[loop] = LOOP
    fate[through & announced] = THROUGH
    fate[~announced] = SILENT
    return fate, short


def _walk(underlay: Underlay, node: int, target: int) -> Iterator[int]:
    """The nodes of a best path, both ends included."""
    yield node
    while node != target:
        node = underlay.parent(node, target)
        yield node
