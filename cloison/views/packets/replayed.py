"""What a replay or a capture held, as tables for people and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cloison.render.table import Table
from compiler.policy.ir import Condition
from compiler.policy.stages import To
from fabric.building.network import Network
from sim.blocks.blocks import Blocks
from sim.packets.pcap import Counts
from sim.pipeline.flow_verdicts import FlowVerdicts
from sim.pipeline.replay import ReplayReport, imbalances

TOP = 10
BY_FLOW = ("packets", "verdict", "flow", "vrf", "source", "destination", "rule")


def capture_table(name: str, counts: Counts) -> Table:
    """Frames by what was decoded."""
    rows: list[dict[str, Any]] = [
        {"what": "frames", "count": counts.frames},
        {"what": "bytes on the wire", "count": counts.bytes},
        {"what": "IPv4", "count": counts.ipv4},
        {"what": "IPv6", "count": counts.ipv6},
        *({"what": name, "count": n} for name, n in sorted(counts.protocols.items())),
        {"what": "VXLAN", "count": counts.vxlan},
        *({"what": f"VNI {vni}", "count": n} for vni, n in sorted(counts.vnis.items())),
        *({"what": f"inside: {name}", "count": n} for name, n in sorted(counts.inner.items())),
        {"what": "fragments", "count": counts.fragments},
        {"what": "not IP", "count": counts.other},
        {"what": "too little captured", "count": counts.truncated},
    ]
    return Table(tuple(row for row in rows if row["count"]), f"Decoded from {name}")


def verdict_table(report: ReplayReport) -> Table:
    """Packets by what became of them."""
    total = max(1, report.packets)
    rows = tuple(
        {"verdict": reason.label, "packets": count, "share": f"{count / total:.1%}"}
        for reason, count in report.verdicts.items()
        if count
    )
    return Table(rows, f"Verdicts of {report.packets:,} packets")


def flow_table(report: ReplayReport) -> Table:
    """The flow table's counters."""
    rows = tuple({"flows": name, "count": n} for name, n in (report.flows or {}).items() if n)
    return Table(rows, "Flow table")


def rule_table(report: ReplayReport, blocks: Blocks, top: int = TOP) -> Table:
    """The rules that decided most packets; of the files only the names."""
    rows = tuple(
        {**row, "rule": f"{row['rule']} {(row['line'] or '').rpartition('/')[2]}".strip()}
        for row in rule_rows(report, blocks)[:top]
    )
    return Table(rows, "Busiest rules", ("packets", "bytes", "stage", "action", "rule"))


def rule_rows(report: ReplayReport, blocks: Blocks) -> list[dict[str, Any]]:
    """Packets and bytes per rule and direction, over all enforcement points; busiest first. A
    stage's default that hands packets on to the next stage decides nothing and is left out."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    named = ("stage", "action", "rule", "line")
    for row in entry_rows(report, blocks):
        if not row["hands_on"]:
            key = (*(row[key] for key in named), tuple(row.get("conditions", ())))
            total = sums.setdefault(key, [0, 0])
            total[0] += row["packets"]
            total[1] += row["bytes"]
    busiest = sorted(sums.items(), key=lambda item: (-item[1][0], str(item[0])))
    return [
        {"packets": n, "bytes": size, **dict(zip(named, key, strict=True)), **asked(besides)}
        for (*key, besides), (n, size) in busiest
    ]


def entry_rows(report: ReplayReport, blocks: Blocks) -> list[dict[str, Any]]:
    """Every entry that a packet matched, by id."""
    return sorted(_entry_rows(report, blocks), key=lambda row: row["entry"])


def _entry_rows(report: ReplayReport, blocks: Blocks) -> Iterator[dict[str, Any]]:
    for group in blocks.program.groups:
        for entry in (*group.entries, group.default_entry):
            packets, size = report.entries[entry.id].tolist()
            origin = blocks.program.origins[entry.origin]
            does = group.stage.doing(entry.action)
            if packets:
                yield {
                    "entry": entry.id,
                    "packets": packets,
                    "bytes": size,
                    "stage": f"{group.direction.name.lower()} {group.stage.label}",
                    "action": does.label,
                    "rule": str(replace(origin, span=None)),
                    "line": None if origin.span is None else str(origin.span),
                    "hands_on": entry is group.default_entry and does.to is To.NEXT,
                    **asked(entry.conditions),
                }


def asked(conditions: tuple[Condition, ...]) -> dict[str, list[str]]:
    """What must hold besides what a header tells, where anything must."""
    return {"conditions": list(conditions)} if conditions else {}


def link_table(report: ReplayReport, network: Network, top: int = TOP) -> Table:
    """The links that carried most bytes, encapsulated, by direction."""
    order = sorted(range(len(report.links)), key=lambda i: (-int(report.links[i, 1]), i))
    names = [node.name for node in network.fabric.nodes]
    rows = []
    for i in order[:top]:
        link = network.fabric.links[i // 2]
        ends = (names[link.a], names[link.b])
        a, b = ends if i % 2 == 0 else ends[::-1]
        if report.links[i, 0]:
            load = {"packets": int(report.links[i, 0]), "bytes": int(report.links[i, 1])}
            rows.append({"link": link.name, "from": a, "to": b, **load})
    return Table(tuple(rows), "Busiest links")


def imbalance_table(report: ReplayReport, network: Network, top: int = 5) -> Table:
    """Nodes whose ECMP choice is least even."""
    rows = tuple(
        {"node": i.node, "links": i.links, "busiest": i.busiest, "times_mean": round(i.ratio, 3)}
        for i in imbalances(network, report.links)[:top]
    )
    return Table(rows, "ECMP imbalance (busiest uplink over the mean)")


def by_flow_table(found: FlowVerdicts, network: Network) -> Table:
    """What became of each flow."""
    rows = tuple(found.table(network))
    more = f"; {found.left_out:,} packets of more flows are left out" if found.left_out else ""
    return Table(rows, f"Flows: {len(rows):,}{more}", BY_FLOW)


def tables(
    report: ReplayReport, network: Network, blocks: Blocks, by_flow: FlowVerdicts | None = None
) -> list[Table]:
    """The report for people."""
    parts = [verdict_table(report), flow_table(report)]
    parts += [by_flow_table(by_flow, network)] if by_flow else []
    parts += [rule_table(report, blocks)]
    parts += [link_table(report, network), imbalance_table(report, network)]
    return [part for part in parts if len(part)]


def document(
    report: ReplayReport, network: Network, blocks: Blocks, by_flow: FlowVerdicts | None = None
) -> dict[str, Any]:
    """The report as data: everything that was counted, not only the top."""
    n_links = len(report.links)
    listed = {"by_flow": list(by_flow.table(network))} if by_flow else {}
    left_out = {"by_flow_left_out": by_flow.left_out} if by_flow else {}
    return {
        **listed,
        **left_out,
        **asked(report.conditions),
        "packets": report.packets,
        "bytes": report.bytes,
        "verdicts": {reason.label: n for reason, n in report.verdicts.items()},
        "flows": report.flows,
        "rules": rule_rows(report, blocks),
        "entries": entry_rows(report, blocks),
        "links": list(link_table(report, network, n_links)),
        "imbalance": list(imbalance_table(report, network, n_links)),
        "simulator_packets_per_second": round(report.packets_per_second),
        "threads": report.threads,
    }
