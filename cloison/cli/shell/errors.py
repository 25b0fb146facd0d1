"""The one place where failures become messages on stderr and exit codes.

0    what was asked holds
1    a finding: a violation, a difference, a failed expectation
2    wrong usage or input, or the machine lacks something
3    the target cannot hold the program
4    unknown: something that touches what was asked is not evaluated, or was too much to decide;
     a failure (1) is told before it, a wrong input (2) before both
70   a bug in cloison
130  interrupted             141  the reader of our output went away
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cloison.render.colour import colour_wanted

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MACHINE = (*FULL, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What is wrong with the machine, not with cloison."""
LEAST_FILES = 64
OK, FINDING, USAGE, CAPACITY, UNKNOWN, BUG, INTERRUPTED, PIPE = 0, 1, 2, 3, 4, 70, 130, 141


CODES = {"holds": OK, "computed": OK, "fails": FINDING, "unknown": UNKNOWN}
"""By verdict."""


def leave(verdict: str) -> None:
    """End the command with the code of a verdict, if that is not 0."""
    if CODES[verdict] != OK:
        raise click.exceptions.Exit(CODES[verdict])


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn whatever leaves the block into a message and an exit code; `debug` keeps tracebacks."""
    try:
        yield
    except click.ClickException as error:
        from fabric.io.visible import paragraph

        error.message = paragraph(error.message)  # type: ignore[misc]
        raise
    except (click.exceptions.Exit, click.Abort, SystemExit):
        raise
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Exception as error:
        if debug:
            traceback.print_exception(error)
            raise click.exceptions.Exit(exit_code(error)) from None
        if message := explain(error):
            click.echo(message, err=True)
        raise click.exceptions.Exit(exit_code(error)) from None


def exit_code(error: Exception) -> int:
    """The exit code that an exception stands for."""
    from fabric.diagnostics import CapacityError, CloisonError, UndecidedError

    match error:
        case UndecidedError():
            return UNKNOWN
        case CapacityError():
            return CAPACITY
        case CloisonError():
            return USAGE
        case OSError() if error.errno == errno.EPIPE:
            silence_stdout()
            return PIPE
        case OSError() if error.filename or error.errno in MACHINE:
            if error.errno in FULL:
                silence_stdout()
            return USAGE
        case MemoryError():
            return USAGE
        case ImportError() if short_of_files():
            return USAGE
        case _:
            return BUG


def explain(error: Exception) -> str:
    """What the user reads; empty when there is nobody to read it."""
    from fabric.diagnostics import CloisonError, InputError
    from fabric.io.visible import paragraph

    match error:
        case InputError():
            from cloison.render.diagnostics import render, summary

            found = error.diagnostics
            return f"{render(found, colour=colour_wanted(sys.stderr))}\n{summary(found)}"
        case CloisonError():
            return paragraph(f"error: {error}")
        case OSError() if error.errno == errno.EPIPE:
            return ""
        case OSError() | ImportError() if short_of_files():
            return f"error: too many open files: {short_of_files()}"
        case OSError() if error.filename or error.errno in MACHINE:
            what = f"{error.filename}: " if error.filename else "cannot read or write: "
            return paragraph(f"error: {what}{error.strerror}")
        case MemoryError():
            return "error: the machine has no memory left for this"
        case _:
            return bug_report(error)


def bug_report(error: Exception) -> str:
    """A short message for what should never happen, with the place where it did."""
    from fabric.io.visible import paragraph

    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.relpath(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return (
        f"internal error: {type(error).__name__}: {paragraph(str(error))}{place}\n"
        "This is a bug in cloison, not in your files. Run the command again as\n"
        "`cloison --debug …` for the traceback, and please report it."
    )


def short_of_files() -> str:
    """What to do about a limit on open files that is too low; empty when it is not."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit >= LEAST_FILES:
        return ""
    return f"the limit (ulimit -n) is {limit}, and cloison needs {LEAST_FILES}"


def silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere instead of failing on a closed pipe or a full
    disk."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
