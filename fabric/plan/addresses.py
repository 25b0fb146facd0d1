"""Blocks and addresses: which prefix block each host owns in a VRF, and who gets which address.

Rules that hold here:

1. A pod's address is kept (`fabric.plan.kept_addresses`), else the next free one of its host's
   block (then the address is *assumed*).
2. A host owns at least one block per (VRF, slot, family) from which it needs an address. Addresses
   that are known first pull their block to their host, so that blocks follow a running cluster.
3. A node's address comes from the `use: nodes` prefixes, one host route each; without such prefixes
   from the pods' block.
4. What is drawn in a VRF never depends on another VRF, save that a tenant's per-namespace VRFs
   share their prefixes; what is locked or pinned never moves, and no two hosts own one address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.plan.draws import Draws
from fabric.plan.kept_addresses import Claims, Wish
from fabric.plan.pools import FreeSpace, bounds, network, usable
from fabric.plan.vrfs import Slot
from fabric.values import ip
from fabric.values.inventory import Prefix, Vrf
from fabric.values.ip import MANY

Address = IPv4Address | IPv6Address
Host = tuple[tuple[int, int], str, Prefix]


@dataclass(frozen=True, slots=True)
class Granted:
    """Addresses of one wish, IPv4 first; `assumed` when one of them was drawn by rule."""

    prefixes: tuple[Prefix, ...]
    assumed: bool


class Taken(dict[int, FreeSpace]):
    """Blocks of one address space by IP version; `pinned` ones with the keys that they have."""

    def __init__(self) -> None:
        super().__init__({4: FreeSpace(), 6: FreeSpace()})
        self.pinned: list[tuple[Prefix, str]] = []

    def take(self, block: Prefix) -> None:
        """Nobody else gets any of it."""
        self[block.version].add(*bounds(block))

    def pinned_around(self, block: Prefix) -> str | None:
        """The key of a pinned block that shares addresses with this one."""
        return next((key for other, key in self.pinned if _meet(block, other)), None)


class VrfAddresses:
    """Hands out blocks and addresses of one VRF. VRFs that share prefixes share what is `taken`;
    all of them restore what their hosts own before any draws."""

    def __init__(
        self,
        spec: FabricSpec,
        vrf: Vrf,
        slots: Sequence[Slot],
        draws: Draws,
        problems: Diagnostics,
        taken: Taken,
    ) -> None:
        self.spec, self.vrf, self.slots = spec, vrf, tuple(slots)
        self.draws, self.problems, self.space = draws, problems, taken
        self.lengths = {4: spec.pools.blocks.get("v4", 26), 6: spec.pools.blocks.get("v6", 112)}
        self.spoken = {slot: {p.version for p in slot.prefixes} for slot in self.slots}
        self.blocks: dict[str, list[Prefix]] = defaultdict(list)
        self.taken: dict[int, set[int]] = {4: set(), 6: set()}
        longest_first = sorted(vrf.prefixes, key=lambda p: -p.prefixlen)
        self.specific = [(*bounds(p), p, self.slot_of(p)) for p in longest_first]
        self.free: dict[tuple[str, Slot, int], Iterator[int]] = {}
        self.first_of: dict[tuple[Slot, ...], list[tuple[int, Slot]]] = {}

    def own(self, host: str, block: Prefix) -> None:
        """Give a block to a host."""
        self.blocks[host].append(block)
        self.space.take(block)

    def restore_pins(self, hosts: Iterable[str]) -> None:
        """Pinned blocks come first; one is owned even by a host without endpoints."""
        for prefix in (p for slot in self.slots if slot.use == "nodes" for p in slot.prefixes):
            if prefix.prefixlen < prefix.max_prefixlen - 1:
                self.space[prefix.version].add(*2 * bounds(prefix)[:1])
        for host in hosts:
            key = f"{host} {self.vrf.name}"
            for number, block in enumerate(map(ip.prefix, self.draws.pins.blocks[key])):
                if not self.holds(block):
                    what = f"block {block} of {key} lies in no prefix of {self.vrf.name}"
                    hint = f"its prefixes: {', '.join(map(str, self.vrf.prefixes))}"
                    span = self.spec.at("pins", "blocks", key, number)
                    self.problems.error("C448", what, span, hint)
                self.own(host, block)
                self.space.pinned.append((block, key))
            self.draws.drawn["blocks"].pop(key, None)

    def restore_locked(self, hosts: Iterable[str], here: Container[str]) -> None:
        """Then locked ones; one of a host without endpoints stays reserved."""
        for host in hosts:
            key = f"{host} {self.vrf.name}"
            for number, block in enumerate(map(ip.prefix, self.draws.drawn["blocks"].get(key, ()))):
                other = self.space.pinned_around(block)
                if other is not None:
                    span = self.draws.file.span("blocks", key, number)
                    what = f'block {block} is pinned for "{other}", and locked for "{key}"'
                    hint = "pin another one, or delete the line to have another one drawn"
                    self.problems.error("C481", what, span, hint)
                elif self.holds(block):
                    self.space.take(block)
                    if host in here:
                        self.blocks[host].append(block)
                elif host in here:
                    span = self.draws.file.span("blocks", key, number)
                    what = f"the lock file gives block {block} to {key}, outside its VRF"
                    prefixes = ", ".join(map(str, self.vrf.prefixes))
                    hint = f"its prefixes: {prefixes}; delete the line to have another one drawn"
                    self.problems.error("C486", what, span, hint)

    def holds(self, block: Prefix) -> bool:
        """Whether a block lies in a prefix of the VRF."""
        return any(_inside(block, p) for p in self.vrf.prefixes)

    def grant(self, wishes: Sequence[Wish], claims: Claims) -> list[Granted]:
        """Addresses of everybody, in order of the wishes."""
        decided = claims.decide(wishes)
        for address in claims.owner:
            self.taken[address.version].add(int(address))
        for wish, found in zip(wishes, decided, strict=True):
            for address in found.addresses:
                self.follow(wish.host, address)
        granted = [
            self.complete(wish, [*found.addresses], found.how)
            for wish, found in zip(wishes, decided, strict=True)
        ]
        self.free.clear()
        return granted

    def follow(self, host: str, address: Address) -> None:
        """Let a known address pull its block to its host, if the block is free (rule 2) and nobody
        pinned what the host owns."""
        prefix, slot = self.around(address)
        pinned = self.draws.pins.blocks.get(f"{host} {self.vrf.name}", ())
        if prefix is None or slot is None or slot.use == "pins":
            return
        version, number = address.version, int(address)
        if any(ip.prefix(block).version == version for block in pinned):
            return
        length = self.length(slot, prefix)
        size = 1 << (prefix.max_prefixlen - length)
        first = number // size * size
        if not self.space[version].overlaps(first, first + size - 1):
            self.own(host, network(version, first, length))

    def around(self, address: Address) -> tuple[Prefix | None, Slot | None]:
        """The most specific prefix of the VRF around an address, and its slot."""
        version, number = address.version, int(address)
        for first, last, prefix, slot in self.specific:
            if first <= number <= last and prefix.version == version:
                return prefix, slot
        return None, None

    def slot_of(self, prefix: Prefix) -> Slot | None:
        """The slot that a prefix of the VRF belongs to."""
        return next((s for s in self.slots if prefix in s.prefixes), None)

    def length(self, slot: Slot, prefix: Prefix) -> int:
        """Length of a host's block in a slot (rule 3)."""
        if slot.use == "nodes":
            return prefix.max_prefixlen
        return max(self.lengths[prefix.version], prefix.prefixlen)

    def complete(self, wish: Wish, found: list[Address], how: str) -> Granted:
        """Add what is missing. A status speaks for every family; pins and locks for their own."""
        hosts = [_host(address.version, int(address)) for address in found]
        if how == "reported":
            return Granted(_prefixes(hosts), False)
        assumed = how == "locked" and bool(found)
        has = {address.version for address in found}
        for version, slot in self.sources(wish.slots):
            if version in has:
                continue
            number = self.draw(wish, slot, version)
            if number is not None:
                hosts.append(_host(version, number))
                assumed = True
        if len(hosts) > 1:
            hosts.sort(key=lambda host: host[0])
        if assumed:
            self.draws.drawn["addresses"][wish.name] = [text for _, text, _ in hosts]
        return Granted(_prefixes(hosts), assumed)

    def sources(self, slots: tuple[Slot, ...]) -> list[tuple[int, Slot]]:
        """The first slot that speaks each IP version, of those that speak any."""
        known = self.first_of.get(slots)
        if known is None:
            firsts = ((v, next((s for s in slots if v in self.spoken[s]), None)) for v in (4, 6))
            known = self.first_of[slots] = [(v, slot) for v, slot in firsts if slot is not None]
        return known

    def draw(self, wish: Wish, slot: Slot, version: int) -> int | None:
        """The next free address of the host's blocks, from a new block when they are full."""
        key = wish.host, slot, version
        if key not in self.free:
            self.free[key] = self.candidates(*key)
        taken = self.taken[version]
        for number in self.free[key]:
            if number not in taken:
                taken.add(number)
                return number
        self.exhausted(wish, slot, [p for p in slot.prefixes if p.version == version])
        return None

    def candidates(self, host: str, slot: Slot, version: int) -> Iterator[int]:
        """Addresses of the host's blocks, those that it has first, then of new ones."""
        prefixes = [p for p in slot.prefixes if p.version == version]
        for block in [b for b in self.blocks[host] if any(_inside(b, p) for p in prefixes)]:
            yield from usable(block)
        for prefix in prefixes:
            while (
                fresh := self.space[version].draw(prefix, self.length(slot, prefix))
            ) is not None:
                self.blocks[host].append(fresh)
                yield from usable(fresh)

    def exhausted(self, wish: Wish, slot: Slot, prefixes: Sequence[Prefix]) -> None:
        """Say once per slot what ran out and what was needed."""
        texts = ", ".join(map(str, prefixes))
        length = self.length(slot, prefixes[0])
        message = f"{self.vrf.name} has no free /{length} block in {texts} for {wish.host}"
        if wish.spare:
            told = f"{message}, so it is not there"
            hint = "say under hosts which hosts the tenant has, or mark a prefix use: nodes"
            if all(
                item.code != "C457" or item.span != self.vrf.span for item in self.problems.items
            ):
                self.problems.warn("C457", told, self.vrf.span, hint)
            return
        if all(message != item.message for item in self.problems.items):
            hint = "add a prefix, or make blocks smaller, as in pools: { blocks: { v4: 28 } }"
            self.problems.error("C403", message, self.vrf.span, hint)

    def lock_blocks(self) -> None:
        """Remember the blocks that were drawn."""
        pinned, drawn = self.draws.pins.blocks, self.draws.drawn["blocks"]
        for host, blocks in self.blocks.items():
            key = f"{host} {self.vrf.name}"
            if blocks and key not in pinned:
                drawn[key] = [*map(ip.text, blocks)]


def _inside(block: Prefix, prefix: Prefix) -> bool:
    if block.version != prefix.version:
        return False
    (low, high), (first, last) = bounds(block), bounds(prefix)
    return first <= low and high <= last


def _meet(a: Prefix, b: Prefix) -> bool:
    if a.version != b.version:
        return False
    (low, high), (first, last) = bounds(a), bounds(b)
    return low <= last and first <= high


@lru_cache(MANY)
def _host(version: int, number: int) -> Host:
    """One address: what hosts are sorted by, the text, and the host route."""
    prefix = network(version, number, 32 if version == 4 else 128)
    return (version, number), str(prefix.network_address), prefix


def _prefixes(hosts: list[Host]) -> tuple[Prefix, ...]:
    if len(hosts) > 1:
        hosts = sorted(hosts, key=lambda host: host[0])
    return tuple(prefix for _, _, prefix in hosts)
