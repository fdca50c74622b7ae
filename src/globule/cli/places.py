"""`globule places`"""

from __future__ import annotations

import click
from rich.table import Table

from globule.cli.cities import city
from globule.cli.output import console, print_json
from globule.world.distance import closest, round_trip_ms
from globule.world.places import Place, address_of, cities, edge_locations, regions
from globule.world.subnets import client_subnet


@click.command()
@click.argument("text", default="")
@click.option(
    "--from", "origin", metavar="CITY", help="Distances from here (default: each place to its closest edge location)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(text: str, origin: str | None, as_json: bool) -> None:
    """List the cities, edge locations and regions whose name contains TEXT, with round trips in ms."""
    start = city(origin, "--from") if origin else None
    found = [
        place
        for place in (*regions(), *edge_locations(), *cities())
        if text.lower() in place.name.lower() or text.lower() in place.title.lower()
    ]
    if as_json:
        print_json([_row(place, start) for place in found])
        return
    table = Table(box=None, pad_edge=False)
    for column in ("place", "kind", "title", "country", "address", "DNS subnet", "from" if start else "closest edge"):
        table.add_column(column)
    table.add_column("round trip", justify="right")
    for place in found:
        row = _row(place, start)
        table.add_row(
            str(row["name"]),
            place.kind,
            place.title,
            place.country,
            str(row["address"] or ""),
            str(row["subnet"] or ""),
            str(row["measured_from"]),
            f"{row['round_trip_ms']:.1f} ms",
        )
    console.print(table)


def _row(place: Place, start: Place | None) -> dict[str, object]:
    other = start or closest(place, edge_locations())
    return {
        "name": place.name,
        "kind": place.kind,
        "title": place.title,
        "country": place.country,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "address": None if place.kind == "city" else address_of(place),
        "subnet": client_subnet(place) if place.kind == "city" else None,
        "measured_from": other.name,
        "round_trip_ms": round(round_trip_ms(place, other, network="internet"), 1),
    }
