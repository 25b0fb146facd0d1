"""A matcher by service account: one file (this), and the class is its row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import WORLD, seeds
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from matcher_laws import keeps_its_laws
from routed_demo import DEMO, DEMO_POLICY

from cloison.views.network.policy import rows
from compiler.policy.ir import (
    Action,
    Direction,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.matcher import Matcher
from compiler.policy.matcher_sorts import AddressMatcher, EndpointMatcher, NeighbourMatcher
from compiler.policy.matchers import Cidr, InVrf, OwnNode
from compiler.policy.origin_kinds import Listed, OriginKind
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.diff.diff import diff
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.why.blame import blame
from sim.why.happenings import steps
from sim.worlds.world import World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Account(EndpointMatcher):
    """Pods of a cluster that run as one of these service accounts, `namespace/name`."""

    cluster: str
    accounts: frozenset[str]

    def selects(self, endpoint: Endpoint, network: Network) -> bool:
        called = f"{endpoint.namespace}/{endpoint.service_account}"
        return endpoint.tenant == self.cluster and called in self.accounts

    def text(self) -> str:
        return f"accounts {self.cluster}/{', '.join(sorted(self.accounts))}"

    def looks(self) -> frozenset[str]:
        return frozenset(("tenant", "namespace", "service_account"))

    def label_keys(self) -> Iterable[str]:
        return ()


ALLOWANCE = OriginKind(
    "allowance", declared=False, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(1, 3), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
NAMES = ("web", "db", "default")


def peopled(network: Network) -> Network:
    """A network, its pods with service accounts."""
    ends = tuple(
        replace(e, service_account=NAMES[e.index % len(NAMES)]) if e.kind == "pod" else e
        for e in network.endpoints
    )
    return replace(network, endpoints=ends)


HERE, SMALL, ROUTED = map(peopled, (WORLD, stage_laws.small(), DEMO))


def matchers(network: Network) -> st.SearchStrategy[Account]:
    """By some accounts of one cluster."""
    pods = [e for e in network.endpoints if e.kind == "pod"]
    called = sorted({f"{e.namespace}/{n}" for e in pods for n in NAMES})
    return st.builds(
        Account,
        st.sampled_from(sorted({e.tenant for e in pods})),
        st.frozensets(st.sampled_from(called), min_size=1, max_size=3),
    )


MATCHERS = matchers(HERE)


@st.composite
def among(draw: st.DrawFn, others: st.SearchStrategy[Policy], mine: Any) -> Policy:
    """Rules by account, one of them before all others, and pods that are closed by account."""
    policy, stage, way = draw(others), draw(st.sampled_from(PLACES)), draw(st.sampled_from(WAYS))
    rules = tuple(
        Rule(stage, way, 1_000 * n - 1, (draw(mine),), (draw(mine),), (), draw(ACTIONS),
             Origin(ALLOWANCE, f"a{n}"))
        for n in range(draw(st.integers(1, 3)))
    )  # fmt: skip
    closed = Selection(stage, way, (draw(mine),), Action.DENY, Origin(ALLOWANCE, "closed"))
    return Policy((*rules, *policy.rules), (closed, *policy.selections), policy.stages)


PLACES, WAYS = (Stage.ISOLATION, Stage.WORKLOAD), list(Direction)
ACTIONS = st.sampled_from([Action.PERMIT, Action.PERMIT, Action.DENY])
FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
large = among(any_policies.policies(), MATCHERS)
small = among(random_worlds.policies(), matchers(ROUTED))


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed, HERE)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds().map(peopled), small, small)
def test_kernels_proof_checker_and_diff_agree(world: Network, one: Policy, two: Policy) -> None:
    stage_laws.replayed(world, one)
    stage_laws.proved(world, one)
    stage_laws.compared(world, one, two)


@FEW
@given(large, large, among(random_worlds.policies(), matchers(SMALL)), seeds)
def test_edits_and_dumps_agree(policy: Policy, added: Policy, of: Policy, seed: int) -> None:
    stage_laws.edits(policy, added, seed, HERE)
    stage_laws.dumped(of, seed, SMALL)


def test_explain_names_it_and_diff_says_whose_change_it_is() -> None:
    """web/b, which runs as `db`, lets in who runs as `web`; then nobody."""

    def letting_in(*accounts: str) -> World:
        pod, guests = (
            (Account("acme", frozenset({"web/db"})),),
            Account("acme", frozenset(accounts)),
        )
        place = Stage.WORKLOAD, Direction.IN
        rule = Rule(*place, -1, pod, (guests,), (), Action.PERMIT, Origin(ALLOWANCE, "guests"))
        closed = Selection(*place, pod, Action.DENY, Origin(ALLOWANCE, "closed"))
        kept = tuple(r for r in DEMO_POLICY.rules if r.stage is not Stage.WORKLOAD)
        return World(ROUTED, Policy((rule, *kept), (closed, *DEMO_POLICY.selections)))

    open_, shut = letting_in("web/web"), letting_in("web/default")
    passed, dropped = trace(open_, WEB), trace(shut, WEB)
    assert [t.reason.label for t in (passed, dropped)] == ["delivered", "policy_drop"]
    (step,) = [s for s in steps(open_, passed) if s.what == "IN WORKLOAD"]
    assert (step.result, step.because) == ("permit", "allowance guests")
    assert blame(shut, dropped).culprit.title == "allowance closed"
    found = diff(open_, shut)
    assert {change.kind for change in found.changes} == {"lost"}
    assert {change.new.culprit.title for change in found.changes} == {"allowance closed"}
    assert "allowance guests" in {change.old.culprit.title for change in found.changes}
    assert "accounts acme/web/web" in str([*rows(open_.program.policy)])


WEB = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)


@given(MATCHERS)
def test_it_keeps_the_laws_of_matchers(matcher: Account) -> None:
    keeps_its_laws(matcher, HERE)


SORTS = {Matcher: InVrf, EndpointMatcher: Account, NeighbourMatcher: OwnNode, AddressMatcher: Cidr}
"""What a matcher of its own and one of each sort have to say, and who says it."""
ASKED = [(sort, name) for sort in SORTS for name in sorted(sort.__abstractmethods__)]


def half(sort: type[Matcher], left_out: str, **more: bool) -> type[Matcher]:
    """A class that says all that the sort asks for, but for one thing."""
    asked = sort.__abstractmethods__ - {left_out}
    said = {name: vars(SORTS[sort])[name] for name in asked}
    return type("Half", (sort,), {**said, **more})


@pytest.mark.parametrize(("sort", "left_out"), ASKED, ids=lambda one: getattr(one, "__name__", one))
def test_half_done_it_cannot_be_made(sort: type[Matcher], left_out: str) -> None:
    says = {"near": False} if "means" in sort.__abstractmethods__ - {left_out} else {}
    with pytest.raises(TypeError, match=f"abstract .*{left_out}"):
        half(sort, left_out, **says)()


def test_a_matcher_says_of_itself_alone_whether_it_is_near() -> None:
    """What a sort means is said by the sort."""
    with pytest.raises(TypeError, match="Half does not say whether it is `near`"):
        half(Matcher, "text")
    for sort in (EndpointMatcher, NeighbourMatcher):
        with pytest.raises(TypeError, match="Half says whether it is `near`, and not what"):
            half(sort, "", near=not sort.near)


def test_a_matcher_of_endpoints_is_small() -> None:
    asked = EndpointMatcher.__abstractmethods__
    assert asked == {"selects", "text", "looks", "label_keys"} < Matcher.__abstractmethods__


def test_half_done_it_fails_the_type_checker(tmp_path: Path) -> None:
    """A kind of origin without a property, a matcher that does not say how it prints, and one that
    means otherwise than its sort."""
    (tmp_path / "half.py").write_text(
        "from compiler.policy.origin_kinds import OriginKind\n"
        "from compiler.policy.matchers import Everyone, Pods\n"
        "from compiler.policy.matcher_sorts import EndpointMatcher\n"
        "class Half(EndpointMatcher):\n"
        "    selects, looks, label_keys = Pods.selects, Pods.looks, Pods.label_keys\n"
        "Half()\n"
        "class Other(EndpointMatcher):\n"
        "    near = False\n"
        "    means = Everyone.means\n"
        'OriginKind("half", declared=True)\n'
    )
    pytest.importorskip("mypy")
    mypy = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    done = subprocess.run([*mypy, tmp_path / "half.py"], cwd=ROOT, capture_output=True, text=True)
    assert 'Cannot instantiate abstract class "Half"' in done.stdout, done.stdout
    assert 'Cannot override final attribute "means"' in done.stdout, done.stdout
    assert 'Missing named argument "silent"' in done.stdout
