"""The part of the fabric file that says when: windows of entries, and moments that are judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Closed and immutable: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WithFrom(Model):
    """The same with `from`, which no field can be called."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class WindowSpec(WithFrom):
    """When an entry is in force, in UTC (RFC 3339): from its first moment until, but not at, the
    one at which it ends."""

    from_: str | None = Field(None, alias="from", description="its first moment; default: no bound")
    until: str | None = Field(None, description="where it ends, exclusive; default: no bound")


class Times(WithFrom):
    """Moments for files with windows, in UTC (RFC 3339). Nothing is judged at "now" unasked."""

    at: str | None = Field(None, description="the moment that is judged where no --at says one")
    from_: str | None = Field(
        None, alias="from", description="verify and diff judge all times from here; default: all"
    )
    until: str | None = Field(None, description="until here, exclusive; default: for ever")


Timed = Annotated[
    WindowSpec | None, Field(description="when it is in force; default: at all times")
]
