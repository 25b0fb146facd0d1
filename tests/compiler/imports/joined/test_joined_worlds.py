"""Configurations, cables and clusters as one world: what is answered, and what rests on what."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cluster_servers import FAULTS, servers
from three_clusters import digest, write
from two_dpus import ENDS, RUNNING, TWO, edited, verdicts

import cloison
from cloison.cli import main
from cloison.loading.how import How
from cloison.views.network.policy import rows
from cloison.views.world import Source, World
from compiler.imports.joined import same_tables
from compiler.policy.stages import Stage
from fabric.diagnostics import InputError

SITE = """\
cloison: 1
name: fra1
devices: { from: configs, transit: ["leaf-*", "spine-*"] }
sites:
  fra1: { clos: none, tables: [inventory] }
tenants:
  train: { manifests: [clusters/train] }
  infer: { manifests: [clusters/infer] }
  batch: { manifests: [clusters/batch] }
"""


def test_two_devices_whose_way_is_known(two: Path) -> None:
    """With configurations alone it is unknown (`docs/imports.md`); cables make it known."""
    assert set(verdicts(two).values()) == {"allow"}
    world = cloison.world(two)
    assert world.network.not_evaluated == () and world.network.findings == ()
    assert [v.name for v in world.network.vrfs] == ["red/all"]
    nodes = [n.name for n in world.network.fabric.nodes]
    assert nodes == ["gpu1", "gpu2", "bf1", "bf2", "leaf1"]  # nothing is unseen
    assert cloison.explain(world, ENDS[0], "10.99.0.1:80").verdict == "deny"


def test_access_lists_are_a_stage_to_ask_for(two: Path) -> None:
    """The first of the table, which no fabric without devices has."""
    world = cloison.world(two)
    assert world.policy_read.stages[0] is Stage.ACCESS
    done = CliRunner().invoke(main, ["show", "policy", str(two), "--stage", "access", "-o", "json"])
    assert done.exit_code == 0, done.output
    found = {row["stage"] for row in rows(world.policy_read)} & {"access"}
    assert {row["stage"] for row in json.loads(done.stdout)["rows"]} == found


def test_what_is_taken_away_makes_unknown_and_nothing_else(two: Path) -> None:
    """The law: without a source no verdict is another one, unless it is unknown."""
    before = verdicts(two)
    takes: dict[str, Callable[[], None]] = {
        "cable": lambda: edited(two, ', "bf2:p0 -- leaf1:swp2"', ""),
        "leaf": lambda: (two.parent / "configs" / "leaf1.yaml").unlink(),
        "dpu": lambda: (two.parent / "configs" / "bf2.yaml").unlink(),
        "cluster": lambda: edited(two, "manifests: [pods/good.yaml]", "manifests: []"),
    }
    kept = {p: p.read_text() for p in two.parent.rglob("*.yaml")}
    for what, take in takes.items():
        take()
        after = verdicts(two)
        for pair, said in after.items():
            assert said in (before[pair], "unknown"), (what, pair, said)
        if what in ("cable", "leaf"):
            assert after["web/web/front-1", "web/web/front-2"] == "unknown", what
            assert what == "leaf" or after["web/web/front-1", "web/@node/gpu1"] == "allow"
        for path, text in kept.items():
            path.write_text(text)


def test_a_switch_without_configuration_is_unknown_until_the_file_says_transit(two: Path) -> None:
    (two.parent / "configs" / "leaf1.yaml").unlink()
    world = cloison.world(two)
    assert {"Underlay", "Neighbour"} == {r.kind for r in world.network.not_evaluated}
    assert "the configuration of leaf1 is not given" in str(world.network.not_evaluated)
    edited(two, "{ from: configs }", "{ from: configs, transit: [leaf1] }")
    assert set(verdicts(two).values()) == {"allow"}
    assert "C848" in {w.code for w in cloison.world(two).network.warnings}


def test_a_dpu_without_configuration_may_announce_anything(two: Path) -> None:
    """Who is behind the others is known, what else may be there is not."""
    (two.parent / "configs" / "bf2.yaml").unlink()
    world = cloison.world(two)
    assert "web/web/front-2" not in {e.name for e in world.network.endpoints}
    assert cloison.explain(world, ENDS[0], "web/@node/gpu1:80").verdict == "allow"
    assert cloison.explain(world, ENDS[0], "10.1.2.9:80").verdict == "unknown"
    (two.parent / "configs" / "leaf1.yaml").unlink()
    edited(two, "{ from: configs }", "{ from: configs, transit: [leaf1] }")
    assert cloison.explain(two, ENDS[0], "10.1.2.9:80").verdict == "unknown"
    edited(two, "transit: [leaf1]", "transit: [leaf1, bf2]")
    assert cloison.explain(two, ENDS[0], "10.1.2.9:80").verdict == "deny"


def test_without_a_shared_target_there_is_no_route(two: Path) -> None:
    """All neighbours are known, so a route that nobody imports is a denial."""
    config = two.parent / "configs" / "bf2.yaml"
    config.write_text(config.read_text().replace("65000:100", "65000:200"))
    said = verdicts(two)
    assert said["web/web/front-1", "web/web/front-2"] == "deny"
    assert said["web/web/front-2", "web/web/front-1"] == "deny"
    assert said["web/web/front-1", "web/@node/gpu1"] == "allow"
    assert {v.name for v in cloison.world(two).network.vrfs} == {"red/bf1", "red/bf2"}


def test_a_session_that_the_other_end_lacks_carries_nothing(two: Path) -> None:
    shutil.copy(RUNNING / "odd" / "leaf_deaf" / "leaf1.yaml", two.parent / "configs")
    said = verdicts(two)
    assert said["web/web/front-1", "web/web/front-2"] == "deny"
    assert [f.code for f in cloison.world(two).network.findings] == ["C847"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("l2vpn-evpn: { enable: on } }\n      red", "l2vpn-evpn: { enable: off } }\n      red"),
        ("remote-as: external", "remote-as: internal"),
        ("network: { 10.255.0.2/32: {} }", "network: {}"),
    ],
)
def test_a_session_of_which_not_all_is_sure_is_unknown(two: Path, old: str, new: str) -> None:
    """One family, an internal session, a VTEP that is not announced."""
    edited(two.parent / "configs" / "bf2.yaml", old, new)
    assert verdicts(two)["web/web/front-1", "web/web/front-2"] == "unknown"
    assert verdicts(two)["web/web/front-1", "web/@node/gpu1"] == "allow"


def test_a_filter_that_may_hold_back_a_vtep_is_unknown(two: Path) -> None:
    leaf = two.parent / "configs" / "leaf1.yaml"
    policy = "address-family: { ipv4-unicast: { policy: { outbound: { prefix-list: SOME } } },"
    edited(leaf, "address-family: { l2vpn", f"{policy} l2vpn")
    lists = """\
    router:
      policy:
        prefix-list:
          SOME:
            rule:
              '10': { action: permit, match: { NETWORK: { max-prefix-len: 32 } } }
