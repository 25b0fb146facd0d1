"""Forgeries of a certificate's regions: who is led where, on which ports, and what comes of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from forger import rerouted, settle

from sim.checker.document.regions import Choice, read


def profiles(written: Any, delivers: bool) -> list[int]:
    """Profiles that deliver something, or that deny everything for want of a route."""
    found = [{why for _, why in boxes} for boxes in read(written).profiles]
    wanted = [("delivered" in f) if delivers else f == {"no_route_drop"} for f in found]
    return [number for number, good in enumerate(wanted) if good]


def crossing(written: Any) -> Any:
    """Whether a source sends from globex to acme on this choice."""
    group = [party["group"] for party in written["endpoints"]]
    return lambda source, choice: (
        choice.endpoint >= 0
        and (group[source.endpoint], group[choice.endpoint]) == ("globex", "acme")
    )


def emptied(written: Any) -> None:
    """Open regions lead nowhere any more, and the cell is closed."""
    group = [party["group"] for party in written["endpoints"]]
    verdicts = [outcome["verdict"] for outcome in written["outcomes"]]
    open_ = [any(verdicts[box[6]] == "allow" for box in boxes) for boxes in written["profiles"]]
    for row in (row for rows in written["maps"] for row in rows):
        if open_[row[2]]:
            row[3] = [-1 if group[e] == "acme" else e for e in row[3]]
    written["cells"] = [[a, b, "closed" if a != b else s] for a, b, s in written["cells"]]


def emptied_slyly(written: Any) -> Any:
    is_crossing = crossing(written)
    return rerouted(written, lambda s, row, c: c._replace(endpoint=-1) if is_crossing(s, c) else c)


def closed_slyly(written: Any) -> Any:
    none, is_crossing = profiles(written, False)[0], crossing(written)
    return rerouted(written, lambda s, row, c: Choice(none, -1, -1) if is_crossing(s, c) else c)


def one_region_closed(written: Any) -> Any:
    """A single destination of a single source."""
    none, open_ = profiles(written, False)[0], profiles(written, True)
    hit: list[Any] = []

    def change(source: Any, row: Any, choice: Any) -> Any:
        if choice.profile in open_ and (not hit or hit == [(source, row)]):
            hit[:] = [(source, row)]
            return Choice(none, -1, -1)
        return choice

    return rerouted(written, change)


def called_self(written: Any) -> None:
    for outcome in written["outcomes"]:
        if outcome["reasons"] == ["delivered"]:
            outcome |= {"reasons": ["self"], "verdict": "exempt"}


def led_to_itself(written: Any) -> Any:
    """What crosses tenants is called something that the sender says to itself."""
    found = [{why for _, why in boxes} for boxes in read(written).profiles]
    alone = found.index({"self"})

    def home(source: Any) -> int:
        return int(written["vrfs"].index(written["endpoints"][source.endpoint]["vrf"]))

    is_crossing = crossing(written)
    return rerouted(
        written,
        lambda s, row, c: Choice(alone, s.endpoint, home(s)) if is_crossing(s, c) else c,
    )


def narrower_box(written: Any) -> Any:
    """A port less is open: the box of what is open shrinks, its neighbour grows."""
    verdicts = [outcome["verdict"] for outcome in written["outcomes"]]
    for boxes in written["profiles"]:
        for a, b in itertools.pairwise(boxes):
            if verdicts[b[6]] == "allow" and a[:2] == b[:2] and b[2] == a[3] + 1 == b[3]:
                a[3], b[2], b[3] = a[3] + 1, b[2] + 1, b[3] + 1
                after = boxes[boxes.index(b) + 1]
                after[2] += 1
                return settle(written)
    raise AssertionError("no such box")


def into_another_vrf(written: Any) -> Any:
    """Where nobody answers, the packet is said to have gone into another VRF."""
    last = len(written["vrfs"]) - 1
    return rerouted(
        written,
        lambda s, row, c: c._replace(vrf=last - c.vrf) if c.endpoint < 0 <= c.vrf else c,
    )


def one_way_less(written: Any) -> Any:
    """Some choice of ECMP is left out, so that what depends on it does not."""
    regions = read(written)
    maps = [[row._replace(choices=row.choices[1:] or row.choices) for row in rows]
            for rows in regions.maps]  # fmt: skip
    return settle(written, replace(regions, maps=maps))


def everything_is_one_range(written: Any) -> Any:
    """One range of destinations swallows its neighbours."""
    for rows in written["maps"]:
        rows[:] = [[rows[0][0], rows[-1][1], *rows[0][2:]]]
    return settle(written)


def verdict_of_delivered(written: Any) -> None:
    for outcome in written["outcomes"]:
        if outcome["reasons"] == ["delivered"]:
            outcome["verdict"] = "deny"
    written["cells"] = [[a, b, "closed"] for a, b, _ in written["cells"]]


def cell_closed(written: Any) -> None:
    next(cell for cell in written["cells"] if cell[2] == "open")[2] = "closed"
