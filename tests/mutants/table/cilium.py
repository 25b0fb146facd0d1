"""Faults of Cilium's policies: selectors, peers, ports, defaults, and what nobody can know of
them."""

from mutants.table import Fault

IDENTITIES = "compiler/sources/cilium/cilium_identities.py"
MATCHERS = "compiler/policy/identity_matchers.py"
SELECTORS = "compiler/sources/cilium/cilium_selectors.py"
PEERS = "compiler/sources/cilium/cilium_peers.py"
PORTS = "compiler/sources/cilium/cilium_ports.py"
OBJECTS = "compiler/sources/cilium/cilium_objects.py"
THINGS = "compiler/sources/cilium/cilium_things.py"
UNION = "compiler/sources/cilium/cilium_union.py"
SOURCE = "compiler/sources/cilium/cilium_policy.py"
CLUSTER = "compiler/sources/cilium/cilium_cluster.py"
UNREAD = "compiler/sources/cilium/cilium_unread.py"
WITHOUT = "tests/compiler/sources/cilium/test_cilium_policy.py::test_protocols_without_ports_are_themselves"
INTO = "tests/compiler/sources/cilium/test_cilium_policy.py::test_who_may_open_connections"
OUT = "tests/compiler/sources/cilium/test_cilium_policy.py::test_where_connections_may_go"
BESIDES = "tests/compiler/sources/cilium/test_cilium_policy.py::test_what_must_hold_besides"
ICMP = (
    "tests/compiler/sources/cilium/test_cilium_policy.py"
    "::test_types_of_icmp_are_conditions_whether_they_are_allowed_or_denied"
)
NAMES = "tests/compiler/sources/cilium/test_cilium_policy.py::test_names_mean_the_addresses_that_a_file_says"
WIDE = "tests/compiler/sources/cilium/test_cilium_policy.py::test_an_administrator_names_domains"
LAW = "tests/compiler/sources/cilium/test_cilium_laws.py::test_any_cluster"
TOLD = "tests/compiler/sources/cilium/test_cilium_findings.py::test_what_nobody_knows_is_told"
QUIET = "tests/compiler/sources/cilium/test_cilium_findings.py::test_what_is_known_is_not_told"
OTHERS = "tests/compiler/sources/cilium/test_cilium_findings.py::test_other_clusters_do_not_evaluate_these_kinds"
TEXTS = "tests/compiler/test_manifest_errors.py::test_exact_text"
MATCHER = "tests/compiler/policy/test_matchers.py"

