"""Cluster-wide policies of one tenant of a fabric, through the verbs that read fabrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main
from compiler.policy.ir import Direction, Packet
from compiler.policy.semantics import decide
from compiler.policy.stages import TIERED
from compiler.program.walk import verdict as walked
from compiler.targets.catalogue import writers
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.worlds.world import World

FABRIC = """\
cloison: 1
name: two
sites: { lab: { spines: 2, leaves: 2, hosts_per_pair: 4, borders: 0 } }
pools: { blocks: { v4: 28, v6: 112 } }
tenants:
  acme: { hosts: [host1, host2], manifests: [acme],
          vrfs: { main: { prefixes: [10.0.0.0/24, "fd00:a::/64"] } } }
  globex: { hosts: [host3, host4], manifests: [globex],
            vrfs: { main: { prefixes: [10.8.0.0/24, "fd00:b::/64"] } } }
peerings:
  - { name: two, between: [acme/main, globex/main], ports: [80/tcp] }
"""
ALL: dict[str, Any] = {"namespaces": {}}
EVERYWHERE = {"networks": ["0.0.0.0/0", "::/0"]}


def pod(name: str, host: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop", "labels": {"app": name}}
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": host, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def admin(name: str, priority: int, **lists: Any) -> dict[str, Any]:
    spec = {"priority": priority, "subject": ALL, **lists}
    about = {"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy"}
    return {**about, "metadata": {"name": name}, "spec": spec}


def rule(action: str, side: str, *peers: Any, **more: Any) -> dict[str, Any]:
    return {"action": action, side: list(peers), **more}


SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
FROM_SPY = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "spy"}}}}
SHUT = admin("shut", 5, ingress=[rule("Deny", "from", FROM_SPY)])
OUT = [rule("Allow", "to", EVERYWHERE)]
OPEN = admin("open", 9, ingress=[rule("Allow", "from", ALL)], egress=OUT)
CLOSED: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    "metadata": {"name": "no", "namespace": "shop"}, "spec": {"podSelector": {}},
}  # fmt: skip
DOOR: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "door", "namespace": "shop"},
    "spec": {"type": "NodePort", "selector": {"app": "cart"},
             "ports": [{"port": 80, "nodePort": 30080}]},
}  # fmt: skip


def written(folder: Path, *objects: Any, expect: str = "") -> Path:
    for tenant, one, two, more in (
        ("acme", "host1", "host2", objects),
        ("globex", "host3", "host4", ()),
    ):
        (folder / tenant).mkdir()
        pods = [pod("cart", one), pod("db", two), pod("spy", two)]
        (folder / tenant / "a.yaml").write_text(yaml.safe_dump_all([SPACE, *pods, *more]))
    path = folder / "f.yaml"
    path.write_text(FABRIC + (f"expect:\n{expect}" if expect else ""))
    return path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def verdict(fabric: Path, source: str, target: str) -> tuple[str, str]:
    told = json.loads(run("explain", fabric, source, target, "-o", "json").stdout)
    return told["verdict"], told["reason"]


def test_tenant_isolation_is_asked_before_and_others_are_not_asked(tmp_path: Path) -> None:
    fabric = written(tmp_path, SHUT, OPEN, CLOSED)
    assert verdict(fabric, "acme/shop/spy", "acme/shop/cart:80/tcp") == ("deny", "admin_drop")
    assert verdict(fabric, "acme/shop/db", "acme/shop/cart:80/tcp") == ("allow", "delivered")
    for port, said in ((80, ("allow", "delivered")), (81, ("deny", "isolation_drop"))):
        assert verdict(fabric, "acme/shop/spy", f"globex/shop/spy:{port}/tcp") == said
    assert verdict(fabric, "globex/shop/spy", "globex/shop/cart:80/tcp") == ("allow", "delivered")
    # pods of another tenant are no pods of this cluster, whatever their labels
    assert verdict(fabric, "globex/shop/db", "acme/shop/cart:80/tcp") == ("deny", "policy_drop")


def test_a_certificate_with_tiers_is_checked_alone_and_against_the_fabric(tmp_path: Path) -> None:
    line = '  - deny: "acme/shop/spy -> acme/shop/cart"\n'
    fabric = written(tmp_path, SHUT, OPEN, CLOSED, expect=line)
    proof = tmp_path / "proof.json"
    assert run("verify", fabric, "--certificate", proof).exit_code == 0
    assert '"admin_drop"' in proof.read_text()
    for about in ([], [fabric]):
        done = run("verify", *about, "--check-certificate", proof)
        assert done.exit_code == 0, done.stdout
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", OPEN, CLOSED)
    assert run("verify", other, "--check-certificate", proof).exit_code == 1


def test_one_priority_is_a_finding_of_a_fabric(tmp_path: Path) -> None:
    fabric = written(tmp_path, SHUT, {**OPEN, "spec": {**OPEN["spec"], "priority": 5}})
    for verb in ("check", "verify", "simulate"):
        done = run(verb, fabric)
        assert done.exit_code == 1 and "have one priority, 5" in done.stdout


@pytest.mark.parametrize("more", [DOOR, pod("hp", "host1", containers=[
    {"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 8000}]}])])  # fmt: skip
def test_doors_past_a_denial_are_told(tmp_path: Path, more: Any) -> None:
    name = "hp" if more["kind"] == "Pod" else "cart"
    line = f'  - deny: "acme/shop/spy -> acme/shop/{name}"\n'
    fabric = written(tmp_path, SHUT, more, expect=line)
    assert verdict(fabric, "acme/shop/spy", f"acme/shop/{name}:80/tcp")[0] == "unknown"
    assert run("verify", fabric).exit_code == 4
    accepted = run("verify", fabric, "--accept-unevaluated", more["kind"])
    assert accepted.exit_code == 0 and "accepted as not evaluated" in accepted.stdout


def test_every_format_and_listing_has_the_tiers(tmp_path: Path) -> None:
    fabric = written(tmp_path, SHUT, OPEN, CLOSED)
    formats = [word for name in writers() for word in ("--format", name)]
    assert run("compile", fabric, "-o", tmp_path / "out", *formats).exit_code == 0
    for name in ("canonical/dpu1.json", "text/dpu1.txt", "nftables/dpu1.nft"):
        assert "AdminNetworkPolicy" in (tmp_path / "out" / name).read_text()
    shown = run("show", "policy", fabric, "--stage", "admin")
    assert shown.exit_code == 0 and "AdminNetworkPolicy acme/shut rule 0" in shown.stdout
    assert "workload" not in shown.stdout


def test_edits_of_tiers_are_who_gains_and_loses(tmp_path: Path) -> None:
    later = {**SHUT, "spec": {**SHUT["spec"], "priority": 10}}
    worlds = {"old": (SHUT, OPEN), "later": (later, OPEN), "none": ()}
    for name in worlds:
        (tmp_path / name).mkdir()
    made = {name: written(tmp_path / name, *objects) for name, objects in worlds.items()}
    both = {("acme/shop/spy", "acme/shop/cart"), ("acme/shop/spy", "acme/shop/db")}
    for before, after, change in (
        ("old", "later", "gained"),
        ("later", "old", "lost"),
        ("none", "old", "lost"),
        ("old", "none", "gained"),
    ):
        done = run("diff", made[before], made[after], "-o", "json")
        assert done.exit_code == 1
        rows = json.loads(done.stdout)["rows"]
        assert {(r["source"], r["destination"]) for r in rows} == both
        assert {r["change"] for r in rows} == {change}
    assert run("diff", made["none"], made["later"]).exit_code == 0


def test_the_first_policy_of_a_tier_is_rolled_out_node_by_node(tmp_path: Path) -> None:
    """Nodes with the old version have none of its stages to ask, and nothing to say in them."""
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    paths = written(tmp_path / "old"), written(tmp_path / "new", SHUT)
    old, new = (World(build(load_fabric(path), lock=False)) for path in paths)
    names = {e.name: e for e in old.network.endpoints}
    spy, remote = names["acme/shop/spy"], names["acme/shop/cart"]
    address = int(spy.prefixes[0][0])
    packet = Packet(Direction.IN, remote.index, 4, address, spy.vrf, 6, 40000, 80)
    home = old.network.fabric.nodes[remote.vtep].name
    for before, after in ((old, new), (new, old)):
        for nodes, there in (((), before), ((home,), after)):
            mixed = before.mixed(after, nodes)
            assert mixed.program.stages == TIERED
            found = decide(mixed.policy_read, mixed.network, packet).permit
            assert found == walked(mixed.program, packet).permit == (there is old)
