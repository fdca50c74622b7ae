"""TagResource, UntagResource, ListTagsOfResource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.Operations.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from globule.dynamodb.rules.errors import invalid_parameters, not_found, validation
from globule.dynamodb.rules.requests.control import ListTagsOfResourceInput, TagResourceInput, UntagResourceInput
from globule.dynamodb.rules.table_settings import check_tag_count, checked_tags
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.wire.aws.errors import AwsError

TAGS_PAGE = 10

_DYNAMODB_ARN = re.compile(r"arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d+:table/.+")


async def tag_resource(api: Api, request: TagResourceInput) -> Answer:
    table = tagged_table(api, request.ResourceArn)
    if not request.Tags:
        raise validation("Atleast one Tag needs to be provided as Input.")
    tags = {**_tags(table), **checked_tags(request.Tags)}
    check_tag_count(tags)
    await _replace(api, table, tags)
    return {}


async def untag_resource(api: Api, request: UntagResourceInput) -> Answer:
    table = tagged_table(api, request.ResourceArn)
    if not request.TagKeys:
        raise validation("Atleast one Tag Key needs to be provided as Input.")
    await _replace(api, table, {key: value for key, value in _tags(table).items() if key not in request.TagKeys})
    return {}


def list_tags_of_resource(api: Api, request: ListTagsOfResourceInput) -> Answer:
    tags = _tags(tagged_table(api, request.ResourceArn))
    after = request.NextToken
    names = sorted(tags) if after is None else [name for name in sorted(tags) if name > after]
    answer: Answer = {"Tags": [{"Key": name, "Value": tags[name]} for name in names[:TAGS_PAGE]]}
    if len(names) > TAGS_PAGE:
        answer["NextToken"] = names[TAGS_PAGE - 1]
    return answer


def tagged_table(api: Api, arn: str | None) -> TableRecord:
    """Raises ValidationException or ResourceNotFoundException."""
    if arn is None:
        raise validation("Invalid TableArn")
    if not arn.startswith("arn:"):
        raise invalid_parameters(f"ARNs must start with 'arn:': {arn}")
    if not _DYNAMODB_ARN.fullmatch(arn):
        raise invalid_parameters(f"Provided Arn is not a DynamoDB resource arn: {arn}")
    if "/index/" in arn:
        raise invalid_parameters(
            f"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
        )
    if not arn.startswith(f"arn:aws:dynamodb:{api.region}:"):
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    try:
        return api.described_table(arn)
    except AwsError:
        raise not_found(f"Requested resource not found: ResourceArn: {arn} not found") from None


def _tags(table: TableRecord) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in table.spec.settings.get("Tags", ())}


async def _replace(api: Api, table: TableRecord, tags: dict[str, str]) -> None:
    listed: list[dict[str, Any]] = [{"Key": key, "Value": value} for key, value in tags.items()]
    await api.tables.update(
        table.name,
        change=lambda spec: msgspec.structs.replace(spec, settings={**spec.settings, "Tags": listed}),
    )
