"""When the secondary of an origin group is asked
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html): only for
GET, HEAD and OPTIONS; on a listed status; a connection that fails counts as 503, an answer that does not come in
time as 504, and each only if it is listed.
"""

from __future__ import annotations

from globule.cloudfront.rules.failures import OriginFailure

METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def fails_over(codes: frozenset[int], method: str, outcome: int | OriginFailure) -> bool:
    """`outcome` is the primary's status, or how it failed to give one."""
    if method not in METHODS:
        return False
    return (outcome if isinstance(outcome, int) else outcome.counts_as) in codes
