"""Uploads in parts, through boto3."""

from __future__ import annotations

import hashlib
import io
import os
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from s3_server import code_of

LEAST = 5 * 1024 * 1024
DATA = os.urandom(2 * LEAST + 1000)


def files(server: Any) -> int:
    return len([path for path in (server.folder / "objects").rglob("*") if path.is_file()])


def begin(s3: Any, bucket: str, **settings: Any) -> str:
    return s3.create_multipart_upload(Bucket=bucket, Key="k", **settings)["UploadId"]


def send(s3: Any, bucket: str, upload: str, number: int, data: bytes, **settings: Any) -> dict[str, Any]:
    sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=data, **settings)
    return {"PartNumber": number, "ETag": sent["ETag"]}


def complete(s3: Any, bucket: str, upload: str, parts: list[dict[str, Any]], **settings: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}, **settings
    )


def test_the_transfer_manager_uploads_and_downloads(s3, bucket):
    """With the defaults of today's boto3: a CRC32 for each part, in a trailer."""
    config = TransferConfig(multipart_threshold=LEAST, multipart_chunksize=LEAST, max_concurrency=3)
    s3.upload_fileobj(io.BytesIO(DATA), bucket, "k", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert head["ContentLength"] == len(DATA)
    assert head["ChecksumCRC32"].endswith("-3")
    assert head["ChecksumType"] == "COMPOSITE"
    received = io.BytesIO()
    s3.download_fileobj(bucket, "k", received, Config=config)
    assert received.getvalue() == DATA


def test_parts_make_an_object_and_can_be_read_across_their_borders(s3, bucket, s3_server):
    upload = begin(s3, bucket, ContentType="text/plain", Metadata={"a": "b"})
    last = send(s3, bucket, upload, 7, DATA[LEAST:])
    first = send(s3, bucket, upload, 2, DATA[:LEAST])
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    done = complete(s3, bucket, upload, [first, last])
    digests = hashlib.md5(DATA[:LEAST]).digest() + hashlib.md5(DATA[LEAST:]).digest()
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == DATA
    assert (got["ContentType"], got["Metadata"]) == ("text/plain", {"a": "b"})
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={LEAST - 2}-{LEAST + 1}")
    assert across["Body"].read() == DATA[LEAST - 2 : LEAST + 2]
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (DATA[LEAST:], 2)
    assert files(s3_server) == 2
    s3.delete_object(Bucket=bucket, Key="k")
    assert files(s3_server) == 0


def test_parts_that_are_sent_again_or_left_out_do_not_stay(s3, bucket, s3_server):
    upload = begin(s3, bucket)
    send(s3, bucket, upload, 1, b"wrong")
    right = send(s3, bucket, upload, 1, b"right")
    send(s3, bucket, upload, 2, b"left out")
    complete(s3, bucket, upload, [right])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"right"
    assert files(s3_server) == 1


def test_an_upload_that_is_aborted_leaves_nothing(s3, bucket, s3_server):
    upload = begin(s3, bucket)
    part = send(s3, bucket, upload, 1, b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert files(s3_server) == 0
    assert code_of(complete, s3=s3, bucket=bucket, upload=upload, parts=[part]) == ("NoSuchUpload", 404)
    assert code_of(s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload) == ("NoSuchUpload", 404)


def test_completions_that_do_not_fit_are_refused_and_the_upload_goes_on(s3, bucket):
    upload = begin(s3, bucket)
    small, other = send(s3, bucket, upload, 1, b"small"), send(s3, bucket, upload, 2, b"other")

    def end(*parts: dict[str, Any], **settings: Any) -> Any:
        return complete(s3, bucket, upload, list(parts), **settings)

    with pytest.raises(Exception, match="EntityTooSmall"):
        end(small, other)
    with pytest.raises(Exception, match="InvalidPartOrder"):
        end(other, small)
    with pytest.raises(Exception, match="InvalidPart"):
        end({"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'})
    with pytest.raises(Exception, match="InvalidPart"):
        end({"PartNumber": 9, "ETag": small["ETag"]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    with pytest.raises(Exception, match="PreconditionFailed"):
        end(small, IfNoneMatch="*")
    end(small)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"small"


def test_part_numbers_have_limits(s3, bucket):
    upload = begin(s3, bucket)
    for number in (0, 10_001):
        assert code_of(s3.upload_part, Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=b"") == (
            "InvalidArgument",
            400,
        )


def test_the_checksum_of_a_whole_is_put_together_from_those_of_its_parts(s3, bucket):
    whole = s3.put_object(Bucket=bucket, Key="whole", Body=DATA, ChecksumAlgorithm="CRC32")
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [send(s3, bucket, upload, 1, DATA[:LEAST]), send(s3, bucket, upload, 2, DATA[LEAST:])]
    done = complete(s3, bucket, upload, parts)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole["ChecksumCRC32"], "FULL_OBJECT")


def test_parts_are_copied_from_objects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=DATA)
    upload = begin(s3, bucket)
    ranges = [f"bytes=0-{LEAST - 1}", f"bytes={LEAST}-{len(DATA) - 1}"]
    parts = []
    for number, extent in enumerate(ranges, start=1):
        copied = s3.upload_part_copy(
            Bucket=bucket,
            Key="k",
            UploadId=upload,
            PartNumber=number,
            CopySource=f"{bucket}/source",
            CopySourceRange=extent,
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    complete(s3, bucket, upload, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == DATA


def test_a_copy_of_an_object_that_came_in_parts_has_the_digest_of_the_whole(s3, bucket):
    upload = begin(s3, bucket)
    complete(s3, bucket, upload, [send(s3, bucket, upload, 1, b"123456789")])
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert s3.head_object(Bucket=bucket, Key="copy")["ETag"] == f'"{hashlib.md5(b"123456789").hexdigest()}"'


def test_uploads_and_parts_are_listed_in_pages(s3, bucket):
    uploads = [s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("a", "a", "b/1", "b/2")]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [entry["UploadId"] for page in pages for entry in page.get("Uploads", [])] == uploads
    folders = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in folders["CommonPrefixes"]] == ["b/"]
    for number in (1, 5, 9):
        s3.upload_part(Bucket=bucket, Key="a", UploadId=uploads[0], PartNumber=number, Body=b"x")
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="a", UploadId=uploads[0], PaginationConfig={"PageSize": 2}
    )
    assert [part["PartNumber"] for page in pages for part in page.get("Parts", [])] == [1, 5, 9]
