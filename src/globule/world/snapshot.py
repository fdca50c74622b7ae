"""The world: an immutable, versioned value that says what should exist and what is broken.

The control plane (`run.supervisor`) is its only writer. Every data plane (edge, regions) follows it: it reads
the newest snapshot, brings itself into that state, and keeps serving from it while the control plane is dead.

A resource is a frozen msgspec struct from some service's `model.py`, tagged with its CloudFormation type; this
module knows none of them by name. `Decoder` is given them by the composition root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from globule.world.faults import Faults

R = TypeVar("R")


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as a stack declares it: where it lives, what it is called, and its typed model."""

    stack: str
    """Stack name; together with `region` it names the stack instance."""
    region: str
    """The region of the stack, such as `eu-west-1`. Global services (CloudFront, Route 53) are declared in one too."""
    logical_id: str
    type: str
    """CloudFormation type, such as `AWS::DynamoDB::GlobalTable`."""
    physical_id: str
    resource: Any
    """A frozen struct of the service's model, or None for a resource that is recorded and does not run."""


class Scales(msgspec.Struct, frozen=True, kw_only=True):
    """How much of real distance and real waiting this world pays."""

    wan: float = 1.0
    """Factor on every distance: 1 is the Earth, 0.1 a tenth of it, 0 off."""
    time: float = 1.0
    """Factor on the service's own waiting times (health check intervals, TTLs of DNS answers): 1 is AWS's."""


class World(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What should exist. `version` grows by one with every publication."""

    version: int = 0
    account: str = "000000000000"
    home: str = "london"
    """City of a client that does not say where it is."""
    port_base: int = 4500
    regions: tuple[str, ...] = ()
    """The regions that run here, in the order of the configuration."""
    scales: Scales = Scales()
    faults: Faults = Faults()
    resources: tuple[Deployed, ...] = ()

    def of(self, kind: type[R], *, region: str | None = None) -> Iterator[R]:
        """The models of one kind, of one region or of all, in order of declaration."""
        return (deployed.resource for deployed in self.deployed(kind, region=region))

    def deployed(self, kind: type, *, region: str | None = None) -> Iterator[Deployed]:
        """As `of`, with the envelope."""
        for deployed in self.resources:
            if isinstance(deployed.resource, kind) and region in (None, deployed.region):
                yield deployed


class _Envelope(msgspec.Struct, frozen=True):
    stack: str
    region: str
    logical_id: str
    type: str
    physical_id: str
    resource: msgspec.Raw


class _Raw(msgspec.Struct, frozen=True):
    version: int
    account: str
    home: str
    port_base: int
    regions: tuple[str, ...]
    scales: Scales
    faults: Faults
    resources: tuple[_Envelope, ...]


def encode_world(world: World) -> bytes:
    """UTF-8 JSON. Equal worlds give equal bytes."""
    return msgspec.json.encode(world)


class WorldDecoder:
    """Reads what `encode_world` wrote, given the models that resources may have (tagged structs)."""

    def __init__(self, kinds: Iterable[type]) -> None:
        self._resource = msgspec.json.Decoder(type=_union((*kinds, type(None))))

    def decode(self, data: bytes) -> World:
        """Raises msgspec.DecodeError or msgspec.ValidationError where `data` is not a world that we know."""
        raw = msgspec.json.decode(data, type=_Raw)
        return World(
            version=raw.version,
            account=raw.account,
            home=raw.home,
            port_base=raw.port_base,
            regions=raw.regions,
            scales=raw.scales,
            faults=raw.faults,
            resources=tuple(
                Deployed(
                    stack=envelope.stack,
                    region=envelope.region,
                    logical_id=envelope.logical_id,
                    type=envelope.type,
                    physical_id=envelope.physical_id,
                    resource=self._resource.decode(envelope.resource),
                )
                for envelope in raw.resources
            ),
        )


def _union(kinds: tuple[type, ...]) -> Any:
    combined: Any = kinds[0]
    for kind in kinds[1:]:
        combined = combined | kind
    return combined
