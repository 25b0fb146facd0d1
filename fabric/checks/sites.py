"""Sites and hosts: a Clos that can be built, and hosts that exist."""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.file.spec import FabricSpec, Site
from fabric.kubernetes.files.metadata import valid_node_name
from fabric.plan.hosts import node_names
from fabric.values.wildcard import HINT, any_fits, beyond, mistake


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Clos dimensions per site, tops of several sites, host names."""
    for name, site in spec.sites.items():
        three_tier(spec, name, site, found)
        homing(spec, name, site, found)
    if not names.hosts and spec.devices is None:
        first = next(iter(spec.sites))
        hint = "set hosts_per_pair to 1 or more"
        if spec.sites[first].clos == "none":
            hint = "write nodes: { bf1: { role: dpu, host: gpu1 } }"
        found.error("C334", "no site has a host", spec.at("sites", first), hint)
    tops(spec, found)
    hosts(spec, names, found)


def three_tier(spec: FabricSpec, name: str, site: Site, found: Diagnostics) -> None:
    """Super-spines and pods belong to three tiers, and three tiers need them."""
    if site.clos == "three-tier":
        if not site.superspines:
            what = f'three-tier site "{name}" has no superspines, so its pods cannot meet'
            hint = "set superspines to 1 or more"
            found.error("C330", what, spec.at("sites", name), hint)
        return
    for key, unset in (("pods", 1), ("superspines", 0)):
        if getattr(site, key) != unset:
            kind = "leaf-spine site" if site.clos == "leaf-spine" else "site without a Clos,"
            what = f'"{key}" means nothing in {kind} "{name}"'
            span = spec.at_key("sites", name, key)
            found.error("C332", what, span, "write clos: three-tier, or leave it out")


def homing(spec: FabricSpec, name: str, site: Site, found: Diagnostics) -> None:
    """A leaf without a partner leaves its hosts single-homed."""
    if site.clos == "none":
        return
    if spec.vtep == "dpu" and site.leaves % 2 and site.hosts_per_pair:
        which = "the only leaf" if site.leaves == 1 else "the last leaf"
        what = f'site "{name}" has an odd number of leaves: DPUs at {which} have one uplink only'
        hint = "an even number makes every DPU dual-homed"
        found.warn("C333", what, spec.at("sites", name, "leaves"), hint)


def tops(spec: FabricSpec, found: Diagnostics) -> None:
    """Sites are joined at their tops, index by index."""
    sizes = {
        name: site.spines if site.clos == "leaf-spine" else site.superspines
        for name, site in spec.sites.items()
        if site.clos != "none"
    }
    few = min(sizes.values(), default=0)
    for name, size in sizes.items():
        if size > few:
            what = (
                f'only {few} of the {size} top switches of site "{name}" are linked to every site'
            )
            hint = "give all sites the same number of spines (three-tier: superspines)"
            found.warn("C335", what, spec.at("sites", name), hint)


def hosts(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """`hosts:`, tenants' `hosts` and pinned hosts name hosts of the sites."""
    there = {*names.hosts}
    for name in spec.hosts:
        if name not in there:
            missing(name, names, found, spec.at_key("hosts", name))
    kubernetes_names(spec, found)
    for tenant, settings in spec.tenants.items():
        for i, pattern in enumerate(settings.hosts):
            if pattern in there:
                continue
            wrong = mistake(pattern, numbers_only=True)
            if wrong is not None:
                span = spec.at("tenants", tenant, "hosts", i)
                found.error("C450", f'cannot read "{pattern}": {wrong}', span, HINT)
            elif not any_fits(pattern, names.hosts):
                missing(pattern, names, found, spec.at("tenants", tenant, "hosts", i))
            elif unknown := beyond(pattern, names.hosts):
                missing(unknown[0], names, found, spec.at("tenants", tenant, "hosts", i))
    for endpoint, name in spec.pins.hosts.items():
        if name not in there:
            missing(name, names, found, spec.at("pins", "hosts", endpoint))


def kubernetes_names(spec: FabricSpec, found: Diagnostics) -> None:
    """Names that Kubernetes has for hosts can be names, and stand for one host each."""
    owner: dict[str, str] = {}
    for host in spec.hosts:
        for name in node_names(spec, host):
            span = spec.at("hosts", host, "node")
            other = owner.setdefault(name, host)
            if not valid_node_name(name):
                hint = "a node name has lower-case letters, digits, dots and inner dashes"
                found.error("C609", f'"{name}" cannot be a node name', span, hint)
            elif other != host:
                what = f'"{name}" is what Kubernetes calls {other} already'
                found.error("C454", what, span, "a node is one host")


def missing(pattern: str, names: KnownNames, found: Diagnostics, span: Span | None) -> None:
    """No host is called this; says which there are."""
    hosts = names.hosts
    there = f"there are {hosts[0]} to {hosts[-1]}" if hosts else None
    hint = there if pattern.startswith("host") else did_you_mean(pattern, hosts) or there
    found.error("C303", f'no host is called "{pattern}"', span, hint)
