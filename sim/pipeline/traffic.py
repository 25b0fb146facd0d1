"""Traffic to replay: every pair on every interesting port, or millions of random distinct flows.

All generators are seeded, yield batches of columns, and speak only of addresses that endpoints own.
An *interesting* port is one on either side of a bound that some rule names; where rules ask for
further fields, every packet is made with each interesting value of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fabric.values.ports import ICMP4, ICMP6, MAX_PORT, PROTOCOLS, WITH_PORTS, sent
from sim.blocks.blocks import Blocks
from sim.blocks.field_classes import PLAIN, interesting
from sim.blocks.field_classes import PROTOCOLS as WIDTH
from sim.packets.headers import Column, Packets
from sim.pipeline.senders import Hosts, packets_between

if TYPE_CHECKING:
    from sim.pipeline.datapath import Datapath

BATCH = 1 << 20
CLIENT_PORTS = (1024, MAX_PORT)
TEMPLATES = 1 << 18


def interesting_ports(blocks: Blocks) -> list[tuple[int, int]]:
    """(protocol, destination port) at both ends of every L4 atom, for every protocol that a rule or
    a person names; port 0 for protocols without ports."""
    l4 = blocks.l4
    found: set[tuple[int, int]] = set()
    for protocol in sorted({*PROTOCOLS.values(), *(wide % WIDTH for wide in l4.class_protocol)}):
        if protocol not in WITH_PORTS:
            found.add((protocol, 0))
            continue
        of_class = np.flatnonzero(np.isin(l4.q_class, l4.proto_class[protocol::WIDTH]))
        found |= {(protocol, int(p)) for p in (*l4.q_first[of_class], *l4.q_last[of_class])}
    return sorted(found)


def all_pairs(
    blocks: Blocks,
    ports: list[tuple[int, int]] | None = None,
    *,
    limit: int = 10_000_000,
    seed: int = 0,
    batch: int = BATCH,
    likely: bool = False,
) -> Iterator[Packets]:
    """Every two different endpoints of one family × `ports` (default: interesting ones). Above
    `limit` packets a seeded sample of the pairs. `likely` as in `Hosts.of`."""
    hosts = Hosts.of(blocks, likely=likely)
    wanted = np.array(ports or interesting_ports(blocks)).reshape(-1, 2)
    carried = [dict(values) for values in interesting(blocks.l4.fields)]
    src, dst = _pairs(hosts, max(1, limit // max(len(wanted) * len(carried), 1)), seed)
    step = max(1, batch // max(len(wanted), 1))
    for at in range(0, len(src), step):
        a, b = (np.repeat(rows[at : at + step], len(wanted)) for rows in (src, dst))
        protocol, dport = np.tile(wanted, (len(a) // len(wanted), 1)).T
        real = ~_unsent(hosts.version[a], protocol)
        a, b, protocol, dport = a[real], b[real], protocol[real], dport[real]
        sport = np.where(np.isin(protocol, list(WITH_PORTS)), 40000, 0)
        packets = packets_between(hosts, a, b, protocol, sport, dport, None)
        yield from (packets.carrying(values) if values else packets for values in carried)


def _unsent(version: Column, protocol: Column) -> NDArray[np.bool_]:
    """Which packets no host sends: one IP version's ICMP inside the other."""
    found: NDArray[np.bool_]
    found = ((protocol == ICMP4) & (version == 6)) | ((protocol == ICMP6) & (version == 4))
    return found


def n_pairs(blocks: Blocks) -> int:
    """How many packets `all_pairs` makes without a limit."""
    hosts, ports, total = Hosts.of(blocks), interesting_ports(blocks), 0
    for version in (4, 6):
        mine = hosts.endpoint[hosts.version == version]
        own = np.unique(mine, return_counts=True)[1].astype(np.int64)
        pairs = len(mine) ** 2 - int((own**2).sum())
        total += pairs * sum(sent(protocol, version) for protocol, _ in ports)
    return total * len(interesting(blocks.l4.fields))


