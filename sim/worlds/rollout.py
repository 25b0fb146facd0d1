"""A rollout: some nodes have the tables and routes of a new world, the others those of the old one.

1. A node has a version as a whole: what it says of the endpoints that live there, and the routes by
   which it sends, and by which it tells where a packet came from. What exists (nodes, cables,
   VRFs, endpoints) is the same in both, and so is the underlay, that of the old world.
2. Findings, doubts and what is not evaluated are those of both versions.
3. What is equal is shared: groups that both versions have, and the blocks of both, which all worlds
   of one rollout read; a step of a rollout binds endpoints otherwise and moves routes.
4. Rules that others than the local DPU enforce have no version of one node: they are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from compiler.policy.ir import Point, Policy
from compiler.program.program import Program
from compiler.program.versions import policy_at, together
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, UndecidedError, did_you_mean
from fabric.values.inventory import wherever_written
from sim.blocks.blocks import Blocks, build_blocks, reroute
from sim.blocks.update import update

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class WorldVersion:
    """One world of the two: network, policy as read, program and blocks."""

    network: Network
    policy: Policy
    program: Program
    blocks: Blocks


@dataclass(frozen=True, eq=False)
class Rollout:
    """See the module. `at` makes the version in which some nodes have the new one."""

    old: WorldVersion
    new: WorldVersion

    def at(self, names: Collection[str]) -> WorldVersion:
        """Names of nodes → the world in which they have the new version. Raises `InputError`."""
        nodes = numbers(self.old.network, names)
        network = self._network(nodes)
        policy = policy_at(self.old.policy, self.new.policy, names)
        vtep = np.array([e.vtep for e in network.endpoints], np.int64)
        moved = np.isin(vtep, list(nodes))
        both, before = self._both, self._old_blocks
        bindings = np.where(moved[:, None], both.bindings, self.old.program.bindings)
        program = replace(both, domain=network, policy=policy, bindings=bindings)
        if self._blocks.store is not before.store:
            return WorldVersion(network, policy, program, build_blocks(program))
        ends = np.where(moved, self._blocks.ep_block, before.ep_block)
        mine = replace(self._blocks, program=replace(program, domain=before.program.network))
        blocks = reroute(mine, program)
        if blocks.store is mine.store:
            blocks = replace(blocks, ep_block=ends)
        return WorldVersion(network, policy, program, blocks)

    def _network(self, nodes: frozenset[int]) -> Network:
        old, new = self.old.network, self.new.network
        return replace(
            old,
            fib=old.fib.mixed(new.fib, nodes),
            findings=_all(old.findings, new.findings),
            warnings=_all(old.warnings, new.warnings),
            not_evaluated=_all(old.not_evaluated, new.not_evaluated),
            intents=_all(old.intents, new.intents),
        )

    @cached_property
    def _old_blocks(self) -> Blocks:
        """Blocks of the old world, cut where routes of either version differ; new ones where those
        of the old world have been added to before."""
        blocks = self.old.blocks
        program = replace(self.old.program, domain=self._network(frozenset()))
        fresh = blocks.store.serial == blocks.serial
        return reroute(blocks, program) if fresh else build_blocks(program)

    @cached_property
    def _both(self) -> Program:
        """The groups of both versions; endpoints are bound as in the new one."""
        program = together(self.old.program, self.new.program)
        return replace(program, domain=self._old_blocks.program.network)

    @cached_property
    def _blocks(self) -> Blocks:
        """The blocks of both versions."""
        return update(self._old_blocks, self._both)


def _all(one: Sequence[T], other: Sequence[T]) -> tuple[T, ...]:
    """The members of both, each once."""
    out = list(one)
    out += (item for item in other if item not in out)
    return tuple(out)


def numbers(network: Network, names: Iterable[str]) -> frozenset[int]:
    """Indices of nodes. Raises `InputError` for names that no node has."""
    known = {node.name: node.index for node in network.fabric.nodes}
    wrong = [
        Diagnostic("C854", f'no node is called "{name}"', None, did_you_mean(name, known))
        for name in names
        if name not in known
    ]
    if wrong:
        raise InputError(*wrong)
    return frozenset(known[name] for name in names)


def refuse(old: tuple[Network, Policy], new: tuple[Network, Policy]) -> None:
    """Nothing, if two worlds may be versions of one network; else `InputError`."""
    a, b = (_exists(*version) for version in (old, new))
    for what in a:
        if a[what] != b[what] and not (what == "AS numbers" and () in (a[what], b[what])):
            message = f"two worlds of other {what} are no versions of one network"
            raise InputError(Diagnostic("C855", message, None, "cloison diff compares them"))
    if any(stage.at is not Point.HERE for stage in old[1].stages):
        message = "what others than the DPU of the local side enforce has no version of one node"
        raise UndecidedError(Diagnostic("C857", message, None, None, "unknown"))
    shared = next((e.name for e in old[0].endpoints if e.also_at), None)
    if shared is not None:
        message = f"{shared} is behind several nodes, and has no version of one node"
        raise UndecidedError(Diagnostic("C857", message, None, None, "unknown"))


def _exists(network: Network, policy: Policy) -> dict[str, object]:
    """What two versions have in common, wherever it was written."""
    return {
        "nodes": [(node.index, node.name) for node in network.fabric.nodes],
        "cables": network.fabric.links,
        "failures": network.fabric.failed,
        "AS numbers": network.plan.asn,
        "VRFs": [wherever_written(vrf) for vrf in network.vrfs],
        "endpoints": [wherever_written(endpoint) for endpoint in network.endpoints],
        "instances": network.fib.instances,
        "stages": policy.stages,
    }
