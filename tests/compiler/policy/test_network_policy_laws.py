"""A twin straight from YAML == definition == entries == arrays, on random clusters."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netpol_cases import agreed, share_of_v6

CLUSTERS, FLOWS, PARTS = 520, 30, 4


@pytest.mark.slow
@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_clusters_many_flows(tmp_path: Path, part: int) -> None:
    seen = [
        verdict
        for seed in range(part, CLUSTERS, PARTS)
        for verdict in agreed(Random(seed), tmp_path / "c.yaml", FLOWS)
    ]
    assert len(seen) >= 10_000 // PARTS
    allowed = sum(verdict for _, verdict in seen)
    assert 0.2 < allowed / len(seen) < 0.8
    assert 0.2 < share_of_v6(flow for flow, _ in seen) < 0.8


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_any_cluster(tmp_path: Path, rng: Random) -> None:
    agreed(rng, tmp_path / "c.yaml", FLOWS)
