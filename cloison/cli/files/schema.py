"""`cloison schema`: the JSON Schema of the fabric file."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of the fabric file.

    Write it to fabric.schema.json and put
    "# yaml-language-server: $schema=fabric.schema.json" into the first line of
    a fabric file: editors then complete and check it while you type.
    """
    import json

    from fabric.file.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
