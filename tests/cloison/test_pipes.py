"""A law over all verbs: what is read by a program, as in a pipe to grep, breaks no word and folds
no cell of a table, however narrow COLUMNS says that the terminal is."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner
from device_state import write_state
from role_clusters import role_fabric
from rule_sets.catalogue import generate

from cloison.cli import VERBS, main
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.classify.classbench import write_rules

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
BROKEN = TOPOLOGIES / "broken" / "missing-egress-rule.yaml"
CLUSTER = TOPOLOGIES / "manifests" / "demo" / "inference"
RUNS = (
    "check FABRIC",
    "show topology FABRIC",
    "show topology FABRIC --links",
    "show addresses FABRIC",
    "show addresses FABRIC --what nodes",
    "show addresses FABRIC --what blocks",
    "show addresses FABRIC --what endpoints",
    "show sessions FABRIC",
    "show routes FABRIC",
    "show routes FABRIC --evpn",
    "show routes FABRIC --underlay",
    "show routes FABRIC --underlay --paths",
    "show policy FABRIC",
    "show timeline FABRIC",
    "show tables FABRIC",
    "show tables FABRIC --node dpu1",
    "compile FABRIC --out OUT",
    "verify FABRIC",
    "verify BROKEN",
    "spof FABRIC",
    "suggest WANTING",
    "coverage FABRIC",
    "expect FABRIC --from-current",
    "simulate FABRIC",
    "simulate CLUSTER",
    "reach FABRIC",
    "reach FABRIC --to acme/*",
    "reach CLUSTER",
    "reach CLUSTER --exposure",
    "explain FABRIC */@node/* */@node/host1",
    "explain FABRIC acme/web/front acme/catalog/db:5432",
    "explain CLUSTER serving/router serving/llm:8000",
    "explain CILIUM shop/store/front shop/store/cart:8080 --http REQUEST",
    "replay FABRIC --random 60 --by-flow",
    "import nvue NVUE",
    "import nvue NVUE --ignored",
    "review NVUE",
    "compare FABRIC --state STATE",
    "identity check --requests QUESTIONS",
    "can-i serviceaccount:shop/agent get secrets -n shop ROLES",
    "can-i jane get pods -n shop --from acme/@node/host2 ROLED",
    "storage lint --policy BUCKET --bucket happybucket",
    "access list SUPPORTED",
    "who-can get pods -n shop ROLES",
    "roles diff ROLES CLUSTER",
    "diff FABRIC BROKEN",
    "rollout WHOLE BROKEN",
    "diff CLUSTER OTHERS",
    "approve FABRIC BROKEN --reason r --approved-by a --expires 2030-01-01T00:00:00Z -o APPROVED",
    "bench --rules RULES --packets 500 --rounds 1",
)
WANTED = """patch:
  - { at: [expect], append: { allow: "acme/web/front -> acme/catalog/db:5432/tcp" } }
"""
"""What the policies of a fabric do not let pass."""
ELSEWHERE = {"init", "lab", "plot", "report", "schema", "warmup"}
"""Verbs that need the machine, or print no more than what they wrote."""
TIMED = re.compile(r"\d+(?:[.,]\d+)*")


def printed(arguments: list[str], columns: int | None) -> list[str]:
    """Lines of what a verb prints, without figures: those of time are never the same."""
    said = None if columns is None else str(columns)
    done = CliRunner(env={"COLUMNS": said}).invoke(main, arguments)
    assert done.exit_code in (0, 1, 4), done.output
    return TIMED.sub("0", done.stdout).splitlines()


def tables(lines: list[str]) -> list[list[str]]:
    """Heads and rows of tables, without what fills them up: cells stand three columns apart."""
    found = []
    for number, line in enumerate(lines):
        if line and set(line) == {"─"}:
            rows = takewhile(lambda row: "   " in row.strip(), lines[number + 1 :])
            found.append([" ".join(row.split()) for row in (lines[number - 1], *rows)])
    return found


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("p")
    write_rules(generate("policy-1k"), folder / "mine.rules")
    state = write_state(build(load_fabric(BROKEN), lock=False), folder / "state")
    others = TOPOLOGIES / "manifests" / "demo" / "training"
    wanting = folder / "wanting.yaml"
    wanting.write_text(f"extends: {TOPOLOGIES / 'small.yaml'}\n{WANTED}")
    roled = role_fabric(folder)
    supported = folder / "supported.yaml"
    supported.write_text(
        f"extends: {roled.name}\npatch:\n"
        "  - { at: [access], set: { from: zone0/acme-api, approvers: { acme: [ann] } } }\n"
    )
    bucket = folder / "bucket.json"
    bucket.write_text(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",'
        ' "Action": "s3:GetObject", "Resource": "arn:aws:s3:::happybucket/*"}]}'
    )
    return {
        "BUCKET": str(bucket),
        "SUPPORTED": str(supported),
        "ROLED": str(roled),
        "ROLES": str(roled.parent / "acme"),
        "FABRIC": str(TOPOLOGIES / "small.yaml"),
        "WHOLE": str(TOPOLOGIES / "demo.yaml"),
        "BROKEN": str(BROKEN),
        "CLUSTER": str(CLUSTER),
        "OTHERS": str(others),
        "CILIUM": str(TOPOLOGIES / "cilium.yaml"),
        "REQUEST": "GET /carts/%61",
        "STATE": str(state),
        "QUESTIONS": str(Path(__file__).parents[1] / "compiler" / "identity" / "questions.jsonl"),
        "NVUE": str(Path(__file__).parents[1] / "compiler" / "imports" / "nvue"),
        "RULES": str(folder / "mine.rules"),
        "WANTING": str(wanting),
        "OUT": str(folder / "out"),
        "APPROVED": str(folder / "approved.yaml"),
    }


@pytest.mark.slices(3)
@pytest.mark.parametrize("run", RUNS)
def test_no_word_is_broken_and_no_cell_folded(run: str, places: dict[str, str]) -> None:
    arguments = [places.get(word, word) for word in run.split()]
    whole = printed(arguments, None)
    words = {word for line in whole for word in line.split()}
    for columns in (20, 80):
        lines = printed(arguments, columns)
        broken = [word for line in lines for word in line.split() if word not in words]
        assert not broken
        assert tables(lines) == tables(whole)


def test_every_verb_is_piped() -> None:
    assert {run.split()[0] for run in RUNS} | ELSEWHERE == set(VERBS)
