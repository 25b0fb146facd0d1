"""Every answer to a question about names, where `sim.why.one_answer` has one or refuses.

Rules that hold here:

1. A workload, a prefix or an owner of one stands for its pods: one of each class of pods that fare
   alike is asked about (`sim.why.pod_classes`), and a second one for what a class says to itself.
   A pattern is asked about pair by pair.
2. Where names stand for workloads and all their answers end alike, by the same rule, the first
   speaks for all.
3. Pairs without a common IP version are left out, unless there are no others (C712).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from compiler.requests.http_rules import HttpRequest
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.address_sets import Address, AddressSet, address_in, set_in
from fabric.values.inventory import Endpoint
from sim.names.ends import Destination, both, endpoints, is_pattern, targets
from sim.names.wanted_ports import split_source
from sim.why.address_parts import Ends, each
from sim.why.explain import Explanation
from sim.why.pod_classes import classes, workload
from sim.why.request_answers import answered
from sim.worlds.world import World

MOST = 1000


@dataclass(frozen=True, slots=True)
class EveryAnswer:
    """`found` in order. `alike_as` says for how many pods an endpoint stands that is not named
    alone; `pods` is how many pairs were asked about, `named` whether no pattern was."""

    found: tuple[Explanation, ...]
    alike_as: Mapping[str, int]
    pods: int
    named: bool

    @property
    def one(self) -> Explanation | None:
        """The answer for all, if there is one (rule 2)."""
        alone = len(self.found) == 1 or (self.named and alike(self.found))
        return self.found[0] if alone else None

    def of_request(self, request: HttpRequest) -> EveryAnswer:
        """The same for a request in each of these flows. Raises `InputError`."""
        return replace(self, found=tuple(answered(one, request) for one in self.found))

    def pairs(self, found: Explanation) -> int:
        """For how many pairs of pods one of them stands."""
        return self.alike_as.get(found.source, 1) * self.alike_as.get(found.target, 1)


@dataclass(frozen=True, slots=True)
class _PodClasses:
    """Classes of pods of a world; for how many pods each of those that are asked about stands."""

    world: World
    alike_as: dict[str, int] = field(default_factory=dict)

    def firsts(self, members: Sequence[Endpoint]) -> list[Endpoint]:
        """One endpoint of each class."""
        if len(members) == 1:
            return list(members)
        found = classes(self.world, members)
        self.alike_as.update({alike[0].name: len(alike) for alike in found})
        return [alike[0] for alike in found]

    def distinct(self, wanted: Sequence[Destination]) -> list[Destination]:
        """As `firsts`, of destinations; an address stands for itself."""
        members = {t.endpoint.index: t.endpoint for t in wanted if t.endpoint is not None}
        kept = {e.index for e in self.firsts(list(members.values()))} if members else set()
        return [t for t in wanted if t.endpoint is None or t.endpoint.index in kept]

    def seconds(self, wanted: Sequence[Destination]) -> dict[int, Destination]:
        """Of each class of several, by its first: another one, for what they say to each other."""
        ends = {t.endpoint.index: (t.endpoint, t) for t in wanted if t.endpoint is not None}
        if len(ends) < 2:
            return {}
        found = classes(self.world, [endpoint for endpoint, _ in ends.values()])
        several = [members for members in found if len(members) > 1]
        self.alike_as.update({members[1].name: len(members) - 1 for members in several})
        return {members[0].index: ends[members[1].index][1] for members in several}


def every_answer(world: World, src: str, dst: str, version: int | None = None) -> EveryAnswer:
    """Why flows from all that `src` names to all that `dst` names are allowed or denied; without
    `version` IPv4 is explained where both ends have it. Raises `InputError`."""
    network, (name, sport) = world.network, split_source(src)
    sources, wanted = both(lambda: endpoints(network, name), lambda: targets(network, dst))
    pods, named = len(sources) * len(wanted), not (is_pattern(name) or is_pattern(dst))
    known, twins = _PodClasses(world), dict[int, Destination]()
    if not is_pattern(name):
        sources = known.firsts(sources)
    if not is_pattern(dst):
        twins = known.seconds(wanted)
        wanted = known.distinct(wanted)
    pairs = [
        (source, twins.get(source.index, to) if to.endpoint is source else to)
        for source in sources
        for to in wanted
    ]
    asked = _PairQuestion(world, version, address_in(name), sport, set_in(name))
    if len(pairs) == 1:
        found = asked.of(*pairs[0])
    elif len(pairs) > MOST:
        message = f"{len(sources)} sources and {len(wanted)} destinations are too many to list"
        hint = "narrow the patterns, or use: cloison reach --from SRC --to DST:PORT"
        raise InputError(Diagnostic("C714", message, None, hint))
    else:
        found = asked.those_that_can(pairs)
    return EveryAnswer(tuple(found), known.alike_as, pods, named)


@dataclass(frozen=True, slots=True)
class _PairQuestion:
    """What is asked of every pair: the IP version, and what limits the source's addresses and
    port."""

    world: World
    version: int | None
    address: Address | None
    sport: int | None
    block: AddressSet | None

    def of(self, source: Endpoint, to: Destination) -> list[Explanation]:
        """The answers about one pair. Raises `InputError`."""
        ends = Ends(self.world, source, to, self.block)
        return each(ends, self.version, self.address, self.sport)

    def those_that_can(self, pairs: Sequence[tuple[Endpoint, Destination]]) -> list[Explanation]:
        """The answers about all pairs that can talk to each other (rule 3)."""
        out: list[Explanation] = []
        for pair in pairs:
            try:
                out += self.of(*pair)
            except InputError as error:
                if error.diagnostics[0].code != "C712":
                    raise
        if not out:
            raise InputError(Diagnostic("C712", "no two of these can talk to each other"))
        return out


def workload_of(found: Explanation, name: str) -> str:
    """The workload of an endpoint; an address stays what it is."""
    return next((workload(e) for e in found.network.endpoints if e.name == name), name)


def alike(found: Sequence[Explanation]) -> bool:
    """Whether flows between the pods of two workloads end alike, and by the same rule."""
    ends = {
        (
            *(workload_of(one, name) for name in (one.source, one.target)),
            one.parts,
            (one.verdict, one.reason, one.others, one.besides),
            (one.blame.culprit.title, one.blame.culprit.span),
        )
        for one in found
    }
    return len(ends) == 1
