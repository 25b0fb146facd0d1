"""Faults of doors, detours and assumed addresses: who gets in past policies, and is not told."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/reach/openings.py",
        "for member in found:\n            yield from of_host(member)",
        "for member in found[:1]:\n            yield from of_host(member)",
        "of a namespace's pods one has host ports",
    ),
    Fault(
        "sim/reach/openings.py",
        "if way.port in (None, mapped.port, mapped.name):",
        "if way.port in (None, mapped.port):",
        "an Ingress that names a port of a Service leads nowhere",
    ),
    Fault(
        "sim/reach/openings.py",
        "for address in service.external:",
        "for address in service.external[:1]:",
        "of a Service's addresses one is a door",
    ),
    Fault(
        "sim/reach/openings.py",
        'via = "" if service.local else NODES',
        'via = ""',
        "pods see the client behind every port of nodes",
    ),
    Fault(
        "sim/reach/doors_of_clusters.py",
        "shut = at.via == NODES and (at.name, pod.workload) in past",
        "shut = False",
        "a door that leads past policies is open to nobody",
    ),
    Fault(
        "sim/reach/doors_of_clusters.py",
        "return EVERYBODY if who and at.via == NODES else who",
        "return who",
        "behind a port of nodes those get in whom policies let in by address",
    ),
    Fault(
        "sim/reach/doors_of_clusters.py",
        "if at.via == CONTROLLER:\n        return None",
        "if at.via == CONTROLLER:\n        return ()",
        "nobody gets in behind a controller",
    ),
    Fault(
        "sim/reach/fabric_doors.py",
        "at = [e.index for e in nodes if e.host in hosts]",
        "at = [e.index for e in nodes if e.host in hosts and e.tenant == tenant]",
        "at the address of another tenant on the same host no port of nodes is open",
    ),
    Fault(
        "sim/reach/fabric_doors.py",
        "entering.at(tenant, None if at.every else pod.host, at.on)",
        "entering.at(tenant, pod.host, at.on)",
        "a port of nodes is open on the pod's own host alone",
    ),
    Fault(
        "sim/reach/fabric_doors.py",
        "if at.on is None:\n                    unknown.add(key)",
        "if at.on is None:\n                    open_to[key] |= set()",
        "nobody gets in behind a load balancer",
    ),
    Fault(
        "sim/reach/assumed.py",
        "rests = (now & (by | by_in)).any(axis=1)",
        "rests = (now & by).any(axis=1)",
        "what a receiver permits by a drawn address rests on nothing",
    ),
    Fault(
        "sim/reach/assumed.py",
        "misses = (could & could_in & ~now).any(axis=1)",
        "misses = (could & may_in & ~now).any(axis=1)",
        "what a receiver would permit at another drawn address is not missed",
    ),
    Fault(
        "sim/reach/assumed.py",
        "permits, permits & by_address, denied)",
        "permits, by_address & ~permits, denied)",
        "a permit by a drawn address is as sure as others",
    ),
    Fault(
        "sim/reach/drawn_from.py",
        "return bool(found) and found != whole",
        "return False",
        "no rule tells drawn addresses of a fabric apart",
    ),
    Fault(
        "sim/reach/drawn_from.py",
        "r.vrf == ANY_VRF or (leads and r.vrf == vrf)",
        "r.vrf == ANY_VRF",
        "a leak of part of a VRF does not tell its drawn addresses apart",
    ),
    Fault(
        "sim/reach/asked_reach.py",
        "if self.texts == (None, None) and self.part.stand_ins is None:",
        "if self.texts == (None, None):",
        "where endpoints stand for others, a list of everything is one of those that stand",
    ),
    Fault(
        "sim/reach/asked_reach.py",
        "crowd_told(world, [froms, *into], limited, map(_pools, [network]))",
        "crowd_told(world, [froms, *into], limited, ())",
        "endpoints stand for others whose address is drawn from another pool",
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
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "whole = rows[passing[pairs.sure[rows]]]",
        "whole = rows[passing[pairs.some[rows]]]",
        "who gets to a pod by some of his ways is led on by no Service",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "known = self._keys(whole[~self.reach.path_space.wide[pairs.src[whole]]])",
        "known = self._keys(whole)",
        "one address of many that gets to a pod speaks for all",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        'own_node = end.kind == "node" and end.tenant == way.tenant',
        'own_node = end.kind == "node"',
        "nodes of other tenants are led on by no Service",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "np.unique(np.r_[self._keys(rows), self._sharing(way)])",
        "np.unique(self._keys(rows))",
        "who shares a host where a Service opens is not led on",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "if needed <= dst)",
        "if needed & dst)",
        "who gets to one address of a pod gets to all",
    ),
    Fault(
        "sim/proof/ways_around/detours.py",
        "who = TOO_MANY\n        if found is not None:",
        "who = TOO_MANY\n        if found is None:\n            continue\n        else:",
        "where there are too many pairs to look at, no Service is a detour",
    ),
    Fault(
        "compiler/sources/taken.py",
        "for text in dict.fromkeys((*service.external, *service.addresses)):",
        "for text in dict.fromkeys(service.external):",
        "a cluster IP takes nothing from a pod that has it",
    ),
    Fault(
        "compiler/sources/taken.py",
        'return endpoint.kind == "node" and endpoint.tenant == tenant',
        'return endpoint.kind == "node"',
        "a Service takes nothing from nodes of other tenants",
    ),
)