FAULTS = (
    Fault(
        "compiler/sources/cilium/cilium_port_names.py",
        "if len(set(numbers)) > 1 or len(numbers[0]) > 1:",
        "if False:",
        "names of ports are each pod's own, although Cilium resolves them for identities",
        by="tests/compiler/sources/cilium/test_cilium_findings.py"
        "::test_names_of_ports_are_those_of_identities",
    ),
    Fault(
        UNION,
        '"test-always-fail": FAILS}',
        '"test-always-fail": "mutual authentication succeeds"}',
        "authentication that always fails lets packets pass if it succeeds",
        by="tests/compiler/sources/cilium/test_cilium_policy.py"
        "::test_authentication_that_always_fails_says_so",
    ),
    Fault(
        UNION,
        "if direction is Direction.IN and ports.conditions and not ports.unless:",
        "if False:",
        "a proxy looks at what the own node of a pod sends it",
        by="tests/compiler/sources/cilium/test_cilium_policy.py"
        "::test_every_request_of_the_own_node_passes",
    ),
    Fault(
        SOURCE,
        "rule if closed else anything(rule)",
        "rule",
        "requests are refused where Cilium lets any pass, because the policy closes nothing",
        by=BESIDES,
    ),
    Fault(
        SELECTORS,
        "if any(term.key.startswith(NAMESPACE_LABELS) for term in terms):\n        return terms",
        "if False:\n        return terms",
        "peers by labels of namespaces are those of the policy's own namespace alone",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "any(term.source == RESERVED for term in terms) or any(map(names_namespace, terms))",
        "any(map(names_namespace, terms))",
        "reserved labels are looked for among the pods of a namespace",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        'return (*terms, LabelTerm(K8S, NAMESPACE, "In", frozenset((namespace,)), None))',
        "return terms",
        "peers of a namespaced policy are pods of every namespace",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "if term.positive:\n                return None",
        "if False:\n                return None",
        "a label by which nobody is told apart selects everybody",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "if not any(term.source == RESERVED and term.positive for term in terms):",
        "if not terms:",
        "what is no pod is meant by what it does not have",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "accounts.append(term.asked._replace(key=ACCOUNT))",
        "pass",
        "service accounts select nobody and everybody",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "if not labels_match((term.asked,), {CLUSTER: CLUSTER_NAME}):",
        "if False:",
        "pods of another cluster are those of this one",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        "if not (t.plain and t.source == K8S and t.key == NAMESPACE)]",
        "if not (t.source == K8S and t.key == NAMESPACE)]",
        "an expression about another namespace selects pods of its own",
        by=INTO,
    ),
    Fault(
        SELECTORS,
        'source, colon, key = text.rpartition(":")\n    if not colon:\n        source = ANY',
        'source, colon, key = ANY, "", text',
        "labels with their source are labels of that name",
        by=INTO,
    ),
    Fault(
        PEERS,
        "if len(full) < len(given):\n        return ()",
        "if not full:\n        return None",
        "an empty list of peers is everybody",
        by=INTO,
    ),
    Fault(
        PEERS,
        "if len(full) > 1:",
        "if False:",
        "peers of two kinds in one rule are taken",
        by=TEXTS,
    ),
    Fault(
        PEERS,
        "if whole is not None and not (found == whole or inside(found, whole)):",
        "if False:",
        "exceptions may lie outside of their CIDR",
        by=TEXTS,
    ),
    Fault(
        PEERS,
        'yield BlockPeer(whole, tuple(holes), field["cidr"].span)',
        'yield BlockPeer(whole, (), field["cidr"].span)',
        "exceptions of a CIDR are forgotten",
        by=INTO,
    ),
    Fault(
        PORTS,
        'if text == "ANY":\n        return tuple(PORTED.values())',
        'if text == "ANY":\n        return (PORTED["TCP"],)',
        "no protocol is TCP",
        by=LAW,
    ),
    Fault(
        PORTS,
        "return tuple(L4(protocol, first, end or first) for protocol in protocols)",
        "return tuple(L4(protocol, first, first) for protocol in protocols)",
        "a range of ports is its first",
        by=INTO,
    ),
    Fault(
        PORTS,
        "if first == 0:",
        "if False:",
        "port 0 is a port",
        by=INTO,
    ),
    Fault(
        PORTS,
        "asked = () if deny else tuple(besides(field, incoming))",
        "asked = ()",
        "what a proxy looks at is no condition",
        by=BESIDES,
    ),
    Fault(
        "compiler/requests/http_rules.py",
        "    def __str__(self) -> str:\n        return plain(self.name)",
        '    def __str__(self) -> str:\n        return f"{plain(self.name)}: {self.value}"',
        "values of headers are printed",
        by=BESIDES,
    ),
    Fault(
        PORTS,
        'yield PortRule((L4(protocol),), (f"it is {said}",), (f"it is not {said}",))',
        "yield PortRule((L4(protocol),))",
        "a type of ICMP is all of ICMP",
        by=ICMP,
    ),
    Fault(
        OBJECTS,
        "out[direction] = (side.flag() if side else True, span)",
        "out[direction] = (True, span)",
        "enableDefaultDeny says nothing",
        by=INTO,
    ),
    Fault(
        OBJECTS,
        "if not field[name].items() or direction in out:",
        "if name.endswith('Deny') or not field[name].items() or direction in out:",
        "denials alone close nothing",
        by=INTO,
    ),
    Fault(
        OBJECTS,
        'if found is not None and not item["toPorts"].items() and not item["icmps"].items():',
        'if not item["toPorts"].items() and not item["icmps"].items():',
        "a rule that says nothing is about everything",
        by=INTO,
    ),
    Fault(
        OBJECTS,
        'written = [root["spec"], *root["specs"].items()]',
        'written = [root["spec"]]',
        "specs are not read",
        by=INTO,
    ),
    Fault(
        OBJECTS,
        'item.closed(known if deny else [*known, "authentication"], "C640")',
        "pass",
        "unknown fields of rules are passed over",
        by=TEXTS,
    ),
    Fault(
        OBJECTS,
        "if hosts and not wide:",
        "if False:",
        "a namespaced policy is about hosts",
        by=TEXTS,
    ),
    Fault(
        IDENTITIES,
        'for inside in (*INSIDE, "kube-apiserver"):\n                    yield from self.entity(inside)',
        "pass",
        "the cluster has no nodes",
        by=INTO,
    ),
    Fault(
        IDENTITIES,
        'own=name == "host")\n                if self.reported:',
        "own=True)\n                if self.reported:",
        "other nodes are the own one",
        by=LAW,
    ),
    Fault(
        IDENTITIES,
        "if self.reported:\n                    yield NodeAddresses",
        "if False:\n                    yield NodeAddresses",
        "addresses of nodes outside are nobody's",
        by=LAW,
    ),
    Fault(
        IDENTITIES,
        "return Beyond(self.tenant, prefix, tuple(dict.fromkeys((*excepts, *own))))",
        "return Beyond(self.tenant, prefix, tuple(dict.fromkeys(excepts)))",
        "CIDRs mean nodes that the input tells of",
        by=OUT,
    ),
    Fault(
        MATCHERS,
        "and not (remote is not None and inside(remote, self.cluster))\n        )",
        ")",
        "by definition CIDRs mean pods",
        by=LAW,
    ),
    Fault(
        MATCHERS,
        "own = tuple(i for i in around.of_tenant(self.cluster) if inside(endpoints[i], self.cluster))",
        "own = ()",
        "in tables CIDRs mean pods",
        by=LAW,
    ),
    Fault(
        THINGS,
        'if peer.namespace in ("", service.namespace)',
        "if True",
        "a Service is one of any namespace",
        by="tests/compiler/sources/cilium/test_cilium_policy.py::test_a_service_is_one_of_its_namespace",
    ),
    Fault(
        THINGS,
        'return re.compile((r"([-a-z0-9_]+\\.)+" if below else "") + "[-a-z0-9_]*".join(words))',
        'return re.compile((r"([-a-z0-9_]+\\.)+" if below else "") + ".*".join(words))',
        "a star in a name is several labels",
        by=NAMES,
    ),
    Fault(
        UNION,
        "self.add(Stage.CILIUM, Action.DENY, *about)",
        "pass",
        "denials deny nothing",
        by=INTO,
    ),
    Fault(
        UNION,
        "if mode in AUTHENTICATED:",
        "if False:",
        "authentication is not asked for",
        by=BESIDES,
    ),
    Fault(
        UNION,
        "released = [r for r in self._released if narrower(r, asking)]",
        "released = self._released",
        "whoever disables authentication takes it back for all",
        by=BESIDES,
    ),
    Fault(
        UNION,
        "if ports.unless:",
        "if False:",
        "a denial of a type of ICMP denies all of it",
        by=ICMP,
    ),
    Fault(
        UNION,
        "Selection(Stage.CILIUM_DEFAULT, direction, local, Action.DENY, origin)",
        "Selection(Stage.CILIUM_DEFAULT, direction, local, Action.PERMIT, origin)",
        "what nobody allows is permitted",
        by=INTO,
    ),
    Fault(
        UNION,
        "return Policy((*self.rules, *released, host), tuple(self.selections), WIDEST)",
        "return Policy((*self.rules, *released), tuple(self.selections), WIDEST)",
        "the own node may not connect",
        by=INTO,
    ),
    Fault(
        SOURCE,
        "if found.hosts:\n        return ()",
        "if False:\n        return ()",
        "policies about hosts are about pods",
        by=INTO,
    ),
    Fault(
        CLUSTER,
        "item = network_policy_v1.network_policy(source, problems, every=True)",
        "item = network_policy_v1.network_policy(source, problems)",
        "rules of types that a NetworkPolicy does not name are not read",
        by=INTO,
    ),
    Fault(
        CLUSTER,
        "return item.tier is Tier.BASELINE, order, FIRST.index(action), item.name",
        "return item.tier is Tier.BASELINE, order, -FIRST.index(action), item.name",
        "of one priority what accepts comes before what denies",
        by=INTO,
    ),
    Fault(
        CLUSTER,
        'below = f"*{plain}" if plain.startswith("*") else ""\n        found',
        'below = plain if plain.startswith("*") else ""\n        found',
        "an administrator's pattern means one label",
        by=WIDE,
    ),
    Fault(
        UNREAD,
        "if not self.identities.knows(name):",
        "if False:",
        "entities without an address are not told",
        by=TOLD,
    ),
    Fault(
        UNREAD,
        "if whom == INSIDE:\n            return record",
        "return record",
        "what touches the outside touches everything",
        by=TOLD,
    ),
    Fault(
        UNREAD,
        "for name in sorted(used - self.declared) if key != NAME_LABEL else ():",
        "for name in ():",
        "labels of namespaces that were not read are not told",
        by=TOLD,
    ),
    Fault(
        UNREAD,
        "case Unreadable():\n                yield peer.what,",
        "case Unreadable() if False:\n                yield peer.what,",
        "labels of nodes and groups of clouds are not told",
        by=TOLD,
    ),
    Fault(
        "compiler/policy/source.py",
        "return tuple(claim for claim in claims if claim.spoken(dialect))",
        "return tuple(claims)",
        "other clusters have nothing that is not evaluated of Cilium's kinds",
        by=OTHERS,
    ),
    Fault(
        PORTS,
        "return tuple(map(L4, protocols))",
        "return (L4(),)",
        "a protocol without ports is every one",
        by=WITHOUT,
    ),
    Fault(
        IDENTITIES,
        'for inside in (*INSIDE, "kube-apiserver"):',
        "for inside in INSIDE:",
        "an API server outside is not of the cluster",
        by="tests/compiler/sources/cilium/test_cilium_policy.py",
    ),
    Fault(
        OBJECTS,
        'if found is not None and not item["toPorts"].items() and not item["icmps"].items():',
        "if not ports and found is not None:",
        "items without ports are about all of them",
        by=INTO,
    ),
)
