"""What lines say of pods and their own nodes rests on plug-ins, and the answer says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cilium_cases import Object, pod, space
from click.testing import CliRunner

from cloison.cli import main

NOTHING_OUT: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nothing", "namespace": "web"},
    "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
}


def proved(folder: Path, lines: list[Any], *objects: Object, **tenant: Any) -> tuple[str, Any]:
    """What verify says of a front on one of two hosts, as text and as data."""
    (folder / "acme").mkdir(exist_ok=True)
    (folder / "acme" / "all.yaml").write_text(
        yaml.safe_dump_all([space("web"), pod("front", "web"), *objects])
    )
    document = {
        "cloison": 1,
        "name": "own",
        "sites": {"lab": {"spines": 1, "leaves": 2, "hosts_per_pair": 2}},
        "tenants": {
            "acme": {"hosts": ["host1", "host2"], "manifests": ["acme"], **tenant,
                     "vrfs": {"main": {"prefixes": ["10.0.0.0/24"]}}},
        },
        "expect": lines,
    }  # fmt: skip
    (folder / "f.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    verify = ["verify", str(folder / "f.yaml")]
    text, data = (CliRunner().invoke(main, verify + more) for more in ([], ["-o", "json"]))
    assert text.exit_code == data.exit_code == 0, text.output
    return text.stdout, json.loads(data.stdout)


TO_NODES = {"deny": "acme/web/front -> acme/@node/*"}
TO_ITS_NODE = {"deny": "acme/web/* -> acme/@node/host1"}


@pytest.mark.parametrize("line", [TO_NODES, TO_ITS_NODE, {"deny": "acme/web/front -> *"}])
def test_a_line_about_its_own_node_says_what_it_rests_on(tmp_path: Path, line: Any) -> None:
    text, data = proved(tmp_path, [line], NOTHING_OUT)
    (rests,) = data["rest_on_plugins"]
    assert rests == f"deny: {line['deny']}"
    assert "also towards their own node, which Kubernetes leaves open: deny: " in text


def test_other_lines_rest_on_nothing(tmp_path: Path) -> None:
    """Of another host's node, of none, of nodes; and where Cilium holds the policies."""
    others = [
        {"deny": "acme/web/front -> acme/@node/host2"},
        {"allow": "acme/@node/* -> acme/web/front"},
    ]
    text, data = proved(tmp_path, others, NOTHING_OUT)
    assert "rest_on_plugins" not in data and "plug-in" not in text
    _, data = proved(tmp_path, [TO_NODES], NOTHING_OUT, dialect="cilium-1.20")
    assert "rest_on_plugins" not in data


def test_a_line_that_allows_ports_denies_the_others(tmp_path: Path) -> None:
    port = {"ports": [{"protocol": "TCP", "port": 9}]}
    policy = {
        **NOTHING_OUT,
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [port]},
    }
    _, data = proved(tmp_path, [{"only": "acme/web/front -> acme/@node/*:9/tcp"}], policy)
    assert len(data["rest_on_plugins"]) == 1


def test_a_few_lines_are_named(tmp_path: Path) -> None:
    lines = [{"deny": f"acme/web/front -> acme/@node/*:{n}/tcp"} for n in range(1, 6)]
    text, data = proved(tmp_path, lines, NOTHING_OUT)
    assert len(data["rest_on_plugins"]) == 5
    assert "and 2 more." in text
