"""Who is denied something of a bucket and may change its policy is told so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    """Nobody gets objects of a bucket; one outsider may write its policy."""
    out = [{"name": "store", "from": "acme/web/*", "to": "zone2/store", "ports": ["443/tcp"]}]
    statements = [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::models/*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam:::user/globex:ops"},
         "Action": "s3:PutBucketPolicy", "Resource": "arn:aws:s3:::models"},
    ]  # fmt: skip
    document: dict[str, Any] = {
        "cloison": 1,
        "name": "stores",
        "sites": {"lab": {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 1}},
        "tenants": {
            "acme": {
                "hosts": ["host1"], "manifests": ["pods.yaml"],
                "vrfs": {"main": {"prefixes": ["10.1.0.0/24"], "advertise": ["10.1.0.0/24"],
                                  "default_route": "zone2"}},
            },
            "globex": {"hosts": ["host2"], "vrfs": {"main": {"prefixes": ["10.2.0.0/24"]}}},
        },
        "zones": {"zone2": {"endpoints": {"store": {"addresses": ["192.0.2.10"]}}, "rules": out}},
        "storage": {
            "regions": {"lga1": {"gateway": "zone2/store:443/tcp"}},
            "organisations": {
                "acme": {"keys": {"reader": "read", "admin": "full"}},
                "globex": {"keys": {"ops": "readwrite", "trainer": "readwrite"}},
            },
            "buckets": {
                "lga1/models": {
                    "owner": "acme",
                    "policy": {"Version": "2012-10-17", "Statement": statements},
                }
            },
        },
    }  # fmt: skip
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "front", "namespace": "web"}}
    (tmp_path / "pods.yaml").write_text(yaml.safe_dump(pod))
    (tmp_path / "f.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return tmp_path / "f.yaml"


def run(*words: str | Path) -> str:
    return CliRunner().invoke(main, ["storage", *map(str, words)]).stdout


AROUND = [
    ("acme/admin", ["s3:PutBucketPolicy and s3:DeleteBucketPolicy"]),
    ("globex/ops", ["s3:PutBucketPolicy"]),
    ("acme/reader", []),
    ("globex/trainer", []),
    ("anonymous", []),
]


@pytest.mark.parametrize(("who", "may"), AROUND)
def test_who_may_change_the_policy_is_told(fabric: Path, who: str, may: list[str]) -> None:
    asked = ("can-i", who, "s3:GetObject", "lga1/models/a", fabric)
    data = json.loads(run(*asked, "-o", "json"))
    told = [f"{who} may {one}, and so change what the policy says" for one in may]
    assert (data["verdict"], data["around"]) == ("denied", told)
    text = run(*asked)
    assert text.splitlines()[0].endswith("; but there is a way around") == bool(may)


def test_everybody_who_may_change_it_is_listed(fabric: Path) -> None:
    text = run("who-can", "s3:GetObject", "lga1/models/a", fabric)
    rows = [line.split() for line in text.splitlines()[3:]]
    found = {row[0] for row in rows if "around" in row}
    assert {"acme/admin", "globex/ops"} <= found and "acme/reader" not in found


def test_who_does_not_get_to_the_gateway_changes_nothing(fabric: Path) -> None:
    asked = ("can-i", "globex/ops", "s3:GetObject", "lga1/models/a", fabric, "-o", "json")
    assert json.loads(run(*asked, "--from", "acme/web/front"))["around"]
    assert json.loads(run(*asked, "--from", "globex/@node/host2"))["around"] == []


@pytest.mark.parametrize("condition", [None, {"StringNotEquals": {"aws:Referer": "here"}}])
def test_how_negated_conditions_are_read_is_said(fabric: Path, condition: Any) -> None:
    document = yaml.safe_load(fabric.read_text())
    statement = document["storage"]["buckets"]["lga1/models"]["policy"]["Statement"][0]
    if condition:
        statement["Condition"] = condition
    fabric.write_text(yaml.safe_dump(document))
    for asked in (("can-i", "anonymous"), ("who-can",)):
        for target in ("lga1/models/a", *(["lga1/*/a"] if asked[0] == "who-can" else [])):
            data = json.loads(run(*asked, "s3:GetObject", target, fabric, "-o", "json"))
            told = [one for one in data["assumed"] if "release 16" in one]
            assert bool(told) == bool(condition)
