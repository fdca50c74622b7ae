"""The answer to a question: a function of the records, the health of endpoints, the client's place, and chance.

The steps are those of RFC 1034 section 4.3.2 (longest zone, delegation, exact name, wildcard), with Route 53's
choice among the records of a name and type, and its aliases, which look like ordinary records to the client. A chain
of CNAMEs is followed as far as the names are ours; Route 53 follows it only within one zone, because its zones are
on different servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from globule.route53.model import AliasTarget
from globule.route53.rules.owned import OWNED_TTL_SECONDS, Owned, address_for
from globule.route53.rules.routing import Entropy, choose
from globule.route53.rules.zones import Entry, Zone, Zones, parent
from globule.wire import dns
from globule.wire.dns import Question, Record
from globule.wire.dns_values import TYPE_CODES, parse_value
from globule.world.aws_names import AwsName, is_aws_domain, parse_aws_name
from globule.world.places import Place

# CNAMEs and aliases that lead on; AWS sets no figure, and resolvers give up at 8 to 16.
CHAIN_LIMIT = 16


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that an answer follows from, except the client and chance."""

    zones: Zones
    health: Mapping[str, bool]
    """Of health checks by id, and of AWS's names that aliases evaluate; what is missing counts as healthy."""
    owned: Callable[[AwsName], Owned | None]
    running: frozenset[str]
    """Regions that run here."""
    ttl_scale: float = 1.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    rcode: int = dns.NOERROR
    answers: tuple[Record, ...] = ()
    authorities: tuple[Record, ...] = ()
    authoritative: bool = True


def answer(facts: Facts, question: Question, *, client: Place, entropy: Entropy) -> Answer:
    if question.class_ != dns.IN:
        return Answer(rcode=dns.REFUSED, authoritative=False)
    return _Asking(facts, client, entropy).ask(question)


class _ChainTooLong(Exception):
    """CNAMEs or aliases that lead in a circle."""


