"""Where the world's fibre lies, coarsely: areas, landing points, cables. Data for `world.distance`.

Packets do not follow great circles. From Frankfurt to Tokyo they go round by Suez and Singapore, from Cape Town to
Mumbai by Europe, and over land they follow railways and roads. So the Earth is cut into areas, inside which fibre
runs everywhere at a factor over the great circle, and areas meet only at landing points, joined by the cables that
matter. What is left out on purpose is as telling as what is there: no fibre for latency's sake across Russia,
none from South Africa to India (AWS's traffic goes by Europe), none from Brazil to Europe (it goes by New York).

Positions are rounded and from general knowledge; the factors were fitted to published round trips between regions
(docs/distance.md shows how well), save those of areas without one: East Africa, Egypt, the Levant's neighbours,
Sri Lanka, New Zealand, the Pacific and the Caribbean have the others' typical 1.8.
"""

from __future__ import annotations

import msgspec

# The length of a sea cable over the great circle between its ends; fitted.
SEA_FACTOR = 1.25


class Area(msgspec.Struct, frozen=True):
    """A part of the Earth inside which fibre runs overland."""

    name: str
    land_factor: float
    """The length of a path over the great circle between its ends."""
    countries: tuple[str, ...]


class Landing(msgspec.Struct, frozen=True):
    """Where cables reach an area."""

    name: str
    area: str
    latitude: float
    longitude: float


AREAS = (
    Area("North America", 1.5, ("US", "CA")),
    Area("Mexico", 2.6, ("MX",)),
    Area("Caribbean", 1.8, ("GT", "CR", "PA", "SV", "HN", "NI", "CU", "JM", "DO", "PR", "HT", "TT")),
    Area("South America", 2.2, ("BR", "AR", "CL", "CO", "PE", "EC", "VE", "BO", "PY", "UY")),
    Area(
        "Europe",
        2.1,
        (
            *("GB", "IE", "FR", "DE", "NL", "BE", "LU", "CH", "AT", "IT", "ES", "PT", "SE", "NO", "DK", "FI", "IS"),
            *("PL", "CZ", "SK", "HU", "RO", "BG", "GR", "HR", "RS", "SI", "BA", "MK", "AL", "MT", "CY", "EE", "LV"),
            *("LT", "UA", "BY", "MD", "RU", "TR", "GE", "AM", "AZ", "KZ", "UZ", "KG", "MA", "DZ", "TN", "LY"),
        ),
    ),
    Area("Levant", 2.2, ("IL", "LB", "JO")),
    Area("Egypt", 1.8, ("EG",)),
    Area("Gulf", 2.5, ("SA", "AE", "BH", "QA", "KW", "OM", "IQ", "IR")),
    Area("East Africa", 1.8, ("ET", "KE", "UG", "TZ", "RW", "MG", "MU")),
    Area("Africa", 2.1, ("ZA", "NG", "GH", "CI", "SN", "CM", "CD", "AO", "ZM", "ZW", "MZ", "BW", "NA")),
    Area("India", 2.6, ("IN", "PK", "BD", "NP")),
    Area("Sri Lanka", 1.8, ("LK", "MV")),
    Area("South-East Asia", 1.8, ("SG", "MY", "ID", "TH", "VN", "KH", "LA", "MM", "PH", "BN")),
    Area("East Asia", 2.4, ("JP", "KR", "CN", "HK", "MO", "TW", "MN")),
    Area("Australia", 1.4, ("AU", "PG")),
    Area("New Zealand", 1.8, ("NZ",)),
    Area("Pacific", 1.8, ("GU", "FJ", "NC", "PF")),
)

