"""Cilium in one tenant of a fabric, through the verbs that read fabrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from cilium_cases import ccnp, cnp, labels
from click.testing import CliRunner

from cloison.cli import main
from compiler.policy.stages import WIDEST
from compiler.targets.catalogue import writers

FABRIC = """\
cloison: 1
name: two
sites: { lab: { spines: 2, leaves: 2, hosts_per_pair: 4, borders: 1 } }
pools: { blocks: { v4: 28, v6: 112 } }
zones: { zone2: { endpoints: { inet: { addresses: [192.0.2.0/24] } },
                  rules: [{ name: out, from: "acme/*", to: zone2/inet }] } }
tenants:
  acme: { hosts: [host1, host2], manifests: [acme], %s
          vrfs: { main: { prefixes: [10.0.0.0/24, "fd00:a::/64"], default_route: zone2,
                          advertise: [10.0.0.0/24] } } }
  globex: { hosts: [host3, host4], manifests: [globex],
            vrfs: { main: { prefixes: [10.8.0.0/24, "fd00:b::/64"] } } }
peerings:
  - { name: two, between: [acme/main, globex/main], ports: [80/tcp] }
"""
CILIUM = "dialect: cilium-1.20,"
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def pod(name: str, host: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop", "labels": {"app": name}}
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": host}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


SHUT = cnp(
    endpointSelector=labels(app="cart"),
    ingress=[{"fromEndpoints": [labels(app="db")], "toPorts": [
        {"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": "/x"}]}},
        {"ports": [{"port": "81", "protocol": "TCP"}]}]}],
    ingressDeny=[{"fromEndpoints": [labels(app="spy")]}],
)  # fmt: skip
BLOCKS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    "metadata": {"name": "k", "namespace": "shop"},
    "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
}  # fmt: skip


def written(folder: Path, *objects: Any, how: str = CILIUM, expect: str = "") -> Path:
    for tenant, one, two, more in (
        ("acme", "host1", "host2", objects),
        ("globex", "host3", "host4", objects[:1]),
    ):
        (folder / tenant).mkdir(parents=True)
        pods = [pod("cart", one), pod("db", two), pod("spy", two)]
        (folder / tenant / "a.yaml").write_text(yaml.safe_dump_all([SPACE, *pods, *more]))
    path = folder / "f.yaml"
    path.write_text(FABRIC % how + (f"expect:\n{expect}" if expect else ""))
    return path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def verdict(fabric: Path, source: str, target: str, *options: str) -> tuple[str, str]:
    told = json.loads(run("explain", fabric, source, target, "-o", "json", *options).stdout)
    return told["verdict"], told["reason"]


def test_each_tenant_has_a_dialect_of_its_own(tmp_path: Path) -> None:
    fabric = written(tmp_path, SHUT, BLOCKS)
    spy, db, cart = (f"acme/shop/{name}" for name in ("spy", "db", "cart"))
    assert verdict(fabric, spy, f"{cart}:80/tcp") == ("deny", "cilium_drop")
    assert verdict(fabric, db, f"{cart}:81/tcp") == ("allow", "delivered")
    assert verdict(fabric, db, f"{cart}:82/tcp") == ("deny", "cilium_default_drop")
    assert verdict(fabric, spy, f"{db}:80/tcp") == ("deny", "cilium_default_drop")
    # pods of another tenant are outside, whatever their labels
    assert verdict(fabric, "globex/shop/db", f"{db}:80/tcp") == ("unknown", "delivered")
    assert verdict(fabric, "globex/shop/db", f"{cart}:80/tcp")[1] == "cilium_default_drop"
    assert verdict(fabric, "globex/shop/spy", "globex/shop/cart:80/tcp")[0] == "unknown"
    # and what is said on the command line is said of all
    spoken = ("--dialect", "cilium-1.20")
    said = verdict(fabric, "globex/shop/spy", "globex/shop/cart:80/tcp", *spoken)
    assert said == ("deny", "cilium_drop")
    plain = verdict(fabric, spy, f"{db}:80/tcp", "--dialect", "kubernetes")
    assert plain[0] == "unknown"


def test_conditions_are_told_and_hold_no_expectation(tmp_path: Path) -> None:
    line = '  - allow: "acme/shop/db -> acme/shop/cart:%d/tcp"\n'
    done = run("explain", written(tmp_path / "a", SHUT), "acme/shop/db", "acme/shop/cart:80/tcp")
    assert "allow (if the request matches /x)" in done.stdout
    for port, code in ((81, 0), (80, 1)):
        fabric = written(tmp_path / str(port), SHUT, expect=line % port)
        accepted = run("verify", fabric, "--accept-unevaluated", "CiliumNetworkPolicy")
        assert accepted.exit_code == code, accepted.stdout


def test_a_certificate_is_checked_alone_and_against_the_fabric(tmp_path: Path) -> None:
    line = '  - deny: "acme/shop/spy -> acme/shop/cart"\n'
    fabric = written(tmp_path / "a", SHUT, BLOCKS, expect=line)
    proof = tmp_path / "proof.json"
    accept = "--accept-unevaluated", "CiliumNetworkPolicy"
    done = run("verify", fabric, "--certificate", proof, *accept)
    assert done.exit_code == 0, done.stdout
    assert '"cilium_drop"' in proof.read_text()
    for about in ([], [fabric, *accept]):
        done = run("verify", *about, "--check-certificate", proof)
        assert done.exit_code == 0, done.stdout
    other = written(tmp_path / "b", cnp(ingress=[{"fromEntities": ["all"]}]), expect=line)
    assert run("verify", other, *accept, "--check-certificate", proof).exit_code == 1


def test_a_move_between_engines_is_a_diff(tmp_path: Path) -> None:
    fabric = written(tmp_path, BLOCKS, how="")
    done = run("diff", fabric, "--dialect", "cilium-1.20")
    assert done.exit_code == 1, done.stdout
    assert "acme/shop/db" in done.stdout and "lose" in done.stdout
    assert "NetworkPolicy acme/shop/k" in done.stdout
    same = run("diff", fabric, fabric, "--dialect", "kubernetes")
    assert same.exit_code == 0, same.stdout
    assert run("diff", fabric, "--dialect", "cilium-1.19").exit_code == 2
    assert run("diff", fabric, "--dialect", "cilium-1.20", "--watch").exit_code == 2


def test_every_format_and_listing_has_the_stages(tmp_path: Path) -> None:
    fabric = written(tmp_path, cnp(endpointSelector=labels(app="cart"), ingress=[{
        "fromEndpoints": [labels(app="db")]}], ingressDeny=[{"toPorts": [
            {"ports": [{"port": "22"}]}]}]), ccnp("q", endpointSelector=labels(app="db"), egress=[
                {"toEntities": ["cluster"]}]))  # fmt: skip
    accept = "--accept-unevaluated", "CiliumNetworkPolicy"
    formats = [word for name in writers() for word in ("--format", name)]
    done = run("compile", fabric, *formats, "-o", tmp_path / "out", *accept)
    assert done.exit_code == 0, done.output
    listed = run("show", "policy", fabric, *accept).stdout
    for stage in ("cilium", "cilium_default"):
        assert stage in listed
        assert run("show", "policy", fabric, "--stage", stage, *accept).exit_code == 0
    assert {s.label for s in WIDEST} >= {"admin", "condition", "cilium", "cilium_default"}


def test_names_and_entities_are_for_clusters_with_cilium(tmp_path: Path) -> None:
    given = "entities: { kube-apiserver: [192.0.2.1] }, names: names.yaml,"
    done = run("check", written(tmp_path / "a", SHUT, how=given))
    assert done.exit_code == 2 and done.stdout.count("C647") == 2
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "names.yaml").write_text("a.io: [192.0.2.7]\n")
    policy = cnp(endpointSelector=labels(app="db"), egress=[
        {"toFQDNs": [{"matchName": "a.io"}]}, {"toEntities": ["kube-apiserver"]}])  # fmt: skip
    fabric = written(tmp_path / "b" / "c", policy, how=f"{CILIUM} {given}")
    (tmp_path / "b" / "c" / "names.yaml").write_text("a.io: [192.0.2.7]\n")
    for address, said in (("192.0.2.7", "allow"), ("192.0.2.1", "allow"), ("192.0.2.8", "deny")):
        reason = verdict(fabric, "acme/shop/db", f"{address}:443/tcp")
        assert reason == (said, "delivered" if said == "allow" else "cilium_default_drop")
    wrong = written(tmp_path / "d", SHUT, how=f"{CILIUM} entities: {{ host: [nowhere] }},")
    assert "C646" in run("check", wrong).stdout
