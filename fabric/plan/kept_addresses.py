"""Addresses of a VRF that are known before any is drawn: reported, pinned, or locked.

Rules that hold here:

1. What a pod's status reports counts if it lies in the VRF; else what is pinned; else what is
   locked. A pin that says otherwise than a report, or than another pin, is a warning (C459).
2. Nobody has what somebody else has. Of two that report one address neither has it (C616, and both
   are assumed). A report is stronger than the lock file, whose entry is then drawn anew. A pin that
   another one's report or pin has, and a lock entry that a pin or another entry has, are errors.
3. What is pinned or locked for endpoints that are not there stays reserved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.plan.draws import Draws
from fabric.plan.pools import bounds
from fabric.plan.vrfs import Slot
from fabric.values import ip
from fabric.values.inventory import Vrf

Address = IPv4Address | IPv6Address
Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody in a VRF who needs an address per family: a pod, or a host's node endpoint.

    `status` are the addresses that manifests report; `slots` the ones to draw from, in order of
    preference per family; `also` other names of the endpoint. A `spare` one goes without if there
    is no room.
    """

    name: str
    host: str
    status: tuple[str, ...]
    slots: tuple[Slot, ...]
    also: tuple[str, ...] = ()
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Addresses that one wish has already: reported, pinned or locked."""

    addresses: tuple[Address, ...] = ()
    how: str = ""


class Claims:
    """Who has which address of one VRF. `pins` and `locks` are the entries of this VRF, also those
    of endpoints that are not there; `kept` is the section of the new lock file."""

    def __init__(
        self,
        spec: FabricSpec,
        vrf: Vrf,
        draws: Draws,
        pins: Texts,
        locks: Texts,
        found: Diagnostics,
    ) -> None:
        self.spec, self.vrf, self.draws, self.found = spec, vrf, draws, found
        self.pins, self.locks, self.kept = pins, locks, draws.drawn["addresses"]
        self.owner: dict[Address, tuple[str, str]] = {}
        self.mine: dict[str, Kept] = {}
        self.spans = [(p.version, *bounds(p)) for p in vrf.prefixes]

    def decide(self, wishes: Sequence[Wish]) -> list[Kept]:
        """What each wish has; rules 1 to 3."""
        there = {name: wish for wish in wishes for name in (wish.name, *wish.also)}
        self.reported(wishes)
        for key, texts in self.pins.items():
            self.pinned(key, texts, there.get(key))
        for key, texts in sorted(self.locks.items()):
            self.locked(key, texts, there.get(key))
        none = Kept()
        return [self.mine.get(wish.name, none) for wish in wishes]

    def contains(self, address: Address) -> bool:
        """Whether an address lies in a prefix of the VRF."""
        version, number = address.version, int(address)
        return any(first <= number <= last and v == version for v, first, last in self.spans)

    def reported(self, wishes: Sequence[Wish]) -> None:
        """Addresses of statuses."""
        wishes = [wish for wish in wishes if wish.status]
        inside = [
            {a: None for a in map(ip.address, wish.status) if self.contains(a)} for wish in wishes
        ]
        claims = Counter(address for addresses in inside for address in addresses)
        for wish, addresses in zip(wishes, inside, strict=True):
            alone = tuple(a for a in addresses if claims[a] == 1)
            for address in addresses:
                self.owner[address] = wish.name, "reported"
                if claims[address] > 1:
                    what = f"{wish.name} reports {address}, and so does another endpoint"
                    self.found.warn("C616", what, None, "an address is assumed for both")
            if alone:
                self.mine[wish.name] = Kept(alone, "reported")

    def pinned(self, key: str, texts: Sequence[str], wish: Wish | None) -> None:
        """One entry of `pins.addresses`."""
        name = wish.name if wish else key
        good = []
        for number, address in enumerate(map(ip.address, texts)):
            span = self.spec.at("pins", "addresses", key, number)
            other, how = self.owner.setdefault(address, (name, "pinned"))
            if not self.contains(address):
                what = f"{address} of {key} lies outside the prefixes of {self.vrf.name}"
                hint = f"its prefixes: {', '.join(map(str, self.vrf.prefixes))}"
                self.found.error("C427", what, span, hint)
            elif other != name:
                what = f"{address} of {key} is {'reported by' if how == 'reported' else 'given to'}"
                self.found.error("C428", f"{what} {other} already", span, "each needs its own")
            good.append(address)
        if wish is not None:
            has = self.mine.setdefault(name, Kept(tuple(good), "pinned"))
            for number, address in enumerate(good):
                if address not in has.addresses:
                    had = " and ".join(map(str, has.addresses))
                    what = f"{key} is pinned to {address}, and {had} is {has.how}, which counts"
                    span = self.spec.at("pins", "addresses", key, number)
                    self.found.warn("C459", what, span, "remove the pin, or the one that is wrong")
        for stale in (name, *(wish.also if wish else ())):
            self.kept.pop(stale, None)

    def locked(self, key: str, texts: Sequence[str], wish: Wish | None) -> None:
        """One entry of the lock file."""
        if key not in self.kept:
            return
        idle = wish is None or wish.name in self.mine
        good = []
        for number, address in enumerate(map(ip.address, texts)):
            other, how = self.owner.get(address, (key, "locked"))
            if not self.contains(address):
                if not idle:
                    span = self.draws.file.span("addresses", key, number)
                    what = f"the lock file gives {address} to {key}, outside {self.vrf.name}"
                    prefixes = ", ".join(map(str, self.vrf.prefixes))
                    hint = f"its prefixes: {prefixes}; delete the line to have another one drawn"
                    self.found.error("C486", what, span, hint)
            elif other == key:
                self.owner[address] = key, how
                good.append(address)
            elif how == "locked":
                what = f"the lock file gives {address} in {self.vrf.name} to {other} and to {key}"
                span = self.draws.file.span("addresses", key, number)
                self.found.error("C485", what, span, "each needs its own")
            elif how == "pinned":
                if idle:
                    self.kept.pop(key, None)
                    continue
                what = f"{address} is pinned for {other}, and the lock file gives it to {key}"
                span = self.draws.file.span("addresses", key, number)
                hint = f"pin another one, or delete the line: then {key} draws again"
                self.found.error("C481", what, span, hint)
        if not idle and wish is not None:
            self.mine[wish.name] = Kept(tuple(good), "locked")
