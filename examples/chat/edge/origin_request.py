"""On the front page, /, when the edge location has no answer for this country yet: leads to the page in a language
that is spoken there, or in the one that the reader has chosen before (cookie `language`).

The cache key holds the country and that cookie, and nothing else, so each edge location asks once a pair and a day.
"""

LANGUAGES = ("de", "en", "es", "fr", "ja", "pt")
COUNTRIES = {
    "de": ("AT", "CH", "DE", "LI"),
    "es": ("AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PY", "SV", "UY",
           "VE"),
    "fr": ("BE", "BF", "BJ", "CD", "CI", "FR", "GA", "GN", "LU", "MC", "ML", "NE", "SN", "TG"),
    "ja": ("JP",),
    "pt": ("AO", "BR", "CV", "MZ", "PT"),
}  # fmt: skip


def handler(event, context):
    headers = event["Records"][0]["cf"]["request"]["headers"]
    language = chosen(headers) or spoken(headers)
    return {
        "status": "302",
        "statusDescription": "Found",
        "headers": {
            "location": [{"key": "Location", "value": f"/{language}/"}],
            "cache-control": [{"key": "Cache-Control", "value": "max-age=0, s-maxage=86400"}],
            "strict-transport-security": [{"key": "Strict-Transport-Security", "value": "max-age=31536000"}],
        },
    }


def chosen(headers):
    """The language in the reader's cookie; None where there is none."""
    for field in headers.get("cookie", ()):
        for cookie in field["value"].split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == "language" and value in LANGUAGES:
                return value
    return None


def spoken(headers):
    """A language of the reader's country; English where it is not known."""
    field = headers.get("cloudfront-viewer-country")
    country = field[0]["value"] if field else ""
    return next((language for language, countries in COUNTRIES.items() if country in countries), "en")
