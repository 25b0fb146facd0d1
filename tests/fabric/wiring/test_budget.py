"""Sizes are known before anything is built, and what is too large is refused in time."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.cli import main
from fabric.building.build import build
from fabric.building.load import load, load_fabric
from fabric.control.path_tables import hop_offsets
from fabric.control.underlay import converge_sessions
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.budget import (
    MEMORY,
    STEPS,
    afford_pairs,
    afford_paths,
    multiplied,
    of_site,
    wiring,
)
from fabric.wiring.clos import build_fabric, wired
from fabric.wiring.topology import Role
from sim.worlds.world import World

SMALL = st.integers(1, 5)
SITE = st.fixed_dictionaries(
    {
        "clos": st.sampled_from(["leaf-spine", "three-tier"]),
        "pods": SMALL,
        "superspines": SMALL,
        "leaves": SMALL,
        "spines": SMALL,
        "hosts_per_pair": st.integers(0, 4),
        "uplinks": st.integers(1, 3),
        "borders": st.integers(0, 3),
    }
)
LARGEST = {
    "leaves": 512, "spines": 64, "hosts_per_pair": 128, "uplinks": 8, "borders": 16,
    "superspines": 64, "pods": 64,
}  # fmt: skip


def spec_of(*sites: dict[str, object], vtep: str = "dpu") -> FabricSpec:
    named = {f"s{number}": site for number, site in enumerate(sites)}
    return FabricSpec.model_validate({"cloison": 1, "name": "x", "vtep": vtep, "sites": named})


@given(st.lists(SITE, min_size=1, max_size=3), st.sampled_from(["dpu", "leaf"]))
@settings(deadline=None, max_examples=60)
def test_the_estimate_is_what_is_built(sites: list[dict[str, object]], vtep: str) -> None:
    spec = spec_of(*sites, vtep=vtep)
    fabric = build_fabric(spec)
    need = wiring(spec)
    assert need.nodes == len(fabric.nodes)
    assert need.links == len(fabric.links)
    assert need.speakers == sum(node.role is not Role.HOST for node in fabric.nodes)
    assert need.sessions == sum(link.kind != "host" for link in fabric.links)
    numbers = tuple(range(1, need.nodes + 1))
    points = converge_sessions(fabric, numbers, numbers).points
    assert need.points == len(points) - 1


@pytest.mark.parametrize("site", [
    {"leaves": 96, "spines": 16},
    {"leaves": 8, "spines": 2, "hosts_per_pair": 100},
    {"clos": "three-tier", "pods": 8, "superspines": 8, "leaves": 8, "spines": 4},
])  # fmt: skip
def test_memory_stays_below_the_estimate(site: dict[str, object]) -> None:
    spec = spec_of(site)
    numbers = range(1, wiring(spec).nodes + 1)
    asn = tuple(4_200_000_000 + n for n in numbers)
    tracemalloc.start()
    converge_sessions(build_fabric(spec), asn, tuple(numbers))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert wiring(spec).memory / 4 < peak < wiring(spec).memory


def fabric(folder: Path, site: dict[str, object], **more: object) -> Path:
    path = folder / "f.yaml"
    document = {"cloison": 1, "name": "x", "sites": {"s": site}, **more}
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("clos", ["leaf-spine", "three-tier"])
@pytest.mark.parametrize("largest", [*LARGEST, None])
def test_the_largest_of_the_schema_is_refused_or_fits(
    clos: str, largest: str | None, tmp_path: Path
) -> None:
    names = LARGEST if largest is None else {largest}
    site = {"clos": clos, **{name: LARGEST[name] for name in names}}
    if clos == "leaf-spine":
        site = {k: v for k, v in site.items() if k not in ("pods", "superspines")}
    else:
        site.setdefault("superspines", 2)
    path = fabric(tmp_path, site)
    started = time.process_time()
    need = of_site(Site.model_validate(site), "dpu").memory
    if need <= MEMORY:
        assert load(path)
        return
    for verb in ("check", "verify", "compile", "simulate"):
        done = CliRunner().invoke(main, [verb, str(path)])
        assert done.exit_code == 2
        assert "C114" in done.output
        assert f"{need / 2**30:,.1f} GiB" in done.output
        assert "the budget is 4.0 GiB" in done.output
        assert "--budget N" in done.output
    assert time.process_time() - started < 20
    with pytest.raises(InputError, match="C114"):
        build_graph_of(site)


def build_graph_of(site: dict[str, object]) -> None:
    build_fabric(spec_of(site))


def test_many_sites_count_together(tmp_path: Path) -> None:
    one = {"leaves": 128, "spines": 32}
    path = fabric(tmp_path, one)
    assert load(path)
    sites = {f"s{n}": one for n in range(40)}
    path.write_text(yaml.safe_dump({"cloison": 1, "name": "x", "sites": sites}))
    with pytest.raises(InputError, match="C114"):
        load_fabric(path)


def test_the_budget_can_be_raised_and_lowered(tmp_path: Path) -> None:
    path = fabric(tmp_path, {"leaves": 4, "spines": 2})
    assert CliRunner().invoke(main, ["check", str(path)]).exit_code == 0
    refused = CliRunner().invoke(main, ["check", str(path), "--budget", "1e-5"])
    assert "C114" in refused.output
    large = {"leaves": 512, "spines": 64, "hosts_per_pair": 16, "uplinks": 4}
    with pytest.raises(InputError, match="C114"):
        load_fabric(fabric(tmp_path, large))
    with multiplied(100):
        assert load_fabric(fabric(tmp_path, large))


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d{0}}}
spec: {{replicas: 10000, template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c}}]}}}}}}
"""  # noqa: E501


