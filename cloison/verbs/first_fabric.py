"""A first fabric file from five answers, where there is nothing to import.

Rules that hold here:

1. An answer that could not stand in the file raises `ValueError` with what to write instead; how
   large it may be is what the file's format says (`fabric.file.spec`).
2. Every text of a user stands in the file as a JSON string, which YAML reads as the same text.
3. A file is only made of answers with which `check` has nothing against it: `refused` asks, before
   anything is written.
4. Tenants have hosts of their own and one VRF each, all with the same address blocks: what real
   clusters use may overlap, and what their dumps say counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from pathlib import Path

from fabric.checks.tenants import NAME, RESERVED
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import Site
from fabric.io.visible import lines, visible

Block = IPv4Network | IPv6Network
MOST_TENANTS = 32
"""Every two of them get a line."""
MOST_BLOCKS = 8
BLOCKS = {4: (26, 28), 6: (112, 124)}
"""Of each IP version: how long a host's block is by default, and the longest that holds pods."""
SPECIAL = (
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"),
    *("::/8", "fe80::/10", "ff00::/8"),
)
"""What no host of a network has (RFC 6890): loopback, link-local, multicast, reserved."""
MOST_TOLD = 3
REFUSED = ("error", "finding")
NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class FirstFabric:
    """What was answered: `manifests` are paths by tenant, `nodes` what clusters call hosts."""

    spines: int = 2
    leaves: int = 2
    hosts_per_pair: int = 4
    tenants: tuple[str, ...] = ("shop", "render")
    blocks: tuple[str, ...] = ("10.0.0.0/16",)
    manifests: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)

    @property
    def hosts(self) -> int:
        """How many hosts there are."""
        return self.leaves // 2 * self.hosts_per_pair

    def shares(self) -> dict[str, range]:
        """The numbers of every tenant's hosts: as even as can be, the first ones have more.

        >>> FirstFabric(hosts_per_pair=5).shares()
        {'shop': range(1, 4), 'render': range(4, 6)}
        """
        each, more = divmod(self.hosts, len(self.tenants))
        sizes = [each + (i < more) for i in range(len(self.tenants))]
        starts = [1 + sum(sizes[:i]) for i in range(len(sizes))]
        return {
            tenant: range(start, start + size)
            for tenant, start, size in zip(self.tenants, starts, sizes, strict=True)
        }


def with_clos(answers: FirstFabric, text: str) -> FirstFabric:
    """Spines and leaves.

    >>> with_clos(FirstFabric(), "2, 4").leaves
    4
    """
    parts = re.split(r"[ ,]+", text.strip(" "))
    if len(parts) != 2:
        raise ValueError("write two numbers, spines and leaves, such as: 2 4")
    spines, leaves = number("spines", parts[0]), number("leaves", parts[1])
    if leaves % 2:
        raise ValueError("hosts hang on pairs of leaves: write an even number of leaves")
    return replace(answers, spines=spines, leaves=leaves)


def with_hosts(answers: FirstFabric, text: str) -> FirstFabric:
    """Hosts per pair of leaves: as many as two tenants need, and as a world may have."""
    out = replace(answers, hosts_per_pair=number("hosts_per_pair", text.strip(" ")))
    if out.hosts < 2:
        raise ValueError(f"that makes {hosts(out.hosts)}, and two tenants need one each")
    _affordable(out)
    return out


def with_tenants(answers: FirstFabric, text: str) -> FirstFabric:
    """Names of tenants, two at least: isolation is between two."""
    names = tuple(part.strip(" ") for part in text.split(","))
    for name in names:
        if not NAME.fullmatch(name):
            what = "has lower-case letters, digits and inner dashes, at most 63"
            raise ValueError(f'"{visible(name[:80])}" cannot be a name: one {what}')
        if name in RESERVED:
            raise ValueError(f'"{name}" is reserved and cannot be a tenant: choose another name')
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'"{twice}" is there twice')
    if len(names) < 2:
        raise ValueError("name two tenants or more, with commas: isolation is between two")
    if len(names) > MOST_TENANTS:
        raise ValueError(f"{len(names)} are too many to start with: name {MOST_TENANTS} at most")
    if len(names) > answers.hosts:
        what = f"{len(names)} tenants need a host each, and there are {answers.hosts}"
        raise ValueError(f"{what}: name fewer, or start anew with more hosts")
    return replace(answers, tenants=names)


