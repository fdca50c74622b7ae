"""Numbers keep all of their 38 digits, and have one text each."""

import pytest

from globule.dynamodb.rules import numbers
from globule.wire.aws.errors import AwsError


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("+5", "5"),
        ("007", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("100", "100"),
        ("1E2", "100"),
        ("1e+2", "100"),
        ("-12.300e-1", "-1.23"),
        ("0.0000012", "0.0000012"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ("1E125", "1" + "0" * 125),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("0E999999999999999999999999", "0"),
    ],
)
def test_a_number_is_kept_in_plain_notation(written: str, stored: str) -> None:
    assert numbers.canonical(written) == stored


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("٣", "The parameter cannot be converted to a numeric value: ٣"),
        ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        (
            "1E999999999999999",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_what_is_no_number_is_refused_in_awss_words(written: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        numbers.canonical(written)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)


def test_sums_and_differences_are_exact() -> None:
    assert numbers.add("0.1", "0.2") == "0.3"
    assert numbers.add("99999999999999999999999999999999999999", "1") == "1" + "0" * 38
    assert numbers.subtract("1", "1.5") == "-0.5"


def test_a_sum_that_needs_more_digits_than_there_are_is_refused() -> None:
    with pytest.raises(AwsError, match="more than 38 significant digits"):
        numbers.add("1" + "0" * 60, "1")
