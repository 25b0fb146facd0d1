"""A site of two DPUs, to be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from two_dpus import RUNNING, TWO


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two DPUs behind one leaf, all configured, and a pod on each host."""
    shutil.copytree(RUNNING / "configs", tmp_path / "configs")
    shutil.copytree(RUNNING / "pods", tmp_path / "pods")
    (tmp_path / "site.yaml").write_text(TWO)
    return tmp_path / "site.yaml"
