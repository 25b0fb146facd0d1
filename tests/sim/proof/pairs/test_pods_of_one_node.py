"""Host-network pods of one node reach each other, whatever zones and policies say: no packet of
theirs leaves it. An expectation that forbids it does not hold unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from door_fabrics import certified, fabric, pod, service, written

from cloison.views.world import World
from fabric.diagnostics import InputError
from sim.proof.prove import prove

SHUT = {"name": "no", "action": "deny", "from": "red/*", "to": "red/*"}
AGENT = {"app": "agent"}


def daemon(name: str) -> Any:
    spec = {"hostNetwork": True, "containers": [{"name": "c", "image": "i"}]}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": "a"},
        "spec": {"selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": spec}},
    }  # fmt: skip


RED = [
    daemon("log"),
    daemon("agent"),
    pod("a", "lone", host="host2", own_network=False),
    pod("b", "z", host="host1"),
    service("s", "a", "agent", type="ClusterIP", port={"targetPort": 80, "nodePort": None}),
]


def world(root: Path, *lines: Any, accept: tuple[str, ...] = ()) -> World:
    spec = fabric([], [*lines])
    spec["zones"]["zone1"] = {"rules": [SHUT]}
    path = written(root, spec, RED, [pod("a", "x")])
    return World.of(path, accept_unevaluated=accept)


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("line", "said", "hosts"),
    [
        ({"deny": "red/a/log -> red/a/agent"}, "unknown", {"host1", "host2"}),
        ({"deny": "red/a/agent <-> red/a/log"}, "unknown", {"host1", "host2"}),
        ({"deny": "red/a/log-host1 -> red/a/*"}, "unknown", {"host1"}),
        ({"deny": "red/a/log -> red/a/lone"}, "unknown", {"host2"}),
        ({"deny": "red/a/log -> service a/s"}, "unknown", {"host1", "host2"}),
        ({"deny": "red/a/log -> red/a/agent", "hold_under": ["any-1-link"]}, "unknown",
         {"host1", "host2"}),
        ({"deny": "red/a/log -> red/a/log"}, "holds", set()),
        ({"deny": "red/a/log-host1 -> red/a/agent-host2"}, "holds", set()),
        ({"deny": "red/@node/* -> red/a/agent"}, "holds", set()),
        ({"deny": "red/* -> red/*"}, "unknown", {"host1", "host2"}),
        ({"deny": "red -> red/a/log"}, "unknown", {"host1", "host2"}),
        ({"deny": "red/main -> red/main"}, "unknown", {"host1", "host2"}),
        ({"only": "red/a/log -> red:1/tcp"}, "fails", {"host1", "host2"}),
        ({"deny": "red/@node/* -> red/@node/*"}, "holds", set()),
        ({"deny": "red/a/log -> red/b/z"}, "holds", set()),
        ({"allow": "red/a/log -> red/a/agent"}, "fails", set()),
    ],
)  # fmt: skip
def test_pods_of_one_node_reach_each_other(
    tmp_path: Path, line: Any, said: str, hosts: set[str]
) -> None:
    found = world(tmp_path, line)
    proof = prove(found)
    assert proof.verdicts() == [said]
    assert {r.name for r in proof.not_evaluated if r.kind == "Node"} == hosts
    certified(proof, found.network)
    accepted = world(tmp_path, line, accept=("Node",))
    proof = prove(accepted)
    assert proof.verdicts() == ["holds" if said == "unknown" else said]
    certified(proof, accepted.network)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("red/a/log-host1 -> red/a/agent-host1", "red/@node/host1, whose host-network pods always"),
        ("red/a/lone -> red/a/log-host2", "red/@node/host2, whose host-network pods always"),
        ("red/a/lone -> red/a/lone", "red/@node/host2, whose host-network pods always"),
        ("blue/a/x -> blue/a/x", "blue/a/x, and what it says to itself"),
    ],
)
def test_a_line_about_one_endpoint_alone_is_refused_for_that_reason(
    tmp_path: Path, line: str, why: str
) -> None:
    with pytest.raises(InputError) as caught:
        world(tmp_path, {"deny": line})
    (told,) = caught.value.diagnostics
    assert told.code == "C703" and f"both ends are {why}" in told.message
