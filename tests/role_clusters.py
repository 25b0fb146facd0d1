"""A fabric of two tenants with roles in their manifests, and their API servers in Zone 0."""

from __future__ import annotations

from pathlib import Path

FABRIC = """cloison: 1
name: roles
sites: { lab: { spines: 2, leaves: 2, hosts_per_pair: 4, borders: 1 } }
pools:
  prefixes: { nodes4: [100.64.0.0/16] }
tenants:
  acme:
    hosts: [host1, host2]
    manifests: [acme]
    api_server: zone0/acme-api:6443/tcp
    vrfs: { main: { prefixes: [10.0.0.0/24, { pool: nodes4, length: 26, use: nodes }] } }
  beta:
    hosts: [host3, host4]
    manifests: [beta]
    api_server: zone0/beta-api
    vrfs: { main: { prefixes: [10.0.0.0/24, { pool: nodes4, length: 26, use: nodes }] } }
zones:
  zone0:
    endpoints:
      acme-api: { addresses: [198.18.0.10] }
      beta-api: { addresses: [198.18.0.20] }
    services:
      - { name: acme-api, from: "acme/@node/host1", to: zone0/acme-api, ports: [6443/tcp] }
      - { name: beta-api, from: "beta/@node/*", to: zone0/beta-api, ports: [6443/tcp] }
"""
ROLES = """apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: readers, namespace: shop }
rules:
  - { apiGroups: [""], resources: [pods, pods/log], verbs: [get, list, watch] }
  - { apiGroups: [""], resources: [secrets], resourceNames: [web], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: readers, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers }
subjects:
  - { kind: User, name: jane }
  - { kind: ServiceAccount, name: agent }
"""
PODS = """apiVersion: v1
kind: Pod
metadata: { name: agent, namespace: shop, labels: { app: agent } }
spec: { serviceAccountName: agent, nodeName: host1, containers: [{ name: c, image: i }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { nodeName: host2, containers: [{ name: c, image: i }] }
"""


def role_fabric(folder: Path, *, roles: str = ROLES, fabric: str = FABRIC) -> Path:
    """The file, with its manifests beside it."""
    for tenant in ("acme", "beta"):
        (folder / tenant).mkdir()
        text = (
            PODS if tenant == "acme" else PODS.replace("host1", "host3").replace("host2", "host4")
        )
        (folder / tenant / "pods.yaml").write_text(text)
    (folder / "acme" / "roles.yaml").write_text(roles)
    (folder / "fabric.yaml").write_text(fabric)
    return folder / "fabric.yaml"
