"""`AllExplained`: why each flow is allowed or denied from all that one name stands for to all that
another one does, as a sequence and as `cloison explain` tells it.

Where names stand for workloads and all their pods fare alike, one answer speaks for all and is told
in full; else there is a row for each flow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from cloison.render.formats import FORMATS, lined
from cloison.render.whole import WholeAnswer, whole
from cloison.views.caveats.unknowns import with_records
from cloison.views.packets.explained import Explained
from cloison.views.packets.explained_text import several
from compiler.requests.http_rules import HttpRequest
from sim.why.every_answer import EveryAnswer, every_answer
from sim.why.explain import Explanation
from sim.worlds.world import World

SCHEMA = "cloison/explanations/1"
ALIKE = "\nEvery pair of their pods fares alike.\n"


@dataclass(frozen=True, slots=True, repr=False)
class AllExplained(Sequence[Explained]):
    """Every explanation, each of one flow."""

    answers: EveryAnswer

    @property
    def one(self) -> Explained | None:
        """The answer for all, if there is one."""
        return None if self.answers.one is None else Explained(self.answers.one)

    @property
    def unknown(self) -> bool:
        """Whether any verdict is unknown, because something that touches it is not evaluated."""
        return any(found.verdict == "unknown" for found in self.answers.found)

    def __len__(self) -> int:
        return len(self.answers.found)

    @overload
    def __getitem__(self, index: int) -> Explained: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Explained, ...]: ...
    def __getitem__(self, index: int | slice) -> Explained | tuple[Explained, ...]:
        found = self.answers.found[index]
        return Explained(found) if isinstance(found, Explanation) else tuple(map(Explained, found))

    def __iter__(self) -> Iterator[Explained]:
        return map(Explained, self.answers.found)

    def document(self) -> dict[str, Any]:
        """What `explain -o json` writes: `cloison/explanation/1` where there is one answer for all,
        else `cloison/explanations/1`."""
        found: dict[str, Any] = json.loads(self.written("json"))
        return found

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        return self.written(next(name for name, form in FORMATS.items() if form.told == "text"))

    def written(self, output: str) -> str:
        """The answer in a format (`cloison.render.formats`). Raises `InputError`."""
        if self.one is not None:
            said = whole(WholeAnswer(self.one.document, self.one.text), output)
            alike = self.answers.pods > 1 and FORMATS[output].told == "text"
            return f"{said}{ALIKE}" if alike else said
        found = self.answers.found
        if FORMATS[output].told == "text":
            return lined(*several(found, self.answers.alike_as))
        rows = [_row(one, self.answers.pairs(one)) for one in found]
        records = tuple(dict.fromkeys(record for one in found for record in one.touched_by))
        return with_records(records, rows, network=found[0].network, schema=SCHEMA, output=output)

    def __bool__(self) -> bool:
        """Answers of more than two kinds are neither true nor false."""
        raise TypeError("compare .verdict of each: they are not true or false")

    def __repr__(self) -> str:
        return f"{len(self):,} explanations" if self.one is None else repr(self.one)

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in ([self.one] if self.one else self))


def all_explained(
    world: World,
    src: str,
    dst: str,
    *,
    version: int | None = None,
    request: HttpRequest | None = None,
) -> AllExplained:
    """Why flows from all that `src` names to all that `dst` names are allowed or denied; with a
    `request`, why it is in each of them. Raises `InputError`."""
    answers = every_answer(world, src, dst, version)
    return AllExplained(answers if request is None else answers.of_request(request))


def _row(found: Explanation, pairs: int) -> Mapping[str, Any]:
    """One of many flows as data; `pairs` says for how many pairs of pods it stands."""
    plain = {k: v for k, v in found.document().items() if k != "choices"}
    besides = {"conditions": list(found.besides)} if found.besides else {}
    return plain | besides | ({"pairs": pairs} if pairs > 1 else {})
