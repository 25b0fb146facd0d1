"""Exactly what was approved passes: no approval accepts more than its reviewer saw."""

from __future__ import annotations

from pathlib import Path

import oracles
import pytest
from approvals import (
    FILE,
    FROM_B,
    OPEN,
    PODS,
    SERVICE,
    approve,
    approved,
    commit,
    git,
    judge,
    on_main,
    pod,
    policy,
    put,
    repository,
)

oracles.require("git")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository with main, on which a takes nothing, and a branch that is checked out."""
    return repository(tmp_path)


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
