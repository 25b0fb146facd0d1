"""Rows to stdout, in the format that was asked for; progress to stderr.

Rules that hold here:

1. Everything that reaches a terminal or a spreadsheet may come from a stranger's YAML. What hides,
   moves or ends a line is shown as an escape (`fabric.io.visible`), rich markup is never
   interpreted, a CSV cell never starts with what a spreadsheet takes for a formula, and markdown
   mentions nobody and links nowhere.
2. Machine formats carry every key of a row as it is. `table` and `md` show the columns chosen. In
   a terminal long cells fold, nothing is cut off; elsewhere, as in a pipe to grep, no cell does,
   whatever COLUMNS says. Sentences fold there too if it says how wide, never inside a word.
3. JSON is `{"schema": "cloison/<thing>/<version>", …, "rows": […]}`, stays ASCII and is RFC 8259's:
   a number that JSON cannot write (infinity) is null.
4. Colour and progress only on a terminal; NO_COLOR (rich does) and `--color` are respected.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click

from cloison.render.colour import asked_for
from fabric.io.visible import visible as visible
from fabric.values.rows import Rows

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

Row = Mapping[str, Any]
Columns = Sequence[str] | Mapping[str, str]
Tell = Callable[..., None]
UNBOUNDED = 1 << 16
"""Columns where nobody says how many: more than any row has."""
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
LIVE = re.compile(r"[@#]|://|\bwww\.|mailto:|xmpp:", re.I)
"""What GitHub turns into a mention, a reference or a link outside of code."""
STYLING = re.compile(r"(\x1b\[[0-9;]*m)")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what goes with them. `columns` picks (and, as a mapping, names) what people see;
    `meta` goes beside the rows of a document."""

    rows: Sequence[Row]
    schema: str
    title: str | None = None
    columns: Columns | None = None
    meta: Row | None = None

    @property
    def document(self) -> Row:
        """As one value."""
        return {"schema": self.schema, **(self.meta or {}), "rows": list(self.rows)}


@dataclass(frozen=True, slots=True)
class Format:
    """How rows leave. Whoever makes rows asks for these two and never for a name:

    `cells` is what a row holds: "data" (values with their structure), "text" (what people read),
    or "plain" (text of one meaning per cell, for spreadsheets). `beside` is where the rest goes:
    into the "document", as further "rows", or "below" as sentences, each of which `sentence`
    makes a line (with `gap`, behind an empty one). `told`: whether an answer that has a text of its
    own, as for a terminal or in markdown, is that text here. `document` writes one value of JSON's
    types; None: here answers are rows or texts (`cloison.render.whole`).
    """

    name: str
    write: Callable[[Answer], str]
    cells: Literal["data", "text", "plain"]
    beside: Literal["document", "rows", "below"]
    sentence: Callable[[str], str]
    gap: bool
    told: Literal["text", "markdown"] | None
    document: Callable[[Row], str] | None


def written(
    rows: Sequence[Row],
    *,
    schema: str,
    output: str = "table",
    title: str | None = None,
    columns: Columns | None = None,
    meta: Row | None = None,
) -> str:
    """Rows in a format of `FORMATS`, with the end of the last line."""
    return FORMATS[output].write(Answer(rows, schema, title, columns, meta))


def emit(rows: Sequence[Row], **how: Any) -> None:
    """`written`, to stdout."""
    say(written(rows, **how))


def say(text: str) -> None:
    """Text with its own ends of lines to stdout; without colours where nobody sees them."""
    click.echo(text, nl=False)


def plain(value: Any) -> Any:
    """A value made of JSON's types: sets are sorted, enums, paths and addresses become strings."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value))
    if isinstance(value, Sequence):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def json_text(value: Any) -> str:
    """Indented JSON in ASCII."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def jsonl_text(rows: Iterable[Row]) -> str:
    """A line per row."""
    return "".join(f"{json.dumps(plain(row), allow_nan=False)}\n" for row in rows)


