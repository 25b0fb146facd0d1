"""Faults of proofs: what gets where, for all packets."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/proof/legs.py",
        "bound = (owner >= 0) & b.homes.at(owner, b.endpoint_vtep[owner], at)",
        "bound = owner >= 0",
        "proof: a packet is delivered at a VTEP where its destination does not live",
    ),
    Fault(
        "sim/proof/legs.py",
        "drop = np.where(space.underlay[entry, ways.first_vtep[hop]], drop, Reason.UNDERLAY_DROP)",
        "pass",
        "proof: the underlay carries packets everywhere",
    ),
    Fault(
        "sim/proof/legs.py",
        "drop = np.where(stray, Reason.PA_VALIDATION_DROP, joined.drop)",
        "drop = joined.drop",
        "proof: no way back is needed",
    ),
    Fault(
        "sim/proof/legs.py",
        "via = b.set_vtep[hop] == outer[known[row]]",
        "via = b.set_vtep[hop] >= 0",
        "proof: a way back through another VTEP will do",
    ),
    Fault(
        "sim/proof/legs.py",
        "order = np.lexsort((hop, b.set_vrf[hop] != inner[known[row]], row))",
        "order = np.lexsort((hop, row))",
        "proof: the source's own VRF is not preferred on the way back",
    ),
    Fault(
        "sim/proof/legs.py",
        "return np.asarray(reach | np.eye(n, dtype=bool))",
        "return np.asarray(reach)",
        "proof: endpoints of one VTEP do not reach each other",
    ),
    Fault(
        "sim/proof/legs.py",
        "return rows.take((owner != src) | ~back)",
        "return rows.take((owner > src) | ~back)",
        "proof: packets to endpoints with lower numbers are not looked at",
    ),
    Fault(
        "sim/proof/legs.py",
        "drop = np.where(away, Reason.HAIRPIN_DROP, drop)",
        "drop = np.where(away & (owner < 0), Reason.HAIRPIN_DROP, drop)",
        "proof: what a VTEP routes on is delivered to whoever owns all around it",
    ),
    Fault(
        "sim/proof/coverage.py",
        "counts &= self._kept(home)[at_home[span]]",
        "counts &= self._kept(home)[at_home[span]] | True",
        "allow asks for addresses that the endpoint's own VTEP routes on",
    ),
    Fault(
        "sim/proof/legs.py",
        "drop = np.where(away, Reason.SPOOF_DROP, drop)",
        "pass",
        "whoever has an address sends from it, wherever answers go",
    ),
    Fault(
        "sim/proof/legs.py",
        "alike = alike * 2 + (span >= ref.n_v4)",
        "pass",
        "proof: IPv4 and IPv6 addresses share a place",
    ),
    Fault(
        "sim/proof/legs.py",
        "here = np.flatnonzero(ways.vrf[hop] == egress)",
        "here = np.flatnonzero(ways.vrf[hop] >= 0)",
        "proof: next hops into other VRFs lead into this one",
    ),
    Fault(
        "sim/proof/reachability.py",
        "must = np.where(width == rows.hops[at], sure, 0)",
        "must = sure",
        "proof: what some choice of ECMP delivers is sure",
        "tests/sim/proof/test_expect.py",
    ),
    Fault(
        "sim/proof/reachability.py",
        "some = combine(sets, pair_of, leg_set, np.logical_or)",
        "some = combine(sets, pair_of, leg_set, np.logical_and)",
        "proof: what only some addresses or paths pass is not open",
    ),
    Fault(
        "sim/proof/reachability.py",
        "passing = table[part // len(keys)] & table[part % len(keys)]",
        "passing = table[part // len(keys)]",
        "proof: the receiver's policies are not asked",
    ),
    Fault(
        "sim/proof/reachability.py",
        "passing = table[part // len(keys)] & table[part % len(keys)]",
        "passing = table[part % len(keys)]",
        "proof: the sender's policies are not asked",
    ),
    Fault(
        "sim/proof/reachability.py",
        "return np.where((found == wanted) & (found > 0), strict, 0)",
        "return np.where(found > 0, strict, 0)",
        "proof: addresses without a route do not count for `allow`",
    ),
    Fault(
        "sim/proof/reachability.py",
        "row = blocks.F_off[block] + cls * blocks.n_l4[block]",
        "row = blocks.F_off[block] + cls",
        "proof: rows of blocks are read at the wrong place",
    ),
    Fault(
        "sim/proof/coverage.py",
        "counts = (chosen < 0) | self._leads(chosen, seen[:, 1], home)",
        "counts = self._leads(chosen, seen[:, 1], home)",
        "`allow`: addresses without any route do not count",
    ),
    Fault(
        "sim/proof/coverage.py",
        "counts = (chosen < 0) | self._leads(chosen, seen[:, 1], home)",
        "counts = (chosen < 0) | self._leads(chosen, seen[:, 1], vrf)",
        "`allow`: addresses count that routes lead into the other end's VRF",
    ),
    Fault(
        "sim/proof/coverage.py",
        "counts[seen[:, 0] == at].any(axis=0) | loose",
        "counts[seen[:, 0] == at].any(axis=0)",
        "`allow`: a pod's address that routes lead elsewhere does not count",
    ),
    Fault(
        "sim/proof/coverage.py",
        "span < crossing.ref.n_v4, version)",
        "span < crossing.ref.n_v4, 4)",
        "`allow`: IPv6 addresses that count are those of IPv4",
    ),
    Fault(
        "sim/proof/coverage.py",
        'out[np.searchsorted(off, np.flatnonzero(ways), "right") - 1] = True',
        "out[np.searchsorted(off, np.flatnonzero(ways))] = True",
        "`allow`: ECMP into two VRFs leads into neither",
    ),
    Fault(
        "fabric/interval_sets.py",
        "return any(low <= last and first <= high for low, high in a for first, last in b)",
        "return any(first <= low and high <= last for low, high in a for first, last in b)",
        "an address inside a larger place is not looked at",
    ),
    Fault(
        "sim/proof/vrf_pairs.py",
        "suspect = (sends | accepts) & UNDECLARED",
        "suspect = sends & accepts & UNDECLARED",
        "proof without pairs: an intent at one end explains packets",
    ),
    Fault(
        "sim/proof/vrf_pairs.py",
        "routed[source[row], blocks.set_vrf[hop]] = True",
        "routed[source, blocks.set_vrf[blocks.set_off[hops]]] = True",
        "proof without pairs: only the first next hop of a set leads anywhere",
    ),
    Fault(
        "sim/proof/vrf_pairs.py",
        "accepts |= own if vrf == b else int(into[b, vrf])",
        "accepts |= int(into[b, vrf])",
        "proof without pairs: who is seen in one's own VRF is not let in",
    ),
    Fault(
        "sim/proof/vrf_pairs.py",
        "behind = np.flatnonzero(before.routed[:, vrf] & (out[:, vrf] > 0)).tolist()",
        "behind: list[int] = []",
        "proof without pairs: after an update senders to a changed VRF are not looked at",
    ),
    Fault(
        "sim/proof/spans.py",
        "last = axis[cuts[local + 1]] - 1 if local + 1 < len(cuts) else TOP[version]",
        "last = axis[cuts[local + 1]] if local + 1 < len(cuts) else TOP[version]",
        "address ranges overlap by one",
    ),
    Fault(
        "sim/proof/spans.py",
        "new = np.diff(key, prepend=-1) != 0\n        part",
        "new = np.diff(key, prepend=-1) > 1\n        part",
        "places of neighbouring keys are joined",
    ),
    Fault(
        "sim/proof/regions.py",
        "what = tuple(sorted({*distinct, *([own] if len(found) < every else [])}))",
        "what = tuple(sorted(distinct))",
        "certificates lack the choice of ECMP that leads back",
    ),
    Fault(
        "sim/proof/regions.py",
        "np.array(of, np.int64)[self.blocks.dec_stage[found]]",
        "np.array(of, np.int64)[-1 - (self.blocks.dec_stage[found] >= 0)]",
        "certificates: all denials are those of workload policies",
    ),
    Fault(
        "sim/proof/closure.py",
        "yield (*first, *first, *first, int(Reason.TTL_DROP))",
        "pass",
        "proof: what goes in circles is no way",
    ),
    Fault(
        "sim/proof/closure.py",
        "yield (*hop, *first, *here, 0)",
        "yield (*hop, *first, *first, 0)",
        "proof: the receiver validates the first hop, not the last tunnel",
    ),
    Fault(
        "sim/proof/failures.py",
        "if relayed or _beside(there) != self._beside:",
        "if _beside(there) != self._beside:",
        "a failure touches nobody who is passed on by others",
    ),
)
