"""What a fabric file says of devices that already run: `devices:` in `fabric.file.spec`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RunningDevices(BaseModel):
    """Configurations of devices that already run: what these say is not said here."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    from_: str | list[str] = Field(
        alias="from", description="files, and folders with a file or a folder per device"
    )
    transit: list[str] = Field(
        [],
        description="devices whose configurations are not given: taken to hand on every route and "
        "packet, and to have none of their own",
    )

    @property
    def folders(self) -> tuple[str, ...]:
        """`from` as a list."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_)
