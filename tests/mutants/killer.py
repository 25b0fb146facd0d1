"""A pytest plugin: notes which test is running and which one failed first, in the file that
`CLOISON_KILLER` names; and does not let hypothesis look for a smaller example, which nobody reads.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings

NOTE = Path(os.environ.get("CLOISON_KILLER") or os.devnull)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """After the suite's own settings, before any test module takes them over."""
    kept = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", settings.default, phases=kept)
    settings.load_profile("mutants")


def pytest_runtest_logstart(nodeid: str, location: object) -> None:
    """Whoever ends the process was this one."""
    NOTE.write_text(f"running {nodeid}", "utf-8")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The run stops at the first failure."""
    if report.failed:
        NOTE.write_text(f"failed {report.nodeid}", "utf-8")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that cannot be imported."""
    if report.failed:
        NOTE.write_text(f"failed {report.nodeid}", "utf-8")
