"""Connectivity of a cluster by workload: who may open which connections to whom, because of what.

Rules that hold here:

1. Pods of a workload share a row. `partial` says that not every pair of pods is allowed all of the
   row's ports. IP versions share a row if they fare alike; else each that is allowed anything has
   its own, and `versions` are those that both ends have.
2. What lies outside appears as address ranges: those that fare alike towards a workload share a
   row. Addresses of the cluster itself are not outside; ranges are not cut at them.
3. Causes are all rules that allow some of the row's packets, at either side. Where no policy
   selects the pod there is none.
4. A row is *assumed* when a rule behind it goes by the address of a pod whose address is not in the
   manifests but drawn by us: with another address the row could be another.
5. Endpoints that fare alike are one class (`sim.proof.routes.stand_ins`); what becomes of workloads
   is worked out once per set of classes.
6. A pod that is asked about by its own name has rows of its own beside those of its workload.
7. A row is *conditional* where some of its packets pass only if something holds besides that no
   header shows (`sim.blocks.conditions`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Literal

import numpy as np

from compiler.policy.ir import Action, Direction, Origin
from compiler.policy.stages import Owner
from compiler.program.program import Entry, L4Range, goes_by_address
from compiler.program.walk import inside
from fabric.building.network import Network
from fabric.control.rewrites import refuse_rewrites
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.phases import phase
from sim.blocks.conditions import conditional
from sim.blocks.numbering import expand, same_rows
from sim.names.cluster_names import ClusterNames
from sim.proof.pairs.reachability import MAX_PAIRS, Bits, Reach, decisions, reachability
from sim.proof.routes.paths import Column
from sim.proof.routes.stand_ins import StandIns
from sim.reach.outside_ranges import joined
from sim.worlds.world import World


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """A workload, or the outside: kind External with the ranges that are meant."""

    kind: str
    namespace: str = ""
    name: str = ""
    ranges: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.ranges) or f"{self.namespace}/{self.name}[{self.kind}]"


OUTSIDE = Peer("External")
NOBODY = Peer("")
SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Connection:
    """`source` may open connections to `target` on `ports`, a set of L4 atoms of `Reach.space`."""

    source: Peer
    target: Peer
    ports: Bits
    families: tuple[int, ...]
    partial: bool
    causes: tuple[tuple[Direction, Origin], ...]
    assumed: bool = False
    versions: tuple[int, ...] = ()
    conditional: bool = False

    @property
    def only(self) -> str:
        """The IP version that the row is about, where both ends have another one too."""
        some = {*self.versions} - {*self.families}
        return f"IPv{self.families[0]} only" if some and len(self.families) == 1 else ""


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Every connection that is possible, sorted; `workloads` lists everybody in the cluster, `pods`
    are those with rows of their own, and `members` maps them and the outside to their endpoints. Of
    `homonyms` (namespace/name) there are several kinds."""

    reach: Reach
    workloads: tuple[Peer, ...]
    connections: tuple[Connection, ...]
    members: Mapping[Peer, tuple[int, ...]]
    pods: frozenset[Peer] = frozenset()
    homonyms: frozenset[str] = frozenset()


@phase("find who reaches whom")
def connectivity(
    world: World,
    asked: Collection[Peer] = (),
    stand_ins: StandIns | None = None,
    unasked: Collection[Peer] = (),
) -> Connectivity:
    """All pairs of workloads of a `fabric.building.cluster` network, and the outside; also of pods
    that are asked about (rule 6). `stand_ins` are those of endpoints that fare alike. Pairs of two
    workloads that are `unasked` may be left out."""
    refuse_rewrites(world.network.rewrites, "a list of workloads")
    stand_ins = stand_ins or StandIns.among(world.blocks, [drawn(world.network)])
    reach = reachability(world, covered=False, stand_ins=stand_ins)
    names = ClusterNames(world.network)
    groups: dict[int, dict[Peer, None]] = defaultdict(dict)
    for pod, end in names.labelled:
        groups[end.endpoint.index][Peer(pod.workload_kind, pod.namespace, pod.workload)] = None
    everybody = sorted({peer for peers in groups.values() for peer in peers})
    pods = frozenset(asked).difference(everybody)
    for pod, end in names.labelled:
        if (own := Peer("Pod", pod.namespace, pod.name)) in pods:
            groups[end.endpoint.index][own] = None
    found: dict[Peer, list[int]] = {peer: [] for peer in (*everybody, *sorted(pods))}
    for index, peers in groups.items():
        for peer in peers:
            found[peer].append(index)
    members = {peer: tuple(own) for peer, own in found.items()}
    rows = _ReachRows(reach, stand_ins, members, names.external.index, frozenset(unasked))
    connections = sorted(
        (*rows.between_workloads(), *rows.outside()),
        key=lambda c: (c.source, c.target, c.families),
    )
    members[OUTSIDE] = (names.external.index,)
    called = Counter(f"{peer.namespace}/{peer.name}" for peer in found)
    homonyms = frozenset(name for name, times in called.items() if times > 1)
    return Connectivity(reach, tuple(everybody), tuple(connections), members, pods, homonyms)


