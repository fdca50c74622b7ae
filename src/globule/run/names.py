"""Which of AWS's own names exist in a world, and what the application itself is called."""

from __future__ import annotations

from collections.abc import Iterator

from globule.apigateway.model import DomainName, HttpApi, RestApi
from globule.awslambda.model import Url
from globule.cloudfront.model import Distribution
from globule.endpoint.catalogue import CATALOGUE
from globule.route53.rules.owned import AtEdge, InRegion, Owned
from globule.s3.model import Bucket
from globule.world.aws_names import AwsName, parse_aws_name
from globule.world.snapshot import World

_API_PREFIXES = frozenset(prefix.rstrip(".-") for api in CATALOGUE for prefix in api.host_prefixes)


def owned(world: World, name: AwsName) -> Owned | None:
    """As `route53.rules.owned.OwnedLookup`: where a name of AWS's is served; None where it does not exist.

    A bucket has names once the world declares it, or its region is named: buckets made by the S3 API are known to
    their region alone.
    """
    match name.service:
        case "cloudfront":
            domain = f"{name.label}.cloudfront.net"
            return AtEdge() if any(found.domain_name == domain for found in world.of(Distribution)) else None
        case "execute-api" if name.region is not None:
            return InRegion(name.region) if name.label in set(_api_labels(world, name.region)) else None
        case "lambda-url" if name.region is not None:
            labels = {url.host.partition(".")[0] for url in world.of(Url, region=name.region)}
            return InRegion(name.region) if name.label in labels else None
        case "s3" | "s3-website":
            return _bucket(world, name)
        case service if service in _API_PREFIXES and name.region is not None:
            return InRegion(name.region)
    return None


def site_names(world: World) -> tuple[str, ...]:
    """What people would type: the distributions' own names first, then those that AWS gave; without a distribution,
    the APIs' and the websites'."""
    distributions = [*world.of(Distribution)]
    aliases = [alias for found in distributions for alias in found.aliases if not alias.startswith("*")]
    if distributions:
        return tuple(dict.fromkeys((*aliases, *(found.domain_name for found in distributions if not found.aliases))))
    return tuple(dict.fromkeys((*_domains(world), *_apis(world), *(url.host for url in world.of(Url)))))


def distributions_of(world: World, bucket: str) -> Iterator[str]:
    """Ids of the distributions that have a bucket as an origin."""
    for found in world.of(Distribution):
        names = [parse_aws_name(origin.domain_name) for origin in found.origins]
        if any(name is not None and (name.service, name.label) == ("s3", bucket) for name in names):
            yield found.id


def _bucket(world: World, name: AwsName) -> Owned | None:
    if name.region is not None:
        return InRegion(name.region)
    for deployed in world.deployed(Bucket):
        if deployed.physical_id == name.label:
            return InRegion(deployed.region)
    return InRegion(world.regions[0]) if world.regions and not name.label else None


def _api_labels(world: World, region: str) -> Iterator[str]:
    yield from (api.api_id for api in world.of(HttpApi, region=region))
    yield from (api.api_id for api in world.of(RestApi, region=region))
    for domain in world.of(DomainName, region=region):
        yield domain.regional_name.partition(".")[0]


def _domains(world: World) -> Iterator[str]:
    return (domain.name for domain in world.of(DomainName))


def _apis(world: World) -> Iterator[str]:
    for deployed in (*world.deployed(HttpApi), *world.deployed(RestApi)):
        yield f"{deployed.resource.api_id}.execute-api.{deployed.region}.amazonaws.com"
