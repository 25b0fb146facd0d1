"""What `cloison storage can-i` and `who-can` say of a fabric file: permission and path together.

Rules that hold here:

1. A request is for a bucket, `region/bucket`, or an object in it, `region/bucket/key`. It goes to
   the gateway of that region and to no other: regions share nothing.
2. With an end to ask from it needs a way to the gateway and a permission; without one, nobody
   looks at the way, and of what the gateway would see of it nothing is known.
3. Each IP version is a way of its own (`gateway_ways`). A request is allowed where one of them is.
4. Who is denied, and may change or delete the bucket's policy, is told so beside the answer: the
   request is denied all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloison.render.formats import FORMATS, written
from cloison.views.asked_lines import decision_row
from cloison.views.storage.gateway_ways import GatewayWay, ways_to
from compiler.decisions.decision import STRONGEST, Ruling, together
from compiler.decisions.storage.actions import ON_OBJECTS, OWN_POLICY, canonical
from compiler.decisions.storage.buckets_of_fabric import FabricStorage, storage_of
from compiler.decisions.storage.condition_operators import NULL, OPERATORS
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from fabric.diagnostics import Diagnostic, Diagnostics, InputError
from fabric.io.visible import lines
from fabric.values.instants import told
from sim.worlds.world import World

CAN, WHO = "cloison/storage-can-i/1", "cloison/storage-who-can/1"
LISTS = "access control lists let nobody in"
PRESENT = (
    "conditions that negate, and Null, are read as the gateway's present release does; release 16 "
    "differs where a request lacks the key, or a statement has several values"
)
HERE = "the address that the gateway sees is the sender's: nothing on the way translates it"
UNASKED = "whoever asks gets to the gateway"
CHANGES = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
SEEN = {"aws:SourceIp", "aws:SecureTransport"}
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class AskedBucket:
    """A question about a bucket, or an object in it, and what it rests on."""

    storage: FabricStorage
    world: World
    name: str
    bucket: HeldBucket
    action: str
    resource: str
    source: str | None
    context: Context

    @staticmethod
    def of(
        world: World, action: str, target: str, source: str | None, given: Context
    ) -> AskedBucket:
        """The question; raises `InputError` where something in it is not there."""
        found = Diagnostics()
        storage = storage_of(world.network.spec, found)
        found.check()
        known = canonical(action)
        if known is None:
            raise InputError(Diagnostic("C979", f'no action is called "{action}"'))
        region, _, rest = target.partition("/")
        own, slash, key = rest.partition("/")
        bucket = storage.bucket(f"{region}/{own}")
        if bool(slash and key) is not (known in ON_OBJECTS):
            what = "an object: region/bucket/key" if known in ON_OBJECTS else "a bucket"
            raise InputError(Diagnostic("C979", f"{known} is about {what}"))
        seen_itself(source, given)
        resource = resource_of(own, key if slash else None)
        context = {**clock(world), **given}
        return AskedBucket(
            storage, world, f"{region}/{own}", bucket, known, resource, source, context
        )

    @property
    def gateway(self) -> str:
        """Where the region's requests go."""
        return self.storage.gateways[self.name.partition("/")[0]]

    def ways(self) -> list[GatewayWay]:
        """Rule 2: none where nobody said from where."""
        return [] if self.source is None else ways_to(self.world, self.source, self.gateway)

    def permission(self, caller: Caller, seen: Context) -> Ruling:
        """What the gateway says."""
        request = BucketRequest(
            caller, self.action, self.resource, {**seen, **self.context}, complete=False
        )
        return decide(self.bucket, request)

    @property
    def assumed(self) -> list[str]:
        """What nobody looked at."""
        return [*assumed_of([self.bucket]), UNASKED if self.source is None else HERE]

    @property
    def meta(self) -> dict[str, Any]:
        """What stands beside the rows."""
        return {
            "action": self.action,
            "bucket": self.name,
            "resource": self.resource,
            "owner": self.bucket.owner,
            "gateway": self.gateway,
            "from": self.source,
            "assumed": self.assumed,
        }


def assumed_of(buckets: Iterable[HeldBucket]) -> list[str]:
    """What nobody looks at of buckets, and how conditions are read where releases differ."""
    policies = (policy for bucket in buckets for policy in bucket.policies)
    clauses = (c for policy in policies for one in policy.statements for c in one.clauses)
    negated = any(c.op.name == NULL or OPERATORS[c.op.name].opposite for c in clauses)
    return [LISTS, *([PRESENT] if negated else [])]


def seen_itself(source: str | None, given: Context) -> None:
    """Nobody says what the gateway sees itself (C979)."""
    if source is not None and (said := sorted(SEEN & {*given})):
        what = f"{said[0]} is what the gateway sees of a request from {source}"
        raise InputError(Diagnostic("C979", what, None, "leave out --from, or what it says"))


def clock(world: World) -> dict[str, tuple[str, ...]]:
    """What a gateway's clock says at the moment that is judged, if one is."""
    judged = world.network.spec.judged_at
    return {} if judged is None else {"aws:CurrentTime": (told(judged.moment),)}


