"""Roles and bindings that API servers make by themselves when they start.

They hold in every cluster, whatever manifests say, unless somebody has told the server to leave one
alone. `view`, `edit`, `admin` and `cluster-admin` are those that people bind. What differs between
1.22 and 1.34 is in doubt; of all others here, only that they are there is known.

Source: Kubernetes, the reference of RBAC (default roles and role bindings), and the policy that its
API server starts with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from compiler.decisions.rbac.api_requests import ANYTHING, RoleRule, account
from compiler.decisions.rbac.role_objects import WrittenBinding, WrittenRole
from compiler.decisions.rbac.role_semantics import BoundSubject, RoleGrants
from compiler.policy.labels import Requirement

READS, WRITES = "get list watch", "create delete deletecollection patch update"
DIFFERS = "versions of Kubernetes differ in this"
UNREAD = "the API server makes it itself, and its rules are not written down here"
NODES = "the Node authorizer decides about nodes, and is not modelled"

VIEW = f"""
{READS} | - | configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods
{READS} | - | replicationcontrollers replicationcontrollers/scale serviceaccounts services
{READS} | - | services/status bindings events limitranges namespaces/status pods/log pods/status
{READS} | - | replicationcontrollers/status resourcequotas resourcequotas/status namespaces
{READS} | apps | controllerrevisions daemonsets daemonsets/status deployments deployments/scale
{READS} | apps | deployments/status replicasets replicasets/scale replicasets/status
{READS} | apps | statefulsets statefulsets/scale statefulsets/status
{READS} | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status
{READS} | batch | cronjobs cronjobs/status jobs jobs/status
{READS} | extensions | daemonsets daemonsets/status deployments deployments/scale
{READS} | extensions | deployments/status ingresses ingresses/status networkpolicies replicasets
{READS} | extensions | replicasets/scale replicasets/status replicationcontrollers/scale
{READS} | policy | poddisruptionbudgets poddisruptionbudgets/status
{READS} | networking.k8s.io | ingresses ingresses/status networkpolicies
? {READS} | discovery.k8s.io | endpointslices
? {READS} | resource.k8s.io | *
"""
EDIT = f"""
{READS} | - | pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
impersonate | - | serviceaccounts
{WRITES} | - | pods pods/attach pods/exec pods/portforward pods/proxy
create | - | pods/eviction serviceaccounts/token
{WRITES} | - | configmaps events persistentvolumeclaims replicationcontrollers
{WRITES} | - | replicationcontrollers/scale secrets serviceaccounts services services/proxy
{WRITES} | apps | daemonsets deployments deployments/rollback deployments/scale
{WRITES} | apps | replicasets replicasets/scale statefulsets statefulsets/scale
{WRITES} | autoscaling | horizontalpodautoscalers
{WRITES} | batch | cronjobs jobs
{WRITES} | extensions | daemonsets deployments deployments/rollback deployments/scale
{WRITES} | extensions | ingresses networkpolicies replicasets replicasets/scale
{WRITES} | extensions | replicationcontrollers/scale
{WRITES} | policy | poddisruptionbudgets
{WRITES} | networking.k8s.io | ingresses networkpolicies
? {WRITES} | - | endpoints pods/ephemeralcontainers pods/resize
? {WRITES} | resource.k8s.io | *
? {READS} {WRITES} | coordination.k8s.io | leases
"""
ADMIN = f"""
create | authorization.k8s.io | localsubjectaccessreviews
{READS} {WRITES} | rbac.authorization.k8s.io | rolebindings roles
? {WRITES} | discovery.k8s.io | endpointslices
"""
PUBLIC = "/healthz /livez /readyz /version /version/"
ROLES: Mapping[str, str] = {
    "view": "",
    "edit": "",
    "admin": "",
    "system:aggregate-to-view": VIEW,
    "system:aggregate-to-edit": EDIT,
    "system:aggregate-to-admin": ADMIN,
    "cluster-admin": "* | * | *\n* | / *",
    "system:auth-delegator": """
create | authentication.k8s.io | tokenreviews
create | authorization.k8s.io | subjectaccessreviews
""",
    "system:basic-user": """
