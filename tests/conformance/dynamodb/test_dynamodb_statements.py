"""PartiQL: statements, batches of them, and transactions."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def films(client: Any, new_table: Any) -> str:
    name: str = new_table(
        attributes={"kind": "S"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number in range(6):
        client.put_item(
            TableName=name,
            Item={
                "pk": {"S": "ab"[number % 2]},
                "sk": {"S": str(number)},
                "kind": {"S": "k"},
                "n": {"N": str(number)},
                "m": {"M": {"x": {"L": [{"N": "7"}]}}},
            },
        )
    return name


def found(answer: dict[str, Any]) -> list[str]:
    return [item["sk"]["S"] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("statement", "parameters", "keys"),
    [
        ("SELECT * FROM \"{}\" WHERE pk = 'a'", None, ["0", "2", "4"]),
        ('select sk from "{}" where pk = ? and sk > ?', [{"S": "a"}, {"S": "1"}], ["2", "4"]),
        ("SELECT * FROM \"{}\" WHERE pk IN ['a', 'b'] AND sk BETWEEN '1' AND '3'", None, ["2", "1", "3"]),
        ("SELECT * FROM \"{}\" WHERE pk = 'a' AND (n = 2 OR n >= 4) AND NOT n < 0", None, ["2", "4"]),
        ("SELECT * FROM \"{}\" WHERE pk = 'b' AND begins_with(sk, '3')", None, ["3"]),
        ("SELECT * FROM \"{}\" WHERE pk = 'a' ORDER BY sk DESC", None, ["4", "2", "0"]),
        ('SELECT * FROM "{}"."by-kind" WHERE kind = \'k\' AND n = 5', None, ["5"]),
        (
            "SELECT * FROM \"{}\" WHERE pk = 'a' AND m.x[0] = 7 AND absent IS MISSING AND size(sk) = 1",
            None,
            ["0", "2", "4"],
        ),
        ("SELECT * FROM \"{}\" WHERE pk = 'a' AND absent IS NOT MISSING", None, []),
    ],
)
def test_a_select_finds_what_it_says(
    client: Any, films: str, statement: str, parameters: list[Any] | None, keys: list[str]
) -> None:
    given = {} if parameters is None else {"Parameters": parameters}
    assert found(client.execute_statement(Statement=statement.format(films), **given)) == keys


def test_a_select_returns_the_paths_that_it_names(client: Any, films: str) -> None:
    answer = client.execute_statement(Statement=f"SELECT n, m.x FROM \"{films}\" WHERE pk = 'a' AND sk = '2'")
    assert answer["Items"] == [{"n": {"N": "2"}, "m": {"M": {"x": {"L": [{"N": "7"}]}}}}]


def test_a_select_comes_in_pages(client: Any, films: str) -> None:
    statement = f"SELECT * FROM \"{films}\" WHERE pk IN ['a', 'b']"
    keys: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = client.execute_statement(Statement=statement, Limit=2, **more)
        keys += found(answer)
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert keys == ["0", "2", "4", "1", "3", "5"]


def test_a_select_without_a_key_reads_everything(client: Any, films: str) -> None:
    assert sorted(found(client.execute_statement(Statement=f'SELECT * FROM "{films}" WHERE n > 3'))) == ["4", "5"]


def test_an_insert_makes_a_new_item_only(client: Any, refused: Any, films: str) -> None:
    statement = f"INSERT INTO \"{films}\" VALUE {{'pk': 'z', 'sk': ?, 'l': [1, 'two', true], 's': <<'a', 'b'>>}}"
    client.execute_statement(Statement=statement, Parameters=[{"S": "new"}])
    item = client.get_item(TableName=films, Key={"pk": {"S": "z"}, "sk": {"S": "new"}})["Item"]
    assert item["l"] == {"L": [{"N": "1"}, {"S": "two"}, {"BOOL": True}]}
    assert item["s"] == {"SS": ["a", "b"]}
    assert refused("execute_statement", Statement=statement, Parameters=[{"S": "new"}]) == (
        "DuplicateItemException",
        "Duplicate primary key exists in table",
    )


def test_an_update_changes_one_item(client: Any, refused: Any, films: str) -> None:
    where = "WHERE pk = 'a' AND sk = '2'"
    answer = client.execute_statement(
        Statement=f"UPDATE \"{films}\" SET n = n + 10 SET tag = 't' REMOVE m {where} RETURNING ALL NEW *"
    )
    assert answer["Items"] == [
        {"pk": {"S": "a"}, "sk": {"S": "2"}, "kind": {"S": "k"}, "n": {"N": "12"}, "tag": {"S": "t"}}
    ]
    changed = client.execute_statement(
        Statement=f"UPDATE \"{films}\" SET words = set_add(words, <<'x'>>) {where} RETURNING MODIFIED NEW *"
    )
    assert changed["Items"] == [{"words": {"SS": ["x"]}}]
    assert refused("execute_statement", Statement=f'UPDATE "{films}" SET n = 1 {where} AND n = 0')[0] == (
        "ConditionalCheckFailedException"
    )
    assert refused("execute_statement", Statement=f"UPDATE \"{films}\" SET n = 1 WHERE pk = 'a' AND sk = 'absent'") == (
        "ConditionalCheckFailedException",
        "The conditional request failed",
    )


def test_a_delete_removes_one_item_and_forgives_its_absence(client: Any, films: str) -> None:
    statement = f"DELETE FROM \"{films}\" WHERE pk = 'a' AND sk = '0' RETURNING ALL OLD *"
    assert found(client.execute_statement(Statement=statement)) == ["0"]
    assert client.execute_statement(Statement=statement)["Items"] == []
    absent = f"DELETE FROM \"{films}\" WHERE pk = 'a' AND sk = '0' AND n = 5"
    assert client.execute_statement(Statement=absent)["Items"] == []


def test_nothing_is_returned_of_a_change_that_left_nothing(client: Any, films: str) -> None:
    client.execute_statement(Statement=f"INSERT INTO \"{films}\" VALUE {{'pk': 'returned', 'sk': '1', 'x': 1}}")
    where = "WHERE pk = 'returned' AND sk = '1'"
    for change, returned in (("REMOVE x", "MODIFIED NEW"), ("SET z = 1", "MODIFIED OLD")):
        statement = f'UPDATE "{films}" {change} {where} RETURNING {returned} *'
        assert client.execute_statement(Statement=statement)["Items"] == []


def test_what_cannot_be_returned_is_refused_and_nothing_is_done(client: Any, refused: Any, films: str) -> None:
    client.execute_statement(Statement=f"INSERT INTO \"{films}\" VALUE {{'pk': 'kept', 'sk': '1'}}")
    where = "WHERE pk = 'kept' AND sk = '1'"
    for returned in ("ALL NEW", "MODIFIED OLD", "MODIFIED NEW"):
        statement = f'DELETE FROM "{films}" {where} RETURNING {returned} *'
        assert refused("execute_statement", Statement=statement)[0] == "ValidationException"
    delete = {"Statement": f'DELETE FROM "{films}" {where} RETURNING ALL OLD *'}
    assert refused("execute_transaction", TransactStatements=[delete])[0] == "ValidationException"
    assert found(client.execute_statement(Statement=f'SELECT * FROM "{films}" {where}')) == ["1"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE \"{}\" SET n = 1 WHERE pk = 'a'",
            "Where clause does not contain a mandatory equality on all key attributes",
        ),
        ('SELECT * FROM "{}" WHERE pk = ?', "Number of parameters in request and statement don't match."),
        ('SELECT FROM "{}"', "Statement wasn't well formed, can't be processed: Unexpected: FROM"),
        ("", "1 validation error detected"),
        ("(" * 8000, "Statement wasn't well formed"),
        ('SELECT * FROM "{}" WHERE ' + "(" * 3000 + "a = 1", "Statement wasn't well formed"),
    ],
)
def test_a_bad_statement_is_refused(refused: Any, films: str, statement: str, message: str) -> None:
    code, text = refused("execute_statement", Statement=statement.format(films))
    assert code == "ValidationException"
    assert text.startswith(message)


def test_a_batch_of_statements_answers_each_by_itself(client: Any, films: str) -> None:
    answer = client.batch_execute_statement(
        Statements=[
            {"Statement": f"SELECT n FROM \"{films}\" WHERE pk = 'a' AND sk = '2'"},
            {"Statement": f"SELECT * FROM \"{films}\" WHERE pk = 'a'"},
            {"Statement": "SELECT * FROM nowhere WHERE pk = 'a' AND sk = '2'"},
            {"Statement": f"SELECT * FROM \"{films}\" WHERE pk = 'a' AND sk = 'absent'"},
        ]
    )
    first, second, third, fourth = answer["Responses"]
    assert first == {"TableName": films, "Item": {"n": {"N": "2"}}}
    assert second["Error"] == {
        "Code": "ValidationError",
        "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
    }
    assert third["Error"]["Code"] == "ResourceNotFound"
    assert fourth == {"TableName": films}


def test_a_transaction_of_statements_is_done_whole_or_not_at_all(client: Any, films: str) -> None:
    client.execute_transaction(
        TransactStatements=[
            {"Statement": f"INSERT INTO \"{films}\" VALUE {{'pk': 't', 'sk': '1'}}"},
            {"Statement": f"EXISTS(SELECT * FROM \"{films}\" WHERE pk = 'a' AND sk = '2' AND n = 2)"},
        ]
    )
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.execute_transaction(
            TransactStatements=[
                {"Statement": f"INSERT INTO \"{films}\" VALUE {{'pk': 't', 'sk': '2'}}"},
                {"Statement": f"INSERT INTO \"{films}\" VALUE {{'pk': 't', 'sk': '1'}}"},
            ]
        )
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == ["None", "DuplicateItem"]
    answer = client.execute_transaction(
        TransactStatements=[
            {"Statement": f"SELECT sk FROM \"{films}\" WHERE pk = 't' AND sk = '1'"},
            {"Statement": f"SELECT sk FROM \"{films}\" WHERE pk = 't' AND sk = '2'"},
        ]
    )
    assert answer["Responses"] == [{"Item": {"sk": {"S": "1"}}}, {}]
