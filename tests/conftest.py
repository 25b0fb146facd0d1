"""Settings for the whole suite: hypothesis without deadlines (a busy machine is no bug), and the
same examples on every run. And `lanes`, for tests of both kernels of an engine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "cloison",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("cloison")


@pytest.fixture(params=["lanes", "scalar"])
def lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both kernels of every engine."""
    if request.param == "scalar":
        monkeypatch.setattr("sim.kernels.lanes.AVX2", False)
    elif not __import__("sim.kernels.lanes").kernels.lanes.AVX2:
        pytest.skip("this machine has no AVX2: only scalar kernels run here")
    return str(request.param)
