"""The fuzzer: some cases of every oracle, and oracles that see what they are there for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fuzz.__main__ import ORACLES, case, run

CASES = 3
SEED = os.environ.get("CLOISON_FUZZ_SEED", "0")


@pytest.mark.parametrize("name", ORACLES)
def test_some_cases(name: str) -> None:
    for number in range(CASES):
        case(name, f"{SEED}.{number}")


def same_vni(patch: pytest.MonkeyPatch) -> None:
    from fabric.plan import vrfs

    real = vrfs.draw_vnis
    patch.setattr(vrfs, "draw_vnis", lambda *a, **k: [10001 for _ in real(*a, **k)])


def one_pod_less(patch: pytest.MonkeyPatch) -> None:
    from fabric.building import build

    real = build.place
    patch.setattr(build, "place", lambda *a, **k: real(*a, **k)[:-1])


def every_secret_shown(patch: pytest.MonkeyPatch) -> None:
    from fabric.io.secrets import Secrets

    patch.setattr(Secrets, "__contains__", lambda self, line: False)


def blind_names(patch: pytest.MonkeyPatch) -> None:
    from fabric.io import visible

    patch.setattr(visible, "_escaped", lambda c: c)


def infinite(patch: pytest.MonkeyPatch) -> None:
    from cloison.views.access import questions as flows

    patch.setattr(flows, "decoded", json.loads)


def blind_checker(patch: pytest.MonkeyPatch) -> None:
    from cloison.views.verification import verified

    patch.setattr(verified, "inconsistencies", lambda certificate: [])
    patch.setattr(verified, "_against", lambda *a: ([], None))


def everything_delivered(patch: pytest.MonkeyPatch) -> None:
    from sim.packets.reasons import Reason
    from sim.pipeline.datapath import Datapath

    real = Datapath.decide

    def decide(self: Any, packets: Any) -> Any:
        found = real(self, packets)
        return found._replace(reason=found.reason * 0 + int(Reason.DELIVERED))

    patch.setattr(Datapath, "decide", decide)


FAULTS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "a VNI twice": ("sizes", same_vni),
    "a pod less": ("sizes", one_pod_less),
    "secrets quoted": ("secrets", every_secret_shown),
    "names as they are": ("texts", blind_names),
    "a certificate believed": ("forged", blind_checker),
    "packets let through": ("fabric", everything_delivered),
    "JSON that is none": ("questions", infinite),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_oracle_sees_its_fault(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle, seed = FAULTS[fault]
    seed(monkeypatch)
    assert any(fails(oracle, number) for number in range(60))


def fails(oracle: str, number: int) -> bool:
    try:
        case(oracle, f"fault.{number}")
    except Exception:
        return True
    return False


def test_a_failure_prints_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(rng: Any, folder: Path) -> None:
        assert rng.random() < 0.5

    monkeypatch.setitem(ORACLES, "reading", wrong)
    failed = run(0.02, "9", ["reading"])
    said = capsys.readouterr().out
    assert failed
    assert f"make fuzz ONLY={failed[0]}" in said
    assert "seed 9:" in said
    name, _, seed = failed[0].partition(":")
    with pytest.raises(AssertionError):
        case(name, seed)