"""
    for network, wanted in (("10.255.0.0/24", "allow"), ("10.255.0.1/32", "unknown")):
        text = leaf.read_text()
        leaf.write_text(text.replace("    router:\n", lists.replace("NETWORK", network), 1))
        assert verdicts(two)["web/web/front-1", "web/web/front-2"] == wanted, network
        leaf.write_text(text)


def test_lists_at_an_interface_are_about_everybody_behind_it(two: Path) -> None:
    """And not about each other: what passes between a node and its pod the DPU does not see."""
    config = two.parent / "configs" / "bf1.yaml"
    edited(config, "    evpn: { enable: on }\n", """\
    acl:
      shut: { type: ipv4, rule: { '10': { action: { deny: {} }, match: { ip: {} } } } }
    evpn: { enable: on }
""")  # fmt: skip
    bound = "{ type: swp, acl: { shut: { inbound: {} } }, ip: { vrf: red"
    edited(config, "{ type: swp, ip: { vrf: red", bound)
    said = verdicts(two)
    assert said["web/web/front-1", "web/web/front-2"] == "deny"
    assert said["web/@node/gpu1", "web/web/front-2"] == "deny"
    assert said["web/web/front-2", "web/web/front-1"] == "allow"
    assert said["web/@node/gpu1", "web/web/front-1"] == "allow"


def test_policies_of_a_cluster_are_asked_too(two: Path) -> None:
    pods = two.parent / "pods" / "good.yaml"
    pods.write_text(
        pods.read_text()
        + """---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: shut, namespace: web }
