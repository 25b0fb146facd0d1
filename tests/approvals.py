"""Repositories in which changes are approved: a fabric, a branch, and who may connect to whom."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main

AUTHOR = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER")
          for what in ("NAME", "EMAIL")}  # fmt: skip
WHO = ("--reason", "b asks a", "--approved-by", "alice", "--expires", "2030-01-01T00:00:00Z")
FILE, NOW = "approvals.yaml", ("--at", "2029-01-01T00:00:00Z")
UNKNOWN = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: lab}
spec: {endpointSelector: {}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: lab}
spec: {selector: {app: c}, ports: [{port: 443}]}
"""


def run(site: Path, *arguments: str | Path) -> Result:
    before = Path.cwd()
    os.chdir(site)
    try:
        return CliRunner().invoke(main, [str(a) for a in arguments])
    finally:
        os.chdir(before)


def git(folder: Path, *words: str) -> str:
    env = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True, env=env
    )
    return done.stdout.strip()


def policy(name: str, *rules: str) -> str:
    """Pods called `name` take what these rules say."""
    return "\n".join([
        "---", "apiVersion: networking.k8s.io/v1", "kind: NetworkPolicy",
        f"metadata: {{name: {name}, namespace: lab}}", "spec:",
        f"  podSelector: {{matchLabels: {{app: {name}}}}}",
        "  ingress:" if rules else "  ingress: []", *(f"    - {rule}" for rule in rules), "",
    ])  # fmt: skip


def pod(name: str, host: str, address: str, six: str = "") -> str:
    ips = f", podIPs: [{{ip: {address}}}, {{ip: '{six}'}}]" if six else ""
    lines = ["---", "apiVersion: v1", "kind: Pod"]
    lines += [f"metadata: {{name: {name}, namespace: lab, labels: {{app: {name}}}}}"]
    lines += [f"spec: {{nodeName: {host}, containers: [{{name: c, image: c}}]}}"]
    return "\n".join([*lines, f"status: {{podIP: {address}{ips}}}", ""])


PODS = (
    pod("a", "host1", "10.1.0.10", "fd01::10")
    + pod("b", "host2", "10.1.0.75", "fd01::1:11")
    + pod("c", "host3", "10.1.0.140")
)
FROM_B = "from: [{podSelector: {matchLabels: {app: b}}}]"
OPEN = f"{{{FROM_B}, ports: [{{port: 443}}]}}"


def put(site: Path, *rules: str, pods: str = PODS, more: str = "") -> None:
    """The manifests: who may connect to a."""
    shut = policy("b") + policy("c")
    (site / "red.yaml").write_text(pods + policy("a", *rules) + shut + more)


def repository(tmp_path: Path) -> Path:
    """A repository with main, on which a takes nothing, and a branch that is checked out."""
    top = tmp_path / "repository"
    top.mkdir()
    outside = {"default_route": "zone2", "advertise": ["10.1.0.0/16"]}
    tenants = {"red": vrf("10.1.0.0/16", "fd01::/48", **outside), "blue": vrf("10.1.0.0/16")}
    zone = {
        "endpoints": {"inet": {"addresses": ["192.0.2.0/24", "198.51.100.0/24"]}},
        "rules": [{"name": "in", "from": "zone2/inet", "to": "red/*", "ports": ["443/tcp"]}],
    }
    path = write_fabric(top, tenants, {"blue": ["lab/b@host4"]}, zones={"zone2": zone})
    path.rename(top / "f.yaml")
    put(top)
    assert run(top, "verify", "-q", "f.yaml").exit_code in (0, 4)
    git(tmp_path, "init", "-q", "-b", "main", "repository")
    commit(top, "begin")
    git(top, "checkout", "-q", "-b", "side")
    return top


def commit(site: Path, name: str) -> None:
    git(site, "add", "-A")
    git(site, "commit", "-qm", name)


def approve(site: Path, old: str = "main", *more: str) -> Result:
    return run(site, "approve", "-q", *WHO, "-o", FILE, *more, old, "--", "f.yaml")


def on_main(site: Path) -> None:
    """What was approved is reviewed and merged, before the change is."""
    text = (site / FILE).read_text()
    (site / FILE).unlink()
    git(site, "stash", "-q")
    git(site, "checkout", "-q", "main")
    (site / FILE).write_text(text)
    commit(site, "approved")
    git(site, "checkout", "-q", "side")
    git(site, "stash", "pop", "-q")


def judge(site: Path, *more: str, old: str = "main") -> Result:
    return run(site, "diff", "-q", "--approved", FILE, *NOW, *more, old, "--", "f.yaml")


def approved(site: Path, *rules: str, **more: str) -> None:
    put(site, *rules, **more)
    assert approve(site).exit_code == 0
    on_main(site)
    done = judge(site)
    assert done.exit_code == 0, done.output
    assert "Nothing but what was approved." in done.stdout
    assert "not in this change" not in done.stdout