@dataclass(frozen=True, slots=True)
class BucketAnswer:
    """What somebody gets: `parts` are the permission, and the path, for each IP version."""

    caller: Caller
    ruling: Ruling
    parts: tuple[tuple[str, Ruling], ...]
    around: tuple[str, ...] = ()

    @staticmethod
    def of(asked: AskedBucket, caller: Caller, ways: list[GatewayWay]) -> BucketAnswer:
        """Rules 2 to 4."""
        found = BucketAnswer.direct(asked, caller, ways)
        if found.ruling.verdict != "denied" or asked.action in OWN_POLICY:
            return found
        bucket = resource_of(asked.name.partition("/")[2])
        may = [
            action
            for action in CHANGES
            if BucketAnswer.direct(
                replace(asked, action=action, resource=bucket), caller, ways
            ).ruling.verdict
            == "allowed"
        ]
        told = f"{caller.text} may {' and '.join(may)}, and so change what the policy says"
        return replace(found, around=(told,) if may else ())

    @staticmethod
    def direct(asked: AskedBucket, caller: Caller, ways: list[GatewayWay]) -> BucketAnswer:
        """What the request itself gets."""
        if asked.source is None:
            said = asked.permission(caller, {})
            return BucketAnswer(caller, said, (("permission", said),))
        if not ways:
            because = f"there is no flow from {asked.source} to {asked.gateway}"
            none = Ruling("denied", "no_path", because)
            said = asked.permission(caller, {})
            return BucketAnswer(caller, together([said, none]), (("permission", said),))
        parts, both = list[tuple[str, Ruling]](), list[Ruling]()
        for way in ways:
            end = "" if len(ways) == 1 else f", IPv{way.version}"
            said = asked.permission(caller, way.context)
            parts += [(f"permission{end}", said), (f"path{end}", way.ruling)]
            both.append(together([said, way.ruling]))
        return BucketAnswer(
            caller, max(both, key=lambda one: STRONGEST.index(one.verdict)), (*parts,)
        )


def can_i(asked: AskedBucket, who: str) -> BucketAnswer:
    """What one caller gets."""
    return BucketAnswer.of(asked, asked.storage.caller(who), asked.ways())


def who_can(asked: AskedBucket) -> list[BucketAnswer]:
    """What everybody gets who may fare otherwise than others."""
    ways = asked.ways()
    return [BucketAnswer.of(asked, one, ways) for one in asked.storage.callers(asked.bucket)]


def row(asked: AskedBucket, answer: BucketAnswer) -> dict[str, Any]:
    """As data."""
    caller = answer.caller
    own = caller.key is not None and caller.org == asked.bucket.owner
    return {
        "who": caller.text,
        "level": caller.level if own else None,
        **decision_row(answer.ruling),
        "around": list(answer.around),
        "parts": [{"part": part, **decision_row(said)} for part, said in answer.parts],
    }


def written_answer(asked: AskedBucket, answer: BucketAnswer, output: str) -> str:
    """One answer in a format: a row per part."""
    said = {"allowed": "yes", "denied": "no", "unknown": "unknown"}[answer.ruling.verdict]
    end = f" from {asked.source}" if asked.source else ""
    title = f"{said}: {answer.caller.text}, {asked.action} of {asked.name}{end}"
    title += "; but there is a way around" if answer.around else ""
    rows = [{"part": part, **decision_row(one)} for part, one in answer.parts]
    if FORMATS[output].cells == "text":
        rows = [_read(one) for one in rows]
        rows += [{"part": "way around", "because": told} for told in answer.around]
        rows.append({"part": "assumed", "because": lines(*asked.assumed)})
    meta = {**asked.meta, **{k: v for k, v in row(asked, answer).items() if k != "parts"}}
    columns = ("part", "verdict", "because", "at")
    return written(rows, schema=CAN, output=output, title=title, columns=columns, meta=meta)


def written_list(asked: AskedBucket, answers: list[BucketAnswer], output: str) -> str:
    """Everybody in a format: a row each, without those who are denied where people read it."""
    text = FORMATS[output].cells == "text"
    rows = [row(asked, one) for one in answers]
    if text:
        rows = [_around(one) if one["around"] else _read(one) for one in rows if _told(one)]
    title = f"Who can {asked.action} of {asked.name}" + (
        f" from {asked.source}" if asked.source else ""
    )
    title += "" if rows else ": nobody"
    columns = ("who", "level", "verdict", "because", "at") if text else None
    return written(rows, schema=WHO, output=output, title=title, columns=columns, meta=asked.meta)


def _told(one: dict[str, Any]) -> bool:
    """Whether people read of somebody: of who is denied only where there is a way around."""
    return bool(one["verdict"] != "denied" or one["around"])


def _around(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "verdict": "around", "because": lines(*one["around"]), "at": lines(*one["at"])}


def _read(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "at": lines(*one["at"]),
        "because": lines(one["because"], *(f"if {text}" for text in one["conditions"])),
    }
