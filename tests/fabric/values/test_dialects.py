"""Law: whose reading of policies there is stands in one place; files, options and Python take it
from there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args, get_type_hints

import cloison.cli.changes.diff
import cloison.cli.packets.explain
import cloison.cli.packets.reach
import fabric
from cloison.loading.how import How
from fabric.file.spec import Tenant
from fabric.values.dialects import CILIUM, DIALECTS, KUBERNETES, Dialect

ROOT = Path(fabric.__file__).parents[1]
HOME = ROOT / "fabric/values/dialects.py"
API_SERVER = ROOT / "fabric/kubernetes/networking/endpoint_slices.py"
"""The Service of that name."""


def test_no_other_module_writes_one_out() -> None:
    found = {
        file
        for package in ("fabric", "compiler", "sim", "cloison")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in DIALECTS
    }
    assert found == {HOME, API_SERVER}


def test_every_door_takes_all_and_says_the_same_where_nothing_is_said() -> None:
    assert DIALECTS == (KUBERNETES, CILIUM)
    field = Tenant.model_fields["dialect"]
    assert (get_args(field.annotation), field.default) == (DIALECTS, KUBERNETES)
    hints = get_type_hints(How, localns={"Dialect": Dialect, "Source": object})
    assert get_args(hints["dialect"])[0] == Dialect and How().dialect is None
    for command in (
        cloison.cli.changes.diff.command,
        cloison.cli.packets.explain.command,
        cloison.cli.packets.reach.command,
    ):
        (option,) = (p for p in command.params if "--dialect" in p.opts)
        assert tuple(option.type.choices) == DIALECTS
