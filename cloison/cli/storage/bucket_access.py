"""`cloison storage can-i`: whether somebody gets something of a bucket, and why."""

from __future__ import annotations

from typing import IO

import click

from cloison.cli.shell.options import output_option
from cloison.cli.shell.told_lines import tell


@click.command()
@click.option(
    "--requests",
    type=click.File("rb"),
    metavar="FILE|-",
    required=True,
    help="Answer questions, one JSON object per line.",
)
@output_option(default="jsonl", help="Format of the answers on stdout [default: jsonl].")
def command(requests: IO[bytes], output: str) -> None:
    """Whether somebody gets something of a bucket, and the line that says so.

    Each question brings its policy along (docs/formats.md). Of a condition key
    that a question with a context does not have, the request has none; without
    a context nothing was said, and what hangs on it is unknown. Exit code 0
    whatever is denied, 4 where one answer is unknown, 2 where there is none.
    """
    from cloison.views.asked_lines import answers
    from cloison.views.storage.bucket_questions import KNOWN, bucket_answer, written_answers

    tell(
        answers(requests, bucket_answer, KNOWN), output, lambda rows: written_answers(rows, output)
    )
