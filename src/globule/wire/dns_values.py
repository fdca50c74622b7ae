"""The value of a record as zone files write it, such as `10 mail.example.com`, to its data and back.

The types are those of https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html, except
DNSSEC's DS, and HTTPS, NAPTR, SSHFP, SVCB and TLSA, which are refused by name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from struct import Struct

from globule.wire import dns

Data = tuple[bytes | str, ...]

_SOA_NUMBERS = Struct("!IIIII")
_SRV_NUMBERS = Struct("!HHH")
# RFC 8659 section 4.1: a flag byte, then a tag of letters and digits behind its length.
_CAA = re.compile(r'(\d{1,3}) ([A-Za-z0-9]{1,15}) "((?:[^"\\]|\\.)*)"')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|(.))")


class InvalidValue(ValueError):
    """This text is not a value of that type."""


def name_of(text: str) -> str:
    """A name as people and templates write it: any case, a final dot or none, and `\\052` for `*` (Route 53 escapes
    in octal, DomainNameFormat.html; DNS in decimal). Raises InvalidName."""
    name = _OCTAL.sub(lambda found: _decimal(int(found[1], 8)), text.strip().removesuffix(".")).lower()
    dns.encode_name(name)
    return name


def _decimal(byte: int) -> str:
    return chr(byte) if 0x21 <= byte <= 0x7E and byte not in b".\\" else f"\\{byte:03d}"


def parse_value(record_type: str, text: str) -> Data:
    """`record_type` is one of TYPE_CODES. Raises InvalidValue."""
    try:
        return _PARSERS[record_type](text.strip())
    except ValueError as error:
        why = f": {error}" if isinstance(error, dns.InvalidName) else ""
        raise InvalidValue(f"{text[:80]!r} is not a value of a record of type {record_type}{why}") from error


def value_text(record: dns.Record) -> str:
    """The data of a record as a zone file writes it; unknown types in the form of RFC 3597."""
    match record.type, record.data:
        case dns.A | dns.AAAA, (bytes(packed),) if len(packed) == (4 if record.type == dns.A else 16):
            return str(ipaddress.ip_address(packed))
        case dns.NS | dns.CNAME | dns.PTR, (str(name),):
            return f"{name}."
        case dns.MX, (bytes(number), str(name)):
            return f"{int.from_bytes(number)} {name}."
        case dns.SRV, (bytes(numbers), str(name)):
            return " ".join(map(str, _SRV_NUMBERS.unpack(numbers))) + f" {name}."
        case dns.SOA, (str(server), str(mailbox), bytes(numbers)) if len(numbers) == _SOA_NUMBERS.size:
            return f"{server}. {mailbox}. " + " ".join(map(str, _SOA_NUMBERS.unpack(numbers)))
        case dns.TXT | dns.SPF, (bytes(strings),):
            return " ".join(f'"{_quoted(piece)}"' for piece in _pieces(strings))
        case dns.CAA, (bytes(packed),) if len(packed) >= 2:
            tag_end = 2 + packed[1]
            return f'{packed[0]} {packed[2:tag_end].decode("latin-1")} "{_quoted(packed[tag_end:])}"'
    packed = b"".join(part if isinstance(part, bytes) else dns.encode_name(part) for part in record.data)
    return f"\\# {len(packed)} {packed.hex()}"


def _address(version: int) -> Callable[[str], Data]:
    def parse(text: str) -> Data:
        address = ipaddress.ip_address(text)
        if address.version != version:
            raise ValueError(text)
        return (address.packed,)

    return parse


def _name(text: str) -> Data:
    return (name_of(text),)


def _mx(text: str) -> Data:
    priority, name = text.split()
    return (_number(priority).to_bytes(2), name_of(name))


def _srv(text: str) -> Data:
    *numbers, name = text.split()
    if len(numbers) != 3:
        raise ValueError(text)
    return (_SRV_NUMBERS.pack(*map(_number, numbers)), name_of(name))


def _soa(text: str) -> Data:
    server, mailbox, *numbers = text.split()
    if len(numbers) != 5:
        raise ValueError(text)
    return (name_of(server), name_of(mailbox), _SOA_NUMBERS.pack(*(_number(number, 32) for number in numbers)))


def _txt(text: str) -> Data:
    """Quoted strings of up to 255 characters; a longer text must be several."""
    pieces = [_unquoted(piece) for piece in _QUOTED.findall(text)]
    if _QUOTED.sub("", text).strip() or not pieces or any(len(piece) > 255 for piece in pieces):
        raise ValueError(text)
    return (dns.character_strings(pieces),)


def _caa(text: str) -> Data:
    found = _CAA.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return (bytes((_number(found[1], 8), len(found[2]))) + found[2].encode() + _unquoted(found[3]),)


def _number(text: str, bits: int = 16) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << bits:
        raise ValueError(text)
    return int(text)


def _unquoted(text: str) -> bytes:
    """Route 53 writes other characters in octal (DomainNameFormat.html, and the page above under TXT)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], text).encode("latin-1")


def _quoted(piece: bytes) -> str:
    return "".join(
        f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 0x20 <= byte <= 0x7E else f"\\{byte:03o}" for byte in piece
    )


def _pieces(strings: bytes) -> list[bytes]:
    pieces = []
    at = 0
    while at < len(strings):
        end = at + 1 + strings[at]
        pieces.append(strings[at + 1 : end])
        at = end
    return pieces


_PARSERS: dict[str, Callable[[str], Data]] = {
    "A": _address(4),
    "AAAA": _address(6),
    "CAA": _caa,
    "CNAME": _name,
    "MX": _mx,
    "NS": _name,
    "PTR": _name,
    "SOA": _soa,
    "SPF": _txt,
    "SRV": _srv,
    "TXT": _txt,
}

TYPE_CODES = {text: code for code, text in dns.TYPE_NAMES.items()}
