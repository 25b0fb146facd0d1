"""Findings and warnings stand in the JSON of every verb that prints JSON: what stderr tells the
first of, and what `check` lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fabric_files import pods, vrf, write_fabric
from printed_kinds import kind_of, leaves

import cloison
from cloison.cli import main

WIDE = {"s": {"spines": 9, "leaves": 2, "hosts_per_pair": 4, "uplinks": 8}}
"""More uplinks than nodes install paths (C527)."""
DOUBT = """\
apiVersion: v1
kind: ConfigMap
metadata: { name: doubt, namespace: web, labels: { on: yes } }
---
"""
FLOW = ("a/web/one", "a/web/two:80/tcp")
VERBS: dict[str, Callable[[str], list[str]]] = {
    "suggest": lambda f: ["suggest", f],
    "coverage": lambda f: ["coverage", f],
    "compile": lambda f: ["compile", f, "--output", "json"],
    "diff": lambda f: ["diff", f, f],
    "rollout": lambda f: ["rollout", f, f],
    "explain": lambda f: ["explain", f, *FLOW],
    "reach": lambda f: ["reach", f],
    "replay": lambda f: ["replay", f, "--random", "10"],
    "show addresses": lambda f: ["show", "addresses", f],
    "show policy": lambda f: ["show", "policy", f],
    "show routes": lambda f: ["show", "routes", f],
    "show sessions": lambda f: ["show", "sessions", f],
    "show tables": lambda f: ["show", "tables", f],
    "show topology": lambda f: ["show", "topology", f],
    "simulate": lambda f: ["simulate", f],
    "spof": lambda f: ["spof", f],
    "verify": lambda f: ["verify", f],
}
MORE = {
    "explain several": lambda f: ["explain", f, "a/web/*", "a/web/*:80/tcp"],
    "show routes --evpn": lambda f: ["show", "routes", f, "--evpn"],
    "show routes --underlay": lambda f: ["show", "routes", f, "--underlay"],
    "show routes --paths": lambda f: ["show", "routes", f, "--underlay", "--paths"],
    "show tables --engine": lambda f: ["show", "tables", f, "--engine"],
    "show tables --node": lambda f: ["show", "tables", f, "--node", "dpu1"],
    "show topology --links": lambda f: ["show", "topology", f, "--links"],
}
APART = {
    "compare": "tests/cloison/cli/devices/test_compare.py",
    "check": "its rows are these",
    "import": "no fabric",
    "review": "no fabric",
    "identity check": "no fabric",
    "identity user": "no fabric",
    "can-i": "a decision: what is doubtful is on stderr",
    "who-can": "likewise",
    "roles diff": "likewise",
    **{
        f"storage {verb}": "a decision, or its lines are these"
        for verb in ("can-i", "who-can", "outsiders", "lint")
    },
    **{
        f"access {verb}": "it builds nothing: tests/cloison/cli/access/test_access.py"
        for verb in ("request", "approve", "deny", "list", "show", "timeline")
    },
    "bench": "no fabric",
    "show timeline": "it builds nothing: tests/cloison/cli/test_at_all_times.py",
    "lab test": "tests/sim/lab/test_lab.py",
}
OF_THE_FILE = {"show topology", "show topology --links"}
"""They build no network."""


def commands(group: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every verb, by its words."""
    if not isinstance(group, click.Group):
        yield " ".join(path), group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, *path, name)


def test_no_verb_that_prints_json_is_left_out() -> None:
    speaking = set()
    for name, command in commands(main):
        for option in command.params:
            if option.name == "output" and "json" in getattr(option.type, "choices", ()):
                speaking.add(name)
    assert speaking == {*VERBS, *APART}


