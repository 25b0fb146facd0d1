"""Buckets of a fabric file: permission and path together, to the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main

FABRIC = """\
cloison: 1
name: stores
sites:
  lga1: { spines: 2, leaves: 2, hosts_per_pair: 2, borders: 1 }
tenants:
  acme:
    hosts: [host1]
    manifests: [pods.yaml]
    vrfs:
      main:
        prefixes: [10.1.0.0/24, "fd00:1::/64"]
        default_route: zone2
        advertise: [10.1.0.0/24, "fd00:1::/64"]
  globex:
    hosts: [host2]
    manifests: [pods.yaml]
    vrfs: { main: { prefixes: [10.2.0.0/24] } }
zones:
  zone2:
    endpoints:
      object-store: { addresses: [192.0.2.10, "2001:db8::10"] }
      plain-store: { addresses: [192.0.2.11] }
      inet: { addresses: [0.0.0.0/0] }
    rules:
      - { name: to-storage, from: "acme/web/*", to: zone2/object-store, ports: [443/tcp] }
      - { name: to-plain, from: "acme/web/*", to: zone2/plain-store, ports: [80/tcp] }
storage:
  regions:
    lga1: { gateway: "zone2/object-store:443/tcp" }
    ord1: { gateway: "zone2/plain-store:80/tcp" }
  organisations:
    acme: { keys: { reader: read, writer: write, admin: full } }
    globex: { keys: { trainer: readwrite } }
  buckets:
    lga1/models: { owner: acme, policy: models.json }
    ord1/models: { owner: acme, policy: models.json }
    lga1/results: { owner: globex }
    lga1/site:
      owner: acme
      public: true
      policy:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: "s3:GetObject"
            Resource: "arn:aws:s3:::site/*"
"""
PODS = """\
apiVersion: v1
kind: Pod
metadata: { name: front, namespace: web }
---
apiVersion: v1
kind: Pod
metadata: { name: batch, namespace: jobs }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: many, namespace: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: many } }
  template: { metadata: { labels: { app: many } }, spec: { containers: [] } }
