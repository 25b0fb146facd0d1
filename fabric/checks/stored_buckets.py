"""Object storage: gateways, owners and names of buckets that exist. Policies are read by whoever is
asked about them."""

from __future__ import annotations

import re

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec

PORT = re.compile(r"[1-9]\d{0,4}/tcp", re.ASCII)
BUCKET = re.compile(r"(?=.{3,63}\Z)[a-z0-9]([-.a-z0-9]*[a-z0-9])?")


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Everything below `storage:` that names something."""
    for name, region in spec.storage.regions.items():
        span = spec.at("storage", "regions", name, "gateway")
        endpoint, _, ports = region.gateway.partition(":")
        if endpoint not in names.zone_endpoints:
            known = names.zone_endpoints
            hint = did_you_mean(endpoint, known) or f"there are {', '.join(known) or 'none'}"
            found.error("C307", f'no zone endpoint is called "{endpoint}"', span, hint)
        if not PORT.fullmatch(ports or "443/tcp"):
            what = f'"{ports}" is not the port of a gateway'
            found.error("C443", what, span, "write zone2/object-store:443/tcp")
    for key, bucket in spec.storage.buckets.items():
        where, slash, name = key.partition("/")
        at = spec.at_key("storage", "buckets", key)
        if not slash or not BUCKET.fullmatch(name):
            hint = "region/bucket: 3 to 63 lower-case letters, digits, dots and inner dashes"
            found.error("C975", f'"{key}" is no name of a bucket', at, hint)
        elif where not in spec.storage.regions:
            known = (*spec.storage.regions,)
            hint = did_you_mean(where, known) or f"there are {', '.join(known) or 'none'}"
            found.error("C976", f'no region of object storage is called "{where}"', at, hint)
        if bucket.owner not in spec.storage.organisations:
            known = (*spec.storage.organisations,)
            hint = did_you_mean(bucket.owner, known) or f"there are {', '.join(known) or 'none'}"
            span = spec.at("storage", "buckets", key, "owner")
            found.error("C977", f'no organisation is called "{bucket.owner}"', span, hint)
