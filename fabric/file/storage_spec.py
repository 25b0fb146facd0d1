"""What a fabric file says of object storage: `storage:` in `fabric.file.spec`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from fabric.file.times import Model

OwnName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
KeyLevel = Literal["read", "write", "readwrite", "full"]


class StorageRegion(Model):
    """A store of its own, behind one gateway."""

    gateway: str = Field(description='where it answers: "zone2/object-store:443/tcp"')


class Organisation(Model):
    """Whoever owns buckets and has keys to them; of the name of a tenant it is that tenant's."""

    keys: dict[OwnName, KeyLevel] = Field({}, description="levels of its keys, by name")


class StoredBucket(Model):
    """A bucket of a region."""

    owner: OwnName = Field(description="its organisation")
    policy: str | dict[str, Any] | None = Field(
        None, description="its policy: a file (JSON), or the policy itself"
    )
    public: bool = Field(False, description="whether everybody is meant to be let in")
    gave_up: bool = Field(
        False, description="whether its owner gave up its own access to the policy"
    )


class ObjectStorage(Model):
    """Object storage around the fabric. Buckets are named region/bucket: regions share no names."""

    regions: dict[OwnName, StorageRegion] = Field({}, description="stores by name")
    organisations: dict[OwnName, Organisation] = Field({}, description="owners of keys by name")
    buckets: dict[str, StoredBucket] = Field({}, description='by "region/bucket"')
