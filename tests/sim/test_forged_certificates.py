"""Forged certificates: whoever forges one, and however much of it he makes follow, the field that
lies is named. Forgeries marked `sly` are consistent, so only the fabric gives them away."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from forger import Forge, forged, rerouted, settle
from routed import at, endpoint, routed

from compiler.compile import compile_policy
from compiler.ir import Policy
from fabric.build import build
from fabric.inputs import input_files
from fabric.load import load_fabric
from fabric.unevaluated import Unevaluated
from sim.certificate import certificate
from sim.checker.consistency import inconsistencies
from sim.checker.expected import expected, policy_of
from sim.checker.regions import Choice, read
from sim.checker.validity import differences
from sim.prove import prove

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
Case = tuple[Any, Any]


LEFT_OUT = Unevaluated(
    "cilium.io/v2", "CiliumNetworkPolicy", "web", "l7", None, "policy", "", "namespace", "acme"
)


def case(path: Path, *down: str, left_out: tuple[Unevaluated, ...] = ()) -> Case:
    """An honest certificate and the one that its network deserves."""
    network = build(load_fabric(path), down=down, lock=False)
    network = replace(network, not_evaluated=left_out)
    inputs = input_files(network.spec)
    proof = prove(network, compile_policy(network, policy_of(network)))
    written = json.loads(json.dumps(certificate(proof, inputs)))
    return written, expected(network, inputs)[0]


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """Of a fabric that holds, with and without a spine, and of one that does not."""
    return {
        "holds": case(TOPOLOGIES / "small.yaml"),
        "spine": case(TOPOLOGIES / "small.yaml", "spine1"),
        "fails": case(TOPOLOGIES / "broken" / "too-wide-ipblock.yaml"),
        "ways": two_ways(),
        "unknown": case(TOPOLOGIES / "small.yaml", left_out=(LEFT_OUT,)),
    }


def two_ways() -> Case:
    """Of a network in which ECMP decides: one of two borders knows the destination."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "zone2/inet", 1, "0.0.0.0/0", host=None)),
    ]
    tables = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1), (2, 1)])],
        (1, 1): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1)])],
    }
    network = routed(["dpu1", "border1", "border2"], ["acme/main", "zone2/main"], ends, tables)
    written = certificate(prove(network, compile_policy(network, Policy())))
    return json.loads(json.dumps(written)), expected(network, (), Policy())[0]


class Forgery(NamedTuple):
    """`field` is what must be named."""

    field: str
    forge: Forge
    sly: bool = False
    of: str = "holds"


def profiles(written: Any, delivers: bool) -> list[int]:
    """Profiles that deliver something, or that deny everything for want of a route."""
    found = [{why for _, why in boxes} for boxes in read(written).profiles]
    wanted = [("delivered" in f) if delivers else f == {"no_route_drop"} for f in found]
    return [number for number, good in enumerate(wanted) if good]


def crossing(written: Any) -> Any:
    """Whether a source sends from globex to acme on this choice."""
    group = [party["group"] for party in written["endpoints"]]
    return lambda source, choice: (
        choice.endpoint >= 0
        and (group[source.endpoint], group[choice.endpoint]) == ("globex", "acme")
    )


def emptied(written: Any) -> None:
    """Open regions lead nowhere any more, and the cell is closed."""
    group = [party["group"] for party in written["endpoints"]]
    verdicts = [outcome["verdict"] for outcome in written["outcomes"]]
    open_ = [any(verdicts[box[6]] == "allow" for box in boxes) for boxes in written["profiles"]]
    for row in (row for rows in written["maps"] for row in rows):
        if open_[row[2]]:
            row[3] = [-1 if group[e] == "acme" else e for e in row[3]]
    written["cells"] = [[a, b, "closed" if a != b else s] for a, b, s in written["cells"]]


def emptied_slyly(written: Any) -> Any:
    is_crossing = crossing(written)
    return rerouted(written, lambda s, row, c: c._replace(endpoint=-1) if is_crossing(s, c) else c)


