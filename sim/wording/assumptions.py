"""What every certificate says in the same words: its schema, what it takes for granted, what it
means. Whoever writes and whoever checks certificates share these sentences and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fabric.diagnostics import Diagnostic, UndecidedError

SCHEMA = "cloison/certificate/2"
OF_TIMES = "cloison/certificates-of-times/1"
ALWAYS = (
    "the control plane has converged on these inputs, with nothing down but what `down` lists",
    "the source address of a packet is its endpoint's own; DPUs drop everything else (spoof_drop)",
    "each enforcement point holds the compiled tables, all of them, and nothing else",
    "what a pod sends to its own node is held against egress policies, in which plug-ins differ",
)
NO_HAIRPINS = (
    "what comes out of a tunnel goes to endpoints there and into no other tunnel: every VTEP drops "
    "the rest (hairpin_drop)"
)
HAIRPINS = (
    "what comes out of a tunnel into {} goes on into the next one where routes there lead on, with "
    "a TTL of 64 from its sender; into other VRFs it goes to endpoints there alone: every VTEP "
    "drops the rest (hairpin_drop)"
)
SELF = "an endpoint talking to itself is out of scope"
UNDER_FAILURE = (
    "what `hold_under` asks is asked of one failure at a time; when a node fails, endpoints of "
    "tenants behind it are left out of the expectation, those of zones are not"
)
OF_KINDS = {
    "any-1-risk-group": "a risk group fails with all of its nodes and links at once; endpoints of "
    "tenants behind any of its nodes are left out of the expectation, those of zones are not",
    "any-2-links": "any-2-links is asked of each link alone and of each two at a time",
}
REPLIES = (
    "replies to an allowed packet skip the policy groups; their route exists, because the "
    "receiving side admits a packet only if its source has a route back"
)
REPLIES_BACK = (
    "replies to an allowed packet skip the policy groups; the receiving side admits a packet only "
    "if its source has a route back through the VTEP that sent it, and that one passes replies on "
    "by routes of its own"
)
SHARED = (
    "borders behind which one endpoint is share what they track: replies may come in at another "
    "one than the packets that they answer left by; what the endpoint sends comes in at any of "
    "them that is up, at a backup while no other is"
)
AT_BOUNDS = (
    "where a window begins or ends every enforcement point has the tables of the next period at "
    "that moment, and decides the flows that it knows again"
)
DERIVED = ("address", "host")
HOLD_UNDER = (
    *("any-1-link", "any-1-node", "any-1-risk-group", "any-2-links"),
    *("drain-any-leaf", "drain-any-spine"),
)
"""What certificates of this schema say that an expectation has to hold under: whoever checks them
tries these and no others, whatever files may ask for (`fabric.file.expect.held_under`)."""


def refuse_kinds(kinds: Iterable[str], who: str) -> None:
    """Nothing, unless `hold_under` asks for what only Python can ask for: `who` tries no such."""
    if others := sorted({*kinds} - {*HOLD_UNDER}):
        message = f"{who} does not try what expectations under {', '.join(others)} ask for"
        raise UndecidedError(Diagnostic("C899", message, None, "proofs do", "unknown"))


def refuse_requests(lines: Iterable[str | None], who: str) -> None:
    """Nothing, unless expectations are about requests (`http`), which `who` does not look at."""
    if said := [line for line in lines if line is not None]:
        message = f'{who} does not look at requests, and a line is about "{said[0][:80]}"'
        raise UndecidedError(Diagnostic("C904", message, None, "proofs do", "unknown"))


def replies(hairpins: Collection[str]) -> str:
    """What becomes of replies, where these VRFs permit hairpins."""
    return REPLIES_BACK if hairpins else REPLIES


def assumptions(
    assumed: Iterable[Iterable[str]],
    under: Iterable[str],
    hairpins: Collection[str],
    timed: bool = False,
) -> list[str]:
    """The assumptions of a certificate: `assumed` says for each endpoint what was derived by rule
    where the truth was not in the input, `under` which failures expectations ask for, `hairpins`
    which VRFs permit them, `timed` whether the network is that of some times alone."""
    kinds = {*under}
    counted = [frozenset(found) for found in assumed]
    derived = [
        f"the {what} of {count} endpoints is derived by rule, not read"
        for what in DERIVED
        if (count := sum(what in found for found in counted))
    ]
    if idle := sum("pod" in found for found in counted):
        derived.append(f"{idle} endpoints are pods of workloads that have none now")
    shared = [SHARED] if any("state" in found for found in counted) else []
    failing = [*([UNDER_FAILURE] if kinds else []), *(OF_KINDS[k] for k in OF_KINDS if k in kinds)]
    tunnels = HAIRPINS.format(", ".join(sorted(hairpins))) if hairpins else NO_HAIRPINS
    bounds = [AT_BOUNDS] if timed else []
    return [*ALWAYS, tunnels, SELF, *shared, *bounds, *failing, *derived]