"""
ALLOWED = {
    "Effect": "Allow",
    "Principal": {"AWS": ["arn:aws:iam:::user/globex:trainer", "initech"]},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::models/*",
    "Condition": {
        "IpAddress": {"aws:SourceIp": "10.1.0.0/24"},
        "Bool": {"aws:SecureTransport": "true"},
    },
}
DENIED = {**ALLOWED, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
OBJECT = "lga1/models/a"


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    (tmp_path / "pods.yaml").write_text(PODS)
    policy = {"Version": "2012-10-17", "Statement": [ALLOWED, DENIED]}
    (tmp_path / "models.json").write_text(json.dumps(policy, indent=1))
    (tmp_path / "fabric.yaml").write_text(FABRIC)
    return tmp_path / "fabric.yaml"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["storage", *map(str, words)])


def can(fabric: Path, who: str, action: str, target: str, *more: str) -> tuple[int, dict[str, Any]]:
    done = run("can-i", who, action, target, fabric, *more, "-o", "json")
    assert done.exit_code in (0, 1, 4), done.output
    return done.exit_code, json.loads(done.stdout)


def test_permission_says_yes_and_the_network_no(fabric: Path) -> None:
    for end, line in (("acme/jobs/batch", "fabric.yaml:"), ("globex/web/front", "fabric.yaml:")):
        code, said = can(fabric, "acme/reader", "s3:GetObject", OBJECT, "--from", end)
        assert code == 1 and said["reason"] == "no_path" and line in said["at"][0]
        parts = {row["part"].partition(",")[0]: row["verdict"] for row in said["rows"]}
        assert parts == {"permission": "allowed", "path": "denied"}


def test_the_network_says_yes_and_permission_no(fabric: Path) -> None:
    code, said = can(fabric, "acme/writer", "s3:GetObject", OBJECT, "--from", "acme/web/front")
    assert code == 1 and said["reason"] == "level"
    parts = {row["part"].partition(",")[0]: row["verdict"] for row in said["rows"]}
    assert parts == {"permission": "denied", "path": "allowed"}
    code, said = can(fabric, "acme/admin", "s3:PutObject", OBJECT, "--from", "acme/web/front")
    assert code == 0, "by IPv6 the address is another one, and nothing denies"
    assert [row["verdict"] for row in said["rows"]] == ["denied", "allowed", "allowed", "allowed"]


def test_both_say_yes(fabric: Path) -> None:
    code, said = can(fabric, "acme/reader", "s3:GetObject", OBJECT, "--from", "acme/web/front")
    assert code == 0 and said["level"] == "read" and said["gateway"] == "zone2/object-store:443/tcp"
    assert len(said["rows"]) == 4 and all(row["at"] for row in said["rows"])


def test_a_gateway_sees_the_address_of_the_sender(fabric: Path) -> None:
    code, said = can(fabric, "globex/trainer", "s3:GetObject", OBJECT, "--from", "acme/web/front")
    assert code == 0 and said["conditions"] == [
        "IpAddress aws:SourceIp: 10.1.0.0/24",
        "Bool aws:SecureTransport: true",
    ]
    assert "models.json:" in said["at"][0]
    by_version = {row["part"]: row["verdict"] for row in said["rows"]}
    assert by_version["permission, IPv6"] == "denied"
    code, said = can(fabric, "globex/trainer", "s3:GetObject", OBJECT, "--from", "acme/web/many")
    assert code == 4, "two pods have two addresses"
    assert "aws:SourceIp" in said["conditions"][0]


def test_whether_a_request_to_another_port_has_tls_is_unknown(fabric: Path) -> None:
    ask = ("globex/trainer", "s3:GetObject", "ord1/models/a", "--from", "acme/web/front")
    code, said = can(fabric, *ask)
    assert code == 4 and "aws:SecureTransport" in said["conditions"][0]
    assert [row["part"] for row in said["rows"]] == ["permission", "path"], "it has no IPv6 address"
    assert can(fabric, *ask[:3])[0] == 4, "nobody said from where"


def test_what_is_said_of_a_request(fabric: Path) -> None:
    ask = ("globex/trainer", "s3:GetObject", OBJECT)
    near = ("--with", "aws:SourceIp=10.1.0.7", "--with", "aws:SecureTransport=true")
    assert can(fabric, *ask, *near)[0] == 0
    assert can(fabric, *ask, *near[:2], "--without", "aws:SecureTransport")[0] == 1
    assert can(fabric, *ask, "--with", "aws:SourceIp=11.1.0.7")[0] == 1
    forged = run("can-i", *ask, fabric, "--from", "acme/web/front", *near)
    assert forged.exit_code == 2 and "C979" in forged.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("acme/reder", "s3:GetObject", OBJECT), "C978"),
        (("acne", "s3:GetObject", OBJECT), "C978"),
        (("acme", "s3:GetObject", "lga1/model/a"), "C978"),
        (("acme", "s3:GetObject", "las1/models/a"), "C978"),
        (("acme", "s3:GetObject", "lga1/models"), "C979"),
        (("acme", "s3:ListBucket", OBJECT), "C979"),
        (("acme", "s3:Get", OBJECT), "C979"),
    ],
)
def test_what_is_not_there(fabric: Path, words: tuple[str, ...], why: str) -> None:
    done = run("can-i", *words, fabric)
    assert done.exit_code == 2 and why in done.stderr


def who(fabric: Path, action: str, target: str, *more: str) -> dict[str, str]:
    done = run("who-can", action, target, fabric, *more, "-o", "json")
    assert done.exit_code in (0, 4), done.output
    return {row["who"]: row["verdict"] for row in json.loads(done.stdout)["rows"]}


def test_who_can_is_can_i_of_everybody(fabric: Path) -> None:
    end = ("--from", "acme/web/front")
    found = who(fabric, "s3:GetObject", OBJECT, *end)
    assert found == {
        "anonymous": "denied",
        "another organisation/any key": "denied",
        "acme (root)": "allowed",
        "acme/admin": "allowed",
        "acme/reader": "allowed",
        "acme/writer": "denied",
        "globex (root)": "denied",
        "globex/trainer": "allowed",
        "initech/any key": "allowed",
    }
    for name, verdict in found.items():
        if name in ("another organisation/any key", "initech/any key"):
            continue
        asked = name.removesuffix(" (root)")
        code, said = can(fabric, asked, "s3:GetObject", OBJECT, *end)
        assert said["verdict"] == verdict and code == {"allowed": 0, "denied": 1}[verdict]


def test_a_public_bucket_is_everybodys_who_gets_there(fabric: Path) -> None:
    found = who(fabric, "s3:GetObject", "lga1/site/a")
    assert {*found.values()} == {"allowed"}
    assert who(fabric, "s3:PutObject", "lga1/site/a")["anonymous"] == "denied"
    far = who(fabric, "s3:GetObject", "lga1/site/a", "--from", "globex/web/front")
    assert {*far.values()} == {"denied"}


def test_lint_of_a_fabric(fabric: Path) -> None:
    done = run("lint", fabric, "-o", "json")
    rows = json.loads(done.stdout)["rows"]
    assert done.exit_code == 0 and [row["code"] for row in rows] == ["C972"]
    fabric.write_text(FABRIC.replace("      public: true\n", "").replace("site/*", "sit/*"))
    done = run("lint", fabric, "-o", "json")
    told = {row["code"]: row for row in json.loads(done.stdout)["rows"]}
    assert done.exit_code == 1 and {"C970", "C971"} <= told.keys()
    assert (told["C970"]["line"], told["C971"]["line"], told["C971"]["column"]) == (43, 46, 23)
    assert run("lint").exit_code == 2


def test_policies_lie_where_files_may_be_read(fabric: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}.json"
    outside.write_text("{}")
    for path, code in (("nothing.json", "C101"), (f"../{outside.name}", "C112")):
        fabric.write_text(FABRIC.replace("policy: models.json", f"policy: {path}"))
        done = run("who-can", "s3:GetObject", OBJECT, fabric)
        assert done.exit_code == 2 and code in done.stderr, (path, done.stderr)


def test_a_file_that_extends_another_keeps_its_policies(fabric: Path) -> None:
    below = fabric.parent / "below"
    below.mkdir()
    more = below / "more.yaml"
    more.write_text("extends: ../fabric.yaml\n")
    root = ("--root", str(fabric.parent))
    assert can(more, "acme/reader", "s3:GetObject", OBJECT, *root)[0] == 0
    assert can(more, "acme/admin", "s3:PutObject", OBJECT, *root)[0] == 4, "its policy is read"


def test_tables_name_parts_and_lines(fabric: Path) -> None:
    done = run("can-i", "acme/reader", "s3:GetObject", OBJECT, fabric, "--from", "acme/web/front")
    assert done.exit_code == 0 and done.stdout.startswith("yes: acme/reader, s3:GetObject of")
    done = run("who-can", "s3:PutObject", "lga1/results/a", fabric, "-o", "md")
    assert done.exit_code == 0 and "globex/trainer" in done.stdout and "anonym" not in done.stdout


@pytest.mark.parametrize("end", [None, "acme/web/front", "acme/web/many", "globex/web/front"])
def test_many_buckets_are_each_of_them(fabric: Path, end: str | None) -> None:
    more = ("--from", end) if end else ()
    for action, key in (("s3:GetObject", "/a"), ("s3:PutObject", "/a"), ("s3:ListBucket", "")):
        done = run("who-can", action, f"*/*{key}", fabric, *more, "-o", "json")
        said = json.loads(done.stdout)
        assert said["buckets"] == 4 and done.exit_code in (0, 4), done.output
        found = {(row["bucket"], row["who"]): row["verdict"] for row in said["rows"]}
        wanted = {
            (bucket, name): verdict
            for bucket in ("lga1/models", "ord1/models", "lga1/results", "lga1/site")
            for name, verdict in who(fabric, action, f"{bucket}{key}", *more).items()
            if verdict != "denied"
        }
        assert {k: v for k, v in found.items() if not k[1].startswith("initech")} == {
            k: v for k, v in wanted.items() if not k[1].startswith("initech")
        }
        assert wanted.items() <= found.items()
    assert run("who-can", "s3:GetObject", "lga1/*", fabric).exit_code == 2
    assert "C979" in run("who-can", "s3:Get", "lga1/*/a", fabric).stderr


def test_outsiders(fabric: Path) -> None:
    done = run("outsiders", "lga1/*", fabric, "-o", "json")
    rows = {row["bucket"]: row for row in json.loads(done.stdout)["rows"]}
    assert done.exit_code == 1
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "lga1/models": "fails",
        "lga1/results": "holds",
        "lga1/site": "fails",
    }
    found = rows["lga1/models"]["request"]
    assert found["who"] == "globex/trainer" and found["context"]["aws:SourceIp"] == ["10.1.0.0"]
    assert "models.json:" in rows["lga1/models"]["at"][0]
    assert run("outsiders", "lga1/results", fabric).exit_code == 0
    assert "C978" in run("outsiders", "lga1/nothing", fabric).stderr


def test_check_reads_policies(fabric: Path) -> None:
    def check() -> Result:
        return CliRunner().invoke(main, ["check", str(fabric)])

    done = check()
    assert done.exit_code == 0 and done.stdout.count("C972") == 1
    (fabric.parent / "models.json").write_text("{")
    done = check()
    assert done.exit_code == 2 and "models.json:1:2: error[C960]" in done.stdout
    fabric.write_text(FABRIC.replace("      public: true\n", "").replace("policy: models.json", ""))
    done = check()
    assert done.exit_code == 1 and "finding[C970]" in done.stdout
