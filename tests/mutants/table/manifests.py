"""Faults of manifests as they are read: what is there and nobody sees, so that nothing stops it."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "fabric/kubernetes/files/claimed_kinds.py",
        "return (group, kind) == (self.group, self.kind) and version in self.versions",
        "return (group, kind) == (self.group, self.kind)",
        "a version of a policy that nobody knows is evaluated as one that is known",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/holders.py",
        "address = mapped(written) or written",
        "address = written",
        "an IPv4 address inside IPv6 is nobody's",
    ),
    Fault(
        "fabric/kubernetes/files/kinds.py",
        'for key in ((group, kind), (group, "*"), *((suffix, "*") for suffix in suffixes)):',
        'for key in ((group, "*"), (group, kind), *((suffix, "*") for suffix in suffixes)):',
        "what is said of all other kinds of a group is said of those that have a row",
    ),
    Fault(
        "fabric/kubernetes/manifests.py",
        "names = {*declared, *(p.namespace for p in found), *(s.namespace for s in services)}",
        "names = {*declared, *(s.namespace for s in services)}",
        "a namespace that pods use and nobody declares is not there",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/mentions.py",
        'elif str(key).endswith(("namespace", "Namespace")):',
        'elif str(key).endswith("namespace"):',
        "a namespace below targetNamespace is not named",
    ),
    Fault(
        "fabric/kubernetes/files/metadata.py",
        'out[key] = ""\n            continue',
        "continue",
        "a label without a value is not there",
        by="tests/fabric/kubernetes/files/test_metadata.py",
    ),
    Fault(
        "fabric/kubernetes/pods/nodes.py",
        'outside = (*(text for text, _ in of_type(root, "ExternalIP")), *names_that_are_addresses(root))',
        'outside = (*(text for text, _ in of_type(root, "ExternalIP")),)',
        "an address by which a node is named is not the node's",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/service_fields.py",
        "for holder, known in ((spec, SPEC), *((port, PORT) for port in ports)):",
        "for holder, known in ((spec, SPEC),):",
        "fields of a Service's port that nobody knows are not told",
    ),
    Fault(
        "fabric/kubernetes/pods/templates.py",
        'isinstance(spec.get("containers"), list) or isinstance(spec.get("domain"), dict)',
        'isinstance(spec.get("containers"), list)',
        "a virtual machine is no workload",
    ),
    Fault(
        "fabric/kubernetes/networking/ways_in.py",
        'refs += [f["requestMirror"]["backendRef"] for f in filters]',
        "pass",
        "a route that mirrors requests leads to their backends alone",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        'if c["restartPolicy"].value == "Always"]',
        'if c["restartPolicy"].value == "Never"]',
        "named ports of sidecars are none of the pod's",
    ),
    Fault(
        "fabric/file/yaml/reader.py",
        "if event.tag not in known:",
        "if False:",
        "a key whose tag says that it is to be decoded is taken as it is written",
        by="tests/fabric/file/yaml/test_reader.py::test_tags_do_not_execute",
    ),
    Fault(
        "fabric/kubernetes/files/foreign.py",
        "|binary|%TAG",
        "|%TAG",
        "an object whose keys are binary data is data of others",
        by="tests/fabric/kubernetes/files/test_foreign.py::test_a_key_that_is_decoded_may_be_kind",
    ),
    Fault(
        "fabric/kubernetes/files/objects.py",
        "not (found or unrendered)",
        "not found",
        "templates beside values are no manifests at all",
        by="tests/fabric/kubernetes/files/test_foreign.py::"
        "test_templates_beside_values_are_what_is_not_rendered",
    ),
)
