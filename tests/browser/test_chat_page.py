"""The chat's page in a real browser, with its real functions behind it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from chat_stand_in import seed, stored_texts

pytestmark = pytest.mark.browser

NOW_MS = time.time_ns() // 1_000_000


def say(page: Any, text: str, *, name: str = "Ada") -> None:
    page.fill("#name", name)
    page.fill("#text", text)
    page.press("#text", "Enter")


def message(page: Any, text: str) -> Any:
    return page.locator(".message", has=page.locator(".text", has_text=re.compile(f"^{re.escape(text)}$")))


def shows(page: Any, identifier: str, text: str) -> None:
    page.locator(f"#{identifier}", has_text=re.compile(f"^{re.escape(text)}$")).wait_for()


def test_two_readers_on_two_continents_hear_each_other(open_page, stand_in):
    tokyo = open_page(stand_in("NRT", "ap-northeast-1", "JP").url)
    frankfurt = open_page(stand_in("FRA", "eu-west-1", "DE").url)
    say(tokyo, "Ohayō", name="Kenji")
    heard = message(frankfurt, "Ohayō")
    heard.wait_for()
    assert heard.get_attribute("data-region") == "ap-northeast-1"
    assert heard.locator(".author").inner_text() == "Kenji"
    assert heard.locator(".place").inner_text() == "Tokyo"
    say(frankfurt, "Guten Morgen", name="Ida")
    message(tokyo, "Guten Morgen").wait_for()
    assert tokyo.inner_text("#edge-name") == "Tokyo · NRT"
    assert tokyo.inner_text("#region-code") == "ap-northeast-1"
    assert frankfurt.inner_text("#edge-name") == "Frankfurt · FRA"
    assert frankfurt.inner_text("#region-code") == "eu-west-1"
    assert re.fullmatch(r"\d+ ms", frankfurt.inner_text("#round-trip"))


def test_the_front_page_speaks_the_readers_language_and_remembers_another(open_page, stand_in):
    site = stand_in(country="JP")
    page = open_page(site.url)
    page.wait_for_selector("html[lang=ja]")
    assert page.url == f"{site.url}/ja/"
    assert page.get_attribute("#text", "placeholder") == "メッセージ"
    page.select_option("#language", "pt")
    page.wait_for_selector("html[lang=pt]")
    page.goto(site.url)
    page.wait_for_selector("html[lang=pt]")


def test_what_people_type_stays_text(open_page, stand_in):
    page = open_page(stand_in().url)
    text = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    say(page, text, name="<b>Eve</b>")
    message(page, text).wait_for()
    page.reload()
    received = message(page, text)
    received.wait_for()
    assert received.locator("img, script").count() == 0
    assert page.locator("main b").count() == 0
    assert page.title() == "Meridian"


def test_a_message_is_shown_at_once_and_sent_when_the_region_is_back(open_page, stand_in, table):
    site = stand_in()
    page = open_page(site.url)
    page.wait_for_selector("#empty:not([hidden])")
    site.broken = {"GET", "POST"}
    page.wait_for_selector("#banner:not([hidden])")
    say(page, "Is anybody there?")
    assert message(page, "Is anybody there?").get_attribute("data-state") == "sending"
    assert stored_texts(table) == []
    site.broken = set()
    page.wait_for_selector(".message[data-state=sent]")
    page.wait_for_selector("#banner", state="hidden")
    assert stored_texts(table) == ["Is anybody there?"]


def test_a_message_whose_answer_was_lost_is_not_said_twice(open_page, stand_in, table):
    site = stand_in()
    site.lost_answers = 2
    page = open_page(site.url)
    say(page, "Once")
    page.wait_for_selector(".message[data-state=sent]")
    assert stored_texts(table) == ["Once"]
    assert page.locator(".message").count() == 1


def test_a_refused_message_says_why_and_can_be_sent_again(open_page, stand_in, table):
    page = open_page(stand_in().url)
    page.wait_for_selector("#empty:not([hidden])")
    page.evaluate("document.getElementById('name').removeAttribute('maxlength')")
    say(page, "Hello", name="x" * 41)
    failed = page.locator(".message[data-state=failed]")
    failed.wait_for()
    assert "1 to 40 characters" in failed.locator(".meta").inner_text()
    failed.locator(".again").click()
    page.locator(".message[data-state=failed]").wait_for()
    assert stored_texts(table) == []


def test_a_move_to_another_region_is_told(open_page, stand_in):
    site = stand_in(region="eu-west-1")
    page = open_page(site.url)
    shows(page, "region-code", "eu-west-1")
    site.region = "us-east-1"
    notice = page.locator(".notice")
    notice.wait_for()
    assert notice.inner_text() == "Virginia (us-east-1) answers you now. Before: Ireland (eu-west-1)."
    assert page.inner_text("#region-code") == "us-east-1"


def test_a_message_that_a_region_delivers_late_is_still_shown_in_its_place(open_page, stand_in, table):
    """A region that was cut off for minutes sends what it took meanwhile; that is older than what readers have."""
    seed(
        table, room="lobby", now_ms=NOW_MS, lines=[(300, "Ada", "eu-west-1", "before"), (5, "Ada", "eu-west-1", "now")]
    )
    page = open_page(stand_in().url)
    message(page, "now").wait_for()
    seed(table, room="lobby", now_ms=NOW_MS, lines=[(120, "Kenji", "ap-northeast-1", "late")])
    message(page, "late").wait_for()
    assert page.locator(".message .text").all_inner_texts() == ["before", "late", "now"]


def test_rooms_have_addresses_and_the_way_back_works(open_page, stand_in, table):
    seed(table, room="north-pole", now_ms=NOW_MS, lines=[(60, "Roald", "eu-west-1", "cold")])
    page = open_page(f"{stand_in().url}/en/rooms/lobby")
    page.click("#rooms a[href='/en/rooms/north-pole']")
    message(page, "cold").wait_for()
    assert page.url.endswith("/en/rooms/north-pole")
    page.go_back()
    shows(page, "room-label", "lobby")
    assert page.locator(".message").count() == 0
    page.fill("#room-name", "South Pole")
    page.press("#room-name", "Enter")
    shows(page, "room-label", "south-pole")
    assert page.url.endswith("/en/rooms/south-pole")


def test_earlier_messages_come_when_asked_for(open_page, stand_in, table):
    lines = [(400 - number, "Ada", "eu-west-1", f"line {number}") for number in range(120)]
    seed(table, room="lobby", now_ms=NOW_MS, lines=lines)
    page = open_page(stand_in().url)
    message(page, "line 119").wait_for()
    assert page.locator(".message").count() == 100
    page.click("#earlier")
    message(page, "line 0").wait_for()
    assert page.locator(".message").count() == 120
    page.wait_for_selector("#earlier", state="hidden")


def test_it_fits_a_phone_and_can_be_used_with_the_keyboard_alone(open_page, stand_in):
    page = open_page(f"{stand_in().url}/en/", viewport={"width": 360, "height": 700})
    page.wait_for_selector("#empty:not([hidden])")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    page.fill("#name", "Ada")
    page.focus("#text")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    message(page, "one\ntwo").wait_for()


def test_an_address_that_leads_nowhere_gets_a_page_for_people(open_page, stand_in):
    page = open_page(f"{stand_in().url}/no/such/page")
    assert page.inner_text("h1") == "Nothing here"
    page.click("a")
    page.wait_for_selector("#text")
