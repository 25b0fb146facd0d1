"""Values of ours as bytes, and back, as fast as pickle allows.

Rules that hold here:

1. Frozen dataclasses with slots, named tuples and IP networks are taken apart and put together
   without the code that the standard library has for them, which takes most of the time. Nothing is
   checked again: what is put together was whole when it was taken apart.
2. Arrays that are the beginning of another one share its memory, as they did.
3. What a value refers to may be left out by name (`names`, by identity); whoever reads it says what
   has that name then.
4. Reading runs what is written: only for files that nobody else can have written
   (`fabric.io.sealed_files`).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from io import BytesIO
from ipaddress import IPv4Network, IPv6Network
from math import prod
from operator import attrgetter
from typing import Any, Protocol

from fabric.io.uncollected import uncollected

PROTOCOL = 5
Reducer = Callable[[Any], tuple[Any, ...]]
NOTHING: Mapping[Any, Any] = {}
_new, _new_tuple = object.__new__, tuple.__new__


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: Any, /) -> object: ...


@uncollected()
def write(value: Any, file: Sink, names: Mapping[int, str] = NOTHING) -> None:
    """Write a value; objects whose `id` is in `names` are left out by name."""
    (_NamingWriter(file, names) if names else _ReducingPickler(file, PROTOCOL)).dump(value)


@uncollected()
def read(data: bytes, named: Mapping[str, Any] = NOTHING) -> Any:
    """What was written; `named` are the objects that were left out."""
    return _NamingReader(BytesIO(data), named).load() if named else pickle.loads(data)


class _Reducers(dict[type[Any], Reducer]):
    """How a class is taken apart; KeyError for classes of classes, which are told by name."""

    def __missing__(self, kind: type[Any]) -> Reducer:
        if kind in (IPv4Network, IPv6Network):
            return self.setdefault(kind, _network)
        if (kind.__module__, kind.__name__) == ("numpy", "ndarray"):
            return self.setdefault(kind, _array)
        if is_dataclass(kind) and getattr(kind.__getstate__, "__module__", "") == "dataclasses":
            return self.setdefault(kind, _dataclass(kind))
        if issubclass(kind, type):
            raise KeyError(kind)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return self.setdefault(kind, lambda value: (_new_tuple, (kind, (*value,))))
        return self.setdefault(kind, _as_usual)


class _ReducingPickler(pickle.Pickler):
    dispatch_table = _Reducers()


class _NamingWriter(_ReducingPickler):
    def __init__(self, file: Sink, names: Mapping[int, str]) -> None:
        super().__init__(file, PROTOCOL)
        self.names = names

    def persistent_id(self, value: Any) -> str | None:
        return self.names.get(id(value))


class _NamingReader(pickle.Unpickler):
    def __init__(self, file: BytesIO, named: Mapping[str, Any]) -> None:
        super().__init__(file)
        self.named = named

    def persistent_load(self, name: str) -> Any:
        return self.named[name]


def _as_usual(value: Any) -> tuple[Any, ...]:
    """As pickle does it, which would ask for the class anew with every value."""
    found: tuple[Any, ...] = value.__reduce_ex__(PROTOCOL)
    return found


def _network(value: Any) -> tuple[Any, ...]:
    """A prefix as numbers; IPv6 ones with a scope as text."""
    if getattr(value.network_address, "scope_id", None) is not None:
        return type(value), (str(value),)
    return type(value), ((int(value.network_address), value.prefixlen),)


def _array(value: Any) -> tuple[Any, ...]:
    """An array, or of which one it is the beginning, unless that is much larger."""
    base = value.base
    if (
        type(base) is type(value)
        and base.dtype == value.dtype
        and base.flags.c_contiguous
        and value.flags.c_contiguous
        and base.flags.writeable == value.flags.writeable
        and base.ctypes.data == value.ctypes.data
        and 2 * value.nbytes >= base.nbytes
    ):
        return _beginning, (base, value.shape)
    found: tuple[Any, ...] = value.__reduce_ex__(PROTOCOL)
    return found


def _beginning(base: Any, shape: tuple[int, ...]) -> Any:
    return base.reshape(-1)[: prod(shape)].reshape(shape)


def _dataclass(kind: type[Any]) -> Reducer:
    """How a frozen dataclass with slots is taken apart."""
    names = [f.name for f in fields(kind)]
    if len(names) > 1:
        values = attrgetter(*names)
        return lambda value: (_together, (kind, *values(value)))
    return lambda value: (_together, (kind, *(getattr(value, name) for name in names)))


def _together(kind: type[Any], *values: Any) -> Any:
    made = _new(kind)
    for put, value in zip(_slots[kind], values, strict=True):
        put(made, value)
    return made


class _Slots(dict[type[Any], tuple[Callable[[Any, Any], None], ...]]):
    """What sets each field of a frozen dataclass with slots."""

    def __missing__(self, kind: type[Any]) -> tuple[Callable[[Any, Any], None], ...]:
        found = tuple(getattr(kind, f.name).__set__ for f in fields(kind))
        return self.setdefault(kind, found)


_slots = _Slots()
