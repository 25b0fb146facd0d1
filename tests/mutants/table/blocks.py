"""Faults of blocks and rule sets: decisions as arrays."""

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/blocks/numbering.py",
        "if (words[:, found.sample][:, found.of] == words).all():",
        "if True:",
        "classes are compared by a sum that is not checked",
    ),
    Fault(
        "sim/blocks/numbering.py",
        "return words if coarse is None else np.concatenate([words, coarse[None].astype(np.uint64)])",
        "return words",
        "what was told apart before is joined again",
    ),
    Fault(
        "sim/blocks/tabulate.py",
        "for place in range(len(cells.bits) - 1, -1, -1):",
        "for place in range(len(cells.bits)):",
        "the last entry that matches decides",
    ),
    Fault(
        "sim/blocks/tabulate.py",
        "denied[here & (then == DROPPED)] = stage",
        "denied[then == DROPPED] = stage",
        "a later stage denies what an earlier one ended",
        by="tests/sim/test_painters.py::test_what_a_stage_ended_is_denied_by_none_that_comes_later",
    ),
    Fault(
        "fabric/values/interval_sets.py",
        "for end in (low, high + 1) if end <= top}",
        "for end in (low, high) if end <= top}",
        "the last port of a range is an atom of what comes after it",
    ),
    Fault(
        "sim/blocks/atoms.py",
        "return named | BOTH_ICMPS if named & BOTH_ICMPS else named",
        "return named",
        "ICMP and ICMPv6 are told apart only where rules name both",
    ),
    Fault(
        "sim/blocks/atoms.py",
        "cuts[index][0].update(cut(v4_ranges, TOPS[0]))",
        "cuts[index][0].update(())",
        "regions of rules do not cut IPv4 addresses",
    ),
    Fault(
        "sim/blocks/blocks.py",
        "if any(before.boundaries(v.index) != after.boundaries(v.index) for v in program.network.vrfs):",
        "if False:",
        "after a failure routes are looked up by the cuts of before",
        by="tests/sim/blocks/test_blocks.py",
    ),
    Fault(
        "sim/blocks/blocks.py",
        "named[vrf, sorted(regions)] = True",
        "pass",
        "VRFs that only rules name are not told apart",
        by="tests/sim/proof/isolation/test_matrix.py::test_policies_speak_of_vrfs_to_which_no_route_leads",
    ),
    Fault(
        "sim/blocks/update.py",
        "or store.serial != blocks.serial",
        "or False",
        "blocks that were updated before are updated again",
    ),
    Fault(
        "sim/blocks/update.py",
        "self._reroute(vrf, atoms)\n        space",
        "pass\n        space",
        "after an update routes are those of the atoms of before",
    ),
    Fault(
        "sim/blocks/refine.py",
        "self.last[q] = port - 1",
        "self.last[q] = port",
        "an atom that is cut keeps the first port of the other part",
    ),
    Fault(
        "fabric/values/interval_sets.py",
        "for end in (low, high + 1) if end <= top}",
        "for end in (low,) if end <= top}",
        "ranges of ports have no end",
    ),
    Fault(
        "sim/blocks/atoms.py",
        "if r.protocol == ANY and not r.fields",
        "if not r.fields",
        "masks of ports hold every protocol",
    ),
    Fault(
        "sim/blocks/atoms.py",
        "(self.s_first >= r.sport[0])",
        "(self.s_first >= 0)",
        "masks of ports have no first source port",
        by="tests/sim/blocks/test_atoms.py",
    ),
    Fault(
        "sim/blocks/grid.py",
        "out[:, self.remotes[region.vrf]] |= inside",
        "out |= inside[:, None]",
        "cells are held whatever VRF they lie behind",
    ),
    Fault(
        "sim/blocks/tabulate.py",
        "key = cells.number, l4.number",
        "key = cells.number, 0",
        "tables of equal cells are one, whatever their ports",
    ),
    Fault(
        "sim/blocks/tabulate.py",
        "(table.number, stage, goes.tobytes())",
        "(table.number, stage)",
        "chains of equal tables are one, whatever they do",
        by="tests/sim/test_painters.py::"
        "test_equal_tables_that_do_otherwise_are_chains_of_their_own",
    ),
    Fault(
        "sim/blocks/store.py",
        "if row not in rows:",
        "if not rows:",
        "blocks of one VRF share their cells",
    ),
    Fault(
        "sim/blocks/numbering.py",
        "return distinct(POWERS[: len(rows)] @ rows)",
        "return distinct(POWERS[: len(rows)] @ rows % 4)",
        "two keys tell apart, others do not",
    ),
    Fault(
        "sim/blocks/arena.py",
        "key = row.tobytes()",
        "key = row[:1].tobytes()",
        "rows of port classes that begin alike are one",
    ),
    Fault(
        "sim/blocks/port_sets.py",
        "real, other = (ICMP4, ICMP6) if version == 4 else (ICMP6, ICMP4)",
        "real, other = (ICMP4, ICMP6) if version == 6 else (ICMP6, ICMP4)",
        "in IPv6 packets ICMP says what counts",
    ),
    Fault(
        "sim/blocks/port_sets.py",
        "q = self.dport_atom[alike[0], : len(ports)][ports ^ inverse]",
        "q = self.dport_atom[alike[0], : len(ports)][ports]",
        "all other ports are these ports",
    ),
    Fault(
        "sim/blocks/port_sets.py",
        "if alike in done or not (version is None or sent(protocol, version)):",
        "if alike in done:",
        "packets that nobody sends are asked",
    ),
)
