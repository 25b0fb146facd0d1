"""DPUs of hosts of which an inventory lists nothing but their ports (`dpus: "{host}-bf"`)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError

from fabric.diagnostics import Diagnostics, Span
from fabric.file.spec import FabricSpec, NodeName, SiteCable, SiteNode
from fabric.io.visible import visible
from fabric.wiring.cable_ends import ends_of, told_end

HOST = "{host}"
NODE_NAME: TypeAdapter[str] = TypeAdapter(NodeName)


def hosts_of(nodes: dict[str, SiteNode]) -> Iterator[str]:
    """The hosts whose DPUs are named."""
    return (node.host for node in nodes.values() if node.host)


def with_dpus(
    spec: FabricSpec,
    site: str,
    nodes: dict[str, SiteNode],
    cables: list[str | SiteCable],
    at: dict[tuple[str | int, ...], Span],
    found: Diagnostics,
) -> tuple[dict[str, SiteNode], list[str | SiteCable]]:
    """The nodes and cables of a site with the DPUs that its `dpus` asks for; `at`, where nodes of
    tables stand, follows them."""
    form = spec.sites[site].dpus
    if form is None:
        return nodes, cables
    if form.count(HOST) != 1 or not named_well(form.replace(HOST, "x")) or form == HOST:
        found.error("C350", f'"{visible(form)}" names no DPU', spec.at("sites", site, "dpus"),
                    f'write "{HOST}-dpu"')  # fmt: skip
        return nodes, cables
    have = {*hosts_of(nodes)}
    named = {n: form.replace(HOST, n) for n, node in nodes.items() if node.role == "host"}
    named = {host: dpu for host, dpu in named.items() if host not in have}
    listed = {dpu: host for host, dpu in named.items() if dpu in nodes}
    for host, dpu in [*named.items()]:
        free = dpu not in nodes or (nodes[dpu].role == "dpu" and nodes[dpu].host is None)
        if not free or not named_well(dpu):
            span = at.get(("sites", site, "nodes", host)) or spec.at("sites", site, "dpus")
            what = f'the DPU of {host} cannot be called "{visible(dpu)}"'
            hint = f"{dpu} is something else" if named_well(dpu) else "at most 63 letters"
            found.error("C350", what, span, hint)
            del named[host]
    out: dict[str, SiteNode] = {}
    for name, node in nodes.items():
        if name in named and named[name] in nodes:
            continue
        if name in listed and listed[name] in named:
            out[name] = node.model_copy(update={"host": listed[name]})
            continue
        if name not in named:
            out[name] = node
            continue
        values = {**node.model_dump(exclude_unset=True), "role": "dpu", "host": name}
        out[named[name]] = SiteNode.model_validate(values)
        key = "sites", site, "nodes"
        where = at.pop((*key, name), None) or spec.at_key(*key, name)
        if where is not None:
            at[(*key, named[name])] = where
    return out, [moved(cable, named) for cable in cables]


def named_well(name: str) -> bool:
    """Whether a node may have this name."""
    try:
        return bool(NODE_NAME.validate_python(name))
    except ValidationError:
        return False


def moved(cable: str | SiteCable, named: dict[str, str]) -> str | SiteCable:
    """A cable, with DPUs in the place of their hosts."""
    _, ends = ends_of(cable)
    if ends is None or not any(name in named for name, _ in ends):
        return cable
    between = [told_end((named.get(name, name), port)) for name, port in ends]
    return SiteCable(between=between, speed=getattr(cable, "speed", None))
