"""PynamoDB, a mapper of the community's, by its models."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from pynamodb.attributes import (
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, PutError, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from .conftest import CREDENTIALS, REGION


class ByAuthor(GlobalSecondaryIndex["Thread"]):
    class Meta:
        index_name = "by-author"
        projection = AllProjection()

    author = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByViews(LocalSecondaryIndex["Thread"]):
    class Meta:
        index_name = "by-views"
        projection = IncludeProjection(["author"])

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Place(MapAttribute[str, Any]):
    city = UnicodeAttribute()
    floor = NumberAttribute(null=True)


class Thread(Model):
    class Meta:
        table_name = "threads"
        region = REGION
        billing_mode = "PAY_PER_REQUEST"

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    author = UnicodeAttribute(null=True)
    views = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    place = Place(null=True)
    answers: Any = ListAttribute(null=True)
    about = JSONAttribute(null=True)
    at = UTCDateTimeAttribute(null=True)
    until = TTLAttribute(null=True)
    version = VersionAttribute()
    by_author = ByAuthor()
    by_views = ByViews()


@pytest.fixture(scope="module", autouse=True)
def threads(endpoint: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        Thread.Meta.host = endpoint  # type: ignore[attr-defined] # PynamoDB looks for it there
        Thread.create_table(wait=True)
        yield
        Thread.delete_table(wait=True)


def test_a_model_comes_back_as_it_was_saved() -> None:
    now = datetime.datetime.now(datetime.UTC)
    Thread(
        "types",
        "all",
        tags={"a", "b"},
        place=Place(city="Graz", floor=3),
        answers=["x", 1, {"y": None}],
        about={"deep": [1, {"k": "v"}]},
        at=now,
        until=datetime.timedelta(days=1),
    ).save()
    found = Thread.get("types", "all", consistent_read=True)
    assert (found.tags, found.place.city, found.answers, found.about, found.at) == (
        {"a", "b"},
        "Graz",
        ["x", 1, {"y": None}],
        {"deep": [1, {"k": "v"}]},
        now,
    )
    assert found.version == 1


def test_a_version_that_is_not_the_newest_is_not_saved() -> None:
    thread = Thread("versions", "a")
    thread.save()
    other = Thread.get("versions", "a")
    other.update(actions=[Thread.views.set(5)])
    with pytest.raises(PutError) as caught:
        thread.save()
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"


def test_updates_and_conditions_become_expressions() -> None:
    thread = Thread("updates", "a", views=1, tags={"a"}, answers=["x"])
    thread.save()
    thread.update(
        actions=[
            Thread.views.add(2),
            Thread.tags.add({"b"}),
            Thread.answers.set(Thread.answers.append(["y"])),
            Thread.author.set(Thread.author | "somebody"),
            Thread.place.set({"city": "Linz"}),
        ],
        condition=(Thread.views == 1) & Thread.tags.contains("a") & Thread.author.does_not_exist(),
    )
    assert (thread.views, thread.tags, thread.answers, thread.author) == (3, {"a", "b"}, ["x", "y"], "somebody")
    thread.update(actions=[Thread.place.city.set("Wien"), Thread.tags.delete({"a", "b"}), Thread.answers[0].remove()])
    assert (thread.place.city, thread.tags, thread.answers) == ("Wien", None, ["y"])
    with pytest.raises(DeleteError):
        thread.delete(condition=Thread.author.startswith("nobody"))


def test_queries_go_through_pages_and_indexes() -> None:
    with Thread.batch_write() as batch:
        for number in range(40):
            batch.save(Thread("many", f"{number:02}", views=number, author=f"a{number % 2}"))
    found = Thread.query("many", Thread.subject.between("10", "29"), Thread.views > 14, page_size=3)
    assert [thread.subject for thread in found] == [f"{number:02}" for number in range(15, 30)]
    assert Thread.count("many", Thread.subject.startswith("1")) == 10
    newest = Thread.by_author.query("a1", ByAuthor.views >= 35, scan_index_forward=False)
    assert [thread.views for thread in newest] == [39, 37, 35]
    assert [thread.subject for thread in Thread.by_views.query("many", ByViews.views < 2)] == ["00", "01"]
    assert len(list(Thread.scan(Thread.forum == "many", segment=0, total_segments=1))) == 40
    assert len(list(Thread.batch_get([("many", f"{number:02}") for number in range(40)]))) == 40


def test_a_transaction_is_done_whole_or_not_at_all(endpoint: str) -> None:
    connection = Connection(region=REGION, host=endpoint)
    Thread("transactions", "there").save()
    with TransactWrite(connection=connection, client_request_token="token") as transaction:
        transaction.save(Thread("transactions", "new"))
        transaction.update(Thread.get("transactions", "there"), actions=[Thread.views.set(9)])
    with TransactGet(connection=connection) as transaction:
        futures = [transaction.get(Thread, "transactions", subject) for subject in ("new", "there")]
    assert [future.get().views for future in futures] == [0, 9]
    with (
        pytest.raises(TransactWriteError) as caught,
        TransactWrite(connection=connection) as transaction,
    ):
        transaction.save(Thread("transactions", "never"))
        transaction.condition_check(Thread, "transactions", "absent", condition=Thread.forum.exists())
    assert [reason and reason.code for reason in caught.value.cancellation_reasons] == ["ConditionalCheckFailed", None]
    with pytest.raises(Thread.DoesNotExist):
        Thread.get("transactions", "never")
