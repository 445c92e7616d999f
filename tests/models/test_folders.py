"""The folders in --models-dir: which are offered, and what is said about the others."""

import os
import re
import shutil
from pathlib import Path

import pytest
from worlds import serving, write_tiny

from headscope.errors import ModelNotFound
from headscope.models import folders, registry
from headscope.models.registry import BUNDLED, KNOWN_ON_HUB, Catalogue
from headscope.settings import Settings

pytestmark = pytest.mark.fault(45)


def test_model_folders_are_listed_after_the_bundled_models(tmp_path):
    write_tiny(tmp_path / "mine", "gpt2")
    (tmp_path / "notes").mkdir()
    listed = [entry.card.id for entry in Catalogue(tmp_path).listed()]
    assert listed == [*(e.card.id for e in BUNDLED), "local:mine", *(e.card.id for e in KNOWN_ON_HUB)]


@pytest.mark.fault(12, decides=True)
@pytest.mark.fault(11, 12)
@pytest.mark.parametrize("name", ["../outside", "/etc", "", ".", "..", "a\x00b", "%2e%2e", "nobody", "x" * 300])
def test_only_a_plain_name_of_a_folder_in_the_models_folder_is_found(tmp_path, name):
    models_dir, outside = tmp_path / "models", tmp_path / "outside"
    models_dir.mkdir()
    write_tiny(outside, "gpt2")
    (models_dir / "link").symlink_to(outside)
    with pytest.raises(ModelNotFound, match=r"^no model .*: there are minilm, gpt2-mini"):
        Catalogue(models_dir).lookup(f"local:{name}")


@pytest.fixture
def forbidden(monkeypatch):
    """A function that makes a folder unreadable: the tests may run as root, for whom every folder is readable."""
    unreadable, stat, scandir = set(), Path.stat, os.scandir

    def refuse(path):
        if unreadable & {Path(path), *Path(path).parents}:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", lambda path, **options: refuse(path.parent) or stat(path, **options))
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or scandir(path))
    return unreadable.add


def link_loop(path):
    path.symlink_to(path.name)


def link_ring(path):
    path.symlink_to(f"{path.name}-2")
    path.with_name(f"{path.name}-2").symlink_to(path.name)


def link_outside(path):
    path.symlink_to(write_tiny(path.parent.parent / "outside", "gpt2"))


def fifo_as_config(path):
    path.mkdir()
    os.mkfifo(path / "config.json")


def empty_config(path):
    path.mkdir()
    (path / "config.json").write_text("{}")


def folder_as_config(path):
    (path / "config.json").mkdir(parents=True)


def config_loop(path):
    path.mkdir()
    (path / "config.json").symlink_to("config.json")


BAD = {
    "loop": (link_loop, "a loop of symbolic links"),
    "ring": (link_ring, "a loop of symbolic links"),
    "nowhere": (lambda path: path.symlink_to("nothing"), "a link to a place that does not exist"),
    "outside-link": (link_outside, "a link to a place outside this folder"),
    "fifo": (fifo_as_config, "config.json is not a regular file"),
    "folder": (folder_as_config, "config.json is not a regular file"),
    "config-loop": (config_loop, "a loop of symbolic links"),
    "two words": (empty_config, "its name has to be"),
    "<script>": (empty_config, "its name has to be"),
    "x" * 200: (empty_config, "its name has to be"),
    os.fsdecode(b"odd-\xff"): (empty_config, "its name has to be"),
}


@pytest.fixture(scope="module")
def beside_bad_entries(tmp_path_factory):
    """A client of a server whose folder of models has one model and all bad entries."""
    models_dir = tmp_path_factory.mktemp("top") / "models"
    write_tiny(models_dir / "mine", "gpt2")
    for name, (make, _) in BAD.items():
        make(models_dir / name)
    with serving(Settings(model="local:mine", models_dir=models_dir)) as client:
        yield client


@pytest.mark.fault(45, decides=True)
@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_a_bad_entry_is_listed_as_failed_with_the_reason(beside_bad_entries, name):
    cards = beside_bad_entries.get("/api/v1/models").json()["models"]
    bad = next(card for card in cards if card["id"] == "local:" + name.encode("ascii", "backslashreplace").decode())
    assert (bad["state"], bad["source"]) == ("failed", "local")
    assert BAD[name][1] in bad["why"]
    assert len(bad["title"]) <= 100
    refused = beside_bad_entries.post("/api/v1/models/load", json={"model": bad["id"]})
    assert (refused.status_code, refused.json()["code"]) == (404, "model_not_found")


@pytest.mark.fault(45, decides=True)
def test_the_models_beside_bad_entries_work(beside_bad_entries):
    assert beside_bad_entries.post("/api/v1/models/load", json={"model": "local:mine"}).json()["state"] == "ready"
    assert beside_bad_entries.post("/api/v1/attention", json={"text": "the cat"}).is_success


