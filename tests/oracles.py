"""What a test may need from the machine: tools, root, the conformance folder.

Without it a test is skipped and says why. With `CLOISON_REQUIRE_ORACLES=1`, as in CI, a missing
tool or missing root is a failure, so that no oracle goes missing unnoticed. The conformance folder
is not part of this repository: tests over it always skip when `CLOISON_CONFORMANCE` is unset.

Call these first in a test, a fixture, or at the top of a test module.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True, slots=True)
class Oracle:
    """What others wrote and we compare with. `minutes` is its budget of one CI run on two cores,
    in seconds of tests summed over both: who needs more marks its tests with `slices`."""

    judges: str
    program: str
    minutes: float


ORACLES = {
    "frr": Oracle("routes, sessions, ECMP sets", "FRR 8.4 and 10.3 in namespaces", 4),
    "kernel": Oracle("verdicts on real packets", "Linux: VRFs, VXLAN, nftables in namespaces", 4.5),
    "uml": Oracle(
        "the lab and FRR with VRF devices", "user-mode Linux; stock kernels below QEMU", 2.5
    ),
    "nft": Oracle("the nftables dump", "nft and the kernel that loads it", 0.5),
    "upstream": Oracle("NetworkPolicy verdicts, routes", "cases of upstream projects", 2),
    "nvue": Oracle("configurations for NVUE", "NVIDIA's schema, as nvueschema models it", 0.5),
    "tcpdump": Oracle("decoded captures", "tcpdump", 0.5),
    "rte_acl": Oracle("first-match verdicts", "DPDK's rte_acl", 1),
    "openssl": Oracle(
        "identities, requests",
        "openssl verify; nginx with certificates and rules",
        0.5,
    ),
    "rgw": Oracle("bucket policies, levels of keys", "the RADOS gateway of Ceph 16", 0.5),
    "z3": Oracle("policies, proofs and diffs", "z3, an SMT solver", 1),
    "oxidd": Oracle("proofs and diffs", "oxidd, decision diagrams", 1),
    "twins": Oracle("diffs, every kind in every verb", "slow twins of our own, in slices", 3),
    "mutants": Oracle("the tests themselves", "seeded faults, ten of them", 2.5),
}
"""The value of the `oracle` marker, by name."""

SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/frr"])


def find(tool: str) -> str | None:
    """Full path of a program, looked for in PATH, the sbin folders and FRR's own."""
    return shutil.which(tool, path=SEARCH)


def require(*tools: str) -> None:
    """Skip (or fail) unless every one of these programs is installed."""
    missing = [tool for tool in tools if find(tool) is None]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")


def require_root() -> None:
    """Skip (or fail) unless we may make network namespaces."""
    if not may_unshare():
        unavailable("needs root and network namespaces")


def conformance() -> Path:
    """The folder of conformance cases; skip when the environment names none."""
    folder = os.environ.get("CLOISON_CONFORMANCE")
    if not folder:
        pytest.skip("CLOISON_CONFORMANCE names no folder", allow_module_level=True)
    return Path(folder)


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; fail when the environment says that nothing may be missing."""
    if os.environ.get("CLOISON_REQUIRE_ORACLES") == "1":
        pytest.fail(f"{reason} (CLOISON_REQUIRE_ORACLES=1)", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


@cache
def may_unshare() -> bool:
    """Whether a new network namespace can be made right here."""
    if os.geteuid() != 0 or find("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0
