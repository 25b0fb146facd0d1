"""What pull requests and live clusters do, and what `diff` must say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import cloison
from cloison.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["diff", "-q", *map(str, arguments)])


def rows(old: Path, new: Path) -> list[tuple[str, str, str, str]]:
    data = json.loads(run(old, new, "-o", "json").stdout)
    return [(r["change"], r["source"], r["destination"], r["ports"]) for r in data["rows"]]


def workload(name: str, replicas: int = 1, kind: str = "Deployment", **labels: str) -> Any:
    about = {"labels": {"app": name, **labels}}
    spec = {"containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}]}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas, "template": {"metadata": about, "spec": spec}},
    }  # fmt: skip


def policy(name: str, selector: Any, **spec: Any) -> Any:
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": selector, **spec},
    }  # fmt: skip


def labelled(**labels: str) -> Any:
    return {"podSelector": {"matchLabels": labels}}


def live(name: str, address: str, node: str, **labels: str) -> Any:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6b9", "controller": True}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": [owner],
                     "labels": {"app": "web", "pod-template-hash": "6b9", **labels}},
        "spec": {"nodeName": node, "containers": [{"name": "c"}]},
        "status": {"phase": "Running", "podIP": address, "hostIP": f"192.168.7.{node[1:]}"},
    }  # fmt: skip


DB = policy(
    "db", {"matchLabels": {"app": "db"}}, policyTypes=["Ingress", "Egress"],
    ingress=[{"from": [labelled(tier="back")], "ports": [{"port": 5432}]}],
)  # fmt: skip
CLOSED = policy("closed", {}, policyTypes=["Ingress"])


def folder(at: Path, *objects: Any) -> Path:
    at.mkdir()
    (at / "all.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
    return at


def same(result: Result, *notes: str) -> None:
    assert result.exit_code == 0, result.stdout
    assert {*notes} <= {*result.stdout.split("\n")}
    assert result.stdout.rstrip().endswith("No packet fares differently.")


@pytest.mark.parametrize("policies", [(), (CLOSED,), (DB,)])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_scaled_workload_is_no_change(tmp_path: Path, policies: Any, kind: str) -> None:
    old = folder(tmp_path / "old", workload("web", 1, kind), workload("db"), *policies)
    new = folder(tmp_path / "new", workload("web", 4, kind), workload("db"), *policies)
    same(run(old, new), "shop/web has 3 more pods, same access")
    same(run(new, old), "shop/web has 3 fewer pods, same access")


def test_a_restarted_pod_is_no_change(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", live("web-6b9-aa", "10.1.0.7", "n1"), workload("db"), CLOSED)
    new = folder(tmp_path / "new", live("web-6b9-zz", "10.1.0.9", "n2"), workload("db"), CLOSED)
    same(run(old, new), "shop/web has other pods, same access")


def test_an_address_that_a_block_tells_apart_is_a_change(tmp_path: Path) -> None:
    block = policy(
        "block", {"matchLabels": {"app": "db"}},
        ingress=[{"from": [{"ipBlock": {"cidr": "10.1.0.0/29"}}], "ports": [{"port": 5432}]}],
    )  # fmt: skip
    old = folder(tmp_path / "old", live("web-6b9-aa", "10.1.0.7", "n1"), workload("db"), block)
    new = folder(tmp_path / "new", live("web-6b9-zz", "10.1.0.9", "n1"), workload("db"), block)
    assert rows(old, new) == [("lost", "shop/web", "shop/db", "5432/tcp")]
    assert "shop/web: addresses -10.1.0.7/32, +10.1.0.9/32" in run(old, new).stdout


def test_a_new_workload_has_rows_in_both_directions(tmp_path: Path) -> None:
    intruder = workload("intruder", tier="back")
    old, new = folder(tmp_path / "old", workload("db"), DB), tmp_path / "new"
    folder(new, workload("db"), intruder, DB)
    expected = {
        ("shop/intruder", "shop/db", "5432/tcp"),
        ("shop/intruder", "zone2/external", "any"),
        ("zone2/external", "shop/intruder", "any"),
    }
    assert {row[1:] for row in rows(old, new) if row[0] == "gained"} == expected
    assert {row[1:] for row in rows(new, old) if row[0] == "lost"} == expected
    data = json.loads(run(old, new, "-o", "json").stdout)
    assert [(g["title"], g["what"]) for g in data["groups"]] == [("shop/intruder", "new")]
    marked = [(r["source_part"]["only"], r["destination_part"]["only"]) for r in data["rows"]]
    assert sorted(marked, key=str) == [("new", None), ("new", None), (None, "new")]
    to_db = next(r for r in data["rows"] if r["destination"] == "shop/db")
    assert to_db["is"]["what"] == "NetworkPolicy cluster/shop/db rule 0"


def test_a_label_that_a_policy_looks_at_is_the_cause(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", workload("db"), workload("web", 3), DB)
    new = folder(tmp_path / "new", workload("db"), workload("web", 3, tier="back"), DB)
    assert rows(old, new) == [("gained", "shop/web", "shop/db", "5432/tcp")]
    assert "shop/web: labels +tier=back" in run(old, new).stdout


def test_the_first_word_of_ipv6_gives_nobody_an_address(tmp_path: Path) -> None:
    block = {"ipBlock": {"cidr": "2001:db8::/32"}}
    six = policy("six", {"matchLabels": {"app": "db"}}, policyTypes=["Ingress"],
                 ingress=[{"from": [block]}])  # fmt: skip
    other = policy("four", {"matchLabels": {"app": "web"}}, policyTypes=["Egress"])
    old = folder(tmp_path / "old", workload("db"), workload("web"), other)
    new = folder(tmp_path / "new", workload("db"), workload("web"), other, six)
    data = json.loads(run(old, new, "-o", "json").stdout)
    assert {(r["change"], r["source"], r["destination"]) for r in data["rows"]} == {
        ("lost", "zone2/external", "shop/db")
    }
    assert [g["title"] for g in data["groups"]] == ["NetworkPolicy shop/six"]
    assert [r["change"] for r in cloison.diff(old, new)] == [r["change"] for r in data["rows"]]


def test_labels_of_a_namespace_are_one_cause(tmp_path: Path) -> None:
    """Also when a label that nobody looks at changes in the same breath."""

    def space(team: str) -> Any:
        about = {"name": "shop", "labels": {"team": team}}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": about}

    red = [{"namespaceSelector": {"matchLabels": {"team": "red"}}}]
    opened = policy("red", {"matchLabels": {"app": "db"}}, ingress=[{"from": red}])
    old = folder(
        tmp_path / "old", space("blue"), workload("db"), workload("a"), workload("b"), opened
    )
    both = workload("a", build="7"), workload("b", build="7")
    new = folder(tmp_path / "new", space("red"), workload("db"), *both, opened)
    data = json.loads(run(old, new, "-o", "json").stdout)
    assert [(g["title"], g["detail"]) for g in data["groups"]] == [
        ("namespace shop", "labels -team=blue, +team=red")
    ]
    assert {(r["change"], r["source"]) for r in data["rows"]} == {
        ("gained", "shop/a"),
        ("gained", "shop/b"),
    }


def test_a_pod_that_fares_otherwise_than_its_fellows_is_named(tmp_path: Path) -> None:
    def opened(pod: str) -> Any:
        pods = [live(f"web-6b9-{x}", f"10.1.0.{n}", "n1", pod=x) for n, x in enumerate("abc", 1)]
        one = policy("one", {"matchLabels": {"app": "db"}}, ingress=[{"from": [labelled(pod=pod)]}])
        return folder(tmp_path / pod, *pods, workload("db"), one)

    old, new = opened("a"), opened("c")
    text = " ".join(run(old, new).stdout.split())
    assert "NetworkPolicy shop/one: edited" in text
    assert "shop/web (web-6b9-c) gains shop/db on any" in text
    assert "shop/web (web-6b9-a) loses shop/db on any" in text


def test_a_partial_loss_of_the_outside_says_which_part(tmp_path: Path) -> None:
    def reaching(*holes: str) -> Any:
        block = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(holes)}}
        out = policy("out", {}, policyTypes=["Egress"], egress=[{"to": [block]}])
        return folder(tmp_path / f"holes{len(holes)}", workload("web", 2), out)

    old, new = reaching(), reaching("203.0.113.0/24", "198.51.100.0/25")
    (row,) = json.loads(run(old, new, "-o", "json").stdout)["rows"]
    assert row["destination_part"] == {
        "only": None,
        "members": None,
        "addresses": ["198.51.100.0/25", "203.0.113.0/24"],
        "whole": False,
    }
    text = " ".join(run(old, new).stdout.split())
    assert "shop/web loses zone2/external (198.51.100.0/25, 203.0.113.0/24) on any" in text


def test_one_policy_is_one_group(tmp_path: Path) -> None:
    everybody = [workload(f"w{n}", 2) for n in range(12)]
    old = folder(tmp_path / "old", *everybody)
    new = folder(tmp_path / "new", *everybody, CLOSED)
    result = run(old, new)
    data = json.loads(run(old, new, "-o", "json").stdout)
    assert len(data["rows"]) == 12 * 12 + 12
    assert [(g["title"], g["what"], g["lost"]) for g in data["groups"]] == [
        ("NetworkPolicy shop/closed", "new", 156)
    ]
    assert len(result.stdout.splitlines()) < 40
    assert run(old, new, "-o", "md").stdout.count("**NetworkPolicy shop/closed: new") == 1


def test_a_workload_on_its_nodes_network_is_new_too(tmp_path: Path) -> None:
    agent = workload("agent")
    agent["spec"]["template"]["spec"]["hostNetwork"] = True
    old = folder(tmp_path / "old", live("web-6b9-aa", "10.1.0.7", "n1"), DB)
    new = folder(tmp_path / "new", live("web-6b9-aa", "10.1.0.7", "n1"), DB, agent)
    assert ("gained", "shop/agent", "shop/web", "any") in rows(old, new)


SITE = {
    "cloison": 1, "name": "plant",
    "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
    "zones": {
        "zone0": {"prefixes": ["198.18.0.0/24"],
                  "endpoints": {"time": {"addresses": ["198.18.0.9"]}},
                  "services": [{"name": "time", "from": "*/@node/*", "to": "zone0/time",
                                "ports": ["123/udp"]}]},
        "zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
                  "rules": [{"name": "in", "from": "zone2/inet", "to": "one/shop/web",
                             "ports": ["443/tcp"]}]},
    },
}  # fmt: skip


def site(at: Path, replicas: int = 1, **more: Any) -> Path:
    """A fabric with one tenant, whose only network policy is the fabric's."""
    at.mkdir()
    (at / "one.yaml").write_text(json.dumps(workload("web", replicas)))
    main = {"prefixes": ["10.0.0.0/24", {"cidr": "203.0.113.0/24", "namespaces": ["shop"]}]}
    main |= {"default_route": "zone2", "advertise": ["203.0.113.0/24"]}
    one = {"hosts": ["host1", "host2"], "manifests": ["one.yaml"], "vrfs": {"main": main}}
    document = {**SITE, "tenants": {"one": one}, **more}
    (at / "fabric.yaml").write_text(yaml.safe_dump(document))
    return at / "fabric.yaml"


