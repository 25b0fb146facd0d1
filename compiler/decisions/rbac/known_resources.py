"""What people write for a resource: its API group where they leave it out, and whether requests for
it have a namespace.

    pods   pods/exec   deployments.apps/scale   widgets.example.org   /healthz   *

Rules that hold here:

1. Without a group a resource is that of Kubernetes of this name, in the group that kubectl prefers.
   One of others is in the group in which the rules of roles have it, if that is one; else nobody
   knows which is meant: an error (C658). A dot at the end says the core group.
2. What stands behind the `/` is a part of the resource as rules write it, and no object's name: one
   that is no part of anything is an error.
3. A request for what has no namespace has none, whatever is said. One for a namespace by its name
   is in that namespace.

Source: the Kubernetes API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from compiler.decisions.rbac.api_requests import ANY, ApiRequest
from fabric.diagnostics import Diagnostic, InputError, did_you_mean

ROWS = """
- spaced bindings configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates
- spaced replicationcontrollers resourcequotas secrets serviceaccounts services
- whole componentstatuses namespaces nodes persistentvolumes users groups uids
apps spaced controllerrevisions daemonsets deployments replicasets statefulsets
batch spaced cronjobs jobs
autoscaling spaced horizontalpodautoscalers
policy spaced poddisruptionbudgets
policy whole podsecuritypolicies
networking.k8s.io spaced ingresses networkpolicies
networking.k8s.io whole ingressclasses ipaddresses servicecidrs
rbac.authorization.k8s.io spaced rolebindings roles
rbac.authorization.k8s.io whole clusterrolebindings clusterroles
coordination.k8s.io spaced leases leasecandidates
discovery.k8s.io spaced endpointslices
events.k8s.io spaced events
storage.k8s.io spaced csistoragecapacities
storage.k8s.io whole csidrivers csinodes storageclasses volumeattachments volumeattributesclasses
authorization.k8s.io spaced localsubjectaccessreviews
authorization.k8s.io whole selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews
authentication.k8s.io whole selfsubjectreviews tokenreviews userextras
admissionregistration.k8s.io whole mutatingwebhookconfigurations validatingwebhookconfigurations
admissionregistration.k8s.io whole validatingadmissionpolicies validatingadmissionpolicybindings
admissionregistration.k8s.io whole mutatingadmissionpolicies mutatingadmissionpolicybindings
apiextensions.k8s.io whole customresourcedefinitions
apiregistration.k8s.io whole apiservices
certificates.k8s.io whole certificatesigningrequests clustertrustbundles signers
flowcontrol.apiserver.k8s.io whole flowschemas prioritylevelconfigurations
scheduling.k8s.io whole priorityclasses
node.k8s.io whole runtimeclasses
resource.k8s.io spaced resourceclaims resourceclaimtemplates
resource.k8s.io whole deviceclasses resourceslices
"""
PARTS = """
approval attach binding checkpoint configz ephemeralcontainers eviction exec finalize healthz
instantiate log metrics nodeclient portforward proxy resize rollback scale selfnodeclient
selfnodeserver spec stats status token
"""
"""What a resource of Kubernetes may have behind a `/`."""


@cache
def resources() -> Mapping[str, tuple[tuple[str, bool], ...]]:
    """Groups of a resource's name, the preferred first, and whether it has a namespace there."""
    out: dict[str, tuple[tuple[str, bool], ...]] = {}
    for line in ROWS.strip().splitlines():
        group, space, *names = line.split()
        for name in names:
            out[name] = (*out.get(name, ()), ("" if group == "-" else group, space == "spaced"))
    return out


def asked(
    verb: str, resource: str, namespace: str, name: str, others: Mapping[str, frozenset[str]]
) -> ApiRequest:
    """The request that is meant; `others` are groups by resource that rules name.

    >>> asked("get", "deployments/scale", "shop", "web", {}).what
    'get deployments.apps/scale "web" in namespace shop'
    """
    if resource.startswith("/"):
        if name:
            raise _unclear(f"{resource} is a path, which has no name")
        return ApiRequest(verb, path=resource)
    head, slash, part = resource.partition("/")
    plural, dot, group = head.partition(".")
    if not plural or (slash and not part):
        raise _unclear(
            f'"{resource}" is no resource', "such as pods, pods/exec, widgets.example.org"
        )
    if not dot:
        group = _group(plural, others)
    known = any(group == one for one, _ in resources().get(plural, ()))
    if part and part not in PARTS.split() and known:
        hint = f"say {plural} and --name {part}, if it is an object's name"
        raise _unclear(f'{plural} have no part "{part}"', hint)
    return as_sent(ApiRequest(verb, group, plural, part, name, namespace))


def _group(plural: str, others: Mapping[str, frozenset[str]]) -> str:
    """Rule 1."""
    if plural == ANY:
        return ANY
    if plural in resources():
        return resources()[plural][0][0]
    found = sorted(others.get(plural, frozenset()) - {ANY})
    if len(found) == 1:
        return found[0]
    if found:
        what = f'"{plural}" may be of any of these groups: {", ".join(found)}'
        raise _unclear(what, f"write {plural}.{found[-1]}")
    near = did_you_mean(plural, resources())
    what = f'Kubernetes has no resource "{plural}", and no rule names it'
    raise _unclear(what, near or f"write it with its group: {plural}.example.org")


def _unclear(what: str, hint: str | None = None) -> InputError:
    return InputError(Diagnostic("C658", what, None, hint))


def as_sent(request: ApiRequest) -> ApiRequest:
    """Rule 3."""
    if request.path is not None:
        return replace(request, namespace="")
    if (request.group, request.resource) == ("", "namespaces"):
        return replace(request, namespace=request.name)
    found = resources().get(request.resource, ())
    if request.namespace and (request.group, False) in found:
        return replace(request, namespace="")
    return request