def with_blocks(answers: FirstFabric, text: str) -> FirstFabric:
    """Address blocks, of which the first one of each IP version holds a block per host."""
    found = [block(part.strip(" ")) for part in text.split(",")]
    if len(found) > MOST_BLOCKS:
        raise ValueError(f"{len(found)} are too many to start with: write {MOST_BLOCKS} at most")
    for one, other in combinations(found, 2):
        if one.version == other.version and one.overlaps(other):
            raise ValueError(f"{one} and {other} overlap: write the larger one")
    for version, (_, longest) in BLOCKS.items():
        first = next((b for b in found if b.version == version), None)
        room = longest - bits(answers)
        if first is not None and first.prefixlen > room:
            most = len(next(iter(answers.shares().values())))
            what = f"{first} is too small for {hosts(most)} of one tenant with a /{longest} each"
            raise ValueError(f"{what}: write a /{room} or a larger one")
    return replace(answers, blocks=tuple(map(str, found)))


def with_manifests(answers: FirstFabric, tenant: str, folder: Path, text: str) -> FirstFabric:
    """Where a tenant's manifests lie below `folder`, and which hosts its nodes are; empty: none."""
    text = text.strip(" ")
    if not text:
        return answers
    paths = {**answers.manifests, tenant: inside(folder, text)}
    return replace(
        answers,
        manifests=paths,
        nodes={**answers.nodes, **nodes_of(answers, tenant, folder / paths[tenant])},
    )


def number(key: str, text: str) -> int:
    """A number that a key of a site may have, one at least."""
    limits = Site.model_fields[key].metadata
    most = next(limit.le for limit in limits if hasattr(limit, "le"))
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise ValueError(f'"{visible(text[:40])}" is no number of {words(key)} from 1 to {most}')
    return int(text)


def words(key: str) -> str:
    """A key in words."""
    return key.replace("_", " ")


def hosts(count: int) -> str:
    """So many hosts in words."""
    return f"{count} host{'s' * (count != 1)}"


def block(text: str) -> Block:
    """An address block that can be a VRF's."""
    shown = visible(text[:60])
    if not re.fullmatch(r"[0-9a-fA-F:.]+/[0-9]{1,3}", text):
        raise ValueError(f'"{shown}" is no address block: write one such as 10.0.0.0/16')
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        what = f'"{shown}" is no address block: write one such as 10.0.0.0/16'
        raise ValueError(what) from None
    if str(ip_network(text.split("/")[0]).network_address) != str(found.network_address):
        raise ValueError(f'"{shown}" does not start where a block does: {found} would')
    if found.prefixlen < 8 or any(
        found.version == one.version and found.overlaps(one) for one in map(ip_network, SPECIAL)
    ):
        raise ValueError(f"{found} is not for pods and nodes: write a /8 or smaller of your own")
    return found


def bits(answers: FirstFabric) -> int:
    """How many bits tell the hosts of the largest tenant apart."""
    return (max(map(len, answers.shares().values())) - 1).bit_length()


def inside(folder: Path, text: str) -> str:
    """A path that is there and stays below `folder`, as it was written."""
    shown = visible(text[:100])
    if not text.isprintable():
        raise ValueError(f'"{shown}" holds characters that cannot be seen')
    path = Path(text)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f'"{shown}" leads out of {visible(str(folder))}: write a path below it')
    try:
        real, home = (folder / path).resolve(), folder.resolve()
        there = real.exists()
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        raise ValueError(f"there is no {visible(str(folder / path))[:200]}")
    if home == real or home not in real.parents:
        what = "is where the fabric file goes" if home == real else f"leads out of {home}"
        raise ValueError(f'"{shown}" {visible(what)}: put manifests into a folder below it')
    return str(path)