def closed_slyly(written: Any) -> Any:
    none, is_crossing = profiles(written, False)[0], crossing(written)
    return rerouted(written, lambda s, row, c: Choice(none, -1, -1) if is_crossing(s, c) else c)


def one_region_closed(written: Any) -> Any:
    """A single destination of a single source."""
    none, open_ = profiles(written, False)[0], profiles(written, True)
    hit: list[Any] = []

    def change(source: Any, row: Any, choice: Any) -> Any:
        if choice.profile in open_ and (not hit or hit == [(source, row)]):
            hit[:] = [(source, row)]
            return Choice(none, -1, -1)
        return choice

    return rerouted(written, change)


def called_self(written: Any) -> None:
    for outcome in written["outcomes"]:
        if outcome["reasons"] == ["delivered"]:
            outcome |= {"reasons": ["self"], "verdict": "exempt"}


def led_to_itself(written: Any) -> Any:
    """What crosses tenants is called something that the sender says to itself."""
    found = [{why for _, why in boxes} for boxes in read(written).profiles]
    alone = found.index({"self"})

    def home(source: Any) -> int:
        return int(written["vrfs"].index(written["endpoints"][source.endpoint]["vrf"]))

    is_crossing = crossing(written)
    return rerouted(
        written,
        lambda s, row, c: Choice(alone, s.endpoint, home(s)) if is_crossing(s, c) else c,
    )


def without_last_endpoint(written: Any) -> Any:
    gone = len(written["endpoints"]) - 1
    written["endpoints"].pop()
    written["sources"] = [source for source in written["sources"] if source[0] != gone]
    for row in (row for rows in written["maps"] for row in rows):
        row[3] = [-1 if e == gone else e for e in row[3]]
    return settle(written)


def one_group(written: Any) -> Any:
    for party in written["endpoints"]:
        party["group"] = "acme"
    return settle(written)


def narrower_box(written: Any) -> Any:
    """A port less is open: the box of what is open shrinks, its neighbour grows."""
    verdicts = [outcome["verdict"] for outcome in written["outcomes"]]
    for boxes in written["profiles"]:
        for a, b in itertools.pairwise(boxes):
            if verdicts[b[6]] == "allow" and a[:2] == b[:2] and b[2] == a[3] + 1 == b[3]:
                a[3], b[2], b[3] = a[3] + 1, b[2] + 1, b[3] + 1
                after = boxes[boxes.index(b) + 1]
                after[2] += 1
                return settle(written)
    raise AssertionError("no such box")


def moved_prefix(written: Any) -> Any:
    """Two endpoints have changed addresses, and all that is said of them."""
    a, b = (e for e in written["endpoints"] if e["name"].startswith("acme/catalog/api"))
    for key in ("prefixes", "v4", "v6"):
        a[key], b[key] = b[key], a[key]
    first = written["endpoints"].index(a)
    swap = {first: first + 1, first + 1: first}
    for source in written["sources"]:
        source[0] = swap.get(source[0], source[0])
    for row in (row for rows in written["maps"] for row in rows):
        row[3] = [swap.get(e, e) for e in row[3]]
    return settle(written)


def shown_mercy(written: Any) -> Any:
    """The claim that fails is said to hold, and its finding is gone."""
    for claim in written["claims"]:
        claim["holds"] = True
    written["findings"], written["verdict"] = [], "holds"
    return written


def sworn_off(written: Any) -> Any:
    """A failing claim is dropped with its finding."""
    written["claims"] = [claim for claim in written["claims"] if claim["holds"]]
    return settle(written)


def weaker(written: Any) -> Any:
    claim = next(c for c in written["claims"] if c["claim"].startswith("deny"))
    claim["claim"] = f"{claim['claim']}:1/sctp"
    return settle(written)


def invented(written: Any) -> Any:
    written["claims"].append(
        {"claim": "deny: globex/* -> acme/*:9/udp", "hold_under": [], "holds": True, "pairs": 0,
         "fails_without": None}
    )  # fmt: skip
    return settle(written)


def unburdened(written: Any) -> Any:
    """Nothing has to hold under failures any more."""
    for claim in written["claims"]:
        claim["hold_under"] = []
    written["failures_tried"] = 0
    return settle(written)


