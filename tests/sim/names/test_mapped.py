"""IPv4 addresses written as IPv6 ones are refused wherever somebody asks about addresses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import vrf, write_fabric
from routed import endpoint

from cloison.cli import main
from fabric.kubernetes.unmodelled.unevaluated import Touching, Unevaluated

NOTHING = "kind: Pod\napiVersion: v1\nmetadata: {name: p, namespace: n}\n"
ASKED = "[::ffff:10.0.0.0/120]", "::ffff:a00:1", "10.0.0.1, ::ffff:10.0.0.1-::ffff:10.0.0.9"


def refused(*command: str) -> bool:
    done = CliRunner().invoke(main, command)
    return done.exit_code == 2 and "has IPv4 addresses written as IPv6 ones" in done.stderr


@pytest.mark.parametrize("text", ASKED)
def test_in_a_fabric(tmp_path: Path, text: str) -> None:
    tenants = {"a": vrf("10.0.0.0/24", vni=10700)}
    fabric = str(write_fabric(tmp_path, tenants, {"a": ["n/s"]}))
    assert refused("explain", fabric, "a/n/s", f"{text}:80" if "[" in text else text)
    assert refused("explain", fabric, text, "a/n/s")
    assert refused("reach", fabric, "--from", text)
    assert refused("reach", fabric, "--to", text)


@pytest.mark.parametrize("text", ASKED)
def test_in_a_cluster(tmp_path: Path, text: str) -> None:
    (tmp_path / "pod.yaml").write_text(NOTHING)
    assert refused("explain", str(tmp_path), "n/p", text)
    assert refused("reach", str(tmp_path), "--from", text)
    assert refused("reach", str(tmp_path), "--to", text)


def test_in_a_question_and_in_a_filter(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(NOTHING)
    asked = {"src": "n/p", "dst": "ip:::ffff:10.0.0.1", "protocol": "TCP", "port": 80}
    command = ["reach", str(tmp_path), "--flows", "-"]
    done = CliRunner().invoke(main, command, input=json.dumps(asked))
    assert "has IPv4 addresses written as IPv6 ones" in done.output
    tenants = {"a": vrf("10.0.0.0/24", vni=10700)}
    fabric = str(write_fabric(tmp_path, tenants, {"a": ["n/s"]}))
    assert refused("show", "routes", fabric, "--prefix", "::ffff:10.0.0.0/120")


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"])
def test_whom_endpoints_name_so_is_touched(address: str) -> None:
    """Kubernetes takes them for the IPv4 ones."""
    owner = endpoint(0, "a/n/s", 0, 0, "10.0.0.1/32")
    record = Unevaluated(
        "v1", "Endpoints", "n", "e", None, "policy", "", "addresses", "a", addresses=(address,)
    )
    assert Touching([record], [owner]).of(0) == (record,)
