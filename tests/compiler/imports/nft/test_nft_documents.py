"""What nft(8) says that rule sets do is what is read, from text and from nft's own JSON, and what
the kernel does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from nft_kernel import filtering_node
from oracles import require, require_root
from said_by_nft import packet, read

from compiler.imports.nft.verdict import decide

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "documents/nftables.yaml").read_text()
)
LOST_IN_JSON = ("a dormant table is not evaluated", "ingress of a device comes before everything")
"""nft 1.0.6 does not print flags of tables and devices of chains as JSON."""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_the_documents_say(case: dict[str, Any]) -> None:
    rules, _ = read(case["rules"])
    for said in case["says"]:
        found = decide(rules, packet(said), said.get("at", "forward"))
        assert found.said == said["verdict"], (said, found)
        if "line" in said:
            assert (found.span.line if found.span else 0) == said["line"], (said, found)
        assert found.said != "unknown" or found.why


@pytest.mark.root
@pytest.mark.oracle("nft")
def test_the_same_from_json_as_nft_prints_it() -> None:
    require("nft", "unshare")
    require_root()
    lost = set()
    for case in CASES:
        listed = subprocess.run(
            ["unshare", "--net", "sh", "-c", PRINT],
            input=case["rules"],
            text=True,
            capture_output=True,
        )
        if listed.returncode:
            assert "queue" in case["rules"], listed.stderr
            continue
        rules, told = read(listed.stdout)
        for said in case["says"]:
            found = decide(rules, packet(said), said.get("at", "forward")).said
            if found != said["verdict"]:
                lost.add(case["name"])
                assert found == "unknown"
                assert told.unknown
    assert all(name.startswith(LOST_IN_JSON) for name in lost)


PRINT = "ip link add eth0 type veth peer name eth1 && nft -f - && nft -j list ruleset"


@pytest.mark.root
@pytest.mark.oracle("nft")
def test_the_kernel_does_what_the_documents_say() -> None:
    require("nft", "ip")
    require_root()
    asked = 0
    with filtering_node(straight=True) as node:
        for case in CASES:
            told = [s for s in case["says"] if straight(s)]
            if not told or "queue" in case["rules"]:
                continue
            node.load(case["rules"])
            for said, passed in zip(told, node.passed([packet(s) for s in told]), strict=True):
                assert passed == (said["verdict"] == "permit"), (case["name"], said)
                asked += 1
    assert asked > 80


def straight(said: dict[str, Any]) -> bool:
    """Whether a packet goes from eth0 to eth1 and is asked about for certain."""
    return not said.keys() & {"at", "in", "out", "state"} and said["verdict"] != "unknown"
