"""A folder of FRR configurations as a source: nothing is said for certain that its kernels know."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from compiled import compile_network

from cloison.cli import main
from compiler.targets.hosts.frr import Frr
from compiler.targets.hosts.releases import FRR_10_3
from fabric.building.build import build
from fabric.building.load import load_fabric

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


def test_who_reaches_whom_is_unknown(tmp_path: Path) -> None:
    network = build(load_fabric(TOPOLOGIES / "small.yaml"), lock=False)
    program, dump = compile_network(network), Frr(FRR_10_3)
    for node in dump.nodes(program):
        name = network.fabric.nodes[node].name
        (tmp_path / f"{name}.conf").write_text(dump.render(program, node))
    done = CliRunner().invoke(main, ["reach", str(tmp_path)])
    assert done.exit_code == 4
    assert "which FRR takes from the kernel" in done.output
