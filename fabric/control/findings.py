"""What the control plane does although nobody asked for it, or does not do although asked.

* C510: a VRF imports another one's route that no declared intent covers; blamed on the raw route
  target that causes it, on the importing side first.
* C511, C522: a raw imported route target that no route carries, or that no VRF even exports.
* C512: an intent with routes in one direction only, so that replies have no way back.

All of them are legal configurations, and findings: exit 1 in every verb that judges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain

from fabric.control.evpn import Carriers, Imports, Type5, covers, raw_targets, spread
from fabric.diagnostics import FINDING, Diagnostic, Span, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.intent.offers import Intent
from fabric.values.inventory import Prefix, Vrf

Offered = dict[tuple[int, int], list[tuple[str, tuple[Prefix, ...]]]]


def findings(
    spec: FabricSpec,
    vrfs: Sequence[Vrf],
    routes: Type5,
    imports: Imports,
    intents: Sequence[Intent],
) -> tuple[Diagnostic, ...]:
    """Everything worth a finding, by line."""
    offered = offers_between(vrfs, routes, intents)
    found = chain(
        unintended(spec, vrfs, routes, imports, offered),
        unmatched(spec, vrfs, routes),
        one_way(vrfs, routes, imports, intents),
    )
    return tuple(sorted(found, key=place))


def place(finding: Diagnostic) -> tuple[bool, Span, str, str]:
    """Sort key: by line, those without one last."""
    nowhere = Span("", 0)
    return finding.span is None, finding.span or nowhere, finding.code, finding.message


def offers_between(vrfs: Sequence[Vrf], routes: Type5, intents: Sequence[Intent]) -> Offered:
    """Route target and prefixes of every offer by (exporter, importer)."""
    index = {vrf.name: vrf.index for vrf in vrfs}
    out: Offered = defaultdict(list)
    for intent in intents:
        for offer in intent.offers:
            pair = index[offer.exporter], index[offer.importer]
            out[pair].append((routes.plan.intent_rt[offer.key], offer.prefixes))
    return out


def unintended(
    spec: FabricSpec, vrfs: Sequence[Vrf], routes: Type5, imports: Imports, offered: Offered
) -> Iterator[Diagnostic]:
    """C510, once per (importer, exporter, route target) with an example and a count."""
    exports = [dict(raw_targets(spec, vrf, "export_rts")) for vrf in vrfs]
    carriers = Carriers.of(routes)
    for vrf in vrfs:
        wanted = imports[vrf.index]
        unoffered: dict[tuple[int, str], list[Prefix]] = defaultdict(list)
        rows = carriers.imported(wanted)
        for row in rows[routes.vrf[rows] != vrf.index].tolist():
            exporter = int(routes.vrf[row])
            offers = offered.get((exporter, vrf.index), [])
            prefix = routes.prefixes[routes.prefix[row]]
            targets = [rt for rt in routes.rt_sets[routes.rts[row]] if rt in wanted]
            own = {rt for rt, _ in offers} - exports[exporter].keys()
            if not own.intersection(targets) and not any(
                covers(spread(outer), spread(prefix))
                for _, prefixes in offers
                for outer in prefixes
            ):
                unoffered[exporter, targets[0]].append(prefix)
        for (exporter, rt), prefixes in sorted(unoffered.items()):
            raw = next((why.span for why in wanted[rt] if why.intent is None), None)
            span = raw or exports[exporter].get(rt) or wanted[rt][0].span
            yield unoffered_import(vrf, vrfs[exporter], rt, prefixes, span)


def unoffered_import(
    importer: Vrf, exporter: Vrf, rt: str, prefixes: list[Prefix], span: Span | None
) -> Diagnostic:
    """The message of C510."""
    more = f" and {len(prefixes) - 1} more" if len(prefixes) > 1 else ""
    return Diagnostic(
        "C510",
        f"{importer.name} imports {prefixes[0]}{more} of {exporter.name} by route target {rt}, "
        "and no peering or leak declares that",
        span,
        "remove the route target, or declare the intent under peerings or leaks",
        FINDING,
    )


def unmatched(spec: FabricSpec, vrfs: Sequence[Vrf], routes: Type5) -> Iterator[Diagnostic]:
    """C511, C522."""
    carried = {rt for number in set(routes.rts.tolist()) for rt in routes.rt_sets[number]}
    exported = {*routes.plan.native_rt, *routes.plan.intent_rt.values()}
    exported |= {rt for vrf in vrfs for rt, _ in raw_targets(spec, vrf, "export_rts")}
    for vrf in vrfs:
        for rt, span in raw_targets(spec, vrf, "import_rts"):
            what = f"{vrf.name} imports route target {rt}"
            if rt not in exported:
                hint = did_you_mean(rt, sorted(exported))
                yield Diagnostic("C522", f"{what}, which no VRF exports", span, hint, FINDING)
            elif rt not in carried:
                message = f"{what}, which no route carries"
                yield Diagnostic("C511", message, span, severity=FINDING)


def one_way(
    vrfs: Sequence[Vrf], routes: Type5, imports: Imports, intents: Sequence[Intent]
) -> Iterator[Diagnostic]:
    """C512: one side offers routes, the other has routes and offers none of them."""
    index = {vrf.name: vrf.index for vrf in vrfs}
    has_routes = set(routes.vrf.tolist())
    carriers = Carriers.of(routes)
    flows = {
        (exporter, vrf.index)
        for vrf in vrfs
        for exporter in set(routes.vrf[carriers.imported(imports[vrf.index])].tolist())
    }
    for intent in intents:
        ends = index[intent.a], index[intent.b]
        for here, there in (ends, ends[::-1]):
            back = (here, there) not in flows
            if back and (there, here) in flows and here in has_routes:
                name = intent.name if intent.kind == "zone" else f"{intent.kind} {intent.name}"
                yield Diagnostic(
                    "C512",
                    f"{name}: {vrfs[here].name} gets routes of {vrfs[there].name} but offers none, "
                    "so replies find no way back",
                    intent.span,
                    severity=FINDING,
                )
