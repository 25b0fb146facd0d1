"""What Cilium's policies let through: every kind of peer, port and default, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from admin_policy_cases import Object, item, plain, wide
from cilium_cases import BEHIND, GROUP, ccnp, cnp, decided, flow, labels, made, mark, service

from compiler.policy.ir import Direction

CART, DB, SPY, WORLD = "shop/cart", "shop/db", "wild/spy", "ip:192.0.2.1"
IN_WILD = {"k8s:io.kubernetes.pod.namespace": "wild"}
TCP80 = [{"ports": [{"port": "80", "protocol": "TCP"}]}]
TCP8080 = [{"ports": [{"port": "8080", "protocol": "TCP"}]}]
HOST, OTHER, API = "reserved:host", "reserved:remote-node", "reserved:kube-apiserver"


def into(*rules: Object, **more: Any) -> Object:
    """About db: these items of ingress."""
    return cnp(endpointSelector=labels(app="db"), ingress=list(rules), **more)


def out(*rules: Object, **more: Any) -> Object:
    """About db: these items of egress."""
    return cnp(endpointSelector=labels(app="db"), egress=list(rules), **more)


def denied(*rules: Object, **more: Any) -> Object:
    """About db: everybody may open connections, but for these items."""
    return into({"fromEntities": ["all"]}, ingressDeny=list(rules), **more)


INGRESS: list[tuple[str, list[Object], str]] = [
    # cart, spy, world, host, other node, API server, to db on 8080/tcp
    ("no policy", [], "......"),
    ("a rule that says nothing", [into({})], "XXX.XX"),
    ("everybody of its namespace", [into({"fromEndpoints": [{}]})], ".XX.XX"),
    ("nobody in words", [into({"fromEndpoints": []})], "XXX.XX"),
    ("nobody, on some ports", [into({"fromEndpoints": [], "toPorts": TCP8080})], "XXX.XX"),
    ("nobody of entities, on some ports",
     [into({"fromEntities": [], "toPorts": TCP8080})], "XXX.XX"),
    ("nobody of blocks, on some ports",
     [into({"fromCIDRSet": [], "toPorts": TCP8080})], "XXX.XX"),
    ("nobody of entities", [into({"fromEntities": []})], "XXX.XX"),
    ("another namespace", [into({"fromEndpoints": [labels(**IN_WILD)]})], "X.X.XX"),
    ("namespace without a source",
     [into({"fromEndpoints": [labels(**{"io.kubernetes.pod.namespace": "wild"})]})], "X.X.XX"),
    ("labels of namespaces",
     [into({"fromEndpoints": [labels(**{"io.cilium.k8s.namespace.labels.team": "b"})]})],
     "X.X.XX"),
    ("not those of namespaces",
     [into({"fromEndpoints": [{"matchExpressions": [
         {"key": "k8s:io.cilium.k8s.namespace.labels.team", "operator": "NotIn", "values": ["b"]},
     ]}]})], ".XX.XX"),
    ("a label of any source", [into({"fromEndpoints": [labels(**{"any:app": "cart"})]})], ".XX.XX"),
    ("a service account",
     [into({"fromEndpoints": [labels(**{"io.cilium.k8s.policy.serviceaccount": "seller"})]})],
     ".XX.XX"),
    ("another service account",
     [into({"fromEndpoints": [labels(**{"io.cilium.k8s.policy.serviceaccount": "buyer"})]})],
     "XXX.XX"),
    ("its cluster",
     [into({"fromEndpoints": [labels(**{"io.cilium.k8s.policy.cluster": "default"})]})], ".XX.XX"),
    ("another cluster",
     [into({"fromEndpoints": [labels(**{"io.cilium.k8s.policy.cluster": "west"})]})], "XXX.XX"),
    ("a label of no identity",
     [into({"fromEndpoints": [labels(**{"pod-template-hash": "x"})]})], "XXX.XX"),
    ("not that label", [into({"fromEndpoints": [{"matchExpressions": [
        {"key": "pod-template-hash", "operator": "DoesNotExist"}]}]})], ".XX.XX"),
    ("reserved labels", [into({"fromEndpoints": [labels(**{"reserved:remote-node": ""})]})],
     "XXX..."),
    ("not a reserved label", [into({"fromEndpoints": [{"matchExpressions": [
        {"key": "reserved:host", "operator": "DoesNotExist"}]}]})], "..X.XX"),
    ("all", [into({"fromEntities": ["all"]})], "......"),
    ("cluster", [into({"fromEntities": ["cluster"]})], "..X..."),
    ("world", [into({"fromEntities": ["world"]})], "XX..XX"),
    ("world-ipv4", [into({"fromEntities": ["world-ipv4"]})], "XX..XX"),
    ("world-ipv6", [into({"fromEntities": ["world-ipv6"]})], "XXX.XX"),
    ("remote-node", [into({"fromEntities": ["remote-node"]})], "XXX..."),
    ("kube-apiserver", [into({"fromEntities": ["kube-apiserver"]})], "XXX.X."),
    ("none", [into({"fromEntities": ["none"]})], "XXX.XX"),
    ("a CIDR of all", [into({"fromCIDR": ["0.0.0.0/0"]})], "XX..XX"),
    ("an address", [into({"fromCIDR": ["192.0.2.1"]})], "XX..XX"),
    ("an exception", [into({"fromCIDRSet": [{"cidr": "192.0.0.0/8", "except": ["192.0.2.0/24"]}]})],
     "XXX.XX"),
    ("an exception of another rule",
     [into({"fromCIDRSet": [{"cidr": "192.0.0.0/8", "except": ["192.0.2.0/24"]}]},
           {"fromCIDR": ["192.0.2.1/32"]})], "XX..XX"),
    ("a group", [GROUP, into({"fromCIDRSet": [{"cidrGroupRef": "g"}]})], "XX..XX"),
    ("a group with an exception",
     [GROUP, into({"fromCIDRSet": [{"cidrGroupRef": "g", "except": ["192.0.2.1/32"]}]})], "XXX.XX"),
    ("groups by labels", [GROUP, into({"fromCIDRSet": [{"cidrGroupSelector": labels(of="us")}]})],
     "XX..XX"),
    ("groups by other labels",
     [GROUP, into({"fromCIDRSet": [{"cidrGroupSelector": labels(of="them")}]})], "XXX.XX"),
    ("ports without peers", [into({"toPorts": [{"ports": [{"port": "8080"}]}]})], "......"),
    ("other ports", [into({"toPorts": TCP80})], "XXX.XX"),
    ("ports that nobody says", [into({"fromEntities": ["all"], "toPorts": [{}]})], "XXX.XX"),
    ("types of ICMP that nobody says",
     [into({"fromEntities": ["all"], "icmps": [{"fields": []}]})], "XXX.XX"),
    ("a range", [into({"toPorts": [{"ports": [{"port": "8000", "endPort": 8080}]}]})], "......"),
    ("a range that ends before",
     [into({"toPorts": [{"ports": [{"port": "80", "endPort": 8079}]}]})], "XXX.XX"),
    ("a name", [into({"toPorts": [{"ports": [{"port": "WEB", "protocol": "TCP"}]}]})], "......"),
    ("a name of another protocol",
     [into({"toPorts": [{"ports": [{"port": "web", "protocol": "UDP"}]}]})], "XXX.XX"),
    ("all ports", [into({"toPorts": [{"ports": [{"port": "0", "protocol": "TCP"}]}]})], "......"),
    ("all ports of another protocol",
     [into({"toPorts": [{"ports": [{"port": "0", "protocol": "UDP"}]}]})], "XXX.XX"),
    ("types of ICMP alone", [into({"icmps": [{"fields": [{"type": 8}]}]})], "XXX.XX"),
    ("two policies", [into({"fromEndpoints": [labels(**IN_WILD)]}),
                      cnp("q", ingress=[{"fromEndpoints": [labels(app="cart")]}])], "..X.XX"),
    ("a policy of another namespace", [cnp(namespace="wild", ingress=[{}])], "......"),
    ("a list of specs", [{**cnp(), "spec": None, "specs": [
        {"endpointSelector": labels(app="db"), "ingress": [{"fromEntities": ["world"]}]},
        {"endpointSelector": labels(app="cart"), "ingress": [{}]}]}], "XX..XX"),
    ("a clusterwide policy", [ccnp(endpointSelector=labels(app="db"),
                                   ingress=[{"fromEndpoints": [{}]}])], "..X.XX"),
    ("one about a namespace",
     [ccnp(endpointSelector=labels(**{"k8s:io.kubernetes.pod.namespace": "wild"}), ingress=[{}])],
     "......"),
    ("one about hosts", [ccnp(nodeSelector={}, ingress=[{}])], "......"),
    ("a namespace that is not its own, in an expression", [into({}) | {"spec": {
        "endpointSelector": {"matchExpressions": [
            {"key": "k8s:io.kubernetes.pod.namespace", "operator": "In", "values": ["wild"]}]},
        "ingress": [{}]}}], "......"),
    ("a namespace of any source that is not its own", [into({}) | {"spec": {
        "endpointSelector": labels(**{"io.kubernetes.pod.namespace": "wild"}),
        "ingress": [{}]}}], "......"),
    ("a namespace that is not its own", [into({}, ) | {"spec": {
        "endpointSelector": labels(**IN_WILD), "ingress": [{}]}}], "XXX.XX"),
    ("denials alone", [cnp(endpointSelector=labels(app="db"),
                           ingressDeny=[{"fromEntities": ["world"]}])], "XXX.XX"),
    ("denials that leave the rest", [cnp(
        endpointSelector=labels(app="db"), ingressDeny=[{"fromEntities": ["world"]}],
        enableDefaultDeny={"ingress": False})], "..X..."),
    ("a rule that leaves the rest, and one that does not",
     [cnp(ingress=[{"fromEntities": ["world"]}], enableDefaultDeny={"ingress": False}),
      cnp("q", ingress=[{"fromEndpoints": [{}]}])], ".X..XX"),
    ("a default of a direction without rules",
     [cnp(egress=[{"toEntities": ["all"]}], enableDefaultDeny={"ingress": True})], "......"),
    ("a denial of a narrower port",
     [denied({"toPorts": [{"ports": [{"port": "8080"}]}]})], "XXXXXX"),
    ("of a peer", [denied({"fromEndpoints": [labels(app="cart")]})], "X....."),
    ("of nobody", [denied({})], "......"),
    ("of no packets", [denied({"fromEntities": ["all"], "toPorts": [{"ports": []}]})], "......"),
    ("of the host", [denied({"fromEntities": ["host"]})], "...X.."),
    ("of pods and nodes", [denied({"fromEntities": ["cluster"]})], "XX.XXX"),
    ("of a CIDR, which means no pod", [denied({"fromCIDR": ["0.0.0.0/0"]})], "..X..."),
    ("before a narrower permit", [denied({"fromCIDR": ["192.0.0.0/8"]}),
                                  cnp("q", ingress=[{"fromCIDR": ["192.0.2.1/32"]}])], "..X..."),
    ("of a NetworkPolicy's peers", [plain("k", podSelector={}, ingress=[{}]),
                                    cnp(ingressDeny=[{"fromEndpoints": [{}]}])], "X....."),
    ("a NetworkPolicy beside it",
     [plain("k", podSelector={}, ingress=[{"from": [{"podSelector": labels(app="cart")}]}]),
      into({"fromEndpoints": [labels(**IN_WILD)]})], "..X.XX"),
    ("a NetworkPolicy's blocks",
     [plain("k", podSelector={}, ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])],
     "XX..XX"),
    ("rules of a type that it does not name",
     [plain("k", podSelector={}, policyTypes=["Egress"], ingress=[
         {"from": [{"podSelector": labels(app="cart")}]}])], ".XX.XX"),
    ("an administrator's denial",
     [wide("a", "Admin", 5, {"namespaces": {}}, ingress=[item("Deny", "from", {"namespaces": {}})]),
      into({"fromEndpoints": [{}]})], "XXX.XX"),
    ("what he passes on",
     [wide("a", "Admin", 5, {"namespaces": {}}, ingress=[
         item("Pass", "from", {"pods": {"podSelector": labels(app="cart")}}),
         item("Deny", "from", {"namespaces": {}})]), into({"fromEndpoints": [{}]})], ".XX.XX"),
    ("what he accepts", [wide("a", "Admin", 5, {"namespaces": {}}, ingress=[
        item("Accept", "from", {"namespaces": {}})]), denied({"fromEndpoints": [{}]})], "......"),
    ("of one priority and place a denial first",
     [wide(name, "Admin", 5, {"namespaces": {}}, ingress=[item(action, "from", {"namespaces": {}})])
      for name, action in (("a", "Accept"), ("b", "Deny"))],
     "XX...."),
    ("a baseline's denial", [wide("b", "Baseline", 5, {"namespaces": {}}, ingress=[
        item("Deny", "from", {"namespaces": {}})])], "XX...."),
    ("a baseline behind what is allowed",
     [wide("b", "Baseline", 5, {"namespaces": {}}, ingress=[
         item("Deny", "from", {"namespaces": {}})]), into({"fromEndpoints": [{}]})], ".XX.XX"),
    ("a baseline behind what nobody allows",
     [wide("b", "Baseline", 5, {"namespaces": {}}, ingress=[
         item("Accept", "from", {"namespaces": {}})]), into({})], "..X.XX"),
]  # fmt: skip
EGRESS: list[tuple[str, list[Object], str]] = [
    # db to cart, spy, world, host, other node, API server, on 8080/tcp
    ("a rule that says nothing", [out({})], "XXXXXX"),
    ("the host", [out({"toEntities": ["host"]})], "XXX.XX"),
    ("endpoints", [out({"toEndpoints": [{}]})], ".XXXXX"),
    ("entities", [out({"toEntities": ["world", "kube-apiserver"]})], "XX.XX."),
    ("a CIDR of pods", [out({"toCIDR": ["10.0.0.0/8"]})], "XXXXXX"),
    ("a CIDR of nodes", [out({"toCIDR": ["172.18.0.0/16"]})], "XXXXXX"),
    ("denied addresses", [out({"toEntities": ["all"]}, egressDeny=[{"toCIDR": ["192.0.2.0/24"]}])],
     "..X..."),
    ("a Service", [service("near", {"app": "spy"}), out({"toServices": [
        {"k8sService": {"serviceName": "near", "namespace": "wild"}}]})], "X.XXXX"),
    ("a Service of any namespace", [service("near", {"app": "spy"}), out({"toServices": [
        {"k8sService": {"serviceName": "near"}}]})], "X.XXXX"),
    ("Services by labels", [service("near", {"app": "spy"}, of="us"), out({"toServices": [
        {"k8sServiceSelector": {"selector": labels(of="us")}}]})], "X.XXXX"),
    ("a Service of addresses", [service("far", None), BEHIND, out({"toServices": [
        {"k8sService": {"serviceName": "far", "namespace": "wild"}}]})], "XX.XXX"),
    ("a NetworkPolicy of another type", [plain(
        "k", podSelector={}, policyTypes=["Ingress"], egress=[
            {"to": [{"namespaceSelector": labels(team="b")}]}])], "X.XXXX"),
    ("networks of an administrator", [wide("a", "Admin", 5, {"namespaces": {}}, egress=[
        item("Deny", "to", {"networks": ["0.0.0.0/0"]})])], "..X..."),
]  # fmt: skip
ENDS = CART, SPY, WORLD, HOST, OTHER, API


@pytest.mark.parametrize(("what", "objects", "wanted"), INGRESS, ids=[case[0] for case in INGRESS])
def test_who_may_open_connections(
    tmp_path: Path, what: str, objects: list[Object], wanted: str
) -> None:
    cluster = made(tmp_path / "m", *objects)
    found = [mark([decided(cluster, Direction.IN, DB, end, 6, 8080)]) for end in ENDS]
    assert "".join(found) == wanted


@pytest.mark.parametrize(("what", "objects", "wanted"), EGRESS, ids=[case[0] for case in EGRESS])
def test_where_connections_may_go(
    tmp_path: Path, what: str, objects: list[Object], wanted: str
) -> None:
    cluster = made(tmp_path / "m", *objects)
    found = [mark([decided(cluster, Direction.OUT, DB, end, 6, 8080)]) for end in ENDS]
    assert "".join(found) == wanted


def http(**rule: Any) -> Object:
    ports = [{"port": "8080", "protocol": "TCP"}]
    return {"toPorts": [{"ports": ports, "rules": {"http": [rule]}}]}


FROM_CART = {"fromEndpoints": [labels(app="cart")]}
ASKING = {"authentication": {"mode": "required"}}
CONDITIONS: list[tuple[str, list[Object], tuple[str, ...]]] = [
    ("requests", [into({**FROM_CART, **http(method="GET", path="/x")})],
     ("the request matches GET /x",)),
    ("any request", [into({**FROM_CART, **http()})], ("the request matches anything",)),
    ("any request, where the policy closes nothing",
     [into({**FROM_CART, **http(path="/x")}, enableDefaultDeny={"ingress": False})],
     ("the request matches anything",)),
    ("requests, where it closes the other direction alone",
     [into({**FROM_CART, **http(path="/x")}, enableDefaultDeny={"egress": False})],
     ("the request matches /x",)),
    ("headers, not what they say",
     [into({**FROM_CART, **http(host="a.io", headers=["X-Secret: 42"])})],
     ("the request matches anything at a.io with header X-Secret",)),
    ("requests beside all of them", [into({**FROM_CART, **http(path="/x")}, FROM_CART)], ()),
    ("two kinds of requests",
     [into({**FROM_CART, **http(path="/x")}, {**FROM_CART, **http(path="/y")})],
     ("the request matches /x or /y",)),
    ("requests, or who proves who it is not asked of the same",
     [into({**FROM_CART, **http(path="/x")},
           {**FROM_CART, "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}],
                                      "serverNames": ["a.io"]}]})],
     ("(the TLS server name is a.io) or (the request matches /x)",)),
    ("authentication", [into({**FROM_CART, **ASKING})], ("mutual authentication succeeds",)),
    ("beside a rule that asks for none",
     [into({**FROM_CART, **ASKING}, {**FROM_CART, "toPorts": [{"ports": [{"port": "8080"}]}]})],
     ("mutual authentication succeeds",)),
    ("beside a narrower one that takes it back",
     [into({**FROM_CART, **ASKING}, {**FROM_CART, "authentication": {"mode": "disabled"},
                                     "toPorts": [{"ports": [{"port": "8080"}]}]})], ()),
    ("beside one of all ports that does not",
     [into({**FROM_CART, **ASKING}, {**FROM_CART, "authentication": {"mode": "disabled"}})],
     ("mutual authentication succeeds",)),
    ("one that always fails, which a narrower rule may take back elsewhere",
     [into({**FROM_CART, "authentication": {"mode": "test-always-fail"}},
           {**FROM_CART, "authentication": {"mode": "disabled"}, "toPorts": TCP80})],
     ("mutual authentication succeeds, which test-always-fail never lets it",)),
    ("none", [into({**FROM_CART, "authentication": {"mode": "disabled"}})], ()),
]  # fmt: skip


@pytest.mark.parametrize(("what", "objects", "wanted"), CONDITIONS, ids=[c[0] for c in CONDITIONS])
def test_what_must_hold_besides(
    tmp_path: Path, what: str, objects: list[Object], wanted: tuple[str, ...]
) -> None:
    cluster = made(tmp_path / "m", *objects)
    found = decided(cluster, Direction.IN, DB, CART, 6, 8080)
    assert (found.permit, found.conditions) == (True, wanted)


def test_authentication_that_always_fails_says_so(tmp_path: Path) -> None:
    rule = {**FROM_CART, **http(path="/x"), "authentication": {"mode": "test-always-fail"}}
    cluster = made(tmp_path / "m", into(rule, {"fromEndpoints": [labels(**IN_WILD)]}))
    found = decided(cluster, Direction.IN, DB, CART, 6, 8080)
    assert any("test-always-fail never lets it" in told for told in found.conditions)
    assert decided(cluster, Direction.IN, DB, SPY, 6, 8080).permit


def test_queries_are_any_where_the_policy_closes_nothing(tmp_path: Path) -> None:
    ports = [{"port": "53", "protocol": "UDP"}]
    asked = {"ports": ports, "rules": {"dns": [{"matchName": "a.io"}]}}
    rule = {"toEndpoints": [labels(app="cart")], "toPorts": [asked]}
    for closed, wanted in ((True, "a.io"), (False, "*")):
        cluster = made(tmp_path / str(closed), out(rule, enableDefaultDeny={"egress": closed}))
        found = decided(cluster, Direction.OUT, DB, CART, 17, 53)
        assert found.conditions == (f"the name asked for is {wanted}",)


ANYTHING = "the request matches /x or anything"


def test_every_request_of_the_own_node_passes(tmp_path: Path) -> None:
    asking = {**http(path="/x"), **ASKING}
    for number, (peers, rule, wanted) in enumerate((
        ({"fromEntities": ["all"]}, http(path="/x"), (ANYTHING,)),
        ({}, http(path="/x"), (ANYTHING,)),
        ({"fromEntities": ["host"]}, http(path="/x"), (ANYTHING,)),
        ({"fromEntities": ["cluster"]}, asking, ("mutual authentication succeeds", ANYTHING)),
    )):  # fmt: skip
        cluster = made(tmp_path / str(number), into({**peers, **rule}))
        found = decided(cluster, Direction.IN, DB, HOST, 6, 8080)
        assert (found.permit, found.conditions) == (True, wanted)
        other = decided(cluster, Direction.IN, DB, OTHER, 6, 8080)
        assert not other.permit or "the request matches /x" in other.conditions


def test_types_of_icmp_are_conditions_whether_they_are_allowed_or_denied(tmp_path: Path) -> None:
    ping = {"icmps": [{"fields": [{"type": 8}, {"family": "IPv6", "type": "EchoRequest"}]}]}
    for number, (objects, wanted) in enumerate((
        ([into(ping)], ("it is of ICMP type 8",)),
        ([denied(ping)], ("it is not of ICMP type 8",)),
    )):  # fmt: skip
        cluster = made(tmp_path / str(number), *objects)
        found = decided(cluster, Direction.IN, DB, CART, 1, 0)
        assert (found.permit, found.conditions) == (True, wanted)


def test_protocols_without_ports_are_themselves(tmp_path: Path) -> None:
    ports = [{"port": "0", "protocol": "GRE"}, {"protocol": "ESP"}]
    cluster = made(tmp_path / "m", into({"toPorts": [{"ports": ports}]}))
    found = {p: decided(cluster, Direction.IN, DB, CART, p, 0).permit for p in (6, 47, 50, 51)}
    assert found == {6: False, 47: True, 50: True, 51: False}


def test_names_mean_the_addresses_that_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("A.example.org.: [192.0.2.1, 2001:db8::1]\nb.io: []\n")
    for number, (peer, wanted) in enumerate((
        ({"matchName": "a.example.org"}, "."), ({"matchPattern": "*.example.org"}, "."),
        ({"matchPattern": "*.org"}, "X"), ({"matchPattern": "**.org"}, "."),
        ({"matchPattern": "*"}, "."), ({"matchName": "b.io"}, "X"), ({"matchName": "c.io"}, "X"),
    )):  # fmt: skip
        names = str(tmp_path / "names.yaml")
        cluster = made(tmp_path / str(number), out({"toFQDNs": [peer]}), names=names)
        assert flow(cluster, DB, WORLD) == wanted, peer
        assert flow(cluster, DB, "ip:192.0.2.2") == "X"
        assert flow(cluster, DB, SPY) == "X"


def test_an_api_server_outside_is_of_the_cluster_and_of_the_world(tmp_path: Path) -> None:
    told = {"entities": {"kube-apiserver": ["192.0.2.1"]}}
    for number, entity in enumerate(("cluster", "kube-apiserver", "world")):
        cluster = made(tmp_path / str(number), into({"fromEntities": [entity]}), **told)
        assert decided(cluster, Direction.IN, DB, WORLD, 6, 8080).permit, entity


def test_an_administrator_names_domains(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("x.a.example.org: [192.0.2.1]\n")
    names = str(tmp_path / "names.yaml")
    for number, (name, wanted) in enumerate((("*.example.org", "."), ("a.example.org", "X"))):
        rules = [item("Accept", "to", {"domainNames": [name]}),
                 item("Deny", "to", {"networks": ["0.0.0.0/0"]})]  # fmt: skip
        policy = wide("a", "Admin", 5, {"namespaces": {}}, egress=rules)
        cluster = made(tmp_path / str(number), policy, names=names)
        assert flow(cluster, DB, WORLD) == wanted


def test_a_service_is_one_of_its_namespace(tmp_path: Path) -> None:
    peer = {"k8sService": {"serviceName": "near", "namespace": "shop"}}
    cluster = made(tmp_path / "m", service("near", {"app": "spy"}), out({"toServices": [peer]}))
    assert flow(cluster, DB, SPY) == "X"
