"""The lab in the kernel of this machine: real packets, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import vrf, write_fabric
from oracles import require
from own_labs import lab, ours, own_record

from cloison.cli import main
from sim.lab import kernel, state

pytestmark = [pytest.mark.root, pytest.mark.oracle("kernel")]
__all__ = ["own_record"]
TWO_ALIKE = """
cloison: 1
name: alike
sites:
  lab: { spines: 1, leaves: 2, hosts_per_pair: 2, borders: 0 }
tenants:
  open:
    manifests: [open.yaml]
    vrfs: { main: { prefixes: [10.0.0.0/24, "fd00:a::/64"] } }
  shut:
    manifests: [open.yaml, shut.yaml]
    vrfs: { main: { prefixes: [10.0.0.0/24, "fd00:a::/64"] } }
"""
OPEN = """
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
"""
SHUT = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: shut, namespace: default }
spec:
  podSelector: {}
  policyTypes: [Ingress]
"""
ROOT = Path(__file__).parents[3]
SMALL, DEMO = (ROOT / "topologies" / f"{name}.yaml" for name in ("small", "demo"))


@pytest.mark.slices(2)
@pytest.mark.parametrize("fabric", [SMALL, DEMO], ids=lambda p: p.stem)
def test_the_kernel_agrees_on_every_packet(fabric: Path) -> None:
    result = lab("test", fabric, "-o", "json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["rows"]) == (0, [])
    assert data["left_out"] == 0
    for family in data["counts"]:
        assert family["allowed"] > 100
        assert family["denied"] > 100
        assert family["replies"] == family["allowed"]
    assert state.labs() == []


def test_every_bound_of_the_policy_on_the_small_fabric() -> None:
    result = lab("test", SMALL, "--all-ports")
    assert result.exit_code == 0
    assert "0 differences" in result.stdout


def test_what_one_tenant_may_opens_nothing_for_its_double(tmp_path: Path) -> None:
    """The same headers on the same VTEPs in two VRFs: connection tracking must not mix them up."""
    for name, text in (("fabric", TWO_ALIKE), ("open", OPEN), ("shut", SHUT)):
        (tmp_path / f"{name}.yaml").write_text(text)
    fabric = tmp_path / "fabric.yaml"
    lab("up", fabric)
    for _ in ("flows are new", "flows are known"):
        result = lab("test", fabric, "-o", "json", "--port", "80/tcp")
        data = json.loads(result.stdout)
        assert (result.exit_code, data["rows"]) == (0, [])
        assert all(family["allowed"] and family["denied"] for family in data["counts"])


def test_one_altered_entry_is_found_and_named() -> None:
    lab("up", SMALL)
    (name,) = state.labs()
    space = max(own for own in ours(name) if own in (f"cln-{name}-dpu1", f"cln-{name}-dpu1.0"))
    with kernel.inside(space):
        listed = subprocess.run(
            ["nft", "-a", "list", "table", "inet", "cloison"], capture_output=True, text=True
        ).stdout
        chain = ""
        for line in listed.splitlines():
            if line.strip().startswith("chain "):
                chain = line.split()[1]
            if "tcp" in line and "NetworkPolicy acme/catalog/api" in line and "return" in line:
                handle = line.rpartition(" ")[2]
                rule = ["delete", "rule", "inet", "cloison", chain, "handle", handle]
                subprocess.run(["nft", *rule], check=True)
                break
        else:
            pytest.fail("no rule to alter")
    result = lab("test", SMALL, "-o", "json")
    assert result.exit_code == 1
    rows = json.loads(result.stdout)["rows"]
    assert rows
    assert all(row["kernel"] == "nothing arrives" for row in rows)
    assert any(row["simulator"] == "arrives at acme/catalog/api-0" for row in rows)


def test_a_failed_link_changes_nothing_that_must_hold() -> None:
    result = lab("test", SMALL, "--down", "leaf1", "--port", "8080/tcp")
    assert (result.exit_code, "0 differences" in result.stdout) == (0, True)


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("vtep", "down", "left"),
    [("dpu", "dpu1", True), ("leaf", "leaf1", True), ("dpu", "leaf1", False)],
)
def test_endpoints_on_a_failed_node_send_nothing(
    vtep: str, down: str, left: bool, tmp_path: Path
) -> None:
    """What others send to them is compared: it must be lost."""
    sites = {"s": {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 0}}
    work = {"a": ["n/p@host1", "n/q@host1", "n/r@host2"]}
    tenants = {"a": vrf("10.0.0.0/24", "fd00:a::/64")}
    fabric = write_fabric(tmp_path, tenants, work, sites=sites, vtep=vtep)
    result = lab("test", fabric, "--down", down, "--port", "80/tcp", "-o", "json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["rows"]) == (0, [])
    assert list(data["left_out_by_reason"]) == (["node_down"] if left else [])
    assert {row["code"] for row in data["diagnostics"]} == {"C607"}
    assert sum(data["left_out_by_reason"].values()) == data["left_out"]
    lost = sum(family["denied"] for family in data["counts"])
    assert bool(lost) == left
    words = lab("test", fabric, "--down", down, "--port", "80/tcp").stdout
    assert ("left out: the node that they come from is down" in words) == left


def test_what_no_flow_of_could_be_compared_is_unknown(tmp_path: Path) -> None:
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 1, "borders": 0}
    work, more = {"a": ["n/p@host1", "n/q@host1"]}, {"sites": {"s": site}, "vtep": "leaf"}
    fabric = write_fabric(tmp_path, {"a": vrf("10.0.0.0/24")}, work, **more)
    result = lab("test", fabric, "--down", "leaf1", "--down", "leaf2", "--port", "80/tcp")
    assert (result.exit_code, "Unknown: no flow" in result.stdout) == (4, True)
    assert "0 differences" not in result.stdout


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("odd", "left"),
    [
        (["203.0.113.0/24"], 0),
        (["fec0::/32", "240.0.0.0/8"], 0),
        (["::/96", "0.0.0.0/8"], 0),
        (["fe80:5::/64"], 6),
        (["::/128", "0.0.0.0/32"], 12),
    ],
)
def test_addresses_that_no_router_passes_are_left_out(
    odd: list[str], left: int, tmp_path: Path
) -> None:
    """Of everything (::/0) an address is tried that a host can have."""
    fabric = write_fabric(
        tmp_path,
        {
            "a": vrf(
                {"cidr": "198.51.100.0/24", "use": "nodes"},
                {"cidr": "fd00:a::/64", "use": "nodes"},
                advertise=["nodes"],
                default_route="zone2",
            )
        },
        {},
        sites={"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 1}},
        zones={
            "zone2": {
                "endpoints": {
                    "inet": {"addresses": ["0.0.0.0/0", "::/0"]},
                    "odd": {"addresses": odd},
                },
                "rules": [
                    {"name": "o", "from": "a/*", "to": "zone2/*", "ports": ["any"]},
                    {"name": "i", "from": "zone2/*", "to": "a/*", "ports": ["any"]},
                ],
            }
        },
    )
    result = lab("test", fabric, "--port", "80/tcp", "-o", "json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["rows"]) == (0, [])
    assert data["left_out_by_reason"] == ({"unrouted": left} if left else {})
    assert all(family["allowed"] == family["flows"] > 0 for family in data["counts"])


def test_a_capture_of_the_lab_is_counted_as_tcpdump_counts_it(tmp_path: Path) -> None:
    require("tcpdump")
    capture = tmp_path / "lab.pcapng"
    assert lab("test", SMALL, "--pcap", capture, "--port", "8080/tcp").exit_code == 0
    done = subprocess.run(
        ["tcpdump", "-nr", capture, "udp port 4789"], capture_output=True, text=True
    )
    outer = [line for line in done.stdout.splitlines() if "VXLAN" in line]
    replayed = CliRunner().invoke(main, ["replay", str(SMALL), str(capture), "-o", "json"])
    assert len(outer) > 20
    decoded = json.loads(replayed.stdout)["captures"][str(capture)]
    assert decoded["vxlan"] == decoded["inner"]["tcp"] == len(outer)


@pytest.mark.slices(2)
@pytest.mark.parametrize("verb", ["up", "test"])
def test_what_was_killed_is_found_and_removed(verb: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [Path(sys.executable).parent / "cloison", "lab", verb, DEMO],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")},
    )
    deadline = time.monotonic() + 60
    while len(list(chain(*map(ours, state.labs())))) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (name,) = state.labs()
    assert len(ours(name)) >= 20
    result = lab("down")
    assert (result.exit_code, ours(name), state.labs()) == (0, [], [])


def test_failing_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def fail(space: str, _: str) -> None:
        name = space.split("-")[1]
        built.append((name, len(ours(name))))
        raise OSError("no memory")

    monkeypatch.setattr(kernel, "nft", fail)
    assert lab("up", SMALL).exit_code != 0
    ((name, spaces),) = built
    assert spaces > 0
    assert (ours(name), state.labs()) == ([], [])


def test_what_the_kernel_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(kernel, "create", refused)
    result = lab("up", SMALL)
    assert (result.exit_code, state.labs()) == (2, [])
    assert "refuses" in result.stderr


def test_several_labs_live_side_by_side() -> None:
    lab("up", SMALL)
    lab("up", SMALL, "--down", "spine1")
    first, second = state.labs()
    assert lab("down").exit_code == 2
    assert lab("down", first).exit_code == 0
    assert ours(second)
    assert lab("test", "--port", "icmp").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("test",), "C724"),
        (("down", "deadbeef"), "C720"),
        (("down", "../../etc"), "C720"),
        (("test", SMALL, "--port", "x"), "is not a port"),
        (("test", SMALL, "--port", "1/tcp", "--all-ports"), "exclude"),
        (("up", "missing.yaml"), "missing.yaml"),
        (("up", SMALL, "--down", "leaf9"), "leaf9"),
    ],
)
def test_wrong_arguments_are_2(arguments: tuple[str | Path, ...], words: str) -> None:
    result = lab(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_changed_fabric_and_a_broken_record_are_said(tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    text = SMALL.read_text().replace("manifests/", f"{SMALL.parent}/manifests/")
    copy.write_text(text)
    lab("up", copy)
    (name,) = state.labs()
    copy.write_text(text.replace("8080/tcp]", "8081/tcp]"))
    assert "C722" in lab("test", copy).stderr
    copy.write_text(text)
    kernel.remove(ours(name)[0])
    assert "C723" in lab("test", copy).stderr
    (state.folder() / name).write_text("{")
    assert "C721" in lab("test").stderr
    assert lab("down", name).exit_code == 0
    assert ours(name) == []


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = lab("up", SMALL)
    assert result.exit_code == 2
    assert "needs root" in result.stderr
