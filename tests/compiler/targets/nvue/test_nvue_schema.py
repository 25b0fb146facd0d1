"""What is written for NVUE, against NVIDIA's own schema of it: models that others made of its
OpenAPI, by release. What the schema of a release does not have is named here, and nothing else is
let pass."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import oracles
import pytest
from nvue_written import TOPOLOGIES, backend, of_file

from fabric.diagnostics import Diagnostics
from fabric.file.yaml.reader import documents

if find_spec("nvueschema") is None:
    oracles.unavailable("not installed: nvueschema")
pytestmark = pytest.mark.oracle("nvue")
RELEASE = {"nvue": "v5_6", "nvue-cumulus": "v5_11"}
"""HBN speaks NVUE of Cumulus Linux 5.6 or so."""
OF_HBN = {("acl", "*", "rule", "*", "match", "conntrack"), ("system", "reflexive-acl")}
"""NVIDIA's guide to DOCA HBN documents them, its OpenAPI of Cumulus Linux does not have them."""


def model(name: str) -> Any:
    """The schema of the release that a format is written for."""
    return import_module(f"nvueschema.models.{RELEASE[name]}").NvueConfig


def without(tree: Any, path: tuple[str, ...]) -> int:
    """Take what stands at a path out of a tree; how often it stood there."""
    if not isinstance(tree, dict):
        return 0
    first, *rest = path
    keys = [*tree] if first == "*" else [first] if first in tree else []
    if not rest:
        for key in keys:
            del tree[key]
        return len(keys)
    return sum(without(tree[key], tuple(rest)) for key in keys)


def written(fabric: str, name: str) -> Iterator[dict[str, Any]]:
    """What stands below `set` in the files of three VTEPs, a border among them; of the demo of its
    first, since an HBN file there takes seconds to read. On and off are text, as in NVUE."""
    program = of_file(TOPOLOGIES / f"{fabric}.yaml")
    made = backend(program, name)
    nodes = made.nodes(program)
    for node in (nodes[0], nodes[len(nodes) // 2], nodes[-1])[: 1 if fabric == "demo" else 3]:
        (document,) = documents(made.render(program, node), "x.yaml", Diagnostics())
        yield document.value[1]["set"]


@pytest.mark.parametrize("name", RELEASE)
@pytest.mark.parametrize("fabric", ["small", "demo"])
def test_files_fit_the_schema_of_its_release(fabric: str, name: str) -> None:
    schema, left_out, files = model(name), 0, 0
    for tree in written(fabric, name):
        files += 1
        if name == "nvue":
            left_out += sum(without(tree, path) for path in OF_HBN)
        schema.model_validate(tree, extra="forbid")
    assert files and (left_out > 0) == (name == "nvue")


@pytest.mark.parametrize("name", RELEASE)
def test_the_schema_notices_what_is_no_key_and_no_value(name: str) -> None:
    schema = model(name)
    tree = next(written("small", name))
    for path in OF_HBN:
        without(tree, path)
    schema.model_validate(tree, extra="forbid")
    vrf = next(key for key in tree["vrf"] if key != "default")
    for change in (
        {"acls": {}},
        {"evpn": {"enable": "perhaps"}},
        {"vrf": {vrf: {**tree["vrf"][vrf], "evpn": {"vnis": {}}}}},
        {"nve": {"vxlan": {"source": {"address": "nowhere"}}}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            schema.model_validate({**tree, **change}, extra="forbid")
