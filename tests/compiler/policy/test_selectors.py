"""Label selectors against a twin that spells every operator out; and whom matchers select."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import endpoint, network

from compiler.policy.ir import Cidr, Everyone, InVrf, Matcher, Named, OwnNode, Pods, Requirement
from compiler.policy.selectors import labels_match, overlaps, selects
from fabric.plan.pools import network as prefix_of
from fabric.values.inventory import Prefix

VALUES = st.sampled_from(["", "a", "b"])
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), VALUES)


def holds(term: Requirement, labels: dict[str, str]) -> bool:
    """As `labels.Requirement.Matches` of apimachinery says it."""
    has = term.key in labels
    match term.operator:
        case "In":
            return has and labels[term.key] in term.values
        case "NotIn":
            return not has or labels[term.key] not in term.values
        case "Exists":
            return has
        case _:
            return not has


TERMS = st.builds(
    Requirement,
    st.sampled_from(["app", "tier", "zone"]),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.frozensets(VALUES),
)


@given(st.lists(TERMS, max_size=3), LABELS)
def test_every_term_must_hold(terms: list[Requirement], labels: dict[str, str]) -> None:
    assert labels_match(tuple(terms), labels) == all(holds(term, labels) for term in terms)


@pytest.mark.parametrize("labels", [{"app": ""}, {"app": "a"}, {}])
def test_a_label_without_a_value_is_one(labels: dict[str, str]) -> None:
    """`app: ""` has the key: only what lacks it does not exist."""
    assert labels_match((Requirement("app", "DoesNotExist"),), labels) == ("app" not in labels)
    assert labels_match((Requirement("app", "Exists"),), labels) == ("app" in labels)
    empty = (Requirement("app", "In", frozenset({""})),)
    assert labels_match(empty, labels) == (labels.get("app") == "")


PREFIXES = st.builds(
    lambda version, first, bits: (
        prefix_of(version, first >> bits << bits, 32 * (version - 3) - bits)
        if version == 4
        else prefix_of(6, first >> bits << bits, 128 - bits)
    ),
    st.sampled_from([4, 6]),
    st.integers(0, 15),
    st.integers(0, 4),
)


@given(st.lists(PREFIXES, max_size=3), st.lists(PREFIXES, max_size=3))
def test_prefixes_overlap_when_they_share_an_address(a: list[Prefix], b: list[Prefix]) -> None:
    def held(prefixes: list[Prefix]) -> set[tuple[int, int]]:
        return {(p.version, int(ip)) for p in prefixes for ip in p}

    assert overlaps(tuple(a), tuple(b)) == bool(held(a) & held(b))


POD = endpoint(
    0, "acme/web/a", 0, "10.0.0.1/32", labels={"app": "a"}, namespace_labels={"team": "x"}
)
NODE = endpoint(1, "acme/@node/host1", 0, "10.0.1.1/32")
OTHER = endpoint(2, "globex/web/a", 1, "10.0.0.1/32", labels={"app": "a"}, host="host2")
ZONE = endpoint(3, "zone2/inet", 2, "0.0.0.0/0", host=None)
SICK = replace(OTHER, index=4, name="globex/web/b", state="quarantined")
HOSTED = replace(POD, index=5, name="acme/web/h", host_network=True)
ENDS = [POD, NODE, OTHER, ZONE, SICK, HOSTED]
WORLD = network(["acme/main", "globex/main", "zone2/main"], ENDS)
A = (Requirement("app", "In", frozenset({"a"})),)
TEAM = (Requirement("team", "Exists"),)


@pytest.mark.parametrize(
    ("matcher", "chosen"),
    [
        (Everyone(), [0, 1, 2, 3, 4, 5]),
        (Pods("acme"), [0]),
        (Pods("globex", A), [2, 4]),
        (Pods("acme", A, "web"), [0]),
        (Pods("acme", A, "data"), []),
        (Pods("acme", (), None, TEAM), [0]),
        (Pods("globex", (), None, TEAM), []),
        (Pods("acme", TEAM), []),
        (Pods("acme", (), None, A), []),
        (Named(("acme/*",)), [0, 1, 5]),
        (Named(("*/web/b", "zone2/*")), [3, 4]),
        (Named(("globex/*",), frozenset({"ready"})), [2]),
        (Named(("*",), frozenset({"quarantined"})), [4]),
        (Named(("*",), hosts=frozenset({"host1"})), [0, 1, 5]),
        (Named(("*/web/a",), hosts=frozenset({"host2"})), [2]),
        (InVrf(frozenset({"acme/main"})), [0, 1, 5]),
        (InVrf(frozenset({"acme/main", "zone2/main"}), (prefix_of(4, 0x0A000100, 24),)), [1, 3]),
        (Cidr(prefix_of(4, 0x0A000000, 24)), [0, 2, 3, 4, 5]),
        (OwnNode(), []),
    ],
)
def test_whom_a_matcher_selects(matcher: Matcher, chosen: list[int]) -> None:
    found: Any = [e.index for e in ENDS if selects(matcher, e, WORLD)]
    assert found == chosen
