"""Whoever checks certificates uses nothing of what computes them: only what is listed here."""

from __future__ import annotations

import subprocess
import sys

ALLOWED = {
    "compiler",
    "compiler.sources",
    "compiler.sources.admin_policy",
    "compiler.sources.admin_policy_objects",
    "compiler.sources.cilium",
    "compiler.sources.cilium.cilium_cluster",
    "compiler.sources.cilium.cilium_identities",
    "compiler.sources.cilium.cilium_kinds",
    "compiler.sources.cilium.cilium_objects",
    "compiler.sources.cilium.cilium_peers",
    "compiler.sources.cilium.cilium_policy",
    "compiler.sources.cilium.cilium_port_names",
    "compiler.sources.cilium.cilium_ports",
    "compiler.sources.cilium.cilium_selectors",
    "compiler.sources.cilium.cilium_things",
    "compiler.sources.cilium.cilium_union",
    "compiler.sources.cilium.cilium_unread",
    "compiler.sources.doors",
    "compiler.sources.isolation",
    "compiler.sources.network_policy",
    "compiler.sources.zones",
    "compiler.policy",
    "compiler.policy.domain",
    "compiler.policy.fields",
    "compiler.policy.ir",
    "compiler.policy.origin_kinds",
    "compiler.policy.points",
    "compiler.policy.identity_matchers",
    "compiler.policy.labels",
    "compiler.policy.matcher",
    "compiler.policy.matcher_sorts",
    "compiler.policy.matchers",
    "compiler.sources.network_policy_v1",
    "compiler.policy.selectors",
    "compiler.policy.semantics",
    "compiler.policy.source",
    "compiler.policy.stages",
    "compiler.requests",
    "compiler.requests.asked_requests",
    "compiler.requests.http_rules",
    "compiler.requests.regex_parts",
    "sim",
    "sim.wording",
    "sim.wording.assumptions",
}


def test_nothing_else_is_imported() -> None:
    program = (
        "import sys\n"
        "import sim.checker.consistency, sim.checker.validity\n"
        "print(*(m for m in sys.modules if m.split('.')[0] in ('sim', 'compiler', 'cloison')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    found = {m for m in done.stdout.split() if not m.startswith("sim.checker")}
    assert found == ALLOWED
