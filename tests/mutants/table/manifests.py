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
        "fabric/kubernetes/files/cursor.py",
        "return default if self.value is None else self.value\n        self._wrong(TYPE_NAMES[kind])",
        "return default if self.value is None else self.value",
        "a value of the wrong type reads as nothing, and is not told",
    ),
    Fault(
        "fabric/kubernetes/files/folders.py",
        "links += [path for path in ways if not place(path).is_relative_to(real)]",
        "links += []",
        "a folder that is a link is passed over in silence",
    ),
    Fault(
        "fabric/kubernetes/files/folders.py",
        "return path.suffix in suffixes and Path(path.stem).suffix in (*SUFFIXES, *more)",
        "return path.suffix in suffixes and Path(path.stem).suffix in SUFFIXES[:1]",
        "templates of .yml and .json files are passed over in silence",
    ),
    Fault(
        "fabric/kubernetes/files/folders.py",
        'found += [here / name for name in names if not name.startswith(".#")]',
        'found += [here / name for name in names if not name.startswith(".")]',
        "hidden manifests are not read",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/holders.py",
        "address = mapped(written) or written",
        "address = written",
        "an IPv4 address inside IPv6 is nobody's",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/holders.py",
        "for least in (max(shortest, 1), shortest):",
        "for least in (max(shortest, 1),):",
        "what a default route owns is nobody's",
    ),
    Fault(
        "fabric/kubernetes/files/kinds.py",
        'for key in ((group, kind), (group, "*"), *((suffix, "*") for suffix in suffixes)):',
        'for key in ((group, "*"), (group, kind), *((suffix, "*") for suffix in suffixes)):',
        "what is said of all other kinds of a group is said of those that have a row",
    ),
    Fault(
        "fabric/kubernetes/files/kinds.py",
        'return Meaning(READ if known else "version", CLUSTER if whole else NAMESPACE)',
        "return Meaning(READ, CLUSTER if whole else NAMESPACE)",
        "versions that nobody knows count as read",
    ),
    Fault(
        "fabric/kubernetes/manifests.py",
        "names = {*declared, *(p.namespace for p in found), *(s.namespace for s in services)}",
        "names = {*declared, *(s.namespace for s in services)}",
        "a namespace that pods use and nobody declares is not there",
    ),
    Fault(
        "fabric/kubernetes/manifests.py",
        "declared[about.name] = {**declared.get(about.name, {}), **about.labels}",
        "declared[about.name] = {**about.labels}",
        "of a namespace that stands twice the labels of one are lost",
    ),
    Fault(
        "fabric/kubernetes/manifests.py",
        "left_out += elsewhere(record, source.value, ways, services)",
        "pass",
        "what an object does to other namespaces is not told there",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/mentions.py",
        'elif str(key).endswith(("namespace", "Namespace")):',
        'elif str(key).endswith("namespace"):',
        "a namespace below targetNamespace is not named",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/mentions.py",
        "found += [way.behind[0], *stands_for(way.behind, services)]",
        "found += [way.behind[0]]",
        "an Ingress in front of an ExternalName leads nowhere else",
    ),
    Fault(
        "fabric/kubernetes/files/metadata.py",
        'out[key] = ""\n            continue',
        "continue",
        "a label without a value is not there",
    ),
    Fault(
        "fabric/kubernetes/files/metadata.py",
        "namespace or DEFAULT_NAMESPACE, labels(",
        "namespace or name or DEFAULT_NAMESPACE, labels(",
        "an object without a namespace is not in the default one",
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
        "fabric/kubernetes/unmodelled/service_fields.py",
        'if key == start or (start.endswith("/") and str(key).startswith(start)):',
        "if key == start:",
        "an annotation that orders a tunnel to a Service is not told",
    ),
    Fault(
        "fabric/kubernetes/pods/standing.py",
        'return phase == "Succeeded" if ended is None else ended',
        "return True if ended is None else ended",
        "a pod that was evicted is never made anew",
    ),
    Fault(
        "fabric/kubernetes/pods/standing.py",
        "made.labels.items() <= pod.labels.items()",
        "made.labels.keys() <= pod.labels.keys()",
        "a pod of before stands for a template whose labels were edited",
    ),
    Fault(
        "fabric/kubernetes/pods/standing.py",
        "and made.host_network == pod.host_network\n",
        "\n",
        "a pod of its own network stands for a template on its host's",
    ),
    Fault(
        "fabric/kubernetes/pods/templates.py",
        'isinstance(spec.get("containers"), list) or isinstance(spec.get("domain"), dict)',
        'isinstance(spec.get("containers"), list)',
        "a virtual machine is no workload",
    ),
    Fault(
        "fabric/kubernetes/pods/templates.py",
        'inner = part if key in ("spec", "template") else key',
        "inner = part",
        "two templates of one object are one workload",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/unread_fields.py",
        "given = {identity(source.value) for source in objects if speaks(source)}",
        "given = {identity(source.value) for source in objects}",
        "an owner without a template is taken to tell what its pods are told to do",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/unread_fields.py",
        'if plugin in PLUGINS and not (ALLOCATED in given and ALLOCATED.startswith(f"{plugin}/")):',
        "if plugin in PLUGINS and ALLOCATED not in given:",
        "where Kube-OVN reported, orders to other plugins are not told",
    ),
    Fault(
        "fabric/kubernetes/unmodelled/unread_fields.py",
        "if field.value in values or (field.value is not None and not values):",
        "if field.value in values:",
        "a field that matters whatever it says is not told",
    ),
    Fault(
        "fabric/kubernetes/networking/ways_in.py",
        'refs += [f["requestMirror"]["backendRef"] for f in filters]',
        "pass",
        "a route that mirrors requests leads to their backends alone",
    ),
    Fault(
        "fabric/kubernetes/networking/ways_in.py",
        'for ref in (spec["to"], *spec["alternateBackends"].items()):',
        'for ref in (spec["to"],):',
        "an OpenShift Route has no alternate backends",
    ),
    Fault(
        "fabric/kubernetes/networking/ways_in.py",
        'behind = where["namespace"].text() or namespace, service',
        "behind = namespace, service",
        "a route leads to Services of its own namespace alone",
    ),
    Fault(
        "fabric/kubernetes/networking/ways_in.py",
        'for default in (spec["defaultBackend"], spec["backend"]):',
        'for default in (spec["defaultBackend"],):',
        "an Ingress as it was written before v1 leads nowhere by default",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        'if c["restartPolicy"].value == "Always"]',
        'if c["restartPolicy"].value == "Never"]',
        "named ports of sidecars are none of the pod's",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        'extra = numbered(called, number) if found.key.kind == "StatefulSet" else {}',
        "extra: dict[str, str] = {}",
        "a pod of a StatefulSet is not selected by its own name",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        "range(found.first, found.first + max(found.count, 1))",
        "range(found.first, found.first + found.count)",
        "what is scaled to zero has no pods that anybody asks about",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        'if found.owner not in known and not stood_for(pod, found.part if twins else "", pods):',
        "if False:",
        "an edited template makes no pods while those of before run",
    ),
    Fault(
        "fabric/kubernetes/pods/workloads.py",
        'added = named if kind == "Job" else {}',
        "added: dict[str, str] = {}",
        "pods of a Job are not selected by its name",
    ),
)
