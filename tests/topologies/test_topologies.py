"""The fabric files that come with cloison: they load, build, and hold what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from compiler.sources.network_policy import CLAIMS
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import Span
from sim.proof.prove import Proof, prove
from sim.worlds.world import World

FOLDER = Path(__file__).parents[2] / "topologies"
TWINS = sorted(p for p in (FOLDER / "broken").glob("*.yaml") if ".lock" not in p.suffixes)
BUNDLED = ("small", "demo", "namespaces", "cilium", "large")
FILES = [*(FOLDER / f"{name}.yaml" for name in BUNDLED), *TWINS]
NAMES = [path.stem for path in FILES]


def proof(path: Path) -> Proof:
    """What `cloison simulate` proves, without touching the lock file."""
    network = build(load_fabric(path), lock=False)
    return prove(World(network))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_opens_with_what_it_shows(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert lines.index("cloison: 1") >= 2


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_checks(path: Path) -> None:
    assert load_fabric(path).expect


@pytest.mark.parametrize("path", TWINS, ids=[path.stem for path in TWINS])
def test_a_twin_is_the_demo_with_one_line_patched(path: Path) -> None:
    written = yaml.safe_load(path.read_text())
    assert set(written) == {"cloison", "extends", "name", "patch"}
    assert len(written["patch"]) == 1
    assert sum(line.startswith("  - {") for line in path.read_text().splitlines()) == 1
    assert load_fabric(path).expect == load_fabric(FOLDER / "demo.yaml").expect


@pytest.mark.parametrize(
    "name",
    [
        "small",
        "demo",
        "namespaces",
        "cilium",
        pytest.param("large", marks=[pytest.mark.slow, pytest.mark.slices(4)]),
    ],
)
def test_what_a_file_expects_holds(name: str) -> None:
    proved = proof(FOLDER / f"{name}.yaml")
    assert [str(finding) for finding in proved.findings] == []
    assert proved.outcomes
    assert all(outcome.pairs for outcome in proved.outcomes)


BLAMED = {
    "wrong-rt-import": ("broken/wrong-rt-import.yaml", "at: [tenants, training"),
    "too-wide-ipblock": ("broken/too-wide-ipblock.yaml", "object: NetworkPolicy/dashboards"),
    "zone0-hole": ("broken/zone0-hole.yaml", "at: [zones, zone0, rules, 0]"),
    "missing-egress-rule": ("manifests/demo/inference/policies.yaml", "name: router"),
}


@pytest.mark.slices(2)
@pytest.mark.parametrize("path", TWINS, ids=[path.stem for path in TWINS])
def test_a_twin_fails_and_the_patched_line_is_blamed(path: Path) -> None:
    file, text = BLAMED[path.stem]
    findings = proof(path).findings
    assert findings
    for finding in findings:
        span = finding.culprit.span
        assert span is not None
        assert Path(span.file) == FOLDER / file
        assert text in whole(span)
        assert finding.packet


def whole(span: Span) -> str:
    """The line of a place; in a manifest all of the object up to that line."""
    lines = Path(span.file).read_text().splitlines()[: span.line]
    starts = [number for number, line in enumerate(lines) if line == "---"]
    return "\n".join(lines[starts[-1] :] if starts else lines[-1:])


def test_the_large_file_is_as_large_as_it_says() -> None:
    network = build(load_fabric(FOLDER / "large.yaml"), lock=False)
    assert sum(node.name.startswith("dpu") for node in network.fabric.nodes) == 512
    assert len({vrf.tenant for vrf in network.vrfs if vrf.tenant.startswith("t")}) == 100
    assert len(network.endpoints) >= 4096
    policies = (p for m in network.manifests.values() for p in m.claimed(CLAIMS))
    specs = [document.value["spec"] for document in policies]
    assert sum(len(s.get(way) or ()) for s in specs for way in ("ingress", "egress")) >= 10_000


def test_adding_a_tenant_to_the_demo_changes_no_other_allocation(tmp_path: Path) -> None:
    base = tmp_path / "demo.yaml"
    manifests = str(FOLDER / "manifests")
    base.write_text(
        (FOLDER / "demo.yaml").read_text().replace("manifests/demo", f"{manifests}/demo")
    )
    before = allocations(build(load_fabric(base)))
    with_newcomer = base.read_text().replace(
        "tenants:\n",
        "tenants:\n"
        f"  aaa:\n    manifests: [{manifests}/small/globex]\n"
        "    vrfs:\n      main:\n        prefixes:\n          - 10.0.0.0/16\n"
        "          - { pool: nodes4, length: 24, use: nodes }\n"
        "          - { pool: clients4, length: 24, namespaces: [shop] }\n",
    )
    base.write_text(with_newcomer)
    after = allocations(build(load_fabric(base)))
    assert before.items() <= after.items()
    assert any("aaa/" in key for key in after)


def allocations(network: Network) -> dict[str, object]:
    """Everything that was drawn, by the name of what it was drawn for."""
    out: dict[str, object] = {f"vrf {v.name}": (v.vni, v.prefixes) for v in network.vrfs}
    out |= {f"endpoint {e.name}": (e.host, e.prefixes) for e in network.endpoints}
    for name, node in network.fabric.graph.nodes(data=True):
        out[f"node {name}"] = (node.get("asn"), node.get("loopback"))
    return out
