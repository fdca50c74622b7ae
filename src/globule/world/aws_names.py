"""Names under AWS's own domains: which service, which region, and whose.

    d111111abcdef8.cloudfront.net                    a distribution
    abcdef.execute-api.eu-west-1.amazonaws.com       an API, or a custom domain's regional name
    photos.s3.eu-west-1.amazonaws.com                a bucket, in all the forms of
                                                     https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    abcdef.lambda-url.eu-west-1.on.aws               a function URL
    front-123.eu-west-1.elb.amazonaws.com            a load balancer
    dynamodb.eu-west-1.amazonaws.com                 an API of AWS

This reads names; whether such a thing exists is for the world to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec


class AwsName(msgspec.Struct, frozen=True):
    """A name that AWS owns, taken apart."""

    service: str
    """`cloudfront`, `execute-api`, `lambda-url`, `s3`, `s3-website`, `s3-accelerate`, `elasticloadbalancing`,
    `globalaccelerator`, or the host prefix of an API such as `dynamodb` or `streams.dynamodb`."""
    region: str | None = None
    """None where the name is global."""
    label: str = ""
    """The bucket, API, function URL, distribution, load balancer or accelerator; empty for the service itself."""


# What a browser or a program outside may reach without credentials: everything else is an API of AWS.
PUBLIC_SERVICES = frozenset(
    ("cloudfront", "execute-api", "lambda-url", "s3-website", "elasticloadbalancing", "globalaccelerator")
)

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_LABEL = r"(?P<label>[^.]+)"
_BUCKET = r"(?:(?P<label>.+)\.)?"
# The first that matches decides.
_FORMS: tuple[tuple[str | None, re.Pattern[str]], ...] = tuple(
    (service, re.compile(form))
    for service, form in (
        ("cloudfront", rf"{_LABEL}\.cloudfront\.net"),
        ("globalaccelerator", rf"{_LABEL}\.awsglobalaccelerator\.com"),
        ("lambda-url", rf"{_LABEL}\.lambda-url\.{_REGION}\.on\.aws"),
        ("execute-api", rf"{_LABEL}\.execute-api\.{_REGION}\.(?:amazonaws\.com|api\.aws)"),
        ("elasticloadbalancing", rf"(?:dualstack\.)?{_LABEL}\.{_REGION}\.elb\.amazonaws\.com"),
        ("elasticloadbalancing", rf"{_LABEL}\.elb\.{_REGION}\.amazonaws\.com"),
        ("s3-accelerate", r"(?P<label>.+)\.s3-accelerate(?:\.dualstack)?\.amazonaws\.com"),
        ("s3-website", rf"{_BUCKET}s3-website[.-]{_REGION}\.amazonaws\.com"),
        ("s3", rf"{_BUCKET}s3(?:\.dualstack)?[.-]{_REGION}\.amazonaws\.com"),
        ("s3", rf"{_BUCKET}s3\.amazonaws\.com"),
        (None, rf"(?P<service>[a-z0-9-]+(?:\.[a-z0-9-]+)?)\.{_REGION}\.amazonaws\.com"),
        (None, r"(?P<service>[a-z0-9-]+)\.amazonaws\.com"),
    )
)
_OWNED_SUFFIXES = (".amazonaws.com", ".cloudfront.net", ".on.aws", ".api.aws", ".awsglobalaccelerator.com")


def parse_aws_name(name: str) -> AwsName | None:
    """`name` in lower case, without a final dot. None where it is not AWS's."""
    if not name.endswith(_OWNED_SUFFIXES):
        return None
    for service, form in _FORMS:
        found = form.fullmatch(name)
        if found is not None:
            groups: Mapping[str, str | None] = found.groupdict()
            return AwsName(service or groups["service"] or "", groups.get("region"), groups.get("label") or "")
    return None


def is_aws_domain(name: str) -> bool:
    """Whether the name lies under a domain that only AWS gives names in."""
    return name.endswith(_OWNED_SUFFIXES)
