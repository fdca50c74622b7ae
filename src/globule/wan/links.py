"""The links between places: what distance and today's faults do to bytes.

`Links` follows the world. A `Link` is one pair of places on one network, shared by the connections between them and
by nothing else; its path changes under live connections when the world does, and those that watch it are told.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Protocol

from globule.wan.slow_start import Path
from globule.world import distance
from globule.world.distance import Network
from globule.world.places import Place
from globule.world.snapshot import World

RoundTrip = Callable[[Place, Place, Network], float]
"""Milliseconds there and back."""


class Watcher(Protocol):
    def path_changed(self, before: Path, now: Path) -> None: ...


class Link:
    """One pair of places on one network."""

    def __init__(self, source: Place, destination: Place, network: Network, path: Path) -> None:
        self.source = source
        self.destination = destination
        self.network = network
        self.path = path
        self._watchers: set[Watcher] = set()

    def __repr__(self) -> str:
        return f"<Link {self.source.name} to {self.destination.name} over the {self.network}: {self.path}>"

    def is_cut(self) -> bool:
        return self.path.cut

    def watch(self, watcher: Watcher) -> None:
        self._watchers.add(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def change(self, path: Path) -> None:
        before, self.path = self.path, path
        if before != path:
            for watcher in tuple(self._watchers):
                watcher.path_changed(before, path)


def measured(one: Place, other: Place, network: Network) -> float:
    """The Earth, by `world.distance`."""
    return distance.round_trip_ms(one, other, network=network)


class Links:
    """All links, as the newest world has them. `round_trip` may stand for another Earth."""

    def __init__(self, world: World, *, round_trip: RoundTrip = measured) -> None:
        self._world = world
        self._round_trip = round_trip
        self._live: weakref.WeakValueDictionary[tuple[str, str, Network], Link] = weakref.WeakValueDictionary()

    def __repr__(self) -> str:
        return f"<Links of world {self._world.version}, {len(self._live)} in use>"

    def follow(self, world: World) -> None:
        """Obey a newer world, on live connections too."""
        before, self._world = self._world, world
        if (before.faults, before.scales) == (world.faults, world.scales):
            return
        for link in list(self._live.values()):
            link.change(self.path(link.source, link.destination, link.network))

    def link(self, source: Place, destination: Place, network: Network) -> Link:
        key = (source.name, destination.name, network)
        link = self._live.get(key)
        if link is None:
            link = Link(source, destination, network, self.path(source, destination, network))
            self._live[key] = link
        return link

    def path(self, source: Place, destination: Place, network: Network) -> Path:
        """What the link does now. Distance scales with the world; faults are as they were asked for."""
        scale = self._world.scales.wan
        fault = self._world.faults.on(source.name, destination.name)
        one_way_ms = scale * self._round_trip(source, destination, network) / 2 if scale else 0.0
        if fault is not None:
            one_way_ms += fault.extra_delay_ms
        return Path(
            one_way_seconds=one_way_ms / 1000,
            jitter_seconds=scale * distance.jitter_ms(source, destination, network=network) / 1000 if scale else 0.0,
            bytes_per_second=distance.BYTES_PER_SECOND[network] if scale else float("inf"),
            loss=fault.loss if fault is not None else 0.0,
            cut=fault.cut if fault is not None else False,
        )
