"""Names: what outputs print is read again, and a name means the same wherever it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cloison.cli import main

FABRIC = """
cloison: 1
name: floors
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 2, borders: 2 } }
pins: { hosts: { mill/ground/loom: host1, mill/attic/dye: host1, mill/ground/agent: host1 } }
tenants:
  mill:
    hosts: [host1]
    manifests: [pods.yaml]
    vrfs:
      low: { prefixes: [100.64.8.0/24, "fd64:8::/64"], default_route: zone2, advertise: [100.64.8.0/24] }
      high: { prefixes: [100.64.9.0/24, "fd64:9::/64"], namespaces: [attic], default_route: zone2, advertise: [100.64.9.0/24] }
zones:
  zone2:
    endpoints: { town: { addresses: [198.51.100.0/24], border: border1 } }
    rules:
      - { name: no-host, action: deny, from: WHO, to: zone2/town }
      - { name: out, from: "mill/*", to: zone2/town }
expect:
  - deny: "EXPECT -> zone2/town"
"""  # noqa: E501
PODS = """
{ apiVersion: v1, kind: Pod, metadata: { name: loom, namespace: ground }, spec: { containers: [{ name: c, image: c, ports: [{ name: nfs, containerPort: 2049 }] }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: dye, namespace: attic }, spec: { containers: [{ name: c, image: c }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: agent, namespace: ground }, spec: { hostNetwork: true, containers: [{ name: c, image: c }] } }
"""  # noqa: E501


def written(folder: Path, who: str, expect: str = "mill/@node/host1") -> str:
    path = folder / "floors.yaml"
    path.write_text(FABRIC.replace("WHO", f'"{who}"').replace("EXPECT", expect))
    (folder / "pods.yaml").write_text(PODS)
    return str(path)


def cloison(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def verified(path: str) -> Any:
    return json.loads(cloison("verify", path, "-o", "json").stdout)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("mill/@node/host1", True),
        ("mill/@node/*", True),
        ("mill/@node/host1@low", False),
        ("mill/@node/host1@high", False),
        ("mill/@node/*@high", False),
        ("mill/ground/agent", False),
    ],
)
def test_a_host_s_node_is_that_of_every_vrf(tmp_path: Path, rule: str, holds: bool) -> None:
    """A rule for the host covers all of its nodes; one for a VRF leaves the other open, and the
    expectation about the host fails with a packet from there."""
    path = written(tmp_path, rule)
    assert cloison("check", path).exit_code == 0
    found = verified(path)
    assert found["holds"] is holds
    if not holds:
        (finding,) = found["findings"]
        open_ = "mill/@node/host1" if "high" in rule else "mill/@node/host1@high"
        assert finding["packet"].startswith(f"{open_} -> zone2/town")


def test_a_vrf_that_the_node_is_not_in_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/@node/host1@cellar")
    result = cloison("check", path)
    assert result.exit_code == 2
    assert 'no VRF is called "mill/cellar"' in result.stdout + result.stderr
    assert "mill/@node/host1@low, mill/@node/host1@high" in result.stdout + result.stderr


def test_a_rule_for_a_host_network_pod_is_one_for_its_node(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/ground/agent", "mill/ground/agent")
    assert "C691" not in cloison("check", path).output
    found = verified(path)
    assert found["verdict"] == "unknown" and found["findings"] == []
    assert "from mill/@node/host1@high" in found["not_evaluated"][0]["what"]
    only = json.loads(cloison("explain", path, "ground/agent", "town:80", "-o", "json").stdout)
    assert (only["source"], only["verdict"]) == ("mill/@node/host1", "deny")


def test_explain_of_a_host_is_of_all_its_nodes(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/@node/host1@low")
    rows = json.loads(cloison("explain", path, "@node/host1", "town:80", "-o", "json").stdout)
    assert {r["source"]: r["verdict"] for r in rows["rows"]} == {
        "mill/@node/host1": "deny",
        "mill/@node/host1@high": "allow",
    }
    one = json.loads(cloison("explain", path, "host1@low", "town:80", "-o", "json").stdout)
    assert (one["source"], one["verdict"]) == ("mill/@node/host1", "deny")


@pytest.mark.parametrize(
    "arguments",
    [("explain", "loon", "tomn:80"), ("reach", "--from", "loon", "--to", "tomn:80")],
)
def test_two_unknown_names_are_two_mistakes(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    verb, *rest = arguments
    result = cloison(verb, written(tmp_path, "mill/*"), *rest)
    assert result.exit_code == 2
    assert 'did you mean "loom"?' in result.stderr
    assert 'did you mean "town"?' in result.stderr
    assert yaml.safe_load(FABRIC)["name"] not in result.stdout


@pytest.mark.parametrize(("port", "packet"), [("nfs", ":2049/tcp"), ("nfs/tcp", ":2049/tcp")])
def test_a_port_may_be_called_as_its_container_calls_it(
    tmp_path: Path, port: str, packet: str
) -> None:
    path = written(tmp_path, "mill/*")
    found = json.loads(
        cloison("explain", path, "@node/host1@low", f"loom:{port}", "-o", "json").stdout
    )
    assert found["packet"].endswith(packet)
    named, numbered = (
        json.loads(cloison("reach", path, "--to", f"ground/loom:{p}", "-o", "json").stdout)["rows"]
        for p in (port, "2049/tcp")
    )
    assert named == numbered != []


@pytest.mark.parametrize(
    ("to", "words"),
    [("loom:nsf", 'did you mean "nfs"?'), ("100.64.8.3:nfs", "an address needs a number"),
     ("loom:443/tpc", "unknown protocol")],
)  # fmt: skip
def test_a_port_that_nobody_has_is_said(tmp_path: Path, to: str, words: str) -> None:
    result = cloison("explain", written(tmp_path, "mill/*"), "@node/host1@low", to)
    assert (result.exit_code, words in result.stderr) == (2, True)


def test_a_packet_as_it_is_printed_is_asked_about(tmp_path: Path) -> None:
    """Source port, brackets and protocol included, and ICMP in each IP version's own way."""
    path = written(tmp_path, "mill/*")
    for version, port in (("-6", "icmp"), ("-6", "53/udp"), ("", "icmp"), ("", "53/udp")):
        options = [o for o in (version, "-o", "json") if o]
        first = cloison("explain", path, "host1@low", f"loom:{port}", *options)
        packet = json.loads(first.stdout)["packet"]
        source, _, target = packet.partition(" -> ")
        again = json.loads(cloison("explain", path, source, target, *options).stdout)
        assert again["packet"] == packet
        assert packet.endswith(f":{port}")


def test_icmp_of_the_other_ip_version_is_no_flow(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/*")
    result = cloison("explain", path, "host1@low", "town:icmp6")
    assert (result.exit_code, "no host sends icmp6 between these" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mill/mid", 'did you mean "mill/mid/*"?'),
        ("mill/host1", 'did you mean "mill/@node/host1"?'),
        ("town", 'did you mean "zone2/town"?'),
        ("mull", 'did you mean "mill"?'),
        ("zone0", "zone0 has no endpoints"),
    ],
)
def test_a_name_of_another_kind_is_told_apart(tmp_path: Path, name: str, hint: str) -> None:
    result = cloison("check", written(tmp_path, "mill/*", name))
    assert result.exit_code == 2
    assert hint in result.stdout + result.stderr


SERVED = """
---
apiVersion: v1
kind: Service
metadata: { name: cloth, namespace: ground }
spec: { selector: { a: b }, ports: [{ port: 80, targetPort: 2049 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: bolt, namespace: ground, labels: { a: b } }
spec: { containers: [] }
"""


def served(folder: Path) -> str:
    path = written(folder, "mill/*")
    (folder / "pods.yaml").write_text(PODS + SERVED)
    return path


@pytest.mark.parametrize(
    "arguments",
    [("explain", "ground/cloth[Service]", "town:80"), ("reach", "--from", "cloth[Service]")],
)
def test_a_service_as_a_source_is_said_to_be_none(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    verb, *rest = arguments
    result = cloison(verb, served(tmp_path), *rest)
    assert result.exit_code == 2
    assert "error[C732]: a Service opens no connections" in result.stderr


def test_a_service_as_a_destination_is_its_pods_where_it_leads(tmp_path: Path) -> None:
    path = served(tmp_path)
    for to in ("cloth[Service]", "ground/cloth[Service]:80"):
        assert reached(path, "--to", to) == reached(path, "--to", "ground/bolt:2049") != []
    found = json.loads(cloison("explain", path, "dye", "cloth[Service]:80", "-o", "json").stdout)
    assert found["packet"].endswith(":2049/tcp")
    wrong = cloison("reach", path, "--to", "cloth[Service]:81")
    assert (wrong.exit_code, "C705" in wrong.stderr) == (2, True)


def test_a_prefix_with_a_door_in_it_is_asked_about_in_two_parts(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/*")
    inside = SERVED.replace("spec: { selector", "spec: { clusterIP: 198.51.100.200, selector")
    (tmp_path / "pods.yaml").write_text(PODS + inside)
    found = cloison("explain", path, "ground/loom", "198.51.100.192/26:80", "-o", "json")
    rows = {r["target"]: r["packet"] for r in json.loads(found.stdout)["rows"]}
    assert rows["198.51.100.192/26"].endswith(":80/tcp")
    assert rows["mill/ground/bolt"].endswith(":2049/tcp")


def reached(path: str, *options: str) -> Any:
    return json.loads(cloison("reach", path, *options, "-o", "json").stdout)["rows"]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("mill", "mill/*"),
        ("mill/high", "mill/*/*@high"),
        ("zone2", "zone2/*"),
        ("mill/@node/host[1-2]", "mill/@node/*"),
        ("host1", "mill/@node/*"),
        ("100.64.9.0/24", "mill/*/*@high"),
        ("100.64.9.0-100.64.9.255", "mill/*/*@high"),
        ("198.51.100.7-198.51.100.9, fd99::/64", "zone2/town"),
    ],
)
def test_names_of_more_than_one(tmp_path: Path, name: str, pattern: str) -> None:
    """Tenants, VRFs, hosts, ranges of hosts and sets of addresses are read at both ends of both
    verbs."""
    path = written(tmp_path, "mill/@node/host1@high")
    high = {"mill/attic/dye"} if "high" in pattern else set()
    for side in ("--from", "--to"):
        own = "source" if side == "--from" else "destination"
        rows, wanted = ({r[own] for r in reached(path, side, n)} for n in (name, pattern))
        assert rows - high == wanted
    for ends in ((name, "ground/loom:80"), ("ground/loom", name)):
        found = cloison("explain", path, *ends, "-o", "json")
        assert found.exit_code == 0, found.stderr


def expected(folder: Path, who: str, *lines: str) -> Any:
    """What `verify` says about lines, by their text; the certificate that it writes is valid."""
    path = Path(written(folder, who))
    made = path.read_text().partition("expect:")[0] + "expect:\n"
    path.write_text(made + "".join(f"  - {{ {line} }}\n" for line in lines))
    certificate = str(folder / "c.json")
    found = json.loads(
        cloison("verify", str(path), "--certificate", certificate, "-o", "json").stdout
    )
    checked = cloison("verify", str(path), "--check-certificate", certificate)
    assert "valid" in checked.stdout and "not valid" not in checked.stdout, checked.output
    said = {row["expect"]: (row["holds"], row["pairs"]) for row in found["expectations"]}
    return [said[line.replace('"', "")] for line in lines]


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("mill", "mill/*"),
        ("mill/high", "mill/*/*@high"),
        ("zone2", "zone2/town"),
        ("zone2/main", "zone2/town"),
        ("host1", "mill/@node/host1"),
    ],
)
@pytest.mark.parametrize("kind", ["allow", "deny", "only"])
def test_expectations_read_names_of_more_than_one(
    tmp_path: Path, kind: str, name: str, pattern: str
) -> None:
    """As the pattern of the same endpoints, whether the line holds or not, at both ends."""
    dye = name == "mill/high"
    other = "mill/ground/loom" if "zone2" in name else "zone2/town"
    for who in ("mill/*", "mill/@node/host1@high"):
        forth = expected(
            tmp_path, who, *(f'{kind}: "{n} -> {other}:443/tcp"' for n in (name, pattern))
        )
        back = expected(tmp_path, who, *(f'{kind}: "{other} -> {n}"' for n in (name, pattern)))
        if dye:
            more = expected(tmp_path, who, f'{kind}: "mill/attic/dye -> {other}:443/tcp"')
            forth[1] = forth[1][0] and more[0][0], forth[1][1] + more[0][1]
            more = expected(tmp_path, who, f'{kind}: "{other} -> mill/attic/dye"')
            back[1] = back[1][0] and more[0][0], back[1][1] + more[0][1]
        assert forth[0] == forth[1]
        assert back[0] == back[1]


