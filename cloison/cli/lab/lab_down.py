"""`cloison lab down`: remove labs, whatever state they are in."""

from __future__ import annotations

import click


@click.command()
@click.argument("labs", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Remove every lab.")
def command(labs: tuple[str, ...], every: bool) -> None:
    """Remove labs by id; without an id the only one there is.

    Also removes what is left of a lab whose making or test was killed.
    """
    from cloison.views.lab import down
    from sim.lab.state import labs as known

    there = known()
    if not labs and not every and len(there) > 1:
        raise click.UsageError(f"there are several labs: {', '.join(there)}; name one, or --all")
    for lab in there if every or not labs else labs:
        click.echo(f"lab {lab}: removed {down(lab)} namespaces")
    if not there and not labs:
        click.echo("there is no lab", err=True)
