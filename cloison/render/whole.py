"""Answers that are no table of rows: a proof, an explanation, what became of a replay.

Such an answer is a document (data), has a text for terminals, and may have one in markdown. A
format (`cloison.render.formats.Format`) writes the document, or takes a text; one that does
neither holds rows alone. That is known before anything is computed (`refuse`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cloison.render.formats import FORMATS, Format, Row


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """See the module; each is made when a format asks for it. `text` ends its last line, `markdown`
    are lines without ends."""

    document: Callable[[], Row]
    text: Callable[[], str]
    markdown: Callable[[], Iterable[str]] | None = None


def holds_whole(shape: Format, markdown: bool) -> bool:
    """Whether a format can write such answers; `markdown`: those that have one."""
    return shape.document is not None or shape.told == "text" or (markdown and bool(shape.told))


def able(markdown: bool) -> Iterator[str]:
    """The names of formats that can."""
    return (name for name, shape in FORMATS.items() if holds_whole(shape, markdown))


def refuse(output: str, markdown: bool) -> None:
    """Nothing, unless a format of `FORMATS` cannot write such an answer: then `InputError`."""
    from fabric.diagnostics import Diagnostic, InputError

    if output in FORMATS and not holds_whole(FORMATS[output], markdown):
        what = f"{output} cannot say this: the answer is no table of rows"
        raise InputError(Diagnostic("C888", what, None, f"-o {', '.join(able(markdown))}"))


def whole(answer: WholeAnswer, output: str) -> str:
    """An answer in a format, with the end of the last line. Raises `InputError`."""
    refuse(output, answer.markdown is not None)
    shape = FORMATS[output]
    if shape.document is not None:
        return shape.document(answer.document())
    if shape.told == "markdown" and answer.markdown is not None:
        return "".join(f"{line}\n" for line in answer.markdown())
    return answer.text()
