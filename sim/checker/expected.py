"""The certificate that a network deserves, computed from nothing but the network.

Its fields are those of `sim.proof.certificates.certificate`; every one is found in another way
here: regions by `paths`, the matrix and the claims by the regions, failures by building each
network.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from compiler.policy.ir import Policy
from compiler.policy.source import together
from compiler.sources import SOURCES
from fabric.building.fingerprint import fingerprint
from fabric.building.network import Network, refuse_anycast
from fabric.control.rewrites import refuse_rewrites
from fabric.io.mounts import real
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, certified
from sim.checker.document.regions import Regions, written
from sim.checker.expectations.claims import Claim, Judge, read
from sim.checker.expectations.detours import Doors, left_out, way_of
from sim.checker.expectations.failures import Asked, tried, under_failures
from sim.checker.expectations.follows import cells, failing, verdict
from sim.checker.expectations.machines import led_on
from sim.checker.expectations.service_targets import targets
from sim.checker.same_file import same_file
from sim.checker.walking.guests import workloads
from sim.checker.walking.paths import Paths
from sim.checker.writing import sections
from sim.wording.assumptions import SCHEMA, assumptions, refuse_kinds, refuse_requests, replies


def policy_of(network: Network) -> Policy:
    """Everything that any source has to say about a network."""
    return together(network, SOURCES)


def expected(
    network: Network, inputs: Iterable[Path], policy: Policy | None = None
) -> tuple[dict[str, Any], Paths]:
    """The certificate without its digest, and the paths behind it. `policy` is the network's own
    by default."""
    refuse_anycast(network, "the checker")
    refuse_rewrites(network.rewrites, "the checker")
    lines = network.spec.expect if network.spec else ()
    refuse_kinds((kind for line in lines for kind in line.hold_under), "the checker")
    refuse_requests((line.http for line in lines), "the checker")
    policy = policy_of(network) if policy is None else policy
    paths = Paths(network, policy)
    regions = paths.regions()
    told = left_out(network, policy, regions)
    claims, attempts, more = _claims(network, policy, paths, regions, told)
    findings = [*failing(claims), *_others(network, paths)]
    under = [kind for claim in claims for kind in claim["hold_under"]]
    hairpins = sorted(vrf.name for vrf in network.vrfs if vrf.hairpin)
    not_evaluated = certified([*told, *more])
    times = same_file(network.spec) if network.spec else None
    body = {
        "schema": SCHEMA,
        "fabric": network.spec.name if network.spec else None,
        "verdict": verdict(findings, claims, not_evaluated, (e.tenant for e in network.endpoints)),
        "inputs": [_input(path, network) for path in inputs],
        "down": sorted(network.fabric.down),
        "routing": fingerprint(network),
        "assumptions": assumptions(
            (e.assumed for e in network.endpoints), under, hairpins, times is not None
        ),
        "exempt": sorted({alias for e in network.endpoints for alias in e.aliases}),
        "not_evaluated": not_evaluated,
        "replies": replies(hairpins),
        "vrfs": list(regions.vrfs),
        **({"hairpins": hairpins} if hairpins else {}),
        **({} if times is None else {"times": times}),
        "endpoints": _endpoints(network, regions),
        **sections(regions, paths.names),
        **paths.space.fields.written(),
        "cells": cells(regions),
        "claims": claims,
        "failures_tried": attempts,
        "findings": findings,
    }
    return body, paths


def _input(path: Path, network: Network) -> dict[str, str]:
    start = network.spec.path.parent if network.spec.path else Path()
    place = Path(os.path.relpath(path, start)).as_posix()
    return {"path": place, "sha256": hashlib.sha256(real(path).read_bytes()).hexdigest()}


def _endpoints(network: Network, regions: Regions) -> list[dict[str, Any]]:
    return [
        {
            "name": endpoint.name,
            "workload": endpoint.workload,
            "aliases": list(endpoint.aliases),
            **({"runs": runs} if (runs := workloads(network, endpoint)) else {}),
            "also": list(endpoint.also),
            "group": endpoint.tenant,
            "vrf": party.vrf,
            "assumed": sorted(endpoint.assumed),
            "prefixes": list(party.prefixes),
            "v4": [written(4, *found) for found in party.owned[0]],
            "v6": [written(6, *found) for found in party.owned[1]],
        }
        for endpoint, party in zip(network.endpoints, regions.parties, strict=True)
    ]


def _claims(
    network: Network,
    policy: Policy,
    paths: Paths,
    regions: Regions,
    told: Sequence[Unevaluated],
) -> tuple[list[dict[str, Any]], int, list[Unevaluated]]:
    """Every expectation of the fabric file, how many failures were tried, and what else is
    not evaluated because an expectation forbids it."""
    judge = Judge(regions)
    out: list[dict[str, Any]] = []
    asked: Asked = {}
    claims: list[Claim] = []
    for number, line in enumerate(network.spec.expect if network.spec else ()):
        kind = next(k for k in ("allow", "deny", "only") if getattr(line, k) is not None)
        text = f"{kind}: {getattr(line, kind)}"
        behind = targets(network, text)
        claim = read(text, behind)
        claims.append(claim)
        found = judge.judge(claim)
        out.append(
            {
                "claim": text,
                **({} if behind is None else {"targets": behind}),
                "hold_under": list(line.hold_under),
                "holds": found.holds,
                "pairs": found.pairs,
                "fails_without": None,
            }
        )
        if line.hold_under:
            asked[number] = claim, tuple(line.hold_under)
    doors = Doors(network, judge, told)
    beside = (*doors.of_nodes(claims), *led_on(network, judge, claims))
    more = {way_of(record): record for record in beside}
    if asked:
        failing_without, opened = under_failures(network, policy, paths.decisions, asked, doors)
        for record in opened:
            more.setdefault(way_of(record), record)
        for number, name in failing_without.items():
            if out[number]["holds"]:
                out[number]["fails_without"] = name
    return out, tried(network, asked), [*more.values()]


def _others(network: Network, paths: Paths) -> list[dict[str, str]]:
    """Findings that no expectation asks for."""
    names = [vrf.name for vrf in network.vrfs]
    imports = [{"kind": "import", "title": finding.message} for finding in network.findings]
    why = "although no leak, peering or zone rule says so"
    undeclared = [f"{names[a]} reaches {names[b]} {why}" for a, b in sorted(paths.undeclared)]
    return [*imports, *({"kind": "isolation", "title": title} for title in undeclared)]
