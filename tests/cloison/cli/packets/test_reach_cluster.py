"""`cloison reach DIR` as a spreadsheet: one meaning per column."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from cilium_cases import cnp, labels, written
from click.testing import CliRunner
from request_sites import http as asking

from cloison.cli import main

PODS = """apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  template: { metadata: { labels: { app: web } }, spec: { containers: [] } }
---
apiVersion: v1
kind: Pod
metadata: { name: db, namespace: shop }
spec: { containers: [] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: one-address, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Egress]
  egress: [{ to: [{ ipBlock: { cidr: 10.244.0.2/32 } }], ports: [{ port: 80 }] }]
"""

LONE = "{ apiVersion: v1, kind: Pod, metadata: { name: one, namespace: m }, spec: {} }"
GOOD = '{"id": 1, "src": "ip:192.0.2.1", "dst": "m/one", "port": 80}'
BAD = '{"id": 2, "src": "m/two", "dst": "m/one", "port": 80}'


def test_partial_access_has_its_own_column_in_csv(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(PODS)
    done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "csv"])
    assert done.exit_code == 0
    rows = {(r["source"], r["destination"]): r for r in csv.DictReader(io.StringIO(done.stdout))}
    partial = rows["shop/web", "shop/web"]
    assert (partial["ports"], partial["pods"]) == ("80/tcp", "some")
    assert rows["shop/db", "shop/web"]["pods"] == "all"
    shown = CliRunner().invoke(main, ["reach", str(tmp_path)]).stdout
    assert "80/tcp (not all pods)" in " ".join(shown.split())


@pytest.mark.parametrize("output", ["table", "matrix"])
def test_sentences_below_an_answer_fold_between_words(output: str) -> None:
    folder = Path(__file__).parents[4] / "topologies" / "manifests" / "small" / "acme"
    asked = ["reach", str(folder), "-o", output]
    wide = CliRunner().invoke(main, asked)
    narrow = CliRunner(env={"COLUMNS": "80"}).invoke(main, asked)
    assert narrow.exit_code == wide.exit_code == 0
    assert max(map(len, narrow.stdout.splitlines())) <= 80 < max(map(len, wide.stdout.splitlines()))
    assert narrow.stdout.split() == wide.stdout.split()


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([GOOD], 0, ""),
        ([GOOD, "", BAD], 2, "1 of 2 lines have no answer\n"),
        ([BAD, "{", "[]", '{"src": 7}'], 2, "4 of 4 lines have no answer\n"),
    ],
)
def test_a_question_without_an_answer_is_wrong_input(
    tmp_path: Path, lines: list[str], code: int, said: str
) -> None:
    """Who looks at the exit code alone must not take errors for answers."""
    (tmp_path / "pods.yaml").write_text(LONE)
    done = CliRunner().invoke(
        main, ["reach", str(tmp_path), "--flows", "-"], input="\n".join(lines)
    )
    assert (done.exit_code, done.stderr) == (code, said)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len([line for line in lines if line])
    assert ["verdict" in a for a in answers] == [line == GOOD for line in lines if line]


DUAL = """
apiVersion: v1
kind: Pod
metadata: { name: one, namespace: m, labels: { app: one } }
status: { podIPs: [{ ip: 10.1.0.1 }, { ip: "fd00::1" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: two, namespace: m, labels: { app: two } }
status: { podIPs: [{ ip: 10.1.0.2 }, { ip: "fd00::2" }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p, namespace: m }
spec: { podSelector: { matchLabels: { app: two } }, ingress: %s }
"""


@pytest.mark.parametrize(
    ("rules", "rows"),
    [
        ("[{}]", [("any", ["IPv4", "IPv6"])]),
        ('[{ from: [{ ipBlock: { cidr: "::/0" } }] }]', [("any (IPv6 only)", ["IPv6"])]),
        ("[{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }]", [("any (IPv4 only)", ["IPv4"])]),
        (
            '[{ from: [{ ipBlock: { cidr: "::/0" } }], ports: [{ port: 81 }] }, '
            "{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }], ports: [{ port: 80 }] }]",
            [("80/tcp (IPv4 only)", ["IPv4"]), ("81/tcp (IPv6 only)", ["IPv6"])],
        ),
    ],
)
def test_ip_versions_that_fare_differently_have_rows_of_their_own(
    tmp_path: Path, rules: str, rows: list[tuple[str, list[str]]]
) -> None:
    (tmp_path / "all.yaml").write_text(DUAL % rules)
    ask = ["reach", str(tmp_path), "--from", "m/one", "--to", "m/two"]
    found = json.loads(CliRunner().invoke(main, [*ask, "-o", "json"]).stdout)["rows"]
    assert [(r["families"], r["partial"]) for r in found] == [
        (families, False) for _, families in rows
    ]
    table = csv.DictReader(io.StringIO(CliRunner().invoke(main, [*ask, "-o", "csv"]).stdout))
    assert [r["families"].split() for r in table] == [families for _, families in rows]
    shown, drawn = (CliRunner().invoke(main, [*ask, *more]).stdout for more in ([], ["-o", "dot"]))
    assert all(text in shown and text in drawn for text, _ in rows)
    matrix = CliRunner().invoke(main, [*ask, "-o", "matrix"]).stdout.splitlines()
    letter = "." if rows[0][0] == "any" else "p"
    assert next(line for line in matrix if "m/one" in line).split()[3] == letter


def test_an_address_is_whose_it_is(tmp_path: Path) -> None:
    """A pod's address asks about the pod, whose policies the outside does not have."""
    pods = [
        "{ apiVersion: v1, kind: Pod, spec: {}, "
        f"metadata: {{ name: {name}, namespace: m, labels: {{ app: {name} }} }}, "
        f"status: {{ podIPs: [{{ ip: {address} }}] }} }}"
        for name, address in (("one", "10.9.0.1"), ("two", "10.9.0.2"))
    ]
    shut = (
        "{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
        "metadata: { name: shut, namespace: m }, "
        "spec: { podSelector: { matchLabels: { app: one } }, policyTypes: [Egress] } }"
    )
    (tmp_path / "all.yaml").write_text("\n---\n".join([*pods, shut]))

    def ends(*ask: str) -> set[tuple[str, str]]:
        done = CliRunner().invoke(main, ["reach", str(tmp_path), *ask, "-o", "csv"])
        assert done.exit_code == 0, done.stderr
        return {(r["source"], r["destination"]) for r in csv.DictReader(io.StringIO(done.stdout))}

    assert ends("--from", "10.9.0.1") == ends("--from", "m/one") == set()
    assert ends("--from", "10.9.0.2") == ends("--from", "m/two") != set()
    assert ends("--to", "10.9.0.2:80/tcp") == ends("--to", "m/two:80/tcp") != set()
    assert ends("--from", "192.0.2.1") == {("192.0.2.1/32", f"m/{pod}") for pod in ("one", "two")}
    (tmp_path / "all.yaml").write_text(
        "\n---\n".join([pods[0], shut.replace("[Egress]", "[Ingress, Egress]")])
    )
    for who in ("external", "192.0.2.1", "198.51.100.0/24"):
        assert ends("--from", who) == ends("--to", who) == set()


def test_doors_are_told_to_addresses_that_get_in(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "{ apiVersion: v1, kind: Pod, metadata: { name: one, namespace: m, labels: { app: one } }, "
        "spec: {} }\n---\n{ apiVersion: v1, kind: Service, metadata: { name: way, namespace: m }, "
        "spec: { type: NodePort, externalTrafficPolicy: Local, selector: { app: one }, "
        "ports: [{ port: 80 }] } }\n---\n"
        "{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
        "metadata: { name: some, namespace: m }, spec: { podSelector: {}, policyTypes: [Ingress], "
        "ingress: [{ from: [{ ipBlock: { cidr: 192.0.2.0/24 } }] }] } }"
    )

    def told(who: str) -> list[str]:
        done = CliRunner().invoke(main, ["reach", str(tmp_path), "--from", who, "-o", "json"])
        return [door["name"] for door in json.loads(done.stdout).get("doors", [])]

    asked = ("external", "192.0.2.7", "192.0.0.0/8", "198.51.100.7", "m/one")
    assert [told(who) for who in asked] == [["m/way"]] * 3 + [[]] * 2


def test_rows_that_ask_for_more_say_so(tmp_path: Path) -> None:
    written(tmp_path, cnp(endpointSelector=labels(app="db"), ingress=[asking({"method": "GET"})]))
    arguments = ["reach", str(tmp_path), "--dialect", "cilium-1.20", "--to", "shop/db", "-o"]
    told = {out: CliRunner().invoke(main, [*arguments, out]).stdout for out in ("json", "csv")}
    (row,) = json.loads(told["json"])["rows"]
    assert (row["source"]["name"], row["conditional"]) == ("cart", True)
    assert "under conditions" in told["csv"]


def test_doors_and_pictures_tell_what_is_under_conditions(tmp_path: Path) -> None:
    port = {"port": 8080, "targetPort": 8080, "nodePort": 30080}
    spec = {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"app": "db"}}
    meta = {"name": "db", "namespace": "shop"}
    node_port = {
        "apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {**spec, "ports": [port]},
    }  # fmt: skip
    rule = {"fromEntities": ["world"], "toPorts": asking({"method": "GET"})["toPorts"]}
    written(tmp_path, node_port, cnp(endpointSelector=labels(app="db"), ingress=[rule]))
    arguments = ["reach", str(tmp_path), "--dialect", "cilium-1.20", "--to", "shop/db", "-o"]
    told = {out: CliRunner().invoke(main, [*arguments, out]).stdout for out in ("json", "dot")}
    (door,) = json.loads(told["json"])["doors"]
    assert door["conditional"]
    assert "8080/tcp (under conditions)" in told["dot"]
