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
    (folder / "acme").mkdir(exist_ok=True)
    (folder / "acme" / "all.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    path = folder / "f.yaml"
    path.write_text(FABRIC % (how, expect))
    return path
