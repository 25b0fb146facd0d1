"""What a certificate says has to follow from its own regions: claims, findings, the verdict."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest
from certificate_cases import two_ways

from sim.checker.consistency import canonical, inconsistencies
from sim.checker.document.regions import read
from sim.checker.document.work import Budget
from sim.checker.expectations.follows import failing, problems, verdict, verdict_of

NOT_READ = [{"accepted": False, "under": None}]


@pytest.fixture(scope="module")
def honest() -> Any:
    return two_ways()[0]


def test_a_range_leads_to_endpoints_of_the_vrf_behind_its_next_hop(honest: Any) -> None:
    body = copy.deepcopy(honest)
    row = next(row for rows in body["maps"] for row in rows if row[3:] == [[-1, 1], [1, 1]])
    row[4] = [1, 0]
    told = [*problems(body, read(body), Budget(10**6))]
    assert [problem for problem in told if "leads to an endpoint of another VRF" in problem]
    assert not [*problems(honest, read(honest), Budget(10**6))]


def test_only_what_an_endpoint_says_to_itself_is_exempt(honest: Any) -> None:
    body = copy.deepcopy(honest)
    alone = next(n for n, outcome in enumerate(body["outcomes"]) if outcome["reasons"] == ["self"])
    number = next(n for n, boxes in enumerate(body["profiles"]) if boxes[0][-1] == alone)
    source = next(source for source in body["sources"] if source[0] == 1)
    row = next(row for row in body["maps"][source[3]] if row[3] == [0])
    row[2] = number
    told = [*problems(body, read(body), Budget(10**6))]
    assert [problem for problem in told if "self is not what" in problem]


@pytest.mark.parametrize(
    ("reasons", "verdict_"),
    [
        (["self"], "exempt"),
        (["delivered"], "allow"),
        (["delivered", "spoof_drop"], "depends"),
        (["spoof_drop", "delivered"], "depends"),
        (["delivered_if"], "depends"),
        (["spoof_drop"], "deny"),
    ],
)
def test_a_verdict_is_over_all_choices_of_ecmp(reasons: list[str], verdict_: str) -> None:
    assert verdict_of(reasons) == verdict_


def said(honest: Any, holds: bool, **more: Any) -> list[str]:
    """The problems of a certificate with a claim that does not hold, of which it says `holds`."""
    claim = {"claim": "deny: acme/web/a -> zone2/inet", "hold_under": [], "holds": holds,
             "pairs": 1, "fails_without": None}  # fmt: skip
    findings = [*failing([claim]), *honest["findings"]]
    body = honest | {"claims": [claim], "findings": findings, "verdict": "fails"} | more
    return [problem.partition(":")[0] for problem in problems(body, read(body), Budget(10**6))]


def test_a_claim_holds_if_its_regions_say_so(honest: Any) -> None:
    assert said(honest, holds=False) == []
    assert said(honest, holds=True) == ["claims[0].holds"]


@pytest.mark.parametrize("written", ["holds", "unknown"])
def test_a_verdict_is_that_of_findings(honest: Any, written: str) -> None:
    assert said(honest, holds=False, verdict=written) == ["verdict"]


@pytest.mark.parametrize(
    ("findings", "claims", "left_out", "groups", "expected"),
    [
        ([{}], [{}], [], ["acme"], "fails"),
        ([], [{}], [], ["acme", "zone2"], "holds"),
        ([], [{}], [], ["zone0", "zone2"], "unknown"),
        ([], [{}], [], [], "unknown"),
        ([], [], [], ["acme"], "unknown"),
        ([], [{}], NOT_READ, ["acme"], "unknown"),
        ([], [{}], [{"accepted": True, "under": None}], ["acme"], "holds"),
    ],
)
def test_nothing_holds_without_anybody_or_anything(
    findings: Any, claims: Any, left_out: Any, groups: list[str], expected: str
) -> None:
    assert verdict(findings, claims, left_out, groups) == expected


def test_what_follows_is_asked_of_whatever_is_in_order(honest: Any) -> None:
    assert inconsistencies(honest) == []
    other = honest | {"verdict": "holds" if honest["verdict"] != "holds" else "fails"}
    other["digest"] = hashlib.sha256(b"".join(canonical(other))).hexdigest()
    (told,) = inconsistencies(other)
    assert told.startswith("verdict: ")


def test_cells_are_as_open_as_regions(honest: Any) -> None:
    other = {"open": "closed", "closed": "open"}
    for place, (src, dst, state) in enumerate(honest["cells"]):
        cells = [*honest["cells"]]
        cells[place] = [src, dst, other[state]]
        assert said(honest, holds=False, cells=cells) == ["cells"]
