"""The chat's page in a real browser, in a real world of three regions."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.world]

# A lost region is noticed after two failed health checks, and forgotten by resolvers after ten seconds; ten times as
# quick here, but the machine may be busy.
FAILOVER_MS = 60_000


def address(world: Any, city: str, path: str = "/") -> str:
    return f"http://chat.example.com.{city}.localhost:{world.door}{path}"


def say(page: Any, text: str, *, name: str) -> None:
    page.fill("#name", name)
    page.fill("#text", text)
    page.press("#text", "Enter")


def message(page: Any, text: str) -> Any:
    return page.locator(".message", has=page.locator(".text", has_text=re.compile(f"^{re.escape(text)}$")))


def shows(page: Any, identifier: str, text: str, *, timeout: int = 20_000) -> None:
    page.locator(f"#{identifier}", has_text=re.compile(f"^{re.escape(text)}$")).wait_for(timeout=timeout)


def test_two_readers_in_tokyo_and_frankfurt_hear_each_other_each_by_an_own_way(chat, open_page):
    tokyo = open_page(address(chat, "tokyo"))
    frankfurt = open_page(address(chat, "frankfurt"))
    tokyo.wait_for_selector("html[lang=ja]")
    frankfurt.wait_for_selector("html[lang=de]")
    say(tokyo, "Ohayo", name="Kenji")
    heard = message(frankfurt, "Ohayo")
    heard.wait_for()
    assert heard.get_attribute("data-region") == "ap-northeast-1"
    say(frankfurt, "Guten Morgen", name="Ida")
    message(tokyo, "Guten Morgen").wait_for()
    shows(tokyo, "region-code", "ap-northeast-1")
    shows(frankfurt, "region-code", "eu-west-1")
    assert tokyo.inner_text("#edge-name").startswith("Tokyo")
    assert frankfurt.inner_text("#edge-name").startswith("Frankfurt")


def test_a_reader_whose_region_is_lost_is_served_by_another_and_loses_no_message(chat, open_page, eventually):
    page = open_page(address(chat, "frankfurt", "/en/rooms/lost-region"))
    shows(page, "region-code", "eu-west-1")
    say(page, "before", name="Ida")
    page.wait_for_selector(".message[data-state=sent]")
    chat.run("fault", "kill", "eu-west-1")
    try:
        say(page, "meanwhile", name="Ida")
        shows(page, "region-code", "us-east-1", timeout=FAILOVER_MS)
        page.locator(".message[data-state=sent] >> nth=1").wait_for(timeout=FAILOVER_MS)
        assert page.locator(".notice").inner_text() == (
            "Virginia (us-east-1) answers you now. Before: Ireland (eu-west-1)."
        )
    finally:
        chat.run("fault", "restart", "eu-west-1")
    eventually(lambda: chat.process("eu-west-1")["state"] == "serving")
    shows(page, "region-code", "eu-west-1", timeout=FAILOVER_MS)
    assert page.locator(".message .text").all_inner_texts() == ["before", "meanwhile"]
    page.reload()
    message(page, "meanwhile").wait_for()
    message(page, "before").wait_for()
