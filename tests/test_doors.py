"""Code without a user's door goes: what neither `import cloison` nor a command comes to is not part
of the product. What only tests use stands in tests, what only measurements use in bench."""

from __future__ import annotations

import pytest
from doors import BODY, Unit, modules, resolved, without_door
from unnamed_methods import unnamed_methods

EXEMPT = {
    **{
        f"compiler.decisions.rbac.role_semantics.{name}": "the definition of what roles mean, to "
        "which their table is tied"
        for name in ("defined", "grants", "permission")
    },
    "compiler.policy.stages.inserted": "how a plug-in puts a stage of its own into the table",
    "compiler.targets.hosts.releases.RELEASES": "which releases a test of each has to cover",
    "compiler.imports.nft.verdict": "the definition of what a rule set does, to which lists of "
    "entries and comparisons are tied",
    "sim.kernels.match.plain_lanes": "what lanes are as plain Python: each is taken by its name",
    "sim.worlds.axes.one_more": "how Python adds an axis of its own (docs/python.md)",
}
"""What nobody comes to and that stays, with why: a unit, or all of a module."""


METHODS = {
    "compiler.program.program.Program.of_tables": "how Python has rules about something else than "
    "a network as tables (tests/plugins)",
    "sim.kernels.kernel_parts.NoEnvironments.set_env": "which numba calls on a library's code",
}
"""Methods that nobody names and that stay, with why."""


@pytest.fixture(scope="module")
def without() -> set[Unit]:
    return without_door(*(unit for name in EXEMPT for unit in resolved(name)), *whole())


def whole() -> list[Unit]:
    """Units of modules that are exempt as a whole."""
    return [(name, unit) for name in EXEMPT if name in modules() for unit in modules()[name].units]


def test_whatever_is_there_has_a_door(without: set[Unit]) -> None:
    assert sorted(f"{module}: {unit}" for module, unit in without) == []


def test_what_is_exempt_has_no_other_door() -> None:
    left = without_door()
    for name in EXEMPT:
        assert left & ({*resolved(name)} | {unit for unit in whole() if unit[0] == name}), name


def test_every_module_is_reached(without: set[Unit]) -> None:
    """By an import from the two doors, or by a row of a table."""
    bodies = {name for name, module in modules().items() if BODY in module.units}
    assert len(bodies) > 700
    assert {module for module, unit in without if unit == BODY} == set()


def test_every_method_is_named_somewhere() -> None:
    assert sorted(unnamed_methods()) == sorted(METHODS)