def _pairs(hosts: Hosts, limit: int, seed: int) -> tuple[Column, Column]:
    """Rows of sources and destinations, in order."""
    n = len(hosts)
    if n * n <= 4 * limit or n * n <= 1 << 22:
        src, dst = np.divmod(np.arange(n * n), max(n, 1))
    else:
        rng = np.random.default_rng(seed)
        src, dst = np.divmod(np.unique(rng.integers(0, n * n, 4 * limit)), n)
    keep = (hosts.version[src] == hosts.version[dst]) & (hosts.endpoint[src] != hosts.endpoint[dst])
    src, dst = src[keep], dst[keep]
    if len(src) > limit:
        chosen = np.random.default_rng(seed).choice(len(src), limit, replace=False)
        chosen.sort()
        src, dst = src[chosen], dst[chosen]
    return src, dst


@dataclass(frozen=True, slots=True)
class _Templates:
    """Distinct flows but for their source ports: rows of hosts, protocol, destination port."""

    src: Column
    dst: Column
    protocol: NDArray[np.uint8]
    dport: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.src)

    def take(self, rows: Column) -> _Templates:
        return _Templates(self.src[rows], self.dst[rows], self.protocol[rows], self.dport[rows])


def random_flows(
    blocks: Blocks,
    n: int,
    *,
    seed: int = 0,
    zipf: float | None = None,
    permitted: float = 0.0,
    datapath: Datapath | None = None,
    batch: int = BATCH,
) -> Iterator[Packets]:
    """`n` packets of distinct random flows (fewer if the world has no more).

    At least about the share `permitted` comes from flows that `datapath` permits, if there are any.
    With `zipf` the packets are drawn from `batch` flows at most, the k-th most frequent with weight
    k**-zipf, and so are not distinct.
    """
    hosts, rng = Hosts.of(blocks), np.random.default_rng(seed)
    if not len(hosts) or n <= 0:
        return
    strata = _strata(hosts, blocks, rng, permitted, datapath)
    if zipf is None:
        for flows in _distinct(hosts, strata, rng, n, batch):
            yield _carrying(flows, blocks, rng)
        return
    for drawn_flows in _distinct(hosts, strata, rng, min(n, batch), batch):
        flows = _carrying(drawn_flows, blocks, rng)
        weights = np.cumsum(np.arange(1, len(flows) + 1, dtype=float) ** -zipf)
        for at in range(0, n, batch):
            drawn = rng.random(min(batch, n - at)) * weights[-1]
            rank = np.searchsorted(weights, drawn)
            yield flows.take(np.minimum(rank, len(flows) - 1))


def _carrying(flows: Packets, blocks: Blocks, rng: np.random.Generator) -> Packets:
    """The same flows with interesting values of the further fields that rules ask for."""
    classes = blocks.l4.fields
    if classes == PLAIN:
        return flows
    values = np.array([[v for _, v in each] for each in interesting(classes)])
    drawn = values[rng.integers(0, len(values), len(flows))].T
    return flows.carrying(dict(zip(classes.names, drawn, strict=True)))


def with_replies(traffic: Iterable[Packets], datapath: Datapath) -> Iterator[Packets]:
    """Each batch, and after it the answers to those of its packets that `datapath` permits: from
    the endpoint that got the packet, in that endpoint's VRF."""
    for packets in traffic:
        yield packets
        verdicts = datapath.decide(packets)
        asked, by = packets.take(verdicts.delivered), verdicts.dst_endpoint[verdicts.delivered]
        yield Packets.make(
            asked.version,
            src_endpoint=by,
            vrf=datapath.tables.ep_vrf[by],
            src_hi=asked.dst_hi,
            src_lo=asked.dst_lo,
            dst_hi=asked.src_hi,
            dst_lo=asked.src_lo,
            protocol=asked.protocol,
            sport=asked.dport,
            dport=asked.sport,
            length=asked.length,
            count=asked.count,
        ).carrying(asked.fields)


