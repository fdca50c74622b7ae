"""The functions at the edge, as CloudFront calls them."""

import copy

import origin_request
import origin_response
import pytest
import viewer_request


def request_event(uri="/", *, agent="Mozilla/5.0", country=None, cookie=None):
    headers = {"user-agent": [{"key": "User-Agent", "value": agent}]}
    if country:
        headers["cloudfront-viewer-country"] = [{"key": "CloudFront-Viewer-Country", "value": country}]
    if cookie:
        headers["cookie"] = [{"key": "Cookie", "value": cookie}]
    return {"Records": [{"cf": {"request": {"uri": uri, "method": "GET", "querystring": "", "headers": headers}}}]}


def response_event(status="200", **headers):
    fields = {name.lower(): [{"key": name, "value": value}] for name, value in headers.items()}
    return {"Records": [{"cf": {"response": {"status": status, "statusDescription": "x", "headers": fields}}}]}


@pytest.mark.parametrize("uri", ["/ja/", "/ja", "/rooms/lobby", "/ja/rooms/lobby", "/pt/rooms/north-pole/"])
def test_addresses_of_rooms_and_languages_are_one_page(uri):
    assert viewer_request.handler(request_event(uri), None)["uri"] == "/index.html"


@pytest.mark.parametrize("uri", ["/", "/chat.js", "/xx/", "/rooms/", "/rooms/A", "/ja/rooms/a/b", "/jaa"])
def test_other_addresses_stay(uri):
    assert viewer_request.handler(request_event(uri), None)["uri"] == uri


def test_the_rest_of_the_request_stays():
    event = request_event("/ja/")
    before = copy.deepcopy(event["Records"][0]["cf"]["request"])
    assert viewer_request.handler(event, None) == {**before, "uri": "/index.html"}


def test_greedy_robots_are_turned_away_and_people_and_polite_robots_are_not():
    refused = viewer_request.handler(request_event(agent="Mozilla/5.0 (compatible; AhrefsBot/7.0)"), None)
    assert refused["status"] == "403"
    assert "uri" in viewer_request.handler(request_event(agent="Mozilla/5.0 (compatible; Googlebot/2.1)"), None)
    assert "uri" in viewer_request.handler({"Records": [{"cf": {"request": {"uri": "/", "headers": {}}}}]}, None)


@pytest.mark.parametrize(
    ("country", "cookie", "place"),
    [
        ("JP", None, "/ja/"),
        ("CH", None, "/de/"),
        ("BR", None, "/pt/"),
        ("NZ", None, "/en/"),
        (None, None, "/en/"),
        ("JP", "a=b; language=fr", "/fr/"),
        ("JP", "language=//evil.example", "/ja/"),
    ],
)
def test_the_front_page_leads_to_a_language(country, cookie, place):
    response = origin_request.handler(request_event(country=country, cookie=cookie), None)
    assert response["status"] == "302"
    assert response["headers"]["location"][0]["value"] == place


def test_both_functions_and_the_page_know_the_same_languages():
    for language in origin_request.LANGUAGES:
        assert viewer_request.handler(request_event(f"/{language}/"), None)["uri"] == "/index.html"
    assert set(origin_request.COUNTRIES) == set(origin_request.LANGUAGES) - {"en"}


def test_every_answer_of_the_bucket_gets_the_security_fields():
    for status in ("200", "304", "404"):
        headers = origin_response.handler(response_event(status), None)["headers"]
        assert headers["x-content-type-options"] == [{"key": "X-Content-Type-Options", "value": "nosniff"}]
        assert "'unsafe-inline'" not in headers["content-security-policy"][0]["value"]


def test_copies_live_for_a_minute_unless_the_file_says_otherwise():
    headers = origin_response.handler(response_event(), None)["headers"]
    assert "s-maxage=60" in headers["cache-control"][0]["value"]
    event = response_event(**{"Cache-Control": "max-age=5"})
    assert origin_response.handler(event, None)["headers"]["cache-control"][0]["value"] == "max-age=5"


@pytest.mark.parametrize("status", ["403", "404", 403])
def test_a_missing_file_becomes_a_page_for_people(status):
    response = origin_response.handler(response_event(status, **{"Content-Length": "9"}), None)
    assert response["status"] == "404"
    assert "off the map" in response["body"]
    assert "content-length" not in response["headers"]
