"""What flows, and packets that expectations speak of, meet in a world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.loading.how import How
from cloison.verbs.permitting import sent_flows
from cloison.views.world import World
from sim.diff.noticed.subjects import subjects
from sim.diff.noticed.used import Used, used
from sim.proof.expectations.expect import read_claims

POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "b", "namespace": "lab"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "b"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}],
                     "ports": [{"port": 80}, {"port": 81}]}],
    },
}  # fmt: skip


def world(folder: Path, *expect: dict[str, Any]) -> World:
    """Pods a, b and c; b takes what a sends to two ports."""
    path = write_fabric(folder, {"red": vrf("10.1.0.0/16")}, {}, expect=list(expect))
    pods = [
        {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "lab", "labels": {"app": name}},
            "spec": {"nodeName": "host1", "containers": [{"name": "c", "image": "none"}]},
            "status": {"podIP": f"10.1.0.{at}"},
        }
        for at, name in enumerate("abc", 10)
    ]  # fmt: skip
    (folder / "red.yaml").write_text(yaml.safe_dump_all([*pods, POLICY]))
    return World.of_fabric(path, How(drawn="forgotten"))


def log(folder: Path, *flows: tuple[int, int, int, str]) -> Path:
    lines = [
        {"srcaddr": f"10.1.0.{a}", "dstaddr": f"10.1.0.{b}", "srcport": 40000, "dstport": port,
         "protocol": 6, "action": action}
        for a, b, port, action in flows
    ]  # fmt: skip
    path = folder / "flows.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def lines(there: World, found: Used) -> dict[str, int]:
    return {line.title: found.line(line) for line in subjects(there)}


A, B, C = 10, 11, 12
RULE, ISOLATES = "NetworkPolicy red/lab/b rule 0", "NetworkPolicy red/lab/b isolates ingress"


@pytest.mark.parametrize(
    ("flows", "rule", "isolates", "ends", "reasons"),
    [
        ([], 0, 0, "", {}),
        ([(A, B, 80, "accept")], 1, 0, "ab", {"delivered": 1}),
        ([(A, B, 80, "accept"), (A, B, 81, "accept")], 2, 0, "ab", {"delivered": 2}),
        ([(A, B, 82, "deny")], 0, 1, "ab", {"policy_drop": 1}),
        ([(C, B, 80, "deny"), (A, C, 8, "-")], 0, 1, "abc", {"delivered": 1, "policy_drop": 1}),
    ],
)  # fmt: skip
def test_flows_meet_what_decides_them(
    tmp_path: Path, flows: list[Any], rule: int, isolates: int, ends: str, reasons: dict[str, int]
) -> None:
    there = world(tmp_path)
    found = used(there, sent_flows(there, [log(tmp_path, *flows)]), ())
    assert lines(there, found) == {RULE: rule, ISOLATES: isolates}
    unmet = {name.rpartition("/")[2] for name in found.unmet_endpoints() if "/lab/" in name}
    assert unmet == {*"abc"} - {*ends}
    assert found.by_flows.reasons == reasons and found.by_flows.packets == len(flows)
    assert set(found.unmet_reasons()).isdisjoint(reasons)


@pytest.mark.parametrize(
    ("line", "reasons", "ends"),
    [
        ({"allow": "red/lab/a -> red/lab/b:80/tcp"}, {"delivered"}, "ab"),
        ({"deny": "red/lab/c -> red/lab/b"}, {"policy_drop"}, "bc"),
        ({"only": "red/lab/a -> red/lab/b:80-81/tcp"}, {"delivered", "policy_drop"}, "ab"),
        ({"allow": "red/lab/a <-> red/lab/c"}, {"delivered"}, "ac"),
    ],
)
def test_packets_that_expectations_speak_of_meet_what_decides_them(
    tmp_path: Path, line: dict[str, str], reasons: set[str], ends: str
) -> None:
    there = world(tmp_path, line)
    found = used(there, (), read_claims(there.network.spec, there.network))
    assert set(found.by_expectations.reasons) == reasons
    unmet = {name.rpartition("/")[2] for name in found.unmet_endpoints() if "/lab/" in name}
    assert unmet == {*"abc"} - {*ends}
    assert not any(lines(there, found).values())
    entries, flows, asked, either = found.counts
    assert entries > asked == either > flows == 0
    rule = any(RULE in text for text in found.unmet_entries())
    assert rule is ("delivered" not in reasons or "b" not in ends)
