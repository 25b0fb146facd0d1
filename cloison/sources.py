"""What people point at: a fabric file, or Kubernetes manifests alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fabric.cluster import CLUSTER, HostNetwork, IpBlock, cluster_network
from fabric.diagnostics import Diagnostic, InputError
from fabric.network import Network
from fabric.reader import read_text, read_yaml


def is_fabric(path: Path) -> bool:
    """Whether a file is a fabric file, by its first keys: they name the format or what it extends.

    One that cannot be read is left to whoever reads it for real.
    """
    if path.is_dir() or str(path) == "-":
        return False
    try:
        values = [document.value for document in read_yaml(path)]
    except InputError:
        return _looks_like_one(path)
    return any(isinstance(v, Mapping) and "apiVersion" not in v for v in values)


def _looks_like_one(path: Path) -> bool:
    try:
        return re.search(r"^(cloison|extends):", read_text(path)[0], re.M) is not None
    except InputError:
        return False


def network(
    paths: Sequence[Path],
    *,
    down: Iterable[str] = (),
    ipblock: IpBlock = "pods",
    host_network: HostNetwork = "exempt",
) -> Network:
    """The network of one fabric file, or the cluster that manifests describe; the last two options
    say how manifests are read, a fabric file says that itself."""
    from fabric.build import build
    from fabric.load import load_fabric

    if len(paths) == 1 and is_fabric(paths[0]):
        return build(load_fabric(paths[0]), down=tuple(down))
    if tuple(down):
        message = "what has failed must be part of a fabric file; these are manifests"
        raise InputError(Diagnostic("C716", message))
    return cluster_network(paths, ipblock=ipblock, host_network=host_network)


def is_cluster(network: Network) -> bool:
    """Whether a network is that of manifests alone."""
    return CLUSTER in network.manifests and network.spec.path is None