def yaml_text(value: Any) -> str:
    """YAML in the order given."""
    from fabric.file.yaml.written_yaml import written_yaml

    return written_yaml(plain(value), allow_unicode=False)


def text(value: Any) -> str:
    """A cell for people: lists in one line, None as nothing, control characters visible.

    >>> text(["a", 1]), text(None), text(True), text("\\x1b[31mred")
    ('a, 1', '', 'yes', '\\\\x1b[31mred')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{text(k)}={text(v)}" for k, v in value.items())
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value))
    return visible(value if isinstance(value, str) else str(value))


def csv_text(rows: Sequence[Row], columns: Columns | None = None) -> str:
    """CSV with a header; cells that a spreadsheet would calculate get a leading apostrophe."""
    keys = list(dict.fromkeys(k for row in rows for k in row)) or list(columns or ())
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    for row in rows:
        writer.writerow([csv_cell(row.get(key)) for key in keys])
    return out.getvalue()


def csv_cell(value: Any) -> str:
    """One CSV cell; numbers keep their sign."""
    cell = one_line(value)
    is_number = isinstance(value, int | float)
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) and not is_number else cell


def one_line(value: Any) -> str:
    """As `text`, also of `Lines`."""
    return text(value).replace("\n", " ")


def markdown(rows: Sequence[Row], columns: Columns | None = None) -> str:
    """A GitHub-flavoured table."""
    heads = headings(rows, columns)
    lines = [[md_cell(head) for head in heads.values()], ["---"] * len(heads)]
    lines += [[md_cell(row.get(key)) for key in heads] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def md_cell(value: Any) -> str:
    """One cell in which nothing but text survives: escaped, or as code where GitHub would make a
    mention, a reference or a link of it."""
    cell = one_line(value)
    if not LIVE.search(cell):
        return re.sub(r"([\\|`*_~<>\[\]])", r"\\\1", cell)
    longest = max(map(len, re.findall("`+", cell)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{cell}{pad}{fence}".replace("|", "\\|")


def md_item(sentence: str) -> str:
    """A sentence as an item of a list."""
    return f"* {md_cell(sentence)}"


def headings(rows: Sequence[Row], columns: Columns | None) -> dict[str, str]:
    """Key → heading of the columns to show; default: the keys of the first row."""
    if columns is None:
        columns = list(rows[0]) if rows else []
    if isinstance(columns, Mapping):
        return dict(columns)
    return {key: key.replace("_", " ") for key in columns}


def table(rows: Sequence[Row], columns: Columns | None = None) -> Table | str:
    """A rich table without frame, numbers to the right; "none" when there are no rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return "none"
    heads = headings(rows, columns)
    out = Table(box=SIMPLE_HEAD, show_header=any(heads.values()))
    out.pad_edge, out.show_edge = False, False
    for key, head in heads.items():
        numeric = all(isinstance(row.get(key), int | float | None) for row in rows)
        out.add_column(Text(head), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        out.add_row(*(Text(text(row.get(key))) for key in heads))
    return out


def titled(title: str | None, thing: Table | str) -> tuple[Any, ...]:
    """A heading and what stands below it."""
    from rich.text import Text

    return (Text(title, style="bold"), thing) if title else (thing,)


def folded(sentence: str) -> str:
    """A sentence in lines that a terminal has room for, between words."""
    from rich.text import Text

    return printed(Text(visible(sentence)))


def hanging(words: str, style: str = "") -> Group:
    """A sentence two columns in; where it is folded, what follows stands two further in."""
    from rich.cells import cell_len
    from rich.console import Group
    from rich.text import Text

    room = console()
    longest = 1 if on_terminal() else max(map(cell_len, words.split()), default=1)
    many = max(room.width - 4, longest)
    lines = Text(words, style=style).wrap(room, many, overflow="fold")
    return Group(*(Text(" " * (4 if n else 2)) + line for n, line in enumerate(lines)))


def console(*, stderr: bool = False, room: int | None = None) -> Console:
    """A rich console that interprets nothing in strings, of so many columns if that is said."""
    from rich.console import Console

    said = asked_for()
    forced: dict[str, Any] = {} if said is None else {"force_terminal": said, "no_color": not said}
    if said:
        forced["color_system"] = "standard"
    out = {"stderr": stderr, "width": room or width(stderr), **forced}
    plain: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
    return Console(force_jupyter=False, **plain, **out)


def width(stderr: bool) -> int | None:
    """Columns of a line in a pipe (rule 2); None: as many as the terminal has."""
    if on_terminal(stderr):
        return None
    said = os.environ.get("COLUMNS", "")
    return max(int(said), 1) if said.isascii() and said.isdecimal() else UNBOUNDED


def on_terminal(stderr: bool = False) -> bool:
    """Whether somebody reads along."""
    return (sys.stderr if stderr else sys.stdout).isatty()


def printed(*things: Any) -> str:
    """What `show` prints, without trailing spaces."""
    room = width(False)
    said = "".join(
        rendered(thing, room) if room is None else piped(thing, room) for thing in things
    )
    return "\n".join(harmless(line).rstrip() for line in said.removesuffix("\n").split("\n"))


def rendered(thing: Any, room: int | None) -> str:
    """What a console of so many columns prints."""
    out = console(room=room)
    with out.capture() as captured:
        out.print(thing)
    return captured.get()


def piped(thing: Any, room: int) -> str:
    """What stands in a pipe: a table as wide as its rows, everything else in the least room, so
    many columns or twice as many, in which no word is broken."""
    whole = rendered(thing, UNBOUNDED)
    if room >= UNBOUNDED or getattr(thing, "box", None) is not None:
        return whole
    words = {*STYLING.sub("", whole).split()}
    while room < UNBOUNDED:
        said = rendered(thing, room)
        if words.issuperset(STYLING.sub("", said).split()):
            return said
        room *= 2
    return whole


def harmless(line: str) -> str:
    """A line in which only the console's own styles drive the terminal, whoever forgot what."""
    parts = STYLING.split(line)
    return "".join(part if n % 2 else visible(part) for n, part in enumerate(parts))


def lined(*things: Any) -> str:
    """What `show` prints, with the end of the last line."""
    return f"{printed(*things)}\n"


def show(*things: Any) -> None:
    """Print tables and lines to stdout."""
    say(lined(*things))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Tell]:
    """Yields `tell(what, done=None, total=None)`: a spinner or bar on stderr while the block runs.

    Says nothing when stderr is not a terminal or `quiet` is set.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda what, done=None, total=None: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    bar = Progress(
        *columns, BarColumn(), TimeElapsedColumn(), console=console(stderr=True), transient=True
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda what, done=None, total=None: bar.update(
            task, description=visible(what), completed=done or 0, total=total
        )


FORMATS: Rows[Format] = Rows(
    Format(
        "table",
        lambda of: printed(*titled(of.title, table(of.rows, of.columns))) + "\n",
        "text", "below", folded, gap=False, told="text", document=None,
    ),
    Format(
        "json", lambda of: json_text(of.document) + "\n",
        "data", "document", visible, gap=False, told=None, document=lambda v: json_text(v) + "\n",
    ),
    Format(
        "jsonl", lambda of: jsonl_text(of.rows),
        "data", "rows", visible, gap=False, told=None, document=lambda v: jsonl_text([v]),
    ),
    Format(
        "yaml", lambda of: yaml_text(of.document),
        "data", "document", visible, gap=False, told=None, document=yaml_text,
    ),
    Format(
        "csv", lambda of: csv_text(of.rows, of.columns),
        "plain", "rows", visible, gap=False, told=None, document=None,
    ),
    Format(
        "md", lambda of: markdown(of.rows, of.columns) + "\n",
        "text", "below", md_item, gap=True, told="markdown", document=None,
    ),
)  # fmt: skip
"""Every format of rows, the default first; a new one is a row."""
