"""The locks of `requirements/`: they say all that is installed, to the byte and from anywhere."""

from __future__ import annotations

import os
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
RUN = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
TEST = [*RUN, *EXTRAS["cluster"], *EXTRAS["notebook"], *EXTRAS["test"]]
DECLARED = {"run": RUN, "oldest": TEST, "test": [*TEST, *GROUPS["lint"]]}
OURS = {"cloison", "pip"}
"""Not in a lock: the project itself, and the pip that the interpreter brings."""


def entries(lock: Path) -> list[tuple[Requirement, int]]:
    """(requirement, how many hashes) of each entry."""
    joined = lock.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip()]
    return [(Requirement(line.partition("--hash")[0]), line.count("--hash=")) for line in lines]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.stem)
def test_every_entry_is_one_version_with_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert re.search(r"https?:|--(extra-)?index|--find-links|file:|@", text) is None
    for requirement, hashes in entries(lock):
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.stem)
def test_what_is_declared_is_locked_within_its_range(lock: Path) -> None:
    locked = {canonicalize_name(r.name): [] for r, _ in entries(lock)}  # type: dict[str, list[str]]
    for requirement, _ in entries(lock):
        locked[canonicalize_name(requirement.name)].append(str(requirement.specifier)[2:])
    for text in DECLARED[lock.stem]:
        wanted = Requirement(text)
        if wanted.name == "cloison":
            continue
        versions = locked[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(v, prereleases=True) for v in versions), text


def test_the_main_job_and_the_tests_run_on_the_same_versions() -> None:
    run, test = (
        {str(r) for r, _ in entries(ROOT / f"requirements/{n}.txt")} for n in ("run", "test")
    )
    assert run <= test


def test_every_range_has_both_ends() -> None:
    """What `make test-oldest` and `make test-newest` try; build and lint tools are only locked."""
    for text in [
        *PROJECT["project"]["dependencies"],
        *EXTRAS["notebook"],
        *EXTRAS["test"],
    ]:
        requirement = Requirement(text)
        if requirement.name not in ("cloison", "packaging"):
            assert {s.operator for s in requirement.specifier} == {">=", "<"}, text


def test_exactly_the_lock_is_installed() -> None:
    """`make test` names the lock that it installed."""
    name = os.environ.get("CLOISON_LOCKED")
    if not name:
        pytest.skip("only where make made the environment")
    wanted = {
        canonicalize_name(r.name): str(r.specifier)[2:]
        for r, _ in entries(ROOT / name)
        if r.marker is None or r.marker.evaluate()
    }
    found = {canonicalize_name(d.metadata["Name"]): d.version for d in distributions()}
    for own in OURS:
        found.pop(own, None)
    assert found == wanted
