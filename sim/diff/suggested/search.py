"""Which edits make an expectation hold, and what else each of them changes.

Edits are tried one at a time, then one after another where the first only helps a part of the way:
each is applied to the input, which is read and proven again as a user's own edit would be, and
compared with the world as it was. Nothing is said of an edit that was not tried.

Rules that hold here:

1. A suggestion makes the expectation hold, under the failures that it names as well, leaves every
   one that held, and makes none fail. Where something that is not evaluated touches the
   expectation, nothing makes it hold for sure: it is unknown then, and told to be (`unknown`).
2. It changes nothing else where every packet that fares differently is one that the expectation is
   about, and fares as it says. What else changes is told with it.
3. Suggestions that change nothing else come before others, then those of fewer edits.
   As long as one of them is found that changes nothing else, longer ones are not looked for.

Cost: a whole read, proof and comparison for each try; at most `MOST` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fabric.diagnostics import InputError
from fabric.values.address_sets import addresses_in
from fabric.values.interval_sets import subtract
from sim.diff.diff import Change, Diff, diff
from sim.diff.merged import RowEnd
from sim.diff.suggested.closing import closing
from sim.diff.suggested.file_edits import FileEdit, policy_objects
from sim.diff.suggested.opening import opening
from sim.names.chosen import chosen
from sim.proof.crowded import crowd
from sim.proof.expectations.expect import Claim, Outcome, check_claim, read_claims
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.prove import Proof, explain_breaches, prove
from sim.worlds.world import World

MOST, DEPTH, BEAM = 60, 3, 5
"""Tries, how many edits go together, and how many beginnings are gone on from."""
WAYS = {"allow": ("gained",), "deny": ("lost",), "only": ("gained", "lost")}
Read = Callable[[Sequence[FileEdit]], World]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`edits` make the expectation hold (`unknown`: rule 1); `beside` is what else changes (rule
    2)."""

    edits: tuple[FileEdit, ...]
    beside: tuple[str, ...]
    unknown: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Rule 3."""
        return len(self.beside), len(self.edits)


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was found for an expectation that fails, the best first; `tried` edits, and whether
    there would have been more to try. Where it fails only `under_failure` none is looked for."""

    claim: Claim
    found: tuple[Suggestion, ...]
    tried: int
    more: bool
    under_failure: bool = False


def suggested(world: World, number: int, read: Read, tell: Tell) -> Suggested:
    """Edits for the expectation of that number, which fails. `read` has the world of the input
    after edits, and raises `InputError`."""
    search = Search(world, number, read, tell)
    search.run()
    found = tuple(sorted(search.found, key=lambda suggestion: suggestion.rank))
    return Suggested(search.claim, found, search.tried, search.more)


