"""Our DNS codec against dnspython, an independent reader and writer, and against anything at all."""

from __future__ import annotations

import contextlib
import ipaddress
from ipaddress import ip_address

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from globule.wire import dns as codec
from globule.wire.dns import ClientSubnet, Edns, InvalidName, MalformedMessage, Message, Question, Record
from globule.wire.dns_values import value_text

label_bytes = st.binary(min_size=1, max_size=63)
plain_label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_*", min_size=1, max_size=20)


@st.composite
def names(draw: st.DrawFn) -> str:
    """Names that share endings, so that compression has something to do."""
    parts = draw(st.lists(plain_label, max_size=3))
    return ".".join([*parts, *draw(st.sampled_from([[], ["com"], ["example", "com"], ["a", "example", "com"]]))])


def data_of(type_: int) -> st.SearchStrategy[tuple[bytes | str, ...]]:
    number = st.binary(min_size=2, max_size=2)
    strategies: dict[int, st.SearchStrategy[tuple[bytes | str, ...]]] = {
        codec.A: st.tuples(st.binary(min_size=4, max_size=4)),
        codec.AAAA: st.tuples(st.binary(min_size=16, max_size=16)),
        codec.NS: st.tuples(names()),
        codec.CNAME: st.tuples(names()),
        codec.PTR: st.tuples(names()),
        codec.MX: st.tuples(number, names()),
        codec.SRV: st.tuples(st.binary(min_size=6, max_size=6), names()),
        codec.SOA: st.tuples(names(), names(), st.binary(min_size=20, max_size=20)),
        codec.TXT: st.lists(st.binary(max_size=255), min_size=1, max_size=3).map(
            lambda pieces: (codec.character_strings(pieces),)
        ),
        codec.CAA: st.just((b"\0\x05issueca.example.net",)),
    }
    return strategies[type_]


@st.composite
def records(draw: st.DrawFn) -> Record:
    type_ = draw(st.sampled_from(sorted(codec.TYPE_NAMES.keys() - {codec.SPF})))
    return Record(draw(names()), type_, draw(st.integers(0, 2**31 - 1)), draw(data_of(type_)))


@st.composite
def client_subnets(draw: st.DrawFn) -> ClientSubnet:
    size = draw(st.sampled_from([32, 128]))
    bits = draw(st.integers(0, size))
    network = draw(st.integers(0, 2**bits - 1)) << (size - bits)
    address = ipaddress.IPv4Address(network) if size == 32 else ipaddress.IPv6Address(network)
    return ClientSubnet(str(address), bits, draw(st.integers(0, size)))


extensions = st.builds(
    Edns,
    payload_bytes=st.integers(512, 65535),
    dnssec_ok=st.booleans(),
    client_subnet=st.none() | client_subnets(),
    options=st.lists(st.tuples(st.just(65001), st.binary(max_size=20)), max_size=2).map(tuple),
)
messages = st.builds(
    Message,
    id=st.integers(0, 65535),
    response=st.booleans(),
    authoritative=st.booleans(),
    recursion_desired=st.booleans(),
    recursion_available=st.booleans(),
    checking_disabled=st.booleans(),
    rcode=st.integers(0, 5),
    questions=st.lists(st.builds(Question, names(), st.integers(1, 260)), min_size=1, max_size=1).map(tuple),
    answers=st.lists(records(), max_size=4).map(tuple),
    authorities=st.lists(records(), max_size=2).map(tuple),
    additionals=st.lists(records(), max_size=2).map(tuple),
    edns=st.none() | extensions,
)


@given(messages)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert codec.parse_message(codec.encode_message(message)) == message


