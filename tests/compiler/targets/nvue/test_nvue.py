"""NVUE: what the files hold beside lists and routes, what they cost, and what they do not say.
(Whether they say what is meant for all packets, `tests/sim/round_trip` asks.)"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from compiled import compile_network
from nvue_written import FORMATS, TOPOLOGIES, backend, of_file
from routed import at, endpoint, routed

from compiler.compile import compile_policy
from compiler.policy.ir import L4, Action, Direction, Everyone, Named, Origin, Policy, Rule, Stage
from compiler.program.program import Program
from compiler.targets.nvue.flat_policy import Openings
from compiler.targets.nvue.nvue import block
from compiler.targets.nvue.nvue_dialects import CUMULUS, HBN
from compiler.targets.nvue.nvue_losses import LOSSES, losses, sctp, spoofing
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import CapacityError, Diagnostics
from fabric.file.yaml.reader import documents

DEMO, SMALL = TOPOLOGIES / "demo.yaml", TOPOLOGIES / "small.yaml"


@pytest.fixture(scope="module")
def demo() -> Program:
    return of_file(DEMO)


def tree(program: Program, name: str, node: int) -> dict[str, object]:
    """What stands below `set`."""
    found = Diagnostics()
    (document,) = documents(backend(program, name).render(program, node), "x.yaml", found)
    assert not found.items
    header, body = document.value
    assert list(header) == ["header"]
    tree: dict[str, object] = body["set"]
    return tree


@pytest.mark.parametrize("name", FORMATS)
def test_every_vtep_has_a_file_of_yaml(name: str, demo: Program) -> None:
    nodes = backend(demo, name).nodes(demo)
    assert {demo.network.fabric.nodes[n].name for n in nodes} == {
        *(f"dpu{n}" for n in range(1, 11)), "border1", "border2",
    }  # fmt: skip
    for node in nodes[-3:]:
        keys = {"acl", "evpn", "interface", "nve", "router", "system", "vrf"}
        assert tree(demo, name, node).keys() == keys


def test_who_is_behind_an_interface_stands_beside_it(demo: Program) -> None:
    written = backend(demo, "nvue")
    node = next(n for n in written.nodes(demo) if demo.network.fabric.nodes[n].name == "dpu9")
    text = written.render(demo, node)
    assert "# pf1hpf_if leads to shared/@node/host9@monitoring in shared/monitoring\n" in text
    assert "# p0_if is the port swp2\n" in text
    names = written.interfaces(demo)[node]
    assert len({*names.values()}) == len(names) == len(demo.ends_at(node))


def test_lists_of_cumulus_have_ranges_and_no_states(demo: Program) -> None:
    texts = {
        name: "".join(backend(demo, name).render(demo, n) for n in backend(demo, name).nodes(demo))
        for name in FORMATS
    }
    assert "tcp: {dest-port: {'29500:29599': {}}}" in texts["nvue-cumulus"]
    assert "conntrack" not in texts["nvue-cumulus"] and "reflexive" not in texts["nvue-cumulus"]
    assert "protocol: tcp, dest-port: {'29599': {}}" in texts["nvue"]
    assert "29500:29599" not in texts["nvue"]
    assert (
        "{conntrack: {established: {}}, ip: {source-ip: 10.0.0.2/32, protocol: tcp}}"
        in texts["nvue"]
    )
    six = [line for line in texts["nvue"].splitlines() if "fd00:10" in line and "action" in line]
    assert six and not any("conntrack" in line for line in six)


def test_a_list_is_called_after_what_it_says(demo: Program) -> None:
    """Names change with rules, not with what else there is."""
    written = backend(demo, "nvue")
    again = backend(compile_network(build(load_fabric(DEMO), lock=False)), "nvue")
    node = written.nodes(demo)[0]
    program = compile_network(build(load_fabric(DEMO), lock=False))
    assert written.render(demo, node) == again.render(program, node)


def two(ports: L4) -> Program:
    """Two endpoints, of which one may reach the other on some ports."""
    ends = [at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128")),
            at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32", "10.0.0.9/32"))]  # fmt: skip
    tables = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)]), ("fd00::1/128", [(0, 0)])],
        (1, 0): [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)]), ("10.0.0.9/32", [(1, 0)])],
    }
    network = routed(["dpu1", "dpu2"], ["acme/main"], ends, tables, [], ())
    local, origin = (Named(("acme/web/a",)),), Origin("NetworkPolicy", "r", 0, None)
    rules = tuple(
        Rule(Stage.WORKLOAD, way, order, local, (Everyone(),), l4, action, origin)
        for way in Direction
        for order, (l4, action) in enumerate((((ports,), Action.PERMIT), ((), Action.DENY)))
    )
    return compile_policy(network, Policy(rules))


@pytest.mark.parametrize(
    ("ports", "fits"),
    [(L4(6, 1000, 4500), True), (L4(6, 1000, 12000), False), (L4(6, 1024, 65535), True)],
)
def test_lists_that_are_too_long_are_counted_and_refused(ports: L4, fits: bool) -> None:
    """Some 7,000, 11,000, and (what is closed) 1,000 rules; ranges of Cumulus are one."""
    from compiler.targets.nvue.nvue_acls import NvueLists

    program = two(ports)
    end = program.network.endpoints[0]
    asked = Direction.OUT, 4
    own = ((int(ip_network("10.0.0.1/32")[0]),) * 2,)
    assert NvueLists(program, CUMULUS).of(end, 0, own, *asked)[1].count("\n") < 12
    if fits:
        assert NvueLists(program, HBN).of(end, 0, own, *asked)[1].count("\n") > 1_000
        return
    with pytest.raises(
        CapacityError, match=r"list of acme/web/a: it has 11,0.. rules, and 10,000 fit"
    ):
        NvueLists(program, HBN).of(end, 0, own, *asked)


def test_all_rules_of_a_list_count() -> None:
    """Also where no part of it has too many: one more than a device holds is refused."""
    from compiler.targets.nvue.nvue_acls import NvueLists

    program = two(L4(6, 443, 443))
    own = ((int(ip_network("10.0.0.1/32")[0]),) * 2,)
    asked = program.network.endpoints[0], 0, own, Direction.OUT, 4
    text = NvueLists(program, HBN).of(*asked)[1]
    count = sum("action:" in line for line in text.splitlines())
    assert NvueLists(program, replace(HBN, most_rules=count)).of(*asked)[1] == text
    with pytest.raises(CapacityError, match=f"it has {count} rules, and {count - 1} fit"):
        NvueLists(program, replace(HBN, most_rules=count - 1)).of(*asked)


def test_senders_are_who_they_say() -> None:
    """A permit names the only network of its sender; what follows a permit of everything denies."""
    from compiler.targets.nvue.nvue_acls import NvueLists

    program = two(L4(6, 80, 80))
    lists = NvueLists(program, HBN)
    a, b = program.network.endpoints
    own = ((int(ip_network("10.0.0.1/32")[0]),) * 2,)
    _, text = lists.of(a, 0, own, Direction.OUT, 4)
    assert all("source-ip: 10.0.0.1/32" in line for line in text.splitlines() if "{permit" in line)
    assert text.splitlines()[-1].endswith("{action: {deny: {}}, match: {ip: {dest-ip: 0.0.0.0/0}}}")
    several = ((1, 1), (3, 3))
    assert "source-ip" not in lists.of(b, 1, several, Direction.OUT, 4)[1]


def told(program: Program, dialect: object) -> str:
    return " | ".join(what for what, _ in losses(program, dialect))  # type: ignore[arg-type]


def test_what_is_lost_is_told(demo: Program) -> None:
    found = told(demo, HBN)
    for words in (
        "lists of IPv6 keep no state", "other protocols than TCP, UDP and ICMP",
        "pa_validation_drop", "hairpin_drop", "not theirs is not dropped: zone2/inet",
        "which interface leads to whom", "which line of a policy",
    ):  # fmt: skip
        assert words in found, words
    assert "SCTP" not in found and "drained" not in found
    assert "lists of IPv4 and IPv6 keep no state" in told(demo, CUMULUS)
    remarks = backend(demo, "nvue").remarks(demo)
    assert {remark.code for remark in remarks} == {"C881"}
    assert {remark.severity for remark in remarks} == {"warning"}
    assert len(remarks) == len([*losses(demo, HBN)])


def test_what_is_lost_now_and_then_is_told_then() -> None:
    assert sctp(two(L4(132, 80, 80)), CUMULUS) is not None
    assert sctp(two(L4(132, 80, 80)), HBN) is sctp(two(L4(6, 80, 80)), CUMULUS) is None
    lost = spoofing(two(L4(6, 80, 80)), HBN)
    assert lost is not None and lost[0].endswith(": acme/web/b")
    network = build(load_fabric(SMALL), lock=False)
    drained = replace(network, fabric=replace(network.fabric, drained=frozenset({4})))
    assert "drained" in told(compile_network(drained), HBN)
    assert "drained" not in told(compile_network(network), HBN)


def test_every_row_of_losses_stands_in_the_page() -> None:
    page = (Path(__file__).parents[4] / "docs" / "imports.md").read_text("utf-8")
    rows = page.partition("| lost | what becomes of it |\n|---|---|\n")[2].partition("\n\n")[0]
    assert len(rows.splitlines()) == len(LOSSES) + 1


def test_blocks_of_yaml_quote_what_might_be_something_else() -> None:
    lines = [*block({"65000:1": {}, "on": "on", "a": {"::/0": 1, "10.0.0.0/8": "^$"}}, 0)]
    assert lines == ["'65000:1': {}", "on: on", "a:", "  '::/0': 1", "  10.0.0.0/8: '^$'"]


def test_what_comes_in_from_a_vrf_is_its_own(demo: Program) -> None:
    """Of another VRF of the node exactly what route targets let in, as that one's."""
    node = next(n.index for n in demo.network.fabric.nodes if n.name == "dpu9")
    policy = tree(demo, "nvue", node)["router"]["policy"]  # type: ignore[index]
    rules = policy["route-map"]["LEAK-10202-4"]["rule"]
    assert [rule["match"]["source-vrf"] for rule in rules.values()] == ["vrf10201"]
    assert [rule["set"] for rule in rules.values()] == [{"weight": 0}]
    listed = policy["prefix-list"]["LEAK-10202-4-1"]["rule"].values()
    assert {key for rule in listed for key in rule["match"]} == {"100.64.1.1/32", "172.20.0.0/28"}


def test_a_permit_of_the_rest_ends_in_a_deny() -> None:
    """Where the last rule permits, whoever is not the sender meets a deny behind it."""
    from compiler.targets.nvue.nvue_acls import NvueLists

    program = two(L4(6, 80, 80))
    end, own = program.network.endpoints[0], ((int(ip_network("10.0.0.1/32")[0]),) * 2,)
    lists = NvueLists(program, CUMULUS)
    flat = lists.flat.of(end, Direction.OUT, 0)
    lists.flat.openings[1] = Openings(True, ())
    assert flat.v4[-1][1] == 0
    object.__setattr__(flat, "v4", ((0, 1),))
    _, text = lists.of(end, 0, own, Direction.OUT, 4)
    *_, permit, deny = text.splitlines()
    assert "{permit: {}}" in permit and deny.strip() == "'2': {action: {deny: {}}}"
