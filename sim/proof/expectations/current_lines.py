"""Lines of `expect:` that say what is now: who meets nobody, and who meets whom on which ports.

Rules that hold here:

1. Every line is judged like one of the file before it is said: it holds now, and nothing that is
   not evaluated touches it. What cannot be said in such a line is told beside them.
2. First whole tenants and zones: of two of which neither reaches the other, one `deny`. Then parts
   of tenants that meet (namespaces, nodes) likewise, those with numbers in their names together.
3. Last workloads that meet: `only` with the ports that each of the one reaches of each of the
   other. Where that is everything, or some pairs reach more than others, `allow` of what all do;
   where some pairs do not meet, that is told and not written. What is inside of zones, where
   nobody enforces anything, is left out.
   Then all that one tenant does not reach of another one (`sim.proof.expectations.apart_lines`), so
   that what one comes to reach breaks a line. Inside of tenants some may come to reach more: told
   by count.
4. What configurations have behind an interface and no cluster names is nobody's to expect
   anything of, where there are clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.expect.expectation_spec import Expectation
from fabric.kubernetes.unmodelled.unevaluated import pending
from fabric.values.inventory import Endpoint
from fabric.values.names import NODE
from fabric.values.numbered_names import spelled
from sim.proof.expectations.apart_lines import TenantWays, apart_lines
from sim.proof.expectations.expect import Claim, check_claim, keys_of, read_claims
from sim.proof.pairs.reachability import Reach
from sim.wording.verdicts import speaking, touched_by, touching

ZONES = ("zone0/", "zone2/")
Column = NDArray[np.int64]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CurrentLine:
    """A line of `expect:`; `about` is what it is about: tenants, parts or workloads."""

    kind: str
    text: str
    about: str

    def __str__(self) -> str:
        return f'{self.kind}: "{self.text}"'


@dataclass(frozen=True, slots=True)
class CurrentLines:
    """`lines` hold now; `unsaid` is what no line says; `crossing` are those of the lines by which
    one tenant or zone reaches another one."""

    lines: tuple[CurrentLine, ...]
    unsaid: tuple[str, ...]
    crossing: tuple[CurrentLine, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Endpoints in groups: `of` is the number of each one's (-1: none), `names` what a line calls
    them, `pairs[a, b]` how many pairs of them there are in all IP versions, `met` how many of them
    something passes between."""

    of: Column
    names: tuple[str, ...]
    pairs: Column
    met: Column


def current_lines(reach: Reach, tell: Tell) -> CurrentLines:
    """What is now, as lines of a file."""
    network = reach.network
    ends = [end for end in network.endpoints if said_of(end, network)]
    judge = LineJudge(reach)
    tell("tenants")
    tenants = grouped(reach, ends, lambda end: f"{end.tenant}/*")
    lines = [*judge.apart(tenants, "tenants")]
    tell("parts of tenants")
    parts = grouped(reach, ends, part_of)
    lines += judge.apart(parts, "parts", beside=tenants)
    tell("workloads")
    workloads = grouped(reach, ends, workload_of)
    lines += judge.meeting(workloads)
    tell("what tenants do not reach of each other")
    lines += judge.beside(ends, workloads, (tenants, parts))
    crossing = [line for line in lines if line.kind != "deny" and crosses(line.text)]
    return CurrentLines(tuple(lines), tuple(dict.fromkeys(judge.unsaid)), tuple(crossing))


def said_of(end: Endpoint, network: Network) -> bool:
    """Rule 4."""
    return not network.manifests or end.workload_kind != "interface"


def part_of(end: Endpoint) -> str:
    """The part of a tenant that an endpoint is of: its namespace, the nodes, or a whole zone."""
    if end.kind == "zone":
        return f"{end.tenant}/*"
    return f"{end.tenant}/{end.namespace or NODE}/*"


def workload_of(end: Endpoint) -> str:
    """What a line calls an endpoint together with those that are alike: its workload, all nodes,
    or the endpoint of a zone."""
    if end.kind == "zone":
        return end.name
    if end.kind == "node":
        return f"{end.tenant}/{NODE}/*"
    return f"{end.tenant}/{end.namespace}/{end.workload}"


