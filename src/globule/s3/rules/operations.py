"""Which operation a request is: one literal list, the first match wins.

The names are those of https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

from typing import Literal

import msgspec

from globule.s3.rules.addressing import Target
from globule.s3.rules.errors import s3_error
from globule.wire.http import Request

Level = Literal["service", "bucket", "object"]


class Operation(msgspec.Struct, frozen=True):
    name: str
    level: Level
    method: str
    having: str = ""
    """A query parameter that must be there."""
    header: str = ""
    """A field that must be there."""
    value: str = ""
    """The value that the query parameter must have; empty for any."""


OPERATIONS: tuple[Operation, ...] = (
    Operation("ListBuckets", "service", "GET"),
    Operation("GetBucketLocation", "bucket", "GET", "location"),
    Operation("GetBucketVersioning", "bucket", "GET", "versioning"),
    Operation("PutBucketVersioning", "bucket", "PUT", "versioning"),
    Operation("GetBucketCors", "bucket", "GET", "cors"),
    Operation("PutBucketCors", "bucket", "PUT", "cors"),
    Operation("DeleteBucketCors", "bucket", "DELETE", "cors"),
    Operation("GetBucketTagging", "bucket", "GET", "tagging"),
    Operation("PutBucketTagging", "bucket", "PUT", "tagging"),
    Operation("DeleteBucketTagging", "bucket", "DELETE", "tagging"),
    Operation("GetBucketEncryption", "bucket", "GET", "encryption"),
    Operation("ListObjectVersions", "bucket", "GET", "versions"),
    Operation("ListMultipartUploads", "bucket", "GET", "uploads"),
    Operation("ListObjectsV2", "bucket", "GET", "list-type", value="2"),
    Operation("DeleteObjects", "bucket", "POST", "delete"),
    Operation("ListObjects", "bucket", "GET"),
    Operation("CreateBucket", "bucket", "PUT"),
    Operation("HeadBucket", "bucket", "HEAD"),
    Operation("DeleteBucket", "bucket", "DELETE"),
    Operation("ListParts", "object", "GET", "uploadId"),
    Operation("UploadPartCopy", "object", "PUT", "uploadId", "x-amz-copy-source"),
    Operation("UploadPart", "object", "PUT", "uploadId"),
    Operation("CompleteMultipartUpload", "object", "POST", "uploadId"),
    Operation("AbortMultipartUpload", "object", "DELETE", "uploadId"),
    Operation("CreateMultipartUpload", "object", "POST", "uploads"),
    Operation("GetObjectTagging", "object", "GET", "tagging"),
    Operation("PutObjectTagging", "object", "PUT", "tagging"),
    Operation("DeleteObjectTagging", "object", "DELETE", "tagging"),
    Operation("CopyObject", "object", "PUT", header="x-amz-copy-source"),
    Operation("PutObject", "object", "PUT"),
    Operation("GetObject", "object", "GET"),
    Operation("HeadObject", "object", "HEAD"),
    Operation("DeleteObject", "object", "DELETE"),
)

# Query parameters that make a request another operation than its method says.
SUBRESOURCES = frozenset(
    (
        "abac",
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "list-type",
        "location",
        "logging",
        "metadataConfiguration",
        "metadataTable",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "renameObject",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "session",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versioning",
        "versions",
        "website",
    )
)


def operation_of(request: Request, target: Target) -> Operation:
    """Raises AwsError NotImplemented, naming what is asked for, and MethodNotAllowed."""
    level: Level = "object" if target.key else "bucket" if target.bucket else "service"
    asked = sorted(SUBRESOURCES & target.query.keys())
    for operation in OPERATIONS:
        if (
            operation.level == level
            and operation.method == request.method
            and (not operation.having or operation.having in target.query)
            and (not operation.header or operation.header in request.headers)
            and (not operation.value or target.query[operation.having] == operation.value)
            and (operation.having or not asked)
        ):
            return operation
    if asked:
        raise s3_error("NotImplemented", f"{request.method} ?{asked[0]} of a {level} is not implemented here.")
    if request.method == "POST":
        raise s3_error("NotImplemented", "Uploads by HTML forms are not implemented here.")
    raise s3_error("MethodNotAllowed", Method=request.method, ResourceType=level.upper())
