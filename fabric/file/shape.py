"""Check the shape of a fabric file and say in its reader's words what is wrong.

pydantic finds the errors; this module turns each into a `Diagnostic` at the line of the file. In a
union (`text or mapping`) only the branch that the user meant is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.file.extend import ReadableDocument
from fabric.file.repair import Thinned, repaired, without
from fabric.file.schema import keys_at
from fabric.file.spec import FabricSpec

Place = tuple[str | int, ...]
PORT_KEYS = ("ports", "source_ports")
MAX_REPORTED = 200
MAX_ROUNDS = 8
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Shaped:
    """What can be checked further of a document: its models, and where they stand. `lost` are the
    names that stood where nothing could be guessed: what is said about them follows from that."""

    spec: FabricSpec
    document: ReadableDocument
    lost: frozenset[str] = frozenset()


def validate_as(model: type[M], document: ReadableDocument, found: Diagnostics) -> M | None:
    """A document as something else than a fabric file, whose keys it has further in; nothing is
    guessed."""

    def keys(place: Place) -> list[str]:
        return keys_at(place) if place else list(model.model_fields)

    try:
        return model.model_validate(document.value, strict=True)
    except ValidationError as error:
        for place, detail in told(document.value, error):
            explain(document, place, detail, found, keys)
    return None


def validate(document: ReadableDocument, found: Diagnostics) -> Shaped | None:
    """The models of a document, with every misfit in `found`; None when nothing is left."""
    try:
        return Shaped(FabricSpec.model_validate(document.value, strict=True), document)
    except ValidationError as error:
        problems = list(told(document.value, error))
    for place, detail in problems:
        explain(document, place, detail, found)
    value, lost = repaired(document.value, problems), set[str]()
    for _ in range(MAX_ROUNDS):
        rest = Thinned(document, value)
        try:
            return Shaped(FabricSpec.model_validate(rest.value, strict=True), rest, frozenset(lost))
        except ValidationError as error:
            places = [rest.place(place) for place, _ in told(rest.value, error)]
        value, names = without(value, places)
        lost |= names
    return None


def told(value: Any, error: ValidationError) -> Iterator[tuple[Place, ErrorDetails]]:
    """The errors worth telling, each with its place in the file."""
    errors = [(d, *locate(value, d["loc"])) for d in error.errors(include_url=False)]
    branches: dict[Place, set[str]] = {}
    for _, _, union in errors:
        if union is not None:
            branches.setdefault(union[0], set()).add(union[1])
    seen: set[tuple[Place, str]] = set()
    for detail, place, union in errors:
        if union and union[1] != meant(at_place(value, union[0]), branches[union[0]]):
            continue
        if (place, detail["type"]) not in seen and len(seen) < MAX_REPORTED:
            seen.add((place, detail["type"]))
            yield place, detail


def locate(value: Any, loc: Iterable[str | int]) -> tuple[Place, tuple[Place, str] | None]:
    """The path of an error in the file, and the union branch (where, which) that it belongs to."""
    place: list[str | int] = []
    union = None
    for step in loc:
        if holds(value, step):
            value = value[step]
            place.append(step)
        elif names_branch(step):
            union = (tuple(place), str(step))
        elif step != "[key]":
            place.append(step)
    return tuple(place), union


def names_branch(step: str | int) -> bool:
    """Whether pydantic put this step into a path to name a branch of a union.

    >>> [names_branch(step) for step in ("VrfPrefix", "list[str]", "str", "from", 0)]
    [True, True, True, False, False]
    """
    return isinstance(step, str) and (
        step == "str" or step.startswith("list[") or step[:1].isupper()
    )


def holds(value: Any, step: str | int) -> bool:
    """Whether a step of a path leads on from here."""
    if isinstance(value, Mapping):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def at_place(value: Any, place: Place) -> Any:
    """What stands at a path."""
    for step in place:
        value = value[step]
    return value


def meant(value: Any, branches: set[str]) -> str:
    """The branch of a union that the user wrote, judged by what kind of value it is.

    >>> meant({}, {"str", "VrfPrefix"}), meant({}, {"str", "list[str]"}), meant(5, {"str", "X"})
    ('VrfPrefix', 'str', 'str')
    """
    if isinstance(value, list):
        return next((b for b in sorted(branches) if b.startswith("list")), "str")
    if isinstance(value, Mapping):
        return next((b for b in sorted(branches) if b[0].isupper()), "str")
    return "str"


def explain(
    document: ReadableDocument,
    place: Place,
    detail: ErrorDetails,
    found: Diagnostics,
    keys: Callable[[Place], list[str]] = keys_at,
) -> None:
    """Add one error in plain words; `keys` are those that are known at a place."""
    kind, context = detail["type"], detail.get("ctx", {})
    hint: str | None
    at, key_at = document.span(place), document.key_span(place)
    name, got = label(place), describe(detail["input"])
    if kind == "extra_forbidden" or (kind == "literal_error" and detail["loc"][-1] == "[key]"):
        known = keys(place[:-1])
        hint = did_you_mean(str(place[-1]), known) or f"known here: {', '.join(known)}"
        found.error("C201", f"unknown key {describe(place[-1])}", key_at, hint)
    elif kind == "missing":
        hint = "the first line of a fabric file is: cloison: 1" if place == ("cloison",) else None
        found.error("C202", f'"{place[-1]}" is missing', document.span(place[:-1]), hint)
    elif kind == "literal_error":
        expected = context["expected"].replace("'", "")
        hint = did_you_mean(str(detail["input"]), expected.replace(" or ", ", ").split(", "))
        hint = QUOTED if detail["input"] == expected else hint
        found.error("C204", f"{name} must be {expected}, not {got}", at, hint)
    elif kind in RANGES:
        limit = next(iter(context.values()))
        found.error("C205", f"{name} must be {RANGES[kind]} {limit}, not {got}", at)
    elif kind in ("string_pattern_mismatch", "string_too_long"):
        hint = NODE_NAMES if place[-2:-1] == ("nodes",) or place[-1] == "host" else NAMES
        hint = NUMBERS if "requirement" in place else hint
        span = key_at if detail["loc"][-1] == "[key]" else at
        found.error("C206", f"{got} cannot be a name", span, hint)
    elif kind in ("too_short", "too_long"):
        few = context.get("min_length", context.get("max_length"))
        what = "at least" if kind == "too_short" else "at most"
        found.error("C207", f"{name} needs {what} {few}, not {context['actual_length']}", at)
    else:
        wrong_type(place, detail, at, found)


QUOTED = "remove the quotes"
NAMES = "a name has lower-case letters, digits and inner dashes, at most 63"
NODE_NAMES = "letters and digits, with single dots, dashes or underlines between them, at most 63"
NUMBERS = "letters, digits, dots, dashes and underlines, at most 40"
RANGES = {
    "greater_than": "greater than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def wrong_type(place: Place, detail: ErrorDetails, at: Span, found: Diagnostics) -> None:
    """Something of another type than expected; the usual slips of YAML get a hint."""
    expected = EXPECTED.get(detail["type"], detail["msg"])
    message = f"{label(place)} must be {expected}, not {describe(detail['input'])}"
    found.error("C203", message, at, type_hint(place, detail))


def type_hint(place: Place, detail: ErrorDetails) -> str | None:
    """How to write what was probably meant."""
    value, kind = detail["input"], detail["type"]
    port = next((step for step in place if step in PORT_KEYS), None)
    number = isinstance(value, int) and not isinstance(value, bool)
    if port and kind == "string_type" and number:
        return f"write {value}/tcp"
    if kind == "list_type" and isinstance(value, (str, int, float)):
        suffix = "/tcp" if port and number else ""
        return f"write a list: [{value}{suffix}]"
    if kind == "list_type" and isinstance(value, Mapping):
        return "every entry of a list starts with a dash"
    if kind == "string_type" and isinstance(value, (int, float)):
        return f'quote it: "{value}"'
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return QUOTED
    if value is None:
        return "give it a value, or remove the key"
    return None


def label(place: Place) -> str:
    """What a message calls a place: its last key.

    >>> label(("leaks", 0, "ports", 1)), label(())
    ('an entry of "ports"', 'a fabric file')
    """
    keys = [step for step in place if isinstance(step, str)]
    if not keys:
        return "a fabric file"
    return f'"{keys[-1]}"' if isinstance(place[-1], str) else f'an entry of "{keys[-1]}"'


def describe(value: Any) -> str:
    """A value as a message quotes it: short, and named by its YAML type when it is a collection."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f'"{value if len(value) <= 60 else value[:57] + "…"}"'
        case _:
            return str(value)[:60]
