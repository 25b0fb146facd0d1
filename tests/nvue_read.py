"""Lines of NVUE, as the reader takes them."""

from __future__ import annotations

from compiler.imports.accounting import ConfigText, Reading
from compiler.imports.device_facts import Device
from compiler.imports.nvue import nvue_config
from fabric.diagnostics import Diagnostics


def read(*lines: str) -> tuple[Reading | None, Diagnostics]:
    """What a `set` of these lines comes to."""
    found = Diagnostics()
    text = "- set:\n" + "".join(f"    {line}\n" for line in lines)
    return nvue_config.read("d", (ConfigText("d.yaml", text),), found), found


def device(*lines: str) -> Device:
    """The device that these lines are of, without a mistake in them."""
    reading, found = read(*lines)
    assert reading is not None and found.errors == ()
    return reading.device
