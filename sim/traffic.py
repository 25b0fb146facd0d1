"""Traffic to replay: every pair on every interesting port, or millions of random distinct flows.

All generators are seeded, yield batches of columns, and speak only of addresses that endpoints own.
An *interesting* port is one on either side of a bound that some rule names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compiler.blocks import Blocks
from fabric.ports import MAX_PORT, PROTOCOLS, WITH_PORTS
from sim.hosts import Hosts, packets_between
from sim.packets import Column, Packets

if TYPE_CHECKING:
    from sim.datapath import Datapath

BATCH = 1 << 20
CLIENT_PORTS = (1024, MAX_PORT)
TEMPLATES = 1 << 18


def interesting_ports(blocks: Blocks) -> list[tuple[int, int]]:
    """(protocol, destination port) at both ends of every L4 atom, for every protocol that a rule or
    a person names; port 0 for protocols without ports."""
    l4 = blocks.l4
    found: set[tuple[int, int]] = set()
    for protocol in sorted({*PROTOCOLS.values(), *l4.class_protocol}):
        if protocol not in WITH_PORTS:
            found.add((protocol, 0))
            continue
        of_class = np.flatnonzero(l4.q_class == l4.proto_class[protocol])
        found |= {(protocol, int(p)) for p in (*l4.q_first[of_class], *l4.q_last[of_class])}
    return sorted(found)


def all_pairs(
    blocks: Blocks,
    ports: list[tuple[int, int]] | None = None,
    *,
    limit: int = 10_000_000,
    seed: int = 0,
    batch: int = BATCH,
) -> Iterator[Packets]:
    """Every two different endpoints of one family × `ports` (default: interesting ones). Above
    `limit` packets a seeded sample of the pairs."""
    hosts, wanted = Hosts.of(blocks), np.array(ports or interesting_ports(blocks)).reshape(-1, 2)
    src, dst = _pairs(hosts, max(1, limit // max(len(wanted), 1)), seed)
    step = max(1, batch // max(len(wanted), 1))
    for at in range(0, len(src), step):
        a, b = (np.repeat(rows[at : at + step], len(wanted)) for rows in (src, dst))
        protocol, dport = np.tile(wanted, (len(a) // len(wanted), 1)).T
        sport = np.where(np.isin(protocol, list(WITH_PORTS)), 40000, 0)
        yield packets_between(hosts, a, b, protocol, sport, dport, None)


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
    """Flows without source ports; the first `permitted` ones are known to be permitted."""

    src: Column
    dst: Column
    protocol: Column
    dport: Column
    permitted: int


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

    `permitted` is the share drawn from flows that `datapath` permits, as far as there are any.
    With `zipf` the packets are drawn from `batch` flows at most, the k-th most frequent with weight
    k**-zipf, and so are not distinct.
    """
    hosts, rng = Hosts.of(blocks), np.random.default_rng(seed)
    if not len(hosts) or n <= 0:
        return
    templates = _templates(hosts, blocks, rng, permitted, datapath)
    if not len(templates.src):
        return
    if zipf is not None:
        flows = _distinct(hosts, templates, rng, min(n, batch), permitted, 0, 1)
        weights = np.cumsum(np.arange(1, len(flows) + 1, dtype=float) ** -zipf)
        while n > 0:
            size = min(n, batch)
            rank = np.searchsorted(weights, rng.random(size) * weights[-1])
            yield flows.take(np.minimum(rank, len(flows) - 1))
            n -= size
        return
    batches = -(-n // batch)
    for number in range(batches):
        size = min(batch, n - number * batch)
        yield _distinct(hosts, templates, rng, size, permitted, number, batches)


def _templates(
    hosts: Hosts,
    blocks: Blocks,
    rng: np.random.Generator,
    permitted: float,
    datapath: Datapath | None,
) -> _Templates:
    """Half of the pairs inside a VRF, half anywhere; ports half interesting, half any."""
    ports = np.array([p for p in interesting_ports(blocks) if p[0] in WITH_PORTS])
    src = rng.integers(0, len(hosts), TEMPLATES)
    dst = rng.integers(0, len(hosts), TEMPLATES)
    near = rng.random(TEMPLATES) < 0.5
    dst[near] = _neighbours(hosts, src[near], rng)
    ok = (hosts.version[src] == hosts.version[dst]) & (hosts.endpoint[src] != hosts.endpoint[dst])
    src, dst = src[ok], dst[ok]
    protocol, dport = ports[rng.integers(0, len(ports), len(src))].T
    dport = np.where(rng.random(len(src)) < 0.25, rng.integers(0, 65536, len(src)), dport)
    if not permitted or datapath is None:
        return _Templates(src, dst, protocol, dport, 0)
    sport = rng.integers(*CLIENT_PORTS, len(src))
    verdicts = datapath.decide(packets_between(hosts, src, dst, protocol, sport, dport, rng))
    order = np.argsort(~verdicts.delivered, kind="stable")
    count = int(verdicts.delivered.sum())
    return _Templates(src[order], dst[order], protocol[order], dport[order], count)


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
    templates: _Templates,
    rng: np.random.Generator,
    size: int,
    permitted: float,
    number: int,
    batches: int,
) -> Packets:
    """Batch `number` of `batches`: source ports congruent to it, so that batches never meet."""
    parts: list[Packets] = []
    seen = np.zeros(0, np.uint64)
    for _ in range(8):
        missing = size - len(seen)
        if not missing:
            break
        known = min(templates.permitted, 1) * int(missing * permitted)
        row = rng.integers(0, len(templates.src), missing)
        row[:known] = rng.integers(0, max(templates.permitted, 1), known)
        slots = max(1, (MAX_PORT + 1 - CLIENT_PORTS[0]) // batches)
        sport = CLIENT_PORTS[0] + rng.integers(0, slots, missing) * batches + number % batches
        columns = (templates.protocol[row], sport, templates.dport[row])
        drawn = packets_between(hosts, templates.src[row], templates.dst[row], *columns, rng)
        hashed = _identity(drawn)
        unique, first = np.unique(hashed, return_index=True)
        first = np.sort(first[~np.isin(unique, seen, assume_unique=True)])
        parts.append(drawn.take(first) if len(first) < missing else drawn)
        seen = np.concatenate([seen, hashed[first]])
    flows = Packets.concat(parts)
    return flows.take(rng.permutation(len(flows)))


def _identity(packets: Packets) -> NDArray[np.uint64]:
    """A 64-bit hash of the VRF and 5-tuple. Two flows that share one are taken for the same, which
    costs a flow and never lets a duplicate through."""
    odd = [np.uint64(m) for m in np.random.default_rng(1).integers(1, 2**63, 6) * 2 + 1]
    l4 = packets.sport.astype(np.uint64) << np.uint64(16) | packets.dport
    l4 |= packets.vrf.astype(np.uint64) << np.uint64(40) | packets.protocol.astype(
        np.uint64
    ) << np.uint64(32)
    words = (packets.src_lo, packets.src_hi, packets.dst_lo, packets.dst_hi, l4)
    total = np.zeros(len(packets), np.uint64)
    for word, factor in zip(words, odd, strict=False):
        total = (total ^ word) * factor
        total ^= total >> np.uint64(29)
    return total
