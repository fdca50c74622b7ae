"""DNS messages, bytes to values and back (RFC 1035, EDNS0 of RFC 6891, Client Subnet of RFC 7871).

A name is text without the final dot; the root is the empty string. Bytes that would be ambiguous in text are written
`\\DDD`, as in zone files. The data of a record is a tuple of names (str) and of everything else (bytes), in order, so
that one reader and one writer do for all types, and names in it can be compressed.

Messages come from strangers: a compression pointer only ever leads backwards, lengths are checked, and whatever does
not fit is a MalformedMessage. It is not a resolver, a zone file reader, or DNSSEC.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from struct import Struct
from struct import error as struct_error

import msgspec

from globule.wire.dns_names import NAME_BYTES, name_text
from globule.wire.dns_names import InvalidName as InvalidName
from globule.wire.dns_names import encode_name as encode_name

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT, SPF, ANY, CAA = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 99, 255, 257
IN = 1

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16

TYPE_NAMES = {
    A: "A",
    NS: "NS",
    CNAME: "CNAME",
    SOA: "SOA",
    PTR: "PTR",
    MX: "MX",
    TXT: "TXT",
    AAAA: "AAAA",
    SRV: "SRV",
    SPF: "SPF",
    CAA: "CAA",
}

CLIENT_SUBNET = 8
"""The code of the EDNS option."""

HEADER_BYTES = 12
# RFC 1035 section 2.3.4: a message over UDP without EDNS.
PLAIN_UDP_BYTES = 512
# The length field in front of a message over TCP has two bytes.
MESSAGE_BYTES = 65_535

_HEADER = Struct("!HHHHHH")
_QUESTION = Struct("!HH")
_RECORD = Struct("!HHIH")
_OPTION = Struct("!HH")
_QR, _AA, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_DO = 0x8000
_POINTER = 0xC0
# A pointer has fourteen bits.
_POINTER_REACH = 0x3FFF

# Where names are in the data of a record: bytes before, names, bytes after (the rest).
_NAMES_IN = {NS: (0, 1), CNAME: (0, 1), PTR: (0, 1), SOA: (0, 2), MX: (2, 1), SRV: (6, 1)}
# RFC 3597 section 4: only the types of RFC 1035 may have compressed names.
_COMPRESSED = frozenset((NS, CNAME, PTR, SOA, MX))


class MalformedMessage(Exception):
    """These bytes are not a DNS message."""


class Question(msgspec.Struct, frozen=True):
    name: str
    type: int
    class_: int = IN


class Record(msgspec.Struct, frozen=True):
    name: str
    type: int
    ttl_seconds: int
    data: tuple[bytes | str, ...]
    class_: int = IN


class ClientSubnet(msgspec.Struct, frozen=True):
    """Where the client behind a resolver is: an address whose bits beyond the source prefix are zero."""

    address: str
    source_bits: int
    scope_bits: int = 0


class Edns(msgspec.Struct, frozen=True, kw_only=True):
    payload_bytes: int = 1232
    """The largest UDP message that the sender accepts; the default is what the DNS flag day of 2020 agreed on."""
    version: int = 0
    dnssec_ok: bool = False
    client_subnet: ClientSubnet | None = None
    options: tuple[tuple[int, bytes], ...] = ()
    """The other options, by code."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    response: bool = False
    opcode: int = 0
    authoritative: bool = False
    truncated: bool = False
    recursion_desired: bool = False
    recursion_available: bool = False
    authentic: bool = False
    checking_disabled: bool = False
    rcode: int = NOERROR
    """Twelve bits; above 15 only with EDNS."""
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authorities: tuple[Record, ...] = ()
    additionals: tuple[Record, ...] = ()
    """Without the OPT record, which is `edns`."""
    edns: Edns | None = None


# Reading.


def parse_message(data: bytes) -> Message:
    """Raises MalformedMessage."""
    try:
        return _parse(data)
    except (IndexError, struct_error) as error:
        raise MalformedMessage("the message ends in the middle of something") from error


def _parse(data: bytes) -> Message:
    number, flags, *counts = _HEADER.unpack_from(data)
    offset = HEADER_BYTES
    questions = []
    for _ in range(counts[0]):
        name, offset = _read_name(data, offset)
        questions.append(Question(name, *_QUESTION.unpack_from(data, offset)))
        offset += 4
    sections: list[tuple[Record, ...]] = []
    edns: Edns | None = None
    rcode = flags & 0xF
    for count in counts[1:]:
        records = []
        for _ in range(count):
            record, offset = _read_record(data, offset)
            if record.type != OPT:
                records.append(record)
                continue
            if edns is not None or len(sections) != 2 or record.name:
                raise MalformedMessage("an OPT record out of place")
            edns = _edns(record)
            rcode |= record.ttl_seconds >> 24 << 4
        sections.append(tuple(records))
    if offset != len(data):
        raise MalformedMessage("bytes after the end of the message")
    return Message(
        id=number,
        response=bool(flags & _QR),
        opcode=flags >> 11 & 0xF,
        authoritative=bool(flags & _AA),
        truncated=bool(flags & _TC),
        recursion_desired=bool(flags & _RD),
        recursion_available=bool(flags & _RA),
        authentic=bool(flags & _AD),
        checking_disabled=bool(flags & _CD),
        rcode=rcode,
        questions=tuple(questions),
        answers=sections[0],
        authorities=sections[1],
        additionals=sections[2],
        edns=edns,
    )


