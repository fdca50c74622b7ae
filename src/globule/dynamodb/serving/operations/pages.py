"""One page of a Query or Scan: what is read, filtered, counted and returned, and where the next page begins.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from globule.dynamodb.model import Index, Item, Keys
from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.projections import Projection, attributes_to_get
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Reader, Stored
from globule.dynamodb.serving.operations.api import Answer, Api, raw

PAGE_LIMIT_BYTES = 1024 * 1024

ItemTest = Callable[[Item], bool]


class Target(msgspec.Struct, frozen=True):
    """The table or index that is read."""

    table: TableRecord
    index: Index | None

    @property
    def keys(self) -> Keys:
        return self.table.spec.keys if self.index is None else self.index.keys

    @property
    def index_name(self) -> str | None:
        return None if self.index is None else self.index.name

    def start_key(self, item: Item) -> Item:
        """What LastEvaluatedKey holds: the table's key, and the index's."""
        key = self.table.spec.keys.of(item)
        return key if self.index is None else {**self.index.keys.of(item), **key}

    @property
    def start_key_names(self) -> frozenset[str]:
        return frozenset(attribute.name for attribute in (*self.table.spec.keys.attributes, *self.keys.attributes))


def target(api: Api, request: Any) -> Target:
    """Raises ResourceNotFoundException or ValidationException."""
    table = api.table(request.TableName)
    if request.IndexName is None:
        api.meter.admit(table, "Read")
        return Target(table, None)
    index = table.spec.index(request.IndexName)
    if index is None:
        raise validation(f"The table does not have the specified index: {request.IndexName}")
    record = next((each for each in table.indexes if each.name == index.name), None)
    if record is not None and record.status == "CREATING":
        raise validation(f"Cannot read from backfilling global secondary index: {index.name}")
    if index.scope == "global" and request.ConsistentRead:
        raise validation("Consistent reads are not supported on global secondary indexes")
    api.meter.admit(table, "Read", index=index)
    return Target(table, index)


def check_select(request: Any, *, specific: str = "") -> None:
    """Select fits to the other parameters. `specific` opens the text about SPECIFIC_ATTRIBUTES, where Query and Scan
    differ. Raises ValidationException."""
    select = request.Select
    given = "ProjectionExpression" if request.ProjectionExpression is not None else None
    if given is None and request.AttributesToGet is not None:
        given = "AttributesToGet"
    if given is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        what = "only the Count" if select == "COUNT" else select
        raise validation(f"Cannot specify the {given} when choosing to get {what}")
    if given is None and select == "SPECIFIC_ATTRIBUTES":
        raise validation(
            f"{specific}Must specify the AttributesToGet or ProjectionExpression "
            "when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.IndexName is None:
        raise validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")


def page_projection(api: Api, request: Any, given: Placeholders) -> Projection | None:
    """Raises ValidationException."""
    if request.ProjectionExpression is not None:
        return api.expressions.projection(request.ProjectionExpression, given)
    if request.AttributesToGet is not None:
        return attributes_to_get(request.AttributesToGet)
    return None


def check_projected(aim: Target, request: Any, projection: Projection | None) -> None:
    """A global index returns only what it holds. Raises ValidationException."""
    index = aim.index
    if projection is not None:
        keys.check_no_nested_keys(aim.table.spec, projection.paths)
    if index is None or index.scope != "global" or index.projection.kind == "ALL":
        return
    if request.Select == "ALL_ATTRIBUTES":
        raise invalid_parameters(
            f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    if projection is not None:
        missing = sorted(projection.attributes - aim.start_key_names - frozenset(index.projection.attributes))
        if missing:
            raise invalid_parameters(f"Global secondary index {index.name} does not project [{', '.join(missing)}]")


class Page(msgspec.Struct, kw_only=True):
    """What reading one page has found."""

    items: list[Any] = msgspec.field(default_factory=list)
    count: int = 0
    scanned: int = 0
    index_bytes: int = 0
    """Or the table's, where the table itself was read."""
    table_reads: float = 0.0
    """Units for items that were fetched from the table for a local index."""
    last: Stored | None = None
    """The last item that was looked at, where there may be more."""


