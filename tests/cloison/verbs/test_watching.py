"""A world that is edited, and watched, says what reading its files anew says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from shutil import copy, copytree

import pytest
import yaml
from any_policies import policies
from click.testing import CliRunner
from diff_worlds import cluster_pair, edited
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from routed_demo import DEMO

import cloison
from cloison.cli import main
from cloison.loading.how import AS_USUAL
from cloison.verbs.pair import both
from cloison.verbs.watching import Watch
from cloison.views.changes import differences
from cloison.views.isolation.vrf_pairs import crossing_rows
from cloison.views.world import World
from compiler.edit import Edit
from compiler.edit import edited as edited_policy
from compiler.policy.ir import Policy, Rule
from fabric.diagnostics import InputError
from sim.diff.diff import Diff, diff
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables_of
from sim.pipeline.traffic import all_pairs

ROOT = Path(__file__).parents[3]
TOPOLOGIES = ROOT / "topologies"
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


def said(found: Diff) -> str:
    return json.dumps(differences.document(found), default=str)


def anew(old: Path, new: Path) -> Diff:
    worlds = both([lambda how, p=p: World.read([p], how) for p in (old, new)], AS_USUAL)
    return diff(*worlds)


class Hands:
    """Who edits files between two looks: each step once, then Ctrl-C."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = [*steps]

    def __call__(self, _: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()


def until_stopped(rounds: Iterator[tuple[Diff, World]]) -> Iterator[tuple[Diff, World]]:
    try:
        yield from rounds
    except KeyboardInterrupt:
        return


@pytest.mark.slices(4)
@settings(max_examples=15, deadline=None, phases=QUICK)
@given(st.integers(0, 2**32))
def test_watched_manifests_are_read_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = Random(seed)
    folder = tmp_path_factory.mktemp("world")
    objects, after = cluster_pair(rng)
    states = [after, edited(rng, after), edited(rng, objects), objects]
    old, new = folder / "old.yaml", folder / "new.yaml"
    for path in (old, new):
        path.write_text(yaml.safe_dump_all(objects))
    steps = [lambda s=s: new.write_text(yaml.safe_dump_all(s)) for s in states]
    refused: list[Exception] = []
    watch = Watch(old, new, AS_USUAL)
    seen = 0
    for found, world in until_stopped(watch.rounds(refused.append, Hands(*steps))):
        assert said(found) == said(anew(old, new))
        fresh = World.read([new], AS_USUAL)
        assert [*crossing_rows(world.proof)] == [*crossing_rows(fresh.proof)]
        seen += 1
    assert seen + len(refused) >= 2


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(policies(), policies(), st.integers(0, 3))
def test_an_edit_between_two_policies_leads_from_one_to_the_other(
    old: Policy, other: Policy, kept: int
) -> None:
    """Rules of one order, and selections, as they stand in the policy that is wanted."""
    new = Policy(
        (*old.rules[:kept], *other.rules, *old.rules[kept + 1 :]),
        (*old.selections[:kept], *other.selections),
    )
    edit = Edit.between(old, new)
    found = edited_policy(old, edit)
    assert found.selections == new.selections
    assert by_order(found) == by_order(new)
    for same in (Edit.between(new, new), Edit.between(new, replace(new))):
        assert not (same.removed.rules or same.added.rules or same.added.selections)


def by_order(policy: Policy) -> dict[object, list[Rule]]:
    out: dict[object, list[Rule]] = {}
    for rule in policy.rules:
        out.setdefault((rule.stage, rule.direction, rule.order), []).append(rule)
    return out


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A fabric of one's own to edit, manifests beside it."""
    copytree(TOPOLOGIES / "manifests" / "small", tmp_path / "manifests" / "small")
    copy(TOPOLOGIES / "small.yaml", tmp_path)
    lock = TOPOLOGIES / "small.lock.yaml"
    if lock.exists():
        copy(lock, tmp_path)
    return tmp_path / "small.yaml"


def policy_of(small: Path) -> Path:
    return small.parent / "manifests" / "small" / "acme" / "catalog.yaml"


def put(path: Path, old: str, new: str) -> Callable[[], object]:
    return lambda: path.write_text(path.read_text().replace(old, new))


def test_only_a_policy_differs_so_the_rest_is_shared(small: Path) -> None:
    before = World.read([small])
    put(policy_of(small), "port: postgres", "port: 5433")()
    after = before.edit(small)
    assert after.live is before.live
    assert after.network is not before.network
    assert after.program.network is after.network is after.blocks.program.network
    assert after.program.groups[: len(before.program.groups)] == before.program.groups
    fresh = World.read([small])
    assert cloison.diff(after, fresh).rows == ()
    assert cloison.diff(before, after).rows == cloison.diff(before, fresh).rows != ()
    assert after.once(tables_of) is after.live.now.tables
    sent = [*all_pairs(fresh.blocks)]
    for batch in sent:
        mine, theirs = (Datapath.of(w).decide(batch) for w in (after, fresh))
        assert (mine.reason == theirs.reason).all() and (mine.route == theirs.route).all()
    assert sum(len(batch) for batch in sent) > 1000
    again = before.edit(before)
    assert cloison.diff(again, before).rows == ()


def test_where_more_than_policies_differs_all_is_built(small: Path) -> None:
    before = World.read([small])
    after = before.edit(World.of(small, ["leaf1"]))
    assert after.program.network is after.network
    assert "live" not in vars(after)


def test_a_fabric_is_watched_with_all_that_it_names(small: Path) -> None:
    refused: list[Exception] = []
    policy = policy_of(small)
    whole = policy.read_text()
    deny = small.parent / "manifests" / "small" / "acme" / "zz-deny.yaml"
    steps = (
        put(policy, "port: postgres", "port: 5433"),
        lambda: policy.write_text("kind: ["),
        lambda: policy.write_text(whole),
        lambda: deny.write_text(DENY),
        deny.unlink,
        lambda: None,
    )
    watch = Watch(small, small, AS_USUAL)
    rounds = [found for found, _ in until_stopped(watch.rounds(refused.append, Hands(*steps)))]
    assert [found.same for found in rounds] == [True, False, True, False, True]
    (error,) = refused
    assert isinstance(error, InputError)
    assert {d.span.file for d in error.diagnostics if d.span} == {str(policy)}


def test_what_a_watch_says_of_isolation_is_never_more_than_known(small: Path) -> None:
    watch = Watch(small, small, AS_USUAL)
    world = World.read([small])
    assert watch.proved(world).startswith("Isolation holds for all packets")
    other = small.parent / "manifests" / "small" / "acme" / "zz-other.yaml"
    other.write_text(OTHER)
    assert watch.proved(World.read([small])).startswith("Isolation is unknown")
    crossing = World(DEMO, Policy())
    undeclared = next(row for row in crossing_rows(crossing.proof) if not row["declared"])
    said = f"first {undeclared['source']} -> {undeclared['destination']}: {undeclared['packet']}."
    assert watch.proved(crossing).startswith("Isolation fails for ")
    assert watch.proved(crossing).endswith(said)


DENY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: zz, namespace: catalog }
spec: { podSelector: {}, policyTypes: [Ingress, Egress] }
"""
OTHER = """apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: { name: other }
spec: { endpointSelector: {} }
"""


def test_ctrl_c_ends_it_with_0(small: Path) -> None:
    heard = "from signal import *; signal(SIGINT, default_int_handler)"
    command = [sys.executable, "-c", f"{heard}; from cloison.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "diff", str(small), "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("watching"):
            break
    put(policy_of(small), "port: postgres", "port: 5433")()
    for line in process.stderr:
        if line.startswith("watching"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (0, "")
    assert "No packet fares differently." in out
    assert "Everything else is unchanged." in out


@pytest.mark.parametrize("arguments", [("-", "--watch"), ("x.yaml",), ("missing.yaml", "--watch")])
def test_refusals(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["diff", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
