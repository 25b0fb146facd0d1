"""Which endpoints a matcher selects, whatever the packet; each says it itself."""

from __future__ import annotations

from compiler.policy.domain import Domain
from compiler.policy.labels import labels_match as labels_match
from compiler.policy.matcher import Matcher
from compiler.policy.matchers import overlaps as overlaps
from fabric.values.inventory import Endpoint


def selects(matcher: Matcher, endpoint: Endpoint, network: Domain) -> bool:
    """Whether the matcher selects this endpoint as a whole."""
    return matcher.selects(endpoint, network)