LANDINGS = (
    Landing("New York", "North America", 40.6, -73.9),
    Landing("Virginia Beach", "North America", 36.8, -76.0),
    Landing("Miami", "North America", 25.9, -80.1),
    Landing("Dallas", "North America", 32.8, -96.8),
    Landing("Los Angeles", "North America", 33.8, -118.4),
    Landing("Oregon", "North America", 45.4, -123.9),
    Landing("Monterrey", "Mexico", 25.7, -100.3),
    Landing("Tijuana", "Mexico", 32.5, -117.0),
    Landing("San Juan", "Caribbean", 18.4, -66.1),
    Landing("Panama", "Caribbean", 9.0, -79.5),
    Landing("Fortaleza", "South America", -3.7, -38.5),
    Landing("Santos", "South America", -24.0, -46.3),
    Landing("Valparaíso", "South America", -33.0, -71.6),
    Landing("Barranquilla", "South America", 11.0, -74.8),
    Landing("Lima", "South America", -12.0, -77.2),
    Landing("Cornwall", "Europe", 50.8, -4.5),
    Landing("Dublin", "Europe", 53.4, -6.2),
    Landing("Bilbao", "Europe", 43.3, -3.0),
    Landing("Lisbon", "Europe", 38.6, -9.2),
    Landing("Marseille", "Europe", 43.3, 5.3),
    Landing("Tel Aviv", "Levant", 32.1, 34.8),
    Landing("Suez", "Egypt", 29.9, 32.6),
    Landing("Jeddah", "Gulf", 21.5, 39.2),
    Landing("Fujairah", "Gulf", 25.1, 56.4),
    Landing("Djibouti", "East Africa", 11.6, 43.1),
    Landing("Mombasa", "East Africa", -4.0, 39.7),
    Landing("Lagos", "Africa", 6.4, 3.4),
    Landing("Cape Town", "Africa", -33.7, 18.4),
    Landing("Mumbai", "India", 19.0, 72.8),
    Landing("Chennai", "India", 13.1, 80.3),
    Landing("Colombo", "Sri Lanka", 6.9, 79.9),
    Landing("Singapore", "South-East Asia", 1.3, 104.0),
    Landing("Jakarta", "South-East Asia", -6.1, 106.8),
    Landing("Hong Kong", "East Asia", 22.3, 114.2),
    Landing("Taipei", "East Asia", 25.1, 121.7),
    Landing("Busan", "East Asia", 35.1, 129.1),
    Landing("Tokyo", "East Asia", 35.0, 139.9),
    Landing("Perth", "Australia", -31.9, 115.8),
    Landing("Sydney", "Australia", -33.9, 151.3),
    Landing("Auckland", "New Zealand", -36.8, 174.8),
    Landing("Guam", "Pacific", 13.5, 144.8),
    Landing("Honolulu", "Pacific", 21.3, -157.9),
    Landing("Suva", "Pacific", -18.1, 178.4),
)

CABLES = (
    ("New York", "Cornwall"),
    ("New York", "Dublin"),
    ("Virginia Beach", "Bilbao"),
    ("New York", "Santos"),
    ("Miami", "Fortaleza"),
    ("Miami", "San Juan"),
    ("Miami", "Panama"),
    ("Miami", "Barranquilla"),
    ("Dallas", "Monterrey"),
    ("Los Angeles", "Tijuana"),
    ("Panama", "Lima"),
    ("Barranquilla", "Lima"),
    ("Lima", "Valparaíso"),
    ("Los Angeles", "Valparaíso"),
    ("Fortaleza", "Santos"),
    ("Lisbon", "Lagos"),
    ("Lagos", "Cape Town"),
    ("Marseille", "Tel Aviv"),
    ("Marseille", "Suez"),
    ("Suez", "Jeddah"),
    ("Suez", "Djibouti"),
    ("Jeddah", "Djibouti"),
    ("Djibouti", "Mombasa"),
    ("Djibouti", "Fujairah"),
    ("Djibouti", "Mumbai"),
    ("Djibouti", "Colombo"),
    ("Fujairah", "Mumbai"),
    ("Mumbai", "Colombo"),
    ("Chennai", "Colombo"),
    ("Chennai", "Singapore"),
    ("Colombo", "Singapore"),
    ("Singapore", "Jakarta"),
    ("Singapore", "Perth"),
    ("Singapore", "Hong Kong"),
    ("Singapore", "Tokyo"),
    ("Jakarta", "Perth"),
    ("Hong Kong", "Taipei"),
    ("Hong Kong", "Busan"),
    ("Hong Kong", "Tokyo"),
    ("Taipei", "Tokyo"),
    ("Busan", "Tokyo"),
    ("Tokyo", "Oregon"),
    ("Tokyo", "Los Angeles"),
    ("Tokyo", "Guam"),
    ("Taipei", "Los Angeles"),
    ("Guam", "Sydney"),
    ("Guam", "Honolulu"),
    ("Honolulu", "Los Angeles"),
    ("Sydney", "Los Angeles"),
    ("Sydney", "Oregon"),
    ("Sydney", "Auckland"),
    ("Sydney", "Suva"),
    ("Auckland", "Los Angeles"),
    ("Auckland", "Suva"),
    ("Suva", "Honolulu"),
)
