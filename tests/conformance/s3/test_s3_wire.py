"""What no SDK sends, and what crashes leave behind."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import socket
import threading
from typing import Any

import pytest
from s3_server import S3Server, keys

LARGE = os.urandom(3 * 1024 * 1024)


@pytest.fixture
def base(s3_server: S3Server, bucket: str) -> str:
    return "http://{}:{}".format(*s3_server.address)


def files(folder: Any) -> list[Any]:
    return [path for path in (folder / "objects").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        ("GET", "/photos/%ff", None, b"InvalidURI"),
        ("GET", "/photos?prefix=%ff", None, b"InvalidURI"),
        ("GET", "/photos?" + "&".join(f"a{n}=1" for n in range(200)), None, b"InvalidURI"),
        ("POST", "/photos", b"", b"NotImplemented"),
        ("GET", "/photos?acl", None, b"?acl of a bucket is not implemented here"),
        ("PATCH", "/photos/k", b"", b"MethodNotAllowed"),
        ("PUT", "/photos?versioning", b"<VersioningConfiguration>", b"MalformedXML"),
        ("PUT", "/photos?versioning", b"<Other/>", b"MalformedXML"),
        ("PUT", "/photos?versioning", b'<!DOCTYPE a [<!ENTITY b "c">]><VersioningConfiguration/>', b"MalformedXML"),
        ("PUT", "/photos?versioning", b"<a>" * 10_000, b"MalformedXML"),
        ("PUT", "/photos?versioning", b"\xff\xfe\x00", b"MalformedXML"),
        ("PUT", "/photos?versioning", b"", b"MalformedXML"),
        ("POST", "/photos?delete", b"<Delete><Object><Key>k</Key></Object></Delete>", b"Content-MD5"),
        ("POST", "/photos/k?uploadId=x", b"<CompleteMultipartUpload/>", b"NoSuchUpload"),
        ("PUT", "/photos/k?uploadId=x&partNumber=1", b"", b"NoSuchUpload"),
        ("GET", "/photos/k?X-Amz-Signature=x&X-Amz-Date=x&X-Amz-Expires=1", None, b"AuthorizationQueryParametersError"),
        (
            "GET",
            "/photos/k?X-Amz-Signature=x&X-Amz-Date=20260101T000000Z&X-Amz-Expires=9999999",
            None,
            b"less than a week",
        ),
        ("GET", "/photos/k?Signature=x&Expires=1", None, b"Request has expired"),
    ],
)
def test_malformed_requests_get_the_error_that_names_the_fault(base, http_status, method, target, body, expected):
    status, headers, answer = http_status(method, base + target, body)
    assert 400 <= status < 600
    assert headers["content-type"] == "application/xml"
    assert expected in answer
    assert len(headers["x-amz-request-id"]) == 16


def test_markup_in_keys_is_escaped(base, http_status):
    signed = {"Authorization": "AWS test:signature"}
    _, _, body = http_status("GET", f"{base}/photos/%3Cb%3E%26%01", headers=signed)
    assert b"<Key>&lt;b&gt;&amp;&#x1;</Key>" in body
    assert b"NoSuchKey" in body


def test_a_body_in_the_aws_chunked_coding_is_decoded(base, http_status, s3):
    coded = b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
    headers = {
        "content-encoding": "aws-chunked,gzip",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "5",
    }
    assert http_status("PUT", f"{base}/photos/k", coded, headers)[0] == 200
    got = s3.get_object(Bucket="photos", Key="k")
    assert (got["Body"].read(), got["ContentEncoding"]) == (b"hello", "gzip")


@pytest.mark.parametrize(
    ("coded", "length", "expected"),
    [
        (b"5\r\nhello\r\n", "5", b"IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", "6", b"IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", "4", b"IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", "x", b"InvalidArgument"),
        (b"zz\r\nhello\r\n0\r\n\r\n", "5", b"no chunk size"),
        (b"3\r\nhello\r\n0\r\n\r\n", "3", b"longer than its size"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5", b"BadDigest"),
        (b"5\r\nhello\r\n0\r\n\r\n", "5", b"did not come"),
        (b"x" * 4000, "5", b"too long"),
    ],
)
def test_broken_aws_chunked_bodies_are_refused(base, http_status, s3, s3_server, coded, length, expected):
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": length,
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    status, _, body = http_status("PUT", f"{base}/photos/k", coded, headers)
    assert status == 400
    assert expected in body
    assert keys(s3.list_objects_v2(Bucket="photos")) == []
    assert not files(s3_server.folder)


def test_a_body_whose_sha256_is_wrong_is_refused(base, http_status):
    headers = {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    status, _, body = http_status("PUT", f"{base}/photos/k", b"hello", headers)
    assert (status, b"XAmzContentSHA256Mismatch" in body) == (400, True)


def test_an_upload_that_breaks_off_leaves_nothing(s3, s3_server, bucket, eventually):
    with socket.create_connection(s3_server.address) as connection:
        head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2 * len(LARGE)}\r\n\r\n"
        connection.sendall(head.encode() + LARGE)
        eventually(lambda: files(s3_server.folder))
    eventually(lambda: not files(s3_server.folder))
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_readers_of_an_object_that_is_overwritten_get_the_old_one_whole(s3, s3_server, bucket, eventually):
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    connection = http.client.HTTPConnection(*s3_server.address, timeout=30)
    connection.request("GET", f"/{bucket}/k")
    response = connection.getresponse()
    start = response.read(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert start + response.read() == LARGE
    connection.close()
    eventually(lambda: len(files(s3_server.folder)) == 1)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_writers_of_one_key_leave_one_whole_object(s3_server, bucket):
    bodies = [bytes([number]) * 300_000 for number in range(6)]

    def write(body: bytes) -> None:
        client = s3_server.client()
        client.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(body))
        client.close()

    writers = [threading.Thread(target=write, args=(body,)) for body in bodies]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    client = s3_server.client()
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() in bodies
    client.close()
    assert len(files(s3_server.folder)) == 1


def test_everything_is_there_after_a_restart_and_lost_files_are_not(tmp_path, eventually):
    with S3Server(tmp_path, "us-east-1").running() as server:
        s3 = server.client()
        s3.create_bucket(Bucket="photos")
        s3.put_object(Bucket="photos", Key="k", Body=LARGE, Metadata={"a": "b"})
        upload = s3.create_multipart_upload(Bucket="photos", Key="parts")["UploadId"]
        part = s3.upload_part(Bucket="photos", Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
        s3.close()
    kept = set(files(tmp_path))
    lost = tmp_path / "objects" / "blobs" / "00" / ("0" * 32)
    lost.parent.mkdir(exist_ok=True)
    for leftover in (lost, tmp_path / "objects" / "incoming" / ("1" * 32)):
        leftover.write_bytes(b"a crash came before its record")
    with S3Server(tmp_path, "us-east-1").running() as server:
        s3 = server.client()
        got = s3.get_object(Bucket="photos", Key="k")
        assert (got["Body"].read(), got["Metadata"]) == (LARGE, {"a": "b"})
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        server.follow()
        eventually(lambda: set(files(tmp_path)) == kept)
        eventually(lambda: server.service.statistics()["files_swept"] == 1)
        s3.complete_multipart_upload(Bucket="photos", Key="parts", UploadId=upload, MultipartUpload=parts)
        assert s3.get_object(Bucket="photos", Key="parts")["Body"].read() == b"part"
        s3.close()
