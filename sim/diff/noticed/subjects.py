"""What of a world is somebody's line: rules, the isolation by policies, leaks and peerings.

Rules that hold here:

1. A subject taken out is the world without it. A rule is all that has its origin: it matches
   nothing any more, and whom its policy selects stays selected. The isolation by a policy is that
   it selects anybody in one direction. A leak or peering goes with its routes.
2. A subject widened says more of the same: a rule its action of everybody on all ports, a leak or
   peering all that its VRFs have on all ports. Isolation cannot be widened.
3. What the fabric does of itself (zones, tenants, host states) is nobody's line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compiler.edit import Edit, Editor
from compiler.passes.draft import Draft
from compiler.passes.resolve import Resolver, resolve
from compiler.policy.ir import L4, Direction, Everyone, Origin, Policy, Rule, Selection
from compiler.policy.stages import Owner
from fabric.building.build import build
from fabric.diagnostics import Span
from fabric.file.spec import FabricSpec
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.update import update
from sim.worlds.world import World

Bits = NDArray[np.bool_]
Make = Callable[[], World]
CHANGES = ("removed", "widened")
SHARED = (("leaks", "leak"), ("peerings", "peering"))


@dataclass(frozen=True, slots=True, eq=False)
class WrittenLine:
    """`made` has the world after each change that the subject can have. `local[direction]` are
    the endpoints whose tables may differ then, bool[endpoints]; None: routes may, too."""

    title: str
    span: Span | None
    made: Mapping[str, Make]
    local: tuple[Bits, Bits] | None = None

    @property
    def file(self) -> str:
        """Where it stands, without the line."""
        return "" if self.span is None else str(self.span.file)


def subjects(world: World) -> Iterator[WrittenLine]:
    """Every subject of a world, by what it is and in the order of its lines."""
    edits = _LineEdits(world)
    yield from _rules(world, edits)
    yield from _selections(world, edits)
    yield from _shared(world)


class _LineEdits:
    """Worlds that differ from one in a few rules or selections: what is equal is compiled once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.editor: Editor | None = None
        self.blocks: Blocks | None = None

    def made(self, removed: Policy, added: Policy) -> World:
        """The world without some of its rules and selections, and with others. Each is the newest
        version of the one before, which goes on being what it was."""
        if self.editor is None or self.blocks is None:
            self.editor = Editor(self.world.network, self.world.policy_read)
            self.blocks = build_blocks(self.editor.program)
        program = self.editor.apply(Edit(removed, added))
        try:
            self.blocks = update(self.blocks, program)
        finally:
            self.editor.apply(Edit(added, removed))
        made = replace(self.world, given=program.policy, base=None)
        vars(made).update(program=program, blocks=self.blocks)
        return made


def _theirs(origin: Origin) -> bool:
    """Rule 3."""
    kind = origin.kind
    of_fabric = kind.own or kind.echo or kind.closing or (kind.declared and not kind.lines)
    return not of_fabric and origin.span is not None


def _rules(world: World, edits: _LineEdits) -> Iterator[WrittenLine]:
    policy, size = world.policy_read, len(world.network.endpoints)
    rules: dict[Origin, list[Rule]] = {}
    for rule in policy.rules:
        if _theirs(rule.origin):
            rules.setdefault(rule.origin, []).append(rule)
    local = {o: (np.zeros(size, np.bool_), np.zeros(size, np.bool_)) for o in rules}
    for term in resolve(Draft(world.network, policy)).terms:
        if term.origin in local:
            local[term.origin][term.direction][list(term.locals)] = True
    for origin, mine in rules.items():
        gone = Policy(rules=tuple(mine))
        wide = Policy(rules=tuple(replace(r, remote=(Everyone(),), l4=(L4(),)) for r in mine))
        made = {
            "removed": partial(edits.made, gone, Policy()),
            "widened": partial(edits.made, gone, wide),
        }
        yield WrittenLine(str(replace(origin, span=None)), origin.span, made, local[origin])


def _selections(world: World, edits: _LineEdits) -> Iterator[WrittenLine]:
    found: dict[tuple[Origin, Direction], list[Selection]] = defaultdict(list)
    for selection in world.policy_read.selections:
        if selection.stage.owner is Owner.CLUSTER and _theirs(selection.origin):
            found[selection.origin, selection.direction].append(selection)
    words = {Direction.IN: "ingress", Direction.OUT: "egress"}
    resolver = Resolver(world.network, world.policy_read.stages)
    for (origin, direction), mine in found.items():
        local = tuple(np.zeros(len(world.network.endpoints), np.bool_) for _ in Direction)
        for selection in mine:
            local[direction][list(resolver.locals(selection.local))] = True
        title = f"{replace(origin, span=None)} isolates {words[direction]}"
        made = {"removed": partial(edits.made, Policy(selections=tuple(mine)), Policy())}
        yield WrittenLine(title, origin.span, made, (local[0], local[1]))


def _shared(world: World) -> Iterator[WrittenLine]:
    spec = world.network.spec
    for key, word in SHARED if spec else ():
        for number, entry in enumerate(getattr(spec, key)):
            made = {change: partial(_edited, world, key, number, change) for change in CHANGES}
            yield WrittenLine(f"{word} {entry.name}", spec.at(key, number), made)


def _edited(world: World, key: str, number: int, change: str) -> World:
    spec: FabricSpec = world.network.spec
    entries = list(getattr(spec, key))
    if change == "removed":
        del entries[number]
    else:
        wide = {
            "ports": ["any"],
            "prefixes": type(entries[number]).model_fields["prefixes"].default,
        }
        entries[number] = entries[number].model_copy(update=wide)
    fabric = world.network.fabric
    network = build(
        spec.model_copy(update={key: entries}),
        down=fabric.down,
        drained=fabric.draining,
        drawn="forgotten",
    )
    return World(network)
