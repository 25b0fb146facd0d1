"""A packet's whole way: forwarding steps (`sim.forwarding.one_step`), one after the other, until it
ends. Rules that hold here:

1. Whoever takes a packet out of a tunnel into a VRF looks it up there. Where nothing leads on, the
   way ends: an endpoint that lives there gets it, or nobody (`eni_miss_drop`, a black hole).
2. Where the route leads on and the VRF says `hairpin: deny`, it ends too (`hairpin_drop`). With
   `permit` it goes on as anything that the VTEP itself sends there, over a route of that VRF.
3. No groups are asked there: they are about endpoints, and it is none's that lives there.
4. Packets last as long as their TTL (`sim.packets.ttl`): what goes in circles, or has come out of
   more than `LAST` tunnels, ends (`ttl_drop`).
5. ECMP chooses at each VTEP anew, always alike for one flow: who comes twice to a place never gets
   out. So the ends of all ways are those of all walks of at most `LAST` steps, and `ttl_drop` if
   some walk is longer.

Ways differ by their first step and by the tunnel out of which the packet comes last: the receiver
knows a packet's sender by that tunnel alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from fabric.values.inventory import Endpoint
from sim.forwarding.one_step import Onward, Place, leads_on, onward
from sim.packets.ecmp import ENTRY, choose, seed
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.packets.ttl import LAST
from sim.worlds.world import World

if TYPE_CHECKING:
    from fabric.control.fib import Route


class WholeWay(NamedTuple):
    """The steps of a packet, and for what reason it `ends` behind the last of them; None where it
    is for whoever lives there."""

    start: Place
    steps: tuple[Onward, ...]
    ends: Reason | None

    @property
    def end(self) -> Place:
        """Where the last step leads."""
        return self.steps[-1].to

    @property
    def before(self) -> Place:
        """Who takes the last step: the sender of the last tunnel."""
        return self.steps[-2].to if len(self.steps) > 1 else self.start

    @property
    def key(self) -> tuple[object, ...]:
        """What tells ways apart."""
        if self.ends is Reason.TTL_DROP:
            return self.steps[0].to, self.ends
        return self.steps[0].to, self.before, self.end, self.ends


def ways(world: World, at: Place) -> tuple[WholeWay, ...]:
    """Every way of a packet that an endpoint sends at a place, in order of first steps; one of the
    shortest for each end."""
    return tuple(way for first in onward(world.network, at) for way in _from(world, at, first))


class Entered(NamedTuple):
    """A packet comes in at the VTEP `entry`, and the way that it takes from there: None without a
    route; `away` is the route by which that VTEP has the source elsewhere."""

    entry: int
    way: WholeWay | None
    away: Route | None = None


def entered(world: World, source: Endpoint, header: Flow) -> tuple[Entered, ...]:
    """Everything that may become of what an endpoint sends: by entry, and from there by way."""
    network, found = world.network, list[Entered]()
    for entry in network.entries(source):
        away = leads_on(network, entry, source.vrf, header.version, header.src)
        every = () if away else ways(world, Place(entry, header.vrf, header))
        found += [Entered(entry, way) for way in every] or [Entered(entry, None, away)]
    return tuple(found)


def hashed_entry(world: World, source: Endpoint, header: Flow, hashed: int) -> Entered:
    """What becomes of the flow with this hash: first where it comes in, then where that leads."""
    every = world.network.entries(source)
    entry = every[choose(hashed, ENTRY, len(every))]
    away = leads_on(world.network, entry, source.vrf, header.version, header.src)
    start = Place(entry, header.vrf, header)
    return Entered(entry, None if away else hashed_way(world, start, hashed), away)


def hashed_way(world: World, at: Place, hashed: int) -> WholeWay | None:
    """The way of the flow with this hash; None without a route."""
    steps: list[Onward] = []
    here = at
    while True:
        found = onward(world.network, here)
        if not found:
            return None
        steps.append(found[choose(hashed, seed(here.node), len(found))])
        said = _said(world, here, steps[-1], len(steps))
        if said is not GOES_ON:
            return WholeWay(at, _once_round(at, steps), said)
        here = steps[-1].to


GOES_ON = Reason.NO_ROUTE_DROP
"""In the place of a reason: the packet is looked up once more."""


def _said(world: World, here: Place, step: Onward, number: int) -> Reason | None:
    """What becomes of a packet behind the step of this number."""
    network, there = world.network, step.to
    if not network.underlay.reachable(here.node, there.node):
        return Reason.UNDERLAY_DROP
    if number > LAST:
        return Reason.TTL_DROP
    if not leads_on(network, there.node, there.vrf, there.header.version, there.header.dst):
        return None
    return GOES_ON if network.vrfs[there.vrf].hairpin else Reason.HAIRPIN_DROP


def _from(world: World, at: Place, first: Onward) -> Iterator[WholeWay]:
    """The ways that begin with a step, nearest ends first. A layer has the places that are passed
    after so many steps, with some way there; a place is new in the first one that has it."""
    said = _said(world, at, first, 1)
    if said is not GOES_ON:
        yield WholeWay(at, (first,), said)
        return
    found = cache(partial(onward, world.network))
    layer: dict[Place, tuple[Onward, ...]] = {first.to: (first,)}
    known, fresh = {first.to}, {first.to}
    for number in range(2, LAST + 2):
        after: dict[Place, tuple[Onward, ...]] = {}
        circles: list[tuple[Onward, ...]] = []
        for here, before in layer.items():
            for step in found(here):
                said, steps = _said(world, here, step, number), (*before, step)
                if said is GOES_ON:
                    after.setdefault(step.to, steps)
                elif said is Reason.TTL_DROP:
                    circles.append(steps)
                elif here in fresh:
                    yield WholeWay(at, steps, said)
        if circles:
            yield WholeWay(at, _once_round(at, circles[0]), Reason.TTL_DROP)
        fresh = after.keys() - known
        layer, known = after, known | fresh


def _once_round(at: Place, steps: Sequence[Onward]) -> tuple[Onward, ...]:
    """The first steps, up to where one leads to a place for the second time."""
    seen = {at}
    for number, step in enumerate(steps):
        if step.to in seen:
            return tuple(steps[: number + 1])
        seen.add(step.to)
    return tuple(steps)