class Search:
    """Edits for one expectation of a world."""

    def __init__(self, world: World, number: int, read: Read, tell: Tell) -> None:
        self.world, self.number, self.read, self.tell = world, number, read, tell
        self.claims = read_claims(world.network.spec, world.network)
        self.claim = next(claim for claim in self.claims if claim.number == number)
        self.at = self.claims.index(self.claim)
        self.found: list[Suggestion] = []
        self.seen: set[frozenset[str]] = set()
        self.tried, self.more = 0, False

    def run(self) -> None:
        """Edits alone, then those that go on from what helped in part."""
        level: list[tuple[tuple[FileEdit, ...], World]] = [((), self.world)]
        for _ in range(DEPTH):
            steps = [step for edits, world in level for step in self.beyond(edits, world)]
            steps.sort(key=lambda step: step[0])
            level = [(edits, other) for _, edits, other in steps[:BEAM]]
            if any(not suggestion.beside for suggestion in self.found):
                return

    def beyond(
        self, edits: tuple[FileEdit, ...], world: World
    ) -> Iterator[tuple[int, tuple[FileEdit, ...], World]]:
        """What is left to do after edits that did not suffice, with how much is wrong still; what
        suffices is kept."""
        outcome, reach = self.outcome(world)
        for edit in candidates(world, reach, outcome):
            if self.tried >= MOST:
                self.more = True
                return
            key = frozenset(repr(one.row()) for one in (*edits, edit))
            if key in self.seen or len(key) == len(edits):
                continue
            self.seen.add(key)
            self.tried += 1
            self.tell(f"try {self.tried}: {edit.words}")
            try:
                other = self.read((*edits, edit))
                after, there = self.outcome(other)
            except InputError:
                continue
            if after.holds and (verdict := self.kept(other)) != "fails":
                beside, unknown = tuple(self.beside(other)), verdict == "unknown"
                self.found.append(Suggestion((*edits, edit), beside, unknown))
            elif not after.holds and self.got_on((reach, outcome), (there, after)):
                yield len(after.breaches), (*edits, edit), other

    def outcome(self, world: World) -> tuple[Outcome, Reach]:
        """What becomes of the expectation in a world."""
        claims = read_claims(world.network.spec, world.network)
        reach = _reach(world, claims)
        return check_claim(reach, next(c for c in claims if c.number == self.number)), reach

    def kept(self, other: World) -> str:
        """The verdict on the expectation in all that it says, failures included; fails as well
        where another one no longer holds that held, or fails that did not."""
        was, now = (dict(enumerate(w.once(_proof).verdicts())) for w in (self.world, other))
        if any(now[at] == "fails" and said != "fails" for at, said in was.items()):
            return "fails"
        if any(now[at] != "holds" and said == "holds" for at, said in was.items()):
            return "fails"
        return now[self.at]

    def got_on(self, was: tuple[Reach, Outcome], now: tuple[Reach, Outcome]) -> bool:
        """Whether less is wrong than before, or it is stopped by something else."""
        if len(now[1].breaches) < len(was[1].breaches):
            return True
        before, after = (explain_breaches(*side)[0] for side in (was, now))
        return (before.verdict, before.culprit) != (after.verdict, after.culprit)

    def beside(self, other: World) -> Iterator[str]:
        """What changes that the expectation is not about (rule 2)."""
        found = diff(self.world, other)
        yield from (
            said(found, change) for change in found.changes if not self.meant(found, change)
        )
        yield from (f"{one.kind}: {one.name}" for one in (*found.services, *found.host_ports))
        yield from (finding.message for finding in found.found)
        yield from (str(presence) for presence in found.presences)
        yield from found.undecided

    def meant(self, found: Diff, change: Change) -> bool:
        """Whether a change is only what the expectation asks for."""
        row, claim = change.row, self.claim
        if row.kind not in WAYS[claim.kind] or claim.parts:
            return False
        others = found.sides.space.touching(claim.ports, inverse=True)
        if claim.kind != "only" and bool((change.ports & others).any()):
            return False
        ways = [(claim.source, claim.target), *([(claim.target, claim.source)] * claim.both_ways)]
        return any(self.within(row.source, a) and self.within(row.target, b) for a, b in ways)

    def within(self, end: RowEnd, pattern: str) -> bool:
        """Whether all that an end of a change is, an end of the expectation is as well."""
        network, limit = self.world.network, addresses_in(pattern)
        if limit is not None:
            outside = (subtract(((a, b),), limit.of(version)) for version, a, b in end.addresses)
            return bool(end.addresses) and not any(outside)
        try:
            meant = {e.index for e in chosen(network, pattern)}
            named = [e.index for name in end.members or (end.name,) for e in chosen(network, name)]
        except InputError:
            return False
        return bool(named) and meant.issuperset(named)


def candidates(world: World, reach: Reach, outcome: Outcome) -> Iterator[FileEdit]:
    """Edits that may help against the first packet of what is wrong."""
    breach = outcome.breaches[0]
    finding = explain_breaches(reach, outcome)[0]
    network, causes = world.network, (finding.culprit, *finding.others)
    ends = network.endpoints[breach.src], network.endpoints[breach.dst]
    policies = dict(policy_objects(network))
    if breach.reached:
        yield from closing(network, outcome.claim, causes, policies)
    else:
        yield from opening(world, outcome.claim, causes, ends, policies)


def said(found: Diff, change: Change) -> str:
    """A change in a few words."""
    row = change.row
    ports = found.sides.space.text(change.ports)
    return f"{row.kind}: {row.source.name} -> {row.target.name} on {ports}"


def _proof(world: World) -> Proof:
    return prove(world)


def _reach(world: World, claims: tuple[Claim, ...]) -> Reach:
    return reachability(world, stand_ins=crowd(world, claims))
