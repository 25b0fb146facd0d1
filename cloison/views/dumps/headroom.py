"""Per table: the fullest enforcement point, and how many more such tenants would fit there.

"Such a tenant" is the average one of that point: what a table holds, divided by the tenants whose
endpoints live behind it (behind a border: by all tenants, since it serves them all; its own
endpoints do not grow with them). A table whose size is a maximum (`entries_per_group`,
`ecmp_width`) does not grow with tenants and bounds nothing.
An unknown capacity bounds nothing either, and is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloison.render.table import Table

if TYPE_CHECKING:
    from compiler.targets.profiles import Profile
    from compiler.targets.usage import Usage
    from fabric.building.network import Network

MAXIMA = frozenset({"entries_per_group", "ecmp_width"})


@dataclass(frozen=True, slots=True)
class Room:
    """The fullest point of one table; `more` is how many more tenants fit, None when unbounded."""

    table: str
    node: str
    used: int
    capacity: int | None
    more: int | None
    source: str

    @property
    def fill(self) -> float | None:
        """Share in use; None when the capacity is unknown."""
        return None if self.capacity is None else self.used / max(self.capacity, 1)


def headroom(network: Network, usage: Iterable[Usage]) -> tuple[Room, ...]:
    """One row per table, in the target's order."""
    tenants = tenants_behind(network)
    usage = [row for row in usage if row.table != "endpoints" or row.node in tenants]
    everyone = len({e.tenant for e in network.endpoints if e.zone == 1}) or 1
    rows: dict[str, list[Usage]] = {}
    for row in usage:
        rows.setdefault(row.table, []).append(row)
    out = []
    for table, found in rows.items():
        fullest = max(found, key=lambda u: (u.fill or 0, u.used))
        rooms = [more(u, tenants.get(u.node, everyone)) for u in found]
        least = min((room for room in rooms if room is not None), default=None)
        out.append(Room(table, fullest.node, fullest.used, fullest.capacity, least, fullest.source))
    return tuple(out)


def room_table(network: Network, target: Profile, usage: Iterable[Usage]) -> Table:
    """The same for people."""
    rows = tuple(
        {
            "table": room.table.replace("_", " "),
            "fullest DPU": room.node,
            "holds": f"{room.used:,} of {amount(room.capacity)}",
            "room for more tenants": "" if room.more is None else amount(room.more),
        }
        for room in headroom(network, usage)
    )
    return Table(rows, f"Tables per DPU, against {target.title}")


def amount(number: int | None) -> str:
    """A number for people.

    >>> amount(64000), amount(None)
    ('64,000', 'unknown')
    """
    return "unknown" if number is None else f"{number:,}"


def more(usage: Usage, tenants: int) -> int | None:
    """How many more tenants of this point's average fit into one table."""
    if usage.capacity is None or usage.table in MAXIMA or not usage.used:
        return None
    return max(0, (usage.capacity - usage.used) * tenants // usage.used)


def tenants_behind(network: Network) -> dict[str, int]:
    """How many tenants have endpoints behind each node."""
    found: dict[str, set[str]] = {}
    for endpoint in network.endpoints:
        if endpoint.zone == 1:
            name = network.fabric.nodes[endpoint.vtep].name
            found.setdefault(name, set()).add(endpoint.tenant)
    return {name: len(tenants) for name, tenants in found.items()}


def tightest(rooms: Iterable[Room]) -> Room | None:
    """The table that fills first; None when no capacity is known."""
    bounded = [room for room in rooms if room.more is not None]
    return min(bounded, key=lambda room: room.more or 0, default=None)
