"""A fabric of two pods between which rules look at requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from cilium_cases import Object, cnp, labels, pod, space

WEB = [{"port": "8080", "protocol": "TCP"}]
FABRIC = """\
cloison: 1
name: l7
sites: { lab: { spines: 1, leaves: 2, hosts_per_pair: 2, borders: 1 } }
pools: { blocks: { v4: 28 } }
tenants:
  acme: { hosts: [host1, host2], manifests: [acme], dialect: cilium-1.20, %s
          vrfs: { main: { prefixes: [10.0.0.0/24] } } }
expect:
%s
"""
NOTHING = '  - deny: "acme/shop/db -> acme/shop/cart"'
FLOW = "acme/shop/cart", "acme/shop/db:8080/tcp"


def http(*rules: Any, **beside: Any) -> Object:
    return {
        "fromEndpoints": [labels(app="cart")],
        "toPorts": [{"ports": WEB, "rules": {"http": list(rules)}, **beside}],
    }


def site(
    folder: Path, *ingress: Any, egress: Any = None, how: str = "", expect: str = NOTHING
) -> Path:
    """A fabric of a cart and a db, whose ingress (and the cart's egress) is this."""
    objects = [
        space("shop"),
        pod("cart", "shop"),
        pod("db", "shop"),
        cnp(endpointSelector=labels(app="db"), ingress=list(ingress)),
    ]
    if egress is not None:
        objects.append(cnp("out", endpointSelector=labels(app="cart"), egress=egress))
    return written(folder, objects, how, expect)


def asking_ends(
    folder: Path, egress: list[Object], ingress: list[Object], db: str = "db-0"
) -> Path:
    """A fabric of a cart that sends to a db, a pod of a set: requests that the cart's egress lets
    pass, and that the db's ingress does; all of them where nothing is said."""

    def ports(rules: list[Object]) -> list[Object]:
        return [{"ports": WEB, **({"rules": {"http": rules}} if rules else {})}]

    out = {"toEndpoints": [labels(of="db")], "toPorts": ports(egress)}
    into = {"fromEndpoints": [labels(app="cart")], "toPorts": ports(ingress)}
    taker = pod(db, "shop", of="db")
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    taker["metadata"]["ownerReferences"] = [owner]
    objects = [
        space("shop"), pod("cart", "shop"), taker,
        cnp("out", endpointSelector=labels(app="cart"), egress=[out]),
        cnp("in", endpointSelector=labels(of="db"), ingress=[into]),
    ]  # fmt: skip
    return written(folder, objects, "", NOTHING.replace("shop/db", "shop/db*"))


def written(folder: Path, objects: list[Object], how: str, expect: str) -> Path:
    """The fabric of these objects; `how` proxies read paths, and lines of expectations."""
    (folder / "acme").mkdir(parents=True, exist_ok=True)
    (folder / "acme" / "all.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    path = folder / "f.yaml"
    path.write_text(FABRIC % (how, expect))
    return path


TWO = """\
cloison: 1
name: two
sites: { lab: { spines: 1, leaves: 2, hosts_per_pair: 4, borders: 0 } }
pools: { blocks: { v4: 28 } }
tenants:
  here: { hosts: [host1, host2], manifests: [here], dialect: cilium-1.20, http_paths: %s,
          vrfs: { main: { prefixes: [100.64.0.0/24] } } }
  there: { hosts: [host3, host4], manifests: [there], dialect: cilium-1.20, http_paths: %s,
           vrfs: { main: { prefixes: [100.65.0.0/24] } } }
leaks:
  - { name: l, from: there/main, prefixes: [100.65.0.0/24], to: [here/main],
      clients: [100.64.0.0/24], ports: [8080/tcp] }
expect:
%s
"""
AWAY = "here/shop/cart", "there/shop/db:8080/tcp"


def two_sites(
    folder: Path, how: tuple[str, str], out: list[Any], into: list[Any], expect: str = ""
) -> Path:
    """A cart and a db of two clusters, with rules at both ends about all of the world's requests
    (items of `toPorts`), and how each cluster's proxies read paths."""
    for name, one, said in (
        ("here", "cart", {"egress": [{"toEntities": ["world"], "toPorts": out}]}),
        ("there", "db", {"ingress": [{"fromEntities": ["world"], "toPorts": into}]}),
    ):
        (folder / name).mkdir(exist_ok=True)
        policy = cnp(endpointSelector=labels(app=one), **said)
        objects = [space("shop"), pod(one, "shop"), policy]
        (folder / name / "all.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    path = folder / "two.yaml"
    told = expect or '  - deny: "there/shop/db -> here/shop/cart"'
    path.write_text(TWO % (*how, told))
    return path


def seen(path: str) -> dict[str, Any]:
    """An item of `toPorts` that lets requests with such paths pass."""
    return {"ports": WEB, "rules": {"http": [{"path": path}]}}
