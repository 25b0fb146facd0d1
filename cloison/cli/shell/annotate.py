"""Answers for CI: what `-o sarif` and the like (`cloison.render.ci.writers`) print, and what
`--summary` writes.

Wrong input is an answer there too: it becomes annotations, and the exit code stays that of wrong
input. With `-o github` nothing that an input says goes to stderr, where the runner looks for
commands as well (`cloison.render.ci.github`): what would stand there is annotated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from cloison.render.ci.writers import SUMMARY, WRITERS

if TYPE_CHECKING:
    from cloison.render.ci.annotation import Report

F = TypeVar("F", bound=Callable[..., Any])


def for_ci() -> Iterable[str]:
    """The names of the formats of CI."""
    return WRITERS


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads the answer: the format on stdout, where a summary goes, where all of it is."""

    output: str
    summary: Path | None
    link: str

    @property
    def is_ci(self) -> bool:
        """Whether stdout is annotations, with everything that would stand on stderr."""
        return self.output in WRITERS

    @property
    def speaks(self) -> bool:
        """Whether stderr may say what inputs say."""
        return not self.is_ci or WRITERS[self.output].speaks

    def answer(
        self,
        document: Callable[[], Mapping[str, Any]],
        text: Callable[[], str],
        report: Callable[[], Report],
        markdown: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        """Print an answer for people and programs, unless stdout is for CI: in markdown as
        `markdown`, or as a table of the report."""
        from cloison.render.ci.comment import lines
        from cloison.render.formats import say
        from cloison.render.whole import WholeAnswer, whole

        if not self.is_ci:
            posted = markdown or (lambda: lines(report()))
            say(whole(WholeAnswer(document, text, posted), self.output))

    def tell(self, report: Callable[[], Report], lines: Iterable[str] | None = None) -> None:
        """Print a report where one is wanted, and write its summary: `lines`, or a table of it."""
        if not (self.is_ci or self.summary is not None):
            return
        made = report()
        if self.is_ci:
            click.echo(WRITERS[self.output].write(made, self.link), nl=False)
        if self.summary is not None:
            text = SUMMARY(made, self.link) if lines is None else self.bounded(lines)
            with self.summary.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)

    def bounded(self, lines: Iterable[str]) -> str:
        """Lines of Markdown, as many as a comment holds."""
        from cloison.render.ci.limits import bounded

        return f"{bounded([*lines], self.link)}\n"

    @contextmanager
    def wrong(self, verb: str, subject: str) -> Iterator[None]:
        """Annotate wrong input; it leaves the block all the same."""
        from cloison.cli.shell.errors import UNKNOWN, exit_code
        from fabric.diagnostics import InputError

        try:
            yield
        except InputError as error:
            code, diagnostics = exit_code(error), error.diagnostics

            def report() -> Report:
                from cloison.views.annotated import of_diagnostics

                verdict = "unknown" if code == UNKNOWN else "error"
                return of_diagnostics(verb, subject, diagnostics, verdict)

            self.tell(report)
            if self.speaks:
                raise
            raise click.exceptions.Exit(code) from None


def audience_options(function: F) -> F:
    """`--summary`, `--link`. The command gets them, with its `--output`, as one `audience`."""

    @wraps(function)
    def command(*args: Any, output: str, summary: Path | None, link: str, **others: Any) -> Any:
        return function(*args, audience=Audience(output, summary, link), **others)

    found = click.option(
        "--link",
        default="",
        metavar="URL",
        help="Where all of the answer is, told where an output has no room for it.",
    )(command)
    found = click.option(
        "--summary",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Add the answer as Markdown to FILE, at most what a comment holds.",
    )(found)
    return cast(F, found)
