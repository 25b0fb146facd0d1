"""Under what else an expectation may have to hold: the words of `hold_under`.

A word is this row and nothing else: it counts parts of a network that may be elsewhere on an axis
of worlds. Which parts of that sort there are says the axis, one floor up (`sim.worlds.axes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fabric.values.rows import Rows


@dataclass(frozen=True, slots=True)
class HeldUnder:
    """A kind of worlds, by its word: each set of at most `most` parts that are `each` what the
    `axis` calls so."""

    name: str
    axis: str
    each: str
    most: int


KINDS: Rows[HeldUnder] = Rows(
    HeldUnder("any-1-link", "down", "cable", 1),
    HeldUnder("any-1-node", "down", "node", 1),
    HeldUnder("any-1-risk-group", "down", "risk group", 1),
    HeldUnder("any-2-links", "down", "cable", 2),
    HeldUnder("drain-any-leaf", "drained", "leaf", 1),
    HeldUnder("drain-any-spine", "drained", "spine", 1),
)
"""Every kind that a file may name, in the order in which they are tried."""


def known(word: Any) -> str:
    """The word, if it is in the table when a file is read."""
    if isinstance(word, str) and word in KINDS:
        return word
    *others, last = map(repr, KINDS)
    expected = f"{', '.join(others)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


class OneOfKinds:
    """How pydantic reads a kind, and how a schema lists them: by the table as it is then."""

    def __get_pydantic_core_schema__(self, of: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(known)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"enum": [*KINDS], "type": "string"}


Kind = Annotated[str, OneOfKinds()]
