"""The functions as API Gateway calls them."""

import base64
import json
import time

import health
import list_messages
import list_rooms
import post_message
import pytest
from botocore.exceptions import ConnectTimeoutError
from chat.identifiers import first_at
from fake_table import client_error


@pytest.fixture(autouse=True)
def shared_table(monkeypatch, table):
    for function in (health, list_messages, list_rooms, post_message):
        monkeypatch.setattr(function, "TABLE", table)
    return table


def call(function, *, room=None, body=None, query=None, encoded=False):
    """Status and content of the answer."""
    event = {"version": "2.0", "isBase64Encoded": encoded}
    if room is not None:
        event["pathParameters"] = {"room": room}
    if body is not None:
        event["body"] = body
    if query is not None:
        event["queryStringParameters"] = query
    answer = function.handler(event, None)
    assert answer["headers"]["content-type"].startswith("application/json")
    return answer["statusCode"], json.loads(answer["body"])


def message(**changes):
    return json.dumps({"id": first_at(time.time_ns() // 1_000_000), "name": "Ada", "text": "Hello", **changes})


def test_a_posted_message_is_listed_with_the_region_that_took_it():
    status, posted = call(post_message, room="lobby", body=message(text="こんにちは"))
    assert status == 201
    status, listed = call(list_messages, room="lobby")
    assert status == 200
    assert listed["messages"] == [posted["message"]]
    assert listed["messages"][0]["region"] == listed["region"] == "eu-west-1"


def test_sending_it_again_is_a_success_without_a_second_message():
    body = message()
    assert call(post_message, room="lobby", body=body)[0] == 201
    assert call(post_message, room="lobby", body=body)[0] == 200
    assert len(call(list_messages, room="lobby")[1]["messages"]) == 1


def test_a_body_in_base64_is_decoded():
    assert call(post_message, room="lobby", body=base64.b64encode(message().encode()).decode(), encoded=True)[0] == 201


@pytest.mark.parametrize("body", [None, "", "{", "[" * 30_000, "\ud800"])
def test_a_body_that_is_not_json_is_refused(body):
    status, content = call(post_message, room="lobby", body=body)
    assert (status, content["error"]["code"]) == (400, "InvalidBody")


def test_a_huge_body_is_refused():
    assert call(post_message, room="lobby", body=message(text="a" * 40_000))[0] == 413


@pytest.mark.parametrize("query", [{"after": "x"}, {"before": ""}, {"limit": "0"}, {"limit": "101"}, {"limit": "²"}])
def test_bad_questions_are_refused(query):
    assert call(list_messages, room="lobby", query=query)[0] == 400


def test_a_reader_follows_a_room_by_the_id_of_the_last_message():
    first = call(post_message, room="lobby", body=message())[1]["message"]
    assert call(list_messages, room="lobby", query={"after": first["id"]})[1]["messages"] == []
    assert call(list_messages, room="lobby", query={"after": first_at(0), "limit": "1"})[1]["messages"] == [first]


def test_the_list_of_rooms_may_be_kept_by_the_edge_for_two_seconds():
    answer = list_rooms.handler({}, None)
    assert answer["headers"]["cache-control"] == "max-age=0, s-maxage=2"


def test_health_reads_the_table(shared_table):
    assert call(health)[0] == 200
    shared_table.failure = client_error("ResourceNotFoundException")
    assert call(health)[0] == 503


def test_a_table_that_cannot_be_reached_is_said_to_be_worth_another_try(shared_table, capsys):
    shared_table.failure = ConnectTimeoutError(endpoint_url="http://table")
    status, content = call(list_messages, room="lobby")
    assert (status, content["error"]["code"]) == (503, "TableUnavailable")
    assert "table" not in content["error"]["message"]
    assert "ConnectTimeoutError" in capsys.readouterr().out
