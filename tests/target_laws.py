"""What every row of `compiler.targets.catalogue` keeps; also those of plug-ins."""

from __future__ import annotations

import inspect
import re

from compiler.program.program import Program
from compiler.targets.catalogue import Backend, Target, writers
from fabric.diagnostics import Diagnostic

ASKED = tuple(name for name in vars(Backend) if not name.startswith("_"))
"""What is asked of a back end: all that the protocol has."""


def complete(row: Target) -> None:
    """A row says something, and its parts go together."""
    if row.profile:
        assert row.profile.name == row.name, f"{row.name} goes by the name {row.profile.name}"
        assert row.profile.limits
    if row.writer:
        backend = row.writer.load()
        assert "NODE" in row.writer.head
        for name in ASKED:
            assert hasattr(backend, name), f"{row.name} has no {name}"
            wanted = len(inspect.signature(getattr(Backend, name)).parameters) - 1
            assert len(inspect.signature(getattr(backend, name)).parameters) == wanted


def known_again(name: str, program: Program) -> None:
    """A format's dumps begin as its row says, each for its own node, and as no other format's."""
    backend = writers()[name].load()
    assert all(isinstance(remark, Diagnostic) for remark in backend.remarks(program))
    nodes = program.network.fabric.nodes
    for node in backend.nodes(program):
        text = backend.render(program, node)
        assert text == backend.render(program, node)
        found = {
            (other, there.name)
            for other, writer in writers().items()
            for there in nodes
            if re.match(writer.head.replace("NODE", re.escape(there.name)), text)
        }
        assert (name, nodes[node].name) in found, f"{name} does not know its own dumps"
        assert found == {(name, nodes[node].name)}, f"taken for others: {found}"