def crosses(text: str) -> bool:
    """Whether a line is about two tenants or zones."""
    source, _, target = text.partition(" -> ")
    return source.partition("/")[0] != target.partition("/")[0]


def grouped(reach: Reach, ends: Sequence[Endpoint], name: Callable[[Endpoint], str]) -> Grouped:
    """The groups that a name makes, in order of their names."""
    network = reach.network
    names = tuple(sorted({name(end) for end in ends}))
    number = {text: n for n, text in enumerate(names)}
    of = np.full(len(network.endpoints), -1, np.int64)
    for end in ends:
        of[end.index] = number[name(end)]
    size = len(names)
    every = np.zeros((size, size), np.int64)
    for version in (4, 6):
        there = [e for e in ends if any(p.version == version for p in e.prefixes)]
        count = np.bincount(of[[e.index for e in there]], minlength=size) if there else 0
        every += np.outer(count, count) - np.diag(np.broadcast_to(count, size))
    pairs = reach.pairs
    passing = np.asarray(reach.sets.any(axis=1))[pairs.some]
    a, b = of[pairs.src[passing]], of[pairs.dst[passing]]
    kept = (a >= 0) & (b >= 0)
    met = np.bincount(a[kept] * size + b[kept], minlength=size * size).reshape(size, size)
    return Grouped(of, names, every, met)


