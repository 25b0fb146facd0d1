"""`cloison replay`: captures or generated traffic through a fabric's tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import quiet_option, whole_option, world_options

if TYPE_CHECKING:
    from cloison.verbs.replaying import Elsewhere
    from cloison.views.world import World
    from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
    from sim.packets.pcap import Reader
    from sim.pipeline.flow_verdicts import FlowVerdicts
    from sim.pipeline.replay import ReplayReport

FABRIC_SUFFIXES = (".yaml", ".yml", ".json")


def finite(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """Refuse what `float` reads and nobody can count to."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("must be a finite number")
    return value


@click.command()
@click.argument("files", nargs=-1, metavar="[FABRIC] [CAPTURE]...", type=click.Path(path_type=Path))
@click.option("-f", "--fabric", type=click.Path(path_type=Path), help="The fabric file.")
@click.option("--pairs", is_flag=True, help="Generate: every pair on every interesting port.")
@click.option(
    "--random",
    "count",
    type=click.FloatRange(min=1),
    callback=finite,
    metavar="N",
    help="Generate N random flows (1e6 will do for a million).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of random traffic."
)
@click.option(
    "--zipf",
    type=click.FloatRange(min=0),
    callback=finite,
    metavar="S",
    help="Repeat random flows, k-th weight k^-S.",
)
@click.option(
    "--permitted",
    type=click.FloatRange(0, 1),
    callback=finite,
    default=0.0,
    help="Share of random flows drawn from permitted ones.",
)
@click.option("--replies", is_flag=True, help="Answer generated flows that are permitted.")
@click.option(
    "--vrf",
    shell_complete=completion.vrfs,
    metavar="TENANT/VRF",
    help="Where packets enter whose VRF is not known.",
)
@click.option(
    "--stateless",
    is_flag=True,
    help="No flow table, which captures and --replies have: decide every packet anew.",
)
@click.option("--by-flow", is_flag=True, help="List what became of each flow, busiest first.")
@click.option("--http-log", type=click.Path(path_type=Path), help="Decide each request of a log.")
@click.option("--dropped", type=click.Path(path_type=Path), help="Write dropped packets (pcapng).")
@click.option(
    "--dissect", "show", type=int, default=0, metavar="N", help="Dissect N frames that hold no IP."
)
@world_options
@whole_option()
@quiet_option
def command(files: tuple[Path, ...], output: str, show: int, **options: Any) -> None:
    """Replay captures (pcap, pcapng; plain or VXLAN) through FABRIC's tables.

    Reports verdicts with drop reasons, what each rule and link counted, and
    the simulator's speed. JSON has the counters of every entry and link.
    With --http-log, each request of a file is decided by the rules of FABRIC: JSON
    lines of our own ({"source", "destination", "http": "GET /path", "headers"}),
    flows of Hubble, or Envoy's access log. Where a line says what became of it,
    that is compared; the exit code is 1 where some fared otherwise.
    Without FABRIC: decodes the captures and counts. A FABRIC is recognised by
    its suffix (.yaml, .yml, .json).
    """
    from cloison.render.formats import say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.views.caveats.unknowns import below
    from cloison.views.packets.replayed import capture_table

    fabrics = [path for path in files if path.suffix in FABRIC_SUFFIXES]
    captures = [path for path in files if path.suffix not in FABRIC_SUFFIXES]
    fabric = options.pop("fabric") or (fabrics.pop(0) if fabrics else None)
    generated = options["pairs"] or options["count"] is not None
    if fabrics:
        raise click.UsageError(f"one fabric file at a time, not also {fabrics[0]}")
    if (log := options.pop("http_log")) is not None:
        if fabric is None or captures or generated:
            raise click.UsageError("--http-log needs a FABRIC, and no other traffic")
        requests(fabric, log, output, options["how"])
        return
    if not captures and not generated:
        raise click.UsageError("name a capture, or generate traffic with --pairs or --random N")
    if captures and generated:
        raise click.UsageError("either captures or generated traffic")
    if options["replies"] and not generated:
        raise click.UsageError("--replies is for generated traffic: captures hold their own")
    needing = ("dropped", "vrf", "by_flow")
    if fabric is None and (
        generated or options["how"].on or any(options[name] for name in needing)
    ):
        raise click.UsageError("this needs a FABRIC")
    found: dict[str, Any] = {"schema": "cloison/replay/1", "captures": {}}
    tables: list[Any] = []
    readers: list[Reader] = []
    if captures:
        from sim.packets.pcap import Reader

        readers = [Reader(path) for path in captures]
        for reader in readers:
            reader.begun()
            if fabric is None or show:
                dissected(reader, show)
    left_out: tuple[Unevaluated, ...] = ()
    beside: tuple[str, ...] = ()
    if fabric is not None:
        more, shown, left_out, beside = run(fabric, readers, **options)
        found = {**more, "captures": found["captures"]}
        tables += shown
    for place, reader in enumerate(readers):
        found["captures"][str(reader.path)] = asdict(reader.counts)
        tables.insert(place, capture_table(reader.path.name, reader.counts))
        for warning in reader.warnings:
            click.echo(str(warning), err=True)
    answer = WholeAnswer(lambda: found, lambda: report(tables, found, beside) + below(left_out))
    say(whole(answer, output))
    leave(found.get("verdict", "computed"))


