"""What devices have otherwise than the model says, and how much of it was there to compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cloison.render.formats import FORMATS, Tell
from cloison.render.table import Table
from cloison.views.caveats.unknowns import left_out, listing
from compiler.program.program import Program
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.visible import visible
from sim.state.compared import Compared, StateRow, compared
from sim.state.heard import FOREIGN, StateFolder
from sim.state.nft_state import WantedRules

SCHEMA = "cloison/state/1"
COLUMNS = ("node", "kind", "where", "prefix", "state", "wanted", "found", "line")
UNITS = {"evpn route": "nodes", "underlay": "nodes", "rules": "enforcement points"}
"""What is counted of a kind; of others it is VRFs of nodes."""
NOT_COMPARED = (
    "filters, devices of next hops, how what lies behind a VRF itself is reached,"
    " routes of the underlay that are not BGP's, and of BGP's all but the best Type-5 routes"
)


def state(
    network: Network, folder: Path, tell: Tell, program: Callable[[], Program] | None = None
) -> tuple[Compared, StateFolder]:
    """Compare the files of a folder; rules of nft with those of a program. Raises `InputError` when
    none of them says anything."""
    found = StateFolder(network, folder)
    result = compared(network, found, tell, None if program is None else WantedRules(program))
    if not any(result.seen.values()):
        why = f": {found.passed[0][0]}: {found.passed[0][1]}" if found.passed else ""
        raise InputError(
            Diagnostic(
                "C879",
                f"no file in {folder} says what a node has{why}",
                hint="name them NODE/WHAT.json or NODE.WHAT.json, as FRR's `show … json` and"
                " `ip -j route` and `nft -j list ruleset` write them",
            )
        )
    return result, found


def told(network: Network, result: Compared, found: StateFolder, output: str) -> str:
    """The answer as text, or as rows for scripts."""
    if FORMATS[output].told == "text":
        return "".join(f"{line}\n" for line in text(result, found)) + left_out(
            network.not_evaluated
        )
    rows = [{**row_of(row), "file": str(row.file)} for row in result.rows]
    beside = {
        "compared": {
            kind: {"seen": result.seen[kind], "due": due} for kind, due in result.due.items()
        },
        "passed": [{"file": str(path), "why": why} for path, why in found.passed],
        "unread": [str(path) for path in unread(found)],
        "unasked": result.unasked,
        "not_compared": not_compared(result),
        "other_rules": sorted(result.other_rules),
        "written": None if (when := found.written()) is None else [*map(moment, when)],
    }
    return listing(network, rows, schema=SCHEMA, output=output, title="State", beside=beside)


def not_compared(result: Compared) -> str:
    """What is not; rules are where somebody says any."""
    return NOT_COMPARED if "rules" in result.due else f"rules and {NOT_COMPARED}"


def moment(seconds: float) -> str:
    """A time as it is written in UTC.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unread(found: StateFolder) -> list[Path]:
    """Files of nodes that say nothing, although they may be of what is compared: empty, damaged, of
    a VRF that nobody knows. What such a device has is unknown."""
    return [path for path, why in found.passed if why not in FOREIGN]


def row_of(row: StateRow) -> dict[str, str]:
    """A difference, in words."""
    return {
        "node": row.node, "kind": row.kind, "where": row.where, "prefix": row.prefix,
        "state": row.state, "wanted": row.wanted, "found": row.found,
        "line": "" if row.line is None else str(row.line),
    }  # fmt: skip


def text(result: Compared, found: StateFolder) -> Iterator[str]:
    """A table, how much was there to compare, and what was not."""
    if result.rows:
        rows = tuple(row_of(row) for row in result.rows)
        yield str(Table(rows, "State", {key: key for key in COLUMNS})).rstrip("\n")
        yield ""
    if (when := found.written()) is not None:
        oldest, newest = map(moment, when)
        yield f"files written {oldest}" + ("" if oldest == newest else f" to {newest}")
    for kind, due in result.due.items():
        unit = UNITS.get(kind, "VRFs of nodes")
        seen = f"{result.seen[kind]:,} of {due:,} {unit}"
        yield f"{kind.rstrip('s')}s of {seen} were there to compare"
    for why, count in Counter(why for _, why in found.passed).items():
        first = next(path for path, other in found.passed if other == why)
        more = f" and {count - 1:,} more" if count > 1 else ""
        yield visible(f"passed over: {first}{more}: {why}")
    if "rules" in result.due:
        exact = result.seen["rules"] - len(result.other_rules)
        yield (
            f"{exact:,} of {result.due['rules']:,} enforcement points hold exactly the compiled"
            " rules, which proofs take for granted of all"
        )
    if result.unasked:
        yield f"passed over: {', '.join(result.unasked)}: nothing is wanted of them"
    yield f"not compared: {not_compared(result)}"
    count, lost = len(result.rows), len(unread(found))
    if lost:
        yield f"unknown: {lost:,} file{'s' * (lost != 1)} of nodes could not be read"
    if count or not lost:
        same = "What was there is as the fabric file wants it."
        yield f"{count:,} difference{'s' * (count != 1)}." if count else same
