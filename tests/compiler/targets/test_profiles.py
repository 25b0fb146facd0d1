"""Targets: what is counted is what the dumps list, and a figure says where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import compile_network

from compiler.policy.ir import Action
from compiler.program.document import document
from compiler.program.dpu import tables_of
from compiler.program.program import ANY_VRF, Entry, L4Range, Program, Region
from compiler.targets.catalogue import profile, profiles
from compiler.targets.profiles import Limit, Profile
from compiler.targets.usage import COSTS, usage
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import InputError

DEMO = Path(__file__).parents[3] / "topologies" / "demo.yaml"


@pytest.fixture(scope="module")
def demo() -> Program:
    return compile_network(build(load_fabric(DEMO), lock=False))


@pytest.mark.parametrize("target", profiles().values(), ids=lambda t: t.name)
def test_every_figure_has_a_source(target: Profile) -> None:
    assert len({limit.table for limit in target.limits}) == len(target.limits)
    for limit in target.limits:
        assert limit.source
        assert (limit.capacity is None) == (limit.source == "unknown")


def test_counts_are_those_of_the_document(demo: Program) -> None:
    rows = {(row.node, row.table): row.used for row in usage(demo, profile("dash-400g"))}
    for node in sorted({e.vtep for e in demo.network.endpoints}):
        doc = document(demo, tables_of(demo, node))
        name, groups = doc["node"], doc["groups"]
        sizes = [len(group["entries"]) + 1 for group in groups]
        listed = [e for group in groups for e in (*group["entries"], group["default"])]
        assert rows[name, "endpoints"] == len(doc["endpoints"])
        assert rows[name, "groups"] == len(groups)
        assert rows[name, "entries"] == sum(sizes)
        assert rows[name, "entries_per_group"] == max(sizes)
        assert rows[name, "prefixes"] == sum(
            len(r["prefixes"]) for e in listed for r in e["remote"]
        )
        assert rows[name, "routes"] == len(doc["routes"])
        assert rows[name, "mappings"] == len(doc["mappings"])
        assert rows[name, "admitted_vteps"] == len({m["vtep"] for m in doc["mappings"]})
        assert rows[name, "ecmp_width"] == max(len(r["next_hops"]) for r in doc["routes"])


def test_a_target_without_lists_pays_per_prefix_and_port() -> None:
    region = Region(ANY_VRF, ((0, 2),), ())
    entry = Entry(0, 0, (region,), (L4Range(6, (0, 65535), (80, 89)),), Action.PERMIT, 0)
    assert COSTS["ranges"](entry) == 1
    assert COSTS["product"](entry) == 2 * 10


def test_unknown_capacity_never_fails_and_a_known_one_does(demo: Program) -> None:
    limits = Limit("groups", None, "unknown"), Limit("vnis", 1, "a")
    target = Profile("t", "T", "ranges", limits, frozenset())
    fits = {(row.table, row.fits) for row in usage(demo, target) if row.used > 1}
    assert fits == {("groups", True), ("vnis", False)}


def test_an_unknown_target_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match="C801") as caught:
        profile("dash-400")
    assert "dash-400g" in str(caught.value)