def requests(fabric: Path, log: Path, output: str, how: Any) -> None:
    """What becomes of each request of a log."""
    from cloison.cli.shell.errors import FINDING, UNKNOWN, USAGE
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import FORMATS, say, written
    from cloison.views.packets.replayed_requests import COLUMNS, SCHEMA, RequestReplay
    from cloison.views.world import World
    from compiler.requests.request_logs import logged
    from fabric.diagnostics import Diagnostic, InputError, Span
    from fabric.io.reading import opened

    world = told(World.read([fabric], how))
    asked = RequestReplay(world)
    with opened(log) as file:
        try:
            rows = [*asked.rows(logged(file))]
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(Diagnostic("C905", f"{log}: {error}", Span(str(log), 1))) from None
    counts = {key: count for key, count in sorted(asked.counts.items()) if count}
    shape = FORMATS[output]
    columns = COLUMNS if shape.cells == "text" else None
    title = ", ".join(f"{count:,} {key}" for key, count in counts.items()) or "No requests"
    meta = {"counts": counts}
    say(written(rows, schema=SCHEMA, output=output, title=title, columns=columns, meta=meta))
    codes = {"other than logged": FINDING, "error": USAGE, "unknown": UNKNOWN}
    if (code := next((code for key, code in codes.items() if key in counts), None)) is not None:
        raise click.exceptions.Exit(code)


def report(tables: list[Any], found: dict[str, Any], beside: Sequence[str]) -> str:
    """The tables for people, and what they should know about them."""
    from cloison.render.formats import lined, table, titled

    said = [lined(*titled(one.title, table(one.rows, one.columns)), "") for one in tables]
    if "replay" in found:
        said += map(lined, beside)
        rate = found["replay"]["simulator_packets_per_second"] / 1e6
        said += [f"The simulator's speed, not a DPU's: {rate:.2f} million packets per second.\n"]
    return "".join(said)


def dissected(reader: Reader, show: int) -> None:
    """Read a capture; `show` frames without IP are dissected on stderr."""
    from sim.packets.pcap import dissect

    for batch in reader:
        for row in (batch.header.version == 0).nonzero()[0][:show].tolist():
            link = int(batch.records.link[row])
            click.echo(
                f"{reader.path}: frame {row + 1}: {dissect(batch.frame(row), link)}", err=True
            )
        show = 0


def run(
    fabric: Path, captures: list[Reader], **options: Any
) -> tuple[dict[str, Any], list[Any], tuple[Unevaluated, ...], tuple[str, ...]]:
    """Replay; what became of traffic as data and as tables, what is not evaluated, and what to know
    about verdicts."""
    from cloison.cli.shell.said_beside import announce_kernels, told
    from cloison.verbs.replaying import Elsewhere, document, doubtful
    from cloison.views.packets import replayed
    from cloison.views.world import World
    from sim.pipeline.flow_verdicts import FlowVerdicts

    world = told(World.read([fabric], options["how"]))
    blocks = world.blocks
    announce_kernels()
    by_flow = FlowVerdicts(blocks) if options["by_flow"] else None
    elsewhere = Elsewhere()
    report = send(world, captures, by_flow, elsewhere, options)
    found = document(world, report, by_flow, elsewhere.packets)
    beside = tuple(doubtful(report, elsewhere.packets, options["vrf"]))
    shown = replayed.tables(report, world.network, blocks, by_flow)
    return found, shown, world.network.not_evaluated, beside


def send(
    world: World,
    captures: list[Reader],
    by_flow: FlowVerdicts | None,
    elsewhere: Elsewhere,
    options: dict[str, Any],
) -> ReplayReport:
    """The traffic that was asked for, through the datapath."""
    from cloison.render.formats import progress
    from cloison.verbs.replaying import Traffic, sent
    from sim.pipeline.conntrack import FlowTable

    stateful = (captures or options["replies"]) and not options["stateless"]
    flows = FlowTable() if stateful else None
    chosen = ("vrf", "pairs", "count", "seed", "zipf", "permitted", "replies", "dropped")
    asked = Traffic(tuple(captures), **{name: options[name] for name in chosen})
    with progress(quiet=options["quiet"]) as tell:
        how = by_flow, elsewhere, lambda done: tell(f"{done:,} packets")
        report, dropped = sent(world, asked, flows, *how)
    if dropped is not None:
        click.echo(f"{dropped.written} dropped packets in {options['dropped']}", err=True)
        if dropped.skipped:
            click.echo(f"{dropped.skipped} more were not written", err=True)
        if dropped.link_types > 1:
            click.echo("with several link types: Wireshark reads them all, tcpdump one", err=True)
    return report
