"""What came out of a tunnel goes into no other one: the look-up behind the tunnel, in every verb.

Two tenants have addresses of the outside, take the outside's default route and advertise theirs. A
packet of one to the other goes to the border, whose own routes lead on to the other's DPU.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from compiled import compile_network
from fabric_files import network_of
from hairpin_fabric import hairpin

from cloison.cli import main
from compiler.targets.hosts.nftables import ruleset


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return hairpin(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def test_nobody_gets_there_by_way_of_the_outside(fabric: Path) -> None:
    proof = run("verify", fabric, "-o", "json")
    assert proof.exit_code == 0, proof.output
    assert json.loads(proof.stdout)["hairpin_drop"] == [
        {"node": "border1", "vrf": "zone2/main", "leads_to": ["blue/main", "red/main"]}
    ]
    text = run("verify", fabric).stdout
    assert "Rests on hairpin_drop at border1" in text
    told = json.loads(
        run("explain", fabric, "red/lab/probe", "198.51.100.67:443/tcp", "-o", "json").stdout
    )
    assert (told["verdict"], told["reason"]) == ("deny", "hairpin_drop")
    (step,) = [s for s in told["choices"][0]["steps"] if s["what"] == "hairpin"]
    assert step["where"] == "border1"
    assert "198.51.100.64/26 in zone2/main leads on to dpu2 blue/main" in step["because"]
    outside = json.loads(
        run("explain", fabric, "red/lab/probe", "203.0.113.9:443/tcp", "-o", "json").stdout
    )
    assert outside["verdict"] == "allow"


def test_certificates_say_so_and_are_valid(fabric: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    assert run("verify", fabric, "--certificate", file).exit_code == 0
    checked = run("verify", fabric, "--check-certificate", file)
    assert checked.exit_code == 0, checked.output
    written = json.loads(file.read_text())
    assert any("hairpin_drop" in outcome["reasons"] for outcome in written["outcomes"])


def test_reachability_names_no_such_pair(fabric: Path) -> None:
    rows = json.loads(run("reach", fabric, "-o", "json").stdout)["rows"]
    pairs = {(row["source"].split("/")[0], row["destination"].split("/")[0]) for row in rows}
    assert ("red", "blue") not in pairs
    assert {("red", "zone2"), ("zone2", "blue")} <= pairs


def test_replay_counts_it(fabric: Path, tmp_path: Path) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    source = next(
        str(e.prefixes[0][0]) for e in network_of(fabric).endpoints if e.name == "red/lab/probe"
    )
    frames = [
        Ether() / IP(src=source, dst=to) / TCP(sport=40000, dport=443)
        for to in ("198.51.100.67", "203.0.113.9")
    ]
    wrpcap(str(tmp_path / "some.pcap"), frames)
    said = json.loads(run("replay", fabric, tmp_path / "some.pcap", "-o", "json").stdout)
    counts = said["replay"]["verdicts"]
    assert (counts["hairpin_drop"], counts["delivered"]) == (1, 1)


def test_tables_and_rulesets_have_the_rule(fabric: Path) -> None:
    program = compile_network(network_of(fabric))
    border = next(n.index for n in program.network.fabric.nodes if n.name == "border1")
    text = ruleset(program, border)
    assert re.search(r'iifname "vx\*" counter drop comment "hairpin_drop"', text)
    rule, last = (
        text.index("hairpin_drop"),
        text.index("counter accept\n", text.index("hairpin_drop")),
    )
    assert rule < last
    dumps = fabric.parent / "dumps"
    run("compile", fabric, "--node", "border1", "--format", "canonical", "-o", dumps)
    (document,) = (dumps / "canonical").iterdir()
    assert [row["hairpin"] for row in json.loads(document.read_text())["tunnel_admit"]] == ["deny"]


def test_nobody_sends_from_where_no_answer_would_come_to(fabric: Path) -> None:
    """The border has routes for the tenants' prefixes: what claims to come from there is no flow of
    the outside's, since answers to it would go to the tenant."""
    blue = "blue/shop/web:443/tcp"
    file = yaml.safe_load(fabric.read_text())
    file["expect"] = [
        {"allow": f"{source} -> {blue}"} for source in ("203.0.113.9", "198.51.100.9")
    ]
    fabric.write_text(yaml.safe_dump(file))
    said = json.loads(run("verify", fabric, "-o", "json").stdout)
    assert [row["holds"] for row in said["expectations"]] == [True, False]
    told = json.loads(run("explain", fabric, "198.51.100.9", blue, "-o", "json").stdout)
    assert (told["verdict"], told["reason"]) == ("deny", "spoof_drop")
    (step,) = told["choices"][0]["steps"]
    assert "198.51.100.0/26 in zone2/main leads on to dpu1 red/main" in step["because"]
    assert "198.51.100.0/26" in json.dumps(told["blame"])


def test_tables_say_what_of_a_prefix_is_not_the_endpoints(fabric: Path) -> None:
    """Addresses of the tenants inside 0.0.0.0/0, which the border routes on."""
    dumps = fabric.parent / "dumps"
    for kind in ("canonical", "text", "nftables"):
        run("compile", fabric, "--node", "border1", "--format", kind, "-o", dumps)
    (document,) = (dumps / "canonical").iterdir()
    (row,) = json.loads(document.read_text())["endpoints"]
    assert (row["addresses"], row["except"]) == (["0.0.0.0/0"], ["198.51.100.0/25"])
    (text,) = (dumps / "text").iterdir()
    assert "0.0.0.0/0 except 198.51.100.0/25" in text.read_text()
    (rules,) = (dumps / "nftables").iterdir()
    own = "{ 0.0.0.0-198.51.99.255, 198.51.100.128-255.255.255.255 }"
    assert f'ip saddr != {own} counter drop comment "spoof_drop"' in rules.read_text()
    # The kernel's own routes lead on what comes in to them; without these it is the endpoint's.
    assert "eni_miss_drop" not in rules.read_text()
