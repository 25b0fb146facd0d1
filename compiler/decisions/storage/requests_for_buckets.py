"""Who asks object storage for what, and what is known of the request.

A request has condition keys. Of each somebody said the values, or that it has none; of all others
nothing was said (`complete`: they are not there), and what hangs on them is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.decisions.storage.actions import Level


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: nobody in particular (`org` is None), a key of an organisation, or without `key`
    the organisation itself, which is the root of its account."""

    org: str | None = None
    key: str | None = None
    level: Level = "full"

    @property
    def text(self) -> str:
        """What an answer calls it."""
        if self.org is None:
            return "anonymous"
        return f"{self.org}/{self.key}" if self.key is not None else f"{self.org} (root)"


@dataclass(frozen=True, slots=True)
class BucketRequest:
    """An action on a resource, by its ARN. `caller` None: a policy is asked, whoever it is."""

    caller: Caller | None
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True

    def given(self, key: str) -> tuple[str, ...] | None:
        """The values that it has for a key; None where nothing was said."""
        found = self.context.get(key)
        if found is None and self.complete:
            return ()
        return found


def resource_of(bucket: str, key: str | None = None) -> str:
    """The ARN of a bucket, or of an object in it.

    >>> resource_of("b", "a/b"), resource_of("b")
    ('arn:aws:s3:::b/a/b', 'arn:aws:s3:::b')
    """
    return f"arn:aws:s3:::{bucket}" + (f"/{key}" if key is not None else "")
