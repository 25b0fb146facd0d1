"""Columns of further fields, of packets and of rules: one for each row that is `classified`.

The classes that hold columns declare those that everybody knows, so that their types are; of any
other row the field is added here, when the class is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields, make_dataclass
from typing import Any, TypeVar

C = TypeVar("C", bound=type[Any])


def with_further(defaults: Mapping[str, Any]) -> Callable[[C], C]:
    """A class decorator: the frozen dataclass with a field for each of these names that it lacks,
    behind its own."""

    def decorate(cls: C) -> C:
        known = {one.name for one in fields(cls)}
        lacking = [
            (name, Any, field(default=value))
            for name, value in defaults.items()
            if name not in known
        ]
        if not lacking:
            return cls
        namespace = {"__module__": cls.__module__, "__doc__": cls.__doc__}
        made: Any = make_dataclass(
            cls.__name__, lacking, bases=(cls,), namespace=namespace, frozen=True, slots=True
        )
        return made  # type: ignore[no-any-return]

    return decorate