def test_a_scaled_workload_of_a_fabric_is_no_change(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old", 1), site(tmp_path / "new", 2)
    data = json.loads(run(old, new, "-o", "json").stdout)
    news = [(p["change"], p["name"]) for p in data["peers"]]
    assert ("scaled", "one/shop/web") in news
    hosts = {p["name"] for p in data["peers"] if p["change"] == "new"}
    assert all(r["source"] in hosts or r["destination"] in hosts for r in data["rows"])


def test_a_new_tenant_and_a_new_finding_are_part_of_the_answer(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old"), tmp_path / "new"
    document = yaml.safe_load(site(new).read_text())
    (new / "two.yaml").write_text(json.dumps(workload("api")))
    document["tenants"]["two"] = {
        "hosts": ["host3"],
        "manifests": ["two.yaml"],
        "vrfs": {
            "main": {
                "prefixes": ["10.9.0.0/24", {"cidr": "100.64.9.0/24", "use": "nodes"}],
                "import_rts": ["65000:10001"],
            }
        },
    }
    (new / "fabric.yaml").write_text(yaml.safe_dump(document))
    data = json.loads(run(old, new / "fabric.yaml", "-o", "json").stdout)
    assert ("tenant two", "new") in {(g["title"], g["what"]) for g in data["groups"]}
    assert ("gained", "two/@node/host3", "zone0/time", "123/udp") in {
        (r["change"], r["source"], r["destination"], r["ports"]) for r in data["rows"]
    }
    (finding,) = data["findings"]
    assert (finding["change"], "two/main" in finding["message"]) == ("new", True)
    back = json.loads(run(new / "fabric.yaml", old, "-o", "json").stdout)
    assert [(f["change"], f["code"]) for f in back["findings"]] == [("gone", finding["code"])]


def test_a_zone_endpoint_that_carves_the_outside_loses_what_its_name_is_not_given(
    tmp_path: Path,
) -> None:
    zones = json.loads(json.dumps(SITE["zones"]))
    zones["zone2"]["endpoints"]["office"] = {"addresses": ["192.0.2.0/24"]}
    old, new = site(tmp_path / "old"), site(tmp_path / "new", zones=zones)
    data = json.loads(run(old, new, "-o", "json").stdout)
    (row,) = (r for r in data["rows"] if r["destination"] == "one/shop/web")
    assert (row["change"], row["source"], row["ports"]) == ("lost", "zone2/inet", "443/tcp")
    assert row["source_part"]["addresses"] == ["192.0.2.0/24"]
    assert ("new", "zone2/office") in {(p["change"], p["name"]) for p in data["peers"]}


def test_a_service_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    """`explain` of the Service says allow in one world and deny in the other one."""

    def service(port: int) -> Any:
        return {
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "data", "namespace": "shop"},
            "spec": {"selector": {"app": "db"}, "ports": [{"port": 80, "targetPort": port}]},
        }  # fmt: skip

    pods = (workload("web", tier="back"), workload("db"), DB)
    old = folder(tmp_path / "old", *pods, service(5432))
    new = folder(tmp_path / "new", *pods, service(8080))
    found = run(old, new)
    assert found.exit_code == 1
    where = "80/tcp to shop/db on"
    told = f"Service shop/data leads elsewhere: {where} 8080/tcp; was {where} 5432/tcp"
    assert told in found.stdout and "No packet" not in found.stdout
    data = json.loads(run(old, new, "-o", "json").stdout)
    assert (data["same"], data["rest"], data["rows"]) == (False, "unchanged", [])
    assert [(s["change"], s["service"]) for s in data["services"]] == [("edited", "shop/data")]
    assert told in run(old, new, "-o", "md").stdout
    same(run(old, old))


def test_a_zone_service_that_moves_is_found_by_its_name(tmp_path: Path) -> None:
    zones = json.loads(json.dumps(SITE["zones"]))
    zones["zone0"]["endpoints"]["time"]["addresses"] = ["198.18.0.77"]
    old, new = site(tmp_path / "old"), site(tmp_path / "new", zones=zones)
    same(run(old, new), "zone0/time moved from 198.18.0.9 to 198.18.0.77, same access")


def test_a_rule_that_denies_what_it_permitted_is_to_blame(tmp_path: Path) -> None:
    """Nothing else of it is another one."""
    zones = json.loads(json.dumps(SITE["zones"]))
    for rule in zones["zone2"]["rules"]:
        rule["action"] = "deny"
    old, new = site(tmp_path / "old"), site(tmp_path / "new", zones=zones)
    groups = json.loads(run(old, new, "-o", "json").stdout)["groups"]
    assert groups and {group["what"] for group in groups} == {"edited"}, groups


def test_pods_that_a_failure_tells_apart_are_named(tmp_path: Path) -> None:
    def failed(at: Path, node: str) -> cloison.World:
        return cloison.build(site(at, 2), down=[node])

    found = cloison.diff(failed(tmp_path / "old", "dpu1"), failed(tmp_path / "new", "dpu2"))
    seen = {
        (r["change"], *(r["destination_part"]["members"] or ()))
        for r in found
        if r["source"] == "zone2/inet"
    }
    assert seen == {("gained", "one/shop/web-0"), ("lost", "one/shop/web-1")}


def test_an_edit_counts_before_it_is_rolled_out(tmp_path: Path) -> None:
    """Manifests of a pull request beside pods that still run as before."""
    running = live("web-6b9-x", "10.9.0.4", "n1")
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}
    running["metadata"]["ownerReferences"] = [
        {**reference, "kind": "ReplicaSet", "name": "web-6b9"}
    ]
    old = folder(tmp_path / "old", workload("web"), running, workload("db"), DB)
    new = folder(tmp_path / "new", workload("web", tier="back"), running, workload("db"), DB)
    found = run(old, new)
    assert found.exit_code == 1
    assert "gains shop/db on 5432/tcp" in found.stdout
    same(run(old, old))
