"""What is not evaluated, as every answer says it: in text, markdown, JSON, rows and reprs.

Rules that hold here:

1. Every answer has the whole list (`not_evaluated`), what was accepted included and marked.
2. For people objects of one kind share a line; the places of the first few are named.
3. With rows, where the format says (`cloison.render.formats.Format.beside`): as lines below (table,
   markdown); in the document (JSON, YAML); or as rows of their own (jsonl, csv), with
   `not_evaluated` as their only key or column.
4. A listing (`show`) says what was read and computed, and has no verdict: it has the list alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cloison.render.formats import FORMATS, Format, written
from cloison.views.caveats.diagnosed import diagnosed, judged_at
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepted, pending

COLUMNS = ("kind", "namespace", "name", "what", "line", "accepted")
NAMED = 4
"""Objects of one kind that a line names."""


def as_rows(records: Iterable[Unevaluated]) -> list[dict[str, Any]]:
    """The records as data."""
    return [record.row() for record in records]


def sentences(records: Sequence[Unevaluated]) -> Iterator[str]:
    """The records for people, one line per kind."""
    for passed, word in ((False, "Not evaluated"), (True, "Accepted, not evaluated")):
        kinds: dict[tuple[str, str], list[Unevaluated]] = {}
        for record in records:
            if record.accepted is passed:
                kinds.setdefault((record.qualified, record.what), []).append(record)
        for (_, what), alike in kinds.items():
            yield f"{word}: {listed(alike)}: {what}."


def listed(alike: Sequence[Unevaluated]) -> str:
    """Objects of one kind with their places; names that tenants share come once."""
    places = list(dict.fromkeys((r.title, r.span) for r in alike))
    first = alike[0]
    of = f" of {first.group}" if first.group else ""
    named = [f"{title}{of} ({span})" if span else title + of for title, span in places[:NAMED]]
    more = len(places) - NAMED
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def notes(records: Sequence[Unevaluated]) -> tuple[str, ...]:
    """The records as notes below rows that are worth less because of them."""
    unknown = ("unknown: what is not evaluated may decide otherwise",) if pending(records) else ()
    return (*unknown, *sentences(records))


def computed(records: Sequence[Unevaluated]) -> str:
    """The verdict of rows beside which these were read."""
    return "unknown" if pending(records) else "computed"


def way_on(records: Sequence[Unevaluated]) -> str:
    """What to write to go on without them."""
    kinds = sorted({record.qualified for record in pending(records)})
    return "To go on without: " + " ".join(f"--accept-unevaluated {kind}" for kind in kinds)


def brief(records: Sequence[Unevaluated]) -> str:
    """The end of a repr: how many there are, and what was accepted; nothing when there are none."""
    count = len(pending(records))
    return (f"; {count:,} not evaluated" if count else "") + accepted(records)


def in_short(records: Sequence[Unevaluated]) -> str:
    """How many there are, for a verdict.

    >>> in_short(())
    'everything is evaluated'
    """
    count = len(dict.fromkeys((r.title, r.span) for r in pending(records)))
    if not count:
        return "everything is evaluated"
    many = ("s", "are") if count != 1 else ("", "is")
    return f"{count:,} object{many[0]} that may decide otherwise {many[1]} not evaluated"


def with_records(
    records: Sequence[Unevaluated],
    rows: Sequence[Mapping[str, Any]],
    *,
    network: Network,
    schema: str,
    output: str,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    title: str | None = None,
    beside: Mapping[str, Any] | None = None,
    missing: Sequence[tuple[str, str]] = (),
    judged: bool = True,
    more: Iterable[Diagnostic] = (),
) -> str:
    """As `written`, with the records (rule 3), and unless it is `judged` no verdict (rule 4);
    `beside` goes into JSON and YAML, and so does what is to be said about the `network` (and `more`
    of it); `missing` (pairs that lack something because of an assumed
    address) wherever the records go."""
    verdict = "unknown" if pending(records) else "computed"
    meta: dict[str, Any] = {"verdict": verdict} if judged else {}
    shape = FORMATS[output]
    meta |= {"not_evaluated": as_rows(records)}
    meta |= {"diagnostics": diagnosed(network, more=more)} if shape.beside == "document" else {}
    meta |= beside or {}
    meta |= {"assumed_missing": as_pairs(missing)} if missing else {}
    if shape.beside == "rows":
        rows = [*rows, *as_more_rows(shape, records, missing)]
    text = written(rows, schema=schema, output=output, columns=columns, meta=meta, title=title)
    if shape.beside == "below":
        text += below(records, shape) if judged else left_out(records, shape)
        told = (*lacking(missing), *judged_at(network))
        text += "".join(f"{shape.sentence(line)}\n" for line in told)
    return text


def listing(
    network: Network,
    rows: Sequence[Mapping[str, Any]],
    *,
    schema: str,
    output: str,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    title: str | None = None,
    beside: Mapping[str, Any] | None = None,
) -> str:
    """Rows of what was read or computed, with what is not evaluated of the network (rule 4)."""
    return with_records(
        network.not_evaluated, rows, network=network, schema=schema, output=output,
        columns=columns, title=title, beside=beside, judged=False,
    )  # fmt: skip


def left_out(records: Sequence[Unevaluated], shape: Format = FORMATS["table"]) -> str:
    """The records as lines below a listing."""
    return _spaced(sentences(records), shape)


def as_more_rows(
    shape: Format, records: Sequence[Unevaluated], missing: Sequence[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """The records and pairs as rows of one key."""
    if shape.cells == "data":
        yield from ({"not_evaluated": row} for row in as_rows(records))
        yield from ({"assumed_missing": pair} for pair in as_pairs(missing))
    else:
        yield from ({"not_evaluated": said} for said in dict.fromkeys(map(str, records)))
        yield from ({"assumed_missing": f"{a} -> {b}"} for a, b in missing)


def as_pairs(missing: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Pairs as data."""
    return [{"source": source, "destination": target} for source, target in missing]


def lacking(missing: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A sentence about pairs that lack something because of an assumed address."""
    if missing:
        named = ", ".join(f"{source} -> {target}" for source, target in missing[:NAMED])
        more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
        yield (
            "Assumed: an address that is not in the input matches no block of addresses; with "
            f"another one there could be more than what is listed: {named}{more}."
        )


def below(records: Sequence[Unevaluated], shape: Format = FORMATS["table"]) -> str:
    """The records as lines below an answer."""
    lines = [*notes(records), *([way_on(records)] if pending(records) else [])]
    return _spaced(lines, shape)


def _spaced(lines: Iterable[str], shape: Format) -> str:
    text = "".join(f"{shape.sentence(line)}\n" for line in lines)
    return f"\n{text}" if shape.gap and text else text
