"""Listings, through boto3."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from s3_server import code_of, keys

TREE = ("a/1", "a/2", "a/b/3", "b", "c/4", "c0", "é", "𐀀")


@pytest.fixture
def tree(s3: Any, bucket: str) -> str:
    for key in TREE:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def prefixes(listing: dict[str, Any]) -> list[str]:
    return [entry["Prefix"] for entry in listing.get("CommonPrefixes", [])]


def test_keys_come_in_order_of_their_bytes(s3, tree):
    listing = s3.list_objects_v2(Bucket=tree)
    assert keys(listing) == sorted(TREE, key=str.encode)
    assert listing["KeyCount"] == len(TREE)
    assert not listing["IsTruncated"]
    entry = listing["Contents"][0]
    assert (entry["Size"], entry["StorageClass"]) == (3, "STANDARD")
    assert entry["ETag"] == s3.head_object(Bucket=tree, Key="a/1")["ETag"]
    assert "Owner" not in entry
    assert "Owner" in s3.list_objects_v2(Bucket=tree, FetchOwner=True)["Contents"][0]


def test_a_delimiter_makes_folders(s3, tree):
    top = s3.list_objects_v2(Bucket=tree, Delimiter="/")
    assert (keys(top), prefixes(top)) == (["b", "c0", "é", "𐀀"], ["a/", "c/"])
    inner = s3.list_objects_v2(Bucket=tree, Delimiter="/", Prefix="a/")
    assert (keys(inner), prefixes(inner)) == (["a/1", "a/2"], ["a/b/"])
    assert keys(s3.list_objects_v2(Bucket=tree, Prefix="c")) == ["c/4", "c0"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_join_up(s3, tree, size, delimiter):
    whole = s3.list_objects_v2(Bucket=tree, Delimiter=delimiter)
    for operation in ("list_objects_v2", "list_objects"):
        pages = list(
            s3.get_paginator(operation).paginate(Bucket=tree, Delimiter=delimiter, PaginationConfig={"PageSize": size})
        )
        assert [key for page in pages for key in keys(page)] == keys(whole)
        assert [prefix for page in pages for prefix in prefixes(page)] == prefixes(whole)
        assert all(len(keys(page)) + len(prefixes(page)) <= size for page in pages)


def test_starting_after_a_key(s3, tree):
    assert keys(s3.list_objects_v2(Bucket=tree, StartAfter="b")) == ["c/4", "c0", "é", "𐀀"]
    assert keys(s3.list_objects(Bucket=tree, Marker="a/2"))[0] == "a/b/3"
    after = s3.list_objects_v2(Bucket=tree, Delimiter="/", StartAfter="a/")
    assert prefixes(after) == ["c/"]
    inside = s3.list_objects_v2(Bucket=tree, Delimiter="/", StartAfter="a/1")
    assert prefixes(inside) == ["a/", "c/"]


def test_a_page_of_nothing_and_a_page_that_is_too_large(s3, tree):
    empty = s3.list_objects_v2(Bucket=tree, MaxKeys=0)
    assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)
    assert s3.list_objects_v2(Bucket=tree, MaxKeys=5000)["MaxKeys"] == 1000


def test_questions_that_make_no_sense_are_refused(s3, tree):
    assert code_of(s3.list_objects_v2, Bucket=tree, ContinuationToken="?") == ("InvalidArgument", 400)
    assert code_of(s3.list_objects_v2, Bucket=tree, MaxKeys=-1) == ("InvalidArgument", 400)
    assert code_of(s3.list_objects_v2, Bucket="no-such-bucket") == ("NoSuchBucket", 404)
    forged = base64.b64encode(b"\xff\xfe").decode()
    assert code_of(s3.list_objects_v2, Bucket=tree, ContinuationToken=forged) == ("InvalidArgument", 400)


def test_every_version_is_listed_newest_first(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]))["VersionId"] for number in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    other = s3.put_object(Bucket=bucket, Key="z", Body=b"")["VersionId"]
    listing = s3.list_object_versions(Bucket=bucket)
    assert [(v["Key"], v["VersionId"], v["IsLatest"]) for v in listing["Versions"]] == [
        ("k", ids[2], False),
        ("k", ids[1], False),
        ("k", ids[0], False),
        ("z", other, True),
    ]
    assert [(v["Key"], v["VersionId"], v["IsLatest"]) for v in listing["DeleteMarkers"]] == [("k", marker, True)]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["z"]
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1}))
    assert len(pages) == 5
    assert [v["VersionId"] for page in pages for v in page.get("Versions", [])] == [*reversed(ids), other]
    assert [v["IsLatest"] for page in pages for v in page.get("Versions", [])] == [False, False, False, True]
