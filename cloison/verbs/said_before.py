"""What `verify` said of files that are as they were: kept with their world, and told again.

To see that nothing has changed costs a tenth of a second; the world and its proof, of which the
answer is made, are megabytes. What reads and proves is imported where it is needed.

Rules that hold here:

1. Kept is what is printed, before it is laid out: widths and colours are those of whoever asks.
2. It counts where the world does (`cloison.loading.kept_worlds`), and stands beside a world that is
   kept alone: what took no time to read and to prove has none.
3. Only for the plain question: nowhere else on any axis, no lines of before, no certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloison.loading.kept_worlds import Request, Shelf, found
from cloison.render.formats import FORMATS

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.world import World
    from fabric.diagnostics import Diagnostic
    from sim.proof.prove import Proof

PART = "verified"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its verdict, the document or the things to print, whichever was asked for, and
    what is doubtful about the files."""

    verdict: str
    document: Mapping[str, Any]
    things: tuple[Any, ...]
    warnings: tuple[Diagnostic, ...]


def part_of(how: How, output: str) -> str | None:
    """What an answer is kept as; None for one that is not (rule 3)."""
    shape = FORMATS.get(output)
    if shape is None or how.on or how.base is not None:
        return None
    if shape.document is not None:
        return f"{PART}-document"
    return f"{PART}-text" if shape.told == "text" else None


def before(fabric: Path, how: How, output: str) -> Said | None:
    """What was said of the same files, if that is kept."""
    part = part_of(how, output)
    shelf = None if part is None else found(Request("fabric", (str(fabric),), how))
    said = None if part is None or shelf is None else shelf.answer(part)
    return said if isinstance(said, Said) else None


def keep(world: World, proof: Proof, how: How, output: str) -> None:
    """Keep what is said of the proof of a world that is kept (rule 2)."""
    from cloison.views.verification import verified

    part, shelf = part_of(how, output), world.parts
    if part is None or not isinstance(shelf, Shelf) or shelf.seal is None:
        return
    whole = FORMATS[output].document is not None
    document = verified.document(proof) if whole else {}
    things = () if whole else tuple(verified.report(proof))
    shelf.keep(part, Said(str(proof.verdict), document, things, proof.network.warnings))
