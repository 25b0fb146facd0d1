"""Object storage at size: policies of many buckets read, compiled, and who can do something of all.

Policies have two statements and a half on average, of accounts, single keys and everybody, half of
them with conditions on addresses and TLS.

    python bench/bench_storage.py [BUCKETS CALLERS]
"""

from __future__ import annotations

import json
import random
import sys
import time

import click

from compiler.decisions.storage.read_policy import read_policy
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_semantics import HeldBucket, decide
from compiler.decisions.storage.storage_table import StorageTable
from fabric.diagnostics import Diagnostics

ACTIONS = ("s3:GetObject", "s3:*", "s3:Put*", ["s3:GetObject", "s3:ListBucket"], "s3:Delete*")
LEVELS = ("read", "write", "readwrite", "full")
SAMPLE = 20_000


def policy(draw: random.Random, bucket: str, orgs: int, keys: int) -> str:
    """A policy of a bucket as text."""
    stated = []
    for number in range(draw.randint(1, 4)):
        org, key = draw.randrange(orgs), draw.randrange(keys)
        who = draw.choice(
            (
                "*",
                f"org{org}",
                f"arn:aws:iam:::user/org{org}:key{key}",
                f"arn:aws:iam::org{org}:root",
            )
        )
        one = {
            "Effect": "Allow" if number or draw.random() < 0.7 else "Deny",
            "Principal": {"AWS": who},
            "Action": draw.choice(ACTIONS),
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        if draw.random() < 0.5:
            net = f"10.{draw.randrange(64)}.0.0/16"
            one["Condition"] = {"IpAddress": {"aws:SourceIp": net}}
            if draw.random() < 0.5:
                one["Condition"]["Bool"] = {"aws:SecureTransport": "true"}
        stated.append(one)
    return json.dumps({"Version": "2012-10-17", "Statement": stated}, indent=1)


def main(buckets: int = 10_000, callers: int = 1_000) -> None:
    """Print what each stage takes."""
    draw = random.Random(17)
    orgs, keys = max(1, callers // 10), 10
    names = [f"bucket{number}" for number in range(buckets)]
    texts = [policy(draw, name, orgs, keys) for name in names]
    everybody = [Caller(), *(Caller(f"org{n // keys}", f"key{n % keys}", LEVELS[n % 4])
                             for n in range(callers - 1))]  # fmt: skip
    start = time.perf_counter()
    found = Diagnostics()
    held = [
        HeldBucket(f"org{n % orgs}", read_policy(text, name, found))
        for n, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    found.check()
    read = time.perf_counter()
    table = StorageTable.of(held, everybody)
    compiled = time.perf_counter()
    resources = [resource_of(name, "a/b") for name in names]
    context = {"aws:SourceIp": ("10.3.0.7",)}
    answers = table.answers("s3:GetObject", resources, context, False)
    asked = time.perf_counter()
    pairs = [(draw.randrange(buckets), draw.randrange(len(everybody))) for _ in range(SAMPLE)]
    differ = 0
    for b, c in pairs:
        request = BucketRequest(everybody[c], "s3:GetObject", resources[b], context, False)
        differ += (
            decide(held[b], request).verdict != ("denied", "unknown", "allowed")[answers[b, c]]
        )
    slow = time.perf_counter() - asked
    size = answers.size
    click.echo(f"{buckets:,} buckets, {len(table.statements):,} statements, {callers:,} callers")
    click.echo(f"  read         {read - start:8.2f} s")
    click.echo(f"  compile      {compiled - read:8.2f} s")
    rate = size / (asked - compiled)
    click.echo(f"  who can, all {asked - compiled:8.2f} s   {rate / 1e6:,.1f} M decisions/s")
    one_by_one = SAMPLE / slow
    click.echo(f"  definition   {one_by_one:8,.0f} decisions/s, one by one; {differ} differ")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
