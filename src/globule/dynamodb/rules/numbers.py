"""DynamoDB's numbers: decimal, 38 significant digits, magnitudes from 1E-130 to 9.99...E+125.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number

A number is its canonical text everywhere: plain notation, no exponent, no sign of plus, no leading or trailing
zeros. Equal numbers have equal texts, so equality is a comparison of strings.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal

from globule.dynamodb.rules.errors import validation

SIGNIFICANT_DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130

# An exponent of more digits is out of range whatever the mantissa, and must not be turned into that many zeros.
_EXPONENT_DIGITS = 9
# Wide enough for the exact sum of the largest and the smallest number.
_EXACT = Context(prec=LARGEST_EXPONENT - SMALLEST_EXPONENT + SIGNIFICANT_DIGITS + 2)

_PLAIN_INTEGER = re.compile(r"-?[1-9][0-9]{0,37}")
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")


def canonical(text: str) -> str:
    """The canonical text of a number as a client wrote it. Raises ValidationException."""
    if _PLAIN_INTEGER.fullmatch(text) and text[-1] != "0":
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise validation(f"The parameter cannot be converted to a numeric value{': ' if text else ''}{text}")
    sign, whole, fraction, only_fraction, exponent = match.groups()
    fraction = fraction or only_fraction or ""
    digits = (whole or "") + fraction
    significant = digits.lstrip("0")
    if not significant:
        return "0"
    shift = _bounded(exponent or "0") - len(fraction)
    trimmed = significant.rstrip("0")
    shift += len(significant) - len(trimmed)
    magnitude = shift + len(trimmed) - 1
    if magnitude > LARGEST_EXPONENT:
        raise validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < SMALLEST_EXPONENT:
        raise validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    if len(trimmed) > SIGNIFICANT_DIGITS:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    return ("-" if sign == "-" else "") + _plain(trimmed, shift)


def _bounded(exponent: str) -> int:
    digits = exponent.lstrip("+-").lstrip("0")
    if len(digits) > _EXPONENT_DIGITS:
        digits = "9" * _EXPONENT_DIGITS
    return int(digits or "0") * (-1 if exponent.startswith("-") else 1)


def _plain(digits: str, shift: int) -> str:
    if shift >= 0:
        return digits + "0" * shift
    if len(digits) > -shift:
        return f"{digits[:shift]}.{digits[shift:]}"
    return f"0.{'0' * (-shift - len(digits))}{digits}"


def add(one: str, other: str) -> str:
    """Exact. Raises ValidationException where the sum is no DynamoDB number."""
    return canonical(format(_EXACT.add(Decimal(one), Decimal(other)), "f"))


def subtract(one: str, other: str) -> str:
    """Exact. Raises as `add`."""
    return canonical(format(_EXACT.subtract(Decimal(one), Decimal(other)), "f"))
