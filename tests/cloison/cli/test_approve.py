"""`approve` and `diff --approved` on repositories: exactly what was approved, and what would make
an approval accept more than its reviewer saw."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import oracles
import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main

oracles.require("git")
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


@pytest.fixture
def site(tmp_path: Path) -> Path:
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


def test_comment_approve_green_revert_red(site: Path) -> None:
    put(site, OPEN)
    comment = run(site, "diff", "-q", "-o", "md", "main", "--", "f.yaml")
    assert comment.exit_code == 1 and "gained" in comment.stdout
    assert judge(site).exit_code == 1
    made = approve(site)
    assert made.exit_code == 0 and "red/lab/b" in made.stdout and "tcp 443" in made.stdout
    assert judge(site).exit_code == 1, "a change approves itself"
    on_main(site)
    commit(site, "open")
    assert judge(site).exit_code == 0
    assert judge(site, old="main..side").exit_code == 0
    git(site, "checkout", "-q", "main")
    git(site, "merge", "-q", "side")
    git(site, "checkout", "-q", "side")
    assert judge(site).exit_code == 0, "nothing changes any more"
    put(site)
    done = judge(site)
    assert done.exit_code == 1, "taking back is another change"
    assert "Not approved: lost" in done.stdout


def test_a_change_cannot_approve_itself_by_what_it_commits(site: Path) -> None:
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    for old in ("main", "main..side", "main...side"):
        done = judge(site, old=old)
        assert done.exit_code == 1, done.output
        assert "is not there: nothing is approved" in done.stderr
    (site / "link").symlink_to(".")
    assert (
        run(
            site, "diff", "-q", "--approved", f"link/{FILE}", *NOW, "main", "--", "f.yaml"
        ).exit_code
        == 1
    )
    whole = str(site / FILE)
    assert run(site, "diff", "-q", "--approved", whole, *NOW, "main", "--", "f.yaml").exit_code == 1


def test_no_way_to_its_own_approvals_is_read_as_it_lies(site: Path, tmp_path: Path) -> None:
    """By a folder or a file elsewhere that links to them."""
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    (tmp_path / "way").symlink_to(site)
    (tmp_path / "file").symlink_to(site / FILE)
    for named in (tmp_path / "way" / FILE, tmp_path / "file"):
        done = run(site, "diff", "-q", "--approved", named, *NOW, "main", "--", "f.yaml")
        assert done.exit_code == 1 and "is not there: nothing is approved" in done.stderr


def test_approvals_of_another_repository_are_those_that_are_named(
    site: Path, tmp_path: Path
) -> None:
    """Not those that the compared one has at that place."""
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    put(site)
    commit(site, "shut")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / FILE).write_text("cloison: 1\napprovals: []\n")
    words = ("diff", "-q", *NOW, "HEAD..HEAD~1", "--", site / "f.yaml")
    there = run(other, *words[:2], "--approved", FILE, *words[2:])
    assert there.exit_code in (1, 2), there.output
    assert run(other, *words[:2], "--approved", other / FILE, *words[2:]).exit_code in (1, 2)
    own = run(other, *words[:2], "--approved", site / FILE, *words[2:])
    assert own.exit_code == 0, own.output


WIDER = {
    "one port more": "{FROM, ports: [{port: 443}, {port: 444}]}",
    "a range of ports": "{FROM, ports: [{port: 443, endPort: 444}]}",
    "another protocol": "{FROM, ports: [{port: 443}, {port: 443, protocol: UDP}]}",
    "another protocol instead": "{FROM, ports: [{port: 443, protocol: UDP}]}",
    "all ports": "{FROM}",
    "one pod more": "{from: [{podSelector: {}}], ports: [{port: 443}]}",
    "everybody": "{ports: [{port: 443}]}",
}


@pytest.mark.parametrize("what", WIDER)
def test_more_than_was_approved_is_red(site: Path, what: str) -> None:
    approved(site, OPEN)
    put(site, WIDER[what].replace("FROM", FROM_B))
    done = judge(site)
    assert done.exit_code == 1, done.output
    assert "Not approved: gained" in done.stdout


def test_less_than_was_approved_is_told(site: Path) -> None:
    approved(site, f"{{{FROM_B}, ports: [{{port: 443}}, {{port: 444}}]}}")
    put(site, OPEN)
    done = judge(site)
    assert done.exit_code == 0
    assert "Approved, and not in this change: gained" in done.stdout
    assert "tcp 444" in done.stdout


NARROW = "{from: [{ipBlock: {cidr: 10.1.0.75/32}}], ports: [{port: 443}]}"


def test_who_approved_one_family_did_not_approve_the_other(site: Path) -> None:
    approved(site, NARROW)
    put(site, NARROW, '{from: [{ipBlock: {cidr: "fd01::1:11/128"}}], ports: [{port: 443}]}')
    done = judge(site)
    assert done.exit_code == 1
    assert "Not approved: gained IPv6" in done.stdout
    put(site, '{from: [{ipBlock: {cidr: "fd01::1:11/128"}}], ports: [{port: 443}]}')
    assert judge(site).exit_code == 1, "IPv6 in place of IPv4"


def test_an_address_that_somebody_else_has_is_not_approved(site: Path) -> None:
    """The same packet, from another workload."""
    approved(site, NARROW)
    text = (
        PODS.replace("10.1.0.75", "10.1.0.99")
        .replace("10.1.0.140", "10.1.0.75")
        .replace("host3", "host2")
    )
    put(site, NARROW, pods=text)
    done = judge(site)
    assert done.exit_code == 1, done.output
    assert "red/lab/c" in done.stdout


def test_a_name_that_has_another_address_is_not_approved(site: Path) -> None:
    approved(site, OPEN)
    put(site, OPEN, pods=PODS.replace("10.1.0.75", "10.1.0.76"))
    done = judge(site)
    assert done.exit_code == 1, done.output
    assert "10.1.0.76/32" in done.stdout


def test_a_renamed_workload_is_not_approved(site: Path) -> None:
    approved(site, OPEN)
    renamed = pod("d", "host2", "10.1.0.75", "fd01::1:11")
    put(
        site,
        OPEN.replace("app: b", "app: d"),
        pods=PODS.replace(pod("b", "host2", "10.1.0.75", "fd01::1:11"), renamed),
    )
    done = judge(site)
    assert done.exit_code == 1
    assert "Not approved: gained IPv4: red/lab/d in red/main (10.1.0.75/32)" in done.stdout


def test_another_tenant_with_the_same_addresses_is_not_approved(site: Path) -> None:
    """Both tenants have pods of the same names, at the same addresses."""
    approved(site, OPEN)
    text = git(site, "show", f"main:{FILE}")
    assert "red/main" in text
    git(site, "checkout", "-q", "main")
    (site / FILE).write_text(text.replace("red/main", "blue/main"))
    commit(site, "of another tenant")
    git(site, "checkout", "-q", "side")
    done = judge(site)
    assert done.exit_code == 1, done.output


def test_a_wider_prefix_outside_is_not_approved(site: Path) -> None:
    """Outside addresses count by themselves, not by who owns them."""
    rule = "{from: [{ipBlock: {cidr: CIDR}}], ports: [{port: 443}]}"
    approved(site, rule.replace("CIDR", "192.0.2.0/25"))
    assert "192.0.2.0/25" in git(site, "show", f"main:{FILE}")
    for cidr, more in (("192.0.2.0/24", "192.0.2.128/25"), ("198.51.100.0/25",) * 2):
        put(site, rule.replace("CIDR", cidr))
        done = judge(site)
        assert done.exit_code == 1
        assert f"Not approved: gained IPv4: zone2/inet in zone2/main ({more})" in done.stdout
    put(site, rule.replace("CIDR", "192.0.2.64/26"))
    assert judge(site).exit_code == 0


def test_a_replica_more_is_not_approved(site: Path) -> None:
    approved(site, OPEN)
    second = pod("b2", "host3", "10.1.0.150").replace("app: b2", "app: b")
    put(site, OPEN, pods=PODS + second)
    done = judge(site)
    assert done.exit_code == 1
    assert "10.1.0.150/32" in done.stdout


def test_an_approval_ends(site: Path) -> None:
    approved(site, OPEN)
    for at, code in (("2029-12-31T23:59:59Z", 0), ("2030-01-01T00:00:00Z", 1)):
        done = run(site, "diff", "-q", "--approved", FILE, "--at", at, "main", "--", "f.yaml")
        assert done.exit_code == code, done.output
        assert ("No longer approved: b asks a (alice" in done.stdout) == (code == 1)
    assert judge(site, "--at", "soon").exit_code == 2


def test_unknown_is_its_own_outcome(site: Path) -> None:
    approved(site, OPEN)
    put(site, OPEN, more=UNKNOWN)
    done = judge(site)
    assert done.exit_code == 4, done.output
    assert "the rest is unknown" in done.stdout
    junit = judge(site, "-o", "junit")
    assert junit.exit_code == 4 and 'errors="0"' not in junit.stdout
    git(site, "stash", "-q")
    put(site, OPEN, more=UNKNOWN)
    refused = approve(site)
    assert refused.exit_code == 4 and "C898" in refused.stderr
    assert not (site / FILE).exists() or "b asks a" not in (site / FILE).read_text()
    put(site, OPEN, f"{{{FROM_B}, ports: [{{port: 444}}]}}", more=UNKNOWN)
    assert judge(site).exit_code == 1, "more than approved is told before what is unknown"


def test_two_changes_approved_apart_are_judged_again_together(site: Path) -> None:
    """Each opens one way; together they open a third, which nobody saw."""
    one = "{from: [{podSelector: {matchLabels: {role: x}}}], ports: [{port: 443}]}"
    labelled = PODS.replace("labels: {app: c}", "labels: {app: c, role: x}")
    put(site, one)
    alone = judge(site).exit_code
    put(site, pods=labelled)
    assert (alone, judge(site).exit_code) == (0, 0), "nobody has the label, or nobody asks for it"
    other = f"{{{FROM_B}, ports: [{{port: 80}}]}}"
    approved(site, other)
    put(site, one, other, pods=labelled)
    done = judge(site)
    assert done.exit_code == 1, done.output
    beyond = [line for line in done.stdout.splitlines() if line.startswith("Not approved")]
    assert beyond and all("red/lab/c" in line and "tcp 443" in line for line in beyond)


def test_what_is_no_access_is_approved_by_its_words(site: Path) -> None:
    """A new peer, which nobody talks to."""
    put(site, pods=PODS + pod("d", "host2", "10.1.0.90") + policy("d"))
    assert approve(site).exit_code == 0
    on_main(site)
    assert judge(site).exit_code == 0
    put(site, pods=PODS + pod("e", "host2", "10.1.0.90") + policy("e"))
    done = judge(site)
    assert done.exit_code == 1
    assert "Not approved: new peer red/lab/e" in done.stdout


def test_a_service_that_leads_elsewhere_is_not_approved(site: Path) -> None:
    """It changes nobody's access, and is all that is beyond what was approved."""
    approved(site, OPEN)
    put(site, OPEN, more=SERVICE)
    done = judge(site)
    assert done.exit_code == 1
    (line,) = (row for row in done.stdout.splitlines() if row.startswith("Not approved:"))
    assert "Service" in line and "lab/web" in line