def read_page(
    reader: Reader,
    aim: Target,
    found: Iterator[Stored],
    request: Any,
    *,
    test: ItemTest | None,
    projection: Projection | None,
) -> Page:
    """Reads until the limit, the end, or 1 MB of items, before they are filtered."""
    page = Page()
    limit = request.Limit
    counted_only = request.Select == "COUNT"
    fetched = _needs_table(aim, request, projection)
    previous: Stored | None = None
    for stored in found:
        if page.scanned == limit or (page.scanned and page.index_bytes + stored.size_bytes > PAGE_LIMIT_BYTES):
            page.last = previous
            break
        previous = stored
        page.scanned += 1
        page.index_bytes += stored.size_bytes
        if fetched:
            stored = _fetch(reader, aim, stored, page, consistent=bool(request.ConsistentRead))
        if test is None and projection is None:
            page.count += 1
            if not counted_only:
                page.items.append(raw(stored.raw))
            continue
        item = stored.item()
        if test is not None and not test(item):
            continue
        page.count += 1
        if not counted_only:
            page.items.append(raw(stored.raw) if projection is None else projection.of(item))
        if page.scanned == limit:
            break
    if page.scanned == limit:
        # AWS does not look whether anything follows.
        page.last = previous
    return page


def _needs_table(aim: Target, request: Any, projection: Projection | None) -> bool:
    """Whether a local index lacks what is asked for, so that each item has to be fetched from the table.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.Querying
    """
    index = aim.index
    if index is None or index.scope != "local" or index.projection.kind == "ALL":
        return False
    if request.Select == "ALL_ATTRIBUTES":
        return True
    if projection is None:
        return False
    return not projection.attributes <= aim.start_key_names | frozenset(index.projection.attributes)


def _fetch(reader: Reader, aim: Target, entry: Stored, page: Page, *, consistent: bool) -> Stored:
    stored = reader.get(aim.table, entry.item())
    assert stored is not None, "an index entry has its item, in one view"
    page.table_reads += capacity.read_units(stored.size_bytes, consistent=consistent)
    return stored


def page_answer(api: Api, aim: Target, page: Page, request: Any) -> Answer:
    answer: Answer = {"Count": page.count, "ScannedCount": page.scanned}
    if request.Select != "COUNT":
        answer["Items"] = page.items
    if page.last is not None:
        answer["LastEvaluatedKey"] = aim.start_key(page.last.item())
    consumed = page_consumed(api, aim, page, request)
    if consumed is not None:
        answer["ConsumedCapacity"] = consumed
    return answer


def page_consumed(api: Api, aim: Target, page: Page, request: Any) -> dict[str, Any] | None:
    """The ConsumedCapacity member; None where it was not asked for."""
    consistent = bool(request.ConsistentRead)
    return api.consumed(
        aim.table, request.ReturnConsumedCapacity, lambda: _page_units(aim, page, consistent=consistent), "Read"
    )


def _page_units(aim: Target, page: Page, *, consistent: bool) -> capacity.Consumed:
    units = capacity.read_units(page.index_bytes, consistent=consistent)
    if aim.index is None:
        return capacity.Consumed(table=units)
    by_name = {aim.index.name: units}
    if aim.index.scope == "local":
        return capacity.Consumed(table=page.table_reads, local=by_name)
    return capacity.Consumed(global_=by_name)


def check_start_key(aim: Target, start: Item, *, explained: bool = False) -> None:
    """ExclusiveStartKey is a key that an earlier page could have ended with. `explained` adds why it is not, as AWS
    does for the Scan of a table only (https://github.com/ExtendDB/extenddb/pull/86). Raises ValidationException."""
    problem = validation(f"The provided starting key is invalid{f': {keys.MISMATCH}' if explained else ''}")
    if start.keys() != aim.start_key_names:
        raise problem
    for key_schema in (aim.keys, aim.table.spec.keys):
        for is_partition, attributes in ((True, key_schema.partition), (False, key_schema.sort)):
            for attribute in attributes:
                value = start[attribute.name]
                if attribute.type not in value:
                    raise problem
                keys.check_key_value(attribute, value, is_partition=is_partition)
