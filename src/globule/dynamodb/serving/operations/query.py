"""Query: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"""

from __future__ import annotations

from collections.abc import Mapping

from globule.dynamodb.model import AttributeValue, Item, Keys, SortCondition
from globule.dynamodb.rules import comparison, legacy
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.key_conditions import plan
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.keys import check_no_nested_keys
from globule.dynamodb.rules.requests.items import QueryInput
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.operations.filters import PageFilter, canonical_start_key, expression_filter
from globule.dynamodb.serving.operations.pages import (
    check_projected,
    check_select,
    check_start_key,
    page_answer,
    page_projection,
    read_page,
    target,
)


def query(api: Api, request: QueryInput) -> Answer:
    check_parameters(
        request,
        expressions=("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
        older=("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"),
        allowed_together=("KeyConditions",),
    )
    check_select(request, specific="1 validation error detected: ")
    older_filter = legacy.filter_test(request.QueryFilter, request.ConditionalOperator)
    start = canonical_start_key(request.ExclusiveStartKey)
    if request.KeyConditions is None and request.KeyConditionExpression is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    given = Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    conditions = _key_conditions(api, request, given)
    chosen = expression_filter(api, request.FilterExpression, given) or PageFilter(*older_filter)
    projection = page_projection(api, request, given)
    given.check_all_used()

    aim = target(api, request)
    partition, sort = plan(aim.keys, conditions)
    if start is not None:
        check_start_key(aim, start)
        _check_start_fits(aim.keys, start, partition, sort)
    _check_filter(aim.keys, chosen)
    check_no_nested_keys(aim.table.spec, chosen.paths)
    check_projected(aim, request, projection)

    reader = api.tables.read()
    found = reader.query(
        aim.table,
        partition,
        sort,
        index=aim.index_name,
        forward=request.ScanIndexForward is not False,
        after=start,
    )
    page = read_page(reader, aim, found, request, test=chosen.test, projection=projection)
    return page_answer(api, aim, page, request)


def _key_conditions(api: Api, request: QueryInput, given: Placeholders) -> Mapping[str, SortCondition]:
    if request.KeyConditionExpression is not None:
        return api.expressions.key_condition(request.KeyConditionExpression, given).bound(given.values)
    return legacy.key_conditions(request.KeyConditions or {})


def _check_filter(keys: Keys, chosen: PageFilter) -> None:
    """Raises ValidationException where a filter looks at the key that is queried."""
    for attribute in keys.attributes:
        if attribute.name in chosen.attributes:
            what = "Filter Expression" if chosen.from_expression else "QueryFilter"
            raise validation(
                f"{what} can only contain non-primary key attributes: Primary key attribute: {attribute.name}"
            )


def _check_start_fits(
    keys: Keys, start: Item, partition: tuple[AttributeValue, ...], sort: tuple[SortCondition, ...]
) -> None:
    """Raises ValidationException where the start lies outside what is queried."""
    same_partition = all(
        start[attribute.name] == value for attribute, value in zip(keys.partition, partition, strict=True)
    )
    if not sort:
        if not same_partition:
            raise validation("The provided starting key is outside query boundaries based on provided conditions")
        return
    for attribute, condition in zip(keys.sort, sort, strict=False):
        if not _fits(start[attribute.name], condition):
            raise validation("The provided starting key does not match the range key predicate")
    if not same_partition:
        raise validation("The query can return at most one row and cannot be restarted")


def _fits(value: AttributeValue, condition: SortCondition) -> bool:
    match condition.operator:
        case "BETWEEN":
            return comparison.between(value, *condition.values)
        case "begins_with":
            return comparison.begins_with(value, condition.values[0])
        case operator:
            return comparison.COMPARATORS[operator](value, condition.values[0])
