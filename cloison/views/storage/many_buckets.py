"""What `cloison storage who-can` says of many buckets at once, by their table.

Rules that hold here:

1. `lga1/*/key` means every bucket whose name fits, and in each an object of that key.
2. Listed is who is let in or may be; everybody else who may fare otherwise than others is denied.
3. Permission and path are joined as for one bucket: the least of both for each IP version, and the
   most of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cloison.render.formats import FORMATS, written
from cloison.views.storage.asked_buckets import HERE, UNASKED, assumed_of, clock, seen_itself
from cloison.views.storage.gateway_ways import ways_to
from compiler.decisions.storage.actions import ON_OBJECTS, canonical
from compiler.decisions.storage.buckets_of_fabric import storage_of
from compiler.decisions.storage.requests_for_buckets import resource_of
from compiler.decisions.storage.storage_table import VERDICTS, StorageTable
from fabric.diagnostics import Diagnostic, Diagnostics, InputError
from fabric.values.wildcard import fits
from sim.worlds.world import World

SCHEMA = "cloison/storage-who-can-anywhere/1"
CHANGERS = "who may change a policy, and gets it done so, is told of a bucket by its name alone"


@dataclass(frozen=True, slots=True)
class ManyBuckets:
    """`rows` are a bucket, somebody and what they get; `asked` how many buckets and callers."""

    rows: list[dict[str, Any]]
    asked: dict[str, Any]

    @property
    def unknown(self) -> bool:
        """Whether something is."""
        return any(row["verdict"] == "unknown" for row in self.rows)

    def written(self, output: str) -> str:
        """In a format."""
        title = f"Who can {self.asked['action']} of {self.asked['buckets']} buckets"
        title += f" from {self.asked['from']}" if self.asked["from"] else ""
        columns = ("bucket", "who", "verdict") if FORMATS[output].cells == "text" else None
        return written(
            self.rows, schema=SCHEMA, output=output, title=title, columns=columns, meta=self.asked
        )


def many_buckets(
    world: World,
    action: str,
    target: str,
    source: str | None,
    given: Mapping[str, tuple[str, ...]],
) -> ManyBuckets:
    """Who gets something of buckets by a pattern; raises `InputError`."""
    seen_itself(source, given)
    noted = Diagnostics()
    storage = storage_of(world.network.spec, noted)
    noted.check()
    known = canonical(action)
    region, _, rest = target.partition("/")
    pattern, slash, key = rest.partition("/")
    if known is None or bool(slash and key) is not (known in ON_OBJECTS):
        what = f"{action} of {target} is no question"
        raise InputError(Diagnostic("C979", what, None, "s3:GetObject of region/bucket/key"))
    names = [name for name in storage.buckets if fits(name, f"{region}/{pattern}")]
    held = [storage.buckets[name] for name in names]
    callers = list(dict.fromkeys(one for bucket in held for one in storage.callers(bucket)))
    own = [name.partition("/")[2] for name in names]
    table = StorageTable.of(held, callers)
    resources = [resource_of(name, key if slash else None) for name in own]
    context = {**clock(world), **given}
    found = np.zeros(table.owns.shape, np.int8)
    if source is None:
        found = table.answers(known, resources, context, complete=False)
    else:
        where = np.array([name.partition("/")[0] for name in names], object)
        for one in sorted(set(where.tolist())):
            for way in ways_to(world, source, storage.gateways[one]):
                said = table.answers(known, resources, {**context, **way.context}, complete=False)
                said = np.minimum(said, np.int8(VERDICTS.index(way.ruling.verdict)))
                found = np.where((where == one)[:, None], np.maximum(found, said), found)
    rows = [
        {"bucket": names[b], "who": callers[c].text, "verdict": VERDICTS[found[b, c]]}
        for b, c in np.argwhere(found)
    ]
    asked = {
        "action": known,
        "buckets": len(names),
        "callers": len(callers),
        "from": source,
        "assumed": [*assumed_of(held), CHANGERS, UNASKED if source is None else HERE],
    }
    return ManyBuckets(rows, asked)
