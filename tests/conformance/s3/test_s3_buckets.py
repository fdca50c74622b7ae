"""Buckets: by the API, and by templates."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from s3_server import S3Server, code_of, keys

from globule.s3.model import Bucket, CorsRule, Website

HERE = {"LocationConstraint": "eu-west-1"}


def test_buckets_are_made_listed_and_deleted(s3):
    for name in ("b-two", "a.one"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=HERE)
    assert [entry["Name"] for entry in s3.list_buckets()["Buckets"]] == ["a.one", "b-two"]
    assert s3.head_bucket(Bucket="a.one")["BucketRegion"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket="a.one")["LocationConstraint"] == "eu-west-1"
    s3.delete_bucket(Bucket="a.one")
    assert code_of(s3.head_bucket, Bucket="a.one") == ("404", 404)
    assert code_of(s3.delete_bucket, Bucket="a.one") == ("NoSuchBucket", 404)


def test_buckets_that_cannot_be_made(s3, bucket):
    assert code_of(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=HERE) == ("BucketAlreadyOwnedByYou", 409)
    assert code_of(s3.create_bucket, Bucket="Upper", CreateBucketConfiguration=HERE) == ("InvalidBucketName", 400)
    elsewhere = {"LocationConstraint": "us-west-2"}
    illegal = ("IllegalLocationConstraintException", 400)
    assert code_of(s3.create_bucket, Bucket="abc", CreateBucketConfiguration=elsewhere) == illegal
    assert code_of(s3.create_bucket, Bucket="abc") == illegal


def test_the_first_region_needs_no_location_and_forgives_repetition(tmp_path):
    with S3Server(tmp_path, "us-east-1").running() as server:
        s3 = server.client()
        s3.create_bucket(Bucket="abc")
        s3.create_bucket(Bucket="abc")
        assert s3.get_bucket_location(Bucket="abc")["LocationConstraint"] is None
        s3.close()


def test_a_bucket_with_objects_stays_as_it_is_and_one_with_unfinished_uploads_goes(s3, s3_server, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert code_of(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    assert len(s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]) == 1
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert not [path for path in (s3_server.folder / "objects").rglob("*") if path.is_file()]


def test_settings_of_buckets(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    tags = [{"Key": "team", "Value": "maps"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_other_origins_are_answered_as_the_rules_say(s3, s3_server, bucket, http_status):
    assert code_of(s3.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)
    rule = {
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedMethods": ["GET"],
        "AllowedHeaders": ["x-*"],
        "MaxAgeSeconds": 5,
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    url = "http://{}:{}/{}/k".format(*s3_server.address, bucket)
    origin = {"Origin": "https://a.example.com"}
    assert http_status("GET", url, headers=origin)[1]["access-control-allow-origin"] == "https://a.example.com"
    assert "access-control-allow-origin" not in http_status("GET", url, headers={"Origin": "https://evil.test"})[1]
    ask = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-A"}
    status, headers, _ = http_status("OPTIONS", url, headers=ask)
    assert (status, headers["access-control-max-age"], headers["access-control-allow-headers"]) == (200, "5", "x-a")
    assert http_status("OPTIONS", url, headers={**ask, "Access-Control-Request-Method": "PUT"})[0] == 403
    s3.delete_bucket_cors(Bucket=bucket)
    assert http_status("OPTIONS", url, headers=ask)[0] == 403


def test_a_bucket_of_a_template_comes_changes_and_goes(s3, s3_server):
    s3_server.follow(Bucket(name="site", versioning="Enabled", tags={"a": "b"}))
    assert s3.get_bucket_versioning(Bucket="site")["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket="site")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_bucket_tagging(Bucket="site", Tagging={"TagSet": []})
    s3_server.follow(Bucket(name="site", versioning="Enabled", tags={"a": "b"}), version=2)
    assert code_of(s3.get_bucket_tagging, Bucket="site") == ("NoSuchTagSet", 404)
    s3_server.follow(Bucket(name="site", cors=(CorsRule(origins=("*",), methods=("GET",)),)), version=3)
    assert s3.get_bucket_versioning(Bucket="site")["Status"] == "Suspended"
    assert len(s3.get_bucket_cors(Bucket="site")["CORSRules"]) == 1
    s3_server.follow(version=4)
    assert code_of(s3.head_bucket, Bucket="site") == ("404", 404)


def test_a_bucket_of_a_template_that_holds_objects_outlives_it(s3, s3_server):
    s3_server.follow(Bucket(name="site"))
    s3.put_object(Bucket="site", Key="k", Body=b"v")
    s3_server.follow(version=2)
    assert keys(s3.list_objects_v2(Bucket="site")) == ["k"]


def test_a_bucket_of_another_region_is_pointed_to(s3, s3_server):
    s3_server.follow(elsewhere=(Bucket(name="far"),))
    with pytest.raises(ClientError) as caught:
        s3.list_objects_v2(Bucket="far")
    error = caught.value.response
    assert error["Error"]["Code"] == "PermanentRedirect"
    assert error["Error"]["Endpoint"] == "far.s3.us-west-2.amazonaws.com"
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-west-2"


@pytest.fixture
def website(s3: Any, s3_server: S3Server) -> str:
    s3_server.follow(Bucket(name="site", website=Website(index="index.html", error="error.html")), Bucket(name="plain"))
    for key in ("index.html", "error.html", "docs/index.html"):
        s3.put_object(Bucket="site", Key=key, Body=key.encode(), ContentType="text/html")
    s3.put_object(Bucket="site", Key="old", Body=b"", WebsiteRedirectLocation="/new")
    return "http://{}:{}".format(*s3_server.address)


def test_websites(website, http_status):
    host = {"Host": "site.s3-website-eu-west-1.amazonaws.com"}
    assert http_status("GET", f"{website}/", headers=host)[2] == b"index.html"
    assert http_status("GET", f"{website}/docs/", headers=host)[2] == b"docs/index.html"
    status, headers, _ = http_status("GET", f"{website}/docs", headers=host)
    assert (status, headers["location"]) == (302, "/docs/")
    status, headers, _ = http_status("GET", f"{website}/old", headers=host)
    assert (status, headers["location"]) == (301, "/new")
    status, headers, body = http_status("GET", f"{website}/none", headers=host)
    assert (status, headers["content-type"], body) == (404, "text/html", b"error.html")
    assert http_status("PUT", f"{website}/x", b"y", headers=host)[0] == 405
    plain = http_status("GET", f"{website}/", headers={"Host": "plain.s3-website-eu-west-1.amazonaws.com"})
    assert (plain[0], b"NoSuchWebsiteConfiguration" in plain[2]) == (404, True)


def test_which_hosts_are_ours(s3_server, website):
    serves = s3_server.service.serves
    assert serves("site.s3.eu-west-1.amazonaws.com")
    assert serves("a.b.s3.eu-west-1.amazonaws.com")
    assert serves("site.s3.amazonaws.com")
    assert serves("site.s3-website-eu-west-1.amazonaws.com")
    assert not serves("s3.eu-west-1.amazonaws.com")
    assert not serves("other.s3.amazonaws.com")
    assert not serves("site.s3.us-west-2.amazonaws.com")
    assert not serves("example.com")


@pytest.mark.parametrize("host", ["site.s3.eu-west-1.amazonaws.com", "site.s3.localhost", "site.localhost:4566"])
def test_virtual_hosts(website, http_status, host):
    assert http_status("GET", f"{website}/docs/index.html", headers={"Host": host})[2] == b"docs/index.html"
