"""Faults of `sim.kernels`: compiled code that replay and classifiers run."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/kernels/pipeline/path.py",
        "if claimed >= 0 and owner != claimed:",
        "if claimed >= 0 and owner < 0:",
        "endpoints may send with addresses of others",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "if bound < 0 or U(t.ep_vtep[U(bound)]) != target:",
        "if bound < 0:",
        "a packet is delivered at a VTEP where its destination does not live",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "if t.set_vtep[U(m)] == vtep and (seen < 0 or t.set_vrf[U(m)] == h.vrf[i]):",
        "if seen < 0 or t.set_vrf[U(m)] == h.vrf[i]:",
        "a way back through another VTEP will do",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "if vtep != target and t.hop_off[tunnel] == t.hop_off[tunnel + ONE]:",
        "if False:",
        "the underlay carries packets everywhere",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "n += U(complete | (reason == 0))",
        "n += ONE",
        "who is denied on the way out goes on",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "o.reason[i] = after if o.reason[i] == 0 else o.reason[i]",
        "o.reason[i] = o.reason[i]",
        "the receiver's policies are not asked",
    ),
    Fault(
        "sim/kernels/pipeline/path.py",
        "if remote_vrf != U(h.vrf[i]):",
        "if False:",
        "addresses are looked up in the sender's VRF",
    ),
    Fault(
        "sim/kernels/pipeline/atoms.py",
        "at += half if U(t.v4_start[at + half]) <= ip else ZERO",
        "at += half if U(t.v4_start[at + half]) < ip else ZERO",
        "the first IPv4 address of an atom belongs to the one before",
    ),
    Fault(
        "sim/kernels/pipeline/atoms.py",
        "below = (word < hi) | ((word == hi) & (t.v6_lo[at + half] <= lo))",
        "below = word <= hi",
        "IPv6 addresses are told apart by their upper half only",
    ),
    Fault(
        "sim/kernels/pipeline/account.py",
        "links[side, ONE] += U(count[i]) * (U(length[i]) + OVERHEAD_V4)",
        "links[side, ONE] += U(length[i]) + OVERHEAD_V4",
        "bytes on links forget that headers stand for several packets",
    ),
    Fault(
        "sim/kernels/pipeline/account.py",
        "n += U((let_out | (o.flow_state[i] != 0)) & (vtep != hop))",
        "n += U(vtep != hop)",
        "packets that were denied load links",
    ),
    Fault(
        "sim/kernels/pipeline/ecmp.py",
        "return mix(src_lo * K0 + src_hi * K1 + dst_lo * K2 + dst_hi * K3 + l4 * K4)",
        "return mix(src_lo * K0 + src_hi * K1 + dst_lo * K2 + dst_hi * K3)",
        "ECMP does not look at ports",
    ),
    Fault(
        "sim/kernels/pipeline/flow_table.py",
        "by_b = src > dst",
        "by_b = False",
        "the two ends of flows are not put in order: replies open flows of their own",
    ),
    Fault(
        "sim/kernels/pipeline/flow_table.py",
        "other |= (table[at | FOUR] ^ q[FOUR, j]) | (table[at | FIVE] ^ q[FIVE, j])",
        "other |= table[at | FIVE] ^ q[FIVE, j]",
        "flows of other ports pass as known",
    ),
    Fault(
        "sim/kernels/pipeline/flows.py",
        "if o.reason[i] == DELIVERED and kind != ANSWER:",
        "if kind != ANSWER:",
        "denied packets open flows",
    ),
    Fault(
        "sim/kernels/pipeline/flows.py",
        "if state & ALIVE and np.int64(now - table[slot | SEVEN]) > f.timeout:",
        "if False:",
        "flows do not age",
    ),
    Fault(
        "sim/kernels/pipeline/flows.py",
        "if not permitted:\n                remove(table, slot, c)",
        "if False:\n                remove(table, slot, c)",
        "flows that policies deny by now are not revoked",
    ),
    Fault(
        "sim/kernels/match/port_intervals.py",
        "if t.low[at + half] <= c.dport[i]:",
        "if t.low[at + half] < c.dport[i]:",
        "the first port of an interval belongs to the one before",
    ),
    Fault(
        "sim/kernels/match/paint.py",
        "for r in range(len(ids) - 1, -1, -1):\n        for i",
        "for r in range(len(ids)):\n        for i",
        "classifiers: the last rule wins",
    ),
    Fault(
        "sim/kernels/match/linear.py",
        "if first[U(k)] <= port and port <= last[U(k)]:",
        "if first[U(k)] <= port and port < last[U(k)]:",
        "scan: the last port of a range is not in it",
    ),
    Fault(
        "sim/kernels/match/linear.py",
        "and (rules.protocol[r, word] >> bit) & ONE",
        "and ONE",
        "scan: protocols do not count",
    ),
    Fault(
        "sim/kernels/match/tries.py",
        "if W(low[at + half]) <= key:",
        "if W(low[at + half]) < key:",
        "classifiers: the first IPv4 address of an interval belongs to the one before",
    ),
    Fault(
        "sim/kernels/match/tries.py",
        "if U(first[i]) - U(first[j]) < ONE << U(32 - length[j]):",
        "if U(first[i]) - U(first[j]) <= ONE << U(32 - length[j]):",
        "classifiers: a prefix contains the one behind it",
    ),
    Fault(
        "sim/kernels/match/name_forest.py",
        "return end[0] or hi < end[1] or (hi == end[1] and lo < end[2])",
        "return end[0] or hi < end[1] or (hi == end[1] and lo <= end[2])",
        "classifiers: an IPv6 prefix holds one address more",
    ),
)
