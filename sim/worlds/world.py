"""`World`: what exists and what is allowed in it, as one value: network, compiled policy, blocks.

Everything that answers questions takes a world; nobody carries the three about one by one.

1. The policy is read and compiled, and cut into blocks, on first use and once.
2. A world `over` another network is the same policy where routes and reachability differ: the
   program's groups and bindings are shared, and so are the blocks but for the routes in them
   (`sim.blocks.blocks.reroute`).
3. A world `mixed` with another has its tables and routes at some nodes (`sim.worlds.rollout`).
4. Worlds are compared by identity; nothing in one is ever changed.

The world that `import cloison` offers (`cloison.views.world`) is the same idea one floor up: this
one, with what people see of it as tables and pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Protocol, Self, TypeVar

from compiler.compile import compile_policy, read_policy
from compiler.policy.ir import Policy
from compiler.program.program import Program, conditions_of
from compiler.program.versions import aligned, together
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.memo import Memo
from fabric.values.one_line import OneLine
from fabric.wiring.budget import afford_packets
from sim.blocks.blocks import Blocks, build_blocks, reroute
from sim.blocks.equal_worlds import alike
from sim.blocks.update import update
from sim.worlds.rollout import Rollout, WorldVersion, refuse

T = TypeVar("T")
NOWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Parts(Protocol):
    """Where parts of a world may be that were made of the same files before."""

    def part(self, world: World, name: str, make: Callable[[], T]) -> T:
        """The part of that name, as it is there or as it is made now."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class World(OneLine):
    """See the module. `given` is the policy where it was read before; `base` the world whose policy
    this one has over other routes; `at` the values on axes (`sim.worlds.axes`) that nothing in the
    network tells. `parts` are those of a world as it was read, and of none that is made from it."""

    network: Network
    given: Policy | None = None
    base: World | None = field(default=None, repr=False)
    at: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOWHERE)
    parts: Parts | None = field(default=None, init=False, repr=False)
    _memo: Memo = field(default_factory=Memo, init=False, repr=False)

    def _said(self) -> str:
        return ", ".join([f"{self.network}", *(f"{axis} {at}" for axis, at in self.at.items())])

    @classmethod
    def compiled(cls, program: Program, blocks: Blocks | None = None) -> Self:
        """The world of a program that is known already, as maybe its blocks are."""
        made = cls(program.network, program.policy)
        vars(made)["program"] = program
        if blocks is not None:
            vars(made)["blocks"] = blocks
        return made

    def portable(self) -> World:
        """The same as a value that can be pickled, without what others made of it."""
        made = World(self.network, self.policy_read, None, dict(self.at))
        vars(made).update(program=self.program, blocks=self.blocks)
        return made

    def over(self, network: Network) -> Self:
        """The same policy in a network with the same endpoints and VRFs, and other routes."""
        return replace(self, network=network, base=self)

    def saying(self, policy: Policy, at: Mapping[str, tuple[str, ...]] = NOWHERE) -> Self:
        """Another policy in the same network, maybe that of other values on axes. Groups that both
        have are shared, and the arrays of blocks (`sim.blocks.update`); groups of this world that
        nobody is bound to any more stay."""
        program = compile_policy(self.network, policy)
        if program.stages == self.program.stages:
            program = together(self.program, program)
        program = replace(program, policy=policy)
        made = replace(self, given=policy, base=None, at={**self.at, **at} if at else self.at)
        vars(made).update(program=program, blocks=update(self.blocks, program))
        return made

    def beside(self, old: World) -> Self:
        """The same in the numbers that the old world has for what both say, which is cut into
        blocks once; itself where networks differ, where permits ask for conditions, or where it is
        cut already."""
        if (
            "blocks" in vars(self)
            or (self.base is not None and "blocks" in vars(self.base))
            or self.program.stages != old.program.stages
            or conditions_of(old.program)
            or not alike(old.network, self.network)
        ):
            return self
        program = aligned(old.program, self.program)
        made = replace(self, given=self.policy_read, base=None)
        vars(made).update(program=program, blocks=update(old.blocks, program))
        return made

    def mixed(self, new: World, nodes: Collection[str]) -> Self:
        """This world where some nodes have tables and routes of a new one already, as while a
        change is rolled out. What both have is shared with this world and with its other mixtures
        with the same one. Raises `InputError`."""
        if (self.at, self.network.rewrites) != (new.at, new.network.rewrites):
            message = "worlds at other places on their axes are no versions of one network"
            raise InputError(Diagnostic("C855", message))
        known = self.once(_rollouts)
        if id(new) not in known:
            both = self._with_stages_of(new), new._with_stages_of(self)
            refuse(*((w.network, w.policy_read) for w in both))
            versions = (WorldVersion(w.network, w.policy_read, w.program, w.blocks) for w in both)
            known[id(new)] = new, Rollout(*versions)
        there = known[id(new)][1].at(nodes)
        made = replace(self, network=there.network, given=there.policy, base=None)
        vars(made).update(program=there.program, blocks=there.blocks)
        return made

    def _with_stages_of(self, other: World) -> World:
        """The same where its policy has the stages of another's as well, about which it says
        nothing; itself where it has them or the tables do not go together."""
        policy, more = self.policy_read, other.policy_read.stages
        known = tuple(stage for stage in more if stage in policy.stages)
        if policy.stages == more or policy.stages != known:
            return self
        return World(self.network, replace(policy, stages=more))

    @cached_property
    def policy_read(self) -> Policy:
        """The policy, before it is compiled."""
        return self.base.policy_read if self.base else self.given or read_policy(self.network)

    @cached_property
    def program(self) -> Program:
        """The compiled policy."""
        if self.base is not None:
            return replace(self.base.program, domain=self.network)
        return compile_policy(self.network, self.policy_read)

    @cached_property
    def blocks(self) -> Blocks:
        """The compiled policy as arrays."""
        return self.part("blocks", self._cut)

    def _cut(self) -> Blocks:
        if self.base is not None:
            return reroute(self.base.blocks, self.program)
        afford_packets(_routed_atoms(self.network))
        return build_blocks(self.program)

    def part(self, name: str, make: Callable[[], T]) -> T:
        """What was made of this world, as whoever read it may have it from before."""
        return make() if self.parts is None else self.parts.part(self, name, make)

    def once(self, make: Callable[[World], T]) -> T:
        """What some module makes of this world, made when it is first asked for."""
        return self._memo.of(self, make)

    def keep(self, make: Callable[[World], T], made: T) -> None:
        """Have `once` say this, which was made in another way and is the same."""
        self._memo.keep(make, made)


def _routed_atoms(network: Network) -> Iterator[tuple[int, int]]:
    """How many addresses routes of each VRF begin or end at, and at how many VTEPs it is."""
    instances = Counter(vrf for _, vrf in network.fib.instances)
    for vrf, count in instances.items():
        yield sum(map(len, network.fib.boundaries(vrf))), count


def _rollouts(_: World) -> dict[int, tuple[World, Rollout]]:
    """Rollouts that begin with a world, by the id of the one that they end with, which is kept."""
    return {}
