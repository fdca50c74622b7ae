"""What the store holds about buckets, versions of objects, and uploads in progress; bodies are files beside it.

Key layout, all in order of unsigned bytes; K is the object's key in UTF-8, zero bytes escaped, ended by 00 01:

    s3/b/BUCKET                                  BucketRecord
    s3/v/BUCKET 00 K INSTANT VERSION             Version; INSTANT is inverted, so a key's newest version comes first
    s3/i/BUCKET 00 K VERSION                     INSTANT: finds a version by its id
    s3/u/BUCKET 00 K UPLOAD                      Upload
    s3/p/UPLOAD NUMBER                           Part
    s3/f/BLOB                                    nothing: says that somebody needs this file

A version is ordered by its instant and then its id, not by when it was written down here: a replicated version takes
the place that it has in its own bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from globule.s3.model import Bucket, CorsRule, Versioning

R = TypeVar("R")

NULL_VERSION = "null"
"""The id of what is written while versioning is not enabled."""

_ROOT = b"s3/"
_END = b"\x00\x01"
_LATEST = (1 << 64) - 1


class BucketRecord(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    created_us: int
    declared: Bucket | None = None
    """As a template declares it; None where no template does. The settings below may have changed since."""
    versioning: Versioning = ""
    cors: tuple[CorsRule, ...] = ()
    tags: Mapping[str, str] = {}


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A part of a body: a file, unless it is empty."""

    blob: str
    size_bytes: int


class Checksum(msgspec.Struct, frozen=True, array_like=True):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html"""

    algorithm: str
    """CRC32, CRC32C, CRC64NVME, SHA1, SHA256."""
    value: str
    """Base64; of a composite one followed by a hyphen and the number of parts."""
    kind: Literal["FULL_OBJECT", "COMPOSITE"] = "FULL_OBJECT"


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of an object, or a delete marker."""

    id: str
    modified_us: int
    """Microseconds since the epoch; grows from version to version of one key."""
    deleted: bool = False
    size_bytes: int = 0
    etag: str = ""
    """Without quotes."""
    pieces: tuple[Piece, ...] = ()
    parts: int = 0
    """How many parts it was uploaded in; 0 where it was not a multipart upload."""
    fields: Mapping[str, str] = {}
    """Header fields that are given back, such as `cache-control`, and `x-amz-meta-...`."""
    checksum: Checksum | None = None
    tags: Mapping[str, str] = {}

    @property
    def blobs(self) -> list[str]:
        return [piece.blob for piece in self.pieces if piece.blob]


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart upload in progress."""

    initiated_us: int
    fields: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    checksum_algorithm: str | None = None
    checksum_kind: Literal["FULL_OBJECT", "COMPOSITE"] = "COMPOSITE"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    piece: Piece
    etag: str
    modified_us: int
    checksum: Checksum | None = None


def encode(record: Any) -> bytes:
    return msgspec.msgpack.encode(record)


def decode(kind: type[R], data: bytes) -> R:
    return msgspec.msgpack.decode(data, type=kind)


def bucket_key(bucket: str) -> bytes:
    return _ROOT + b"b/" + bucket.encode()


def buckets_range() -> tuple[bytes, bytes]:
    return _ROOT + b"b/", _ROOT + b"b0"


def escaped(key: str) -> bytes:
    """UTF-8, zero bytes escaped: ordered as UTF-8 is, and free of what ends a key."""
    return key.encode().replace(b"\x00", b"\x00\xff")


def versions_of_bucket(bucket: str) -> bytes:
    """What the store's keys of a bucket's versions begin with."""
    return _ROOT + b"v/" + bucket.encode() + b"\x00"


def versions_of_key(bucket: str, key: str) -> bytes:
    return versions_of_bucket(bucket) + escaped(key) + _END


def version_key(bucket: str, key: str, version: Version) -> bytes:
    return versions_of_key(bucket, key) + instant(version.modified_us) + version.id.encode()


def instant(modified_us: int) -> bytes:
    """Eight bytes that are smaller the later it is."""
    return (_LATEST - modified_us).to_bytes(8, "big")


def key_in(prefix: bytes, store_key: bytes) -> tuple[str, bytes]:
    """The object's key in a store key that begins with `prefix`, and the store key up to the key's end."""
    end = store_key.index(_END, len(prefix)) + len(_END)
    return store_key[len(prefix) : end - len(_END)].replace(b"\x00\xff", b"\x00").decode(), store_key[:end]


def identity_key(bucket: str, key: str, version_id: str) -> bytes:
    return _ROOT + b"i/" + bucket.encode() + b"\x00" + escaped(key) + _END + version_id.encode()


def uploads_of_bucket(bucket: str) -> bytes:
    return _ROOT + b"u/" + bucket.encode() + b"\x00"


def upload_key(bucket: str, key: str, upload: str) -> bytes:
    return uploads_of_bucket(bucket) + escaped(key) + _END + upload.encode()


def parts_of(upload: str) -> bytes:
    return _ROOT + b"p/" + upload.encode() + b"/"


def part_key(upload: str, number: int) -> bytes:
    return parts_of(upload) + number.to_bytes(2, "big")


def blob_key(blob: str) -> bytes:
    return _ROOT + b"f/" + blob.encode()


def after_all(prefix: bytes) -> bytes:
    """Greater than every store key that begins with `prefix` followed by text, an instant or a number."""
    return prefix + b"\xff" * 12
