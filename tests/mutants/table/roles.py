"""Faults of roles and bindings: who may ask an API server for what, and who gets there."""

from mutants.table import Fault

ROOM = "compiler/decisions/rbac"
SEMANTICS, TABLE = f"{ROOM}/role_semantics.py", f"{ROOM}/grant_table.py"
OBJECTS, EFFECTIVE = f"{ROOM}/role_objects.py", f"{ROOM}/effective_roles.py"
BUILT_IN, ASKED = f"{ROOM}/built_in_roles.py", f"{ROOM}/asked_access.py"
REQUESTS, RESOURCES = f"{ROOM}/api_requests.py", f"{ROOM}/known_resources.py"
CLUSTER, PERMITTED = (
    "cloison/views/roles/api_cluster.py",
    "cloison/views/roles/permitted_subjects.py",
)
TESTS = "tests/compiler/decisions/rbac"
CASES, LAW = f"{TESTS}/test_role_semantics.py", f"{TESTS}/test_grant_table.py"
READ, MADE = f"{TESTS}/test_role_objects.py", f"{TESTS}/test_effective_roles.py"
WORDS = f"{TESTS}/test_asked_access.py"
VIEW = "tests/cloison/views/roles/test_api_cluster.py"
VERB = "tests/cloison/cli/roles/test_can_i.py"

