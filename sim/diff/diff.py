"""diff: who gains or loses access to whom between two worlds.

Complete, not sampled: L4 atoms of both worlds are cut against each other, classes of peers are
compared as `sim.diff.peers` matches them, the outside address by address (`sim.diff.outside`). What
is not listed is equal in both worlds. Worlds that decide alike (`sim.blocks.equal_worlds`) are cut
into blocks once, and no pair of them is looked at. A change is one of

    gained     packets that may be delivered now and could not before
    lost       the other way round
    unsteady   packets that always got through, and now only between some members or on some paths
    steady     the other way round

What a peer that one world lacks could or can do is gained or lost like anything else, and marked.
Findings of both worlds are compared too, and where Services and host ports
lead (`sim.diff.service_leads`, `sim.diff.host_port_leads`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from compiler.policy.ir import Condition
from compiler.program.program import conditions_of
from compiler.requests.request_bounds import looks
from compiler.requests.request_changes import changed_text
from fabric.building.network import refuse_anycast
from fabric.control.rewrites import refuse_rewrites
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from sim.blocks.equal_worlds import decide_alike
from sim.diff.by_class import by_class
from sim.diff.changes import Became, changes, packet_text
from sim.diff.edits import Edits, InputEdit
from sim.diff.host_port_leads import host_port_changes
from sim.diff.merged import MergedRow, merged
from sim.diff.outside import Outside
from sim.diff.parts import parts
from sim.diff.path_conditions import refuse_other_ways
from sim.diff.peers import Peers, peers
from sim.diff.presence import MemberChange, presences
from sim.diff.service_leads import DoorChange, service_changes
from sim.diff.shown import shown
from sim.diff.side_by_side import Sides
from sim.diff.suspects import Names, suspects
from sim.packets.headers import Flow
from sim.packets.notation import show
from sim.proof.pairs.later_reach import NoReach
from sim.proof.pairs.reachability import Bits
from sim.proof.routes.paths import PathSpace
from sim.why.blame import Blame
from sim.worlds.world import World

AMOUNTS = re.compile(r"(?<![\w/.:-])(?:[0-9a-f]*[.:][0-9a-f.:]*/\d+|[\d,]+)(?![\w/.:-])")


@dataclass(frozen=True, slots=True)
class Change:
    """A row with its reasons. The witness is a packet that only one world delivers; `old` and `new`
    say why, there and here; `edit` is what was done, `conditions` are what must hold besides before
    the witness passes."""

    row: MergedRow
    ports: Bits = field(repr=False, compare=False)
    witness: Flow
    old: Blame
    new: Blame
    edit: InputEdit
    conditions: tuple[Condition, ...] = ()

    @property
    def kind(self) -> str:
        """gained, lost, unsteady or steady."""
        return self.row.kind

    def packet(self) -> str:
        """The witness as people write it."""
        return show(self.witness)


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that differs. `presences` are peers and zone endpoints that appeared, went or have
    other members; `found` and `gone` are findings of one world only,
    `undecided` says what was not looked at; `services` and `host_ports` lead elsewhere."""

    sides: Sides
    changes: tuple[Change, ...]
    presences: tuple[MemberChange, ...] = ()
    found: tuple[Diagnostic, ...] = ()
    gone: tuple[Diagnostic, ...] = ()
    undecided: tuple[str, ...] = ()
    not_evaluated: tuple[Unevaluated, ...] = ()
    services: tuple[DoorChange, ...] = ()
    host_ports: tuple[DoorChange, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether what is not listed is known to be equal."""
        return not self.undecided

    @property
    def same(self) -> bool:
        """Whether nothing differs; how many members a peer has is no difference."""
        doors = self.services or self.host_ports
        return not (self.changes or self.appeared or doors or self.findings_differ)

    @property
    def appeared(self) -> bool:
        """Whether one world has a peer or zone endpoint that the other one lacks."""
        return any(p.kind in ("new", "removed") for p in self.presences)

    @property
    def findings_differ(self) -> bool:
        """Whether one world has a finding that the other one has not."""
        return bool(self.found or self.gone)

    def ports(self, change: Change) -> str:
        """The ports of a change as text."""
        return self.sides.space.text(change.ports)


@phase("compare")
@uncollected()
def diff(old: World, new: World) -> Diff:
    """Compare two worlds."""
    for world in (old, new):
        refuse_anycast(world.network, "a comparison")
        refuse_rewrites(world.network.rewrites, "a comparison")
    refuse_other_paths(old, new)
    policies = old.program.policy, new.program.policy
    found = peers(old.network, new.network, policies, frozenset())
    if decide_alike(old.program, new.program):
        if "blocks" in vars(old) and "blocks" not in vars(new):
            vars(new)["blocks"] = replace(old.blocks, program=new.program)
        return _compared(Sides.of(NoReach(old), NoReach(new), found))
    new = new.beside(old)
    here, there = (PathSpace.of(world.network, world.blocks) for world in (old, new))
    return compared(old, new, (here, there), suspects(here, there, found), found)


def compared(
    old: World,
    new: World,
    spaces: tuple[PathSpace, PathSpace],
    where: Collection[Names],
    found: Peers,
) -> Diff:
    """Compare two worlds in these pairs of VRFs."""
    refuse_other_conditions(old, new)
    alike = by_class(old, new, spaces, where, found) if where else None
    sides = alike or Sides.between((old, new), spaces, where, found)
    refuse_other_ways((old, new), spaces, where, sides)
    return _compared(sides)


def refuse_other_conditions(old: World, new: World) -> None:
    """Nothing, unless permits of both worlds ask for other things of which no header tells: whether
    they do is compared here, and not for what. `UndecidedError` C878."""
    if not (conditions_of(old.program) and conditions_of(new.program)):
        return
    for region in changes(old.blocks, new.blocks):
        if region.change is Became.ASKED and all(region.asked):
            was, now = (" and ".join(words) for words in region.asked)
            packet = packet_text(new.network, region.after)
            told = changed_text(*region.asked)
            told = f"{told} ({packet})" if told else packet
            message = f"permits ask for other things: {was} before, {now} now: {told}"
            hint = "World.changes lists where they do"
            raise UndecidedError(Diagnostic("C878", message, None, hint, "unknown"))


def refuse_other_paths(old: World, new: World) -> None:
    """Nothing, unless proxies of a tenant read paths otherwise before rules see them, where rules
    look at some: the same rules then mean other requests. `UndecidedError` C878."""
    if not all(looks(conditions_of(world.program)) for world in (old, new)):
        return
    specs = [world.network.spec for world in (old, new)]
    tenants = [{} if spec is None else spec.tenants for spec in specs]
    for name in sorted(tenants[0].keys() & tenants[1].keys()):
        was, now = (of[name].http_paths for of in tenants)
        if was != now:
            what = f"rules of {name} see paths {now}, and saw them {was}: other requests pass"
            hint = "explain --http and expectations with http say which"
            raise UndecidedError(Diagnostic("C878", what, None, hint, "unknown"))


def _compared(sides: Sides) -> Diff:
    old, new = sides.old.reach, sides.new.reach
    outside, edits = Outside.of(old, new), Edits.of(old, new)
    changes = []
    for row in merged(sides, outside, parts(sides, outside)):
        near = sides.detail(*row.first.joints)
        seen = shown(near, outside, row.first)
        edit = edits.behind(row.source, row.target, seen)
        bits = np.frombuffer(row.bits, np.bool_)
        changes.append(Change(row, bits, *(seen.flow, seen.old, seen.new), edit, seen.conditions))
    here, there = (_by_sense(reach.network.findings) for reach in (old, new))
    left_out = tuple(
        dict.fromkeys(record for reach in (old, new) for record in reach.network.not_evaluated)
    )
    return Diff(
        sides,
        tuple(changes),
        tuple(presences(sides, old.network, new.network, outside.moved)),
        tuple(d for key, d in there.items() if key not in here),
        tuple(d for key, d in here.items() if key not in there),
        tuple(dict.fromkeys(map(str, pending(left_out)))),
        left_out,
        tuple(service_changes(old.network, new.network)),
        tuple(host_port_changes(old.network, new.network)),
    )


def _by_sense(findings: Iterable[Diagnostic]) -> dict[tuple[str, str, int], Diagnostic]:
    """Findings by what they say, prefixes and amounts aside: a block more is no other finding."""
    out: dict[tuple[str, str, int], Diagnostic] = {}
    count: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        sense = finding.code, AMOUNTS.sub("", finding.message)
        out[*sense, count[sense]] = finding
        count[sense] += 1
    return out