create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews
? create | authentication.k8s.io | selfsubjectreviews
""",
    "system:discovery": "get | / /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/*"
    "\nget | / /readyz /version /version/",
    "system:public-info-viewer": f"get | / {PUBLIC}",
    "system:monitoring": """
get | / /healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*
? get | / /metrics/slis /flagz /statusz
""",
}
"""Rules of a role: verbs, group (`-` is the core), resources, or `/` and paths; `?`: in doubt."""
TAKEN_IN = "rbac.authorization.k8s.io/aggregate-to-"
LABELLED: Mapping[str, str] = {
    "view": "edit",
    "edit": "admin",
    "system:aggregate-to-view": "view",
    "system:aggregate-to-edit": "edit",
    "system:aggregate-to-admin": "admin",
}
"""Into which role another is taken, by its label."""
TAKES = ("view", "edit", "admin")
BOUND: Mapping[str, tuple[str, ...]] = {
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
    "system:monitoring": ("system:monitoring",),
}
"""Groups to which roles are bound."""
COMPONENTS = ("kube-controller-manager", "kube-proxy", "kube-scheduler")
CONTROLLERS = """
attachdetach-controller certificate-controller clusterrole-aggregation-controller
cronjob-controller daemon-set-controller deployment-controller disruption-controller
endpoint-controller endpointslice-controller endpointslicemirroring-controller
ephemeral-volume-controller expand-controller generic-garbage-collector horizontal-pod-autoscaler
job-controller legacy-service-account-token-cleaner namespace-controller node-controller
persistent-volume-binder pod-garbage-collector pv-protection-controller pvc-protection-controller
replicaset-controller replication-controller resource-claim-controller resourcequota-controller
root-ca-cert-publisher route-controller selinux-warning-controller service-account-controller
service-cidrs-controller service-controller statefulset-controller
storage-version-migrator-controller validatingadmissionpolicy-status-controller ttl-controller
ttl-after-finished-controller kube-dns cloud-provider bootstrap-signer token-cleaner
"""
"""Service accounts of kube-system that the API server binds to roles of their own."""


@cache
def built_in_roles() -> tuple[WrittenRole, ...]:
    """The ClusterRoles whose rules are known."""
    return tuple(map(_role, ROLES))


def _role(name: str) -> WrittenRole:
    into, takes = LABELLED.get(name), name in TAKES
    labels = {f"{TAKEN_IN}{into}": "true"} if into else {}
    selects = Requirement(f"{TAKEN_IN}{name}", "In", frozenset({"true"}))
    rules = tuple(map(_rule, ROLES[name].strip().splitlines()))
    return WrittenRole(name, "", labels, rules, ((selects,),) if takes else None, True, None)


def _rule(line: str) -> RoleRule:
    doubt, line = (DIFFERS, line[1:]) if line.startswith("?") else ("", line)
    verbs, *rest = (tuple(part.split()) for part in line.split("|"))
    if rest[0][0] == "/":
        return RoleRule(verbs, urls=rest[0][1:], doubt=doubt)
    groups = tuple("" if group == "-" else group for group in rest[0])
    return RoleRule(verbs, groups, rest[1], doubt=doubt)


def is_built_in(name: str) -> bool:
    """Whether API servers make a ClusterRole of that name."""
    return name in ROLES or name.startswith("system:")


def built_in_bindings() -> Iterator[WrittenBinding]:
    """What binds roles whose rules are known."""
    for role, groups in BOUND.items():
        subjects = tuple(BoundSubject("Group", group) for group in groups)
        yield WrittenBinding(role, "", "ClusterRole", role, subjects, True, None, None)


def parts_of_kubernetes() -> Iterator[RoleGrants]:
    """What binds parts of Kubernetes itself, which may do what nobody knows here."""
    users = [f"system:{name}" for name in COMPONENTS]
    users += [account("kube-system", name) for name in CONTROLLERS.split()]
    subjects = tuple(BoundSubject("User", user) for user in users)
    rule = replace(ANYTHING, doubt=UNREAD)
    yield RoleGrants("ClusterRoleBinding", "system:*", "", "system:*", subjects, (rule,), own=True)
    nodes = (BoundSubject("Group", "system:nodes"),)
    yield RoleGrants(
        "Node authorizer", "", "", "", nodes, (replace(ANYTHING, doubt=NODES),), own=True
    )
