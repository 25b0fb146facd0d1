"""The table of docs/formats.md: what every verb says and exits with where something is not
evaluated, alone and beside a finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fabric_files import pods, vrf, write_fabric

from cloison.cli import main
from cloison.cli.shell.errors import FINDING, UNKNOWN, USAGE

FLOW = ("a/web/one", "a/web/two:80/tcp")
UNTOUCHED = ("b/web/one", "b/web/two:80/tcp")
OUT = "OUT"
QUESTION = '{"src": "web/one", "dst": "web/two", "protocol": "TCP", "port": 80}\n'
ODD = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: odd, namespace: web }
spec: { endpointSelector: {} }
"""
HOLDS = 0
JUDGES: dict[str, list[str]] = {
    "check": ["check", "FABRIC"],
    "verify": ["verify", "FABRIC", "-q"],
    "simulate": ["simulate", "FABRIC", "-q"],
    "compile": ["compile", "FABRIC", "-q"],
    "compile to files": ["compile", "FABRIC", "-q", "--out", OUT],
    "diff": ["diff", "FABRIC", "FABRIC", "-q"],
}
"""What says whether a world is as it should be: a finding is 1 here."""
ASKERS: dict[str, list[str]] = {
    "explain": ["explain", "FABRIC", *FLOW],
    "explain pattern": ["explain", "FABRIC", "a/*", "a/*"],
    "reach": ["reach", "FABRIC"],
    "reach between": ["reach", "FABRIC", "--from", FLOW[0], "--to", FLOW[1]],
    "replay": ["replay", "FABRIC", "--random", "10", "-q"],
    "replay by flow": ["replay", "FABRIC", "--random", "10", "-q", "--by-flow"],
    "plot matrix": ["plot", "FABRIC", "--matrix", "--out", f"{OUT}.svg"],
    "plot trace": ["plot", "FABRIC", "--trace", *FLOW, "--out", f"{OUT}.svg"],
}
"""What answers a question of reachability: what touches it is 4, findings are told beside it."""
LISTS: dict[str, list[str]] = {
    "show addresses": ["show", "addresses", "FABRIC"],
    "show endpoints": ["show", "addresses", "FABRIC", "--what", "endpoints"],
    "show sessions": ["show", "sessions", "FABRIC"],
    "show routes": ["show", "routes", "FABRIC"],
    "show tables": ["show", "tables", "FABRIC"],
    "show entries": ["show", "tables", "FABRIC", "--node", "dpu1"],
    "show engines": ["show", "tables", "FABRIC", "--engine"],
    "show policy": ["show", "policy", "FABRIC"],
}
"""What lists what was read and computed: no verdict, and so 0."""
FAR: dict[str, list[str]] = {
    "explain untouched": ["explain", "FABRIC", *UNTOUCHED],
    "reach untouched": ["reach", "FABRIC", "--from", UNTOUCHED[0], "--to", UNTOUCHED[1]],
    "show topology": ["show", "topology", "FABRIC"],
    "plot": ["plot", "FABRIC", "--out", f"{OUT}.svg"],
}
"""What nothing of the object's tenant touches."""
CLUSTER: dict[str, list[str]] = {
    "simulate DIR": ["simulate", "DIR", "-q"],
    "diff DIR": ["diff", "DIR", "DIR", "-q"],
    "explain DIR": ["explain", "DIR", "web/one", "web/two:80/tcp"],
    "reach DIR": ["reach", "DIR"],
    "reach DIR --flows": ["reach", "DIR", "--flows", "QUESTIONS"],
}
FABRICS_ONLY: dict[str, list[str]] = {
    "check DIR": ["check", "DIR"],
    "verify DIR": ["verify", "DIR"],
    "compile DIR": ["compile", "DIR"],
    "replay DIR": ["replay", "DIR", "--random", "10"],
    "show policy DIR": ["show", "policy", "DIR"],
}
ONE_FORM = ("plot matrix", "plot trace", "plot", "reach DIR --flows")