def nodes_of(answers: FirstFabric, tenant: str, path: Path) -> dict[str, str]:
    """Which host of a tenant each node is that its manifests speak of, in order of their names."""
    from fabric.kubernetes.manifests import load_manifests

    try:
        found = load_manifests([path], tenant=tenant)
    except InputError as error:
        raise ValueError(told(error.diagnostics)) from None
    names = {node.name for node in found.nodes} | {pod.node for pod in found.pods if pod.node}
    share = [f"host{n}" for n in answers.shares()[tenant]]
    strangers = sorted(names - {*share})
    free = [host for host in share if host not in names]
    if len(strangers) > len(free):
        what = f"{tenant} has {hosts(len(share))}, and its manifests speak of {len(names)} nodes"
        raise ValueError(f"{what}: leave them out, or start anew with more hosts")
    return dict(zip(free, strangers, strict=False))


def told(found: Sequence[Diagnostic]) -> str:
    """The first of several mistakes, each with its hint below it."""
    more = len(found) - MOST_TOLD
    shown = [
        lines(str(replace(d, hint=None)), d.hint and f"  hint: {d.hint}") for d in found[:MOST_TOLD]
    ]
    return "\n".join([*shown, *([f"and {more} more"] if more > 0 else [])])


def refused(path: Path, answers: FirstFabric) -> str:
    """What `check` has against the file that these answers make at `path`; empty: nothing."""
    from cloison.loading.how import How
    from cloison.verbs.checking import check_file

    found = check_file(str(path), fabric_text(answers), How(drawn="forgotten"))
    return told([d for d in found if d.severity in REFUSED])


def _affordable(answers: FirstFabric) -> None:
    from fabric.building.load import load

    try:
        load("fabric.yaml", fabric_text(replace(answers, blocks=("10.0.0.0/8",))))
    except InputError as error:
        raise ValueError(told(error.diagnostics)) from None


def fabric_text(answers: FirstFabric) -> str:
    """The fabric file."""
    lines = [
        "# A first fabric. `cloison check` says what is wrong with it, `cloison verify` proves",
        "# what is expected at its end; docs/fabric-file.md has what else can stand here.",
        "cloison: 1",
        "name: first",
        "",
        "sites:",
        "  lab:",
        f"    spines: {answers.spines}",
        f"    leaves: {answers.leaves}",
        f"    hosts_per_pair: {answers.hosts_per_pair}    # behind each pair of leaves",
        "    borders: 0           # more of them where zones 0 and 2 are attached",
        "",
        "pools:                   # every host gets one block of each prefix that it uses",
        f"  blocks: {{ v4: {block_length(answers, 4)}, v6: {block_length(answers, 6)} }}",
        "",
    ]
    if answers.nodes:
        lines.append("hosts:                   # what clusters call them: say which one each is")
        lines += [f"  {host}: {{ node: {json.dumps(n)} }}" for host, n in answers.nodes.items()]
        lines.append("")
    lines.append("tenants:                 # they may use the same addresses")
    for tenant, share in answers.shares().items():
        lines += tenant_lines(answers, tenant, share)
    lines += ["", "expect:                  # what must hold, for all packets"]
    lines += [f'  - deny: "{one}/* <-> {two}/*"' for one, two in combinations(answers.tenants, 2)]
    return "\n".join(lines) + "\n"


def tenant_lines(answers: FirstFabric, tenant: str, share: range) -> list[str]:
    """One tenant."""
    several = f"host[{share[0]}-{share[-1]}]" if len(share) > 1 else f"host{share[0]}"
    lines = [f'  "{tenant}":', f'    hosts: ["{several}"]']
    if tenant in answers.manifests:
        lines.append(f"    manifests: [{json.dumps(answers.manifests[tenant])}]")
    listed = ", ".join(f'"{text}"' for text in answers.blocks)
    return [*lines, "    vrfs:", "      main:", f"        prefixes: [{listed}]"]


def block_length(answers: FirstFabric, version: int) -> int:
    """How long a host's block is: the default where all hosts find one, else what is needed."""
    usual, longest = BLOCKS[version]
    found = [block for block in map(ip_network, answers.blocks) if block.version == version]
    return min(longest, max([usual, *(one.prefixlen + bits(answers) for one in found)]))
