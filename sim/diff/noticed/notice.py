"""Which expectations would notice if a line of the input were gone, or said more.

A line is covered when an expectation that holds fails without it, or fails where it says more
(`sim.diff.noticed.subjects` says what that is). That is the definition, for every line and every
expectation; what makes it affordable:

1. Tables of endpoints that no line is about do not count: an expectation is asked again for its
   pairs of whose ends the tables differ, in the VRFs of these. Leaks and peerings, which change
   routes, are asked about everything.
2. For a line that nobody notices it is looked at what it changes at all (`sim.diff.diff`): an
   expectation is offered that holds now and would fail then, which is tried before it is said.

Expectations that fail or are unknown notice nothing. Each is asked as things are, not under the
failures that it names. Cost: per line a compilation, and the paths between the VRFs concerned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.file.expect.expectation_spec import Expectation
from sim.diff.diff import Change, Diff, diff
from sim.diff.merged import RowEnd
from sim.diff.noticed.subjects import Make, WrittenLine, subjects
from sim.diff.noticed.used import Used
from sim.proof.crowded import LISTED, crowd, pairs_within
from sim.proof.expectations.expect import Claim, check_claim, pairs_of, read_claims
from sim.proof.pairs.reachability import reach_within, reachability
from sim.proof.prove import prove
from sim.worlds.world import World

Tell = Callable[[str], None]
Asked = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Pairs that a claim is about: keys (`sim.proof.expectations.expect.pairs_of`), sources,
destinations."""
MOST_OFFERS = 25
"""Changes of a line that nobody notices, of which an expectation is tried."""


