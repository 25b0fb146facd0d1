"""What is told of cluster-wide policies: mistakes, peers of unknown kinds, orders that nobody
defines."""
# ruff: noqa: E501 (one case, one line)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from admin_policy_cases import ALL, DENY_B, A, B, admin, baseline, item, run, wide, written

from compiler.sources import admin_policy
from compiler.sources.admin_policy import read
from fabric.building.cluster import cluster_network
from fabric.diagnostics import Diagnostics, InputError
from fabric.kubernetes.manifests import load_manifests


def test_one_priority_is_a_finding_where_it_decides(tmp_path: Path) -> None:
    allow, ask = [item("Allow", "from", ALL)], [item("Pass", "from", ALL)]
    one = admin("first", 5, ALL, ingress=allow)
    two = admin("second", 5, {"namespaces": A}, ingress=DENY_B)
    done = run("reach", written(tmp_path / "m", one, two))
    assert "finding[C676]" in done.stderr, done.stderr
    assert (
        "AdminNetworkPolicy first and AdminNetworkPolicy second have one priority, 5" in done.stderr
    )
    assert "cluster/shop/cart from 10.244.0.3" in done.stderr
    for quiet in (
        (one, admin("second", 6, {"namespaces": A}, ingress=DENY_B)),
        (one, admin("second", 5, {"namespaces": A}, ingress=allow)),
        (admin("first", 5, {"namespaces": B}, ingress=allow), two),
        (one, wide("second", "Baseline", 5, ALL, ingress=DENY_B)),
        # who passes on says nothing that another one could contradict, here
        (admin("first", 5, ALL, ingress=ask), admin("second", 5, ALL, ingress=allow)),
    ):
        assert "C676" not in run("reach", written(tmp_path / "m", *quiet)).stderr
    # one version of the API has no place in the order of the other, whatever the priorities
    for newer, older in (
        (wide("new", "Admin", 4, ALL, ingress=[item("Accept", "from", ALL)]), two),
        (wide("new", "Baseline", 0, ALL, ingress=[item("Accept", "from", ALL)]),
         baseline(ALL, ingress=DENY_B)),
    ):  # fmt: skip
        done = run("reach", written(tmp_path / "m", newer, older))
        assert done.stderr.count("C676") == 1
        assert f"and {older['kind']} {older['metadata']['name']} are of two" in done.stderr
    apart = (
        admin("a", 1, ALL, ingress=allow),
        wide("b", "Admin", 2, ALL, egress=[item("Deny", "to", ALL)]),
        admin("c", 3, ALL, ingress=DENY_B),
    )
    agreed = (
        admin("a", 1, {"namespaces": B}, ingress=allow),
        wide("b", "Admin", 2, {"namespaces": B}, ingress=[item("Accept", "from", ALL)]),
        baseline(ALL, ingress=DENY_B),
    )
    for quiet in (apart, agreed):
        assert "C676" not in run("reach", written(tmp_path / "m", *quiet)).stderr
    between = (
        admin("a", 5, ALL, ingress=allow),
        admin("b", 5, ALL, ingress=DENY_B),
        admin("c", 5, ALL, ingress=allow),
    )
    done = run("reach", written(tmp_path / "m", *between))
    assert done.stderr.count("C676") == 1, "whichever comes first, b alone decides otherwise"


def test_no_policy_hides_that_two_others_have_no_order(tmp_path: Path) -> None:
    """Orders are tried together: of two policies of one priority the second may be the first of
    both versions, and what one tier leaves open another one may decide."""
    allow, ask = [item("Allow", "from", ALL)], [item("Pass", "from", ALL)]
    accept = [item("Accept", "from", ALL)]
    hidden = (
        wide("new", "Admin", 4, ALL, ingress=accept),
        admin("a", 5, ALL, ingress=allow),
        admin("b", 5, ALL, ingress=DENY_B),
    )
    behind = (
        wide("new", "Admin", 4, ALL, ingress=accept),
        admin("old", 5, ALL, ingress=ask),
        wide("calm", "Baseline", 0, ALL, ingress=accept),
        baseline(ALL, ingress=DENY_B),
    )
    passed_on = (
        wide("a", "Admin", 5, ALL, ingress=accept),
        wide("b", "Admin", 5, ALL, ingress=ask),
        wide("calm", "Baseline", 5, ALL, ingress=accept),
        wide("strict", "Baseline", 5, ALL, ingress=DENY_B),
    )
    why = "are of two versions", "are of two versions", "a and ClusterNetworkPolicy b have one"
    for number, objects in enumerate((hidden, behind, passed_on)):
        done = run("reach", written(tmp_path / str(number), *objects))
        assert done.stderr.count("C676") == 1, done.stderr
        assert why[number] in done.stderr