@pytest.mark.parametrize(
    ("kind", "line", "holds"),
    [
        ("deny", "198.51.100.7-198.51.100.9 -> mill", True),
        ("deny", "mill/high -> 198.51.100.7-198.51.100.9:80-90/tcp", False),
        ("deny", "mill/low -> [198.51.100.7-198.51.100.9]:80-90/tcp", False),
        (
            "allow",
            "mill/ground/loom -> 198.51.100.0-198.51.100.9, 198.51.100.64/26:80-90/tcp",
            True,
        ),
        ("allow", "100.64.9.0-100.64.9.255 -> zone2/town", False),
        ("allow", "100.64.8.0-100.64.9.255, fd64:8::-fd64:9::ffff -> zone2/town", False),
        ("deny", "100.64.9.0-100.64.9.255, fd64:9::-fd64:9::ffff -> zone2/town", False),
    ],
)
def test_expectations_read_ranges_as_they_are_printed(
    tmp_path: Path, kind: str, line: str, holds: bool
) -> None:
    """A range is exactly its addresses: `allow` needs all that anybody has of them."""
    ((found, pairs),) = expected(tmp_path, "mill/*/*@high", f'{kind}: "{line}"')
    assert found is holds
    assert pairs > 0


@pytest.mark.parametrize(
    "parts", ["192.0.2.1-192.0.2.9, 198.51.100.7", "198.51.100.7, 192.0.2.1-192.0.2.9"]
)
def test_a_part_of_a_range_that_nobody_has_is_said(tmp_path: Path, parts: str) -> None:
    result = cloison("verify", written(tmp_path, "mill/*", parts))
    assert (result.exit_code, '"192.0.2.1-192.0.2.9" selects no endpoint' in result.output) == (
        2,
        True,
    )