def alias(written: Any) -> Any:
    node = next(e for e in written["endpoints"] if "@node" in e["name"])
    node["aliases"] = ["acme/web/front-0"]
    return settle(written)


def all_read(written: Any) -> Any:
    """Invented addresses and hosts are said to be read."""
    for party in written["endpoints"]:
        party["assumed"] = []
    return settle(written)


def other_tenant_s_vrf(written: Any) -> Any:
    """An endpoint is said to live in a VRF that nobody else has."""
    number = next(n for n, e in enumerate(written["endpoints"]) if e["group"] == "globex")
    written["endpoints"][number]["vrf"] = "globex/hidden"
    hidden = len(written["vrfs"])
    written["vrfs"].append("globex/hidden")
    return rerouted(
        written, lambda s, row, c: c._replace(vrf=hidden) if c.endpoint == number else c
    )


def into_another_vrf(written: Any) -> Any:
    """Where nobody answers, the packet is said to have gone into another VRF."""
    last = len(written["vrfs"]) - 1
    return rerouted(
        written,
        lambda s, row, c: c._replace(vrf=last - c.vrf) if c.endpoint < 0 <= c.vrf else c,
    )


def one_way_less(written: Any) -> Any:
    """Some choice of ECMP is left out, so that what depends on it does not."""
    regions = read(written)
    maps = [[row._replace(choices=row.choices[1:] or row.choices) for row in rows]
            for rows in regions.maps]  # fmt: skip
    return settle(written, replace(regions, maps=maps))


def no_claims(written: Any) -> Any:
    return settle(written | {"claims": [], "failures_tried": 0})


def no_findings(written: Any) -> Any:
    return settle(written | {"findings": []})


def everything_is_one_range(written: Any) -> Any:
    """One range of destinations swallows its neighbours."""
    for rows in written["maps"]:
        rows[:] = [[rows[0][0], rows[-1][1], *rows[0][2:]]]
    return settle(written)


def swapped_hashes(written: Any) -> None:
    a, b = written["inputs"][:2]
    a["sha256"], b["sha256"] = b["sha256"], a["sha256"]


def put(key: str, value: Any) -> Forge:
    def forge(written: Any) -> None:
        written[key] = value

    return forge


def verdict_of_delivered(written: Any) -> None:
    for outcome in written["outcomes"]:
        if outcome["reasons"] == ["delivered"]:
            outcome["verdict"] = "deny"
    written["cells"] = [[a, b, "closed"] for a, b, _ in written["cells"]]


def everything_exempt(written: Any) -> None:
    written |= {"exempt": ["everything"], "assumptions": []}


def claim_inverted(written: Any) -> None:
    written["claims"][0]["holds"] = not written["claims"][0]["holds"]


def cell_closed(written: Any) -> None:
    next(cell for cell in written["cells"] if cell[2] == "open")[2] = "closed"


def never_fails_without(written: Any) -> None:
    next(c for c in written["claims"] if c["hold_under"])["fails_without"] = "spine1"
    settle_findings(written)


def nothing_left_out(written: Any) -> Any:
    """As if everything had been evaluated."""
    return settle(written | {"not_evaluated": []})


def let_pass(written: Any) -> Any:
    """As if whoever checks had accepted it."""
    written["not_evaluated"][0]["accepted"] = True
    return settle(written)


def called_holds(written: Any) -> None:
    written["verdict"] = "holds"


def settle_findings(written: Any) -> None:
    from sim.checker.follows import failing, verdict

    written["findings"] = failing(written["claims"])
    groups = [endpoint["group"] for endpoint in written["endpoints"]]
    left_out, claims = written["not_evaluated"], written["claims"]
    written["verdict"] = verdict(written["findings"], claims, left_out, groups)


