"""Whom a finding blames, on fabrics that were built from files."""

from __future__ import annotations

from pathlib import Path

from compiler.compile import compile_network
from fabric.build import build
from fabric.load import load_fabric
from sim.prove import prove

TOPOLOGIES = Path(__file__).parents[2] / "topologies"


def test_a_failure_that_cuts_a_dpu_off_is_blamed_on_the_wiring(tmp_path: Path) -> None:
    text = (TOPOLOGIES / "small.yaml").read_text()
    text = text.replace("leaves: 2, hosts_per_pair: 4", "leaves: 1, hosts_per_pair: 4")
    (tmp_path / "one.yaml").write_text(text.replace("manifests/", f"{TOPOLOGIES}/manifests/"))
    network = build(load_fabric(tmp_path / "one.yaml"), lock=False)
    found = prove(network, compile_network(network)).findings
    assert found
    for finding in found:
        assert finding.culprit.title == "wiring of site lab"
        assert finding.under is not None and finding.under in finding.culprit.part
        assert str(finding.culprit.span).endswith("one.yaml:12:3")