def test_a_tenant_s_name_is_the_tenant_though_a_pod_is_called_so(tmp_path: Path) -> None:
    path = written(tmp_path, "mill/*")
    (tmp_path / "pods.yaml").write_text(PODS.replace("name: loom", "name: mill"))
    for side, own in (("--from", "source"), ("--to", "destination")):
        assert {r[own] for r in reached(path, side, "mill")} == {
            r[own] for r in reached(path, side, "mill/*")
        }
        assert {r[own] for r in reached(path, side, "ground/mill")} == {"mill/ground/mill"}


def test_a_name_of_two_things_is_no_end_of_an_expectation(tmp_path: Path) -> None:
    """A tenant called like a host of others, an endpoint of a zone like the zone's VRF."""
    said = {}
    for end in ("host1", "h*", "host1/*", "*/@node/host1", "zone2/main", "zone2/*"):
        path = Path(written(tmp_path, "mill/*", "mill"))
        text = path.read_text().replace("mill -> zone2/town", f"{end} -> zone2/town")
        text = text.replace(
            "town: {", "main: { addresses: [192.0.2.0/24], border: border1 }, town: {"
        )
        text = text.replace(
            "zones:", "  host1: { vrfs: { main: { prefixes: [10.0.0.0/16] } } }\nzones:"
        )
        path.write_text(text)
        said[end] = "C711" in cloison("verify", str(path)).output
    assert said == {
        "host1": True,
        "h*": True,
        "host1/*": False,
        "*/@node/host1": False,
        "zone2/main": True,
        "zone2/*": False,
    }
