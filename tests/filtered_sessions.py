"""What a session makes of a route, by all of its filters (`compiler.imports.route_policy`)."""

from __future__ import annotations

from compiler.imports.device_facts import Device, PeerSession
from compiler.imports.route_policy import RouteAnswer, by_use
from fabric.values.inventory import Prefix


def by_session(
    device: Device, session: PeerSession, family: str, inbound: bool, prefix: Prefix
) -> RouteAnswer:
    """Whether a session takes a route over, or announces it: all
    filters of the direction must let it pass."""
    if session.down:
        return RouteAnswer("deny", session.span)
    spoken = session.family(family)
    if spoken is None:
        return RouteAnswer("deny", None)
    uses = spoken.inbound if inbound else spoken.outbound
    if not uses and session.strict:
        return RouteAnswer("deny", None)
    answers = [by_use(device, use, prefix) for use in uses]
    for verdict in ("deny", "unknown"):
        if (found := next((a for a in answers if a.verdict == verdict), None)) is not None:
            return found
    return answers[-1] if answers else RouteAnswer("permit", None)
