"""Messages and rooms in the table.

    room        id                            what
    lobby       01K0M3S5ZJ4E8P2Q6R8T0V2W4X    a message: name, text, region, time, expires
    #rooms      lobby                         a room that somebody wrote in: time and region of its newest message
    #health     any                           never written; read by the health check

A room's name cannot contain `#`. The table has a replica in every region and the last writer of an item wins, so
nothing here depends on reading another region's newest write: a message is written once and never changed, a room's
entry may lag. There is no counter of messages, because two regions that add one at the same time would lose one.
"""

from typing import Any

from botocore.exceptions import ClientError

from chat.identifiers import first_at
from chat.messages import Message, room_named
from chat.problems import Problem

ROOMS = "#rooms"
HEALTH = "#health"

# A month of conversation is enough for a demonstration; DynamoDB's time to live removes older items.
KEPT_SECONDS = 30 * 24 * 3600
PAGE_LIMIT = 100
ROOMS_LIMIT = 100


def post(table: Any, message: Message, *, region: str, now_ms: int) -> tuple[dict[str, Any], bool]:
    """The message as it is stored, and whether it is new. Posting it again changes nothing.

    Raises Problem where the id belongs to another message.
    """
    item = {
        **message._asdict(),
        "region": region,
        "time": now_ms,
        "expires": now_ms // 1000 + KEPT_SECONDS,
    }
    stored = _put_once(table, item)
    if stored is not None and (stored["name"], stored["text"]) != (message.name, message.text):
        raise Problem(409, "IdTaken", "Another message has this id.")
    # Also for a repeated message: the first attempt may have ended between the two writes.
    table.put_item(
        Item={"room": ROOMS, "id": message.room, "region": region, "time": now_ms, "expires": item["expires"]}
    )
    return _shown(stored or item), stored is None


def page(table: Any, room: object, *, after: str | None, before: str | None, limit: int) -> dict[str, Any]:
    """Messages of a room, oldest first: those after an id, those before one, or else the newest."""
    bounds = {"after": (":after", "id > :after"), "before": (":before", "id < :before")}
    condition, values = "room = :room", {":room": room_named(room)}
    for bound, identifier in (("after", after), ("before", before)):
        if identifier is not None:
            placeholder, comparison = bounds[bound]
            condition, values = f"{condition} AND {comparison}", {**values, placeholder: identifier}
            break
    answer = table.query(
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        ScanIndexForward=after is not None,
        Limit=limit,
    )
    messages = [_shown(item) for item in answer["Items"]]
    if after is None:
        messages.reverse()
    return {"messages": messages, "more": "LastEvaluatedKey" in answer}


def rooms(table: Any) -> list[dict[str, Any]]:
    """Rooms that somebody wrote in, the liveliest first."""
    answer = table.query(
        KeyConditionExpression="room = :rooms",
        ExpressionAttributeValues={":rooms": ROOMS},
        Limit=ROOMS_LIMIT,
    )
    found = [{"name": item["id"], "region": item["region"], "time": int(item["time"])} for item in answer["Items"]]
    return sorted(found, key=lambda room: (-room["time"], room["name"]))


def touch(table: Any) -> None:
    """Read the table the way everything else does. Raises what boto3 raises where it cannot be read."""
    table.get_item(Key={"room": HEALTH, "id": first_at(0)}, ConsistentRead=True)


def _put_once(table: Any, item: dict[str, Any]) -> dict[str, Any] | None:
    """None where the item was written; the present one where there is one."""
    try:
        table.put_item(Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
    else:
        return None
    answer = table.get_item(Key={"room": item["room"], "id": item["id"]}, ConsistentRead=True)
    return answer.get("Item")


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "name": item["name"],
        "text": item["text"],
        "region": item["region"],
        "time": int(item["time"]),
    }
