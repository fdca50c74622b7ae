"""DescribeLimits, DescribeEndpoints.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeLimits.html: the default quotas of an
account.
"""

from __future__ import annotations

from globule.dynamodb.rules.requests.control import EmptyInput
from globule.dynamodb.serving.operations.api import Answer, Api


def describe_limits(api: Api, request: EmptyInput) -> Answer:
    return {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


def described_endpoints(host: str) -> Answer:
    """DescribeEndpoints. Clients that ask go on with the answer, so it is the Host that they asked."""
    return {"Endpoints": [{"Address": host, "CachePeriodInMinutes": 1440}]}