FORGERIES = {
    # What was tried from outside.
    "targets emptied, cell closed": Forgery("maps", emptied),
    "targets emptied, everything follows": Forgery("maps", emptied_slyly, True),
    "regions closed, everything follows": Forgery("maps", closed_slyly, True),
    "one region of all closed": Forgery("maps", one_region_closed, True),
    "delivered called self": Forgery("outcomes", called_self),
    "an endpoint left out": Forgery("endpoints", without_last_endpoint, True),
    "groups renamed": Forgery("endpoints", one_group, True),
    "everything exempt, no assumptions": Forgery("exempt", everything_exempt),
    "a claim inverted": Forgery("claims", claim_inverted),
    "a claim invented": Forgery("claims", invented, True),
    "all claims removed": Forgery("claims", no_claims, True),
    "a verdict unlike its reason": Forgery("outcomes", verdict_of_delivered),
    "a cell closed": Forgery("cells", cell_closed),
    "something else was down": Forgery("down", put("down", ["spine1"]), True),
    "an input dropped": Forgery("inputs", lambda w: w["inputs"].pop() and None, True),
    "no inputs": Forgery("inputs", put("inputs", []), True),
    # What we would try.
    "the failing spine kept secret": Forgery("down", put("down", []), True, "spine"),
    "routing of another world": Forgery("routing", put("routing", "0" * 64), True),
    "another fabric": Forgery("fabric", put("fabric", "large"), True),
    "what crosses is sent to oneself": Forgery("maps", led_to_itself, True),
    "a port less is open": Forgery("maps", narrower_box, True),
    "two endpoints exchanged": Forgery("endpoints", moved_prefix, True),
    "a failing claim said to hold": Forgery("claims", shown_mercy, False, "fails"),
    "a failing claim dropped": Forgery("claims", sworn_off, True, "fails"),
    "a claim asks for less": Forgery("claims", weaker, True),
    "nothing has to hold under failures": Forgery("claims", unburdened, True),
    "breaks under a failure that it survives": Forgery("claims", never_fails_without, True),
    "an alias that exempts a pod": Forgery("endpoints", alias, True),
    "invented addresses said to be read": Forgery("endpoints", all_read, True),
    "an endpoint in a VRF of its own": Forgery("endpoints", other_tenant_s_vrf, True),
    "a next hop into another VRF": Forgery("maps", into_another_vrf, True),
    "one way of ECMP left out": Forgery("maps", one_way_less, True, "ways"),
    "a finding dropped": Forgery("findings", no_findings, True, "ways"),
    "one range for all destinations": Forgery("maps", everything_is_one_range, True),
    "contents of two inputs exchanged": Forgery("inputs", swapped_hashes, True),
    "nothing is left out": Forgery("not_evaluated", nothing_left_out, True, "unknown"),
    "what is left out is accepted": Forgery("not_evaluated", let_pass, True, "unknown"),
    "unknown called holds": Forgery("verdict", called_holds, False, "unknown"),
    "failures tried that were not": Forgery("failures_tried", put("failures_tried", 99), True),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_field_that_lies_is_named(name: str, cases: dict[str, Case]) -> None:
    field, forge, sly, of = FORGERIES[name]
    written, wanted = cases[of]
    other = forged(written, forge)
    alone = inconsistencies(other)
    assert (alone == []) == sly, alone
    found = alone or differences(other, wanted)
    assert any(re.match(rf"(\w+, )?{field}\b", problem) for problem in found), found


def test_another_failure_than_the_one_that_was_there(cases: dict[str, Case]) -> None:
    """Both spines are alike to every packet; only the routes tell which one was down."""
    for down, other in (("spine1", "spine2"), ("spine1", ""), ("", "spine2")):
        written, _ = case(TOPOLOGIES / "small.yaml", *filter(None, [down]))
        lie = forged(written, put("down", list(filter(None, [other]))))
        _, wanted = case(TOPOLOGIES / "small.yaml", *lie["down"])
        assert inconsistencies(lie) == []
        assert any("down" in problem.split(":")[0] for problem in differences(lie, wanted))


@pytest.mark.parametrize("of", ["holds", "spine", "fails", "ways", "unknown"])
def test_a_forger_who_changes_nothing_is_believed(of: str, cases: dict[str, Case]) -> None:
    written, wanted = cases[of]
    other = forged(written, settle)
    assert other == written
    assert inconsistencies(other) == []
    assert differences(other, wanted) == []
