"""Sweeps: the same results, whoever does the work, and whoever dies of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sweep_work
import yaml
from fabric_files import network_of
from failing_fabrics import racks

from cloison.views.network import spof as spof_view
from cloison.views.verification import verified
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from sim.proof.availability.spof import spof
from sim.proof.prove import prove
from sim.sweep import dask_workers
from sim.sweep.dask_workers import Cluster
from sim.sweep.processes import Processes
from sim.sweep.runner import SERIAL, Runner
from sim.worlds.world import World


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler and two workers, processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found.scheduler_address


@pytest.fixture(params=["serial", "processes", "dask"])
def runner(request: pytest.FixtureRequest) -> Runner:
    if request.param == "dask":
        return Cluster(request.getfixturevalue("address"))
    return SERIAL if request.param == "serial" else Processes(2)


def test_results_come_in_order(runner: Runner) -> None:
    assert [*runner.run(sweep_work.plus, 10, range(30))] == [*range(10, 40)]
    assert [*runner.run(sweep_work.plus, 10, [])] == []


def test_what_work_raises_is_raised(runner: Runner) -> None:
    results = runner.run(sweep_work.refused, 3, range(30))
    with pytest.raises(InputError, match="C999") as caught:
        list(results)
    assert "3 is too much" in str(caught.value)


@pytest.mark.parametrize("how", ["processes", "dask"])
def test_what_a_dead_worker_had_is_done_again(
    how: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    runner = Processes(2) if how == "processes" else Cluster(request.getfixturevalue("address"))
    marker = tmp_path / "died"
    found = [*runner.run(sweep_work.dying_once, str(marker), range(20))]
    assert marker.exists()
    assert found == [n * n for n in range(20)]


def test_work_that_kills_whoever_does_it_ends() -> None:
    with pytest.raises(UndecidedError, match="C873"):
        list(Processes(2).run(sweep_work.dying, None, range(4)))


def test_proofs_are_the_same_to_the_byte(address: str, tmp_path: Path) -> None:
    path = racks(tmp_path)
    file = yaml.safe_load(path.read_text())
    for line in file["expect"]:
        line["hold_under"] = [kind for kind in line["hold_under"] if kind != "any-2-links"]
    path.write_text(yaml.safe_dump(file))
    runners: list[Runner] = [SERIAL, Processes(2), Cluster(address)]
    (said,) = {told(network_of(path), runner) for runner in runners}
    assert '"under": "feed"' in said


def told(network: Network, runner: Runner) -> str:
    world = World(network)
    proof, lost = prove(world, runner=runner), spof(world, lambda _: None, runner)
    documents = verified.document(proof), spof_view.document(lost)
    return json.dumps(documents, sort_keys=True)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers, "PATIENCE", 1)
    with pytest.raises(InputError, match="C871"):
        list(Cluster("tcp://127.0.0.1:9").run(sweep_work.plus, 1, [1]))
    with pytest.raises(InputError, match="C871"):
        list(Cluster("nonsense://x").run(sweep_work.plus, 1, [1]))


def test_workers_of_another_code_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers, "code", lambda: str(os.getpid()))
    with pytest.raises(InputError, match="C872"):
        list(Cluster(address).run(sweep_work.plus, 1, [1]))


def test_dask_is_asked_for_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"C870.*\n.*cloison\[cluster\]"):
        list(Cluster("tcp://127.0.0.1:9").run(sweep_work.plus, 1, [1]))
