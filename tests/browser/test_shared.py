"""The page of a shared server, which requires a key. A route in front of the server of the tests checks the key."""

import pytest
from playwright.sync_api import Route, expect

from .conftest import Complaints, Headscope

KEY = "0123456789-abcdef"
REFUSED = {"type": "about:blank", "title": "Key refused", "status": 401, "detail": "no", "code": "key_refused"}


@pytest.fixture
def locked(headscope: Headscope, complaints: Complaints) -> Headscope:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == f"Bearer {KEY}":
            route.continue_()
        else:
            route.fulfill(json=REFUSED, status=401)

    complaints.expect("401")
    headscope.page.route("**/api/v1/**", guard)
    return headscope


def test_the_page_asks_for_the_key_and_never_puts_it_into_an_address(locked: Headscope) -> None:
    page = locked.page
    page.goto(f"{locked.server}/#text=The+cat+sat")
    box = page.get_by_label("API key")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("type", "password")
    expect(page.locator("#heatmap .empty")).to_have_text("Enter the API key above to see heatmaps.")
    for wrong in ("guess", "schlüssel"):
        box.fill(wrong)
        box.press("Enter")
        expect(page.locator("#key .wrong")).to_have_text("Wrong key.")
    box.fill(KEY)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#status")).to_contain_text("5 tokens, 72 heads")
    expect(box).to_be_hidden()
    expect(page.locator('[data-export="npy"]')).to_have_attribute("aria-disabled", "false")
    with page.expect_download() as download:
        page.click('[data-export="npy"]')
    assert download.value.path().read_bytes().startswith(b"\x93NUMPY")
    assert KEY not in locked.address
    page.reload()
    expect(page.locator("#status")).to_contain_text("5 tokens, 72 heads")
    expect(box).to_be_hidden()
