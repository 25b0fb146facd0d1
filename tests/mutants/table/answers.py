"""Faults of pipeline, explanations, lists and differences."""

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/pipeline/forwarding.py",
        "return tuple(end for end in found if end.vtep == at.node)",
        "return tuple(found)",
        "trace: a packet is delivered at a VTEP where its destination does not live",
    ),
    Fault(
        "sim/pipeline/forwarding.py",
        "vrfs = [hop.vrf for hop in back.nexthops if hop.vtep == outer] if back is not None else []",
        "vrfs = [hop.vrf for hop in back.nexthops] if back is not None else []",
        "trace: a way back through another VTEP will do",
    ),
    Fault(
        "sim/pipeline/trace.py",
        "return Reason.PA_VALIDATION_DROP if into is None else into.reason",
        "return Reason.DELIVERED if into is None else into.reason",
        "trace: without a way back packets are delivered",
    ),
    Fault(
        "sim/why/blame.py",
        "if side and not permits_without(program, side.packet, entry.origin):",
        "if side:",
        "rules that are not needed are blamed",
    ),
    Fault(
        "sim/verdicts.py",
        'return "fails" if "fails" in found else "unknown" if "unknown" in found else "holds"',
        'return "unknown" if "unknown" in found else "fails" if "fails" in found else "holds"',
        "what fails is told as unknown",
    ),
    Fault(
        "sim/verdicts.py",
        'if not any(e.kind in ("pod", "node") for e in network.endpoints):',
        "if not network.endpoints:",
        "a proof about zones alone holds",
    ),
    Fault(
        "sim/diff/diff.py",
        "return not (self.changes or self.appeared or self.findings_differ)",
        "return not self.changes",
        "worlds with other peers or findings are the same",
    ),
    Fault(
        "sim/diff/diff.py",
        "return not self.undecided",
        "return True",
        "diff: what is not evaluated is unchanged",
        "tests/cloison/test_unknown.py",
    ),
    Fault(
        "sim/diff/side_by_side.py",
        "complete = len(mine) == self.count(pair)",
        "complete = True",
        "diff: members of a workload without a route do not count",
    ),
    Fault(
        "sim/diff/side_by_side.py",
        "if was is not None and now is not None and was != now:",
        "if was is not None and now is not None and was[0] != now[0]:",
        "diff: what was sure and is not any more is no change",
    ),
    Fault(
        "sim/diff/side_by_side.py",
        "found[way].append(line)",
        "found[way] = [line]",
        "diff: of outside addresses the last range counts",
    ),
    Fault(
        "sim/diff/changes.py",
        "for gained, bits in ((True, now & ~was), (False, was & ~now)):",
        "for gained, bits in ((True, now & ~was),):",
        "changed decisions: what is lost is not told",
    ),
    Fault(
        "sim/diff/changes.py",
        "if not same or block[0] != block[1]:",
        "if block[0] != block[1]:",
        "changed decisions: blocks of equal number in two worlds are equal",
    ),
    Fault(
        "sim/reach/access.py",
        "passing = np.where(pairs.version == 4, open_[4], open_[6])",
        "passing = open_[4]",
        "reach asks IPv6 packets what IPv4 packets would do",
    ),
    Fault(
        "sim/reach/access.py",
        "row = np.flatnonzero(src[pairs.src] & dst[pairs.dst] & passing)",
        "row = np.flatnonzero(dst[pairs.src] & src[pairs.dst] & passing)",
        "reach changes the two ends",
    ),
    Fault(
        "sim/reach/connectivity.py",
        "len(distinct) > 1,",
        "False,",
        "reach: no row is partial",
    ),
    Fault(
        "sim/reach/questions.py",
        "allow = out[0] and into[0]",
        "allow = out[0] or into[0]",
        "explain: one side's word is enough",
    ),
    Fault(
        "sim/reach/questions.py",
        "if 0 < len(allowed) < len(found):",
        "if not allowed:",
        "explain: pods that fare differently have one answer",
    ),
    Fault(
        "sim/pipeline/datapath.py",
        "known = stage >= 0",
        "known = stage > 0",
        "replay: the first entry of the program counts nothing",
    ),
    Fault(
        "sim/pipeline/datapath.py",
        "down = t.link_a[link] != row // n",
        "down = t.link_a[link] == row // n",
        "replay: directions of links are changed",
    ),
    Fault(
        "sim/pipeline/replay.py",
        "verdicts.reason[blind] = verdicts.route[blind] = Reason.FRAGMENT_DROP",
        "pass",
        "replay: fragments without ports have verdicts",
    ),
    Fault(
        "sim/pipeline/conntrack.py",
        "live: Words = rows[silent <= self.timeout]",
        "live: Words = rows[silent < self.timeout]",
        "a flow ages one tick too early",
    ),
    Fault(
        "sim/pipeline/conntrack.py",
        "self.generation += 1",
        "pass",
        "a policy change revokes no flow",
    ),
    Fault(
        "sim/pipeline/arrivals.py",
        "ambiguous = np.where(single[0] >= 0, single[1] >= 0, wide[1] >= 0)",
        "ambiguous = wide[1] >= 0",
        "captures: a source that two tenants have is the first one's",
    ),
    Fault(
        "sim/pipeline/arrivals.py",
        "& (found.src_lo == outer.dst_lo)",
        "",
        "captures: an ICMP error about somebody else's packet counts",
    ),
    Fault(
        "sim/pipeline/tables.py",
        "return of[blocks.dec_stage[first:]]",
        "return of[-1 - (blocks.dec_stage[first:] >= 0)]",
        "replay: all denials are those of workload policies",
    ),
    Fault(
        "sim/packets/icmp.py",
        "query = (found >> 24 == REQUEST) | (found >> 24 == REPLY)",
        "query = found >> 24 == REQUEST",
        "captures: replies have no identifier",
    ),
)
