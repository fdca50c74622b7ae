"""Which API a request is for, in which region, and who may not send it."""

import pytest

from globule.endpoint.catalogue import api_of
from globule.endpoint.guard import refusal
from globule.endpoint.scope import Scope, credential_scope
from globule.wire.http import Headers, Request

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def request(target: str = "/", **headers: str) -> Request:
    fields = [("host", "127.0.0.1:4566"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Request(method="POST", target=target, headers=Headers(dict(fields).items()))


def test_the_region_and_service_come_from_the_credential_scope() -> None:
    scope = credential_scope(request(authorization=SIGNED.format("dynamodb")))
    assert scope == Scope(access_key="AKID", region="eu-west-1", service="dynamodb")


def test_a_presigned_url_says_its_scope_in_the_query() -> None:
    scope = credential_scope(request("/b/k?X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"))
    assert scope == Scope(access_key="AKID", region="us-east-1", service="s3")


@pytest.mark.parametrize("authorization", ["", "Basic abc", "AWS4-HMAC-SHA256 Credential=a/b/c, x", "Credential="])
def test_an_anonymous_or_malformed_request_has_no_scope(authorization: str) -> None:
    assert credential_scope(request(authorization=authorization)) is None


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (request(x_amz_target="DynamoDB_20120810.PutItem"), "dynamodb"),
        (request(x_amz_target="DynamoDBStreams_20120810.GetRecords"), "dynamodb"),
        (request(host="dynamodb.eu-west-1.amazonaws.com"), "dynamodb"),
        (request(host="bucket.s3.eu-west-1.amazonaws.com", authorization=SIGNED.format("s3")), "s3"),
        (request("/2015-03-31/functions/f/invocations"), "awslambda"),
        (request(authorization=SIGNED.format("lambda")), "awslambda"),
    ],
)
def test_an_api_is_recognised(asked: Request, name: str) -> None:
    api = api_of(asked)
    assert api is not None and api.name == name


def test_an_api_that_is_not_served_is_not_mistaken_for_another() -> None:
    assert api_of(request(authorization=SIGNED.format("sqs"))) is None
    assert api_of(request(x_amz_target="AmazonSQS.SendMessage", authorization=SIGNED.format("sqs"))) is None


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "dynamodb.eu-west-1.amazonaws.com", "127.10.3.1"])
def test_aws_clients_are_let_in(host: str) -> None:
    assert refusal(request(host=host)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example.com"},
        {"host": "127.0.0.1.example.com"},
        {"origin": "https://example.com"},
        {"origin": "https://bucket.s3.us-east-1.amazonaws.com"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_a_web_page_of_another_site_is_kept_out(headers: dict[str, str]) -> None:
    assert refusal(request(**headers)) is not None


@pytest.mark.parametrize("origin", ["http://chat.example.com.tokyo.localhost:4580", "http://[::1]:8000"])
def test_a_page_of_this_machine_is_let_in(origin: str) -> None:
    assert refusal(request(origin=origin)) is None


def test_a_second_origin_does_not_hide_behind_a_first() -> None:
    asked = request(origin="http://localhost:4580")
    asked.headers.add("origin", "https://example.com")
    assert refusal(asked) is not None
