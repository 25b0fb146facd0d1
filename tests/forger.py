"""A skilled forger: changes a certificate and makes everything else in it follow.

`settle` sorts and renumbers, derives outcomes, matrix, claims, findings, verdict and words again
from the changed regions and endpoints, so that only the network itself can tell the lie.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certificate_changes import resealed

from sim.checker.document.form import known_reasons
from sim.checker.document.regions import Choice, Regions, Row, Sender, read
from sim.checker.expectations.claims import Judge
from sim.checker.expectations.claims import read as read_claim
from sim.checker.expectations.follows import cells, failing, verdict
from sim.checker.writing import sections
from sim.wording.assumptions import assumptions

Forge = Callable[[Any], Any]


def forged(written: Any, forge: Forge) -> Any:
    """A copy after a forgery, with a digest that fits."""
    copy = json.loads(json.dumps(written))
    return resealed(forge(copy) or copy)


def settle(written: Any, regions: Regions | None = None) -> Any:
    """Everything that follows from regions and endpoints, derived again."""
    regions = regions or read(written)
    out = written | sections(_joined(regions), known_reasons())
    regions = read(out)
    judge = Judge(regions)
    for claim in out["claims"]:
        found = judge.judge(read_claim(claim["claim"], claim.get("targets")))
        claim |= {"holds": found.holds, "pairs": found.pairs}
    out["cells"] = cells(regions)
    others = [f for f in out["findings"] if f["kind"] != "expectation"]
    out["findings"] = [*failing(out["claims"]), *others]
    groups = [endpoint["group"] for endpoint in out["endpoints"]]
    out["verdict"] = verdict(out["findings"], out["claims"], out["not_evaluated"], groups)
    out["exempt"] = sorted({alias for e in out["endpoints"] for alias in e["aliases"]})
    under = [kind for claim in out["claims"] for kind in claim["hold_under"]]
    out["assumptions"] = assumptions(
        (e["assumed"] for e in out["endpoints"]), under, out.get("hairpins", ())
    )
    return out


def _joined(regions: Regions) -> Regions:
    """Neighbours that fare alike as one, maps that are alike once."""
    maps: dict[tuple[Row, ...], int] = {}
    number: list[int] = []
    for rows in regions.maps:
        out: list[Row] = []
        for row in rows:
            row = row._replace(choices=tuple(sorted(set(row.choices))))
            if out and out[-1].choices == row.choices:
                out[-1] = out[-1]._replace(last=row.last)
            else:
                out.append(row)
        number.append(maps.setdefault(tuple(out), len(maps)))
    used = sorted({number[source.map] for source in regions.sources})
    merged: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for source in regions.sources:
        place = used.index(number[source.map])
        merged.setdefault((source.endpoint, source.version, place), []).extend(source.ranges)
    distinct = list(maps)
    sources = [Sender(e, v, tuple(sorted(found)), m) for (e, v, m), found in merged.items()]
    return replace(regions, maps=[distinct[m] for m in used], sources=sources)


def rerouted(written: Any, change: Callable[[Sender, Row, Choice], Choice]) -> Any:
    """Every choice of every source replaced by what `change` makes of it."""
    regions = read(written)
    maps: list[list[Row]] = []
    sources = []
    for source in regions.sources:
        rows = [
            row._replace(choices=tuple(change(source, row, choice) for choice in row.choices))
            for row in regions.maps[source.map]
        ]
        sources.append(source._replace(map=len(maps)))
        maps.append(rows)
    return settle(written, replace(regions, maps=maps, sources=sources))
