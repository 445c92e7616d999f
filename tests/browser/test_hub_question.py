"""A link that names a model of the hub asks before it is loaded: an address alone never causes a download."""

import re

import pytest
from fakehub import FakeHub
from playwright.sync_api import Locator, Page, expect

from .conftest import Complaints, Headscope

pytestmark = pytest.mark.fault(47)

LINK = "#model=team%2Ftiny&text=The+cat+sat&layer=1&head=2"


@pytest.fixture
def linked(beside_a_hub: Headscope) -> Page:
    """The page after a link to a model of the hub."""
    beside_a_hub.page.goto(f"{beside_a_hub.server}/{LINK}")
    expect(question(beside_a_hub.page)).to_be_visible()
    expect(beside_a_hub.page.get_by_role("button", name="Use local:bert")).to_be_focused()
    return beside_a_hub.page


def question(page: Page) -> Locator:
    return page.locator("#question")


def downloads(hub: FakeHub) -> list[str]:
    return [path for path in hub.asked if "resolve" in path]


@pytest.mark.fault(47, decides=True)
def test_a_link_to_a_model_of_the_hub_asks_with_name_source_and_size(linked: Page, hub: FakeHub) -> None:
    expect(question(linked)).to_contain_text("team/tiny is a model from the Hugging Face hub")
    expect(question(linked)).to_contain_text(re.compile(r"The server would download 0\.\d MB\."))
    expect(linked.get_by_role("button", name="Use local:bert")).to_be_focused()
    expect(linked.locator("#heatmap .empty")).to_have_text("No heatmap yet: see the question above.")
    assert linked.url.endswith(LINK)
    assert downloads(hub) == []


def test_load_it_loads_the_model_and_shows_the_head_of_the_link(linked: Page, hub: FakeHub) -> None:
    linked.get_by_role("button", name="Load it").click()
    expect(linked.locator("#status")).to_contain_text("12 heads")
    expect(linked.locator("#heatmap h2")).to_have_text("Layer 1, head 2")
    expect(question(linked)).to_be_hidden()
    assert downloads(hub)
    linked.reload()  # the server has loaded it: no question
    expect(linked.locator("#status")).to_contain_text("12 heads")
    expect(question(linked)).to_be_hidden()


def test_the_default_model_can_be_used_instead_and_back_asks_again(linked: Page, hub: FakeHub) -> None:
    linked.keyboard.press("Enter")  # the focused answer downloads nothing
    expect(linked.locator("#model")).to_have_value("local:bert")
    expect(linked.locator("#status")).to_contain_text("12 heads")
    linked.go_back()
    expect(question(linked)).to_contain_text("team/tiny")
    linked.go_forward()
    expect(question(linked)).to_be_hidden()
    expect(linked.locator("#status")).to_contain_text("12 heads")
    assert downloads(hub) == []


def test_escape_closes_the_question_and_keeps_the_address(linked: Page, hub: FakeHub) -> None:
    linked.keyboard.press("Escape")
    expect(question(linked)).to_be_hidden()
    expect(linked.locator("#status")).to_have_text("team/tiny was not loaded")
    expect(linked.locator("#model")).to_be_focused()
    assert linked.url.endswith(LINK)
    linked.get_by_role("button", name="Try again").click()
    expect(question(linked)).to_be_visible()
    assert downloads(hub) == []


def test_run_and_examples_ask_again_instead_of_loading(linked: Page, hub: FakeHub) -> None:
    linked.fill("#text", "Another text")
    linked.press("#text", "Control+Enter")
    expect(linked.get_by_role("button", name="Use local:bert")).to_be_focused()
    linked.keyboard.press("Escape")
    expect(question(linked)).to_be_hidden()
    linked.get_by_role("button", name="code").click()
    expect(question(linked)).to_be_visible()
    linked.fill("#text", "A draft")
    linked.reload()  # the draft is no consent either
    expect(question(linked)).to_be_visible()
    assert downloads(hub) == []


def test_choosing_the_model_by_hand_is_consent(linked: Page) -> None:
    linked.select_option("#model", "local:bert")
    expect(linked.locator("#status")).to_contain_text("12 heads")
    linked.select_option("#model", label="model from the hub …")
    box = linked.get_by_label("id of a model on the Hugging Face hub")
    box.fill("team/tiny")
    box.press("Enter")
    expect(linked.locator("#status")).to_contain_text("12 heads")
    expect(linked.locator("#model")).to_have_value("team/tiny")
    expect(question(linked)).to_be_hidden()


def test_an_address_that_is_changed_by_hand_asks_too(beside_a_hub: Headscope, hub: FakeHub) -> None:
    page = beside_a_hub.open(text="The cat sat").page
    page.evaluate("address => { location.hash = address }", LINK)
    expect(question(page)).to_be_visible()
    expect(page.locator("#stale")).to_contain_text("The heatmaps show the previous model.")
    assert downloads(hub) == []


def test_local_and_bundled_models_load_without_a_question(beside_a_hub: Headscope) -> None:
    for model in ("local:gpt2", "gpt2-mini"):
        page = beside_a_hub.open(model=model, text=f"The cat sat by {model}").page
        expect(page.locator("#status")).to_contain_text("heads")
        expect(question(page)).to_have_count(0)


def test_a_size_that_is_not_known_says_why(beside_a_hub: Headscope, hub: FakeHub, complaints: Complaints) -> None:
    complaints.expect("503")
    hub.faults["team/tiny"] = "login page"
    page = beside_a_hub.page
    page.goto(f"{beside_a_hub.server}/{LINK}")
    expect(question(page)).to_contain_text("Size: unknown (something answers that is not the Hugging Face hub")
    expect(page.get_by_role("button", name="Load it")).to_be_enabled()


def test_the_question_fits_a_phone_in_the_dark_theme(beside_a_hub: Headscope) -> None:
    page = beside_a_hub.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{beside_a_hub.server}/{LINK}")
    page.locator("#dark").click()
    expect(question(page)).to_contain_text("The server would download")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in ("Load it", "Use local:bert"):
        box = page.get_by_role("button", name=button).bounding_box()
        assert box is not None
        assert box["height"] >= 24
    colour = question(page).locator(".about").first.evaluate("one => getComputedStyle(one).color")
    assert colour == page.evaluate("getComputedStyle(document.body).color")
