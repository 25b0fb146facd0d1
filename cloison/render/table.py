"""`Table`: rows that print in a terminal, render in a notebook, and become a pandas frame."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from cloison.render.formats import (
    FORMATS,
    Columns,
    Row,
    headings,
    printed,
    table,
    text,
    titled,
    visible,
)

if TYPE_CHECKING:
    import pandas as pd

SHOWN_IN_HTML = 200


@dataclass(frozen=True, slots=True, repr=False)
class Table(Sequence[Row]):
    """An immutable sequence of rows (mappings). `columns` picks and names what people see; `notes`
    are sentences without which the rows say too much, `verdict` is that of the answer, where it is
    one. A table that has no rows is only false where that says that there is nothing."""

    rows: tuple[Row, ...]
    title: str = ""
    columns: Columns | None = None
    notes: tuple[str, ...] = ()
    verdict: str = ""

    def __bool__(self) -> bool:
        """Whether there are rows. Without rows, a verdict that tells of more is no yes or no."""
        if not self.rows and self.verdict not in ("", "holds", "computed"):
            told = "; ".join(self.notes)
            raise TypeError(
                f"there are no rows, but compare .verdict, which is {self.verdict}: {told}"
            )
        return bool(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        notes = "".join(f"; {note}" for note in self.notes)
        return visible(f"{self.title or 'Table'}: {len(self.rows)} rows{notes}")

    def __str__(self) -> str:
        notes = map(visible, self.notes)
        return printed(*titled(self.title, table(self.rows, self.columns)), *notes)

    def where(self, **wanted: Any) -> Table:
        """The rows whose values equal these.

        >>> len(Table(({"a": 1}, {"a": 2})).where(a=2))
        1
        """
        rows = tuple(r for r in self.rows if all(r.get(k) == v for k, v in wanted.items()))
        return Table(rows, self.title, self.columns, self.notes, self.verdict)

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with every key of the rows as a column."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self.rows])

    def _repr_html_(self) -> str:
        """An HTML table; the first rows of a long one. Nothing in a cell is markup."""
        heads = headings(self.rows, self.columns)
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        lines = ["".join(f"<th>{escape(head)}</th>" for head in heads.values())]
        lines += [
            "".join(f"<td>{escape(row.get(key))}</td>" for key in heads)
            for row in self.rows[:SHOWN_IN_HTML]
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        left = len(self.rows) - SHOWN_IN_HTML
        more = f"<p>… and {left} more rows</p>" if left > 0 else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<table>{caption}{body}</table>{more}{notes}"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class WrittenTable(Table):
    """The table of an answer that a command has, too: `write` is that answer in a format of the
    command's `-o`."""

    write: Callable[[str], str]

    def written(self, output: str) -> str:
        """What the command says with `-o` so. Raises `InputError`."""
        return self.write(output)

    def document(self) -> dict[str, Any]:
        """What the command says with `-o json`."""
        found: dict[str, Any] = json.loads(self.write("json"))
        return found

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        return self.write(next(name for name, form in FORMATS.items() if form.told == "text"))


def escape(value: Any) -> str:
    """A cell as HTML text."""
    return html.escape(text(value)).replace("\n", "<br>")
