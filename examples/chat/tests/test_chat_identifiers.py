"""Message ids."""

from chat.identifiers import first_at, is_identifier, time_of


def test_an_identifier_tells_its_time():
    assert time_of(first_at(1_767_225_600_123)) == 1_767_225_600_123


def test_identifiers_sort_by_time():
    times = [0, 1, 31, 32, 1_767_225_600_000, 1_767_225_600_001, 2**48 - 1]
    assert sorted(map(first_at, times)) == [first_at(time) for time in times]


def test_the_published_example_of_a_ulid_has_its_published_time():
    """https://github.com/ulid/spec names 01ARZ3NDEKTSV4RRFFQ69G5FAV."""
    assert is_identifier("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert time_of("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1_469_922_850_259


def test_anything_else_is_not_an_identifier():
    for text in (
        None,
        5,
        "",
        "x",
        "01ARZ3NDEKTSV4RRFFQ69G5FA",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01arz3ndektsv4rrffq69g5fav",
    ):
        assert not is_identifier(text)
