"""Which messages and rooms are accepted."""

import pytest
from chat.identifiers import first_at
from chat.messages import NEWEST_MS, OLDEST_MS, message_from, room_named
from chat.problems import Problem

NOW = 1_767_225_600_000


def body(**changes):
    return {"id": first_at(NOW), "name": "Ada", "text": "Hello", **changes}


def test_a_message_is_taken_as_it_was_written():
    message = message_from("lobby", body(text="<b>東京</b> 👩🏽‍🚀\n\tline"), now_ms=NOW)
    assert message.text == "<b>東京</b> 👩🏽‍🚀\n\tline"


def test_white_space_around_names_and_texts_goes():
    message = message_from("lobby", body(name="  Ada \n Lovelace ", text="\n Hello \n"), now_ms=NOW)
    assert (message.name, message.text) == ("Ada Lovelace", "Hello")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": None}, "InvalidId"),
        ({"id": "01"}, "InvalidId"),
        ({"id": first_at(NOW - OLDEST_MS - 1)}, "InvalidTime"),
        ({"id": first_at(NOW + NEWEST_MS + 1)}, "InvalidTime"),
        ({"name": None}, "InvalidName"),
        ({"name": "  "}, "InvalidName"),
        ({"name": "a" * 41}, "InvalidName"),
        ({"name": "a\0b"}, "InvalidName"),
        ({"text": ["Hello"]}, "InvalidText"),
        ({"text": " \n "}, "InvalidText"),
        ({"text": "a" * 2001}, "InvalidText"),
        ({"text": "a\x1b[31mb"}, "InvalidText"),
        ({"text": "\ud800"}, "InvalidText"),
    ],
)
def test_a_bad_message_is_refused_by_the_name_of_what_is_bad(changes, code):
    with pytest.raises(Problem) as caught:
        message_from("lobby", body(**changes), now_ms=NOW)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("content", [None, [], "text", 5])
def test_a_body_that_is_not_an_object_is_refused(content):
    with pytest.raises(Problem, match="JSON object"):
        message_from("lobby", content, now_ms=NOW)


@pytest.mark.parametrize("name", ["a", "lobby", "north-pole", "a" * 40, "24h"])
def test_good_room_names(name):
    assert room_named(name) == name


@pytest.mark.parametrize("name", ["", "#rooms", "Lobby", "-a", "a-", "a b", "a" * 41, "a/b", "é", None])
def test_bad_room_names(name):
    with pytest.raises(Problem):
        room_named(name)
