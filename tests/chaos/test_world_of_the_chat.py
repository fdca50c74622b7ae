"""The chat in three regions: who is served from where, and what a lost process or link costs. Real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from chat_load import Person, ulid

pytestmark = [pytest.mark.world, pytest.mark.timeout(240)]

HOST = "chat.example.com"
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")


def replica(world: Any, region: str) -> Any:
    """The chat's table in one region, by boto3."""
    stacks = world.json("status")["stacks"]
    name = next(stack["outputs"]["TableName"] for stack in stacks if "TableName" in stack["outputs"])
    endpoint = f"http://127.0.0.1:{world.port_base + 66}"
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.resource("dynamodb", region_name=region, endpoint_url=endpoint, **credentials).Table(name)


def stored(world: Any, region: str, room: str) -> set[str]:
    """Ids of the room's messages in one region's replica."""
    found: set[str] = set()
    query: dict[str, Any] = {
        "KeyConditionExpression": "room = :room",
        "ExpressionAttributeValues": {":room": room},
        "ConsistentRead": True,
    }
    table = replica(world, region)
    while True:
        page = table.query(**query)
        found.update(item["id"] for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            return found
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def post(world: Any, city: str, room: str) -> str:
    """Post one message and return its id."""
    identifier = ulid()
    body = {"id": identifier, "name": city, "text": "hello"}
    answer = world.request(city, f"https://{HOST}/api/rooms/{room}/messages", method="POST", body=body)
    assert answer.status == 201, answer
    return identifier


@pytest.fixture
def people(chat: Any) -> Iterator[Callable[..., list[Person]]]:
    """Starts people who chat; they stop with the test."""
    started: list[Person] = []

    def start(*cities: str, room: str) -> list[Person]:
        group = [Person(city=city, room=room, door=chat.door, host=HOST) for city in cities]
        for person in group:
            person.start()
        started.extend(group)
        return group

    yield start
    for person in started:
        person.finish()


@pytest.mark.parametrize(
    ("city", "edge", "region"),
    [("tokyo", "NRT", "ap-northeast-1"), ("frankfurt", "FRA", "eu-west-1"), ("new-york", "", "us-east-1")],
)
def test_each_city_is_served_by_its_own_edge_location_and_region(chat: Any, city: str, edge: str, region: str) -> None:
    page = chat.request(city, f"https://{HOST}/en/")
    assert page.status == 200 and b"<html" in page.body
    assert page.headers["x-amz-cf-pop"].startswith(edge)
    answer = chat.request(
        city, f"https://{HOST}/api/rooms/atlas/messages", method="POST", body={"id": ulid(), "name": city, "text": "hi"}
    )
    assert answer.json()["message"]["region"] == region


def test_a_message_of_one_city_is_read_in_another(chat: Any, eventually: Callable[..., Any]) -> None:
    identifier = post(chat, "tokyo", "far")
    url = f"https://{HOST}/api/rooms/far/messages"
    eventually(lambda: identifier in [m["id"] for m in chat.request("frankfurt", url).json()["messages"]])


def test_dig_gives_different_answers_to_sydney_and_sao_paulo(chat: Any) -> None:
    sydney, sao_paulo = (
        {answer["value"] for answer in chat.json("dig", HOST, "--from", city)["answers"]}
        for city in ("sydney", "sao-paulo")
    )
    assert sydney and sao_paulo and not sydney & sao_paulo


def test_explain_names_every_step_from_the_name_to_the_table(chat: Any) -> None:
    url = f"https://{HOST}/api/rooms/atlas/messages"
    spans = chat.json("curl", url, "--from", "london", "--explain")["spans"]
    names = " ".join(span["name"] for span in spans)
    for step in ("DNS", "connect", "cache", "gateway", "function", "Query"):
        assert step in names, names


def test_two_sides_of_a_partition_both_take_writes_and_agree_once_healed(
    chat: Any, eventually: Callable[..., Any]
) -> None:
    chat.run("fault", "partition", "ap-northeast-1", "eu-west-1")
    try:
        tokyo, frankfurt = replica(chat, "ap-northeast-1"), replica(chat, "eu-west-1")
        for table, side in ((tokyo, "tokyo"), (frankfurt, "frankfurt")):
            table.put_item(Item={"room": "split", "id": side})
            table.put_item(Item={"room": "split", "id": "both", "side": side})
        assert "Item" not in tokyo.get_item(Key={"room": "split", "id": "frankfurt"})
        assert tokyo.get_item(Key={"room": "split", "id": "both"})["Item"]["side"] == "tokyo"
    finally:
        chat.run("fault", "heal")
    for region in REGIONS:
        eventually(lambda region=region: stored(chat, region, "split") == {"tokyo", "frankfurt", "both"})
    sides = {replica(chat, region).get_item(Key={"room": "split", "id": "both"})["Item"]["side"] for region in REGIONS}
    assert sides == {"frankfurt"}, "the last writer wins in every region"


def test_a_killed_region_costs_an_outage_but_no_acknowledged_message(
    chat: Any, people: Callable[..., list[Person]], eventually: Callable[..., Any]
) -> None:
    group = people(*["london", "paris", "berlin", "madrid", "rome"] * 2, room="lost-region")
    eventually(lambda: all(len(person.acknowledged) > 3 for person in group))
    chat.run("fault", "kill", "eu-west-1")
    killed = time.time()
    elsewhere = lambda attempt: attempt.start > killed and attempt.region not in ("", "eu-west-1")  # noqa: E731
    try:
        eventually(lambda: all(any(map(elsewhere, person.attempts)) for person in group))
    finally:
        chat.run("fault", "restart", "eu-west-1")
    for person in group:
        person.finish()
    acknowledged = {identifier for person in group for identifier in person.acknowledged}
    for region in REGIONS:
        eventually(lambda region=region: acknowledged <= stored(chat, region, "lost-region"))


def worker_of(chat: Any, region: str) -> int | None:
    """A process below a region's that is not the region itself: the keeper of its functions, or a worker."""
    region_pid = chat.process(region)["pid"]
    found = subprocess.run(["pgrep", "-P", str(region_pid)], capture_output=True, text=True, timeout=10).stdout.split()
    return int(found[0]) if found else None


def test_any_process_may_be_killed_at_any_time_and_nothing_acknowledged_is_lost(
    chat: Any, people: Callable[..., list[Person]], eventually: Callable[..., Any]
) -> None:
    group = people("tokyo", "london", "new-york", "paris", room="chaos")
    victims: list[Callable[[], int | None]] = [
        lambda: chat.process("edge")["pid"],
        lambda: chat.process("eu-west-1")["pid"],
        lambda: chat.json("status")["supervisor_pid"],
        lambda: worker_of(chat, "us-east-1"),
    ]
    for round_number in range(20):
        before = {person.city: len(person.acknowledged) for person in group}
        pid = eventually(victims[round_number % len(victims)])
        os.kill(pid, signal.SIGKILL)
        eventually(lambda before=before: all(len(person.acknowledged) > before[person.city] for person in group))
        eventually(lambda: all(process["state"] == "serving" for process in chat.json("status")["processes"]))
    for person in group:
        person.finish()
    acknowledged = {identifier for person in group for identifier in person.acknowledged}
    assert len(acknowledged) > 80
    for region in REGIONS:
        eventually(lambda region=region: acknowledged <= stored(chat, region, "chaos"))


def test_status_says_what_is_recorded_and_does_not_run(chat: Any) -> None:
    recorded = json.dumps([stack["recorded"] for stack in chat.json("status")["stacks"]])
    assert "AWS::IAM::Role" in recorded and "AWS::CertificateManager::Certificate" in recorded
