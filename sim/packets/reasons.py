"""What became of a packet: delivered, or the name of the counter that dropped it.

In pipeline order. The five policy drops follow `compiler.policy.ir.Stage`, so that the reason of a
denial is `Reason.ZONE0_DROP + stage`.
"""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """Drop reasons; the value is the id in verdict columns, `label` the counter's name."""

    DELIVERED = 0
    UNKNOWN_SOURCE = 1
    FRAGMENT_DROP = 2
    SPOOF_DROP = 3
    NO_ROUTE_DROP = 4
    ZONE0_DROP = 5
    OVERRIDE_DROP = 6
    ZONE2_DROP = 7
    ISOLATION_DROP = 8
    POLICY_DROP = 9
    UNDERLAY_DROP = 10
    ENI_MISS_DROP = 11
    PA_VALIDATION_DROP = 12

    @property
    def label(self) -> str:
        """The counter's name.

        >>> Reason.NO_ROUTE_DROP.label
        'no_route_drop'
        """
        return self.name.lower()

    @property
    def by_policy(self) -> bool:
        """Whether a policy group denied the packet."""
        return Reason.ZONE0_DROP <= self <= Reason.POLICY_DROP
