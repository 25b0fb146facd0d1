"""The flow table against a dictionary, packet by packet."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.conntrack import FlowTable, opening_packets
from sim.datapath import Verdicts
from sim.packets import Flow, Packets
from sim.reasons import Reason

DENIED = int(Reason.POLICY_DROP)
FLOW = st.builds(
    lambda version, ends, ports, protocol: Flow(
        0, version, ends[0], ends[1], protocol, ports[0], ports[1], ends[2]
    ),
    st.sampled_from([4, 6]),
    st.sampled_from([(1, 2, 0), (2, 1, 1), (1, 1, 0), (7, 2, 2), (2, 7, 1)]),
    st.sampled_from([(5, 5), (5, 6), (6, 5)]),
    st.sampled_from([6, 17]),
)
OWNER = {1: 0, 2: 1, 7: 2}
STEP = st.tuples(FLOW, st.booleans(), st.booleans(), st.integers(0, 30))


class Model:
    """The same rules on a dictionary."""

    def __init__(self, timeout: int, capacity: int) -> None:
        self.flows: dict[Any, list[Any]] = {}
        self.timeout, self.capacity = timeout, capacity
        self.counts = dict.fromkeys(("created", "hit", "reply", "aged", "create_failed"), 0)

    def packet(self, flow: Flow, routed: bool, permitted: bool, now: int) -> tuple[bool, int]:
        ends = ((OWNER[flow.src], flow.src, flow.sport), (OWNER[flow.dst], flow.dst, flow.dport))
        key = (frozenset(ends), flow.version, flow.protocol)
        if not routed:
            return False, 0
        found = self.flows.get(key)
        if found and found[0] is not None and now - found[1] > self.timeout:
            self.counts["aged"] += 1
            found[0] = None
        if found and found[0] is not None:
            state = 1 if found[0] == ends else 2
            self.counts["hit" if state == 1 else "reply"] += 1
            found[1] = now
            return True, state
        if permitted and not found and len(self.flows) >= self.capacity:
            self.counts["create_failed"] += 1
        elif permitted:
            self.flows[key] = [ends, now]
            self.counts["created"] += 1
        return permitted, 0


@settings(max_examples=200)
@given(st.lists(STEP, max_size=40), st.sampled_from([10, 1000]), st.sampled_from([2, 64]))
def test_table_behaves_like_the_model(steps: list[Any], timeout: int, capacity: int) -> None:
    model, table = Model(timeout, capacity), FlowTable(capacity, timeout)
    packets = Packets.of([flow for flow, *_ in steps])
    now = np.cumsum([pause for *_, pause in steps]).astype(np.int64)
    verdicts = Verdicts.empty(len(steps))
    for i, (flow, routed, permitted, _) in enumerate(steps):
        verdicts.src_endpoint[i], verdicts.dst_endpoint[i] = OWNER[flow.src], OWNER[flow.dst]
        verdicts.route[i] = 0 if routed else Reason.ENI_MISS_DROP
        verdicts.reason[i] = verdicts.route[i] or (0 if permitted else DENIED)
    expected = [
        model.packet(flow, routed, permitted, int(now[i]))
        for i, (flow, routed, permitted, _) in enumerate(steps)
    ]
    table.track(packets, verdicts, now)
    assert list(zip(verdicts.delivered.tolist(), verdicts.flow_state.tolist(), strict=True)) == (
        expected
    )
    assert {k: v for k, v in table.counts().items() if k in model.counts} == model.counts
    live = [entry[0] for entry in model.flows.values() if entry[0] is not None]
    opened = opening_packets(table.flows(), np.zeros(3, np.int32))
    got = [opened.flow(i) for i in range(len(opened))]
    assert sorted((f.src, f.sport, f.dst, f.dport) for f in got) == sorted(
        (a[1], a[2], b[1], b[2]) for a, b in live
    )
