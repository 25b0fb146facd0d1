"""Random small fabrics, run by two releases of FRR in namespaces with our `frr.conf`.

What is compared is in `frr_agreement`; with all links up and after one has failed.
"""

from __future__ import annotations

import random
from ipaddress import ip_address
from pathlib import Path

import pytest
from fabric_files import network_of, write_fabric
from frr_agreement import agree, ours
from frr_lab import frr_lab
from frr_releases import RELEASES, Release

from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]

POD = """\
apiVersion: v1
kind: Pod
metadata: {{ name: p-{host}, namespace: {namespace} }}
spec: {{ nodeName: {host}, containers: [{{ name: c, image: c }}] }}
---
"""


def random_fabric(seed: int, vtep: str, fail: bool, folder: Path) -> tuple[Path, str | None]:
    """A fabric file with manifests beside it, and a link to fail."""
    rng = random.Random(seed)
    leaves, spines, tenants = rng.randint(2, 4), rng.randint(1, 2), rng.randint(1, 3)
    hosts = [f"host{n}" for n in range(1, 2 * -(-leaves // 2) + 1)]
    lines = [
        "cloison: 1", f"name: random{seed}", f"vtep: {vtep}",
        f"sites: {{ s: {{ spines: {spines}, leaves: {leaves}, borders: 0, hosts_per_pair: 2 }} }}",
        "pools: { vni: 5001-5999 }", "tenants:",
    ]  # fmt: skip
    for number in range(tenants):
        name = f"t{number}"
        offered = f"{{ cidr: 172.16.{number}.0/24, namespaces: [shared] }}"
        lines.append(f"  {name}:")
        lines.append(f"    manifests: [{name}.yaml]")
        lines.append(f'    vrfs: {{ main: {{ prefixes: [10.1.0.0/16, "fd00::/48", {offered}] }} }}')
        chosen = sorted(rng.sample(hosts, rng.randint(1, len(hosts))))
        pods = [POD.format(host=h, namespace=rng.choice(["own", "shared"])) for h in chosen]
        (folder / f"{name}.yaml").write_text("".join(pods))
    if tenants > 1:
        lines += ["leaks:", "  - name: shared", "    from: t0/main", "    to: [t1/main]"]
        lines += [
            f"    prefixes: [172.16.0.0/{rng.choice([24, 27])}]",
            "    clients: [172.16.1.0/24]",
        ]
    path = folder / "fabric.yaml"
    path.write_text("\n".join(lines) + "\n")
    link = f"leaf{rng.randint(1, leaves)}--spine{rng.randint(1, spines)}"
    return path, link if fail else None


CASES = [
    (10, "dpu", True), (11, "leaf", False), (12, "leaf", True), (13, "dpu", False),
    (14, "leaf", True),
]  # fmt: skip
releases = pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"frr{release.name}")


@releases
@pytest.mark.slices(6)
@pytest.mark.parametrize(("seed", "vtep", "fail"), CASES)
def test_frr_agrees(release: Release, seed: int, vtep: str, fail: bool, tmp_path: Path) -> None:
    path, down = random_fabric(seed, vtep, fail, tmp_path)
    network = build(load_fabric(path), lock=False)
    with frr_lab(network, release) as lab:
        agree(lab, network)
        if down is not None:
            lab.fail(down)
            agree(lab, rebuild(network, down=[down]))


@releases
@pytest.mark.parametrize("vtep", ["leaf", "dpu"])
@pytest.mark.slices(4)
def test_frr_leaks_what_the_network_does(release: Release, vtep: str, tmp_path: Path) -> None:
    """Both ways between two VRFs, a third that takes of one what that one takes of nobody, on the
    same node and on others, both IP versions; and a prefix that two have as their own."""
    tenants = {
        name: {
            "vrfs": {
                "main": {
                    "prefixes": [
                        f"10.{n}.0.0/24",
                        f"fd0{n}::/56",
                        {"cidr": f"172.16.{shared}.0/24", "namespaces": ["shared"]},
                    ],
                    **targets,
                }
            }
        }
        for n, name, shared, targets in (
            (1, "a", 1, {}),
            (2, "b", 2, {"export_rts": ["65000:9"]}),
            (3, "c", 2, {"import_rts": ["65000:9"]}),
        )
    }
    pods = {name: ["own/p@host1", "own/q@host2", "shared/s@host1"] for name in "ab"}
    pods["c"] = ["own/p@host1", "shared/s@host1"]
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 0}
    peerings = [{"name": "ab", "between": ["a/main", "b/main"]}]
    leak = {"name": "ac", "from": "a/main", "to": ["c/main"], "prefixes": ["172.16.1.0/24"]}
    leak["clients"] = ["10.3.0.0/24"]
    more = {"sites": {"s": site}, "vtep": vtep, "peerings": peerings, "leaks": [leak]}
    network = network_of(write_fabric(tmp_path, tenants, pods, **more))
    with frr_lab(network, release) as lab:
        agree(lab, network)
        found = ours(network, lab)
        assert sum(
            any(hop.startswith("vrf") for hops in routes.values() for hop in hops)
            for name, routes in found.items()
            if name.endswith("/main")
        ) == len(network.plan.instances)


@releases
@pytest.mark.slices(4)
def test_frr_agrees_on_several_borders(release: Release, tmp_path: Path) -> None:
    """All first choices share the load; a backup is used once they are gone."""
    ends = {
        "partner": {
            "addresses": ["198.51.100.0/24", "2001:db8::/32"],
            "border": ["border1", "border2"],
            "backup": "border3",
        },
        "other": {"addresses": ["203.0.113.0/24"], "border": "border4"},
    }
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 1, "borders": 4}
    more = {"sites": {"s": site}, "zones": {"zone2": {"endpoints": ends}}}
    tenant = {"vrfs": {"main": {"prefixes": ["10.0.0.0/24"]}}}
    network = network_of(write_fabric(tmp_path, {"a": tenant}, {"a": ["n/p@host1"]}, **more))
    far = network.fabric.node("border4").index
    zone = network.vrf("zone2/main").index
    cut: list[str] = []
    with frr_lab(network, release) as lab:
        for link, left in (("", {1, 2}), ("border1--spine1", {2}), ("border2--spine1", {3})):
            if link:
                lab.fail(link)
                cut.append(link)
            now = rebuild(network, down=cut)
            found = now.fib.lookup(far, zone, 4, int(ip_address("198.51.100.1")))
            wanted = {network.fabric.node(f"border{n}").index for n in left}
            assert found is not None
            assert {hop.vtep for hop in found.nexthops} == wanted
            agree(lab, now)


@releases
@pytest.mark.slices(4)
@pytest.mark.parametrize(
    ("seed", "vtep", "drained"), [(13, "dpu", ["leaf1", "spine1"]), (12, "leaf", ["spine1"])]
)
def test_frr_drains(
    release: Release, seed: int, vtep: str, drained: list[str], tmp_path: Path
) -> None:
    """`bgp graceful-shutdown`, as our configurations have it: everybody else goes another way."""
    path, _ = random_fabric(seed, vtep, False, tmp_path)
    network = build(load_fabric(path), drained=drained, lock=False)
    with frr_lab(network, release) as lab:
        agree(lab, network)
        assert ours(network, lab) != ours(rebuild(network, drained=[]), lab)