FAULTS = (
    Fault(
        SEMANTICS,
        "if written in (ANY, request.combined):",
        "if written in (ANY, request.combined, request.resource):",
        "pods is pods/exec",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        'written == f"*/{request.subresource}"',
        "written.startswith('*/') and written.endswith(request.subresource)",
        "*/scale is what ends so",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "(not rule.names or request.name in rule.names)",
        "(not rule.names or not request.name or request.name in rule.names)",
        "who may get one object may list all",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "(not rule.names or request.name in rule.names)",
        "(not rule.names or ANY in rule.names or request.name in rule.names)",
        "a name * is every name",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "if ANY not in rule.verbs and request.verb not in rule.verbs:",
        "if request.verb not in rule.verbs:",
        "* is no verb",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "return written.endswith(ANY) and path.startswith(written.rstrip(ANY))",
        "return written.endswith(ANY) and path.startswith(written.rstrip('*').rstrip('/'))",
        "/healthz/* is /healthz",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "return written.endswith(ANY) and path.startswith(written.rstrip(ANY))",
        "return written.endswith(ANY) and path.startswith(written[:-1])",
        "of several trailing * one is cut off",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "return subject.user == bound.name",
        "return bound.name in (ANY, subject.user)",
        "a user called * is everybody",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "return bound.name in subject.groups",
        "return bound.name in (*subject.groups, subject.user)",
        "a user is a group of his name",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "if MASTERS in subject.groups:",
        "if False:",
        "masters ask roles",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        "request.path is not None or binding.namespace != request.namespace",
        "request.path is None and binding.namespace != request.namespace",
        "a role binding allows paths",
        by=CASES,
    ),
    Fault(
        SEMANTICS,
        'return "unknown" if all(doubts) else "allowed"',
        'return "unknown" if any(doubts) else "allowed"',
        "what is in doubt takes away what is not",
        by=MADE,
    ),
    Fault(
        REQUESTS,
        "implied = [UNAUTHENTICATED if user == ANONYMOUS else AUTHENTICATED]",
        "implied = [AUTHENTICATED]",
        "anonymous is authenticated",
        by=CASES,
    ),
    Fault(
        REQUESTS,
        "f\"{ACCOUNTS}:{user.split(':')[2]}\"",
        "f\"{ACCOUNTS}:{user.split(':')[3]}\"",
        "the group of service accounts is called like the account",
        by=CASES,
    ),
    Fault(
        TABLE,
        "if request.path is None and request.namespace:",
        "if request.namespace:",
        "the table has role bindings of paths",
        by=LAW,
    ),
    Fault(
        TABLE,
        'resources |= words["resources"].get(f"*/{request.subresource}", 0)',
        "pass",
        "the table has no */scale",
        by=LAW,
    ),
    Fault(
        TABLE,
        "return BindingBits(found[0] & here, found[1] & here)",
        "return BindingBits(found[0] & here, found[1])",
        "what is in doubt is so in every namespace",
        by=LAW,
    ),
    Fault(
        TABLE,
        'for group in subject.groups:\n            found |= self.bound.get(("Group", group), 0)',
        'for group in subject.groups[:1]:\n            found |= self.bound.get(("Group", group), 0)',
        "somebody is in one group",
        by=LAW,
    ),
    Fault(
        TABLE,
        "for place in bits(found.sure | found.doubtful):",
        "for place in bits(found.sure):",
        "who perhaps can, cannot",
        by=LAW,
    ),
    Fault(
        OBJECTS,
        'whose = item["namespace"].text() or namespace',
        'whose = item["namespace"].text() or "default"',
        "a service account without a namespace is in default",
        by=CASES,
    ),
    Fault(
        OBJECTS,
        'elif kind == "Role" and not namespace:',
        "elif False:",
        "a cluster role binding names a role",
        by=READ,
    ),
    Fault(
        OBJECTS,
        "ClaimedKind(GROUP, kind, VERSIONS, once=True, namespaced=spaced)",
        "ClaimedKind(GROUP, kind, VERSIONS, once=True, namespaced=False)",
        "roles of one name in two namespaces are one",
        by=READ,
    ),
    Fault(
        EFFECTIVE,
        'space = binding.namespace if binding.role_kind == "Role" else ""',
        "space = binding.namespace",
        "a role binding finds no cluster role",
        by=CASES,
    ),
    Fault(
        EFFECTIVE,
        "met.add(other.name)\n                waiting.append(other)",
        "met.add(other.name)\n                told.update(dict.fromkeys(other.rules))",
        "what is taken in takes in nothing",
        by=MADE,
    ),
    Fault(
        EFFECTIVE,
        "if other.namespace or other.name in met:",
        "if other.name in met:",
        "a role of a namespace is taken in",
        by=MADE,
    ),
    Fault(
        EFFECTIVE,
        "told.update({replace(r, doubt=r.doubt or REPLACED): None for r in one.rules})",
        "pass",
        "rules of an aggregating role grant nothing, whatever the cluster has",
        by=MADE,
    ),
    Fault(
        EFFECTIVE,
        "    if not complete:\n        doubt = f",
        "    if False:\n        doubt = f",
        "a role that is not in the input does not exist",
        by=MADE,
    ),
    Fault(
        EFFECTIVE,
        "return (*found, *parts_of_kubernetes(), *_unread(objects))",
        "return (*found, *parts_of_kubernetes())",
        "what was not read grants nothing",
        by=MADE,
    ),
    Fault(
        EFFECTIVE,
        "elif not there.kept:",
        "elif there.kept:",
        "what a server adds again is left out",
        by=MADE,
    ),
    Fault(
        BUILT_IN,
        '"system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),',
        '"system:public-info-viewer": ("system:authenticated",),',
        "nobody may ask for health who is not known",
        by=MADE,
    ),
    Fault(
        BUILT_IN,
        'nodes = (BoundSubject("Group", "system:nodes"),)',
        "nodes = ()",
        "nodes may what roles say and no more",
        by=MADE,
    ),
    Fault(
        ASKED,
        'yield "the role grants only what its author may do himself: he may not escalate"',
        "pass",
        "whoever may change roles may grant anything",
        by=WORDS,
    ),
    Fault(
        RESOURCES,
        "return replace(request, namespace=request.name)",
        'return replace(request, namespace="")',
        "a namespace is asked for in none",
        by=VERB,
    ),
    Fault(
        RESOURCES,
        "if request.namespace and (request.group, False) in found:",
        "if False:",
        "nodes are in a namespace",
        by=VERB,
    ),
    Fault(
        RESOURCES,
        "if part and part not in PARTS.split() and known:",
        "if False:",
        "the name of a pod is a part of pods",
        by=VERB,
    ),
    Fault(
        CLUSTER,
        "for version in (4, 6):",
        "for version in (4,):",
        "who gets there over IPv6 alone does not get there",
        by=VIEW,
    ),
    Fault(
        CLUSTER,
        'MAY_HOLD = ("template", "unread")',
        'MAY_HOLD = ("unread",)',
        "a template holds no bindings",
        by=VERB,
    ),
    Fault(
        CLUSTER,
        "if own in known:",
        "if False:",
        "from a tenant's end the cluster is not its own",
        by=VERB,
    ),
    Fault(
        PERMITTED,
        'if not doubts or (self.path and self.path.verdict == "denied"):',
        "if not doubts:",
        "somebody can where nothing leads there",
        by=VERB,
    ),
    Fault(
        PERMITTED,
        "if known.rule.doubt and not grant.rule.doubt:",
        "if False:",
        "who may for sure perhaps may",
        by=VERB,
    ),
    Fault(
        "cloison/views/roles/asked_permission.py",
        "return self.permission if self.path is None else together([self.permission, self.path])",
        "return self.permission",
        "permission alone is the answer",
        by=VERB,
    ),
)
