"""First mistakes of somebody new: what they type, and what the message leads them to."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main

FABRIC = """\
cloison: 1
name: two
sites: { muc: { leaves: 2, hosts_per_pair: 4, borders: 1 } }
pools: { blocks: { v4: 28, v6: 112 }, prefixes: { six: ["2001:db8:5::/48"] } }
tenants:
  cloud:
    hosts: [host1, host2]
    manifests: [manifests]
    vrfs:
      main:
        prefixes: [10.1.0.0/24, { pool: six, length: 64 }, { cidr: 172.30.0.0/26, use: nodes }]
        default_route: zone2
        advertise: [nodes]
  metal:
    hosts: [host3, host4]
    vrfs: { main: { prefixes: [10.2.0.0/24, { pool: six, length: 64 }] } }
peerings: [{ name: backup, between: [cloud/main, metal/main], ports: [873/tcp] }]
zones:
  zone2:
    endpoints: { inet: { addresses: [0.0.0.0/0], border: border1 } }
    rules: [{ name: web, from: zone2/inet, to: cloud/web/site, ports: [8080/tcp] }]
expect:
  - allow: "cloud/web/site -> metal/@node/host3:873/tcp"
"""
SITE = """\
apiVersion: apps/v1
kind: Deployment
metadata: { name: site, namespace: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: site } }
  template:
    metadata: { labels: { app: site } }
    spec: { containers: [{ name: c, image: x, ports: [{ name: http, containerPort: 8080 }] }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: site, namespace: web }
spec:
  podSelector: { matchLabels: { app: site } }
  ingress: [{ ports: [{ port: http }] }]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "site.yaml").write_text(SITE)
    (tmp_path / "fabric.yaml").write_text(FABRIC)
    return tmp_path / "fabric.yaml"


def said(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.stdout + done.stderr


def test_what_is_not_advertised_is_blamed_on_the_line_that_advertises(site: Path) -> None:
    """A zone's rule permits it, and no route leads there: neither the rule nor the border is it."""
    answer = said("explain", site, "192.0.2.1", "cloud/web/site:http")
    blame = answer.partition("blame")[2].splitlines()
    assert "cloud/main does not offer 10.1.0." in blame[0]
    assert "advertise: [nodes]" in "".join(blame[:3])
    site.write_text(FABRIC.replace("advertise: [nodes]", "advertise: [nodes, 10.1.0.0/24]"))
    answer = said("explain", site, "192.0.2.1", "cloud/web/site:http")
    assert ": allow" in answer.splitlines()[0]


def test_a_directory_leads_to_the_fabric_in_it_or_to_the_verbs_that_take_one(site: Path) -> None:
    for verb in ("check", "verify", "compile"):
        assert f"did you mean {site}?" in said(verb, site.parent)
        assert "cloison reach, explain, diff and simulate" in said(verb, site.parent / "manifests")
    assert [d.hint for d in cloison.check(site.parent)] == [f"did you mean {site}?"]


@pytest.mark.parametrize("verb", [("show", "tables"), ("compile",)])
def test_a_host_leads_to_what_enforces_for_it(site: Path, verb: tuple[str, ...]) -> None:
    assert "dpu3 enforces for it" in said(*verb, site, "--node", "host3")


def test_a_namespace_is_no_endpoint_and_says_what_it_holds(site: Path) -> None:
    answer = said("explain", site, "cloud/web", "metal/@node:873")
    assert 'it holds several: "cloud/web/*" is all of them' in answer
    assert 'it holds several: "metal/@node/*" is all of them' in answer


def test_rows_say_where_pods_of_one_workload_fare_otherwise(site: Path) -> None:
    """A node opens every port of the pods that it runs, and of no others."""
    world = cloison.build(site)
    rows = cloison.reach(world, from_="cloud/@node/host1", to="cloud/web/site").rows
    ends = [e.name for e in world.network.endpoints if e.name.startswith("cloud/web/site")]
    assert sum(row["pairs"] for row in rows) == 2 * len(ends)
    assert {row["ports"]: row["partial"] for row in rows} == {"any": True, "8080/tcp": True}
    whole = cloison.reach(world, from_="metal/*", to="cloud/@node/host1").rows
    assert {row["partial"] for row in whole} == {False}
    assert said("reach", site, "--to", "cloud/web/site").count("(not all pods)") == 4
    assert "(not all pods)" not in said("reach", site, "-o", "csv")


def test_a_prefix_that_runs_out_says_how_blocks_get_smaller(site: Path) -> None:
    site.write_text(FABRIC.replace("10.2.0.0/24", "10.2.0.0/28").replace("v4: 28", "v4: 28"))
    answer = said("check", site)
    assert "C403" in answer
    assert "make blocks smaller, as in pools: { blocks: { v4: 28 } }" in answer


def test_a_host_in_an_expectation_leads_to_the_endpoint_that_it_is(site: Path) -> None:
    site.write_text(FABRIC.replace("metal/@node/host3:873", "metal/host3:873"))
    assert 'did you mean "metal/@node/host3"?' in said("check", site)
