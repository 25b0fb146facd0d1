"""The formats of configurations that are read: a row each, and the only place that lists them.

A reader of another format is one file here and one row. Its module is imported when somebody reads
with it; it has `claims` and `read`, and knows no other format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from compiler.imports.accounting import ConfigText, Reading
from fabric.diagnostics import Diagnostics
from fabric.values.rows import Rows


class ConfigReader(Protocol):
    """What the module of a format has."""

    def claims(self, head: str) -> bool:
        """Whether a file that begins like this is of the format."""

    def read(
        self,
        name: str,
        texts: tuple[ConfigText, ...],
        found: Diagnostics,
        kept: dict[object, Any] | None = None,
    ) -> Reading | None:
        """The device of these files. What is wrong goes to `found`, all of it; None where there is
        nothing to read. `kept` is for what a reader shares between devices: it is empty at first,
        and no answer may depend on it. Raises `InputError` for text that cannot be read at all."""


@dataclass(frozen=True, slots=True)
class ConfigFormat:
    """A row. `suffixes` are those of files that may be of the format; `said` is what writes them,
    for people."""

    name: str
    suffixes: tuple[str, ...]
    said: str
    load: Callable[[], ConfigReader]


def reader(name: str) -> Callable[[], ConfigReader]:
    """A file below this folder, imported when somebody reads with it."""
    return lambda: cast(ConfigReader, import_module(f"compiler.imports.{name}"))


CONFIG_FORMATS: Rows[ConfigFormat] = Rows(
    ConfigFormat(
        "nvue", (".yaml", ".yml"), "`nv config show` of HBN and Cumulus",
        reader("nvue.nvue_config"),
    ),
    ConfigFormat("frr", (".conf", ".txt"), "`show running-config` of FRR", reader("frr.frr_conf")),
    ConfigFormat(
        "nftables", (".nft", ".json", ".conf", ".rules", ".txt"),
        "`nft list ruleset` and `nft -j list ruleset`", reader("nft.nft_listing"),
    ),
)  # fmt: skip