class _Asking:
    """One question of one client. It changes nothing; it only spares its steps their common arguments."""

    def __init__(self, facts: Facts, client: Place, entropy: Entropy) -> None:
        self._facts = facts
        self._client = client
        self._entropy = entropy

    def ask(self, question: Question) -> Answer:
        owner = question.name
        found: list[Record] = []
        try:
            for _ in range(CHAIN_LIMIT):
                step = self._step(owner, question.type)
                if step is None:
                    refused = dns.NOERROR if found else dns.REFUSED
                    return Answer(rcode=refused, answers=tuple(found), authoritative=bool(found))
                found += step.answers
                target = _canonical_name(step.answers, question.type)
                if target is None:
                    return msgspec.structs.replace(step, answers=tuple(found))
                owner = target
        except _ChainTooLong:
            pass
        return Answer(rcode=dns.SERVFAIL, authoritative=False)

    def _step(self, owner: str, type_: int) -> Answer | None:
        """Everything about one name; None where it is not ours."""
        name = owner.lower()
        zone = self._facts.zones.of(name)
        if zone is None:
            return self._owned(owner, name, type_) if is_aws_domain(name) else None
        cut = _delegation(zone, name)
        if cut is not None and not (cut == name and type_ == dns.NS):
            servers = self._scaled(cut, zone.groups[cut][dns.NS][0].data)
            return Answer(authorities=servers, authoritative=False)
        groups = _groups(zone, name)
        if groups is None:
            return Answer(rcode=dns.NXDOMAIN, authorities=self._negative(zone))
        wanted = sorted(groups) if type_ == dns.ANY else [dns.CNAME if dns.CNAME in groups else type_]
        records = [
            record for code in wanted if code in groups for record in self._chosen(zone, owner, groups[code], code)
        ]
        return Answer(answers=tuple(records), authorities=() if records else self._negative(zone))

    def _chosen(self, zone: Zone, owner: str, group: Sequence[Entry], type_: int, depth: int = 0) -> list[Record]:
        """The records of the entries that the policy chooses, aliases replaced by what they point to."""
        chosen = choose(
            group,
            client=self._client,
            healthy=lambda entry: self._healthy(zone, entry, depth),
            entropy=self._entropy,
        )
        records: list[Record] = []
        for entry in chosen:
            alias = entry.record.alias
            if alias is None:
                records += self._scaled(owner, entry.data)
            elif (targets := self._alias_group(zone, alias, type_)) is not None:
                records += self._chosen(zone, owner, targets, type_, _deeper(depth)) if targets else ()
            else:
                records += self._owned_addresses(owner, alias.name, type_)
        return records

    def _healthy(self, zone: Zone, entry: Entry, depth: int) -> bool:
        """An alias that evaluates its target is healthy where the target is, and its own health check too."""
        record = entry.record
        if record.health_check is not None and not self._facts.health.get(record.health_check, True):
            return False
        alias = record.alias
        if alias is None or not alias.evaluate_health:
            return True
        targets = self._alias_group(zone, alias, TYPE_CODES[record.record_type])
        if targets is None:
            return self._facts.health.get(alias.name, True)
        return any(self._healthy(zone, target, _deeper(depth)) for target in targets)

    def _alias_group(self, zone: Zone, alias: AliasTarget, type_: int) -> Sequence[Entry] | None:
        """The group that an alias to another record of its zone points to, maybe empty; None for a name of AWS's."""
        if alias.zone_id != zone.hosted.id:
            return None
        return (_groups(zone, alias.name) or {}).get(type_, ())

    def _owned(self, owner: str, name: str, type_: int) -> Answer:
        aws_name = parse_aws_name(name)
        owned = None if aws_name is None else self._facts.owned(aws_name)
        if owned is None or address_for(owned, client=self._client, running=self._facts.running) is None:
            return Answer(rcode=dns.NXDOMAIN)
        return Answer(answers=self._owned_addresses(owner, name, type_))

    def _owned_addresses(self, owner: str, name: str, type_: int) -> tuple[Record, ...]:
        """IPv4 only: Linux has one IPv6 loopback address, so places cannot have one each."""
        aws_name = parse_aws_name(name)
        owned = None if aws_name is None else self._facts.owned(aws_name)
        if owned is None or type_ not in (dns.A, dns.ANY):
            return ()
        address = address_for(owned, client=self._client, running=self._facts.running)
        if address is None:
            return ()
        return self._scaled(owner, (Record("", dns.A, OWNED_TTL_SECONDS, parse_value("A", address)),))

    def _negative(self, zone: Zone) -> tuple[Record, ...]:
        """RFC 2308: the SOA's TTL, and no more than its last number, say how long an absence may be remembered."""
        soa = zone.groups[zone.hosted.name][dns.SOA][0].data[0]
        minimum = soa.data[-1]
        assert isinstance(minimum, bytes)
        ttl_seconds = min(soa.ttl_seconds, int.from_bytes(minimum[-4:]))
        return self._scaled(zone.hosted.name, (Record("", dns.SOA, ttl_seconds, soa.data),))

    def _scaled(self, owner: str, records: Sequence[Record]) -> tuple[Record, ...]:
        scale = self._facts.ttl_scale
        return tuple(Record(owner, record.type, round(record.ttl_seconds * scale), record.data) for record in records)


def _deeper(depth: int) -> int:
    if depth >= CHAIN_LIMIT:
        raise _ChainTooLong
    return depth + 1


def _canonical_name(answers: Sequence[Record], type_: int) -> str | None:
    """Where a CNAME leads on to."""
    if type_ in (dns.CNAME, dns.ANY) or not answers or answers[-1].type != dns.CNAME:
        return None
    target = answers[-1].data[0]
    assert isinstance(target, str)
    return target


def _delegation(zone: Zone, name: str) -> str | None:
    """The topmost name below the apex, on the way to this one, that other servers answer for."""
    if not zone.delegated:
        return None
    cut = None
    while name != zone.hosted.name:
        if name in zone.delegated:
            cut = name
        name = parent(name)
    return cut


def _groups(zone: Zone, name: str) -> Mapping[int, Sequence[Entry]] | None:
    """Records of a name by type, a wildcard's where the name does not exist (RFC 4592); None for NXDOMAIN."""
    if name in zone.names:
        return zone.groups.get(name, {})
    encloser = parent(name)
    while encloser not in zone.names:
        encloser = parent(encloser)
    return zone.groups.get(f"*.{encloser}" if encloser else "*")
