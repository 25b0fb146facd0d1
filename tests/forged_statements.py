"""Forgeries of what a certificate says beside its regions: endpoints, claims, findings, inputs."""

from __future__ import annotations

from typing import Any

from forger import Forge, rerouted, settle


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


def no_claims(written: Any) -> Any:
    return settle(written | {"claims": [], "failures_tried": 0})


def no_findings(written: Any) -> Any:
    return settle(written | {"findings": []})


def swapped_hashes(written: Any) -> None:
    a, b = written["inputs"][:2]
    a["sha256"], b["sha256"] = b["sha256"], a["sha256"]


def put(key: str, value: Any) -> Forge:
    def forge(written: Any) -> None:
        written[key] = value

    return forge


def everything_exempt(written: Any) -> None:
    written |= {"exempt": ["everything"], "assumptions": []}


def claim_inverted(written: Any) -> None:
    written["claims"][0]["holds"] = not written["claims"][0]["holds"]


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
    from sim.checker.expectations.follows import failing, verdict

    written["findings"] = failing(written["claims"])
    groups = [endpoint["group"] for endpoint in written["endpoints"]]
    left_out, claims = written["not_evaluated"], written["claims"]
    written["verdict"] = verdict(written["findings"], claims, left_out, groups)
