"""From the bytes of a DNS question to the bytes of its answer.

Who asks is where: EDNS Client Subnet names a city's network, else the source address does, else it is the home city
(`world.subnets`). Answers that chance had no part in are remembered, by what of the question's bytes they
follow from, until the world or an endpoint's health changes. Authoritative only: it never asks anybody else.
"""

from __future__ import annotations

import collections
from typing import Any

from globule.route53.serving.names import Names
from globule.wire import dns
from globule.wire.dns import Edns, MalformedMessage, Message
from globule.world.places import Place
from globule.world.subnets import place_of_client

# Distinct questions with their clients. Beyond it all are forgotten at once: asking again costs tens of microseconds.
REMEMBERED = 4096
# The largest answer over UDP, whatever the client accepts (DNS flag day 2020: larger ones get fragmented and lost).
UDP_ANSWER_BYTES = 1232


class Responder:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._remembered: dict[tuple[bytes, str], bytes] = {}
        self._generation = (0, 0)
        self._counts: collections.Counter[str] = collections.Counter()

    def __repr__(self) -> str:
        return f"<Responder {dict(self._counts)}>"

    def statistics(self) -> dict[str, Any]:
        return dict(self._counts)

    def over_udp(self, data: bytes, source: tuple[str, int]) -> bytes | None:
        """The answer to a datagram; None where it deserves none."""
        if self._generation != self._names.generation:
            self._generation = self._names.generation
            self._remembered.clear()
        self._counts["questions"] += 1
        key = (dns.essence(data), source[0])
        known = self._remembered.get(key)
        if known is not None:
            return data[:2] + known
        answer, lasting = self._respond(data, source[0], udp=True)
        if answer is not None and lasting and len(data) <= dns.PLAIN_UDP_BYTES:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = answer[2:]
        return answer

    def over_tcp(self, data: bytes, source: str) -> bytes | None:
        self._counts["questions"] += 1
        return self._respond(data, source, udp=False)[0]

    def _respond(self, data: bytes, source: str, *, udp: bool) -> tuple[bytes | None, bool]:
        """The answer, and whether it will be the same next time."""
        try:
            message = dns.parse_message(data)
        except MalformedMessage:
            self._counts["malformed"] += 1
            return _complaint(data), False
        if message.response:
            return None, False  # answering answers would make two servers talk for ever
        reply, lasting = self._reply(message, source)
        self._counts[f"rcode {reply.rcode}"] += 1
        limit_bytes = _udp_limit(message) if udp else dns.MESSAGE_BYTES
        encoded = dns.encode_message(reply, limit_bytes=limit_bytes)
        return encoded, lasting

    def _reply(self, message: Message, source: str) -> tuple[Message, bool]:
        if message.edns is not None and message.edns.version > 0:
            return _refusal(message, dns.BADVERS), False
        if message.opcode != 0:
            return _refusal(message, dns.NOTIMP), False
        if len(message.questions) != 1:
            return _refusal(message, dns.FORMERR), False
        client, edns = self._client(message.edns, source)
        answer, by_chance = self._names.answer(message.questions[0], client=client)
        reply = Message(
            id=message.id,
            response=True,
            authoritative=answer.authoritative,
            recursion_desired=message.recursion_desired,
            checking_disabled=message.checking_disabled,
            rcode=answer.rcode,
            questions=message.questions,
            answers=answer.answers,
            authorities=answer.authorities,
            edns=edns,
        )
        return reply, not by_chance

    def _client(self, edns: Edns | None, source: str) -> tuple[Place, Edns | None]:
        """Where the client is, and what to say of it in the answer (RFC 7871 section 7.2.1: the network that the
        answer is for)."""
        subnet = None if edns is None else edns.client_subnet
        place = None if subnet is None else place_of_client(subnet.address, subnet.source_bits)
        client = place or place_of_client(source) or self._names.home
        if edns is None:
            return client, None
        if subnet is not None:
            subnet = dns.ClientSubnet(subnet.address, subnet.source_bits, subnet.source_bits if place else 0)
        return client, Edns(payload_bytes=UDP_ANSWER_BYTES, client_subnet=subnet)


def _udp_limit(message: Message) -> int:
    if message.edns is None:
        return dns.PLAIN_UDP_BYTES
    return min(max(message.edns.payload_bytes, dns.PLAIN_UDP_BYTES), UDP_ANSWER_BYTES)


def _refusal(message: Message, rcode: int) -> Message:
    return Message(
        id=message.id,
        response=True,
        opcode=message.opcode,
        recursion_desired=message.recursion_desired,
        rcode=rcode,
        questions=message.questions,
        edns=None if message.edns is None else Edns(payload_bytes=UDP_ANSWER_BYTES),
    )


def _complaint(data: bytes) -> bytes | None:
    """FORMERR, where there is at least the header of a question to answer."""
    if len(data) < dns.HEADER_BYTES or data[2] & 0x80:
        return None
    opcode = data[2] >> 3 & 0xF
    return dns.encode_message(Message(id=int.from_bytes(data[:2]), response=True, opcode=opcode, rcode=dns.FORMERR))