def _strata(
    hosts: Hosts,
    blocks: Blocks,
    rng: np.random.Generator,
    permitted: float,
    datapath: Datapath | None,
) -> list[tuple[float, _Templates]]:
    """Templates with the share of flows that they are to give. One stratum, unless fewer than
    `permitted` of them are permitted."""
    templates = _templates(hosts, blocks, rng)
    if not permitted or datapath is None or not len(templates):
        return [(1.0, templates)]
    t, n = templates, len(templates)
    sport = rng.integers(*CLIENT_PORTS, n)
    drawn = packets_between(hosts, t.src, t.dst, t.protocol, sport, t.dport, rng)
    delivered = datapath.decide(drawn).delivered
    if not 0 < delivered.mean() < permitted:
        return [(1.0, templates)]
    good, bad = templates.take(delivered), templates.take(~delivered)
    return [(permitted, good), (1 - permitted, bad)]


def _templates(hosts: Hosts, blocks: Blocks, rng: np.random.Generator) -> _Templates:
    """Half of the pairs inside a VRF, half anywhere; most ports interesting, some any."""
    ports = np.array([p for p in interesting_ports(blocks) if p[0] in WITH_PORTS])
    src = rng.integers(0, len(hosts), TEMPLATES)
    dst = rng.integers(0, len(hosts), TEMPLATES)
    near = rng.random(TEMPLATES) < 0.5
    dst[near] = _neighbours(hosts, src[near], rng)
    ok = (hosts.version[src] == hosts.version[dst]) & (hosts.endpoint[src] != hosts.endpoint[dst])
    src, dst = src[ok], dst[ok]
    protocol, dport = ports[rng.integers(0, len(ports), len(src))].T
    dport = np.where(rng.random(len(src)) < 0.25, rng.integers(0, 65536, len(src)), dport)
    key = ((src * len(hosts) + dst) << 24) | (protocol << 16) | dport
    _, first = np.unique(key, return_index=True)
    first = rng.permutation(first)
    columns = protocol.astype(np.uint8)[first], dport.astype(np.uint16)[first]
    return _Templates(src[first], dst[first], *columns)


def _neighbours(hosts: Hosts, rows: Column, rng: np.random.Generator) -> Column:
    """For each row a random row of the same VRF and family."""
    key = hosts.vrf.astype(np.int64) * 8 + hosts.version
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], key[rows], "left")
    last = np.searchsorted(key[order], key[rows], "right")
    found: Column = order[first + rng.integers(0, last - first)]
    return found


def _distinct(
    hosts: Hosts,
    strata: list[tuple[float, _Templates]],
    rng: np.random.Generator,
    n: int,
    batch: int,
) -> Iterator[Packets]:
    """Batches of distinct flows: the k-th visit to a template takes the k-th of its source ports,
    which begin anywhere and wrap around."""
    ports = MAX_PORT + 1 - CLIENT_PORTS[0]
    done, last = [0] * len(strata), len(strata) - 1
    while n > 0:
        size = min(batch, n)
        parts: list[Column] = []
        for i, (share, templates) in enumerate(strata):
            wanted = size - sum(len(p) for p in parts) if i == last else int(size * share)
            end = min(done[i] + wanted, len(templates) * ports)
            parts.append(np.arange(done[i], end))
            done[i] = end
        flows = _draw(hosts, [t for _, t in strata], parts, rng)
        if not len(flows):
            return
        yield flows
        n -= len(flows)


def _draw(
    hosts: Hosts, strata: list[_Templates], visits: list[Column], rng: np.random.Generator
) -> Packets:
    """The flows with these numbers in each stratum, shuffled."""
    ports = MAX_PORT + 1 - CLIENT_PORTS[0]
    columns: list[list[Column]] = []
    for templates, numbers in zip(strata, visits, strict=True):
        turn, row = np.divmod(numbers, max(len(templates), 1))
        sport = CLIENT_PORTS[0] + (turn + row * 40503) % ports
        t = templates
        ends = (t.src[row], t.dst[row], t.protocol[row])
        columns.append([*ends, sport.astype(np.uint16), t.dport[row]])
    order = rng.permutation(sum(len(numbers) for numbers in visits))
    src, dst, protocol, sport, dport = (
        np.concatenate(parts)[order] for parts in zip(*columns, strict=True)
    )
    return packets_between(hosts, src, dst, protocol, sport, dport, rng)
