"""An explanation as text: the packet's way step by step, then what decided and what came close.

    acme/web/front-0 -> acme/catalog/db-0: deny (policy_drop)
    packet 10.0.0.2:40000 -> 10.0.0.18:5432/tcp; IPv6: deny

    dpu1
      route         to dpu2 acme/main vni 10001
                    10.0.0.16/28 in acme/main: import RT 65000:10001 (native)
                    small.yaml:24:7
      OUT WORKLOAD  deny: NetworkPolicy acme/web/default-deny
                    group 5 default; policies.yaml:7:26

Of a cluster without a fabric (`fabric.building.cluster`) only what policies say is shown: routes,
tunnels and the tenant's own isolation are not the user's there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from cloison.render.diagnostics import Excerpts
from cloison.render.formats import visible
from cloison.views.caveats.cited import quoted
from cloison.views.caveats.diagnosed import judged_at
from cloison.views.caveats.unknowns import sentences, way_on
from compiler.policy.ir import Direction
from compiler.policy.stages import Owner
from fabric.building.cluster import CLUSTER, is_cluster
from fabric.building.network import Network
from fabric.io.visible import lines
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from sim.packets.notation import show
from sim.pipeline.trace import EndTrace, Trace
from sim.why.blame import Cause
from sim.why.every_answer import workload_of
from sim.why.explain import Explanation, Step
from sim.why.request_answers import WORDS, RequestAnswer
from sim.why.walkthrough import ARROW

NAMED = 3
"""Pods that are named where a workload's pods differ."""
STYLES = {"allow": "bold green", "deny": "bold red", "depends": "bold yellow",
          "unknown": "bold yellow"}  # fmt: skip
LABEL = 15
SIDES = {Direction.OUT: "egress of", Direction.IN: "ingress of"}


def report(found: Explanation) -> Iterator[Any]:
    """Everything to print, in order."""
    yield Text(visible(plain(found, found.headline)), style=STYLES[found.verdict])
    yield from packet(found)
    yield from walked(found)
    yield ""
    if is_cluster(found.network):
        yield from policies(found)
    else:
        yield from way(found.hashed.steps)
    yield from others(found)
    yield from reasons(found)
    yield from doubts(found.touched_by)


def doubts(records: Sequence[Unevaluated]) -> Iterator[str]:
    """What may decide otherwise, and how to go on."""
    yield from map(visible, sentences(records))
    if pending(records):
        yield visible(way_on(records))


def several(
    found: Iterable[Explanation], alike_as: Mapping[str, int] | None = None
) -> Iterator[Any]:
    """Many flows, those of the same workloads that fare alike for the same reason once. `alike_as`
    says of an endpoint for how many pods it stands."""
    stands_for = alike_as or {}
    groups: dict[tuple[str, ...], list[Explanation]] = defaultdict(list)
    for one in found:
        ends = (plain(one, workload_of(one, name)) for name in (one.source, one.target))
        fate = one.verdict, one.reason.label, one.blame.culprit.title
        groups[(*ends, *fate, one.about, *one.besides)].append(one)
    grid = Grid.grid(padding=(0, 1))
    fates: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    for (source, target, verdict, *_), alike in groups.items():
        fates[source, target].add((verdict, *alike[0].besides))
    for (source, target, verdict, *_), alike in groups.items():
        first = alike[0]
        n_pairs = sum(stands_for.get(o.source, 1) * stands_for.get(o.target, 1) for o in alike)
        pairs = f" ({n_pairs} pairs of pods)" if n_pairs > 1 else ""
        if len(fates[source, target]) > 1 and not first.about:
            source, target = named(alike, "source"), named(alike, "target")
        label = Text(verdict, style=STYLES[verdict])
        about = f", {first.about}" if first.about else ""
        only = f" (if {' and '.join(first.besides)})" if first.besides else ""
        grid.add_row(label, Text(visible(f"{source} -> {target}{pairs}{about}{only}")))
        why = "" if first.computed == "allow" else f"{first.why}: "
        why = f"{first.computed} by what is evaluated; {why}" if first.touched_by else why
        cause = first.blame.culprit
        place = str(cause.span) if cause.span else None
        grid.add_row("", Text(lines(plain(first, f"{why}{cause.title}"), place), style="dim"))
    yield grid
    yield from doubts(list(dict.fromkeys(r for one in groups.values() for r in one[0].touched_by)))


def named(alike: Sequence[Explanation], end: str) -> str:
    """The pods at one end of flows that fare otherwise than those of their workloads' other pods;
    the first ones of many."""
    names = list(dict.fromkeys(plain(one, getattr(one, end)) for one in alike))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def packet(found: Explanation) -> Iterator[str]:
    """The packet that was followed, and how the other IP version fares."""
    rest = "".join(f"; IPv{version}: {verdict}" for version, verdict in found.others)
    if found.about:
        yield f"true {found.about}"
    yield f"packet {show(found.flow)}{rest}"
    if found.request is not None:
        yield from asked(found.request)
    if found.through:
        yield visible(plain(found, f"Door: {found.through}."))
    yield from map(visible, judged_at(found.network))
    ends = {e.name: e for e in found.network.endpoints}
    assumed = [name for name in (found.source, found.target) if name in ends]
    assumed = [name for name in assumed if "address" in ends[name].assumed]
    if assumed:
        yield plain(found, f"Assumed: the address of {' and of '.join(assumed)}.")


