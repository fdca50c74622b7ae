"""Versions and delete markers, through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from s3_server import code_of


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def body(s3: Any, bucket: str, key: str, version: str | None = None) -> bytes:
    which = {} if version is None else {"VersionId": version}
    return s3.get_object(Bucket=bucket, Key=key, **which)["Body"].read()


def test_a_bucket_without_versioning_keeps_the_last(s3, bucket, s3_server):
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert body(s3, bucket, "k") == b"2"
    assert len([path for path in (s3_server.folder / "objects").rglob("*") if path.is_file()]) == 1


def test_older_versions_stay(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    assert first != second
    assert body(s3, versioned, "k") == b"2"
    assert body(s3, versioned, "k", first) == b"1"
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == second
    assert code_of(s3.get_object, Bucket=versioned, Key="k", VersionId="none") == ("NoSuchVersion", 404)


def test_deleting_hides_and_deleting_the_marker_shows_again(s3, versioned):
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"]
    assert code_of(s3.get_object, Bucket=versioned, Key="k") == ("NoSuchKey", 404)
    assert code_of(s3.get_object, Bucket=versioned, Key="k", VersionId=deleted["VersionId"]) == (
        "MethodNotAllowed",
        405,
    )
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, deleted["VersionId"])
    assert body(s3, versioned, "k") == b"1"


def test_a_version_that_is_deleted_is_gone_for_good(s3, versioned, s3_server):
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    assert "DeleteMarker" not in s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    assert code_of(s3.get_object, Bucket=versioned, Key="k") == ("NoSuchKey", 404)
    assert not [path for path in (s3_server.folder / "objects").rglob("*") if path.is_file()]


def test_what_was_there_before_versioning_is_the_null_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert body(s3, bucket, "k", "null") == b"old"


def test_suspended_versioning_replaces_only_the_null_version(s3, versioned):
    kept = s3.put_object(Bucket=versioned, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=versioned)["Status"] == "Suspended"
    assert s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"] == "null"
    s3.put_object(Bucket=versioned, Key="k", Body=b"2")
    assert body(s3, versioned, "k") == b"2"
    assert s3.delete_object(Bucket=versioned, Key="k")["VersionId"] == "null"
    assert code_of(s3.get_object, Bucket=versioned, Key="k") == ("NoSuchKey", 404)
    versions = s3.list_object_versions(Bucket=versioned)
    assert [version["VersionId"] for version in versions["Versions"]] == [kept]
    assert body(s3, versioned, "k", kept) == b"kept"


def test_several_deletions_at_once_make_markers_of_their_own(s3, versioned):
    for key in ("a", "b"):
        s3.put_object(Bucket=versioned, Key=key, Body=b"1")
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})["Deleted"]
    ids = {entry["DeleteMarkerVersionId"] for entry in done}
    assert len(ids) == 2
    assert all(entry["DeleteMarker"] for entry in done)


def test_an_old_version_is_copied_and_its_copy_is_a_new_one(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old
    assert copied["VersionId"] != old
    assert body(s3, versioned, "k") == b"old"


def test_a_bucket_with_versions_cannot_be_deleted(s3, versioned):
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    s3.delete_object(Bucket=versioned, Key="k")
    assert code_of(s3.delete_bucket, Bucket=versioned) == ("BucketNotEmpty", 409)
