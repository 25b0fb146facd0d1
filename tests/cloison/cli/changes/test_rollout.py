"""`cloison rollout`: what must not be apart is told with a packet, and steps that are safe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fabric_files import pods
from shut_pods import FROM_A, PODS, TO_B, site

from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["rollout", "-q", *map(str, arguments)])


def answer(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "-o", "json").stdout)
    return found


def test_who_shuts_the_door_goes_before_who_opens_his(tmp_path: Path) -> None:
    """a may not send to b; then b may not be sent to by a: if a goes first, packets pass."""
    old, new = site(tmp_path / "old", FROM_A[0]), site(tmp_path / "new", TO_B[0])
    found = answer(old, new)
    assert found["verdict"] == "fails" and found["schema"] == "cloison/rollout/1"
    (transient,) = (m for m in found["transients"] if m["destination"] == "red/lab/b")
    assert (transient["new_at"], transient["old_at"]) == (["dpu1"], ["dpu2"])
    assert (transient["kind"], transient["source"]) == ("gained", "red/lab/a")
    assert found["steps"][0] and "dpu2" in found["steps"][0] and "dpu1" in found["steps"][-1]
    assert found["fewest"] and len(found["steps"]) == 2
    done = run(old, new)
    assert done.exit_code == 1
    assert "Not every order is safe: 2 devices change" in done.stdout
    assert "An order that is safe, with 1 barrier; within a step any order:" in done.stdout
    assert "  1. dpu2\n  2. dpu1\n" in done.stdout
    assert run(old, new, "--in-steps").exit_code == 0


def test_who_wait_for_each_other_need_a_version_in_between(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old", *FROM_A), site(tmp_path / "new", *TO_B)
    done = run(old, new, "--in-steps")
    assert done.exit_code == 1
    assert "No order is safe: dpu1, dpu2 wait for each other." in done.stdout
    assert "A version in between helps that permits at each device what both" in done.stdout
    found = answer(old, new)
    assert found["steps"] == [] and found["tied"] == [["dpu1", "dpu2"]] and not found["fewest"]
    between = site(tmp_path / "between", *FROM_A, *TO_B)
    for pair in ((old, between), (between, new)):
        assert run(*pair).exit_code == 0, "what is said to help does"


def test_nothing_to_roll_out(tmp_path: Path) -> None:
    old = site(tmp_path / "old", FROM_A[0])
    done = run(old, old)
    assert done.exit_code == 0 and done.stdout == (
        "No device changes: there is nothing to roll out.\n"
    )


def test_one_device_alone_is_safe(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old"), site(tmp_path / "new", TO_B[0])
    done = run(old, new)
    assert done.exit_code == 0
    assert "Every order is safe: 1 device changes" in done.stdout
    assert "Assumed: connections that are open already are not looked at." in done.stdout


UNKNOWN = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: lab}
spec: {endpointSelector: {}}
---
"""


def test_what_is_not_evaluated_is_never_safe(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old"), site(tmp_path / "new", TO_B[0], UNKNOWN)
    done = run(old, new)
    assert done.exit_code == 4
    assert "Whether every order is safe is unknown" in done.stdout
    assert answer(old, new)["verdict"] == "unknown"
    unsafe = run(site(tmp_path / "a", FROM_A[0], UNKNOWN), site(tmp_path / "b", TO_B[0]))
    assert unsafe.exit_code == 1
    assert run(tmp_path / "a/fabric.yaml", tmp_path / "b/fabric.yaml", "--in-steps").exit_code != 0


@pytest.mark.parametrize("other", ["more", "moved"])
def test_other_endpoints_are_no_versions(tmp_path: Path, other: str) -> None:
    old = site(tmp_path / "old")
    more = {"more": PODS + pods("lab/c@host3"), "moved": PODS.replace("host2", "host3")}[other]
    done = run(old, site(tmp_path / "new", pods_=more))
    assert done.exit_code == 2
    assert "C855" in done.stderr and "Traceback" not in done.stderr


def test_folders_have_no_devices(tmp_path: Path) -> None:
    site(tmp_path / "old")
    done = run(tmp_path / "old" / "red.yaml", tmp_path / "old" / "red.yaml")
    assert done.exit_code == 2 and "two fabric files" in done.stderr


def test_a_file_with_windows_is_asked_at_a_moment_that_somebody_names() -> None:
    """The moment that the file names is none: other times have other rules."""
    timed = TOPOLOGIES / "timed.yaml", TOPOLOGIES / "timed-left-open.yaml"
    refused = run(*timed)
    assert refused.exit_code == 2
    assert "error[C212]" in refused.output and "--at" in refused.output
    assert run(*timed, "--at", "2027-01-15T00:00:00Z").exit_code == 0
