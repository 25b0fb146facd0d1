"""`cloison explain`: one flow or many, of a fabric or of manifests; what cannot be explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import oracles
import pytest
from click.testing import CliRunner, Result

from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL, DEMO = str(TOPOLOGIES / "small.yaml"), str(TOPOLOGIES / "demo.yaml")


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def document(*arguments: str) -> Any:
    result = explain(*arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_json_of_one_flow_has_every_step() -> None:
    found = document(SMALL, "globex/shop/store-0", "acme/catalog/api-0:8080/tcp")
    assert found["schema"] == "cloison/explanation/1"
    assert (found["verdict"], found["reason"]) == ("allow", "delivered")
    assert found["other_families"] == {"IPv6": "allow"}
    (choice,) = found["choices"]
    steps = choice["steps"]
    assert [s["what"] for s in steps] == [
        "route", "OUT ISOLATION", "underlay", "endpoint", "source check",
        "IN ISOLATION", "IN WORKLOAD", "reply",
    ]  # fmt: skip
    assert {s["where"] for s in steps} == {"dpu3", "dpu1"}
    assert "RT 65000:4000" in steps[0]["because"] and "leak catalog" in steps[0]["because"]
    assert all(steps[i]["line"] and steps[i]["entry"] for i in (1, 5, 6))
    assert steps[2]["result"].startswith("dpu3 - leaf")


def test_both_ends_that_deny_are_told_what_is_nearest() -> None:
    found = document(DEMO, "inference/edge/gateway", "inference/serving/redis:6379")
    assert [cause["what"] for cause in found["nearest"]] == [
        "NetworkPolicy inference/edge/gateway rule 0",
        "NetworkPolicy inference/serving/redis rule 0",
    ]
    assert found["nearest"][1]["part"].startswith("fails on peer")


def test_a_pattern_gives_every_pair() -> None:
    found = document(DEMO, "inference/edge/*", "serving/*:8000")
    assert found["schema"] == "cloison/explanations/1"
    assert len(found["rows"]) == 16
    allowed = {row["target"] for row in found["rows"] if row["verdict"] == "allow"}
    assert allowed == {"inference/serving/router-0", "inference/serving/router-1"}


def test_an_address_is_sent_from_as_given() -> None:
    found = document(DEMO, "198.51.100.7", "172.21.0.3:3000")
    assert found["packet"].startswith("198.51.100.7:40000 -> 172.21.0.3:3000")
    assert (found["source"], found["verdict"]) == ("zone2/office", "allow")


def test_down_changes_the_way_and_the_verdict() -> None:
    ends = (SMALL, "globex/shop/store-0", "acme/catalog/api-0:8080")
    around = document(*ends, "--down", "leaf1")
    assert "leaf2" in json.dumps(around["choices"])
    cut = document(*ends, "--down", "leaf1", "--down", "leaf2")
    assert (cut["verdict"], cut["reason"]) == ("deny", "no_route_drop")


def test_the_verdict_is_that_of_simulate_s_finding() -> None:
    path = str(TOPOLOGIES / "broken" / "missing-egress-rule.yaml")
    found = document(path, "inference/serving/router", "inference/serving/llm:8000")
    verified = CliRunner().invoke(main, ["verify", path, "-o", "json"]).stdout
    (finding,) = json.loads(verified)["findings"]
    assert found["reason"] == finding["verdict"]
    assert finding["line"] == found["blame"]["line"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((SMALL, "frnt", "api:8080"), 'did you mean "front"?'),
        ((SMALL, "front-0", "api:70000"), "0-65535"),
        ((SMALL, "front-0", "api:80/tpc"), "unknown protocol"),
        ((SMALL, "front-0", "api:22:22"), "no endpoint is called"),
        ((SMALL, "front-0", "front-0:80"), "says to itself"),
        ((SMALL, "10.0.0.2", "api:80"), "is an address of"),
        ((SMALL, "nosuch/*", "api:80"), "selects no endpoint"),
        ((SMALL, "10.9.9.9", "api:80"), "no endpoint has the address"),
        ((SMALL, "front-0", "api:80", "--down", "leaf9"), 'called "leaf9"'),
        ((SMALL, "catalog/api[StatefulSet]", "front:80"), "no endpoint is called"),
        ((DEMO, "*", "*:80"), "too many to list"),
        (("nothing.yaml", "a", "b"), "there is no nothing.yaml"),
        ((str(TOPOLOGIES / "manifests" / "small"), "front", "api:80", "--down", "x"), "manifests"),
        ((SMALL, "front-0"), "Missing argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_said(arguments: tuple[str, ...], words: str) -> None:
    result = explain(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_online_boutique() -> None:
    """What its documentation says: only the frontend is public, redis is reached by the cart."""
    shop = oracles.conformance().parent / "data" / "online-boutique"
    if not shop.is_dir():
        pytest.skip("no online-boutique beside the conformance folder")
    public = document(str(shop), "203.0.113.9", "*:8080")
    assert {r["target"] for r in public["rows"] if r["verdict"] == "allow"} == {
        "cluster/default/frontend-0"
    }
    redis = document(str(shop), "*", "redis-cart:6379")
    allowed = {r["source"] for r in redis["rows"] if r["verdict"] == "allow"}
    assert allowed == {"cluster/default/cartservice-0"}
    without = document(str(shop / "kubernetes-manifests.yaml"), "*", "redis-cart:6379")
    assert {r["verdict"] for r in without["rows"]} == {"allow"}


def test_an_address_is_the_source_however_many_destinations_there_are() -> None:
    """Whoever else owns addresses there: every packet comes from the one that was asked about."""
    rows = document(DEMO, "192.0.2.7", "inference/edge/*:443/tcp")["rows"]
    assert len(rows) > 1
    assert {row["packet"].split(":")[0] for row in rows} == {"192.0.2.7"}
