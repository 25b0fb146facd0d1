"""Faults of doors, detours and assumed addresses: who gets in past policies, and is not told."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/reach/openings.py",
        "for member in found:\n            yield from of_host(member)",
        "for member in found[:1]:\n            yield from of_host(member)",
        "of a namespace's pods one has host ports",
        by="tests/sim/reach/test_doors_of_clusters.py::test_every_pod_of_a_namespace_has_its_host_ports",
    ),
    Fault(
        "sim/reach/fabric_doors.py",
        "at = [e.index for e in nodes if e.host in hosts]",
        "at = [e.index for e in nodes if e.host in hosts and e.tenant == tenant]",
        "at the address of another tenant on the same host no port of nodes is open",
        by="tests/sim/reach/test_fabric_doors.py",
    ),
    Fault(
        "sim/reach/assumed.py",
        "rests = (now & (by | by_in)).any(axis=1)",
        "rests = (now & by).any(axis=1)",
        "what a receiver permits by a drawn address rests on nothing",
    ),
    Fault(
        "sim/reach/asked_reach.py",
        "if self.texts == (None, None) and self.part.stand_ins is None:",
        "if self.texts == (None, None):",
        "where endpoints stand for others, a list of everything is one of those that stand",
        by="tests/sim/proof/test_crowded.py::test_a_list_by_classes_is_the_list_by_pairs",
    ),
    Fault(
        "sim/reach/asked_parts.py",
        "if not bits.any() or not inside(reach, limits, *classes):",
        "if not bits.any():",
        "whoever asks by addresses hears of all others",
    ),
    Fault(
        "sim/reach/outside_ranges.py",
        "together = before == (version, wanted)",
        "together = before[1] == wanted",
        "the last IPv4 address of the outside is joined with the first IPv6 one",
        by="tests/sim/reach/test_outside_ranges.py",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "whole = rows[passing[pairs.sure[rows]]]",
        "whole = rows[passing[pairs.some[rows]]]",
        "who gets to a pod by some of his ways is led on by no Service",
        by="tests/sim/proof/ways_around/test_detours.py::test_who_gets_to_a_pod_if_something_else_is_so_is_led_on_for_sure",
    ),
    Fault(
        "compiler/sources/taken.py",
        "for text in dict.fromkeys((*service.external, *service.addresses)):",
        "for text in dict.fromkeys(service.external):",
        "a cluster IP takes nothing from a pod that has it",
    ),
)
