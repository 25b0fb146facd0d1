"""`states` of zone rules: which of them can decide about anything.

Host states decide before rules do (`compiler.sources.zones`, rule 4): a quarantined host is cut
off, a provisioning one reaches boot services that list this state, and nothing else. So every other
rule is about ready hosts alone, and a state that it lists beside that would be read and do nothing.
"""

from __future__ import annotations

from fabric.checks.known_names import ZONES, KnownNames
from fabric.checks.trust_zones import ends
from fabric.checks.values import zone_rules
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec, ZoneRule

WHY = {
    "quarantined": ("it is cut off, whatever rules say", "leave it out"),
    "provisioning": (
        "it reaches boot services that list this state, and nothing else",
        "what such a host may reach stands under zones: {zone0: {services: …}}",
    ),
}
"""By state: what becomes of a host in it, and what to write."""


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Every state that a rule lists is one in which it may match (C619)."""
    for zone, section, i, rule in zone_rules(spec):
        at = ("zones", zone, section, i, "states")
        if rule.states and not of_hosts(rule):
            what = f'rule "{rule.name}" has zone endpoints at both ends, and these have no host'
            found.error("C619", f"{what}: `states` decides nothing", spec.at(*at), "leave it out")
            continue
        for k, state in enumerate(rule.states):
            boots = section == "services" and state == "provisioning"
            if state in WHY and not boots:
                why, hint = WHY[state]
                what = f'rule "{rule.name}" decides nothing about a {state} host: {why}'
                found.error("C619", what, spec.at(*at, k), hint)


def of_hosts(rule: ZoneRule) -> bool:
    """Whether an end of a rule may be something that lives on a host."""
    return any(pattern.partition("/")[0] not in ZONES for _, _, pattern in ends(rule))
