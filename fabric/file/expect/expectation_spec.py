"""The part of the fabric file that says what must hold, and files of such lines alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PrivateAttr, StringConstraints

from fabric.file.expect.held_under import Kind
from fabric.file.times import Model, Timed

Requirement = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]


class Expectation(Model):
    """What must hold: exactly one of allow, deny, only."""

    allow: str | None = Field(None, description='"A -> B:443/tcp": all of this gets through')
    deny: str | None = Field(None, description='"A <-> B": none of this gets through')
    only: str | None = Field(
        None, description='"A -> B:443/tcp": of what A could open to B, this and nothing else'
    )
    http: str | None = Field(
        None,
        description='"GET /v1/.* at api[.]example": of HTTP requests on these ports, those of this '
        "method, path and host (expressions)",
        max_length=2000,
    )
    hold_under: list[Kind] = Field(
        [],
        description="also with any one link (node, risk group), or up to two links, failed, or any "
        "one leaf (spine) drained",
    )
    window: Timed = None
    requirement: list[Requirement] = Field([], description="what it is to prove, such as SEC11-01")
    owner: str | None = Field(None, description="who answers for it", max_length=200)

    _kept: bool = PrivateAttr(default=False)


class ExpectationFile(Model):
    """Expectations in a file of their own; see `fabric.file.expectation_files`."""

    owner: str | None = Field(None, description="who answers for its lines", max_length=200)
    requirement: list[Requirement] = Field([], description="what lines are for that do not say it")
    expect: list[Expectation] = Field([], description="what must hold")
