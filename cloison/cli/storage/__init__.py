"""`cloison storage …`: who may do what with buckets."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "can-i": (
        "cloison.cli.storage.bucket_access",
        "Whether somebody gets something of a bucket, and why.",
    ),
    "who-can": ("cloison.cli.storage.bucket_callers", "Who gets something of a bucket, and why."),
    "outsiders": (
        "cloison.cli.storage.storage_outsiders",
        "Prove that nobody outside gets anything of a bucket.",
    ),
    "lint": ("cloison.cli.storage.storage_lint", "What is wrong or doubtful in bucket policies."),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """Object storage: keys, levels and bucket policies, and the way to them."""
