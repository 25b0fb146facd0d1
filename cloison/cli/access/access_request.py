"""`cloison access request`: ask for access to what is a customer's."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.access.desk_options import desk, desk_options, moment_option
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import output_option


@click.command()
@desk_options
@click.argument("who")
@click.argument("target", metavar="TENANT[/HOST]")
@click.argument("role")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@moment_option
@output_option()
def command(
    fabric: Path,
    history: Path | None,
    who: str,
    target: str,
    role: str,
    reason: str,
    moment: str | None,
    output: str,
) -> None:
    """Ask on WHO's behalf for access to the cluster of TENANT, or to one HOST of its.

    ROLE is teleport-cluster-viewers or teleport-cluster-super-admins for a
    cluster, acc (the login) for a host. The request waits two hours for an
    approver of the tenant, and then expires.
    """
    from cloison.render.formats import say
    from cloison.views.support_access import listed

    now = judged_at(moment)
    made = desk(fabric, history).request(who, target, role, reason, now)
    say(listed([made], now, output))
