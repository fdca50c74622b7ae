"""What a client says about an object that it writes: fields to keep, tags, and what is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from globule.s3.rules.errors import s3_error
from globule.s3.rules.xml import Node
from globule.wire.http import Headers

METADATA_PREFIX = "x-amz-meta-"
# Names and values together: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
METADATA_LIMIT_BYTES = 2048
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
TAGS_LIMIT = 10
BUCKET_TAGS_LIMIT = 50
TAG_KEY_LIMIT = 128
TAG_VALUE_LIMIT = 256

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-language",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-website-redirect-location",
)
_DEFAULT_TYPE = "binary/octet-stream"
_REFUSED_PREFIXES = ("x-amz-object-lock-", "x-amz-server-side-encryption-customer-")
_HARMLESS_ACLS = ("bucket-owner-full-control", "private")
_STORAGE_CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
)


def fields_to_keep(headers: Headers, codings: list[str]) -> dict[str, str]:
    """The fields that GetObject gives back. `codings` are those of the content itself.

    Raises AwsError where a field asks for what there is not.
    """
    for name, _ in headers:
        if name.startswith(_REFUSED_PREFIXES):
            raise s3_error("NotImplemented", f"{name} is not implemented here.", Header=name)
        if name.startswith("x-amz-grant-"):
            raise s3_error("AccessControlListNotSupported")
    if headers.get("x-amz-acl", "private") not in _HARMLESS_ACLS:
        raise s3_error("AccessControlListNotSupported")
    fields = {"content-type": headers.get("content-type") or _DEFAULT_TYPE}
    if codings:
        fields["content-encoding"] = ",".join(codings)
    for name in _KEPT:
        value = headers.get(name)
        if value is not None:
            fields[name] = value
    fields.setdefault("x-amz-server-side-encryption", "AES256")
    fields.update(_storage_class(headers))
    fields.update(_metadata(headers))
    return fields


def _storage_class(headers: Headers) -> dict[str, str]:
    value = headers.get("x-amz-storage-class") or "STANDARD"
    if value not in _STORAGE_CLASSES:
        raise s3_error("NotImplemented", f"The storage class {value} is not implemented here.")
    return {} if value == "STANDARD" else {"x-amz-storage-class": value}


def _metadata(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(METADATA_PREFIX):
            found[name] = f"{found[name]},{value}" if name in found else value
    size = sum(len(name) - len(METADATA_PREFIX) + len(value.encode()) for name, value in found.items())
    if size > METADATA_LIMIT_BYTES:
        raise s3_error("MetadataTooLarge", Size=str(size), MaxSizeAllowed=str(METADATA_LIMIT_BYTES))
    return found


def tags_of_header(value: str | None) -> dict[str, str]:
    """From `x-amz-tagging`: a query string. Raises AwsError."""
    try:
        pairs = parse_qsl(value or "", keep_blank_values=True, strict_parsing=bool(value), max_num_fields=TAGS_LIMIT)
    except ValueError:
        raise s3_error(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
        ) from None
    return checked_tags(pairs, TAGS_LIMIT)


def tags_of_document(tagging: Node, limit: int) -> dict[str, str]:
    """From the body of PutObjectTagging or PutBucketTagging. Raises AwsError."""
    tag_set = tagging.find("TagSet")
    if tag_set is None:
        raise s3_error("MalformedXML")
    return checked_tags([(tag.value("Key") or "", tag.value("Value") or "") for tag in tag_set.all("Tag")], limit)


def checked_tags(pairs: list[tuple[str, str]], limit: int) -> dict[str, str]:
    if len(pairs) > limit:
        raise s3_error("InvalidTag", f"Object tags cannot be greater than {limit}")
    tags = dict(pairs)
    if len(tags) != len(pairs):
        raise s3_error("InvalidTag", "Cannot provide multiple Tags with the same key")
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_LIMIT:
            raise s3_error("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > TAG_VALUE_LIMIT:
            raise s3_error("InvalidTag", "The TagValue you have provided is invalid")
    return tags


def number_of(query: Mapping[str, str], name: str, default: int) -> int:
    """A number that is not negative, at most `default`. Raises AwsError InvalidArgument."""
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise s3_error(
            "InvalidArgument",
            f"Provided {name} not an integer or within integer range",
            ArgumentName=name,
            ArgumentValue=text,
        )
    return min(int(text[:12]), default)
