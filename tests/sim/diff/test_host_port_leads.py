"""Host ports that open, close or lead elsewhere are told, whatever policies say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cloison.cli import main


def daemon(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "ports": [*ports]}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [container], **spec}}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "w", "namespace": "n"},
        "spec": {"selector": {"matchLabels": {"app": "w"}}, "template": template},
    }  # fmt: skip


def port(number: int, opened: int = 0, **more: str) -> dict[str, Any]:
    return {"containerPort": number, **({"hostPort": opened} if opened else {}), **more}


@pytest.mark.parametrize(
    ("old", "new", "change", "was", "now"),
    [
        ([port(80)], [port(80, 8080)], "new", [], ["8080/tcp of its node to 80/tcp"]),
        ([port(80, 8080)], [port(80)], "removed", ["8080/tcp of its node to 80/tcp"], []),
        ([port(80, 8080), port(81, 81)], [port(80, 9090), port(81, 81)], "edited",
         ["8080/tcp of its node to 80/tcp"], ["9090/tcp of its node to 80/tcp"]),
        ([port(80, 80)], [port(90, 80)], "edited",
         ["80/tcp of its node to 80/tcp"], ["80/tcp of its node to 90/tcp"]),
        ([port(53, 53)], [port(53, 53, protocol="UDP")], "edited",
         ["53/tcp of its node to 53/tcp"], ["53/udp of its node to 53/udp"]),
        ([port(80, 80, hostIP="127.0.0.1")], [port(80, 80)], "edited",
         ["80/tcp at 127.0.0.1 to 80/tcp"], ["80/tcp of its node to 80/tcp"]),
    ],
)  # fmt: skip
def test_where_host_ports_lead_and_led(
    tmp_path: Path, old: Any, new: Any, change: str, was: list[str], now: list[str]
) -> None:
    document = compared(tmp_path, daemon(*old), daemon(*new))
    assert not document["same"]
    (row,) = document["host_ports"]
    told = row["change"], row["workload"], row["old"], row["new"]
    assert told == (change, "n/w", was, now)


def test_host_ports_that_stay_are_no_difference(tmp_path: Path) -> None:
    named = [port(80, 80, name="a")], [port(80, 80, name="b")]
    for old, new in ((daemon(*a), daemon(*b)) for a, b in (named, named[::-1])):
        assert compared(tmp_path, old, new)["same"]
    on_hosts = daemon(port(80, 80), hostNetwork=True), daemon(port(80), hostNetwork=True)
    assert compared(tmp_path, *on_hosts)["same"]


def test_a_host_port_of_some_pods_is_none_of_all(tmp_path: Path) -> None:
    """Pods of a workload that runs may differ, while it is being replaced."""

    def running(name: str, *ports: dict[str, Any]) -> dict[str, Any]:
        owner = [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "w", "controller": True}]
        made = daemon(*ports)["spec"]["template"]
        about = {"name": name, "namespace": "n", "ownerReferences": owner, **made["metadata"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": made["spec"]}

    def both(*ports: dict[str, Any]) -> dict[str, Any]:
        some = [running("w-1", port(80, 8080)), running("w-2", *ports)]
        return {"apiVersion": "v1", "kind": "List", "items": some}

    (row,) = compared(tmp_path, both(port(80, 8080)), both(port(80)))["host_ports"]
    assert row["old"] == ["8080/tcp of its node to 80/tcp"]
    assert row["new"] == ["8080/tcp of its node to 80/tcp of some pods"]


def compared(tmp_path: Path, *worlds: Any) -> Any:
    for name, world in zip("on", worlds, strict=True):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "all.json").write_text(json.dumps(world))
    asked = ["diff", str(tmp_path / "o"), str(tmp_path / "n"), "-o", "json", "-q"]
    done = CliRunner().invoke(main, asked)
    document = json.loads(done.stdout)
    assert done.exit_code == (0 if document["same"] else 1)
    return document
