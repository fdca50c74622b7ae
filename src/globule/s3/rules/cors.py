"""Answers to browsers of other origins: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html"""

from __future__ import annotations

import re
from collections.abc import Sequence

from globule.s3.model import CorsRule
from globule.wire.http import Headers

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def cors_fields(rules: Sequence[CorsRule], headers: Headers, method: str) -> list[tuple[str, str]]:
    """The fields for a request's answer: of the first rule that allows the origin and the method; else none.

    `method` is the request's, or for a preflight the one that it asks for.
    """
    origin = headers.get("origin")
    if origin is None:
        return []
    asked = [name.strip().lower() for name in (headers.get("access-control-request-headers") or "").split(",")]
    wanted = [name for name in asked if name]
    for rule in rules:
        if method in rule.methods and _any(rule.origins, origin) and all(_any(rule.headers, name) for name in wanted):
            return list(_fields(rule, origin, wanted))
    return []


def _fields(rule: CorsRule, origin: str, wanted: list[str]) -> list[tuple[str, str]]:
    everyone = "*" in rule.origins
    fields = [
        ("access-control-allow-origin", "*" if everyone else origin),
        ("access-control-allow-methods", ", ".join(rule.methods)),
    ]
    if wanted:
        fields.append(("access-control-allow-headers", ", ".join(wanted)))
    if rule.exposed:
        fields.append(("access-control-expose-headers", ", ".join(rule.exposed)))
    if rule.max_age_seconds is not None:
        fields.append(("access-control-max-age", str(rule.max_age_seconds)))
    if not everyone:
        fields.append(("access-control-allow-credentials", "true"))
    fields.append(("vary", VARY))
    return fields


def _any(patterns: Sequence[str], value: str) -> bool:
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.IGNORECASE) is not None
        for pattern in patterns
    )