@given(messages)
def test_dnspython_reads_what_we_write(message: Message) -> None:
    read = dns.message.from_wire(codec.encode_message(message), one_rr_per_rrset=True)

    assert read.id == message.id
    assert read.rcode() == message.rcode
    assert bool(read.flags & dns.flags.AA) == message.authoritative
    assert read.question[0].name == dns.name.from_text(message.questions[0].name)
    assert [(rrset.name, int(rrset.rdtype), rrset.ttl) for rrset in read.answer] == [
        (dns.name.from_text(record.name), record.type, record.ttl_seconds) for record in message.answers
    ]
    if message.edns is not None:
        subnets = [option for option in read.options if isinstance(option, dns.edns.ECSOption)]
        # Addresses have more than one text: dnspython ends this one with dotted bytes.
        read_subnets = [ClientSubnet(str(ip_address(found.address)), found.srclen, found.scopelen) for found in subnets]
        assert read_subnets == ([] if message.edns.client_subnet is None else [message.edns.client_subnet])


@given(messages)
def test_we_read_what_dnspython_writes(message: Message) -> None:
    """dnspython compresses by its own rules; what comes out is the same message."""
    theirs = dns.message.from_wire(codec.encode_message(message), one_rr_per_rrset=True)

    ours = codec.parse_message(theirs.to_wire(max_size=65535))

    assert ours.questions == message.questions
    assert (ours.answers, ours.authorities, ours.additionals) == (
        message.answers,
        message.authorities,
        message.additionals,
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        codec.parse_message(data)


@given(messages, st.data())
def test_a_damaged_message_is_a_message_or_malformed(message: Message, data: st.DataObject) -> None:
    wire = bytearray(codec.encode_message(message))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedMessage):
        read = codec.parse_message(bytes(wire[: data.draw(st.integers(0, len(wire)))]))
        assert all(value_text(record) for record in (*read.answers, *read.authorities, *read.additionals))


@given(st.lists(label_bytes, max_size=3))
def test_a_name_of_any_bytes_survives_text(parts: list[bytes]) -> None:
    wire = b"".join(bytes((len(part),)) + part for part in parts) + b"\0"
    question = b"\0\1\0\0\0\1\0\0\0\0\0\0" + wire + b"\0\1\0\1"

    name = codec.parse_message(question).questions[0].name

    assert codec.encode_name(name) == wire
    assert dns.name.from_text(name + ".").to_wire() == wire


@given(st.text(max_size=80))
def test_text_that_is_a_name_survives_the_wire(text: str) -> None:
    try:
        wire = codec.encode_name(text)
    except InvalidName:
        return
    name = codec.parse_message(b"\0\1\0\0\0\1\0\0\0\0\0\0" + wire + b"\0\1\0\1").questions[0].name
    assert codec.encode_name(name) == wire


@given(messages, st.integers(512, 1400))
def test_what_does_not_fit_is_truncated_and_says_so(message: Message, limit_bytes: int) -> None:
    wire = codec.encode_message(message, limit_bytes=limit_bytes)

    read = codec.parse_message(wire)

    assert len(wire) <= limit_bytes
    assert read.questions == message.questions
    assert read.truncated == (len(codec.encode_message(message)) > limit_bytes)
    assert read.answers == (() if read.truncated else message.answers)


def test_a_pointer_that_leads_to_itself_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        codec.parse_message(b"\0\1\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1")


@pytest.mark.parametrize("option", [b"\0\x08\0\2\0\1", b"\0\x08\0\5\0\1\x21\0\0", b"\0\x08\0\5\0\3\x08\0\x0a"])
def test_a_client_subnet_of_the_wrong_form_is_malformed(option: bytes) -> None:
    opt = b"\0\0\x29\x04\xd0\0\0\0\0" + len(option).to_bytes(2) + option
    with pytest.raises(MalformedMessage):
        codec.parse_message(b"\0\1\0\0\0\1\0\0\0\0\0\1\0\0\1\0\1" + opt)


def test_names_in_records_are_compressed() -> None:
    message = Message(
        id=1,
        questions=(Question("www.example.com", codec.NS),),
        answers=tuple(Record("www.example.com", codec.NS, 60, (f"ns{i}.example.com",)) for i in range(4)),
    )
    assert len(codec.encode_message(message)) == 12 + 17 + 4 + 4 * (2 + 10 + 4 + 2)