def written(folder: Path, *, odd: bool, finding: bool = False) -> dict[str, str]:
    """A fabric and a directory, with an object that nobody evaluates and a route that nobody
    declared, or without; by the words that stand for them."""
    tenants = {
        "a": vrf("10.0.0.0/16", vni=20001),
        "b": vrf("10.1.0.0/16", vni=20002, import_rts=["65000:20001"] if finding else []),
    }
    work = {"a": ["web/one@host1", "web/two@host2"], "b": ["web/one@host2", "web/two@host3"]}
    path = write_fabric(folder, tenants, work, expect=[{"allow": "a/web/one -> a/web/two"}])
    directory = folder / "manifests"
    directory.mkdir()
    (directory / "pods.yaml").write_text(pods(*work["a"]))
    if odd:
        for place in (folder / "a.yaml", directory / "pods.yaml"):
            place.write_text(place.read_text() + ODD)
    (folder / "questions").write_text(QUESTION)
    return {
        "FABRIC": str(path), "DIR": str(directory), "QUESTIONS": str(folder / "questions"),
        OUT: str(folder / "out"), f"{OUT}.svg": str(folder / "out.svg"),
    }  # fmt: skip


def run(verb: list[str], names: dict[str, str], *more: str) -> Result:
    return CliRunner().invoke(main, [*(names.get(word, word) for word in verb), *more])


EVERY = JUDGES | ASKERS | LISTS | FAR | CLUSTER
CODES = {
    **dict.fromkeys(JUDGES | ASKERS | CLUSTER, UNKNOWN),
    **dict.fromkeys(LISTS | FAR, HOLDS),
    **dict.fromkeys(FABRICS_ONLY, USAGE),
}


@pytest.mark.parametrize("verb", EVERY | FABRICS_ONLY)
def test_something_is_not_evaluated(tmp_path: Path, verb: str) -> None:
    """The code of the table; and whoever read the object names it, whatever the code. With the kind
    accepted it is still named."""
    arguments = (EVERY | FABRICS_ONLY)[verb]
    names = written(tmp_path, odd=True)
    done = run(arguments, names)
    assert done.exit_code == CODES[verb], done.output
    if verb in FABRICS_ONLY or verb in FAR:
        return
    assert verb in ONE_FORM or "CiliumNetworkPolicy" in done.stdout
    accepted = run(arguments, names, "--accept-unevaluated", "CiliumNetworkPolicy")
    assert accepted.exit_code == HOLDS, accepted.output
    assert verb in ONE_FORM or "CiliumNetworkPolicy" in accepted.stdout


@pytest.mark.parametrize("verb", EVERY)
def test_everything_is_evaluated(tmp_path: Path, verb: str) -> None:
    done = run(EVERY[verb], written(tmp_path, odd=False))
    assert done.exit_code == HOLDS, done.output
    assert "CiliumNetworkPolicy" not in done.output


@pytest.mark.parametrize("verb", JUDGES | ASKERS | LISTS)
def test_a_finding_is_told_before_what_is_unknown(tmp_path: Path, verb: str) -> None:
    done = run((JUDGES | ASKERS | LISTS)[verb], written(tmp_path, odd=True, finding=True))
    assert done.exit_code == (FINDING if verb in JUDGES else CODES[verb]), done.output
    assert "65000:20001" in done.output


@pytest.mark.parametrize("output", ["json", "yaml", "jsonl", "csv", "md"])
@pytest.mark.parametrize("verb", LISTS)
def test_a_listing_names_it_in_every_form(tmp_path: Path, verb: str, output: str) -> None:
    names = written(tmp_path, odd=True)
    done = run(LISTS[verb], names, "-o", output)
    assert done.exit_code == HOLDS
    assert "CiliumNetworkPolicy" in done.stdout
    if output == "json":
        found = json.loads(done.stdout)
        assert [record["name"] for record in found["not_evaluated"]] == ["odd"]
        assert "verdict" not in found