@dataclass(frozen=True, slots=True)
class NoticedLine:
    """`by[change]` is the first expectation that fails then, None where nobody notices; `refused`
    says why a change cannot be built, and is not in `by`. `changes_nothing` where no packet fares
    differently, whatever is done; `offer` is an expectation that would notice. Unless `looked`,
    nobody asked for either."""

    subject: WrittenLine
    by: Mapping[str, Claim | None]
    refused: Mapping[str, Diagnostic] = field(default_factory=dict)
    changes_nothing: bool = False
    offer: str = ""
    looked: bool = False

    @property
    def covered(self) -> bool:
        """Whether somebody notices any of its changes, or nobody can do without it. That cloison
        refuses more of it says nothing of whoever takes it out."""
        return "removed" in self.refused or any(self.by.values())


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every line; `asked` are the expectations that could notice, `silent` those that fail or are
    unknown; `unnamed` the endpoints that no expectation is about. With `used` a line that flows met
    is covered, too."""

    lines: tuple[NoticedLine, ...]
    asked: tuple[Claim, ...]
    silent: tuple[Claim, ...]
    unnamed: tuple[str, ...]
    used: Used | None = None

    def met(self, line: NoticedLine) -> int:
        """How many packets of flows met a line."""
        return 0 if self.used is None else self.used.line(line.subject)

    def covers(self, line: NoticedLine) -> bool:
        """Whether an expectation would notice it, or flows met it."""
        return line.covered or bool(self.met(line))

    @property
    def counted(self) -> tuple[NoticedLine, ...]:
        """Lines that change anything."""
        return tuple(line for line in self.lines if not line.changes_nothing)

    @property
    def share(self) -> float:
        """How much of them is covered, 0 to 1; 1 where there are none."""
        found = self.counted
        return sum(map(self.covers, found)) / len(found) if found else 1.0


def coverage(world: World, tell: Tell, offers: bool = True) -> Coverage:
    """Who notices what. Raises `UndecidedError` where pairs cannot be listed."""
    pairs = pairs_within(world)
    if pairs > LISTED:
        what = f"who notices what is looked up pair by pair, and {pairs:,} pairs inside VRFs are"
        hint = "fewer replicas say the same: pods of one workload fare alike"
        what += f" more than {LISTED:,}"
        raise UndecidedError(Diagnostic("C717", what, None, hint, "unknown"))
    tell("prove")
    proof = prove(world)
    standing = zip(proof.outcomes, proof.standing(), strict=True)
    held = {outcome.claim: said == "holds" for outcome, said in standing}
    asked = tuple(claim for claim, holds in held.items() if holds)
    judge = ExpectationJudge(world, asked)
    lines, every = [], list(subjects(world))
    for number, subject in enumerate(every, 1):
        tell(f"{number:,} of {len(every):,}: {subject.title}")
        lines.append(judge.noticed(subject, offers))
    silent = tuple(claim for claim, holds in held.items() if not holds)
    return Coverage(tuple(lines), asked, silent, tuple(judge.unnamed()))


class ExpectationJudge:
    """Expectations, with the pairs that each is about."""

    def __init__(self, world: World, claims: tuple[Claim, ...]) -> None:
        self.world, self.claims = world, claims
        network = world.network
        self.vrf = np.array([e.vrf for e in network.endpoints], np.int64)
        size = len(network.endpoints)
        keys = {claim.number: pairs_of(claim, network) for claim in claims}
        self.pairs = {n: (found, *np.divmod(found // 2, size)) for n, found in keys.items()}

    def unnamed(self) -> Iterator[str]:
        """Endpoints that no claim is about."""
        named = np.zeros(len(self.vrf), np.bool_)
        for _, src, dst in self.pairs.values():
            named[src] = named[dst] = True
        yield from (self.world.network.endpoints[i].name for i in np.flatnonzero(~named))

    def noticed(self, subject: WrittenLine, offers: bool) -> NoticedLine:
        """What becomes of expectations under every change of a subject."""
        by: dict[str, Claim | None] = {}
        refused: dict[str, Diagnostic] = {}
        for change, make in subject.made.items():
            try:
                by[change] = self.first_failing(subject, make)
            except UndecidedError:  # that is said of whoever asks, and not of the line
                raise
            except InputError as error:
                refused[change] = error.diagnostics[0]
        found = NoticedLine(subject, by, refused)
        if found.covered or not offers:
            return found
        text, changes = "", False
        for change in by:
            other = subject.made[change]()
            one = diff(self.world, other)
            changes = changes or not one.same or not one.decided
            text = text or next(self.offers(other, one), "")
        return replace(found, changes_nothing=not changes, offer=text, looked=True)

    def first_failing(self, subject: WrittenLine, make: Make) -> Claim | None:
        """The first expectation that does not hold in the world that is made. Raises
        `InputError`."""
        if subject.local is None:
            return self.failing_anywhere(make())
        sending, taking = (subject.local[way] for way in (Direction.OUT, Direction.IN))
        asked: dict[Claim, Asked] = {}
        for claim in self.claims:
            keys, src, dst = self.pairs[claim.number]
            rows = sending[src] | taking[dst]
            if rows.any():
                asked[claim] = keys[rows], src[rows], dst[rows]
        if not asked:
            return None
        ends = ({int(v) for found in asked.values() for v in self.vrf[found[at]]} for at in (1, 2))
        reach = reach_within(make(), *ends)
        return next((c for c, part in asked.items() if not check_claim(reach, c, part[0])), None)

    def failing_anywhere(self, other: World) -> Claim | None:
        """The same of a world with other routes."""
        claims = read_claims(other.network.spec, other.network)
        reach = reachability(other, stand_ins=crowd(other, claims))
        there = (claim for claim in claims if claim.number in self.pairs)
        return next((claim for claim in there if not check_claim(reach, claim)), None)

    def offers(self, other: World, found: Diff) -> Iterator[str]:
        """Expectations that hold now and would not then, the shortest of a few first."""
        texts = dict.fromkeys(
            text for change in found.changes[:MOST_OFFERS] for text in said(found, change)
        )
        for kind, text in sorted(texts, key=lambda t: (len(t[1]), t)):
            if self.holds(self.world, kind, text) and not self.holds(other, kind, text):
                yield f'{kind}: "{text}"'

    def holds(self, world: World, kind: str, text: str) -> bool:
        """Whether an expectation can be written, and holds."""
        line = Expectation.model_validate({kind: text})
        spec = world.network.spec.model_copy(update={"expect": [line]})
        try:
            (claim,) = read_claims(spec, world.network)
        except InputError:
            return False
        alike = crowd(world, (claim,))
        reach = world.once(reachability) if alike is None else reachability(world, stand_ins=alike)
        return bool(check_claim(reach, claim))


def said(found: Diff, change: Change) -> Iterator[tuple[str, str]]:
    """A change as expectations: what is lost gets through, what is gained does not."""
    row = change.row
    if row.kind not in ("lost", "gained"):
        return
    kind = "allow" if row.kind == "lost" else "deny"
    ports = found.sides.space.text(change.ports)
    ports = "" if ports == "any" else f":{ports.replace(', ', ',')}"
    for source in _names(row.source):
        for target in _names(row.target):
            yield kind, f"{source} -> {target}{ports}"


def _names(end: RowEnd) -> Iterator[str]:
    """What a line may call an end: all of it, its first member, its first addresses."""
    yield end.name
    yield from end.members[:1]
