"""Policy text to IR: one source of policy per file, none of which knows another.

`SOURCES` is the only place that says which there are, and in which order they are asked.
"""

from compiler.policy.source import Source
from compiler.sources import admin_policy, isolation, network_policy, zones
from compiler.sources.cilium import cilium_policy

SOURCES: tuple[Source, ...] = (
    zones.SOURCE,
    isolation.SOURCE,
    network_policy.SOURCE,
    admin_policy.SOURCE,
    cilium_policy.SOURCE,
)