def test_an_unreadable_folder_is_listed_as_failed_with_the_reason(tmp_path, forbidden):
    for name in ("mine", "secret"):
        write_tiny(tmp_path / name, "gpt2")
    forbidden(tmp_path / "secret")
    catalogue = Catalogue(tmp_path)
    listed = {entry.card.id: entry.card for entry in catalogue.listed() if entry.card.source == "local"}
    assert [(card.id, card.state) for card in listed.values()] == [
        ("local:mine", "available"),
        ("local:secret", "failed"),
    ]
    assert "cannot be read: Permission denied" in listed["local:secret"].why
    assert ["'secret'" in warning for warning in catalogue.skipped_folders()] == [True]
    with pytest.raises(ModelNotFound):
        catalogue.lookup("local:secret")


def test_an_unreadable_folder_of_models_is_named_in_a_warning_and_the_other_models_are_listed(tmp_path, forbidden):
    forbidden(tmp_path)
    catalogue = Catalogue(tmp_path)
    assert [entry.card.id for entry in catalogue.listed()][:2] == ["minilm", "gpt2-mini"]
    assert catalogue.skipped_folders() == [
        f"{tmp_path} cannot be read, so no model in it is offered: Permission denied"
    ]


def test_a_deleted_folder_of_models_is_named_in_a_warning(tmp_path):
    shutil.rmtree(tmp_path)
    assert Catalogue(tmp_path).skipped_folders() == [
        f"{tmp_path} cannot be read, so no model in it is offered: No such file or directory"
    ]


def test_files_and_folders_without_a_config_are_not_listed(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "link.txt").symlink_to("notes.txt")
    (tmp_path / "data").mkdir()
    assert [entry for entry in Catalogue(tmp_path).listed() if entry.card.source == "local"] == []
    assert [re.sub(" in .* is", " is", one) for one in Catalogue(tmp_path).skipped_folders()] == [
        "'data' is not offered: a model folder contains a readable config.json"
    ]


def test_of_thousands_of_entries_the_first_are_listed_and_all_can_be_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_ENTRIES", 20)
    monkeypatch.setattr(registry, "MAX_WARNINGS", 3)
    for number in range(2000):
        (tmp_path / f"plain-{number:04}").mkdir()
    for number in range(30):
        (tmp_path / f"model-{number:02}").mkdir()
        (tmp_path / f"model-{number:02}" / "config.json").write_text("{}")
    catalogue = Catalogue(tmp_path)
    local = [entry.card.id for entry in catalogue.listed() if entry.card.source == "local"]
    assert local == [f"local:model-{number:02}" for number in range(20)]
    assert catalogue.lookup("local:model-29").folder == tmp_path / "model-29"
    assert len(catalogue.skipped_folders()) == 4
    assert catalogue.skipped_folders()[-1] == f"1997 more in {tmp_path} are not offered"


def test_of_very_many_folders_only_the_first_are_looked_at_and_a_warning_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_LOOKED_AT", 30)
    monkeypatch.setattr(registry, "MAX_LOOKED_AT", 30)
    monkeypatch.setattr(registry, "MAX_WARNINGS", 3)
    looked_at, look_at = [], folders.look_at
    monkeypatch.setattr(folders, "look_at", lambda top, name: looked_at.append(name) or look_at(top, name))
    for number in range(100):
        (tmp_path / f"plain-{number:02}").mkdir()
        (tmp_path / f"a-file-{number:02}").touch()  # files are not counted
    write_tiny(tmp_path / "z", "gpt2")
    catalogue = Catalogue(tmp_path)
    catalogue.listed()
    assert looked_at == [f"plain-{number:02}" for number in range(30)]
    assert "more than 30 folders: those after 'plain-29' are not listed" in catalogue.skipped_folders()[-1]
    assert catalogue.lookup("local:z").folder == tmp_path / "z"


@pytest.mark.fault(12)
def test_the_message_about_an_unknown_model_names_no_folder_that_cannot_be_loaded(tmp_path):
    write_tiny(tmp_path / "mine", "gpt2")
    link_loop(tmp_path / "loop")
    with pytest.raises(ModelNotFound, match="local:mine") as refused:
        Catalogue(tmp_path).lookup("local:nobody")
    assert "local:loop" not in refused.value.detail


@pytest.mark.fault(12)
def test_a_folder_that_is_listed_but_cannot_be_loaded_is_refused_with_the_reason_in_the_list(tmp_path):
    link_loop(tmp_path / "loop")
    (listed,) = (entry.card for entry in Catalogue(tmp_path).listed() if entry.card.id == "local:loop")
    with pytest.raises(ModelNotFound) as refused:
        Catalogue(tmp_path).lookup("local:loop")
    assert refused.value.detail == f"'local:loop' cannot be loaded: {listed.why}"
