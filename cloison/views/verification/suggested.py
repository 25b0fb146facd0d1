"""What `cloison suggest` says: edits that make expectations hold, as a file that extends FABRIC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows
from cloison.views.world import World
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.visible import visible
from sim.diff.suggested.file_edits import FileEdit, extending
from sim.diff.suggested.patches import patch
from sim.diff.suggested.search import MOST, Suggested, Suggestion

SCHEMA = "cloison/suggestions/1"
FEW = 3
"""What of a suggestion's other changes is shown."""


def document(fabric: Path, world: World, found: Sequence[Suggested]) -> dict[str, Any]:
    """`cloison/suggestions/1`."""
    return {
        "schema": SCHEMA,
        "name": world.network.spec.name,
        "expectations": [
            {
                "expect": str(one.claim),
                "line": None if one.claim.span is None else str(one.claim.span),
                "tried": one.tried,
                "more": one.more,
                "under_failure": one.under_failure,
                "suggestions": [row(fabric, world, each) for each in one.found],
            }
            for one in found
        ],
        "not_evaluated": as_rows(world.network.not_evaluated),
        "diagnostics": diagnosed(world.network),
    }


def row(fabric: Path, world: World, found: Suggestion) -> dict[str, Any]:
    """A suggestion; `patch` is the text of a fabric file beside FABRIC, `diff` a patch of the
    files themselves, to be applied in the folder `diff_in`; null where `no_diff` says why."""
    made = patch(fabric, world.network, found.edits)
    return {
        "edits": [
            {
                "what": what(edit),
                "line": None if edit.span is None else str(edit.span),
                **edit.row(),
            }
            for edit in found.edits
        ],
        "changes_nothing_else": not found.beside,
        "unknown": found.unknown,
        "also": list(found.beside),
        "patch": extending(fabric, found.edits),
        "diff": made.text or None,
        "diff_in": str(made.folder) if made.text else None,
        "no_diff": made.why or None,
    }


def what(edit: FileEdit) -> str:
    """An edit in words, with what it is done to."""
    return f"{edit.tenant} {edit.named}: {edit.words}" if edit.tenant else edit.words


def report(fabric: Path, world: World, found: Sequence[Suggested], most: int) -> Iterator[str]:
    """The same for people: the best few of each."""
    if any(one.found for one in found):
        yield "Each as a file that extends yours; -o patch has the best as a patch of your files."
        yield ""
    if not found:
        yield f"{world.network.spec.name}: no expectation fails."
    for one in found:
        yield f"{one.claim}{f' ({one.claim.span})' if one.claim.span else ''}"
        for number, each in enumerate(one.found[:most], 1):
            yield f"  {number}. {'; '.join(map(what, each.edits))}"
            yield f"     {_beside(each)}"
            if each.unknown:
                yield "     unknown: something that touches the expectation is not evaluated"
            yield from (f"     | {line}" for line in extending(fabric, each.edits).splitlines())
        if len(one.found) > most:
            yield f"  {len(one.found) - most} more (--most, -o json)"
        if one.under_failure:
            yield "  It fails only while something else does: no edits are looked for."
        elif not one.found:
            more = f" (of more than the {MOST} that are tried at most)" if one.more else ""
            yield f"  No edit of the {one.tried} that were tried makes it hold alone{more}."
        yield ""


def _beside(found: Suggestion) -> str:
    if not found.beside:
        return "changes nothing else"
    few, more = "; ".join(found.beside[:FEW]), len(found.beside) - FEW
    return f"also: {few}" + (f"; {more} more" if more > 0 else "")


def patched(fabric: Path, world: World, edits: Sequence[FileEdit]) -> str:
    """Edits as a patch, behind a line that says where to apply it unless that is here. Raises
    `InputError` where they cannot be written so."""
    made = patch(fabric, world.network, edits)
    if made.why:
        hint = "-o table has them as a file that extends yours"
        raise InputError(Diagnostic("C733", f"no patch says this: {made.why}", None, hint))
    there = f"Apply in {visible(str(made.folder))}:\n" if made.folder != Path.cwd() else ""
    return f"{there}{made.text}" if made.text else ""


def left(found: Sequence[Suggested]) -> Iterator[str]:
    """The expectations that a patch does not make hold."""
    for one in found:
        if not any(not each.beside for each in one.found):
            more = "; what else changes: -o table" if one.found else ""
            yield f"not in the patch: {one.claim}{more}"