def asked(answer: RequestAnswer) -> Iterator[Any]:
    """The request that was asked about, what each permit on its way says, and what is assumed."""
    yield visible(f"request {answer.request}")
    grid = rows()
    for step in answer.steps:
        held = f", if {' and '.join(step.said.open)}" if step.said.open else ""
        said = f"{WORDS[step.said.holds]}{held}: {step.title}"
        grid.add_row(f"  {step.side}", Text(lines(visible(said), step.said.why, *step.spans[:1])))
    if answer.steps:
        yield grid
    for words in answer.assumed:
        yield f"Assumed: {words}."


def walked(found: Explanation) -> Iterator[str]:
    """A line for each end at which several stages of its cluster were asked."""
    for side, steps in found.walkthrough.items():
        if len(steps) > 1:
            yield visible(plain(found, f"{side:<8}{ARROW.join(steps)}"))


def way(steps: Iterable[Step]) -> Iterator[Any]:
    """Steps in the order in which they happen, by the node at which they do."""
    for where, group in groupby(steps, key=lambda step: step.where):
        yield Text(visible(where), style="bold")
        grid = rows()
        for step in group:
            style = "red" if step.result.startswith("deny") or step.result.endswith("_drop") else ""
            grid.add_row(f"  {step.what}", Text(visible(words(step)), style=style))
        yield grid
    yield ""


def words(step: Step) -> str:
    """A step in up to three lines: what happens, why, and where that is written."""
    if step.entry is None:
        return lines(step.result, step.because, step.line)
    if step.line is None:
        return f"{step.result}: {step.because} ({step.entry})"
    return lines(f"{step.result}: {step.because}", f"{step.entry}; {step.line}")


def policies(found: Explanation) -> Iterator[Any]:
    """What the policies at both ends say."""
    trace = found.hashed.trace
    for side in (trace.out, trace.into):
        if side is not None:
            name = found.network.endpoints[side.packet.local].name
            head = visible(plain(found, f"{SIDES[side.packet.direction]} {name}"))
            yield Text(head, style="bold")
            grid = rows()
            for label, text in policy_rows(found, side):
                style = "red" if label == "deny" else ""
                grid.add_row(f"  {label}", Text(visible(text), style=style))
            yield grid
    yield ""


def policy_rows(found: Explanation, side: EndTrace) -> Iterator[tuple[str, str]]:
    """The entries of workload policies that decided at one end."""
    steps = [step for step in found.hashed.steps if step.entry is not None]
    names = {
        f"{side.packet.direction.name} {stage.name}"
        for stage in found.program.stages
        if stage.owner is Owner.CLUSTER
    }
    chosen = [step for step in steps if step.what in names]
    for step in chosen:
        tier = f"{step.what.partition(' ')[2].lower()}: " if len(names) > 1 else ""
        yield step.result, lines(tier + plain(found, step.because), step.line)
    if not chosen:
        yield "permit", "no policy selects it"


def others(found: Explanation) -> Iterator[Any]:
    """The next hops that ECMP might have taken instead, and the borders where it might come in."""
    if len(found.choices) < 2:
        return
    several = len({choice.trace.entry for choice in found.choices}) > 1
    what = "ways" if several else "next hops"
    yield f"{len(found.choices)} {what}; the hash of this flow takes one of them:"
    for choice in found.choices:
        at = start(found.network, choice.trace, tell_entry=several)
        mark = " (taken)" if choice.hashed else ""
        yield Text(visible(f"  {at}: {choice.trace.reason.label}{mark}"))
    yield ""


def start(network: Network, trace: Trace, *, tell_entry: bool) -> str:
    """Where a packet enters the fabric, if that is to be told, and its first next hop, if any."""
    names = [node.name for node in network.fabric.nodes]
    parts = [f"in at {names[trace.entry]}"] if tell_entry and trace.entry is not None else []
    if trace.next_hop is not None:
        hop = trace.next_hop
        parts.append(f"{names[hop.vtep]} {network.vrfs[hop.vrf].name}")
    return ", to ".join(parts)


def reasons(found: Explanation) -> Iterator[Any]:
    """Whom to thank or blame, with the line; of a denial also what came close to permitting it."""
    excerpts = Excerpts({})
    grid = rows()
    allowed = found.computed == "allow"
    for label, text in cause_rows(found, "because" if allowed else "blame", found.blame.culprit):
        grid.add_row(f"  {label}", Text(visible(text)))
    for label, text in quoted(found.blame.culprit, excerpts):
        grid.add_row(f"  {label}", Text(visible(text)))
    for label, causes in (("also", found.blame.others), ("nearest", found.nearest)):
        told = {found.blame.culprit.title, *(c.title for c in found.blame.others)}
        for cause in () if allowed else causes:
            if label == "also" or cause.title not in told:
                for row in cause_rows(found, label, cause):
                    grid.add_row(f"  {row[0]}", Text(visible(row[1])))
                if cause.span is not None:
                    grid.add_row("", Text(visible(str(cause.span))))
    yield grid


def cause_rows(found: Explanation, label: str, cause: Cause) -> Iterator[tuple[str, str]]:
    """A cause without its place."""
    yield label, plain(found, f"{cause.title}: {cause.part}")


def rows() -> Grid:
    """A grid of labels and texts."""
    grid = Grid.grid(padding=(0, 1))
    grid.add_column(min_width=LABEL)
    grid.add_column(overflow="fold")
    return grid


def plain(found: Explanation, text: str) -> str:
    """Names as people know them: in a cluster without a fabric there is no tenant in front."""
    if not is_cluster(found.network):
        return text
    return " ".join(word.removeprefix(f"{CLUSTER}/") for word in text.split(" "))
