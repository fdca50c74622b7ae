"""A table made of a dictionary."""

from botocore.exceptions import ClientError


class FakeTable:
    """As much of a boto3 Table as the functions use. Anything else fails the test."""

    def __init__(self):
        self.items = {}
        self.failure = None

    def put_item(self, *, Item, ConditionExpression=None):
        self._maybe_fail()
        key = (Item["room"], Item["id"])
        if ConditionExpression is not None:
            assert ConditionExpression == "attribute_not_exists(id)"
            if key in self.items:
                raise client_error("ConditionalCheckFailedException")
        self.items[key] = dict(Item)
        return {}

    def get_item(self, *, Key, ConsistentRead=False):
        self._maybe_fail()
        item = self.items.get((Key["room"], Key["id"]))
        return {"Item": dict(item)} if item else {}

    def query(self, *, KeyConditionExpression, ExpressionAttributeValues, Limit, ScanIndexForward=True):
        self._maybe_fail()
        first, _, second = KeyConditionExpression.partition(" AND ")
        room = ExpressionAttributeValues[first.removeprefix("room = ")]
        found = sorted(
            (item for item in self.items.values() if item["room"] == room),
            key=lambda item: item["id"],
            reverse=not ScanIndexForward,
        )
        if second:
            _, comparison, placeholder = second.split()
            bound = ExpressionAttributeValues[placeholder]
            found = [item for item in found if (item["id"] > bound if comparison == ">" else item["id"] < bound)]
        more = {"LastEvaluatedKey": {}} if len(found) > Limit else {}
        return {"Items": [dict(item) for item in found[:Limit]], **more}

    def _maybe_fail(self):
        if self.failure is not None:
            raise self.failure


def client_error(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")