class LineJudge:
    """Lines that hold, of those that groups suggest."""

    def __init__(self, reach: Reach) -> None:
        self.reach, self.network = reach, reach.network
        self.touching, self.keys = touching(reach.network), keys_of(reach)
        self.unsaid: list[str] = []
        self.exact: set[tuple[int, int]] = set()

    def apart(
        self, groups: Grouped, about: str, beside: Grouped | None = None
    ) -> Iterator[CurrentLine]:
        """Rule 2; with `beside` what a line about these larger groups says is not said again."""
        told = set() if beside is None else {*closed(beside)}
        waiting: dict[str, list[str]] = defaultdict(list)
        for a, b in closed(groups):
            if not any((x, y) in told for x, y in ((of(a), of(b)), (of(b), of(a)))):
                waiting[a].append(b)
        for a, others in waiting.items():
            for pattern in spelled(others):
                yield from self.line("deny", f"{a} <-> {pattern}", about)

    def meeting(self, groups: Grouped) -> Iterator[CurrentLine]:
        """Rule 3."""
        sets = self.sets_of(groups)
        size = len(groups.names)
        for key in sorted(sets):
            a, b = divmod(key, size)
            title = f"{groups.names[a]} -> {groups.names[b]}"
            rows = self.reach.sets[sorted(sets[key])]
            every, passes = int(groups.pairs[a, b]), int(groups.met[a, b])
            common = rows.all(axis=0)
            if passes < every or not common.any():
                self.unsaid.append(f"{title}: {passes:,} of {every:,} pairs meet")
            elif common.all():
                self.exact.add((a, b))
                yield from self.line("allow", title, "workloads")
            else:
                kind = "only" if len(rows) == 1 else "allow"
                ports = self.reach.space.text(np.asarray(common))
                said = [*self.line(kind, f"{title}:{ports}", "workloads")]
                if said and kind == "only":
                    self.exact.add((a, b))
                yield from said

    def beside(
        self, ends: Sequence[Endpoint], workloads: Grouped, larger: Sequence[Grouped]
    ) -> Iterator[CurrentLine]:
        """What tenants do not reach of each other, and how many inside of one may get more."""
        names = workloads.names
        first = {int(workloads.of[end.index]): end for end in reversed(ends)}
        called = [[group.names[group.of[first[n].index]] for group in larger] for n in first]
        order = np.argsort([*first])
        tenant, part = (tuple(called[n][level] for n in order) for level in (0, 1))
        apart = np.zeros((len(names),) * 2, np.bool_)
        for group, own in zip(larger, (tenant, part), strict=True):
            told = np.zeros((len(group.names),) * 2, np.bool_)
            at = {name: n for n, name in enumerate(group.names)}
            for a, b in closed(group):
                told[at[a], at[b]] = told[at[b], at[a]] = True
            mine = [at[name] for name in own]
            apart |= told[np.ix_(mine, mine)]
        ways = TenantWays(self.reach, workloads.of, names, tenant, part, apart, self.exact)
        written: list[CurrentLine] = []

        def deny(text: str) -> bool:
            found = self.judged("deny", text) is None
            written.extend([CurrentLine("deny", text, "apart")] if found else ())
            return found

        self.unsaid += apart_lines(ways, deny)
        yield from written
        self.unsaid[:0] = self.inside(ways, workloads)

    def inside(self, ways: TenantWays, workloads: Grouped) -> Iterator[str]:
        """How many pairs of workloads of one tenant may get more, and no line says it."""
        own = np.array([name.startswith(ZONES) for name in workloads.names], np.bool_)
        there = (workloads.pairs > 0) & ~ways.crossing & ~(own[:, None] & own)
        free = there & ~ways.apart
        for pair in self.exact:
            free[pair] = False
        if free.any():
            some, every = int(free.sum()), int(there.sum())
            yield (
                f"inside of tenants {some:,} of {every:,} pairs of workloads, one way each, may "
                "reach more than now"
            )

    def sets_of(self, groups: Grouped) -> Mapping[int, set[int]]:
        """Per pair of groups that meet the sets of ports, some and sure, that their pairs have."""
        pairs, size = self.reach.pairs, len(groups.names)
        passing = np.asarray(self.reach.sets.any(axis=1))[pairs.some]
        a, b = groups.of[pairs.src], groups.of[pairs.dst]
        zones = np.array([name.startswith(ZONES) for name in groups.names], np.bool_)
        kept = passing & (a >= 0) & (b >= 0) & ~(zones[a] & zones[b])
        keys = a[kept] * size + b[kept]
        wide = len(self.reach.sets)
        out: dict[int, set[int]] = defaultdict(set)
        for column in (pairs.some[kept], pairs.sure[kept]):
            for one in np.unique(keys * wide + column).tolist():
                out[one // wide].add(one % wide)
        return out

    def line(self, kind: str, text: str, about: str) -> Iterator[CurrentLine]:
        """A line, if it is one that holds (rule 1)."""
        wrong = self.judged(kind, text)
        if wrong is not None:
            self.unsaid.append(f"{text}: {wrong}")
        else:
            yield CurrentLine(kind, text, about)

    def judged(self, kind: str, text: str) -> str | None:
        """Why a line cannot be written, if so."""
        claim = self.claim(kind, text)
        if claim is None or not check_claim(self.reach, claim, keys=self.keys).holds:
            return "holds for a part of them alone"
        if self.doubted(claim):
            return "unknown, for something of it is not evaluated"
        return None

    def claim(self, kind: str, text: str) -> Claim | None:
        """A line as if it stood in the file; None where it would be wrong there."""
        wanted = [Expectation.model_validate({kind: text})]
        spec = self.network.spec.model_copy(update={"expect": wanted})
        try:
            return read_claims(spec, self.network)[0]
        except InputError:
            return None

    def doubted(self, claim: Claim) -> bool:
        """Whether what is not evaluated may break a line."""
        found = touched_by(self.touching, self.network, claim.source, claim.target)
        return bool(pending(speaking(found, claim.kind)))


def of(part: str) -> str:
    """The tenant of a part, as a line calls it."""
    return f"{part.partition('/')[0]}/*"


def closed(groups: Grouped) -> Iterator[tuple[str, str]]:
    """Pairs of groups of which neither reaches the other; each once."""
    for a, name in enumerate(groups.names):
        for b in range(a + 1, len(groups.names)):
            there = groups.pairs[a, b] + groups.pairs[b, a]
            if there and not groups.met[a, b] and not groups.met[b, a]:
                yield name, groups.names[b]
