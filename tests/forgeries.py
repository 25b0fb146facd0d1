"""Every forgery by name, with the field that must be named; those marked `sly` are consistent, so
only the fabric gives them away."""

from __future__ import annotations

from typing import NamedTuple

from forged_maps import (
    called_self,
    cell_closed,
    closed_slyly,
    emptied,
    emptied_slyly,
    everything_is_one_range,
    into_another_vrf,
    led_to_itself,
    narrower_box,
    one_region_closed,
    one_way_less,
    verdict_of_delivered,
)
from forged_statements import (
    alias,
    all_read,
    called_holds,
    claim_inverted,
    everything_exempt,
    invented,
    let_pass,
    moved_prefix,
    never_fails_without,
    no_claims,
    no_findings,
    nothing_left_out,
    one_group,
    other_tenant_s_vrf,
    put,
    shown_mercy,
    swapped_hashes,
    sworn_off,
    unburdened,
    weaker,
    without_last_endpoint,
)
from forger import Forge


class Forgery(NamedTuple):
    """`field` is what must be named."""

    field: str
    forge: Forge
    sly: bool = False
    of: str = "holds"


FORGERIES = {
    # What was tried from outside.
    "targets emptied, cell closed": Forgery("maps", emptied),
    "targets emptied, everything follows": Forgery("maps", emptied_slyly, True),
    "regions closed, everything follows": Forgery("maps", closed_slyly, True),
    "one region of all closed": Forgery("maps", one_region_closed, True),
    "delivered called self": Forgery("outcomes", called_self),
    "an endpoint left out": Forgery("endpoints", without_last_endpoint, True),
    "groups renamed": Forgery("endpoints", one_group, True),
    "everything exempt, no assumptions": Forgery("exempt", everything_exempt),
    "a claim inverted": Forgery("claims", claim_inverted),
    "a claim invented": Forgery("claims", invented, True),
    "all claims removed": Forgery("claims", no_claims, True),
    "a verdict unlike its reason": Forgery("outcomes", verdict_of_delivered),
    "a cell closed": Forgery("cells", cell_closed),
    "something else was down": Forgery("down", put("down", ["spine1"]), True),
    "an input dropped": Forgery("inputs", lambda w: w["inputs"].pop() and None, True),
    "no inputs": Forgery("inputs", put("inputs", []), True),
    # What we would try.
    "the failing spine kept secret": Forgery("down", put("down", []), True, "spine"),
    "routing of another world": Forgery("routing", put("routing", "0" * 64), True),
    "another fabric": Forgery("fabric", put("fabric", "large"), True),
    "what crosses is sent to oneself": Forgery("maps", led_to_itself, True),
    "a port less is open": Forgery("maps", narrower_box, True),
    "two endpoints exchanged": Forgery("endpoints", moved_prefix, True),
    "a failing claim said to hold": Forgery("claims", shown_mercy, False, "fails"),
    "a failing claim dropped": Forgery("claims", sworn_off, True, "fails"),
    "a claim asks for less": Forgery("claims", weaker, True),
    "nothing has to hold under failures": Forgery("claims", unburdened, True),
    "breaks under a failure that it survives": Forgery("claims", never_fails_without, True),
    "an alias that exempts a pod": Forgery("endpoints", alias, True),
    "invented addresses said to be read": Forgery("endpoints", all_read, True),
    "an endpoint in a VRF of its own": Forgery("endpoints", other_tenant_s_vrf, True),
    "a next hop into another VRF": Forgery("maps", into_another_vrf, True),
    "one way of ECMP left out": Forgery("maps", one_way_less, True, "ways"),
    "a finding dropped": Forgery("findings", no_findings, True, "ways"),
    "one range for all destinations": Forgery("maps", everything_is_one_range, True),
    "contents of two inputs exchanged": Forgery("inputs", swapped_hashes, True),
    "nothing is left out": Forgery("not_evaluated", nothing_left_out, True, "unknown"),
    "what is left out is accepted": Forgery("not_evaluated", let_pass, True, "unknown"),
    "unknown called holds": Forgery("verdict", called_holds, False, "unknown"),
    "failures tried that were not": Forgery("failures_tried", put("failures_tried", 99), True),
}
