"""TagResource, UntagResource, ListTagsOfResource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.Operations.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from globule.dynamodb.rules.errors import not_found, validation
from globule.dynamodb.rules.requests.control import ListTagsOfResourceInput, TagResourceInput, UntagResourceInput
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.wire.aws.errors import AwsError

TAG_LIMIT = 50
TAGS_PAGE = 10

_ARN = re.compile(r".+:.+:.+:.+:.+:.+/.+")
_TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:.+:\d+:table/[^/]{2}[^/]+")


async def tag_resource(api: Api, request: TagResourceInput) -> Answer:
    table = tagged_table(api, request.ResourceArn, "TagResource")
    if not request.Tags:
        raise validation("Atleast one Tag needs to be provided as Input.")
    tags = {**_tags(table), **{tag.Key: tag.Value for tag in request.Tags}}
    if len(tags) > TAG_LIMIT:
        raise validation("One or more parameter values were invalid: Too many tags")
    await _replace(api, table, tags)
    return {}


async def untag_resource(api: Api, request: UntagResourceInput) -> Answer:
    table = tagged_table(api, request.ResourceArn, "UntagResource")
    if not request.TagKeys:
        raise validation("Atleast one Tag Key needs to be provided as Input.")
    await _replace(api, table, {key: value for key, value in _tags(table).items() if key not in request.TagKeys})
    return {}


def list_tags_of_resource(api: Api, request: ListTagsOfResourceInput) -> Answer:
    tags = _tags(tagged_table(api, request.ResourceArn, "ListTagsOfResource"))
    after = request.NextToken
    names = sorted(tags) if after is None else [name for name in sorted(tags) if name > after]
    answer: Answer = {"Tags": [{"Key": name, "Value": tags[name]} for name in names[:TAGS_PAGE]]}
    if len(names) > TAGS_PAGE:
        answer["NextToken"] = names[TAGS_PAGE - 1]
    return answer


def tagged_table(api: Api, arn: str | None, operation: str) -> TableRecord:
    """Raises ValidationException, AccessDeniedException or ResourceNotFoundException."""
    if arn is None:
        raise validation("Invalid TableArn")
    if not _ARN.fullmatch(arn):
        raise AwsError(
            "AccessDeniedException",
            f"User: arn:aws:iam::{api.account}:root is not authorized to perform: "
            f"dynamodb:{operation} on resource: {arn or '*'}",
        )
    if not _TABLE_ARN.fullmatch(arn):
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    try:
        return api.described_table(arn)
    except AwsError:
        raise not_found(f"Requested resource not found: ResourcArn: {arn} not found") from None


def _tags(table: TableRecord) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in table.spec.settings.get("Tags", ())}


async def _replace(api: Api, table: TableRecord, tags: dict[str, str]) -> None:
    listed: list[dict[str, Any]] = [{"Key": key, "Value": value} for key, value in tags.items()]
    await api.tables.update(
        table.name,
        change=lambda spec: msgspec.structs.replace(spec, settings={**spec.settings, "Tags": listed}),
    )
