"""`cloison storage can-i`: whether somebody gets something of a bucket, and why."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import output_option
from cloison.cli.shell.told_lines import tell
from cloison.cli.storage.storage_options import CODES, asked_world, request_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("words", metavar="[WHO ACTION BUCKET[/KEY] FABRIC]", nargs=-1)
@request_options
@click.option(
    "--requests",
    type=click.File("rb"),
    metavar="FILE|-",
    help="Answer questions, one JSON object per line.",
)
@output_option(
    default=None, help="Format of the result on stdout [default: table; jsonl with --requests]."
)
def command(
    words: tuple[str, ...],
    source: str | None,
    given: tuple[str, ...],
    without: tuple[str, ...],
    how: How,
    requests: IO[bytes] | None,
    output: str | None,
) -> None:
    """Whether WHO may do ACTION with a bucket by its policy, and gets there.

    WHO is a key (acme/reader), an organisation, which is the root of its
    account (acme), or anonymous. ACTION is s3:GetObject and the like; BUCKET is
    region/bucket, with the KEY of an object behind it. FABRIC has `storage:`.

    With --from END, the end of a packet in the fabric, the answer is about
    permission and path together: the way to the region's gateway and what the
    bucket's policy, its owner and the key's level say of a request that comes
    from there. Without it nobody looks at the way. What was not said of a
    condition key, with --with or --without, leaves unknown what hangs on it.
    Exit code 0: yes, 1: no, 4: unknown.

    With --requests each line is a question that brings its policy along
    (docs/formats.md), and there are no WORDS.
    """
    from cloison.render.formats import say

    if requests is not None:
        from cloison.views.asked_lines import answers
        from cloison.views.storage.bucket_questions import KNOWN, bucket_answer, written_answers

        if words:
            raise click.UsageError("questions bring all that they need: no WORDS with --requests")
        out = output or "jsonl"
        found = answers(requests, bucket_answer, KNOWN)
        tell(found, out, lambda rows: written_answers(rows, out))
        return
    from cloison.views.storage.asked_buckets import AskedBucket, can_i, written_answer

    if len(words) != 4:
        raise click.UsageError("say WHO ACTION BUCKET[/KEY] and FABRIC")
    who, action, target, fabric = words
    world, context = asked_world(Path(fabric), how, given, without)
    asked = AskedBucket.of(world, action, target, source, context)
    answer = can_i(asked, who)
    say(written_answer(asked, answer, output or "table"))
    leave(CODES[answer.ruling.verdict])