def refuse_rows(count: int) -> None:
    """Rows are listed one by one: say so before the memory is gone."""
    if count > MAX_PAIRS:
        message = (
            f"{count:,} pairs of workloads may talk; more than {MAX_PAIRS:,} are too many to list"
        )
        raise UndecidedError(Diagnostic("C717", message, None, "ask with --flows", "unknown"))


def drawn(network: Network) -> Bits:
    """Whose address is not in the manifests."""
    return np.array(["address" in e.assumed for e in network.endpoints], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _AlikeWorkloads:
    """Workloads whose pods are of the same classes, with whether more than one is; one that shares
    an endpoint with another is alone."""

    classes: tuple[tuple[int, bool], ...]
    peers: list[Peer]
    shares: bool


class _ReachRows:
    """Rows of one reach, for the members of workloads and the endpoint of the outside. Workloads of
    one profile differ in nothing but their names."""

    def __init__(
        self,
        reach: Reach,
        stand_ins: StandIns,
        members: Mapping[Peer, tuple[int, ...]],
        external: int,
        unasked: frozenset[Peer] = frozenset(),
    ) -> None:
        self.reach, self.stand_ins, self.external = reach, stand_ins, external
        self.members, self.unasked = members, unasked
        self.causes, self.asks = _Causes(reach), conditional(reach.blocks)
        self.profiles: dict[int, list[_AlikeWorkloads]] = defaultdict(list)
        for profile in self.profiled():
            for number, _ in profile.classes:
                self.profiles[number].append(profile)
        pairs, n = reach.pairs, max(1, len(stand_ins))
        key = stand_ins.of[pairs.src] * n + stand_ins.of[pairs.dst]
        self.order = np.argsort(key, kind="stable")
        self.keys = key[self.order]

    def profiled(self) -> Iterable[_AlikeWorkloads]:
        """Every profile."""
        of = self.stand_ins.of.tolist()
        several = Counter(i for own in self.members.values() for i in own)
        found: dict[object, _AlikeWorkloads] = {}
        for peer, own in self.members.items():
            shares = any(several[i] > 1 for i in own)
            count = Counter(of[i] for i in own)
            classes = tuple((number, n > 1) for number, n in sorted(count.items()))
            key = classes, peer if shares else None
            found.setdefault(key, _AlikeWorkloads(classes, [], shares)).peers.append(peer)
        return found.values()

    def between_workloads(self) -> Iterator[Connection]:
        """Rule 1."""
        pairs, of = self.reach.pairs, self.stand_ins.of
        within = (pairs.src != self.external) & (pairs.dst != self.external)
        some = np.flatnonzero(within & (pairs.some > 0))
        ends = dict.fromkeys(
            zip(of[pairs.src[some]].tolist(), of[pairs.dst[some]].tolist(), strict=True)
        )
        found = (pair for a, b in ends for pair in product(self.profiles[a], self.profiles[b]))
        silent = {profile for some in self.profiles.values() for profile in some
                  if self.unasked.issuperset(profile.peers)}  # fmt: skip
        meet = dict.fromkeys(pair for pair in found if not silent.issuperset(pair))
        refuse_rows(sum(len(a.peers) * len(b.peers) for a, b in meet))
        for source, target in meet:
            for apart, named in self.meeting(source, target):
                rows = list(self.joining(source, target, apart)) if named else []
                yield from (replace(row, source=a, target=b) for a, b in named for row in rows)

    def meeting(
        self, source: _AlikeWorkloads, target: _AlikeWorkloads
    ) -> Iterator[tuple[frozenset[int], list[tuple[Peer, Peer]]]]:
        """Pairs of workloads, and the classes of which they have nobody but one and the same."""
        if source is target:
            alone = frozenset(number for number, several in source.classes if not several)
            yield frozenset(), [*permutations(source.peers, 2)]
            yield alone, [(peer, peer) for peer in source.peers]
            return
        apart: frozenset[int] = frozenset()
        if source.shares and target.shares:
            here, there = (self.by_class(p.peers[0]) for p in (source, target))
            both = here.keys() & there.keys()
            apart = frozenset(n for n in both if len(here[n] | there[n]) == 1)
        yield apart, [*product(source.peers, target.peers)]

    def by_class(self, peer: Peer) -> dict[int, set[int]]:
        """The members of a workload."""
        found: dict[int, set[int]] = defaultdict(set)
        for member in self.members[peer]:
            found[int(self.stand_ins.of[member])].add(member)
        return found

    def joining(
        self, source: _AlikeWorkloads, target: _AlikeWorkloads, apart: frozenset[int]
    ) -> Iterator[Connection]:
        """The rows of two workloads of these profiles, without their names."""
        pairs, n = self.reach.pairs, max(1, len(self.stand_ins))
        keys = [
            a * n + b
            for (a, _), (b, _) in product(source.classes, target.classes)
            if a != b or a not in apart
        ]
        first, last = (np.searchsorted(self.keys, keys, side) for side in SIDES)
        chosen = self.order[expand(first, last - first)[1]]
        versions = tuple(np.unique(pairs.version[chosen]).tolist())
        for part in self.families(chosen) if len(chosen) else ():
            sets = pairs.some[part]
            if sets.any():
                paths = expand(pairs.first[part], pairs.last[part] - pairs.first[part])[1]
                one = self.connection(NOBODY, NOBODY, sets, paths, pairs.version[part])
                yield replace(one, versions=versions)

    def families(self, rows: Column) -> list[Column]:
        """Pairs of two workloads by IP version; all together if the versions fare alike."""
        pairs = self.reach.pairs
        version = pairs.version[rows]
        parts = [rows[version == v] for v in np.unique(version)]
        fates = {tuple(np.unique(pairs.some[part]).tolist()) for part in parts}
        return [rows] if len(fates) == 1 else parts

    def outside(self) -> Iterator[Connection]:
        """Rule 2, both ways."""
        paths, of = self.reach.paths, self.stand_ins.of
        every = dict.fromkeys(profile for some in self.profiles.values() for profile in some)
        for direction, here, there, cls in (
            (Direction.IN, paths.dst, paths.src, paths.src_class),
            (Direction.OUT, paths.src, paths.dst, paths.dst_class),
        ):
            members: dict[int, list[int]] = defaultdict(list)
            for path in np.flatnonzero(there == self.external).tolist():
                members[int(of[here[path]])].append(path)
            for profile in every:
                found = [path for number, _ in profile.classes for path in members.get(number, ())]
                for ranges, chosen in self.alike(np.array(found, np.int64), cls):
                    other = Peer("External", ranges=ranges)
                    ends = (other, NOBODY) if direction is Direction.IN else (NOBODY, other)
                    sets, versions = self.reach.path_set[chosen], paths.version[chosen]
                    row = self.connection(*ends, sets, chosen, versions)
                    for peer in profile.peers:
                        ends = (other, peer) if direction is Direction.IN else (peer, other)
                        yield replace(row, source=ends[0], target=ends[1])

    def alike(self, paths: Column, cls: Column) -> Iterator[tuple[tuple[str, ...], Column]]:
        """Paths towards outside addresses for which the same sets apply, with the ranges."""
        paths = paths[np.argsort(cls[paths], kind="stable")]
        classes, first = np.unique(cls[paths], return_index=True)
        parts = np.split(paths, first[1:])
        sets = [tuple(sorted({*self.reach.path_set[part].tolist()})) for part in parts]
        refinements = self.reach.refinements
        ranges = sorted(
            (refinements.bounds(p)[0], *bounds, s)
            for p, s in zip(classes.tolist(), sets, strict=True)
            for bounds in refinements.ranges(p)
        )
        for wanted in dict.fromkeys(sets):
            if any(wanted):
                chosen = [part for part, s in zip(parts, sets, strict=True) if s == wanted]
                yield tuple(joined(ranges, wanted)), np.concatenate(chosen)

    def connection(
        self, source: Peer, target: Peer, sets: Column, paths: Column, versions: Column
    ) -> Connection:
        """One row from the sets of its members and their paths."""
        distinct = np.unique(sets)
        causes, assumed = self.causes.of(paths)
        return Connection(
            source,
            target,
            self.reach.sets[distinct].any(axis=0),
            tuple(np.unique(versions[sets > 0]).tolist()),
            len(distinct) > 1,
            causes,
            assumed,
            conditional=self.asking(paths),
        )

    def asking(self, paths: Column) -> bool:
        """Rule 7, of the packets that pass on some paths."""
        rows, chosen = self.reach.paths, self.reach.path_set[paths]
        if not self.asks.any():
            return False
        for i in same_rows([rows.out_key[paths], rows.in_key[paths], chosen]).sample.tolist():
            path, passing = int(paths[i]), self.reach.sets[int(chosen[i])]
            keys = np.array([rows.out_key[path], rows.in_key[path]])
            found = decisions(self.reach.blocks, keys)
            if (self.asks[found].any(axis=0) & passing).any():
                return True
        return False


class _Causes:
    """Rules that allow, worked out once per enforcement point, remote class and set."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.known: dict[tuple[int, int, int], tuple[tuple[Origin, bool], ...]] = {}
        self.drawn = drawn(reach.network)
        self.masks: dict[tuple[L4Range, ...], Bits] = {}

    def of(self, paths: Column) -> tuple[tuple[tuple[Direction, Origin], ...], bool]:
        """The causes behind these paths (rule 3), and whether they are assumed (rule 4)."""
        rows, chosen = self.reach.paths, self.reach.path_set[paths]
        found: dict[tuple[Direction, Origin], None] = {}
        assumed = False
        for direction, key, local, remote, cls in (
            (Direction.OUT, rows.out_key, rows.src, rows.dst, rows.dst_class),
            (Direction.IN, rows.in_key, rows.dst, rows.src, rows.src_class),
        ):
            drawn = self.drawn[remote[paths]]
            for i in same_rows([key[paths], chosen, drawn]).sample.tolist():
                path, number = int(paths[i]), int(chosen[i])
                if number:
                    where = (direction, int(key[path]), number)
                    if where not in self.known:
                        self.known[where] = tuple(
                            self.allowing(direction, int(local[path]), int(cls[path]), number)
                        )
                    causes = self.known[where]
                    found.update(dict.fromkeys((direction, origin) for origin, _ in causes))
                    assumed |= bool(drawn[i]) and any(by_address for _, by_address in causes)
        return tuple(sorted(found, key=lambda c: (c[0], c[1].rank))), assumed

    def allowing(
        self, direction: Direction, local: int, cls: int, number: int
    ) -> Iterator[tuple[Origin, bool]]:
        """Permits of the cluster's policies that match the place and some packet of the set: their
        origins, and whether they go by address."""
        program, bits = self.reach.program, self.reach.sets[number]
        version, address, _ = self.reach.refinements.bounds(cls)
        for group in program.bound(direction, local):
            for entry in group.entries if group.stage.owner is Owner.CLUSTER else ():
                if entry.action is Action.DENY or self.last_word(entry):
                    continue
                regions = (r.v4 if version == 4 else r.v6 for r in entry.regions)
                if any(inside(r, address) for r in regions) and (self.mask(entry.l4) & bits).any():
                    yield program.origins[entry.origin], goes_by_address(entry)

    def last_word(self, entry: Entry) -> bool:
        """Whether an entry only says that others have decided."""
        return self.reach.program.origins[entry.origin].kind.echo

    def mask(self, l4: tuple[L4Range, ...]) -> Bits:
        """The L4 atoms of an entry."""
        if l4 not in self.masks:
            self.masks[l4] = self.reach.blocks.l4.mask(l4)
        return self.masks[l4]
