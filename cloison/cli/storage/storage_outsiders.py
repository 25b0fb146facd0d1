"""`cloison storage outsiders`: whether anybody outside gets anything of a bucket."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import fabric_argument, output_option


@click.command()
@click.argument("bucket")
@fabric_argument
@output_option(help="Format of the result on stdout.")
def command(bucket: str, fabric: Path, output: str) -> None:
    """Prove that nobody outside its owner's organisation gets anything of BUCKET.

    Of every action, from any address, at any time, whatever the request says;
    where it fails, with a request that is let in, and the line that does it.
    BUCKET is region/bucket; with a star, each that fits. The way to the gateway
    is not looked at: who-can --from does. Exit code 0: it holds, 1: it fails,
    4: unknown.
    """
    from cloison.render.formats import say
    from cloison.views.storage.open_buckets import open_buckets, verdict_of, written_outsiders

    found = open_buckets(fabric, bucket)
    say(written_outsiders(found, output))
    leave(verdict_of(found.values()))
