"""What TAB offers: names of the input on the line, and nothing at all where that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL, LARGE = str(TOPOLOGIES / "small.yaml"), str(TOPOLOGIES / "large.yaml")
HEAVY = {"numba", "scapy", "matplotlib", "pyroute2", "pandas"}


def offered(*line: str) -> list[str]:
    """What a shell is told behind these words; the last is unfinished."""
    shell = ShellComplete(main, {}, "cloison", "_CLOISON_COMPLETE")
    return [item.value for item in shell.get_completions(list(line[:-1]), line[-1])]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (("show", "routes", SMALL, "--node", "dpu"), ["dpu1", "dpu2", "dpu3", "dpu4"]),
        (("show", "routes", "--node", "dpu"), []),
        (("verify", SMALL, "--down", "leaf1--s"), ["leaf1--spine1", "leaf1--spine2"]),
        (("plot", SMALL, "--tenant", ""), ["acme", "globex"]),
        (("replay", SMALL, "x.pcap", "--vrf", ""), ["acme/main", "globex/main"]),
        (("simulate", SMALL, "--target", "hbn"), ["hbn-nico"]),
        (
            ("explain", SMALL, "acme/web/f"),
            ["acme/web/front", "acme/web/front-0", "acme/web/front-1"],
        ),
        (("explain", SMALL, "acme/web/front", "acme/catalog/db"), None),
        (("plot", SMALL, "--trace", "acme/web/front", "acme/catalog/db"), None),
        (("reach", SMALL, "--to", "acme/catalog/db"), None),
        (("show", "tables", LARGE, "--node", "dpu51"), ["dpu51", *(f"dpu51{n}" for n in range(3))]),
        (("explain", LARGE, "t001/"), []),
        (("verify", SMALL, "--col"), ["--color"]),
        (("verify", SMALL, "--color", "a"), ["always", "auto"]),
    ],
)
def test_names_of_the_input(line: tuple[str, ...], wanted: list[str] | None) -> None:
    assert offered(*line) == (
        ["acme/catalog/db", "acme/catalog/db-0"] if wanted is None else wanted
    )


def test_names_of_manifests_alone() -> None:
    folder = str(TOPOLOGIES / "manifests" / "small" / "acme")
    assert offered("explain", folder, "catalog/d") == ["catalog/db", "catalog/db-0"]


def test_a_wrong_or_missing_input_offers_nothing_and_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("cloison: 1\nsites: [")
    for path in (str(wrong), str(tmp_path / "missing.yaml"), str(tmp_path)):
        for line in (("verify", path, "--down", ""), ("explain", path, "x")):
            assert offered(*line) == []
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written(tmp_path: Path) -> None:
    fabric = tmp_path / "fabric.yaml"
    fabric.write_text(
        "cloison: 1\nname: x\nsites: { a: { leaves: 2, hosts_per_pair: 2 } }\n"
        "tenants: { t: { vrfs: { main: { prefixes: [10.0.0.0/16] } } } }\n"
    )
    assert "t/@node/host1" in offered("explain", str(fabric), "t/")
    assert list(tmp_path.iterdir()) == [fabric]


def test_a_shell_gets_it_without_heavy_libraries() -> None:
    program = (
        "import json, sys\n"
        "from cloison.cli import main\n"
        "try:\n"
        "    main(prog_name='cloison')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)\n"
    )
    words = f"cloison explain {SMALL} acme/web"
    environment = {**os.environ, "_CLOISON_COMPLETE": "bash_complete", "COMP_WORDS": words}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"COMP_CWORD": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "plain,acme/web/front" in done.stdout.splitlines()
    assert not HEAVY & set(json.loads(done.stderr.splitlines()[-1]))