spec: { podSelector: { matchLabels: { app: front-2 } }, policyTypes: [Ingress] }
"""
    )
    assert verdicts(two)["web/web/front-1", "web/web/front-2"] == "deny"
    (two.parent / "configs" / "leaf1.yaml").unlink()
    assert verdicts(two)["web/web/front-1", "web/web/front-2"] == "deny"  # wherever it comes from


def test_a_node_of_another_name_is_found_by_its_address(two: Path) -> None:
    pods = two.parent / "pods" / "good.yaml"
    pods.write_text(pods.read_text().replace("gpu2", "ip-10-1-2-2"))
    assert "web/@node/gpu2" in {e.name for e in cloison.world(two).network.endpoints}
    edited(pods, "address: 10.1.2.2", "address: 192.0.2.2")
    assert "C451" in {f.code for f in cloison.world(two).network.findings}
    edited(two, "tenants:", "hosts: { gpu2: { node: ip-10-1-2-2 } }\ntenants:")
    names = {e.name for e in cloison.world(two).network.endpoints}
    assert "web/web/front-2" in names and "web/@node/gpu2" not in names


def test_a_host_that_speaks_bgp_announces_what_nobody_knows(two: Path) -> None:
    """Its pods are in its VRF; whether there is a route to them is unknown."""
    pods = two.parent / "pods" / "good.yaml"
    edited(pods, "podIP: 10.1.2.9", "podIP: 10.77.0.9")
    config = two.parent / "configs" / "bf2.yaml"
    speaks = "neighbor: { 10.1.2.2: { type: numbered, remote-as: external } }"
    inside = "evpn: { enable: on, vni: { '100': {} } }\n        router:\n          bgp:\n"
    edited(config, inside, f"{inside}            {speaks}\n")
    world = cloison.world(two)
    assert not [f for f in world.network.findings if f.code == "C849"]
    assert verdicts(two)["web/web/front-1", "web/web/front-2"] == "unknown"


def test_expectations_are_judged(two: Path) -> None:
    two.write_text(TWO + 'expect:\n  - allow: "web/web/front-1 -> web/web/front-2"\n')
    assert str(cloison.prove(two).verdict) == "holds"
    (two.parent / "configs" / "leaf1.yaml").unlink()
    assert str(cloison.prove(two).verdict) == "unknown"


def test_windows_decide_about_expectations(two: Path) -> None:
    """As in any other file: what is in force at a moment is judged, and nobody takes one."""
    window = "{ from: 2027-01-02T00:00:00Z }"
    pair = f"{ENDS[0]} -> {ENDS[1]}"
    line = f'  - {{ deny: "{pair}", window: {window} }}'
    two.write_text(f'{TWO}expect:\n  - allow: "{pair}"\n{line}\n')
    with pytest.raises(InputError, match="nobody says when"):
        cloison.world(two)
    assert (
        str(cloison.prove(World.read([two], How({"time": ("2027-01-01T00:00:00Z",)}))).verdict)
        == "holds"
    )
    assert (
        str(cloison.prove(World.read([two], How({"time": ("2027-01-02T00:00:00Z",)}))).verdict)
        == "fails"
    )


def test_a_failure_is_tried_on_what_is_given(two: Path) -> None:
    world = cloison.world(two, down="bf2--leaf1")
    assert cloison.explain(world, ENDS[0], f"{ENDS[1]}:80").verdict == "deny"


def test_a_change_of_a_configuration_is_seen(two: Path) -> None:
    """Also where worlds are kept."""
    assert set(verdicts(two).values()) == {"allow"}
    config = two.parent / "configs" / "bf2.yaml"
    config.write_text(config.read_text().replace("65000:100", "65000:200"))
    assert "deny" in verdicts(two).values()


def test_what_was_written_of_the_site_is_the_same_everywhere() -> None:
    assert digest(40) == "7484d15cc0c7" and digest(2000) == "1a497682ccb8"
    assert len({s.loopback for s in servers(2000)}) == 2000


def reached(source: Source) -> set[tuple[str, str, str]]:
    """Who reaches whom on what."""
    rows = cloison.reach(source).rows
    return {(r["source"], r["destination"], r["ports"]) for r in rows}


def test_tables_that_are_one_vrf_say_what_each_alone_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The law: one table for many devices is a matter of size and of nothing else."""
    write(tmp_path, 24, ("foreign-import",))
    (tmp_path / "site.yaml").write_text(SITE)
    together = reached(tmp_path / "site.yaml")
    many = cloison.world(tmp_path / "site.yaml").network
    monkeypatch.setattr(same_tables, "all_announced", lambda *_: None)
    monkeypatch.setenv("CLOISON_CACHE", "0")
    alone = cloison.world(tmp_path / "site.yaml")
    assert len(alone.network.vrfs) == 24 > len(many.vrfs)
    assert together == reached(alone)


def test_each_fault_of_the_site_is_found_and_nothing_else(tmp_path: Path) -> None:
    """What the generator breaks is told with the lines of both sources; the whole site is quiet."""
    write(tmp_path / "good", 40)
    (tmp_path / "good" / "site.yaml").write_text(SITE)
    assert cloison.world(tmp_path / "good" / "site.yaml").network.findings == ()
    wanted = {
        "foreign-import": None,
        "lost-vlan": r"C849.*gpu-\d+ is behind bf-\d+: .*configs/bf-",
        "swapped-cable": r"lldp/bf-\d+\.json.*C352.*cables\.csv:\d+",
        "other-asn": r"devices\.csv:\d+.*C846.*configs/bf-\d+\.yaml:\d+",
    }
    for fault in FAULTS:
        folder = tmp_path / fault
        write(folder, 40, (fault,))
        lldp = ", inventory/lldp" if fault == "swapped-cable" else ""
        (folder / "site.yaml").write_text(
            SITE.replace("[inventory]", f"[inventory{lldp}]")
            + 'expect:\n  - deny: "train/* <-> batch/*"\n'
        )
        pattern = wanted[fault]
        findings = cloison.world(folder / "site.yaml").network.findings
        if pattern is None:
            proof = cloison.prove(folder / "site.yaml")
            assert str(proof.verdict) == "fails" and findings == ()
        else:
            (told,) = findings
            assert re.search(pattern, str(told), re.DOTALL), str(told)


def test_two_folders_with_one_device_are_refused(two: Path) -> None:
    shutil.copytree(two.parent / "configs", two.parent / "again")
    edited(two, "from: configs", "from: [configs, again]")
    with pytest.raises(InputError, match="two devices are called bf1"):
        cloison.world(two)