def essence(data: bytes) -> bytes:
    """What of an ordinary question its answer follows from: all but the id, and EDNS options other than the client
    subnet (cookies differ with each question). Anything else, malformed or not, is its own essence."""
    if data[2:3] > b"\7" or data[4:12] != b"\0\1\0\0\0\0\0\1":
        return data[2:]
    try:
        offset = HEADER_BYTES
        while length := data[offset]:
            offset += length + 1
        opt = offset + 5
        if data[opt : opt + 3] != b"\0\0\x29":
            return data[2:]
        offset = opt + 11
        kept = [data[2:offset]]
        while offset < len(data):
            code, length = _OPTION.unpack_from(data, offset)
            end = offset + _OPTION.size + length
            if end > len(data):
                return data[2:]
            if code == CLIENT_SUBNET:
                kept.append(data[offset:end])
            offset = end
    except (IndexError, struct_error):
        return data[2:]
    return b"".join(kept)


def _read_name(data: bytes, offset: int) -> tuple[str, int]:
    """The name, and where what follows it begins."""
    parts: list[bytes] = []
    size_bytes = 1
    end = -1
    lowest = offset
    while length := data[offset]:
        if length < 64:
            size_bytes += length + 1
            if size_bytes > NAME_BYTES:
                raise MalformedMessage("a name is too long")
            part = data[offset + 1 : offset + 1 + length]
            if len(part) < length:
                raise MalformedMessage("a label ends with the message")
            parts.append(part)
            offset += length + 1
        elif length >= _POINTER:
            target = (length & 0x3F) << 8 | data[offset + 1]
            if end < 0:
                end = offset + 2
            if target >= lowest:
                raise MalformedMessage("a compression pointer leads forwards")
            offset = lowest = target
        else:
            raise MalformedMessage("an unknown kind of label")
    return name_text(parts), (offset + 1 if end < 0 else end)


def _read_record(data: bytes, offset: int) -> tuple[Record, int]:
    name, offset = _read_name(data, offset)
    type_, class_, ttl_seconds, length = _RECORD.unpack_from(data, offset)
    offset += _RECORD.size
    end = offset + length
    if end > len(data):
        raise MalformedMessage("the data of a record ends beyond the message")
    before, names = _NAMES_IN.get(type_, (length, 0))
    parts: list[bytes | str] = []
    if before:
        parts.append(data[offset : offset + before])
        offset += before
    for _ in range(names):
        text, offset = _read_name(data, offset)
        parts.append(text)
    if offset > end:
        raise MalformedMessage("a name ends beyond the data of its record")
    if offset < end:
        parts.append(data[offset:end])
    return Record(name, type_, ttl_seconds, tuple(parts), class_), end


def _edns(record: Record) -> Edns:
    """RFC 6891 section 6.1: the class is the payload size; the TTL holds extended code, version and flags."""
    data = b"".join(part for part in record.data if isinstance(part, bytes))
    options: list[tuple[int, bytes]] = []
    subnet: ClientSubnet | None = None
    offset = 0
    while offset < len(data):
        code, length = _OPTION.unpack_from(data, offset)
        offset += _OPTION.size
        value = data[offset : offset + length]
        offset += length
        if len(value) < length:
            raise MalformedMessage("an EDNS option ends beyond its record")
        if code == CLIENT_SUBNET and subnet is None:
            subnet = _client_subnet(value)
        else:
            options.append((code, value))
    return Edns(
        payload_bytes=record.class_,
        version=record.ttl_seconds >> 16 & 0xFF,
        dnssec_ok=bool(record.ttl_seconds & _DO),
        client_subnet=subnet,
        options=tuple(options),
    )


def _client_subnet(value: bytes) -> ClientSubnet:
    """RFC 7871 section 6: as many address bytes as the prefix needs, and zeros after it."""
    family, source_bits, scope_bits = value[0] << 8 | value[1], value[2], value[3]
    size_bytes = {1: 4, 2: 16}.get(family)
    if size_bytes is None or source_bits > size_bytes * 8 or scope_bits > size_bytes * 8:
        raise MalformedMessage("a client subnet of an unknown family or length")
    if len(value) - 4 != (source_bits + 7) // 8:
        raise MalformedMessage("a client subnet whose address does not have the length of its prefix")
    address = value[4:].ljust(size_bytes, b"\0")
    if int.from_bytes(address) & ((1 << size_bytes * 8 - source_bits) - 1):
        raise MalformedMessage("a client subnet with bits beyond its prefix")
    text = ".".join(map(str, address)) if family == 1 else str(ipaddress.IPv6Address(address))
    return ClientSubnet(text, source_bits, scope_bits)


