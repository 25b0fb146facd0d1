"""What requests to object storage do: the actions, and which keys are about which.

Source: the provider's list of supported actions and condition keys; the spelling of names is that
of the RADOS gateway, which compares them without regard to case.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["read", "write", "admin", "list_all"]
Level = Literal["read", "write", "readwrite", "full"]

SUPPORTED = tuple(
    f"s3:{name}"
    for name in """
    AbortMultipartUpload CreateBucket DeleteBucketPolicy DeleteBucket DeleteBucketWebsite
    DeleteObject DeleteObjectVersion DeleteReplicationConfiguration GetAccelerateConfiguration
    GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging GetBucketNotification
    GetBucketPolicy GetBucketRequestPayment GetBucketTagging GetBucketVersioning
    GetBucketWebsite GetLifecycleConfiguration GetObjectAcl GetObject GetObjectTorrent
    GetObjectVersionAcl GetObjectVersion GetObjectVersionTorrent GetReplicationConfiguration
    ListAllMyBuckets ListBucketMultipartUploads ListBucket ListBucketVersions
    ListMultipartUploadParts PutAccelerateConfiguration PutBucketAcl PutBucketCORS
    PutBucketLogging PutBucketNotification PutBucketPolicy PutBucketRequestPayment
    PutBucketTagging PutBucketVersioning PutBucketWebsite PutLifecycleConfiguration
    PutObjectAcl PutObject PutObjectVersionAcl PutReplicationConfiguration RestoreObject
    """.split()  # noqa: SIM905
)
TAGGING = tuple(
    f"s3:{verb}Object{version}Tagging"
    for verb in ("Get", "Put", "Delete")
    for version in ("", "Version")
)
"""In the tables of condition keys, and not in the list of actions."""
ACTIONS = (*SUPPORTED, *TAGGING)
BY_LOWER = {name.lower(): name for name in ACTIONS}

ON_OBJECTS = frozenset(
    name
    for name in ACTIONS
    if ("Object" in name or "Multipart" in name) and name != "s3:ListBucketMultipartUploads"
)
"""Whose resource is an object; of all others it is a bucket."""
OWN_POLICY = frozenset(f"s3:{verb}BucketPolicy" for verb in ("Get", "Put", "Delete"))
WRITES = frozenset(
    f"s3:{name}"
    for name in """
    AbortMultipartUpload DeleteObject DeleteObjectVersion PutObject RestoreObject
    PutObjectTagging PutObjectVersionTagging DeleteObjectTagging DeleteObjectVersionTagging
    """.split()  # noqa: SIM905
)
"""What changes data, and nothing that decides who may."""

USERS = (
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:username",
)
"""Condition keys that every request may have."""
GRANTS = tuple(
    f"s3:x-amz-grant-{perm}" for perm in ("read", "write", "read-acp", "write-acp", "full-control")
)
KEYS = frozenset(
    (
        *USERS,
        *GRANTS,
        "s3:prefix",
        "s3:delimiter",
        "s3:max-keys",
        "s3:x-amz-acl",
        "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
    )
)
TAG_KEYS = ("s3:RequestObjectTag/", "s3:ExistingObjectTag/")


def canonical(name: str) -> str | None:
    """An action as it is spelled here; None for one that is not known.

    >>> canonical("S3:getbucketACL"), canonical("s3:Nothing")
    ('s3:GetBucketAcl', None)
    """
    return BY_LOWER.get(name.lower())


def kind(action: str) -> Kind:
    """What a level must have for an action; whatever is not known takes the most."""
    if action == "s3:ListAllMyBuckets":
        return "list_all"
    if action in WRITES:
        return "write"
    name = action.partition(":")[2]
    if name.startswith(("Get", "List")) and not name.endswith(("Acl", "BucketPolicy")):
        return "read"
    return "admin"


def covers(level: Level, action: str) -> bool:
    """Whether a key of this level may do that in its own organisation's buckets.

    >>> [covers(level, "s3:PutObject") for level in ("read", "write", "readwrite", "full")]
    [False, True, True, True]
    """
    match kind(action):
        case "list_all":
            return True
        case "read":
            return level != "write"
        case "write":
            return level != "read"
    return level == "full"


def known_key(name: str) -> bool:
    """Whether requests here may have a condition key, spelled like this."""
    return name in KEYS or (name.startswith(TAG_KEYS) and not name.endswith("/"))
