"""Names of Services: what is behind them, on which port, as the Kubernetes API says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import vrf, write_fabric

from cloison.cli import main
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError
from sim.reach.questions import Questions
from sim.worlds.world import World

TCP = 6
PODS = """\
apiVersion: v1
kind: Pod
metadata: { name: till, namespace: shop, labels: { app: till } }
---
apiVersion: v1
kind: Pod
metadata: { name: stock-0, namespace: shop, labels: { app: stock } }
spec: { containers: [{ name: c, ports: [{ name: sql, containerPort: 5432 }] }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: stock, namespace: shop }
spec: { podSelector: { matchLabels: { app: stock } }, ingress: [{ ports: [{ port: 5432 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: stock, namespace: shop }
"""


def asked(folder: Path, spec: str, port: int | str, more: str = "") -> bool | str:
    """Whether the till may open a connection to the Service of this spec; or why nobody knows."""
    (folder / "all.yaml").write_text(f"{PODS}spec: {spec}\n{more}")
    network = cluster_network([folder])
    try:
        answer = Questions(World(network)).ask("shop/till", "shop/stock[Service]", TCP, port)
    except InputError as error:
        return str(error)
    return answer.allow


@pytest.mark.parametrize(
    ("spec", "port", "right"),
    [
        ("{ selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }", 80, True),
        ("{ selector: { app: stock }, ports: [{ port: 80, targetPort: sql }] }", 80, True),
        ("{ selector: { app: stock }, ports: [{ port: 80 }] }", 80, False),
        ("{ selector: { app: stock }, ports: [{ port: 80 }] }", 81, "no such port"),
        ("{ clusterIP: None, selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }",
         80, False),
        ("{ clusterIP: None, selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }",
         5432, True),
        ("{ clusterIPs: [None], selector: { app: stock } }", 5432, True),
        ("{ clusterIP: None, selector: { app: stock }, "
         "ports: [{ name: db, port: 80, targetPort: sql }] }", "db", True),
        ("{ clusterIP: None, selector: { app: stock } }", "db", "no such port"),
        ("{ clusterIP: None, selector: { app: nobody } }", 5432, "no pods behind it"),
        ("{ selector: {}, ports: [{ port: 5432 }] }", 5432, "no pods behind it"),
        ("{ ports: [{ port: 5432 }] }", 5432, "no pods behind it"),
        ("{ type: ExternalName, externalName: db.example.org, selector: { app: stock }, "
         "ports: [{ port: 5432 }] }", 5432, "leads outside, to db.example.org"),
    ],
)  # fmt: skip
def test_what_is_behind_a_name(
    tmp_path: Path, spec: str, port: int | str, right: bool | str
) -> None:
    found = asked(tmp_path, spec, port)
    assert right in found if isinstance(right, str) and isinstance(found, str) else found is right


def test_a_name_that_stands_twice_refuses_itself_only(tmp_path: Path) -> None:
    spec = "{ selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }"
    twin = "---\napiVersion: v1\nkind: Service\nmetadata: { name: stock, namespace: shop }\n"
    assert "is ambiguous" in str(asked(tmp_path, spec, 80, f"{twin}spec: {{ ports: [] }}\n"))
    assert asked(tmp_path, spec, 80, f"{twin}spec: {spec}\n") is True


ASSUMED = """\
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: out }
---
apiVersion: v1
kind: Pod
metadata: { name: known, namespace: out }
status: { podIP: 10.9.9.9 }
---
apiVersion: v1
kind: Pod
metadata: { name: server, namespace: in }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: lan, namespace: in }
spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }] }
"""


@pytest.mark.parametrize("output", ["table", "csv", "json", "jsonl", "md", "dot", "yaml"])
def test_a_row_that_rests_on_an_invented_address_says_so(tmp_path: Path, output: str) -> None:
    (tmp_path / "all.yaml").write_text(ASSUMED)
    shown = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", output, "--to", "in/*"]).stdout
    if output in ("table", "md"):
        (marked,) = [line for line in shown.splitlines() if "any (assumed)" in line]
        assert "out/client" in marked
        assert "Assumed: the addresses of 2 endpoints" in shown
    elif output == "json":
        rows = json.loads(shown)["rows"]
        found = {r["source"].get("name"): r["assumed"] for r in rows}
        assert found == {"client": ["address"], "known": [], None: []}
    else:
        assert shown.count("address" if output in ("csv", "jsonl", "yaml") else "(assumed)") == 1


@pytest.mark.parametrize(
    ("spec", "port", "right"),
    [
        ("{ selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }", "80", "allow"),
        ("{ selector: { app: stock }, ports: [{ name: db, port: 80, targetPort: sql }] }", "db",
         "allow"),
        ("{ selector: { app: stock }, ports: [{ port: 80 }] }", "80", "deny"),
        ("{ selector: { app: stock }, ports: [{ port: 80 }] }", "81", "no such port"),
        ("{ clusterIP: None, selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }",
         "5432", "allow"),
        ("{ clusterIP: None, selector: { app: stock }, ports: [{ port: 80, targetPort: 5432 }] }",
         "80", "deny"),
        ("{ selector: {}, ports: [{ port: 5432 }] }", "5432", "no pods behind it"),
        ("{ type: ExternalName, externalName: db.example.org }", "5432", "leads outside"),
    ],
)  # fmt: skip
def test_explain_takes_services(tmp_path: Path, spec: str, port: str, right: str) -> None:
    (tmp_path / "all.yaml").write_text(f"{PODS}spec: {spec}\n")
    asked_for = f"shop/stock[Service]:{port}"
    done = CliRunner().invoke(main, ["explain", str(tmp_path), "shop/till", asked_for])
    assert right in (done.stdout.splitlines()[0] if done.exit_code == 0 else done.stderr)


ON_ITS_NODE = """\
---
apiVersion: v1
kind: Pod
metadata: { name: host, namespace: n, labels: { app: s } }
spec: { nodeName: host1, hostNetwork: true, containers: [] }
---
apiVersion: v1
kind: Pod
metadata: { name: own, namespace: n, labels: { app: s } }
spec: { nodeName: host2, containers: [] }
---
apiVersion: v1
kind: Service
metadata: { name: front, namespace: n }
spec: { selector: { app: s }, ports: [{ port: 80, targetPort: 8080 }] }
"""


def test_a_pod_on_its_node_s_network_is_behind_its_service(tmp_path: Path) -> None:
    """Who asks who reaches a Service of a fabric hears of the node that answers, too."""
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    tenants = {"a": {"hosts": ["host1", "host2"]} | vrf("10.0.0.0/24", vni=10700)}
    fabric = write_fabric(tmp_path, tenants, {"a": ["n/s@host1"]}, sites={"s": site})
    manifest = tmp_path / "a.yaml"
    manifest.write_text(manifest.read_text() + ON_ITS_NODE)
    asked = ["reach", str(fabric), "--to", "n/front[Service]:80", "-o", "json"]
    rows = json.loads(CliRunner().invoke(main, asked).stdout)["rows"]
    assert {row["destination"] for row in rows} == {"a/n/own", "a/@node/host1"}
