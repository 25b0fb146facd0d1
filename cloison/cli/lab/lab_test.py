"""`cloison lab test`: real packets for every endpoint pair, compared with the simulator."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cloison.cli.shell.errors import FINDING, UNKNOWN
from cloison.cli.shell.options import quiet_option, spelt, unrecorded, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.lab import Lab
    from sim.lab.trial import Trial

SCHEMA = "cloison/lab-test/1"
SHOWN = 20
ROUTES_ONLY = "this kernel has no nftables for IP: routes are compared, policies are not"


@click.command()
@click.argument("fabric", type=click.Path(path_type=Path), required=False)
@click.option("--port", "ports", multiple=True, metavar="PORT/PROTO", help="Try these ports only.")
@click.option("--all-ports", is_flag=True, help="Try both sides of every bound in the policy.")
@click.option(
    "--pcap",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every tunnel packet (pcapng).",
)
@world_options
@whole_option()
@quiet_option
def command(
    fabric: Path | None,
    ports: tuple[str, ...],
    all_ports: bool,
    pcap: Path | None,
    how: How,
    output: str,
    quiet: bool,
) -> None:
    """Send packets between all endpoints, IPv4 and IPv6, and compare.

    Uses the lab that is up for FABRIC (or the only lab there is); if there is
    none, builds one for the test and removes it. Exit code 1 when the kernel
    and the simulator disagree on any packet, 4 when none could be compared.
    """
    if others := unrecorded(how):
        raise click.UsageError(f"a lab is built as the network stands, without {spelt(others)}")
    from cloison.cli.shell.said_beside import announce_kernels
    from cloison.render.files import apart, writing
    from cloison.render.formats import progress
    from cloison.views.lab import for_test, inputs, parse_ports

    try:
        wanted = parse_ports(ports)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--port") from None
    if wanted and all_ports:
        raise click.UsageError("--port and --all-ports exclude each other")
    if pcap:
        apart(pcap, inputs(fabric))
    announce_kernels()
    with ExitStack() as stack:
        tell = stack.enter_context(progress(quiet=quiet))
        tap: IO[bytes] | None = stack.enter_context(writing(pcap)) if pcap else None
        lab = stack.enter_context(for_test(fabric, how, tell))
        if not lab.rules:
            click.echo(ROUTES_ONLY, err=True)
        found = lab.trial(wanted, every=all_ports, tap=tap, tell=tell)
    show(lab, found, output)
    if found.differences:
        raise click.exceptions.Exit(FINDING)
    if not found.sent:
        raise click.exceptions.Exit(UNKNOWN)


def show(lab: Lab, found: Trial, output: str) -> None:
    """Counts per family, then what should not have happened."""
    from cloison.render.formats import say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.views.caveats.diagnosed import diagnosed
    from cloison.views.caveats.unknowns import as_rows
    from cloison.views.lab import rows

    counts, differences = rows(found)
    left_out = lab.program.network.not_evaluated
    about = {
        "schema": SCHEMA,
        "vrfs": lab.realisation,
        "rules": lab.rules,
        "left_out": found.left_out.total(),
        "left_out_by_reason": {why.key: count for why, count in found.left_out.items()},
        "captured": found.captured,
        "differences": len(differences),
        "not_evaluated": as_rows(left_out),
        "diagnostics": diagnosed(lab.program.network),
        "seconds": round(found.seconds, 3),
    }
    data = about | {"counts": counts, "rows": differences}
    say(whole(WholeAnswer(lambda: data, lambda: text(lab, found)), output))


def text(lab: Lab, found: Trial) -> str:
    """The same for people."""
    from cloison.render.formats import lined, visible, written
    from cloison.views.caveats.unknowns import sentences
    from cloison.views.lab import rows

    counts, differences = rows(found)
    said = [f"{count:,} flows left out: {why.words}." for why, count in found.left_out.items()]
    if found.captured:
        said.append(f"{found.captured:,} tunnel packets captured.")
    out = [written(counts, schema=SCHEMA, title="Kernel"), *map(lined, said)]
    if differences:
        out.append(written(differences[:SHOWN], schema=SCHEMA, title="Differences"))
    neither = "Neither the kernel nor the simulator has it."
    for line in sentences(lab.program.network.not_evaluated):
        out += [lined(visible(f"{line} {neither}"))]
    count = f"{len(differences):,} differences between the kernel and the simulator{limits(lab)}."
    return "".join([*out, lined(count if found.sent else "Unknown: no flow could be compared.")])


def limits(lab: Lab) -> str:
    """What the comparison was not about, so that nobody takes none for more than it is."""
    from fabric.kubernetes.unmodelled.unevaluated import pending

    said = [] if lab.rules else ["in routes alone"]
    if pending(lab.program.network.not_evaluated):
        said.append("on what is evaluated: other objects may decide otherwise")
    return "".join(f", {words}" for words in said)
