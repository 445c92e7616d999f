"""A loaded model whose files have changed: the page says so, and loads them again."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from fakehub import FakeHub
from playwright.sync_api import BrowserContext, Page, expect
from worlds import live, write_tiny

from headscope.models import weights
from headscope.settings import Settings

from .conftest import Complaints, Headscope, listen

pytestmark = pytest.mark.fault(39)

NOTE = "#changed-files"


@pytest.fixture
def folder(tmp_path: Path, models_dir: Path) -> Path:
    """The folder of local:mine, which nothing else uses."""
    shutil.copytree(models_dir / "gpt2", tmp_path / "mine")
    write_tiny(tmp_path / "other", "bert")
    return tmp_path / "mine"


@pytest.fixture
def loaded(context: BrowserContext, complaints: Complaints, folder: Path) -> Iterator[Page]:
    """The page with local:mine loaded."""
    with live(Settings(model="local:mine", models_dir=folder.parent)) as server:
        page = context.new_page()
        listen(page, server, complaints)
        yield Headscope(page, server).open(text="The cat sat", layer=0, head=0).page


def change(page: Page, folder: Path) -> None:
    """Changes a file, and returns to the page as a reader does: its window gets the focus."""
    os.utime(folder / "config.json", ns=(1, 1))
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(NOTE)).to_be_visible()


def test_changed_files_are_shown_and_reloaded_with_the_keyboard(loaded: Page, folder: Path) -> None:
    expect(loaded.locator("#model option:checked")).to_contain_text("ready")
    expect(loaded.locator(NOTE)).to_have_count(0)
    change(loaded, folder)
    expect(loaded.locator(NOTE)).to_contain_text("The files of local:mine were changed after it was loaded.")
    expect(loaded.locator("#model option:checked")).to_contain_text("changed on disk")
    with loaded.expect_request("**/api/v1/captures?*"):  # the text runs again
        loaded.get_by_role("button", name="Reload").press("Enter")
    expect(loaded.locator(NOTE)).to_be_hidden()
    expect(loaded.locator("#status")).to_contain_text("12 heads")
    expect(loaded.locator("#model option:checked")).to_contain_text("ready")


def test_on_a_dark_phone_a_reload_that_fails_says_why_and_can_be_tried_again(loaded: Page, folder: Path) -> None:
    loaded.set_viewport_size({"width": 390, "height": 844})
    loaded.locator("#dark").click()
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text("{")
    change(loaded, folder)
    loaded.get_by_role("button", name="Reload").click()
    expect(loaded.locator(NOTE).get_by_role("alert")).to_contain_text("Not reloaded: config.json is not JSON")
    assert loaded.evaluate("document.documentElement.scrollWidth") <= 390
    assert loaded.locator(f"{NOTE} .about").evaluate("one => getComputedStyle(one).color") == loaded.evaluate(
        "getComputedStyle(document.body).color"
    )
    (folder / "config.json").write_text(config)
    loaded.get_by_role("button", name="Reload").click()
    expect(loaded.locator(NOTE)).to_be_hidden()


def test_the_download_of_a_reload_shows_its_progress_and_can_be_cancelled(
    beside_a_hub: Headscope, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = beside_a_hub.open(text="The cat sat").page
    page.select_option("#model", label="model from the hub …")
    page.fill("#hub-model input", "team/tiny")
    page.press("#hub-model input", "Enter")
    expect(page.locator("#status")).to_contain_text("3 tokens")  # local:bert reads 5
    weights = hub.repos["team/tiny"] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[::-1])
    monkeypatch.setattr("fakehub.COMMIT", "f" * 40)  # a newer revision, whose download hangs
    hub.faults["team/tiny"] = "hangs"
    change(page, next((tmp_path / "cache").rglob("snapshots/*")))
    page.get_by_role("button", name="Reload").click()
    expect(page.locator(NOTE)).to_contain_text(re.compile(r"downloading team/tiny: 0\.\d MB of 0\.\d MB"))
    page.locator(NOTE).get_by_role("button", name="Cancel").click()
    expect(page.locator(NOTE).get_by_role("alert")).to_contain_text("Not reloaded: the load was cancelled")
    beside_a_hub.run_to_the_end("The loaded weights still work")
    expect(page.locator("#status")).to_contain_text("26 tokens, 12 heads")


def test_a_reload_can_be_cancelled_while_the_files_are_read(
    loaded: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, read_tensor = Event(), weights.read_tensor
    monkeypatch.setattr(weights, "read_tensor", lambda *given: go_on.wait(60) and read_tensor(*given))
    change(loaded, folder)
    loaded.get_by_role("button", name="Reload").click()
    expect(loaded.locator(NOTE)).to_contain_text("loading local:mine …")
    loaded.locator(NOTE).get_by_role("button", name="Cancel").press("Enter")
    expect(loaded.locator(NOTE).get_by_role("alert")).to_contain_text("Not reloaded: the load was cancelled")
    expect(loaded.locator(NOTE).get_by_role("button", name="Cancel")).to_be_hidden()
    go_on.set()
    loaded.get_by_role("button", name="Reload").click()
    expect(loaded.locator(NOTE)).to_be_hidden()


def test_a_run_does_not_hide_the_note_and_another_model_does(loaded: Page, folder: Path) -> None:
    change(loaded, folder)
    Headscope(loaded, "").run_to_the_end("Another text")
    expect(loaded.locator("#status")).to_contain_text("heads")
    expect(loaded.locator(NOTE)).to_be_visible()
    loaded.select_option("#model", "local:other")
    expect(loaded.locator(NOTE)).to_be_hidden()
    loaded.select_option("#model", "local:mine")
    expect(loaded.locator(NOTE)).to_be_visible()
