"""The collector waits while something is built, also when that fails, and goes on as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from fabric.uncollected import brief, read_for_good, uncollected


def test_it_waits_until_the_outermost_is_done() -> None:
    @uncollected()
    def built() -> bool:
        with uncollected():
            pass
        return gc.isenabled()

    assert built() is False
    assert gc.isenabled()


def test_it_goes_on_after_a_failure() -> None:
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_a_command_has_read_is_looked_at_no_more() -> None:
    frozen = gc.get_freeze_count()
    read_for_good()
    assert gc.get_freeze_count() == frozen
    try:
        with brief():
            with brief(False):
                read_for_good()
                assert gc.get_freeze_count() == frozen
            read_for_good()
            assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


def test_only_commands_end_soon() -> None:
    code = (
        "import gc, sys\n"
        "from click.testing import CliRunner\n"
        "from cloison.cli import main\n"
        "asked = sys.argv[1:]\n"
        "sys.argv = ['cloison', *asked]\n"
        "if sys.argv.pop() == 'command':\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "else:\n"
        "    CliRunner().invoke(main, asked[:-1])\n"
        "print(gc.get_freeze_count() > 0, gc.isenabled())\n"
    )
    file = str(Path(__file__).parents[2] / "topologies" / "small.yaml")
    for how, frozen in (("command", True), ("library", False)):
        command = [sys.executable, "-c", code, "check", file, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == f"{frozen} True"
