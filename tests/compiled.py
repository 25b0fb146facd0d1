"""The program of a network with all that it declares, for tests that need no world around it."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.compile import compile_policy, read_policy
from compiler.policy.source import Source, with_unclaimed
from compiler.program.program import Program
from compiler.sources import SOURCES
from fabric.building.network import Network


def compile_network(network: Network, sources: Sequence[Source] = SOURCES) -> Program:
    """Its policies read, resolved, scoped, pruned and shared."""
    return compile_policy(with_unclaimed(network, sources), read_policy(network, sources))
