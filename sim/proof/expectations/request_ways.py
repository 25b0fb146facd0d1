"""What permits ask for on the way of one packet, proxy by proxy.

Behind a proxy that normalises paths rules see normal ones, whatever their own proxy does. Where it
is not known as what a request comes on, `unsure_between` says so.
"""

from __future__ import annotations

from compiler.policy.ir import Condition
from compiler.program.walk import behind, required
from compiler.requests.forwarded_requests import changed, rules_of, surely_seen
from compiler.requests.request_bounds import Asked, looks
from fabric.building.network import Network
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace
from sim.why.request_answers import profile_of

OTHERWISE = "two proxies on the way read paths otherwise, the first as they are sent"


def asked_on(network: Network, trace: Trace) -> tuple[Asked, ...]:
    """What permits ask for on the way of a packet that is delivered, by stage and end; behind a
    proxy that normalises paths, rules see normal ones."""
    found: list[Asked] = []
    normal = False
    for end in (trace.out, trace.into):
        steps = () if end is None else end.steps
        mine: list[Asked] = []
        for group, entry in steps:
            assert end is not None
            asked = required(behind(group, entry, end.packet))
            if asked:
                profile = profile_of(network, network.endpoints[end.packet.local])
                mine.append((asked, "normalised" if normal else profile))
        normal = any(how == "normalised" and surely_seen(asked, False) for asked, how in mine)
        found += mine
    return tuple(found)


def unsure_between(network: Network, trace: Trace) -> str:
    """Why it is not known as what a request comes to the second of two proxies: they read paths
    otherwise, and the first does not normalise them, or may not stand there; or it may change a
    header that the second asks for. Empty where it is known."""
    if trace.out is None or trace.into is None:
        return ""
    found = [
        (profile_of(network, network.endpoints[end.packet.local]), end, behind(*step, end.packet))
        for end in (trace.out, trace.into)
        for step in end.steps
    ]
    seen = [(how, end, all_) for how, end, all_ in found if any(looks(e.conditions) for e in all_)]
    sure = any(surely_seen(required(every), False) for _, end, every in seen if end is trace.out)
    first = {how for how, end, _ in seen if end is trace.out}
    second = {how for how, end, _ in seen if end is trace.into}
    if first and second and first != second and not (sure and first == {"normalised"}):
        return OTHERWISE
    out, into = (
        [e.conditions for _, end, every in seen if end is one for e in every]
        for one in (trace.out, trace.into)
    )
    asked = {ask.name.lower() for rule in rules_of(into) for ask in rule.headers}
    both = sorted(asked & changed(out))
    return f"a proxy on the way may change header {both[0]}" if both else ""


def conditions(trace: Trace, meant: int) -> tuple[Condition, ...]:
    """What must hold besides for a packet that gets to where it is meant to."""
    if trace.reason is not Reason.DELIVERED or trace.target != meant:
        return ()
    ends = [end for end in (trace.out, trace.into) if end is not None]
    found = (behind(*step, end.packet) for end in ends for step in end.steps)
    return tuple(sorted({condition for entries in found for condition in required(entries)}))
