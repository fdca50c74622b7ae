"""Objects, through boto3."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from s3_server import code_of, keys

from globule.s3.model import Bucket, BucketPolicy

MEBIBYTE = 1024 * 1024


def test_what_is_put_can_be_got(s3, bucket):
    put = s3.put_object(
        Bucket=bucket,
        Key="a/b.txt",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="max-age=60",
        ContentDisposition="attachment",
        ContentLanguage="en",
        Metadata={"Colour": "blue"},
    )
    assert put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    got = s3.get_object(Bucket=bucket, Key="a/b.txt")
    assert got["Body"].read() == b"hello"
    assert got["ContentType"] == "text/plain"
    assert got["CacheControl"] == "max-age=60"
    assert got["ContentDisposition"] == "attachment"
    assert got["Metadata"] == {"colour": "blue"}
    assert got["ServerSideEncryption"] == "AES256"
    assert abs(got["LastModified"] - datetime.now(UTC)) < timedelta(seconds=10)
    head = s3.head_object(Bucket=bucket, Key="a/b.txt")
    assert head["ContentLength"] == 5
    assert head["ETag"] == put["ETag"]


def test_an_empty_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty")
    got = s3.get_object(Bucket=bucket, Key="empty")
    assert got["Body"].read() == b""
    assert got["ContentType"] == "binary/octet-stream"
    assert got["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/", "//a", "a b+c%2F", "ключ/鍵", "a?b#c&d=e", ".", "con", "x" * 1024, "a\\b", "-\n-"]
)
def test_hostile_keys_are_only_names(s3, bucket, s3_server, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    assert keys(s3.list_objects(Bucket=bucket)) == [key]
    files = [path for path in (s3_server.folder / "objects").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert len(files[0].name) == 32
    s3.delete_object(Bucket=bucket, Key=key)
    assert not s3.list_objects_v2(Bucket=bucket).get("Contents")
    assert not files[0].exists()


def test_a_key_that_is_too_long_is_refused(s3, bucket):
    assert code_of(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == ("KeyTooLongError", 400)


def test_a_large_body_streams_both_ways(s3, bucket):
    data = os.urandom(5 * MEBIBYTE + 17)
    s3.put_object(Bucket=bucket, Key="large", Body=io.BytesIO(data))
    got = s3.get_object(Bucket=bucket, Key="large")
    assert got["ContentLength"] == len(data)
    assert hashlib.sha256(got["Body"].read()).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=3-5", b"345", "bytes 3-5/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-500", b"56789", "bytes 5-9/10"),
        ("bytes=-500", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_ranges(s3, bucket, asked, content, told):
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="digits", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["Body"].read() == content
    assert got["ContentRange"] == told


def test_a_range_beyond_the_end_is_an_error_and_a_malformed_one_is_ignored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    assert code_of(s3.get_object, Bucket=bucket, Key="digits", Range="bytes=10-") == ("InvalidRange", 416)
    assert s3.get_object(Bucket=bucket, Key="digits", Range="bytes=5-3")["Body"].read() == b"0123456789"


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"v")["ETag"]
    now = datetime.now(UTC)
    hour = timedelta(hours=1)

    def get(**conditions: Any) -> Any:
        return s3.get_object(Bucket=bucket, Key="k", **conditions)

    assert get(IfMatch=etag, IfUnmodifiedSince=now - hour)["Body"].read() == b"v"
    assert code_of(get, IfMatch='"x"') == ("PreconditionFailed", 412)
    assert code_of(get, IfUnmodifiedSince=now - hour) == ("PreconditionFailed", 412)
    assert code_of(get, IfNoneMatch=etag) == ("304", 304)
    assert code_of(get, IfNoneMatch=etag, IfModifiedSince=now - hour) == ("304", 304)
    assert code_of(get, IfModifiedSince=now + hour) == ("304", 304)
    assert get(IfNoneMatch='"x"', IfModifiedSince=now + hour)["Body"].read() == b"v"


def test_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"') == ("PreconditionFailed", 412)
    assert code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch='"x"') == ("NoSuchKey", 404)
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first["ETag"]) == ("PreconditionFailed", 412)


def test_a_body_that_is_not_what_the_client_said_is_refused_and_leaves_nothing(s3, bucket, s3_server):
    wrong = "1B2M2Y8AsgTpgAmY7PhCfg=="
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5=wrong) == ("BadDigest", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5="?") == ("InvalidDigest", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==") == ("BadDigest", 400)
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert not [path for path in (s3_server.folder / "objects").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("CRC32", "y/Q5Jg=="),
        ("CRC32C", "4waSgw=="),
        ("CRC64NVME", "rosUhgp5mIg="),
        ("SHA1", base64.b64encode(hashlib.sha1(b"123456789").digest()).decode()),
        ("SHA256", base64.b64encode(hashlib.sha256(b"123456789").digest()).decode()),
    ],
)
def test_checksums_are_verified_kept_and_given_back(s3, bucket, algorithm, value):
    """The CRCs are the published check values of these algorithms."""
    body = b"123456789"
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, **{f"Checksum{algorithm}": value})
    assert put[f"Checksum{algorithm}"] == value
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[f"Checksum{algorithm}"] == value
    assert got["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumType"] == "FULL_OBJECT"


def test_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"v", Metadata={"x": "1"}, ContentType="text/plain", Tagging="t=1")
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"})
    assert copied["CopyObjectResult"]["ETag"] == s3.head_object(Bucket=bucket, Key="a b/ü")["ETag"]
    s3.delete_object(Bucket=bucket, Key="a b/ü")
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"], got["TagCount"]) == (
        b"v",
        {"x": "1"},
        "text/plain",
        1,
    )
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=f"{bucket}/copy", MetadataDirective="REPLACE", Metadata={"y": "2"}
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"y": "2"}
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"v"


def test_copies_that_cannot_be(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert code_of(s3.copy_object, Bucket=bucket, Key="k", CopySource=f"{bucket}/k") == ("InvalidRequest", 400)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/none") == ("NoSuchKey", 404)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource="none/k") == ("NoSuchBucket", 404)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", CopySourceIfMatch='"x"') == (
        "PreconditionFailed",
        412,
    )


def test_several_keys_are_deleted_at_once_also_those_that_are_not_there(s3, bucket):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"v")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "c"}, {"Key": "none"}]})
    assert [deleted["Key"] for deleted in done["Deleted"]] == ["a", "c", "none"]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["b"]
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert s3.delete_object(Bucket=bucket, Key="b")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_tags_of_objects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", Tagging="a=1&b=%20")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": " "},
    ]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    eleven = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=eleven) == ("InvalidTag", 400)


def test_what_is_not_implemented_is_refused_by_name(s3, bucket):
    assert code_of(s3.put_object_acl, Bucket=bucket, Key="k", ACL="private")[0] == "NotImplemented"
    assert code_of(s3.get_bucket_policy, Bucket=bucket)[0] == "NotImplemented"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == ("AccessControlListNotSupported", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", StorageClass="GLACIER") == ("NotImplemented", 501)


def test_metadata_over_the_limit_is_refused(s3, bucket):
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Metadata={"a": "x" * 2048}) == ("MetadataTooLarge", 400)


def test_presigned_addresses_work_until_they_expire(s3, bucket, http_status):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"v")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x"})
    status, headers, body = http_status("GET", url)
    assert (status, headers["content-type"], body) == (200, "text/x", b"v")
    upload = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "new"})
    assert http_status("PUT", upload, b"posted")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"posted"
    expired = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"}, ExpiresIn=1)
    deadline = time.monotonic() + 10
    while http_status("GET", expired)[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    status, _, body = http_status("GET", expired)
    assert status == 403
    assert b"<Message>Request has expired</Message>" in body


def test_a_missing_key_looks_forbidden_to_those_who_may_not_list(s3_server, s3, http_status):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax, "Permissions"."""
    site = Bucket(name="site")
    s3_server.follow(site)
    base = "http://{}:{}/site".format(*s3_server.address)
    s3.put_object(Bucket="site", Key="there", Body=b"1")
    assert http_status("GET", f"{base}/there")[0] == 200, "nobody is kept out of what is there"
    by_cloudfront = {"Authorization": "AWS4-HMAC-SHA256 Credential=CLOUDFRONT/20080101/us-east-1/s3/aws4_request"}
    for headers in ({}, by_cloudfront):
        status, _, body = http_status("GET", f"{base}/none", headers=headers)
        assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
        assert http_status("HEAD", f"{base}/none", headers=headers)[0] == 403
    presigned = s3.generate_presigned_url("get_object", {"Bucket": "site", "Key": "none"})
    assert http_status("GET", presigned)[0] == 404, "the account may list"
    s3_server.follow(site, policies=(BucketPolicy(bucket="site", allows_listing=True),), version=2)
    assert http_status("GET", f"{base}/none")[0] == 404