def test_pods_are_counted_before_they_are_made(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("---\n".join(DEPLOYMENT.format(n) for n in range(1000)))
    tenants = {"a": {"vrfs": {"m": {"prefixes": ["10.0.0.0/8"]}}, "manifests": ["m.yaml"]}}
    path = fabric(tmp_path, {"leaves": 2}, tenants=tenants)
    for arguments in (["check", str(path)], ["reach", str(tmp_path / "m.yaml")]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
        assert "C692" in done.output
        assert "10,000,000 pods" in done.output


def test_pods_and_hosts_of_all_tenants_count(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(DEPLOYMENT.format(1).replace("10000", "100"))
    for more, count, code in (
        ({"manifests": ["m.yaml"]}, 2100, "C692"),
        ({"hosts": ["host*"]}, 20, "C693"),
    ):
        tenants = {
            f"t{n}": {"vrfs": {"m": {"prefixes": [f"10.{n // 100}.{n % 100}.0/24"]}}, **more}
            for n in range(count)
        }
        site = {"leaves": 2, "hosts_per_pair": 4 if code == "C692" else 128}
        spec = load_fabric(fabric(tmp_path, site, tenants=tenants))
        with multiplied(1 if code == "C692" else 0.002), pytest.raises(InputError, match=code):
            build(spec, lock=False)


def test_failures_are_counted_before_they_are_tried(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(DEPLOYMENT.format(1).replace("10000", "2"))
    tenant = {"vrfs": {"m": {"prefixes": ["10.0.0.0/16"]}}, "manifests": ["m.yaml"]}
    expect = [{"allow": "a/* -> a/*", "hold_under": ["any-1-link", "any-1-node"]}]
    path = fabric(
        tmp_path, {"leaves": 256, "hosts_per_pair": 4}, tenants={"a": tenant}, expect=expect
    )
    started = time.process_time()
    done = CliRunner().invoke(main, ["verify", str(path), "-q"])
    assert done.exit_code == 4, done.output
    said = " ".join(done.output.split())
    assert "[C694]" in said
    assert f"the budget is {STEPS:,}" in said
    assert "isolation holds" not in said
    assert time.process_time() - started < 60
    small = fabric(tmp_path, {"leaves": 4}, tenants={"a": tenant}, expect=expect)
    assert CliRunner().invoke(main, ["verify", str(small), "-q"]).exit_code == 0
    assert wired(load_fabric(small)).nodes


def test_next_hops_are_numbered_in_32_bits_whatever_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = build(load_fabric(fabric(tmp_path, {"leaves": 4, "spines": 2})), lock=False)
    hops = network.underlay.n_hops
    with multiplied(1e9), pytest.raises(InputError, match="C114"):
        afford_pairs(10, 1 << 31)
    with multiplied(1e9), pytest.raises(InputError, match="C114"):
        afford_paths(46_341, 0)
    with multiplied(1e9):
        afford_pairs(10, (1 << 31) - 1)
        afford_paths(46_340, 0)
    monkeypatch.setattr("fabric.wiring.budget.MOST_HOPS", hops)
    assert network.underlay.spread().hops.off[-1] == hops
    monkeypatch.setattr("fabric.wiring.budget.MOST_HOPS", hops - 1)
    with multiplied(1e9), pytest.raises(InputError, match=f"{hops:,} next hops"):
        network.underlay.spread()
    with pytest.raises(InputError, match="C114"):
        hop_offsets(np.array([hops - 1, 1]))


def test_worlds_too_large_for_packets_are_refused_before_rules_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = {"a": {"vrfs": {"m": {"prefixes": ["10.0.0.0/16"]}}, "hosts": ["host*"]}}
    path = fabric(tmp_path, {"leaves": 2, "hosts_per_pair": 4}, tenants=tenants)
    world = World(build(load_fabric(path), lock=False))
    atoms = sum(map(len, world.network.fib.boundaries(0))) * len(world.network.fib.instances)
    monkeypatch.setattr("fabric.wiring.budget.ROUTES", atoms - 1)
    monkeypatch.setattr("sim.worlds.world.compile_policy", None)
    with pytest.raises(InputError, match=f"at least {atoms} cells of FIBs"):
        assert world.blocks
    monkeypatch.undo()
    assert world.blocks