def world(folder: Path) -> Path:
    """Doubts about the file (C437), a label (C607), what was built (C449, C527); and a finding."""
    pins = {"asn": {"leaf1": 65101, "leaf2": 65101}, "addresses": {"a/web/gone": ["10.0.9.9"]}}
    tenants = {
        "a": vrf("10.0.0.0/16", vni=20001),
        "b": vrf("10.1.0.0/16", vni=20002, import_rts=["65000:29999"]),
    }
    live = {"a": ["web/one@host1", "web/two@host2"], "b": ["web/one@host2"]}
    path = write_fabric(
        folder, tenants, live, sites=WIDE, pins=pins, expect=[{"allow": "a/web/one -> a/web/two"}]
    )
    with (folder / "a.yaml").open("a") as manifest:
        manifest.write(DOUBT)
    return path


def told(*arguments: str) -> tuple[dict[str, Any], str]:
    """The document and what stands on stderr."""
    more = [] if "--output" in arguments else ["-o", "json"]
    done = CliRunner().invoke(main, [*arguments, *more])
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("verb", [*VERBS, *MORE])
def test_every_document_has_what_check_lists(tmp_path: Path, verb: str) -> None:
    path = world(tmp_path)
    listed = told("check", str(path))[0]["rows"]
    document, stderr = told(*(VERBS | MORE)[verb](str(path)))
    if verb in OF_THE_FILE:
        listed = [row for row in listed if row["code"] == "C437"]
    else:
        codes = sorted(row["code"] for row in listed)
        assert codes == ["C437", "C449", "C456", "C522", "C527", "C607"]
    assert document["diagnostics"] == listed
    assert {row["severity"] for row in listed} <= {"warning", "finding"}
    warned = {row["code"] for row in listed if row["severity"] == "warning"}
    assert set(re.findall(r"warning\[(C\d+)\]", stderr)) == warned
    kinds = {kind_of(where) for where, _ in leaves({"diagnostics": document["diagnostics"]})}
    assert kinds == {"other"}


@pytest.mark.parametrize("verb", ["reach", "simulate", "diff", "explain"])
def test_so_has_every_document_about_manifests(tmp_path: Path, verb: str) -> None:
    (tmp_path / "all.yaml").write_text(DOUBT + pods("web/one@host1", "web/two@host2"))
    ends = ("web/one", "web/two:80/tcp") if verb == "explain" else ()
    paths = [str(tmp_path)] * (1 + (verb == "diff"))
    document, stderr = told(verb, *paths, *ends)
    assert [row["code"] for row in document["diagnostics"]] == ["C607"]
    assert "C607" in stderr


def test_rules_without_effect_stand_beside_who_reaches_whom(tmp_path: Path) -> None:
    policy = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: nobody, namespace: web }
spec: { podSelector: { matchLabels: { app: gone } }, policyTypes: [Ingress] }
"""
    (tmp_path / "all.yaml").write_text(pods("web/one@host1") + policy)
    document, stderr = told("reach", str(tmp_path))
    (row,) = document["diagnostics"]
    assert row["code"] == "C673" and row["file"].endswith("all.yaml")
    assert row["hint"].startswith("no pod there has app=gone")
    assert "C673" in stderr


def test_a_certificate_that_is_compared_with_a_fabric_has_what_is_said_of_it(
    tmp_path: Path,
) -> None:
    path, certificate = world(tmp_path), tmp_path / "proof.json"
    listed = told("verify", str(path), "--certificate", str(certificate))[0]["diagnostics"]
    with_it, stderr = told("verify", str(path), "--check-certificate", str(certificate))
    alone, _ = told("verify", "--check-certificate", str(certificate))
    assert with_it["diagnostics"] == listed and "warning[C527]" in stderr
    assert alone["diagnostics"] == []


def test_results_in_python_say_how_much_is_doubtful(tmp_path: Path) -> None:
    built = cloison.build(world(tmp_path))
    assert len(built.warnings) == 5 and repr(built).endswith("; 5 warnings")
    proved = cloison.prove(built)
    codes = {row["code"] for row in proved.warnings}
    assert codes == {"C437", "C449", "C456", "C527", "C607"}
    assert repr(proved).endswith("; 5 warnings")
    for shown in (built, proved):
        assert "Warnings" in shown._repr_html_() and "C527" in shown._repr_html_()
