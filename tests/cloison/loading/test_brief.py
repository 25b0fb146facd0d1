"""The collector does not look at what a command has read, and at all that other processes have."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from cloison.loading.brief import brief, read_for_good


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
        "how = sys.argv.pop()\n"
        "if how == 'command':\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "elif how == 'goes on':\n"
        "    main(standalone_mode=False)\n"
        "else:\n"
        "    CliRunner().invoke(main, asked[:-1])\n"
        "print(gc.get_freeze_count() > 0, gc.isenabled())\n"
    )
    file = str(Path(__file__).parents[3] / "topologies" / "small.yaml")
    for how, frozen in (("command", True), ("goes on", False), ("library", False)):
        command = [sys.executable, "-c", code, "check", file, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == f"{frozen} True"
