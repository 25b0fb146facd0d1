"""Oracles about verdicts: definition, tables, kernels, proof and a twin from the YAML agree."""

from __future__ import annotations

from pathlib import Path
from random import Random

from compiled import compile_network
from naive import Header, outcomes
from netpol_cases import agreed

from fuzz.allocations import network_of
from fuzz.worlds import asked
from sim.blocks.blocks import build_blocks
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.proof.prove import prove
from sim.worlds.world import World

FLOWS = 20


def network_policy(rng: Random, folder: Path) -> None:
    """NetworkPolicies of a random cluster, against a twin that reads the YAML by itself."""
    agreed(rng, folder / "c.yaml", FLOWS)


def fabric(rng: Random, folder: Path) -> None:
    """Packets through a random fabric: the kernel does what the slow definition says, and what it
    lets through between tenants the proof calls open on that port."""
    network = network_of(asked(rng, folder))
    if network is None or not network.endpoints:
        return
    program = compile_network(network)
    blocks = build_blocks(program)
    sent = []
    for _ in range(4 * FLOWS):
        a, b = rng.choice(network.endpoints), rng.choice(network.endpoints)
        p = rng.choice(a.prefixes)
        q = rng.choice([x for x in b.prefixes if x.version == p.version] or [p])
        l4 = rng.choice([(6, 40000, 443), (6, 40000, 80), (17, 40000, 53), (1, 0, 0)])
        l4 = (58, 0, 0) if (p.version, l4[0]) == (6, 1) else l4
        sent.append(Flow(a.vrf, p.version, int(p[0]), int(q[0]), *l4, a.index, 100, 1))
    verdicts = Datapath(tables(blocks), threads=1).decide(Packets.of(sent))
    proof = prove(World.compiled(program))
    for row, flow in enumerate(sent):
        header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
        may = {
            (o.reason, o.dst) for o in outcomes(program.policy, network, flow.src_endpoint, header)
        }
        reason = Reason(int(verdicts.reason[row]))
        assert reason in {r for r, _ in may}, (flow, reason, may)
        source = network.endpoints[flow.src_endpoint]
        for what, target in may:
            if what is Reason.DELIVERED and target >= 0:
                there = network.endpoints[target]
                if source.tenant != there.tenant and source.zone == there.zone == 1:
                    assert proof.matrix.cell(source.tenant, there.tenant).open, flow
