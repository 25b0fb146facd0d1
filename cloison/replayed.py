"""What a replay or a capture held, as tables for people and as data."""

from __future__ import annotations

from typing import Any

from cloison.table import Table
from compiler.blocks import Blocks
from compiler.ir import Stage
from fabric.network import Network
from sim.dropped import entry_origins
from sim.pcap import Counts
from sim.replay import ReplayReport, imbalances

TOP = 10


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


def entry_table(report: ReplayReport, blocks: Blocks, top: int = TOP) -> Table:
    """The entries that decided most packets."""
    busiest = sorted(range(len(report.entries)), key=lambda i: (-int(report.entries[i, 0]), i))
    origins, stages = entry_origins(blocks), _stages(blocks)
    rows = tuple(
        {
            "packets": int(report.entries[i, 0]),
            "bytes": int(report.entries[i, 1]),
            "stage": f"{origins[i][0].name.lower()} {stages[i].name.lower()}",
            "rule": str(origins[i][1]),
        }
        for i in busiest[:top]
        if report.entries[i, 0]
    )
    shown = {"packets": "packets", "stage": "stage", "rule": "decided by"}
    return Table(rows, "Busiest entries", shown)


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


def tables(report: ReplayReport, network: Network, blocks: Blocks) -> list[Table]:
    """The report for people."""
    parts = [verdict_table(report), flow_table(report), entry_table(report, blocks)]
    parts += [link_table(report, network), imbalance_table(report, network)]
    return [part for part in parts if len(part)]


def document(report: ReplayReport, network: Network, blocks: Blocks) -> dict[str, Any]:
    """The report as data: everything that was counted, not only the top."""
    n_links = len(report.links)
    return {
        "packets": report.packets,
        "bytes": report.bytes,
        "verdicts": {reason.label: n for reason, n in report.verdicts.items()},
        "flows": report.flows,
        "entries": list(entry_table(report, blocks, len(report.entries))),
        "links": list(link_table(report, network, n_links)),
        "imbalance": list(imbalance_table(report, network, n_links)),
        "simulator_packets_per_second": round(report.packets_per_second),
        "threads": report.threads,
    }


def _stages(blocks: Blocks) -> dict[int, Stage]:
    return {
        entry.id: group.stage
        for group in blocks.program.groups
        for entry in (*group.entries, group.default_entry)
    }
