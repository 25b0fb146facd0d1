"""`reach --focus`: rows about a workload, a direction or a protocol, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exposed_clusters import (
    HERE,
    run,
    written,
)


def test_focus_narrows_by_workload_direction_and_protocol(tmp_path: Path) -> None:
    here = written(tmp_path / "m", *HERE)

    def rows(*focus: str) -> list[Any]:
        asked = [text for one in focus for text in ("--focus", one)]
        done = run("reach", here, "--exposure", "-o", "json", *asked)
        assert done.exit_code == 0, done.output
        found: list[Any] = json.loads(done.stdout)["rows"]
        return found

    everything = rows()
    assert {row["direction"] for row in everything} == {"ingress", "egress"}
    one = rows("workload=a/one", "direction=ingress", "protocol=udp")
    assert {(row["direction"], row["destination"]["name"]) for row in one} == {("ingress", "one")}
    assert one == rows("workload=a/one", "direction=ingress")
    both = rows("workload=a/one", "workload=b/two")
    assert len(both) == len(everything)
    focus = ("--focus", "workload=a/one", "--focus", "direction=egress")
    plain = json.loads(run("reach", here, *focus, "-o", "json").stdout)["rows"]
    assert {row["source"]["name"] for row in plain} == {"one"} and len(plain) == 2


def test_a_protocol_in_focus_leaves_rows_out(tmp_path: Path) -> None:
    some = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"protocol": "UDP", "port": 53}]}]},
    }  # fmt: skip
    here = written(tmp_path / "m", *HERE, some)
    for protocol, count in (("tcp", 0), ("udp", 1)):
        focus = ("--focus", "workload=a/one", "--focus", "direction=ingress")
        done = run("reach", here, *focus, "--focus", f"protocol={protocol}", "-o", "json")
        rows = json.loads(done.stdout)["rows"]
        assert sum(row["source"]["kind"] == "Pod" for row in rows) == count


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--focus", "pod=a/one"), "C726"),
        (("--focus", "direction=up"), "C726"),
        (("--focus", "protocol=80/tcp"), "C726"),
        (("--focus", "workload=a/none"), "C710"),
    ],
)
def test_what_nobody_is_is_no_focus(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    here = written(tmp_path / "m", *HERE)
    for more in ((), ("--exposure",)):
        done = run("reach", here, *words, *more)
        assert done.exit_code == 2 and code in done.output
