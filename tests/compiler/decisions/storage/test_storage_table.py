"""The table equals the definition: every caller, every bucket, what is unknown included."""

from __future__ import annotations

import json

from any_storage_policies import ASKED, CALLERS, buckets, contexts
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from compiler.decisions.storage.storage_table import VERDICTS, StorageTable
from fabric.diagnostics import Diagnostics

RESOURCE = st.sampled_from([resource_of("bkt"), *(resource_of("bkt", k) for k in ("a", "x:b"))])


@settings(max_examples=130, deadline=None)
@given(st.lists(buckets(), min_size=4, max_size=6), st.data())
def test_the_table_equals_the_definition(held: list[HeldBucket], data: st.DataObject) -> None:
    """At least 520 documents, each asked about by every caller."""
    table = StorageTable.of(held, CALLERS)
    for action in ASKED:
        resources = [data.draw(RESOURCE) for _ in held]
        context, complete = data.draw(contexts())
        found = table.answers(action, resources, context, complete)
        for at, bucket in enumerate(held):
            for number, caller in enumerate(CALLERS):
                request = BucketRequest(caller, action, resources[at], context, complete)
                said = decide(bucket, request)
                assert VERDICTS[found[at, number]] == said.verdict, (bucket, request, said)


@settings(max_examples=100, deadline=None)
@given(buckets(), contexts(), st.sampled_from(ASKED), RESOURCE, st.data())
def test_what_is_certain_stays_so_whatever_is_said(
    bucket: HeldBucket,
    said: tuple[dict[str, tuple[str, ...]], bool],
    action: str,
    resource: str,
    data: st.DataObject,
) -> None:
    """An answer without everything said is certain only if each completion has the same one."""
    context, _ = said
    more, _ = data.draw(contexts())
    for caller in CALLERS:
        before = decide(bucket, BucketRequest(caller, action, resource, context, False)).verdict
        after = decide(bucket, BucketRequest(caller, action, resource, {**more, **context}))
        assert before == "unknown" or after.verdict == before


def test_sets_that_are_written_alike_are_told_apart() -> None:
    stated = {"Effect": "Allow", "Principal": "*", "Resource": "*"}
    held = []
    for key in ("Action", "NotAction"):
        text = {"Version": "2012-10-17", "Statement": {**stated, key: "s3:GetObject"}}
        policy = read_policy(json.dumps(text), "p", Diagnostics())
        held.append(HeldBucket("nobody", policy))
    found = StorageTable.of(held, CALLERS[:1]).answers(
        ASKED[0], [resource_of("b", "k")] * 2, {}, True
    )
    assert found.tolist() == [[2], [0]]


def test_nothing_at_all() -> None:
    assert StorageTable.of([], CALLERS).answers(ASKED[0], [], {}, True).shape == (0, len(CALLERS))
    held = [HeldBucket("acme")]
    assert StorageTable.of(held, []).answers(ASKED[0], [resource_of("b")], {}, True).shape == (1, 0)
