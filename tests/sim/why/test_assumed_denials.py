"""A denial that another address would turn into an allow says so, and no other denial does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloison.cli import main

WORLD = """\
apiVersion: v1
kind: Pod
metadata: {{ name: mail, namespace: post }}
{status}
---
apiVersion: v1
kind: Pod
metadata: {{ name: stock, namespace: shop }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{ name: office, namespace: shop }}
spec:
  podSelector: {{}}
  ingress:
    - from: [{{ ipBlock: {{ cidr: {block} }} }}]
      ports: [{{ port: 80 }}]
"""


@pytest.mark.parametrize(
    ("status", "block", "port", "more", "hangs"),
    [
        ("", "192.168.0.0/16", 80, (), True),
        ("", "192.168.0.0/16", 81, (), False),
        ("", "fd00:1::/64", 81, (), False),
        ("", "192.168.0.0/16", 80, ("--ipblock", "external"), False),
        ("status: { podIP: 10.9.9.9 }", "192.168.0.0/16", 80, (), False),
    ],
)
def test_denials_by_an_assumed_address(
    tmp_path: Path, status: str, block: str, port: int, more: tuple[str, ...], hangs: bool
) -> None:
    (tmp_path / "all.yaml").write_text(WORLD.format(status=status, block=block))
    question = {"src": "post/mail", "dst": "shop/stock", "protocol": "TCP", "port": port}
    done = CliRunner().invoke(
        main, ["reach", str(tmp_path), "--flows", "-", *more], input=json.dumps(question)
    )
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "deny"
    assert [cause.get("assumed") for cause in answer["by"]] == [["address"] if hangs else None]