# Writing.


def encode_message(message: Message, *, limit_bytes: int = MESSAGE_BYTES) -> bytes:
    """A message that does not fit goes without its records and with the TC bit, so that the client asks again over
    TCP (RFC 2181 section 9). Raises InvalidName, or ValueError for data too long for its record."""
    opt = b"" if message.edns is None else _encode_edns(message.edns, message.rcode)
    sections = (message.answers, message.authorities, message.additionals)
    out = bytearray(HEADER_BYTES)
    offsets: dict[str, int] = {}
    for question in message.questions:
        _write_name(out, question.name, offsets)
        out += _QUESTION.pack(question.type, question.class_)
    records_start = len(out)
    for section in sections:
        for record in section:
            _write_record(out, record, offsets)
    counts = [len(section) for section in sections]
    truncated = message.truncated
    if len(out) + len(opt) > limit_bytes:
        del out[records_start:]
        counts = [0, 0, 0]
        truncated = True
    out += opt
    counts[2] += message.edns is not None
    _HEADER.pack_into(out, 0, message.id, _flags(message, truncated=truncated), len(message.questions), *counts)
    return bytes(out)


def _flags(message: Message, *, truncated: bool) -> int:
    return (
        message.opcode << 11
        | (message.rcode & 0xF)
        | (_QR if message.response else 0)
        | (_AA if message.authoritative else 0)
        | (_TC if truncated else 0)
        | (_RD if message.recursion_desired else 0)
        | (_RA if message.recursion_available else 0)
        | (_AD if message.authentic else 0)
        | (_CD if message.checking_disabled else 0)
    )


def _write_name(out: bytearray, name: str, offsets: dict[str, int]) -> None:
    """Compressed: `offsets` has where in the message each name that was written begins."""
    rest = name
    encoded = b"" if name in offsets else encode_name(name)
    at = 0
    while rest:
        known = offsets.get(rest)
        if known is not None:
            out += (_POINTER << 8 | known).to_bytes(2)
            return
        if len(out) <= _POINTER_REACH:
            offsets[rest] = len(out)
        step = encoded[at] + 1
        out += encoded[at : at + step]
        at += step
        rest = rest.partition(".")[2] if "\\" not in rest else name_text(_split_wire(encoded[at:]))
    out.append(0)


def _split_wire(encoded: bytes) -> list[bytes]:
    parts = []
    at = 0
    while length := encoded[at]:
        parts.append(encoded[at + 1 : at + 1 + length])
        at += length + 1
    return parts


def _write_record(out: bytearray, record: Record, offsets: dict[str, int]) -> None:
    _write_name(out, record.name, offsets)
    at = len(out)
    out += bytes(_RECORD.size)
    compressed = record.type in _COMPRESSED
    for part in record.data:
        if isinstance(part, bytes):
            out += part
        elif compressed:
            _write_name(out, part, offsets)
        else:
            out += encode_name(part)
    length = len(out) - at - _RECORD.size
    if length > MESSAGE_BYTES:
        raise ValueError(f"the data of a record has at most {MESSAGE_BYTES} bytes")
    _RECORD.pack_into(out, at, record.type, record.class_, record.ttl_seconds, length)


def _encode_edns(edns: Edns, rcode: int) -> bytes:
    options = list(edns.options)
    if edns.client_subnet is not None:
        options.insert(0, (CLIENT_SUBNET, _encode_client_subnet(edns.client_subnet)))
    data = b"".join(_OPTION.pack(code, len(value)) + value for code, value in options)
    ttl = rcode >> 4 << 24 | edns.version << 16 | (_DO if edns.dnssec_ok else 0)
    return b"\0" + _RECORD.pack(OPT, edns.payload_bytes, ttl, len(data)) + data


def _encode_client_subnet(subnet: ClientSubnet) -> bytes:
    if ":" in subnet.address:
        family, packed = 2, ipaddress.IPv6Address(subnet.address).packed
    else:
        family, packed = 1, bytes(map(int, subnet.address.split(".")))
    head = bytes((0, family, subnet.source_bits, subnet.scope_bits))
    return head + packed[: (subnet.source_bits + 7) // 8]


def character_strings(pieces: Iterable[bytes]) -> bytes:
    """The data of a TXT record: each piece, of up to 255 bytes, behind its length."""
    return b"".join(bytes((len(piece),)) + piece for piece in pieces)
