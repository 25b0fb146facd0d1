"""`cloison lab …`: the same network in the Linux kernel."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "up": ("cloison.cli.lab.lab_up", "Build a fabric in network namespaces."),
    "test": ("cloison.cli.lab.lab_test", "Send real packets, compare with the simulator."),
    "down": ("cloison.cli.lab.lab_down", "Remove a lab and all that is left of it."),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """The same network in the Linux kernel: namespaces, VXLAN, nftables.

    Needs root and nft. Everything lives in network namespaces whose names
    start with cln-; nothing else on the machine is touched.
    """
