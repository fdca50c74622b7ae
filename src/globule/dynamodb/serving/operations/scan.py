"""Scan: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""

from __future__ import annotations

from globule.dynamodb.model import Item
from globule.dynamodb.rules import legacy
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.key_order import partition_hash, segment_range
from globule.dynamodb.rules.keys import check_no_nested_keys
from globule.dynamodb.rules.requests.items import ScanInput
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.operations.filters import PageFilter, canonical_start_key, expression_filter
from globule.dynamodb.serving.operations.pages import (
    Target,
    check_projected,
    check_select,
    check_start_key,
    page_answer,
    page_projection,
    read_page,
    target,
)


def scan(api: Api, request: ScanInput) -> Answer:
    check_parameters(
        request,
        expressions=("ProjectionExpression", "FilterExpression"),
        older=("AttributesToGet", "ScanFilter", "ConditionalOperator"),
    )
    check_select(request)
    older_filter = legacy.filter_test(request.ScanFilter, request.ConditionalOperator)
    start = canonical_start_key(request.ExclusiveStartKey)
    _check_segments(request)
    given = Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    chosen = expression_filter(api, request.FilterExpression, given) or PageFilter(*older_filter)
    projection = page_projection(api, request, given)
    given.check_all_used()

    aim = target(api, request)
    if start is not None:
        check_start_key(aim, start, explained=aim.index is None)
        _check_start_fits(aim, start, request)
    check_no_nested_keys(aim.table.spec, chosen.paths)
    check_projected(aim, request, projection)

    reader = api.tables.read()
    found = reader.scan(
        aim.table,
        index=aim.index_name,
        segment=request.Segment or 0,
        total_segments=request.TotalSegments or 1,
        after=start,
    )
    page = read_page(reader, aim, found, request, test=chosen.test, projection=projection)
    return page_answer(api, aim, page, request)


def _check_start_fits(aim: Target, start: Item, request: ScanInput) -> None:
    """Raises ValidationException where the start lies in another segment."""
    if request.Segment is None or request.TotalSegments is None:
        return
    low, high = segment_range(request.Segment, request.TotalSegments)
    place = partition_hash(tuple(start[attribute.name] for attribute in aim.keys.partition))
    if place < low or (high is not None and place >= high):
        raise validation(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. "
            "Please use ExclusiveStartKey with correct Segment. "
            f"TotalSegments: {request.TotalSegments} Segment: {request.Segment}"
        )


def _check_segments(request: ScanInput) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan"""
    if request.Segment is not None and request.TotalSegments is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if request.TotalSegments is None:
        return
    if request.Segment is None:
        raise validation(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if request.Segment >= request.TotalSegments:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {request.Segment} is not less than TotalSegments: {request.TotalSegments}"
        )
