"""The targets: a row per back end, and the only place that lists them.

A row has a `Writer` (a format that `compile` writes), a `Profile` (capacities that a program is
held against), or both. `--format`, `--target`, completion, the reference of the command line, what
`compile` removes and the tests follow from the rows: a new back end is one file and one row. Rows
name their module, and whoever lists names imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from compiler.targets import DEFAULT as DEFAULT
from compiler.targets.profiles import DASH_200G, DASH_400G, DASH_800G, HBN_NICO, Profile
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.values.rows import Rows

if TYPE_CHECKING:
    from compiler.program.program import Program


class Backend(Protocol):
    """What the module of a format has; it knows no other format."""

    def nodes(self, program: Program) -> tuple[int, ...]:
        """Who gets a file."""

    def render(self, program: Program, node: int, /) -> str:
        """The file of one of them."""

    def remarks(self, program: Program) -> Iterable[Diagnostic]:
        """Warnings: what whoever reads the files does not do as they mean it."""


class WholeBackend(Backend, Protocol):
    """What a format has whose files say all that a device does with packets."""

    def interfaces(self, program: Program) -> Mapping[int, Mapping[int, str]]:
        """The interface behind which each endpoint of each node is."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A format of `compile`. `head` is how its files begin, as a regular expression in which NODE
    stands for the node's name: what does not begin like this is never taken for a dump and removed.
    `fields` are the further fields of a packet that its rules can match on (None: any; so also of a
    format without rules); `conditions`: whether its rules say what must hold besides, of which no
    header tells, or it has no rules. `usual`: written where no format is named. `brings` names
    formats whose files are of use only together with these, and are written with them. `dialects`
    are the formats that stand for this one, by what a dialect is called. `whole`: its files say all
    that a device does with packets, so that they can be read back (its
    backend is a `WholeBackend`)."""

    suffix: str
    head: str
    fields: frozenset[str] | None
    conditions: bool
    load: Callable[[], Backend]
    usual: bool
    brings: tuple[str, ...]
    dialects: tuple[tuple[str, str], ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Target:
    """One row; `ValueError` for one that neither writes nor says how much fits."""

    name: str
    writer: Writer | None
    profile: Profile | None

    def __post_init__(self) -> None:
        if self.writer is None and self.profile is None:
            raise ValueError(f"{self.name} neither writes nor says how much fits")


def module(name: str) -> Callable[[], Backend]:
    """A file of this folder or of a room in it, imported when somebody writes with it."""
    return lambda: cast(Backend, import_module(f"compiler.targets.{name}"))


def made(name: str, how: str) -> Callable[[], Backend]:
    """One of several formats of such a file, by the function there that makes it."""
    return lambda: cast(Backend, getattr(import_module(f"compiler.targets.{name}"), how)())


def capacities(profile: Profile) -> Target:
    """A row of a profile alone."""
    return Target(profile.name, None, profile)


TARGETS: Rows[Target] = Rows(
    Target("canonical", Writer(
        "json", r'\{\s*"schema":\s*"cloison/[^}]*?"node":\s*"NODE"', None, True,
        module("canonical"), usual=True, brings=(), dialects=(), whole=False,
    ), None),
    Target("text", Writer(
        "txt", r"# NODE  vtep ", None, True,
        module("text"), usual=True, brings=(), dialects=(), whole=False,
    ), None),
    Target("nftables", Writer(
        "nft", r"# NODE  fabric ", frozenset(), False,
        module("hosts.nftables"), usual=True, brings=(), dialects=(), whole=False,
    ), None),
    Target("frr", Writer(
        "conf", r"frr defaults datacenter\nhostname NODE\n", None, True,
        made("hosts.frr", "for_frr_8"), usual=False, brings=("linux",), dialects=(), whole=False,
    ), None),
    Target("frr10", Writer(
        "conf", r"! for FRR 10.3\nfrr defaults datacenter\nhostname NODE\n", None, True,
        made("hosts.frr", "for_frr_10"), usual=False, brings=("linux10",), dialects=(), whole=False,
    ), None),
    Target("linux", Writer(
        "sh", r"#!/bin/sh\n# NODE  set-up of fabric ", None, True,
        made("hosts.linux", "with_devices_per_vni"), usual=False, brings=(), dialects=(),
        whole=False,
    ), None),
    Target("linux10", Writer(
        "sh", r"#!/bin/sh\n# NODE  set-up with a single VXLAN device of fabric ", None, True,
        made("hosts.linux", "with_a_single_device"), usual=False, brings=(), dialects=(),
        whole=False,
    ), None),
    Target("nvue", Writer(
        "yaml", r"# NODE  NVUE of HBN, fabric ", frozenset(), False,
        made("nvue.nvue", "for_hbn"), usual=False, brings=(),
        dialects=(("hbn", "nvue"), ("cumulus", "nvue-cumulus")), whole=True,
    ), None),
    Target("nvue-cumulus", Writer(
        "yaml", r"# NODE  NVUE of Cumulus Linux, fabric ", frozenset(), False,
        made("nvue.nvue", "for_cumulus"), usual=False, brings=(), dialects=(), whole=True,
    ), None),
    capacities(DASH_200G),
    capacities(DASH_400G),
    capacities(DASH_800G),
    capacities(HBN_NICO),
)  # fmt: skip


def writers() -> dict[str, Writer]:
    """Formats by name."""
    return {row.name: row.writer for row in TARGETS.values() if row.writer}


def usual() -> Iterator[str]:
    """The formats that are written where none is named."""
    return (name for name, writer in writers().items() if writer.usual)


def along(formats: Iterable[str]) -> tuple[str, ...]:
    """Formats, each once, and after each what it brings."""
    known, out = writers(), dict[str, None]()
    for name in formats:
        out |= dict.fromkeys((name, *known[name].brings))
    return tuple(out)


def dialects() -> tuple[str, ...]:
    """What dialects of formats are called."""
    return tuple(dict.fromkeys(name for row in writers().values() for name, _ in row.dialects))


def whole() -> tuple[str, ...]:
    """The formats whose files say all that a device does with packets."""
    return tuple(name for name, writer in writers().items() if writer.whole)


def device_names(name: str, program: Program) -> Mapping[int, Mapping[int, str]]:
    """What the files of a format that is `whole` call the interface of each endpoint of each node;
    `InputError` as of `dumper`."""
    return cast(WholeBackend, dumper(name, program)).interfaces(program)


def in_dialect(formats: Iterable[str], dialect: str | None) -> tuple[str, ...]:
    """Formats, each in a dialect if it has that."""
    known = writers()
    return tuple(dict(known[name].dialects).get(dialect or "", name) for name in formats)


def profiles() -> dict[str, Profile]:
    """Capacity profiles by name."""
    return {row.name: row.profile for row in TARGETS.values() if row.profile}


def writer(name: str) -> Writer:
    """The format of that name; InputError with a suggestion when there is none."""
    known = writers()
    if name not in known:
        hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
        raise InputError(Diagnostic("C860", f'unknown format "{name}"', hint=hint))
    return known[name]


def dumper(name: str, program: Program) -> Backend:
    """What writes the files of a format; `InputError` C862 where rules of the program match on a
    field on which those of the format cannot, C875 where permits have conditions that it cannot
    say, C851 where headers are rewritten: a dump never leaves anything out."""
    from compiler.program.program import conditions_of, fields_of
    from fabric.building.network import refuse_devices
    from fabric.control.rewrites import refuse_rewrites

    row = writer(name)
    if program.routed is not None:
        refuse_devices(program.routed, "a dump")
        refuse_rewrites(program.routed.rewrites, "a dump")
    asked = fields_of(entry for group in program.groups for entry in group.entries)
    missing = [] if row.fields is None else [field for field in asked if field not in row.fields]
    if missing:
        message = f"rules match on {' and '.join(missing)}, which {name} cannot"
        able = [n for n, w in writers().items() if w.fields is None or w.fields >= {*asked}]
        raise InputError(Diagnostic("C862", message, None, f"these can: {', '.join(able)}"))
    if not row.conditions and (words := conditions_of(program)):
        message = f"rules permit only if {' and '.join(words)}, which {name} cannot say"
        able = [n for n, w in writers().items() if w.conditions]
        raise InputError(Diagnostic("C875", message, None, f"these can: {', '.join(able)}"))
    return row.load()


def profile(name: str) -> Profile:
    """The profile of that name; InputError with a suggestion when there is none."""
    known = profiles()
    if name not in known:
        hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
        raise InputError(Diagnostic("C801", f'unknown target "{name}"', hint=hint))
    return known[name]