def test_the_answer_has_what_was_judged(site: Path) -> None:
    approved(site, OPEN)
    put(site, f"{{{FROM_B}, ports: [{{port: 80}}]}}")
    found = json.loads(judge(site, "-o", "json").stdout)
    assert found["verdict"] == found["approved"]["verdict"] == "fails"
    assert {tuple(r["ports"]) for r in found["approved"]["beyond"]} == {("tcp 80",)}
    assert {tuple(r["ports"]) for r in found["approved"]["unspent"]} == {("tcp 443",)}
    done = judge(site, "-o", "github")
    assert done.exit_code == 1 and "title=not approved" in done.stdout
    put(site, OPEN)
    quiet = judge(site, "-o", "github")
    assert quiet.exit_code == 0 and "::error" not in quiet.stdout


def test_what_was_approved_before_stays(site: Path) -> None:
    put(site, OPEN)
    approve(site)
    put(site, f"{{{FROM_B}, ports: [{{port: 80}}]}}")
    approve(site)
    text = (site / FILE).read_text()
    assert text.count("approved_by: alice") == 2
    assert len(re.findall(r"tcp \d+", text)) >= 2


def test_who_approves_has_a_name_and_a_reason(site: Path) -> None:
    put(site, OPEN)
    for words in (("--reason", " "), ("--approved-by", ""), ("--expires", "2030-01-01")):
        assert approve(site, "main", *words).exit_code == 2
    assert not (site / FILE).exists()
    for words in (("--at", "noon"), ("--watch", "--approved", FILE)):
        assert run(site, "diff", "-q", *words, "f.yaml", "f.yaml").exit_code == 2
