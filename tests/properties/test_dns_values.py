"""Values of records as templates write them, against dnspython's reading of the same text."""

from __future__ import annotations

import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from globule.wire import dns as codec
from globule.wire.dns import Record
from globule.wire.dns_values import TYPE_CODES, InvalidValue, name_of, parse_value, value_text

label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
name = st.lists(label, min_size=1, max_size=4).map(".".join)
word = st.integers(0, 65535)
# What needs no escape, in which the two notations differ: Route 53's is octal.
plain = st.text([chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\'], max_size=255)


def values(record_type: str) -> st.SearchStrategy[str]:
    match record_type:
        case "A":
            return st.ip_addresses(v=4).map(str)
        case "AAAA":
            return st.ip_addresses(v=6).map(str)
        case "MX":
            return st.builds("{} {}.".format, word, name)
        case "SRV":
            return st.builds("{} {} {} {}.".format, word, word, word, name)
        case "TXT" | "SPF":
            return st.lists(plain.map('"{}"'.format), min_size=1, max_size=3).map(" ".join)
        case "CAA":
            return st.builds('{} {} "{}"'.format, st.integers(0, 255), st.sampled_from(["issue", "iodef"]), plain)
        case "SOA":
            long = st.integers(0, 2**32 - 1)
            return st.builds("{}. {}. {} {} {} {} {}".format, name, name, long, long, long, long, long)
        case _:
            return name.map("{}.".format)


def wire(data: tuple[bytes | str, ...]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else codec.encode_name(part) for part in data)


@pytest.mark.parametrize("record_type", TYPE_CODES)
@given(data=st.data())
def test_dnspython_reads_a_value_as_we_do(record_type: str, data: st.DataObject) -> None:
    text = data.draw(values(record_type))
    theirs = dns.rdata.from_text("IN", record_type, text)
    assert wire(parse_value(record_type, text)) == theirs.to_wire()


@pytest.mark.parametrize("record_type", TYPE_CODES)
@given(data=st.data())
def test_a_value_survives_being_written(record_type: str, data: st.DataObject) -> None:
    parsed = parse_value(record_type, data.draw(values(record_type)))
    written = value_text(Record("example.com", TYPE_CODES[record_type], 60, parsed))
    assert parse_value(record_type, written) == parsed


@pytest.mark.parametrize("record_type", TYPE_CODES)
@given(text=st.text(max_size=60))
def test_any_text_is_a_value_or_invalid(record_type: str, text: str) -> None:
    try:
        parsed = parse_value(record_type, text)
    except InvalidValue:
        return
    assert isinstance(wire(parsed), bytes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Example.COM.", "example.com"), ("\\052.example.com", "*.example.com"), ("a\\040b.com", "a\\032b.com"), ("", "")],
)
def test_names_are_read_as_route_53_writes_them(text: str, expected: str) -> None:
    assert name_of(text) == expected


def test_octal_escapes_in_text_are_bytes() -> None:
    assert parse_value("TXT", '"a\\042b" "\\351"') == (b'\x03a"b\x01\xe9',)