def test_a_peer_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    policies = admin(
        "x", 5, ALL, ingress=[item("Deny", "from", {"nodes": {}}), item("Allow", "from", {"a": {}})]
    )
    found = list(_lints(written(tmp_path / "m", policies)))
    assert [d.code for d in found] == ["C675", "C675"]
    assert "ingress rule 0" in found[0].message and found[0].message.endswith("denies everything")
    assert "ingress rule 1" in found[1].message and found[1].message.endswith(
        "lets nothing through"
    )


def _lints(folder: Path) -> Any:
    return admin_policy.lints(cluster_network([folder]), None)


MISTAKES = {
    "1001 is not one: 0 (first) to 1000": admin("x", 1001, ALL),
    'unknown field "egres"': admin("x", 1, ALL, egres=[]),
    "names namespaces or pods": admin("x", 1, {}),
    "is not one of Allow, Deny, Pass": admin("x", 1, ALL, ingress=[item("Accept", "from", ALL)]),
    "is not one of Allow, Deny": baseline(ALL, ingress=[item("Pass", "from", ALL)]),
    "is not Admin or Baseline": wide("x", "Normal", 1, ALL),
    "a rule needs from, with an item in it": admin("x", 1, ALL, ingress=[item("Deny", "from")]),
    "is of one kind, not 2": admin("x", 1, ALL, ingress=[item("Deny", "from", {"namespaces": {}, "pods": {}})]),
    "needs podSelector": admin("x", 1, {"pods": {"namespaceSelector": {}}}),
    "only pods call ports by names": admin(
        "x", 1, ALL, egress=[item("Deny", "to", {"networks": ["10.0.0.0/8"]}, ports=[{"namedPort": "web"}])]
    ),
    "domainNames can only be let through": wide(
        "x", "Admin", 1, ALL, egress=[item("Deny", "to", {"domainNames": ["example.org"]})]
    ),
    "is not a CIDR": admin("x", 1, ALL, egress=[item("Deny", "to", {"networks": ["ten"]})]),
    "is not below": wide(
        "x", "Admin", 1, ALL,
        ingress=[item("Deny", "from", ALL, protocols=[{"udp": {"destinationPort": {"range": {"start": 9, "end": 9}}}}])],
    ),
    "26 items, 25 at most": wide("x", "Admin", 1, ALL, ingress=[item("Deny", "from", *[ALL] * 26)]),
    "needs destinationPort": wide("x", "Admin", 1, ALL, ingress=[item("Deny", "from", ALL, protocols=[{"tcp": {}}])]),
    "is one of tcp, udp, sctp, destinationNamedPort": wide(
        "x", "Admin", 1, ALL, ingress=[item("Deny", "from", ALL, protocols=[{}])]
    ),
    'is called "default"': {**baseline(ALL), "metadata": {"name": "other"}},
    "a policy needs subject": {**admin("x", 1, ALL), "spec": {"priority": 1}},
}  # fmt: skip


@pytest.mark.parametrize("said", MISTAKES)
def test_mistakes_have_a_place(tmp_path: Path, said: str) -> None:
    found = Diagnostics()
    read(load_manifests([written(tmp_path / "m", MISTAKES[said])]), found)
    with pytest.raises(InputError) as raised:
        found.check()
    (wrong,) = raised.value.diagnostics
    assert said in wrong.message
    assert wrong.code.startswith(("C63", "C62")) and wrong.span is not None
    done = run("reach", tmp_path / "m")
    assert done.exit_code == 2 and wrong.code in done.stderr


def test_two_of_one_name_are_one_object_twice(tmp_path: Path) -> None:
    shut, wider = admin("x", 5, ALL, ingress=DENY_B), admin("x", 6, ALL, ingress=[])
    done = run("reach", written(tmp_path / "m", shut, wider))
    assert done.exit_code == 2 and "C608" in done.stderr
    assert "AdminNetworkPolicy x stands already" in done.stderr
    newer = {**wide("x", "Admin", 5, ALL), "apiVersion": "policy.networking.k8s.io/v1beta1"}
    done = run("reach", written(tmp_path / "n", wide("x", "Admin", 5, ALL), newer))
    assert done.exit_code == 2 and "ClusterNetworkPolicy x stands already" in done.stderr
    assert run("reach", written(tmp_path / "s", shut, shut)).exit_code == 0


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    each = [
        {**wrong, "metadata": {"name": f"{wrong['metadata']['name']}{number}"}}
        for number, wrong in enumerate(MISTAKES.values())
    ]
    done = run("reach", written(tmp_path / "m", *each))
    assert done.stderr.count("error[") >= len(MISTAKES)
