"""What is in the table after messages were posted, and what readers see of it."""

import pytest
from chat.conversation import KEPT_SECONDS, ROOMS, page, post, rooms
from chat.identifiers import first_at
from chat.messages import Message
from chat.problems import Problem

NOW = 1_767_225_600_000


def message(offset_ms=0, *, room="lobby", text="Hello", name="Ada"):
    return Message(room=room, id=first_at(NOW + offset_ms), name=name, text=text)


def send(table, *messages):
    for each in messages:
        post(table, each, region="eu-west-1", now_ms=NOW)


def texts(answer):
    return [each["text"] for each in answer["messages"]]


def test_a_message_remembers_its_region_and_expires(table):
    shown, new = post(table, message(), region="ap-northeast-1", now_ms=NOW)
    assert new
    assert shown["region"] == "ap-northeast-1"
    assert table.items["lobby", first_at(NOW)]["expires"] == NOW // 1000 + KEPT_SECONDS


def test_posting_a_message_again_changes_nothing_and_shows_the_first(table):
    """A browser that lost its region does not know whether its message arrived, so it sends it again."""
    post(table, message(), region="eu-west-1", now_ms=NOW)
    shown, new = post(table, message(), region="us-east-1", now_ms=NOW + 5000)
    assert not new
    assert (shown["region"], shown["time"]) == ("eu-west-1", NOW)
    assert len(page(table, "lobby", after=None, before=None, limit=10)["messages"]) == 1


def test_a_repeated_message_brings_its_room_back_into_the_list(table):
    """The first attempt may have ended after the message, before the room."""
    send(table, message())
    del table.items[ROOMS, "lobby"]
    send(table, message())
    assert [room["name"] for room in rooms(table)] == ["lobby"]


def test_the_id_of_somebody_elses_message_cannot_be_taken(table):
    send(table, message())
    with pytest.raises(Problem) as caught:
        post(table, message(text="Changed"), region="eu-west-1", now_ms=NOW)
    assert caught.value.status == 409


def test_the_newest_page_comes_oldest_first_and_says_that_there_is_more(table):
    send(table, *(message(number, text=str(number)) for number in range(5)))
    answer = page(table, "lobby", after=None, before=None, limit=3)
    assert texts(answer) == ["2", "3", "4"]
    assert answer["more"]


def test_what_came_after_and_before_a_message(table):
    send(table, *(message(number, text=str(number)) for number in range(5)))
    assert texts(page(table, "lobby", after=first_at(NOW + 2), before=None, limit=10)) == ["3", "4"]
    assert texts(page(table, "lobby", after=None, before=first_at(NOW + 3), limit=2)) == ["1", "2"]


def test_rooms_are_apart_and_the_liveliest_comes_first(table):
    post(table, message(room="north"), region="eu-west-1", now_ms=NOW)
    post(table, message(room="south"), region="us-east-1", now_ms=NOW + 1)
    assert [(room["name"], room["region"]) for room in rooms(table)] == [("south", "us-east-1"), ("north", "eu-west-1")]
    assert len(page(table, "north", after=None, before=None, limit=10)["messages"]) == 1
