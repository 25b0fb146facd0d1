"""A certificate against the world that it is about: are its inputs these, are its verdicts these?

`sim.checker` finds a certificate consistent without knowing any network. Here packets drawn from
all of its regions are traced over the network's routes and table entries (`sim.trace`), which is
not how the certificate's regions were computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from compiler.tables import Program
from fabric.network import Network
from sim.checker import Sample, sample
from sim.packets import Flow
from sim.trace import trace
from sim.witness import show


def changed_inputs(certificate: Any, inputs: Iterable[Path]) -> Iterator[str]:
    """How the files of a world differ from those that the certificate was made of; they are
    compared by content, so that a copy elsewhere will do."""
    known = {entry["sha256"]: entry["path"] for entry in certificate["inputs"]}
    now = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in inputs}
    for digest, path in known.items():
        if digest not in now:
            yield f"{path} has changed since, or is not read any more"
    for digest, file in now.items():
        if digest not in known:
            yield f"{file} is not what the certificate was made of"


def disagreements(
    network: Network, program: Program, certificate: Any, count: int, seed: int = 0
) -> Iterator[str]:
    """Packets for which the certificate says something else than routes and table entries do."""
    at = {e.name: e for e in network.endpoints}
    for drawn in sample(certificate, Random(seed), count):
        if drawn.reasons == ("self",):
            continue
        if drawn.endpoint not in at:
            yield f"there is no {drawn.endpoint}"
            continue
        sender = at[drawn.endpoint]
        flow = flow_of(drawn, sender.vrf, sender.index)
        found = outcomes(network, program, flow)
        if found != drawn.reasons:
            said, is_ = (" or ".join(reasons) for reasons in (drawn.reasons, found))
            yield f"{drawn.endpoint}: {show(flow)} is {is_}, the certificate says {said}"


def flow_of(drawn: Sample, vrf: int, endpoint: int) -> Flow:
    """The packet that was drawn, sent by an endpoint."""
    l4 = (drawn.protocol, drawn.sport, drawn.dport)
    return Flow(vrf, drawn.version, drawn.src, drawn.dst, *l4, src_endpoint=endpoint)


def outcomes(network: Network, program: Program, flow: Flow) -> tuple[str, ...]:
    """What can become of a packet, over all choices of ECMP."""
    at = network.endpoints[flow.src_endpoint].vtep
    route = network.fib.lookup(at, flow.vrf, flow.version, flow.dst)
    choices = range(len(route.nexthops) if route else 1)
    found = sorted({trace(network, program, flow, choice).reason for choice in choices})
    return tuple(reason.label for reason in found)
